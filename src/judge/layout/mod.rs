//! Layouts of classic in-toto, over a ledger's links.
//!
//! A layout says which steps a supply chain has, whose links count for each, and what each may take in and bring out.
//! <https://github.com/in-toto/docs/blob/master/in-toto-spec.md>. In order, as in-toto's own verifier does it:
//!
//! 1. the layout is signed by every key that was given, of which there is at least one ([`Layout::verified`]);
//! 2. it has not expired;
//! 3. of each step, the links about the commit whose signature is by a key that the step names: of one key the newest, of
//!    one key under several names one ([`Verified::hold`]);
//! 4. they are as many as the threshold asks for;
//! 5. where it asks for more than one, they agree on what went in and came out;
//! 6. the step's rules hold for materials and then for products, other steps' artifacts being those of the link whose key
//!    their step names first;
//! 7. the command is that which was expected: a note where not, since a command's name proves little.
//!
//! Inspections are commands. They are never run; a layout that has one is undecided, since what it would find is not known.
//! A sublayout is no link and counts for nothing. Stricter than in-toto's verifier: a layout without steps, one key under
//! two names counted twice, a link that calls itself otherwise than its step, a Metablock with fields that nobody signed.

mod key;
mod metadata;
mod pattern;
mod rules;

use std::collections::BTreeMap;

pub use self::key::{Key, KeyError};
pub use self::metadata::{Layout, Link, MetadataError, Signed, Step};
pub use self::pattern::{Pattern, PatternError};
pub use self::rules::{Artifacts, Broken, Io, Rule, RuleError, With};
use crate::digest::ObjectId;
use crate::finding::{Code, Finding, chain};
use crate::timestamp::Timestamp;

/// A layout whose signatures hold and that has not expired.
#[derive(Clone, Debug)]
pub struct Verified(Layout);

/// A link of the ledger.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Its place.
    pub seq: u64,
    /// What it says; not verified.
    pub link: Signed<Link>,
}

/// How a layout's step stands for one commit.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct StepHeld {
    /// The commit.
    pub commit: ObjectId,
    /// The step.
    pub step: String,
    /// How many keys have to sign.
    pub threshold: usize,
    /// The keys that have, by the layout's ids.
    pub keys: Vec<String>,
    /// Their entries.
    pub entries: Vec<u64>,
}

/// What a layout found for one commit.
#[derive(Clone, Debug, Default)]
pub struct Held {
    /// How its steps stand.
    pub steps: Vec<StepHeld>,
    /// What is wrong; empty where all holds.
    pub findings: Vec<Finding>,
}

impl Layout {
    /// Reads a layout and holds it against the keys of those who may write one, at a time.
    ///
    /// # Errors
    /// What is wrong with it, as a finding.
    pub fn verified(bytes: &[u8], keys: &[Key], now: Timestamp) -> Result<Verified, Vec<Finding>> {
        let layout = Signed::layout(bytes)
            .map_err(|error| vec![Finding::new(Code::LayoutMalformed, chain(&error))])?;
        let unsigned = keys.iter().filter(|key| !layout.is_signed_by(key));
        let mut findings: Vec<Finding> = unsigned
            .map(|key| match layout.names(key.id()) {
                true => format!("the signature of the key {} does not verify", key.id()),
                false => format!("the key {} has not signed it", key.id()),
            })
            .map(|detail| Finding::new(Code::LayoutSignature, detail))
            .collect();
        if keys.is_empty() {
            findings.push(Finding::new(Code::LayoutSignature, "no key was given"));
        }
        let expires = layout.unverified().expires;
        if expires <= now {
            let detail = format!("it expired at {expires}");
            findings.push(Finding::new(Code::LayoutExpired, detail));
        }
        match findings.is_empty() {
            true => Ok(Verified(layout.unverified().clone())),
            false => Err(findings),
        }
    }
}

impl Verified {
    /// Its inspections, each a finding: nobody runs them.
    pub fn inspections(&self) -> impl Iterator<Item = Finding> {
        let names = self.0.inspections.iter();
        names.map(|name| {
            let name = crate::statement::shortened(name);
            Finding::new(Code::LayoutInspection, format!("{name:?} was not run"))
        })
    }

    /// Holds the layout against the links about one commit.
    pub fn hold(&self, commit: ObjectId, entries: &[Entry]) -> Held {
        let mut held = Held::default();
        let mut find = |code, seq, detail| {
            held.findings.push(Finding {
                code,
                seq,
                commit: Some(commit),
                detail,
            });
        };
        let mut reduced: BTreeMap<String, Io> = BTreeMap::new();
        let mut enough = true;
        for step in &self.0.steps {
            let (signed, mut why) = self.signed(step, entries);
            let name = crate::statement::shortened(&step.name);
            if signed.len() < step.threshold {
                enough = false;
                if why.is_empty() {
                    why = "no other key that it names signed one".to_owned();
                }
                let (count, threshold) = (signed.len(), step.threshold);
                let detail = format!("step {name:?} has {count} of {threshold} links: {why}");
                find(Code::LayoutLinksMissing, None, detail);
            }
            held.steps.push(StepHeld {
                commit,
                step: step.name.clone(),
                threshold: step.threshold,
                keys: signed.iter().map(|(key, _)| key.id().to_owned()).collect(),
                entries: signed.iter().map(|(_, entry)| entry.seq).collect(),
            });
            let Some((_, first)) = signed.first() else {
                continue;
            };
            let io = &first.link.unverified().io;
            for (_, other) in &signed {
                let link = other.link.unverified();
                if step.threshold > 1 && link.io != *io {
                    let detail = format!(
                        "the links of step {name:?} at seq {} and {} have other artifacts",
                        first.seq, other.seq
                    );
                    find(Code::LayoutLinksDiffer, Some(other.seq), detail);
                }
                if link.command != step.command {
                    let detail = format!("step {name:?} ran another command than expected");
                    find(Code::LayoutCommand, Some(other.seq), detail);
                }
            }
            reduced.insert(step.name.clone(), io.clone());
        }
        // Rules look at other steps' links: where some are missing they would blame the wrong step.
        if enough {
            for step in &self.0.steps {
                let own = &reduced[&step.name];
                for (rules, which) in [
                    (&step.materials, With::Materials),
                    (&step.products, With::Products),
                ] {
                    if let Err(broken) = rules::hold(rules, which, own, &reduced) {
                        let name = crate::statement::shortened(&step.name);
                        let which = match which {
                            With::Materials => "materials",
                            With::Products => "products",
                        };
                        let detail = format!("{which} of step {name:?}: {broken}");
                        find(Code::LayoutRule, None, detail);
                    }
                }
            }
        }
        held
    }

    // The newest link by each key that the step names, in the step's order; and why others do not count.
    fn signed<'e>(&self, step: &Step, entries: &'e [Entry]) -> (Vec<(Key, &'e Entry)>, String) {
        let mut signed: Vec<(Key, &Entry)> = Vec::new();
        let mut why = Vec::new();
        for id in &step.key_ids {
            let key = match self.0.key(id) {
                Some(Ok(key)) => key,
                Some(Err(error)) => {
                    why.push(format!("key {}: {error}", crate::statement::shortened(id)));
                    continue;
                }
                None => continue,
            };
            if signed
                .iter()
                .any(|(other, _)| other.material() == key.material())
            {
                continue;
            }
            let of_step = entries
                .iter()
                .rev()
                .filter(|entry| entry.link.unverified().name == step.name)
                .filter(|entry| entry.link.names(id));
            let mut newest = None;
            for entry in of_step {
                if entry.link.is_signed_by(&key) {
                    newest = Some(entry);
                    break;
                }
                why.push(format!(
                    "the signature at seq {} does not verify",
                    entry.seq
                ));
            }
            signed.extend(newest.map(|entry| (key, entry)));
        }
        (signed, why.join("; "))
    }
}
