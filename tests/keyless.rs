//! Keyless entries inside a replay: whose they are, when they were there, and why one is refused.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "common/forge.rs"]
mod forge;
#[path = "common/fulcio.rs"]
mod fulcio;

use std::num::NonZeroUsize;
use std::sync::Arc;

use forge::{ADA, Forge, ORIGIN, Planned};
use fulcio::{ISSUER, LOGGED, Making, WORKFLOW};
use git_docket::{
    attestation::Attestation,
    digest::Algorithm,
    finding::{Code, Finding, Severity},
    ledger::in_memory::InMemory,
    sigstore::{Refusal, Trust},
    statement::{Placement, PredicateType, Statement},
    verify::{self, Keep, Outcome, Question, Request, Verdict},
};
use serde_json::{Value, json};

fn statement(forge: &Forge, placed: bool) -> Statement {
    let predicate = json!({"attributes": [{"attribute": "built"}]});
    let statement = Statement::new(
        vec![forge.subject(2)],
        PredicateType::resolve("scai").unwrap(),
        predicate.as_object().unwrap().clone(),
    )
    .unwrap();
    match placed {
        false => statement,
        true => statement.placed(&Placement {
            origin: ORIGIN.into(),
            step: "e2e".parse().unwrap(),
            commit: forge::commit(forge.format, 2).id,
        }),
    }
}

fn add(forge: &mut Forge, bundle: &Value) {
    forge.planned.push(Planned {
        commit: 2,
        step: "e2e".into(),
        body: bundle.to_string().into_bytes(),
    });
}

/// A sound ledger whose roster gives these identities to its service.
fn ledger(oidc: Value) -> Forge {
    let mut forge = Forge::sound(Algorithm::Sha1);
    let mut roster = forge::roster();
    roster.persons[1].oidc = serde_json::from_value(oidc).unwrap();
    forge.publish_roster(roster, 0, ADA);
    forge
}

fn exact() -> Value {
    json!([{"issuer": ISSUER, "san": WORKFLOW}])
}

fn judge(forge: &Forge, threads: usize, trust: Trust) -> Outcome {
    let request = Request {
        question: Question::Ledger,
        pin: None,
        memories: Vec::new(),
        seals: Vec::new(),
        threads: NonZeroUsize::new(threads).unwrap(),
        keep: Keep::Said,
        trust: Arc::new(trust),
    };
    let mut parts = forge.parts();
    let roster = forge
        .planned
        .iter()
        .position(|entry| entry.step == "roster");
    parts.files = forge.records(&forge.links(), (roster.unwrap(), 2), (0, 1));
    verify::verify(&InMemory::new(parts), &request).unwrap()
}

fn heavy(outcome: &Outcome) -> Vec<&Finding> {
    let findings = outcome.findings.iter();
    findings
        .filter(|found| found.severity() > Severity::Note)
        .collect()
}

#[test]
fn an_entry_of_an_identity_in_the_roster_counts() {
    let pattern = json!([{"issuer": ISSUER, "san": r"https://forge\.example\.com/acme/app/.*@refs/heads/main", "pattern": true}]);
    for oidc in [exact(), pattern] {
        let mut forge = ledger(oidc);
        let bundle = Making::default().bundle(&statement(&forge, true));
        add(&mut forge, &bundle);
        let outcome = judge(&forge, 1, fulcio::trust());
        assert_eq!(heavy(&outcome), Vec::<&Finding>::new());
        assert_eq!(outcome.verdict, Verdict::Pass);
        let evidence = outcome.evidence.unwrap();
        let entry = evidence.entries.iter().next_back().unwrap();
        assert_eq!(entry.seq, forge.planned.len() as u64 - 1);
        assert_eq!(entry.signer.as_str(), "ci@example.com");
        assert_eq!(entry.verified.unwrap().unix(), LOGGED);
    }
}

#[test]
fn a_finding_says_which_identity_was_seen_and_which_expected() {
    let other = "https://forge.example.com/mallory/app/build.yml@refs/heads/main";
    let cases = [
        (
            Making {
                identity: other,
                ..Making::default()
            },
            other,
            ISSUER,
        ),
        (
            Making {
                issuer: Some("https://evil.example.com"),
                ..Making::default()
            },
            WORKFLOW,
            "https://evil.example.com",
        ),
    ];
    for (making, identity, issuer) in cases {
        let mut forge = ledger(exact());
        let bundle = making.bundle(&statement(&forge, true));
        add(&mut forge, &bundle);
        let outcome = judge(&forge, 1, fulcio::trust());
        let [found] = heavy(&outcome)[..] else {
            panic!("{:?}", outcome.findings)
        };
        assert_eq!(found.code, Code::IdentityUnknown);
        let (seen, expected) = found.detail.split_once("; expected: ").unwrap();
        let head = |text: &str| text[..40].to_owned();
        assert!(
            seen.starts_with(&format!("seen: {}", head(identity))),
            "{seen}"
        );
        assert!(seen.ends_with(&format!(" by {issuer}")), "{seen}");
        assert!(expected.starts_with(&head(WORKFLOW)), "{expected}");
        assert!(expected.ends_with(&format!(" by {ISSUER}")), "{expected}");
        assert_eq!(outcome.verdict, Verdict::Failed);
    }
}

#[test]
fn an_identity_counts_from_where_the_roster_names_it() {
    let mut forge = Forge::sound(Algorithm::Sha256);
    let bundle = Making::default().bundle(&statement(&forge, true));
    add(&mut forge, &bundle);
    let mut roster = forge::roster();
    roster.persons[1].oidc = serde_json::from_value(exact()).unwrap();
    forge.publish_roster(roster, 0, ADA);
    let outcome = judge(&forge, 1, fulcio::trust());
    let codes: Vec<_> = heavy(&outcome).iter().map(|found| found.code).collect();
    assert_eq!(codes, [Code::IdentityUnknown]);
}

#[test]
fn one_of_two_persons_is_nobodys() {
    let mut forge = Forge::sound(Algorithm::Sha1);
    let mut roster = forge::roster();
    roster.persons[0].oidc = serde_json::from_value(exact()).unwrap();
    roster.persons[1].oidc =
        serde_json::from_value(json!([{"issuer": ISSUER, "san": ".*", "pattern": true}])).unwrap();
    forge.publish_roster(roster, 0, ADA);
    let bundle = Making::default().bundle(&statement(&forge, true));
    add(&mut forge, &bundle);
    let outcome = judge(&forge, 1, fulcio::trust());
    let codes: Vec<_> = heavy(&outcome).iter().map(|found| found.code).collect();
    assert_eq!(codes, [Code::IdentityUnknown]);
}

#[test]
fn one_statement_by_one_identity_counts_once_whatever_its_certificate() {
    let mut forge = ledger(exact());
    let statement = statement(&forge, true);
    add(&mut forge, &Making::default().bundle(&statement));
    let later = Making {
        logged: LOGGED + 60,
        ..Making::default()
    };
    add(&mut forge, &later.bundle(&statement));
    let outcome = judge(&forge, 1, fulcio::trust());
    let codes: Vec<_> = heavy(&outcome).iter().map(|found| found.code).collect();
    assert_eq!(codes, [Code::Replayed]);
}

#[test]
fn what_claims_no_place_is_carried() {
    let mut forge = ledger(exact());
    let bundle = Making::default().bundle(&statement(&forge, false));
    add(&mut forge, &bundle);
    let outcome = judge(&forge, 1, fulcio::trust());
    assert_eq!(outcome.verdict, Verdict::Pass, "{:?}", outcome.findings);
    let noted = |found: &&Finding| found.code == Code::ForeignSigner;
    let found = outcome.findings.iter().find(noted).unwrap();
    assert!(
        found.detail.starts_with("its bundle holds, of "),
        "{}",
        found.detail
    );
    let seqs = outcome.evidence.unwrap();
    let last = forge.planned.len() as u64 - 1;
    assert!(seqs.entries.iter().all(|entry| entry.seq != last));
}

/// A bundle or root with one thing wrong, and the code of its refusal.
fn refused() -> Vec<(&'static str, Value, Trust)> {
    let forge = ledger(exact());
    let statement = statement(&forge, true);
    let good = || Making::default().bundle(&statement);
    let made = |making: Making| making.bundle(&statement);
    let changed = |place: &str, value: Value| {
        let mut bundle = good();
        *bundle.pointer_mut(place).unwrap() = value;
        bundle
    };
    let rooted = |change: fn(&mut Value)| Trust::of(vec![fulcio::root(change)]);
    let plain = Making::default;
    let material = "/verificationMaterial";
    let entry = "/verificationMaterial/tlogEntries/0";
    let zeros = git_docket::base64::encode(&[0; 32]);
    let mut without_promise = good();
    without_promise
        .pointer_mut(entry)
        .unwrap()
        .as_object_mut()
        .unwrap()
        .remove("inclusionPromise");
    let mut of_another = good();
    *of_another.pointer_mut(entry).unwrap() = Making {
        signer: fulcio::OTHER,
        ..plain()
    }
    .bundle(&statement)["verificationMaterial"]["tlogEntries"][0]
        .clone();
    vec![
        (
            "log-entry-missing",
            changed(&format!("{material}/tlogEntries"), json!([])),
            fulcio::trust(),
        ),
        ("log-entry-mismatch", of_another, fulcio::trust()),
        (
            "log-unknown",
            changed(&format!("{entry}/logId/keyId"), json!(zeros)),
            fulcio::trust(),
        ),
        (
            "log-key-window",
            good(),
            rooted(|root| {
                root["tlogs"][0]["publicKey"]["validFor"]["end"] = json!("2026-11-01T00:00:00Z");
            }),
        ),
        (
            "checkpoint-mismatch",
            changed(&format!("{entry}/inclusionProof/rootHash"), json!(zeros)),
            fulcio::trust(),
        ),
        (
            "inclusion-proof",
            changed(&format!("{entry}/inclusionProof/hashes"), json!([zeros])),
            fulcio::trust(),
        ),
        (
            "checkpoint-signature",
            made(Making {
                checkpoint: fulcio::OTHER,
                ..plain()
            }),
            fulcio::trust(),
        ),
        (
            "promise-signature",
            made(Making {
                promise: fulcio::OTHER,
                ..plain()
            }),
            fulcio::trust(),
        ),
        ("no-verified-time", without_promise, fulcio::trust()),
        (
            "certificate-chain",
            made(Making {
                authority: fulcio::OTHER,
                ..plain()
            }),
            fulcio::trust(),
        ),
        (
            "certificate-usage",
            made(Making {
                usage: 1,
                ..plain()
            }),
            fulcio::trust(),
        ),
        (
            "certificate-expired",
            made(Making {
                logged: LOGGED + 3600,
                ..plain()
            }),
            fulcio::trust(),
        ),
        (
            "certificate-not-yet-valid",
            made(Making {
                logged: LOGGED - 3600,
                ..plain()
            }),
            fulcio::trust(),
        ),
        (
            "authority-window",
            good(),
            rooted(|root| {
                root["certificateAuthorities"][0]["validFor"]["end"] =
                    json!("2026-11-01T00:00:00Z");
            }),
        ),
        (
            "sct-missing",
            good(),
            rooted(|root| root["ctlogs"] = root["tlogs"].clone()),
        ),
        (
            "signature-invalid",
            made(Making {
                signer: fulcio::OTHER,
                ..plain()
            }),
            fulcio::trust(),
        ),
        // The roots of the program know none of these.
        ("log-unknown", good(), Trust::built_in()),
    ]
}

#[test]
fn every_fault_is_refused_by_its_own_code() {
    for (code, bundle, trust) in refused() {
        let bytes = bundle.to_string().into_bytes();
        let attestation = Attestation::parse(bytes.clone()).unwrap();
        let refusal = trust.verify(&bytes, attestation.envelope()).unwrap_err();
        assert_eq!(refusal.code(), code, "{refusal}");
        let mut forge = ledger(exact());
        add(&mut forge, &bundle);
        let outcome = judge(&forge, 1, trust);
        let [found] = heavy(&outcome)[..] else {
            panic!("{code}: {:?}", outcome.findings)
        };
        assert_eq!(found.code, Code::KeylessRefused);
        assert!(
            found.detail.starts_with(&format!("{code}: ")),
            "{}",
            found.detail
        );
    }
}

#[test]
fn the_envelope_must_be_the_one_that_was_read() {
    let forge = ledger(exact());
    let bytes = Making::default()
        .bundle(&statement(&forge, true))
        .to_string();
    let other = Making::default()
        .bundle(&statement(&forge, false))
        .to_string();
    let other = Attestation::parse(other.into_bytes()).unwrap();
    let refusal = fulcio::trust().verify(bytes.as_bytes(), other.envelope());
    assert_eq!(refusal.unwrap_err(), Refusal::EnvelopeMismatch);
}

#[test]
fn threads_and_memory_change_nothing() {
    let mut forge = ledger(exact());
    for (_, bundle, _) in refused() {
        add(&mut forge, &bundle);
    }
    let bundle = Making::default().bundle(&statement(&forge, true));
    add(&mut forge, &bundle);
    let one = judge(&forge, 1, fulcio::trust());
    assert_eq!(judge(&forge, 4, fulcio::trust()).findings, one.findings);
    let mut backwards = forge.clone();
    let from = Forge::sound(Algorithm::Sha1).planned.len() + 1;
    backwards.planned[from..].reverse();
    let codes = |outcome: &Outcome| {
        let mut codes: Vec<_> = heavy(outcome)
            .iter()
            .map(|found| {
                (
                    found.code,
                    found.detail.split(": ").next().unwrap().to_owned(),
                )
            })
            .filter(|(code, _)| *code == Code::KeylessRefused)
            .collect();
        codes.sort();
        codes
    };
    assert_eq!(codes(&judge(&backwards, 1, fulcio::trust())), codes(&one));
}
