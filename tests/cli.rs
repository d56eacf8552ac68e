//! The command line as people and scripts meet it.

mod common;

use std::io::Read;
use std::process::Stdio;

use common::world::World;

#[test]
fn help_is_complete_and_has_examples() {
    let world = World::bare_hands();
    let overview = world.docket_ok(&["help"]);
    let verbs: Vec<&str> = overview
        .lines()
        .skip_while(|line| *line != "Commands:")
        .skip(1)
        .take_while(|line| !line.is_empty())
        .filter_map(|line| line.strip_prefix("  ")?.split_whitespace().next())
        .collect();
    assert!(
        verbs.contains(&"help") && verbs.contains(&"man"),
        "{overview}"
    );
    for verb in verbs {
        let help = world.docket_ok(&["help", verb]);
        assert!(
            help.contains("Examples:\n  git docket "),
            "{verb} has no examples:\n{help}"
        );
        assert!(
            help.starts_with(&world.docket_ok(&[verb, "--help"])),
            "{verb}"
        );
        let short = world.docket_ok(&[verb, "-h"]);
        let (_, examples) = short.split_once("Examples:\n").expect(&short);
        let whole = |line: &str| line.starts_with("  git docket ");
        assert!(examples.lines().all(whole), "{examples}");
        let longest = help
            .lines()
            .take_while(|line| !line.starts_with("Usage:"))
            .map(str::len)
            .max();
        assert!(
            longest <= Some(80),
            "{verb} does not fit a terminal:\n{help}"
        );
    }
}

#[test]
fn every_manual_page_can_be_read() {
    let world = World::bare_hands();
    let overview = world.docket_ok(&["help"]);
    for (name, text) in git_docket::manual::PAGES {
        assert!(world.docket_ok(&["help", name]).ends_with(text), "{name}");
        assert!(
            overview.contains(&format!("\n  {name} ")),
            "{name} is not listed"
        );
    }
    let ran = world.docket(&["help", "nothing-of-that-name"]);
    assert_eq!(ran.code, 2);
    assert!(
        ran.err.starts_with("error: ") && ran.err.contains("hint: "),
        "{}",
        ran.err
    );
}

#[test]
fn usage_errors_are_two_and_go_to_standard_error() {
    let world = World::new();
    for arguments in [
        &["no-such-verb"][..],
        &["help", "--no-such-flag"],
        &["-o", "yaml", "help"],
    ] {
        let ran = world.docket(arguments);
        assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{arguments:?}");
        assert!(ran.err.starts_with("error: "), "{}", ran.err);
    }
    let ran = world.docket(&["-C", "no-such-folder", "help"]);
    assert_eq!(ran.code, 5);
    insta::assert_snapshot!(ran.err, @"error: cannot go to no-such-folder: No such file or directory (os error 2)");
}

#[test]
fn an_empty_value_is_refused_wherever_it_comes_from() {
    let mut world = World::new();
    assert_eq!(world.docket(&["help", "--ledger-ref", ""]).code, 2);
    world.set("DOCKET_LEDGER_REF", "");
    let ran = world.docket(&["help"]);
    assert_eq!(ran.code, 2);
    assert!(
        ran.err.contains("DOCKET_LEDGER_REF is set and empty"),
        "{}",
        ran.err
    );
    world.set("DOCKET_LEDGER_REF", "refs/notes/other");
    assert_eq!(world.docket(&["help"]).code, 0);
    world.set("DOCKET_FORMAT", "yaml");
    assert_eq!(
        world.docket(&["help"]).code,
        2,
        "a variable is read as its flag is"
    );
}

#[test]
fn man_pages_are_written_for_every_verb() {
    let world = World::bare_hands();
    world.docket_ok(&["man", "--dir", "man/man1"]);
    let page =
        |name: &str| std::fs::read_to_string(world.repo().join("man/man1").join(name)).expect(name);
    assert!(page("git-docket.1").contains(".TH git-docket 1"));
    assert!(page("git-docket-man.1").contains("\n.SH EXAMPLES\n  git docket man"));
    assert_eq!(world.docket_ok(&["man"]), page("git-docket.1"));
}

#[test]
fn completions_are_accepted_by_their_shells() {
    let world = World::bare_hands();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        assert!(
            world
                .docket_ok(&["completions", shell])
                .contains("git-docket"),
            "{shell}"
        );
    }
    world.write("complete.bash", &world.docket_ok(&["completions", "bash"]));
    let ran = world.run(
        "bash",
        &[
            "-c",
            ". ./complete.bash && COMP_WORDS=(git docket comp) COMP_CWORD=2 && _git_docket && echo ${COMPREPLY[@]}",
        ],
    );
    assert_eq!(
        (ran.code, ran.out.as_str()),
        (0, "completions\n"),
        "{}",
        ran.err
    );
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let world = World::bare_hands();
    let mut child = world
        .command(env!("CARGO_BIN_EXE_git-docket"))
        .args(["completions", "zsh"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program can be started");
    drop(child.stdout.take());
    let mut said = String::new();
    child
        .stderr
        .take()
        .expect("piped")
        .read_to_string(&mut said)
        .expect("text");
    assert_eq!(
        (child.wait().expect("ends").code(), said.as_str()),
        (Some(0), "")
    );
}

#[test]
fn nothing_is_said_in_colour_to_a_file() {
    let ran = World::bare_hands().docket(&["help", "nothing-of-that-name"]);
    assert!(!ran.err.contains('\u{1b}') && !ran.out.contains('\u{1b}'));
}

#[test]
fn keys_are_made_listed_and_read_by_openssl() {
    let mut world = World::bare_hands();
    assert_eq!(
        world.docket(&["key", "list"]).code,
        3,
        "an empty result is never 0"
    );
    assert_eq!(world.docket(&["key", "show"]).code, 5);
    world.docket_ok(&["key", "generate"]);
    let again = world.docket(&["key", "generate"]);
    assert_eq!(again.code, 5);
    assert!(again.err.contains("never written over"), "{}", again.err);
    world.set("DOCKET_PASSPHRASE", "correct horse");
    world.docket_ok(&["key", "generate", "release", "--encrypt"]);
    assert_eq!(world.docket_ok(&["key", "list"]).lines().count(), 2);
    let shown = world.docket_ok(&["key", "show", "release", "--vkey", "example.com/app"]);
    assert!(shown.contains("vkey  example.com/app+"), "{shown}");
    let keys = world.root().join("home/.local/share/git-docket/keys");
    let public = std::fs::read_to_string(keys.join("release.pub.pem")).expect("there");
    assert!(shown.ends_with(&public), "{shown}");
    for (file, pass) in [
        ("default.pem", "pass:"),
        ("release.pem", "pass:correct horse"),
    ] {
        let path = keys.join(file).to_string_lossy().into_owned();
        let ran = world.run(
            "openssl",
            &["pkey", "-in", &path, "-passin", pass, "-pubout"],
        );
        let ours =
            std::fs::read_to_string(keys.join(file.replace(".pem", ".pub.pem"))).expect("there");
        assert_eq!(
            (ran.code, ran.out.as_str()),
            (0, ours.as_str()),
            "{}",
            ran.err
        );
    }
}

#[test]
fn keys_that_openssl_made_are_used_and_ours_have_sshs_fingerprint() {
    let mut world = World::bare_hands();
    let run = |world: &World, line: &str| {
        let (program, rest) = line.split_once(' ').expect("words");
        let ran = world.run(program, &rest.split(' ').collect::<Vec<_>>());
        assert_eq!(ran.code, 0, "{line}: {}", ran.err);
        ran.out
    };
    let page = git_docket::manual::page("keys").expect("a page");
    world.set("DOCKET_PASSPHRASE", "correct-horse");
    for line in [
        "openssl genpkey -algorithm ed25519 -out key.pem",
        "openssl pkcs8 -topk8 -v2 aes-256-cbc -in key.pem -out encrypted.pem",
    ] {
        assert!(page.contains(&format!("\n{line}")), "{line}");
        let passed = if line.contains("-topk8") {
            " -passout env:DOCKET_PASSPHRASE"
        } else {
            ""
        };
        run(&world, &format!("{line}{passed}"));
    }
    run(&world, "chmod 600 key.pem encrypted.pem");
    let public = run(&world, "openssl pkey -in key.pem -pubout");
    for file in ["./key.pem", "./encrypted.pem"] {
        let shown = world.docket_ok(&["key", "show", file]);
        assert!(shown.ends_with(&public), "{shown}");
        let field = |name: &str| {
            let line = shown.lines().find_map(|line| line.strip_prefix(name));
            line.expect(name).trim().to_owned()
        };
        world.write("ssh.pub", &field("ssh "));
        let fingerprint = run(&world, "ssh-keygen -lf ssh.pub");
        assert_eq!(fingerprint.split(' ').nth(1), Some(&*field("id ")));
    }
}
