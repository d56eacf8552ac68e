//! Trails: what led to each release, who waited for what, and which checks hold of it.
//!
//! A release is a deployment in scope; where nothing was deployed, a change that landed. Its trail is made of the entries
//!
//! 1. of each change that it brought: the change, its landing, reviews and approvals of its trees, and what was recorded
//!    about these trees or its commits (tests, scans, builds);
//! 2. about the artifact, or one of the same release: provenance, links, releases, scans, approvals;
//! 3. the deployment itself,
//!
//! in the order of their times: verified where somebody vouches for one, else claimed, and told apart. What was recorded
//! after the release is not of its trail. A check's word on a release is the heaviest of its items that stand at one of these: the
//! deployment, the changes, their landings. Nothing is judged here.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::checks::items::{self, Deployed, Landed};
use super::model::{Entry, Model};
use super::{CheckResult, Scope, Verdict};
use crate::digest::ObjectId;
use crate::statement::DigestSet;
use crate::statement::predicate::Known;
use crate::timestamp::Timestamp;

/// As many releases have a trail, newest first; the others are counted.
pub const MOST: usize = 50;

/// As many events of one release are kept, newest first.
pub const MOST_EVENTS: usize = 40;

/// The newest releases' trails.
#[derive(Clone, Debug, Default)]
pub struct Trails {
    /// Newest first.
    pub releases: Vec<Trail>,
    /// How many older ones there are.
    pub left: usize,
}

/// What led to one release.
#[derive(Clone, Debug)]
pub struct Trail {
    /// What it is called in the checks' items.
    pub subject: String,
    /// Its entry.
    pub seq: u64,
    /// What led to it, oldest first; it is the last.
    pub events: Vec<Event>,
    /// What the checks say of it; without the ones that say nothing.
    pub verdicts: BTreeMap<&'static str, Verdict>,
}

/// An entry of a trail.
#[derive(Clone, Debug)]
pub struct Event {
    /// Its place.
    pub seq: u64,
    /// Its step.
    pub step: String,
    /// Who did it, as far as that is known.
    pub who: Option<String>,
    /// Who signed it.
    pub signer: String,
    /// Whether somebody else says so of whoever did it.
    pub observed: bool,
    /// When.
    pub time: Timestamp,
    /// Whether a log or an authority vouches for the time.
    pub verified: bool,
}

/// Follows the newest releases in scope back.
pub fn trails(model: &Model, scope: &Scope, checks: &[CheckResult]) -> Trails {
    let index = Index::of(model);
    let mut deployed = items::all_deployments(model, scope);
    let mut releases: Vec<(Trail, BTreeSet<u64>)> = Vec::new();
    let total = match deployed.is_empty() {
        true => {
            let mut landed = items::changes(model, scope);
            landed.sort_by_key(|it| std::cmp::Reverse(last(it).seq));
            for it in landed.iter().take(MOST) {
                let (mut entries, mut marks) = (BTreeSet::new(), BTreeSet::new());
                index.of_change(model, it, &mut entries, &mut marks);
                let subject = format!("change {}", it.id());
                releases.push((index.trail(model, subject, last(it), &entries), marks));
            }
            landed.len()
        }
        false => {
            deployed.sort_by_key(|it| std::cmp::Reverse(it.entry.seq));
            for it in deployed.iter().take(MOST) {
                let (entries, marks) = index.of_deployment(model, it);
                releases.push((index.trail(model, it.label(), it.entry, &entries), marks));
            }
            deployed.len()
        }
    };
    mark(&mut releases, checks);
    Trails {
        left: total.saturating_sub(MOST),
        releases: releases.into_iter().map(|(trail, _)| trail).collect(),
    }
}

/// A change's last word: its landing.
fn last<'a>(it: &Landed<'a>) -> &'a Entry {
    it.landing.map_or(it.entry, |(entry, _)| entry)
}

/// Changes by id, and by the commits that landed.
pub(crate) struct Index<'a> {
    pub(crate) changes: HashMap<&'a str, Landed<'a>>,
    by_landed: HashMap<ObjectId, Vec<&'a str>>,
}

impl<'a> Index<'a> {
    pub(crate) fn of(model: &'a Model) -> Self {
        let mut index = Self {
            changes: HashMap::new(),
            by_landed: HashMap::new(),
        };
        let mut landings = HashMap::new();
        for (entry, landing) in model.landings() {
            landings.insert(landing.change_id.as_str(), (entry, landing));
        }
        for (id, (entry, change)) in model.changes() {
            let landing = landings.get(id).copied();
            for commit in landing.iter().flat_map(|(_, landing)| &landing.commits) {
                index.by_landed.entry(*commit).or_default().push(id);
            }
            let landed = Landed {
                entry,
                change,
                landing,
            };
            index.changes.insert(id, landed);
        }
        index
    }

    /// The entries that led to a change's landing, by their places in the model; and the seqs that stand for it.
    pub(crate) fn of_change(
        &self,
        model: &Model,
        it: &Landed<'_>,
        entries: &mut BTreeSet<usize>,
        marks: &mut BTreeSet<u64>,
    ) {
        let landing = it.landing.iter();
        let own = landing.clone().map(|(entry, _)| *entry).chain([it.entry]);
        marks.extend(own.clone().map(|entry| entry.seq));
        add(model, entries, own);
        let landed = landing.flat_map(|(_, landing)| &landing.commits);
        for commit in landed.chain([&it.change.head.commit]) {
            add(model, entries, model.entries.at_commit(commit));
        }
        for tree in it.trees(model) {
            add(model, entries, model.entries.with_tree(&tree));
            add(model, entries, model.entries.covering_tree(&tree));
        }
    }

    /// The entries about an artifact, or one of the same release.
    pub(crate) fn of_artifact(&self, model: &Model, artifact: &DigestSet) -> BTreeSet<usize> {
        let mut entries = BTreeSet::new();
        let about = model.entries.about(&model.family(artifact));
        add(model, &mut entries, about);
        entries
    }

    fn of_deployment(&self, model: &Model, it: &Deployed<'_>) -> (BTreeSet<usize>, BTreeSet<u64>) {
        let mut entries = self.of_artifact(model, &it.deployment.artifact.digest);
        let mut marks = BTreeSet::from([it.entry.seq]);
        let made = entries.iter().map(|at| &model.entries[*at]);
        let sources: Vec<ObjectId> = made.flat_map(Entry::source_commits).collect();
        let named = it.deployment.changes.iter().map(String::as_str);
        let landed = sources
            .iter()
            .filter_map(|commit| self.by_landed.get(commit));
        let ids: BTreeSet<&str> = named.chain(landed.flatten().copied()).collect();
        for change in ids.iter().filter_map(|id| self.changes.get(id)) {
            self.of_change(model, change, &mut entries, &mut marks);
        }
        (entries, marks)
    }

    fn trail(
        &self,
        model: &Model,
        subject: String,
        release: &Entry,
        entries: &BTreeSet<usize>,
    ) -> Trail {
        let all = entries.iter().map(|at| &model.entries[*at]);
        let before = all.filter(|entry| {
            let other = matches!(entry.said, Some(Known::Deployment(_) | Known::Inventory(_)));
            entry.seq < release.seq && !other
        });
        let mut events: Vec<Event> = before.map(|entry| event(model, entry)).collect();
        events.sort_by_key(|event| (event.time, event.seq));
        events.drain(..events.len().saturating_sub(MOST_EVENTS - 1));
        events.push(event(model, release));
        Trail {
            subject,
            seq: release.seq,
            events,
            verdicts: BTreeMap::new(),
        }
    }
}

// What only excuses or corrects led to no release.
fn add<'a>(model: &Model, to: &mut BTreeSet<usize>, entries: impl IntoIterator<Item = &'a Entry>) {
    let is_other =
        |entry: &&Entry| matches!(entry.said, Some(Known::Exception(_) | Known::Correction(_)));
    let led = entries.into_iter().filter(|entry| !is_other(entry));
    to.extend(led.filter_map(|entry| model.entries.place(entry.seq)));
}

fn event(model: &Model, entry: &Entry) -> Event {
    let actor = model.actor(entry);
    Event {
        seq: entry.seq,
        step: entry.step.clone(),
        who: actor.map(|actor| actor.person.id().to_string()),
        signer: entry.signer.to_string(),
        observed: actor.is_some_and(|actor| actor.observed),
        time: entry.time(),
        verified: entry.verified.is_some(),
    }
}

fn mark(releases: &mut [(Trail, BTreeSet<u64>)], checks: &[CheckResult]) {
    let mut standing: HashMap<u64, Vec<usize>> = HashMap::new();
    for (at, (_, marks)) in releases.iter().enumerate() {
        for seq in marks {
            standing.entry(*seq).or_default().push(at);
        }
    }
    for check in checks {
        for item in &check.items {
            let own = item.place.seq.into_iter();
            let mut about: Vec<usize> = own
                .chain(item.entries.iter().copied())
                .filter_map(|seq| standing.get(&seq))
                .flatten()
                .copied()
                .collect();
            about.sort_unstable();
            about.dedup();
            for at in about {
                let verdicts = &mut releases[at].0.verdicts;
                let said = verdicts.entry(check.id).or_insert(item.verdict);
                *said = (*said).max(item.verdict);
            }
        }
    }
}
