//! The manual: one Markdown page a topic, shown here by rustdoc and by `git docket help TOPIC`.
//!
//! A page is a file `src/manual/NAME.md` and one line in the list below; checks and predicate types have folders of
//! their own.

macro_rules! pages {
    ($($module:ident $name:literal)*) => {
        /// Every page: its name, as given to `git docket help`, and its Markdown text.
        pub const PAGES: &[(&str, &str)] = &[$(($name, include_str!(concat!($name, ".md")))),*];

        $(
            #[doc = include_str!(concat!($name, ".md"))]
            pub mod $module {}
        )*
    };
}

pages! {
    ai "ai"
    append_record "append-record"
    archive "archive"
    attestation "attestation"
    check_c01 "check/C01"
    check_c02 "check/C02"
    check_c03 "check/C03"
    check_c04 "check/C04"
    check_c05 "check/C05"
    check_c06 "check/C06"
    check_c07 "check/C07"
    check_c08 "check/C08"
    check_c09 "check/C09"
    check_c10 "check/C10"
    check_c11 "check/C11"
    check_c12 "check/C12"
    check_c13 "check/C13"
    check_c14 "check/C14"
    check_c15 "check/C15"
    check_c16 "check/C16"
    check_c17 "check/C17"
    check_c18 "check/C18"
    check_c19 "check/C19"
    check_c20 "check/C20"
    check_c21 "check/C21"
    check_c22 "check/C22"
    check_c23 "check/C23"
    check_c24 "check/C24"
    check_c25 "check/C25"
    check_c26 "check/C26"
    check_c27 "check/C27"
    check_c28 "check/C28"
    checks "checks"
    ci "ci"
    cli "cli"
    design_notes "design-notes"
    envelope "envelope"
    evidence "evidence"
    exit_codes "exit-codes"
    files "files"
    findings "findings"
    forges "forges"
    fork_proof "fork-proof"
    imports "imports"
    index "index"
    insight "insight"
    keyless "keyless"
    keys "keys"
    layouts "layouts"
    ledger "ledger"
    merkle "merkle"
    organisation "organisation"
    packs "packs"
    performance "performance"
    policy "policy"
    policy_test "policy-test"
    predicate_ai_assistance "predicate/ai-assistance"
    predicate_approval "predicate/approval"
    predicate_change "predicate/change"
    predicate_contains "predicate/contains"
    predicate_correction "predicate/correction"
    predicate_cyclonedx "predicate/cyclonedx"
    predicate_deployment "predicate/deployment"
    predicate_exception "predicate/exception"
    predicate_gap "predicate/gap"
    predicate_inventory "predicate/inventory"
    predicate_landing "predicate/landing"
    predicate_link "predicate/link"
    predicate_measurement "predicate/measurement"
    predicate_outcome "predicate/outcome"
    predicate_provenance "predicate/provenance"
    predicate_reference "predicate/reference"
    predicate_release "predicate/release"
    predicate_review "predicate/review"
    predicate_scai "predicate/scai"
    predicate_spdx "predicate/spdx"
    predicate_svr "predicate/svr"
    predicate_test_result "predicate/test-result"
    predicate_vsa "predicate/vsa"
    predicate_vulns "predicate/vulns"
    predicates "predicates"
    query "query"
    recovery "recovery"
    remotes "remotes"
    replay "replay"
    report "report"
    roster "roster"
    run "run"
    sampling "sampling"
    seal "seal"
    serve "serve"
    server "server"
    signed_note "signed-note"
    statement "statement"
    storage "storage"
    testkit "testkit"
    threats "threats"
    verbs "verbs"
    verify_bundle "verify-bundle"
}

/// The text of the page with this name.
pub fn page(name: &str) -> Option<&'static str> {
    PAGES
        .iter()
        .find(|(known, _)| *known == name)
        .map(|(_, text)| *text)
}

/// A page's title: its first line, without the heading mark.
pub fn title(text: &str) -> &str {
    text.lines()
        .next()
        .unwrap_or_default()
        .trim_start_matches('#')
        .trim()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_page_in_the_folder_is_listed_and_titled() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/manual");
        let pages = |prefix: &str| -> Vec<String> {
            std::fs::read_dir(folder.join(prefix))
                .expect("the manual's folders are part of the package")
                .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
                .filter_map(|name| Some(format!("{prefix}{}", name.strip_suffix(".md")?)))
                .collect()
        };
        let mut files = [pages(""), pages("check/"), pages("predicate/")].concat();
        let mut listed: Vec<&str> = PAGES.iter().map(|(name, _)| *name).collect();
        files.sort();
        listed.sort_unstable();
        assert_eq!(files, listed);
        for (name, text) in PAGES {
            assert!(text.starts_with("# "), "page {name} has no title");
        }
    }
}
