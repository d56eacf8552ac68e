//! `status` tells apart what waits where: in the spool, in an inbox, in the ledger, and sealed.

#[path = "common/mod.rs"]
mod common;

use common::server::{FORMATS, at, clone, docket, git, ok, served, step};
use common::world::World;
use serde_json::Value;

fn status(world: &World, folder: &str, arguments: &[&str]) -> Value {
    let ran = docket(
        world,
        folder,
        &[&["status", "-o", "json"], arguments].concat(),
    );
    serde_json::from_str(&ran.out).expect("JSON")
}

fn inboxes(status: &Value) -> &Value {
    &status["inboxes"]["remotes"]["origin"]["inboxes"]
}

#[test]
fn each_place_where_an_entry_may_be_is_counted() {
    for format in FORMATS {
        let world = served(format);
        clone(&world, "writer");
        // Signed where no ledger is.
        step(&world, "writer", "build");
        let before = status(&world, "writer", &[]);
        assert_eq!(before["pending"], 1);
        assert_eq!(before["inboxes"]["remotes"], serde_json::json!({}));
        assert_eq!(before.get("ledger"), None);
        // The remote is busy: an inbox.
        let ran = docket(&world, "writer", &["push", "--tries", "0"]);
        assert_eq!(ran.code, 6, "{}", ran.err);
        let busy = status(&world, "writer", &[]);
        assert_eq!(inboxes(&busy), 1);
        assert_eq!(busy["ledger"]["unpushed"]["origin"], 1);
        let text = ok(&world, "writer", &["status"]);
        assert!(
            text.contains("inboxes   1 on origin, asked 2026-11-22T10:00:00Z\n"),
            "{text}"
        );
        // Where they stand, they are counted too.
        assert_eq!(status(&world, "server.git", &[])["inboxes"]["here"], 1);
        // Another clone knows what it has asked for, and nothing else.
        let other = status(&world, "repo", &[]);
        assert_eq!(inboxes(&other), 0);
        assert_eq!(inboxes(&status(&world, "repo", &["--ask"])), 1);
        assert_eq!(inboxes(&status(&world, "repo", &[])), 1);
        step(&world, "repo", "test");
        ok(&world, "repo", &["push"]);
        let ran = docket(&world, "repo", &["status"]);
        assert!(ran.err.contains("git docket fold"), "{}", ran.err);
        ok(&world, "repo", &["fold"]);
        let folded = status(&world, "repo", &[]);
        assert_eq!(inboxes(&folded), 0);
        assert_eq!(folded["ledger"]["entries"], 3);
        assert_eq!(folded["ledger"]["unsealed"], 3);
        ok(&world, "repo", &["seal"]);
        assert_eq!(status(&world, "repo", &[])["ledger"]["sealed"], 3);
        ok(&world, "repo", &["push"]);
        // What was remembered of the remote is stale until it is asked again.
        assert_eq!(inboxes(&status(&world, "writer", &[])), 1);
        ok(&world, "writer", &["fetch"]);
        assert_eq!(inboxes(&status(&world, "writer", &[])), 0);
    }
}

#[test]
fn a_remote_that_cannot_be_asked_is_an_error_and_a_damaged_answer_none_at_all() {
    let world = served("sha1");
    ok(&world, "repo", &["fetch"]);
    let kept = at(&world, "repo/.git/docket/inboxes/origin.json");
    for damaged in ["", "{", "{\"v\":1,\"asked\":\"now\",\"inboxes\":7}\n"] {
        std::fs::write(&kept, damaged).expect("written");
        assert_eq!(*inboxes(&status(&world, "repo", &[])), Value::Null);
    }
    let nowhere = at(&world, "nowhere.git");
    git(&world, "repo", &["remote", "set-url", "origin", &nowhere]);
    let ran = docket(&world, "repo", &["status", "--ask"]);
    assert_eq!(ran.code, 5, "{}{}", ran.out, ran.err);
}

#[test]
fn a_mirror_that_was_never_seen_is_said() {
    for format in FORMATS {
        let world = served(format);
        let mirror = "refs/heads/docket-ledger";
        git(&world, "repo", &["config", "docket.mirror", mirror]);
        let ran = docket(&world, "repo", &["verify"]);
        assert_eq!(ran.code, 3, "{}{}", ran.out, ran.err);
        assert!(ran.out.contains("[mirror-unseen]"), "{}", ran.out);
        let text = ok(&world, "repo", &["status"]);
        let line = "mirror    refs/heads/docket-ledger, which was never seen from here\n";
        assert!(text.contains(line), "{text}");
        step(&world, "repo", "build");
        ok(&world, "repo", &["push"]);
        ok(&world, "repo", &["verify"]);
        let text = ok(&world, "repo", &["status"]);
        assert!(
            text.contains("mirror    refs/heads/docket-ledger\n"),
            "{text}"
        );
        // A clone of one branch has nothing of the mirror; fetch brings it, and what it tells.
        let (url, one) = (at(&world, "server.git"), at(&world, "one"));
        world.git(&["clone", "-q", "--single-branch", "-b", "main", &url, &one]);
        git(&world, "one", &["config", "docket.mirror", mirror]);
        ok(&world, "one", &["fetch"]);
        ok(&world, "one", &["verify"]);
        let first = git(&world, "server.git", &["rev-parse", "refs/notes/docket~1"]);
        common::server::set_tip(&world, first.trim());
        std::fs::remove_dir_all(world.root().join("home/.local/state")).expect("removed");
        clone(&world, "other");
        git(&world, "other", &["config", "docket.mirror", mirror]);
        let ran = docket(&world, "other", &["fetch"]);
        assert_eq!(ran.code, 4, "{}{}", ran.out, ran.err);
        assert!(ran.err.contains("mirror-ahead"), "{}", ran.err);
    }
}
