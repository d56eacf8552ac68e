//! The manual in step with the code.

use git_docket::{
    finding::{Code, Severity},
    manual,
};

#[test]
fn every_finding_has_one_heading_with_its_meaning_and_remedy() {
    let page = manual::page("findings").expect("the manual has a page of findings");
    let mut expected = Vec::new();
    for code in Code::ALL {
        let weight = match code.severity() {
            Severity::Note => "note",
            Severity::Missing => "missing",
            Severity::Failed => "failed",
            Severity::Broken => "broken",
        };
        let section = format!(
            "\n## {code}\n\n*{weight}.* {}\n\nMend: {}\n",
            code.meaning(),
            code.remedy()
        );
        assert_eq!(
            page.matches(&section).count(),
            1,
            "the page lacks, or has twice:{section}"
        );
        expected.push(code.as_str());
    }
    let headings: Vec<_> = page
        .lines()
        .filter_map(|line| line.strip_prefix("## "))
        .collect();
    assert_eq!(headings, expected);
}

#[test]
fn threats_names_only_codes_that_exist() {
    let page = manual::page("threats").expect("the manual has a page of threats");
    let mut named = 0;
    for row in page.lines().filter(|line| line.starts_with('|')) {
        let last = row
            .trim_end_matches('|')
            .rsplit('|')
            .next()
            .unwrap_or_default();
        for word in last.split('`').skip(1).step_by(2) {
            assert!(
                Code::ALL.iter().any(|code| code.as_str() == word),
                "{word} in {row}"
            );
            named += 1;
        }
    }
    assert!(named > 20, "the table was not found");
}
