//! The house's rules: a module names only modules above it, and some words stand in one place only.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::{fs, path::Path};

/// The modules in order; those in one group may not name each other unless the earlier comes first.
const ORDER: &[&str] = &[
    "base64",
    "digest",
    "timestamp",
    "canonical",
    "merkle",
    "signing",
    "statement",
    "envelope",
    "attestation",
    "ledger",
    "finding",
    "sigstore",
    "roster",
    "policy",
    "judge",
    "verify",
    "archive",
    "query",
    "insight",
    "report",
    "ingest",
    "manual",
    "process",
    "git",
    "store",
    "keyring",
    "keyless",
    "capture",
    "index",
    "ops",
    "serve",
];
/// Up to here nothing touches the world.
const PURE_UP_TO: &str = "manual";

fn sources() -> Vec<(String, String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let name = path
                    .strip_prefix(&root)
                    .unwrap()
                    .to_str()
                    .unwrap()
                    .to_owned();
                let module = name
                    .split('/')
                    .next()
                    .unwrap()
                    .trim_end_matches(".rs")
                    .to_owned();
                // What stands in test modules is not the house's.
                let text = fs::read_to_string(&path).unwrap();
                let text = text.split("#[cfg(test)]").next().unwrap().to_owned();
                let code: String = text
                    .lines()
                    .filter(|line| !line.trim_start().starts_with("//"))
                    .map(|line| format!("{line}\n"))
                    .collect();
                files.push((module, name, code));
            }
        }
    }
    assert!(files.len() > 40, "the sources were not found");
    files
}

fn place(module: &str) -> Option<usize> {
    ORDER.iter().position(|known| *known == module)
}

/// The modules that a file names as `crate::…`, single or in braces.
fn named(text: &str) -> Vec<String> {
    let word = |text: &str| -> String {
        text.chars()
            .take_while(|c| c.is_alphanumeric() || *c == '_')
            .collect()
    };
    let mut found = Vec::new();
    for (at, _) in text.match_indices("crate::") {
        let rest = &text[at + "crate::".len()..];
        match rest.strip_prefix('{') {
            None => found.push(word(rest)),
            Some(list) => {
                let mut depth = 0;
                let mut start = true;
                for (index, c) in list.char_indices() {
                    if depth == 0 && start && !c.is_whitespace() && c != '}' {
                        found.push(word(&list[index..]));
                        start = false;
                    }
                    match c {
                        '{' => depth += 1,
                        '}' if depth == 0 => break,
                        '}' => depth -= 1,
                        ',' if depth == 0 => start = true,
                        _ => {}
                    }
                }
            }
        }
    }
    found.retain(|module| !module.is_empty());
    found
}

#[test]
fn a_module_names_only_modules_above_it() {
    let mut seen = 0;
    for (module, name, text) in sources() {
        let Some(own) = place(&module) else {
            assert!(
                ["lib", "bin"].contains(&module.as_str()),
                "{name} has no place in the order"
            );
            continue;
        };
        for other in named(&text) {
            let place = place(&other).unwrap_or_else(|| panic!("{name} names crate::{other}"));
            assert!(place <= own, "{name} names {other}, which stands below it");
            seen += usize::from(other != module);
        }
    }
    assert!(seen > 60, "the names were not found");
}

#[test]
fn the_pure_modules_touch_nothing() {
    let pure = place(PURE_UP_TO).unwrap();
    let worldly = [
        "std::fs",
        "std::env",
        "std::net",
        "std::process",
        "SystemTime",
        "Instant::now",
    ];
    for (module, name, text) in sources() {
        if place(&module).is_some_and(|place| place <= pure) {
            for word in worldly {
                assert!(!text.contains(word), "{name} has {word}");
            }
        }
    }
}

#[test]
fn some_words_stand_in_one_place() {
    for (module, name, text) in sources() {
        let only = |word: &str, owner: &str| {
            assert!(module == owner || !text.contains(word), "{name} has {word}");
        };
        only("gix::", "git");
        only(
            "Command::new(",
            if module == "bin" { "bin" } else { "process" },
        );
        only("clap::", "bin");
        only("println!", "bin");
        only("SystemTime::now", "bin");
        for word in [".unwrap()", "todo!(", "unimplemented!(", "unsafe {"] {
            assert!(!text.contains(word), "{name} has {word}");
        }
    }
}
