//! What forges and git-ai say is read or refused.
#![no_main]

use git_docket::ingest::{forge, git_ai};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    for of in [forge::Forge::GitHub, forge::Forge::GitLab] {
        let _ = forge::read(of, &[("data".to_owned(), data.to_vec())]);
    }
    let _ = git_ai::Note::read(data);
});
