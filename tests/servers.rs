//! Our own test servers, tested with stock git: what later tests blame on us must not be theirs.

#[path = "common/mod.rs"]
mod common;
#[path = "common/peer.rs"]
mod peer;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use common::http::{Habits, Server};
use common::ssh::Sshd;
use common::world::World;

/// A world with a commit and an empty bare repository `server/app.git`.
fn world(format: &str) -> World {
    let world = World::with_format(format);
    world.commit("README", "hello\n");
    let bare = world.root().join("server/app.git").display().to_string();
    world.git(&["init", "-q", "--bare", "--object-format", format, &bare]);
    world
}

#[test]
fn http_takes_pushes_and_gives_them_back() {
    for format in ["sha1", "sha256"] {
        let world = world(format);
        let server = Server::start(&world.root().join("server"), Habits::default());
        let url = server.url("app.git");
        // More than git's post buffer, so that the push is sent in chunks.
        let noise: String = (0..400_000_u32)
            .map(|n| format!("{:x} ", n.wrapping_mul(2_654_435_761)))
            .collect();
        world.commit("noise", &noise);
        world.git(&["push", "-q", &url, "main"]);
        let there = world.git(&["ls-remote", &url, "refs/heads/main"]);
        assert!(there.starts_with(world.git(&["rev-parse", "main"]).trim()));
        let traffic = server.traffic();
        assert!(traffic.received > 1 << 20, "{traffic:?}");
        let clone = world.root().join("clone").display().to_string();
        world.git(&["clone", "-q", &url, &clone]);
        assert!(server.traffic().sent > 1 << 20);
    }
}

#[test]
fn http_has_the_bad_habits_that_were_asked_for() {
    let world = world("sha1");
    let server = Server::start(&world.root().join("server"), Habits::default());
    let url = server.url("app.git");
    let push = |more: &[&str]| {
        let push = ["push", "-q", &url, "HEAD:refs/heads/x"];
        world.run("git", &[more, &push].concat()).code
    };
    server.behave(Habits {
        refuses_pushes: Some(403),
        ..Habits::default()
    });
    assert_ne!(push(&[]), 0);
    server.behave(Habits {
        credentials: Some(("ada".into(), "secret".into())),
        ..Habits::default()
    });
    assert_ne!(push(&["-c", "credential.helper="]), 0);
    let helper = "credential.helper=!echo username=ada; echo password=secret; :";
    assert_eq!(push(&["-c", helper]), 0);
    server.behave(Habits {
        header: Some(("x-token".into(), "t1".into())),
        ..Habits::default()
    });
    assert_ne!(push(&[]), 0);
    let header = format!("http.{}.extraheader=X-Token: t1", server.url(""));
    assert_eq!(push(&["-c", &header]), 0);
    server.behave(Habits {
        breaks_one_in: 2,
        delay: Duration::from_millis(5),
        ..Habits::default()
    });
    let ends: Vec<i32> = (0..20)
        .map(|_| world.run("git", &["ls-remote", &url]).code)
        .collect();
    assert!(
        ends.contains(&0) && ends.iter().any(|code| *code != 0),
        "{ends:?}"
    );
}

#[test]
fn ssh_asks_for_nothing_and_works() {
    let Some(sshd) = peer::on_path("DOCKET_PEER_SSHD", "sshd") else {
        return;
    };
    let world = world("sha1");
    let server = Sshd::start(&sshd, &world.root().join("sshd"));
    let url = server.url(&world.root().join("server/app.git"));
    world.git(&["config", "core.sshCommand", &server.command()]);
    world.git(&["push", "-q", &url, "main"]);
    let there = world.git(&["ls-remote", &url, "refs/heads/main"]);
    assert!(there.starts_with(world.git(&["rev-parse", "main"]).trim()));
    let key = fs::metadata(world.root().join("sshd/client")).expect("it was made");
    assert_eq!(key.permissions().mode() & 0o77, 0);
}
