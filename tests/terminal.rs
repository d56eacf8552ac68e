//! What differs on a terminal: pager, progress and the question for a passphrase. `script` of util-linux makes
//! the terminal.

mod common;

use std::io::Write as _;
use std::process::Stdio;

use common::world::World;

/// Runs a command line on a terminal, with lines typed into it; what the terminal showed. `None`, said
/// loudly, where this machine cannot make one.
fn on_a_terminal(world: &World, command: &str, typed: &str) -> Option<(i32, String)> {
    let line = format!("'{}' {command}", env!("CARGO_BIN_EXE_git-docket"));
    let mut script = world.command("script");
    script
        .env("TERM", "xterm")
        .args(["-qec", &line, "/dev/null"]);
    script.stdin(Stdio::piped()).stdout(Stdio::piped());
    let Ok(mut child) = script.spawn() else {
        eprintln!("SKIPPED: there is no program `script` here to make a terminal");
        return None;
    };
    let mut stdin = child.stdin.take().expect("it is a pipe");
    let lines = typed.to_owned();
    let (end, ended) = std::sync::mpsc::channel::<()>();
    let typist = std::thread::spawn(move || {
        for line in lines.lines() {
            // A question throws away what was typed before it was asked.
            std::thread::sleep(std::time::Duration::from_millis(1500));
            let _ = writeln!(stdin, "{line}");
        }
        // The end of the input would end the terminal before its program.
        let _ = ended.recv();
    });
    let output = child.wait_with_output().expect("it ends");
    drop(end);
    typist.join().expect("it types");
    let shown = String::from_utf8_lossy(&output.stdout).into_owned();
    Some((output.status.code().unwrap_or(-1), shown))
}

#[test]
fn listings_are_paged_as_git_pages() {
    let mut world = World::new();
    world.docket_ok(&["init", "--origin", "git.example.com/acme/app"]);
    let marked = |mark: &str| format!("sed 's/^/{mark}:/'");
    let shows = |world: &World, command: &str, mark: &str| {
        let Some((code, shown)) = on_a_terminal(world, command, "") else {
            return true;
        };
        assert_eq!(code, 0, "{shown}");
        assert!(shown.contains("genesis"), "{shown}");
        shown.starts_with(mark)
    };
    world.set("PAGER", &marked("pager"));
    assert!(shows(&world, "log", "pager:"));
    assert!(shows(&world, "show 0", "pager:"));
    assert!(!shows(&world, "log --no-pager", "pager:"));
    assert!(!shows(&world, "log -o json", "pager:"));
    world.git(&["config", "core.pager", &marked("core")]);
    assert!(shows(&world, "log", "core:"));
    world.set("GIT_PAGER", &marked("git"));
    assert!(shows(&world, "log", "git:"));
    world.set("GIT_PAGER", "echo $LESS genesis; cat >/dev/null");
    assert!(shows(&world, "log", "FRX genesis"));
    world.set("GIT_PAGER", "no-such-pager --at-all");
    assert!(
        shows(&world, "log", "0 "),
        "nothing is lost without a pager"
    );
    world.set("GIT_PAGER", "cat");
    assert!(shows(&world, "log", "0 "));
    let ran = world.docket(&["log"]);
    assert!(ran.out.starts_with("0 "), "no pager but on a terminal");
}

#[test]
fn a_passphrase_is_asked_for_on_a_terminal_alone() {
    let world = World::new();
    let ran = world.docket(&["key", "generate", "--encrypt"]);
    assert_eq!(ran.code, 5, "nobody can be asked: {}", ran.err);
    let typed = "correct horse\ncorrect horse\n";
    let Some((code, shown)) = on_a_terminal(&world, "key generate --encrypt", typed) else {
        return;
    };
    assert_eq!(code, 0, "{shown}");
    assert!(!shown.contains("ENCRYPTED"), "{shown}");
    let key = world
        .root()
        .join("home/.local/share/git-docket/keys/default.pem");
    let pem = std::fs::read_to_string(key).expect("a key");
    assert!(pem.starts_with("-----BEGIN ENCRYPTED PRIVATE KEY-----"));
}

#[test]
fn long_hashing_shows_progress_on_a_terminal_alone() {
    let world = World::new();
    world.docket_ok(&["init", "--origin", "git.example.com/acme/app"]);
    for index in 0..600 {
        world.write(&format!("many/{index}"), &index.to_string());
    }
    let words = ["run", "--step", "test", "--material", "many", "--", "true"];
    let quiet = world.docket(&words);
    assert!(!quiet.err.contains("materials"), "{}", quiet.err);
    if let Some((code, shown)) = on_a_terminal(&world, &words.join(" "), "") {
        assert_eq!(code, 0, "{shown}");
        assert!(shown.contains("/600"), "{shown:?}");
    }
}
