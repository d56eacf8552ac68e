//! One change on one page: who asked, wrote, reviewed, approved, tested, scanned, landed and deployed, in the ledger's order, and
//! what is missing.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::num::NonZeroUsize;

use maud::{DOCTYPE, html};
use serde::Serialize;

use super::escape::line;
use super::markdown::cell;
use crate::digest::{ObjectId, Sha256};
use crate::judge::{Asked, CheckResult, Entry, Item, Model, Scope, Verdict, judge};
use crate::statement::predicate::{Change, Covers, Known};
use crate::timestamp::Timestamp;

/// The page.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Dossier {
    /// The ledger's name.
    pub origin: String,
    /// The change's id.
    pub change: String,
    /// The ref that it was for.
    #[serde(rename = "ref")]
    pub reference: String,
    /// Its head, newest last.
    pub heads: Vec<ObjectId>,
    /// What kind of change it is.
    pub kind: &'static str,
    /// Where it was agreed on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ticket: Option<String>,
    /// The heaviest verdict of the checks.
    pub verdict: Verdict,
    /// What happened, by seq.
    pub acts: Vec<Act>,
    /// What is missing or wrong, heaviest first, each with its check.
    pub missing: Vec<Missing>,
    /// The checks that had something to look at, and hold.
    pub holds: Vec<&'static str>,
}

/// Something that somebody did about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Act {
    /// The entry.
    pub seq: u64,
    /// SHA-256 of its attestation.
    pub attestation: Sha256,
    /// When, verified or else claimed.
    pub at: Timestamp,
    /// What was done: `asked`, `wrote`, `reviewed`, and so on.
    pub act: &'static str,
    /// By whom, as the entry says.
    pub who: String,
    /// In words.
    pub detail: String,
}

/// An item that does not hold, with its check.
#[derive(Clone, Debug, Serialize)]
pub struct Missing {
    /// The check's id.
    pub check: &'static str,
    /// The item.
    #[serde(flatten)]
    pub item: Item,
}

impl Dossier {
    /// Of one change; `None` where no entry speaks of it.
    pub fn of(model: &Model, id: &str) -> Option<Self> {
        let changes = model
            .entries
            .of_change(id)
            .filter_map(|entry| Some((entry, entry.says::<Change>()?)));
        let changes: Vec<_> = changes.collect();
        let (_, newest) = changes.last()?;
        let heads: Vec<ObjectId> = changes
            .iter()
            .map(|(_, change)| change.head.commit)
            .collect();
        let landings: Vec<_> = model
            .landings()
            .filter(|(_, landing)| landing.change_id == id)
            .collect();
        let landed = landings
            .iter()
            .flat_map(|(_, landing)| landing.commits.iter().chain([&landing.to]));
        let commits: BTreeSet<ObjectId> = heads.iter().chain(landed).copied().collect();
        let mut trees: BTreeSet<ObjectId> =
            changes.iter().map(|(_, change)| change.head.tree).collect();
        trees.extend(commits.iter().filter_map(|id| Some(model.commit(id)?.tree)));
        let about = About {
            id,
            commits: &commits,
            trees: &trees,
            model,
        };
        let mut acts: Vec<Act> = model
            .entries
            .iter()
            .flat_map(|entry| about.acts(entry))
            .collect();
        acts.sort_by_key(|act| act.seq);
        let scope = Scope {
            commits: Some(commits.iter().copied().collect()),
            ..Scope::default()
        };
        let all: Vec<&str> = crate::judge::checks::ALL
            .iter()
            .map(|check| check.id)
            .collect();
        let results = judge(model, &scope, Asked::These(&all), NonZeroUsize::MIN);
        Some(Self {
            origin: model.origin.clone(),
            change: id.to_owned(),
            reference: newest.base.name.clone(),
            kind: newest.reason.kind.as_str(),
            ticket: newest
                .reason
                .ticket
                .as_ref()
                .map(|ticket| ticket.uri.clone()),
            verdict: crate::judge::overall(&results),
            acts,
            missing: missing(&results),
            holds: held(&results),
            heads,
        })
    }

    /// As text.
    pub fn to_text(&self) -> String {
        let mut text = format!(
            "change {} of {}: {}\n  {} for {}\n",
            line(&self.change),
            line(&self.origin),
            self.verdict.as_str(),
            self.kind,
            line(&self.reference)
        );
        for act in &self.acts {
            let Act {
                seq,
                at,
                act,
                who,
                detail,
                ..
            } = act;
            let _ = writeln!(
                text,
                "  {at}  {act:<9} {}  {}  #{seq}",
                line(who),
                line(detail)
            );
        }
        for missing in &self.missing {
            let _ = writeln!(
                text,
                "{} {} {}",
                missing.check,
                missing.item.verdict.as_str(),
                line(&words(&missing.item))
            );
            if let Some(remedy) = &missing.item.remedy {
                let _ = writeln!(text, "    mend: {}", line(remedy));
            }
        }
        let _ = writeln!(text, "holds: {}", self.holds.join(" "));
        text
    }

    /// As Markdown; text that others wrote cannot make markup in it.
    pub fn to_markdown(&self) -> String {
        let mut out = format!(
            "# Change {} of {}: {}\n\n{} for {}\n\n| when | what | who | | entry |\n| --- | --- | --- | --- | --- |\n",
            cell(&self.change),
            cell(&self.origin),
            self.verdict.as_str(),
            self.kind,
            cell(&self.reference)
        );
        for act in &self.acts {
            let Act {
                seq,
                at,
                act,
                who,
                detail,
                ..
            } = act;
            let _ = writeln!(
                out,
                "| {at} | {act} | {} | {} | {seq} |",
                cell(who),
                cell(detail)
            );
        }
        out.push_str("\n## What is missing\n\n");
        for missing in &self.missing {
            let _ = writeln!(
                out,
                "- {} {}: {}",
                missing.check,
                missing.item.verdict.as_str(),
                cell(&words(&missing.item))
            );
        }
        if self.missing.is_empty() {
            out.push_str("Nothing.\n");
        }
        let _ = writeln!(out, "\nHolds: {}", self.holds.join(" "));
        out
    }

    /// As one page of HTML, without script.
    pub fn to_html(&self) -> String {
        let title = format!("Change {} of {}", line(&self.change), line(&self.origin));
        let page = html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width";
                    title { (title) }
                    style { (maud::PreEscaped(STYLE)) }
                }
                body { main {
                    h1 { (title) ": " (self.verdict.as_str()) }
                    p { (self.kind) " for " (line(&self.reference))
                        @if let Some(ticket) = &self.ticket { ", agreed on at " (line(ticket)) } }
                    h2 { "What happened" }
                    table {
                        thead { tr { th scope="col" { "When" } th scope="col" { "What" } th scope="col" { "Who" } th scope="col" { "Detail" } th scope="col" { "Entry" } } }
                        tbody { @for act in &self.acts {
                            tr { td { (act.at) } td { (act.act) } td { (line(&act.who)) } td { (line(&act.detail)) } td { (act.seq) } }
                        } }
                    }
                    h2 { "What is missing" }
                    @if self.missing.is_empty() { p { "Nothing." } } @else {
                        ul { @for missing in &self.missing {
                            li { strong { (missing.check) " " (missing.item.verdict.as_str()) } ": " (line(&words(&missing.item)))
                                @if let Some(remedy) = &missing.item.remedy { br; "Mend: " (line(remedy)) } }
                        } }
                    }
                    p { "Holds: " (self.holds.join(" ")) }
                } }
            }
        };
        page.into_string()
    }
}

const STYLE: &str = ":root{color-scheme:light dark}body{font:1rem/1.5 system-ui,sans-serif;margin:2rem auto;max-width:60rem;padding:0 1rem}table{border-collapse:collapse;width:100%}th,td{border-bottom:1px solid;padding:.25rem .5rem;text-align:left;overflow-wrap:anywhere}";

/// What belongs to one change.
struct About<'a> {
    id: &'a str,
    commits: &'a BTreeSet<ObjectId>,
    trees: &'a BTreeSet<ObjectId>,
    model: &'a Model,
}

impl About<'_> {
    fn acts(&self, entry: &Entry) -> Vec<Act> {
        let act = |act, who: String, detail: String| Act {
            seq: entry.seq,
            attestation: entry.attestation,
            at: entry.time(),
            act,
            who,
            detail,
        };
        let signer = || entry.signer.to_string();
        let here = self.commits.contains(&entry.commit)
            || self.trees.iter().any(|tree| entry.has_tree(tree));
        let Some(said) = &entry.said else {
            return Vec::new();
        };
        match said {
            Known::Change(change) if change.id == self.id => {
                let asked = change.requester.as_ref().or(change.opener.as_ref());
                let asked = asked.map_or_else(signer, ToString::to_string);
                let mut acts = vec![act("asked", asked, format!("head {}", change.head.commit))];
                acts.extend(
                    change
                        .authors
                        .iter()
                        .map(|author| act("wrote", author.person.to_string(), String::new())),
                );
                acts
            }
            Known::Review(review) if self.covers(&review.covers.tree, &review.covers.head) => {
                vec![act(
                    "reviewed",
                    review.reviewer.to_string(),
                    review.verdict.as_str().to_owned(),
                )]
            }
            Known::Approval(approval) => match &approval.covers {
                Covers::Revision(covered) if self.covers(&covered.tree, &covered.head) => {
                    let detail = format!("{} for {}", approval.decision, approval.scope);
                    vec![act("approved", approval.approver.to_string(), detail)]
                }
                _ => Vec::new(),
            },
            Known::TestResult(result) if here => vec![act(
                "tested",
                signer(),
                format!("{}: {}", entry.step, result.result),
            )],
            Known::Vulns(vulns) if here => {
                vec![act(
                    "scanned",
                    signer(),
                    format!("{}: {} found", entry.step, vulns.scanner.result.len()),
                )]
            }
            Known::AiAssistance(said) if here => {
                vec![act("declared", signer(), format!("AI: {}", said.kind))]
            }
            Known::Link(_) | Known::Provenance(_) if here => {
                let how = if entry.failed { "failed" } else { "done" };
                vec![act("ran", signer(), format!("{}: {how}", entry.step))]
            }
            Known::Release(release) if here => {
                vec![act("released", signer(), release.purl.clone())]
            }
            Known::Landing(landing) if landing.change_id == self.id => {
                vec![act(
                    "landed",
                    landing.asserted.actor.to_string(),
                    format!("{} on {}", landing.to, landing.name),
                )]
            }
            Known::Deployment(deployment) if self.brought(entry, &deployment.changes) => {
                let detail = format!(
                    "{} to {}: {}",
                    deployment.service, deployment.environment.name, deployment.result
                );
                vec![act(
                    "deployed",
                    deployment.asserted.actor.to_string(),
                    detail,
                )]
            }
            _ => Vec::new(),
        }
    }

    fn covers(&self, tree: &ObjectId, head: &ObjectId) -> bool {
        self.trees.contains(tree) || self.commits.contains(head)
    }

    // By its own word, else where its commit is one of the change's.
    fn brought(&self, entry: &Entry, changes: &[String]) -> bool {
        match changes.is_empty() {
            true => {
                self.commits.contains(&entry.commit) && self.model.commit(&entry.commit).is_some()
            }
            false => changes.iter().any(|id| id == self.id),
        }
    }
}

fn missing(results: &[CheckResult]) -> Vec<Missing> {
    let items = results.iter().flat_map(|result| {
        let weighs = result
            .items
            .iter()
            .filter(|item| item.verdict > Verdict::Pass);
        weighs.map(|item| Missing {
            check: result.id,
            item: item.clone(),
        })
    });
    let mut missing: Vec<Missing> = items.collect();
    missing.sort_by_key(|missing| std::cmp::Reverse(missing.item.verdict));
    missing
}

fn held(results: &[CheckResult]) -> Vec<&'static str> {
    let held = results
        .iter()
        .filter(|result| result.verdict == Verdict::Pass);
    held.map(|result| result.id).collect()
}

fn words(item: &Item) -> String {
    let reason = item
        .reason
        .map_or(String::new(), |reason| format!("{}: ", reason.as_str()));
    let entries: Vec<String> = item.entries.iter().map(|seq| format!(" #{seq}")).collect();
    format!(
        "{}: {reason}{}{}",
        item.subject,
        item.detail,
        entries.concat()
    )
}
