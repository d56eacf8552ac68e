//! The manual's pipelines, as far as a shell can run them: each line that a CI system would hand to a shell is run,
//! each job in a shallow clone on a machine of its own (another home), files passed on as artifacts are.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use common::http::{Habits, Server};
use common::world::World;
use git_docket::manual;

/// A ledger on a server, with a pipeline's key in its roster; what the manual says before the first pipeline is done.
struct Site {
    world: World,
    server: Server,
    key: String,
}

impl Site {
    fn new() -> Self {
        let world = World::new();
        let bare = world.root().join("server/app.git").display().to_string();
        world.commit(
            "Makefile",
            "out:\n\techo built >out\ntest:\n\techo tested $(OS)\n",
        );
        world.git(&["init", "-q", "--bare", "-b", "main", &bare]);
        world.git(&["remote", "add", "origin", &bare]);
        world.docket_ok(&["init", "--origin", "git.example.com/acme/app"]);
        world.git(&["add", ".docket.toml"]);
        world.git(&["commit", "-q", "-m", "Pin the ledger"]);
        world.git(&["push", "-q", "origin", "main"]);
        let tools = world.root().join("bin");
        fs::create_dir(&tools).unwrap();
        std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_git-docket"), tools.join("git-docket"))
            .unwrap();
        let before = block("Before the first pipeline");
        // The secret store of this test.
        let before = before
            .replace("cat ~/.local", "cp ~/.local")
            .replace("        # into the secret DOCKET_SIGNING_KEY", " ../secret");
        let site = Site {
            server: Server::start(&world.root().join("server"), Habits::default()),
            world,
            key: String::new(),
        };
        site.shell(&site.world.repo(), "home", &before, &[]);
        let key = fs::read_to_string(site.world.root().join("secret")).unwrap();
        assert!(key.contains("PRIVATE KEY"));
        Site { key, ..site }
    }

    /// Runs a script as `sh -e` in a folder, on a machine with this home; it must succeed.
    fn shell(&self, folder: &Path, home: &str, script: &str, variables: &[(&str, &str)]) -> String {
        let home = self.world.root().join(home);
        fs::create_dir_all(&home).unwrap();
        let path = format!(
            "{}:{}",
            self.world.root().join("bin").display(),
            std::env::var("PATH").unwrap()
        );
        let output = self
            .world
            .command("sh")
            .args(["-ec", script])
            .current_dir(folder)
            .env("HOME", home)
            .env("PATH", path)
            .envs(variables.iter().copied())
            .output()
            .unwrap();
        let ran = self.world.ran(&output);
        assert_eq!(ran.code, 0, "{script}\n{}{}", ran.out, ran.err);
        ran.out + &ran.err
    }

    /// A job: a fresh machine, a fresh shallow clone, the artifacts so far; its own artifacts are kept.
    fn job(&self, name: &str, script: &str, variables: &[(&str, &str)]) -> String {
        let folder = self.world.root().join(name);
        let clone = folder.display().to_string();
        let url = self.server.url("app.git");
        self.world
            .git(&["clone", "-q", "--depth", "1", &url, &clone]);
        let artifacts = self.world.root().join("artifacts");
        fs::create_dir_all(&artifacts).unwrap();
        copy_all(&artifacts, &folder);
        let said = self.shell(&folder, &format!("home-{name}"), script, variables);
        copy_all(&folder, &artifacts);
        said
    }

    fn with_key<'a>(&'a self, more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
        let key = [
            ("DOCKET_KEY", "env://DOCKET_SIGNING_KEY"),
            ("DOCKET_SIGNING_KEY", self.key.as_str()),
        ];
        [&key[..], more].concat()
    }

    /// The steps on the server's ledger, oldest first, without what governs it.
    fn steps(&self) -> Vec<String> {
        self.world.docket_ok(&["fetch"]);
        let verified = self.world.docket(&["verify"]);
        assert_eq!(verified.code, 0, "{}{}", verified.out, verified.err);
        let log = self.world.docket_ok(&["log", "-o", "json"]);
        let step = |line: &str| {
            let entry: serde_json::Value = serde_json::from_str(line).unwrap();
            entry["step"].as_str().unwrap().to_owned()
        };
        let mut steps: Vec<String> = log.lines().map(step).collect();
        steps.retain(|step| !matches!(step.as_str(), "genesis" | "roster"));
        steps.sort();
        steps
    }
}

/// Copies the exported spools.
fn copy_all(from: &Path, to: &Path) {
    for file in fs::read_dir(from).unwrap() {
        let path: PathBuf = file.unwrap().path();
        if path.extension().is_some_and(|kind| kind == "jsonl") {
            fs::copy(&path, to.join(path.file_name().unwrap())).unwrap();
        }
    }
}

/// The code block of a section of the page.
fn block(section: &str) -> String {
    let page = manual::page("ci").unwrap();
    let (_, rest) = page
        .split_once(&format!("\n## {section}\n"))
        .expect(section);
    let fence = rest.split("```").nth(1).expect(section);
    fence.split_once('\n').unwrap().1.to_owned()
}

/// The shell lines of a job, but for one that names a forge's host: from the line that names it to the one that names the next.
fn lines(section: &str, from: &str, to: Option<&str>) -> String {
    let block = block(section);
    let (_, job) = block.split_once(from).expect(from);
    let job = to.map_or(job, |to| job.split_once(to).expect(to).0);
    let shell = |line: &str| {
        let line = line.trim();
        // Jenkins
        if let Some(at) = line.find("sh 'git docket") {
            return Some(line[at + 4..].split('\'').next().unwrap().to_owned());
        }
        let line = line.strip_prefix("- ").unwrap_or(line);
        let line = line.strip_prefix("run: ").unwrap_or(line);
        ["git docket", "if ["]
            .iter()
            .any(|begin| line.starts_with(begin))
            .then(|| line.to_owned())
    };
    let lines: Vec<String> = job.lines().filter_map(shell).collect();
    assert!(!lines.is_empty(), "{section}: {from} has no shell line");
    lines.join("\n")
}

#[test]
fn the_readme_s_pipeline_is_the_manual_s() {
    let readme =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap();
    let block = readme.split("```yaml\n").nth(1).unwrap();
    let (whole, lines) = (
        self::block("GitHub Actions"),
        block.split("```").next().unwrap(),
    );
    let is_there = |line: &&str| whole.lines().any(|known| known == *line);
    let strange: Vec<&str> = lines.lines().filter(|line| !is_there(line)).collect();
    assert_eq!(strange, [""; 0]);
    assert!(lines.contains("git docket push"));
}

#[test]
fn github_and_gitlab_jobs_on_machines_of_their_own_push_once() {
    let sections = [
        (
            "GitHub Actions",
            "\n  build:\n",
            "\n  test:\n",
            "\n  docket:\n",
        ),
        ("GitLab CI", "\nbuild:\n", "\ntest:\n", "\ndocket:\n"),
    ];
    for (section, build, test, docket) in sections {
        let site = Site::new();
        site.job(
            "build",
            &lines(section, build, Some(test)),
            &site.with_key(&[]),
        );
        for os in ["linux", "macos"] {
            let variables = site.with_key(&[("OS", os)]);
            site.job(os, &lines(section, test, Some(docket)), &variables);
        }
        let variables = site.with_key(&[]);
        let before = site.world.docket_ok(&["log", "-o", "json"]).lines().count();
        site.job("docket", &lines(section, docket, None), &variables);
        assert_eq!(site.steps(), ["build", "test", "test"], "{section}");
        let after = site.world.docket_ok(&["log", "-o", "json"]).lines().count();
        assert_eq!(after, before + 3);
    }
}

#[test]
fn a_fork_s_pull_request_has_no_key_and_is_green() {
    let without = [
        ("DOCKET_KEY", "env://DOCKET_SIGNING_KEY"),
        ("DOCKET_SIGNING_KEY", ""),
    ];
    let site = Site::new();
    let said = site.job(
        "gitlab",
        &lines("GitLab CI", "\nbuild:\n", Some("\ntest:\n")),
        &without,
    );
    assert!(said.contains("warning:"), "it is said loudly: {said}");
    // There `if: env.DOCKET_SIGNING_KEY` leaves the export out.
    let script = lines("GitHub Actions", "\n  build:\n", Some("\n  test:\n"));
    site.job("github", script.lines().next().unwrap(), &without);
    assert!(site.steps().is_empty());
}

#[test]
fn jenkins_stages_push_once() {
    let site = Site::new();
    let key = site.with_key(&[]);
    let stage = |name: &str| format!("stage('{name}')");
    let (build, test, docket) = (stage("build"), stage("test"), stage("docket"));
    site.job("build", &lines("Jenkins", &build, Some(&test)), &key);
    site.job("test", &lines("Jenkins", &test, Some(&docket)), &key);
    site.job("docket", &lines("Jenkins", &docket, None), &key);
    assert_eq!(site.steps(), ["build", "test"]);
}

#[test]
fn one_machine_pushes_what_its_spool_has() {
    for section in ["Harness", "A plain shell"] {
        let site = Site::new();
        site.job("all", &lines(section, "", None), &site.with_key(&[]));
        assert_eq!(site.steps(), ["build", "test"], "{section}");
    }
}

#[test]
fn the_scheduled_fold_takes_in_what_waits_in_inboxes() {
    let site = Site::new();
    let key = site.with_key(&[]);
    // A server that takes nothing for the ledger's ref for a while: the push ends in an inbox.
    let hook = site.world.root().join("server/app.git/hooks/update");
    fs::create_dir_all(hook.parent().unwrap()).unwrap();
    fs::write(&hook, "#!/bin/sh\ncase $1 in refs/notes/*) exit 1;; esac\n").unwrap();
    fs::set_permissions(&hook, fs::Permissions::from_mode(0o755)).unwrap();
    let script = "git docket run --step build -- true; git docket push --tries 1 && exit 9; true";
    site.job("busy", script, &key);
    let bare = site
        .world
        .root()
        .join("server/app.git")
        .display()
        .to_string();
    let inboxes = ["-C", &bare, "for-each-ref", "refs/docket/inbox"];
    assert_ne!(site.world.git(&inboxes), "");
    fs::remove_file(&hook).unwrap();
    site.job("fold", &lines("A scheduled fold", "", None), &key);
    assert_eq!(site.steps(), ["build"]);
    assert_eq!(site.world.git(&inboxes), "");
}
