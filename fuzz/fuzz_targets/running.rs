//! Files that say what runs are read or refused.
#![no_main]

use git_docket::ingest::running::{index, planned, seen};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    for source in ["kubectl-pods", "ecs-tasks", "docker-ps", "csv"] {
        let _ = seen::read(source.parse().expect("a source"), data);
    }
    for source in ["k8s-manifest", "helm", "terraform-show-json", "docker-inspect"] {
        let _ = planned::read(source.parse().expect("a source"), data);
    }
    let _ = index::read(data);
});
