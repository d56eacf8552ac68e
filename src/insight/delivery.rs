//! What was delivered: each change with its cohort, each production deployment with what it brought and how it fared.
//!
//! 1. Production deployments are those to an environment of tier `prod`, or to one asked for by name; in the order of their
//!    ends, aborted ones left out.
//! 2. A deployment that succeeded brings the changes that it names, and those that landed on a protected ref at or below a
//!    commit that its artifact came from, and above what the same service's deployment before it came from (of a service's
//!    first: above what any had).
//! 3. A change's cohort is the strongest that was said of it: autonomous, assisted, none. It is unknown where nobody said
//!    anything, and where *none* was said but a commit's trailer names a tool.
//! 4. A deployment's cohort is the strongest of what it brought; unknown over none.
//! 5. A deployment failed where it did not succeed, where a failing outcome is about it or caused by it (directly, by an
//!    outcome before, or by a landing that it brought), or where the service's next deployment there is a rollback or an
//!    unplanned fix. It fared well where none of that is so and somebody spoke of the service there after it. Else unknown.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde::Serialize;

use crate::digest::{ObjectId, Sha256};
use crate::judge::trails::Index;
use crate::judge::{CommitFacts, Entry, Model};
use crate::statement::predicate::{
    AiKind, Change, Deployment, DeploymentReason, DeploymentResult, Known, Landing, Outcome,
    OutcomeKind, Tier,
};
use crate::timestamp::Timestamp;

/// How much of a change AI did by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cohort {
    /// Nothing.
    None,
    /// Nobody said, or what was said is contradicted.
    Unknown,
    /// It helped.
    Assisted,
    /// It worked on its own.
    Autonomous,
}

impl Cohort {
    /// Every cohort, as they are shown.
    pub const ALL: [Self; 4] = [Self::None, Self::Assisted, Self::Autonomous, Self::Unknown];

    /// The word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Assisted => "assisted",
            Self::Autonomous => "autonomous",
            Self::Unknown => "unknown",
        }
    }
}

/// How a deployment fared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fate {
    /// Nobody said.
    Unknown,
    /// Well, as far as anybody said.
    Well,
    /// It needed somebody at once.
    Failed,
}

impl Fate {
    /// The word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Well => "well",
            Self::Failed => "failed",
        }
    }
}

/// A change on record.
pub(super) struct Authored<'a> {
    pub(super) entry: &'a Entry,
    pub(super) change: &'a Change,
    pub(super) landing: Option<(&'a Entry, &'a Landing)>,
    /// The first entry that spoke of it.
    pub(super) first: &'a Entry,
    pub(super) cohort: Cohort,
    /// When its head was committed, as git says.
    pub(super) committed: Option<Timestamp>,
    /// Its entries, by their places in the model.
    pub(super) evidence: BTreeSet<usize>,
    /// The first deployments of it, one a service, by their places; in the order of time.
    pub(super) reached: Vec<usize>,
}

/// A production deployment.
pub(super) struct Shipped<'a> {
    pub(super) entry: &'a Entry,
    pub(super) said: &'a Deployment,
    /// The changes that came with it, by id.
    pub(super) brought: BTreeSet<&'a str>,
    pub(super) cohort: Cohort,
    pub(super) fate: Fate,
    /// What the fate rests on besides itself.
    pub(super) because: BTreeSet<u64>,
    /// Of one that failed: how long until all was well again, in seconds.
    pub(super) recovered: Option<u64>,
    /// The next deployment of the service there.
    pub(super) next: Option<usize>,
}

/// All that was delivered.
pub(super) struct Delivery<'a> {
    pub(super) index: Index<'a>,
    /// By id.
    pub(super) changes: BTreeMap<&'a str, Authored<'a>>,
    /// In the order of their ends.
    pub(super) shipped: Vec<Shipped<'a>>,
    /// Failing outcomes in production that no deployment is known to have caused: when, and where they stand.
    pub(super) unattributed: Vec<(Timestamp, u64)>,
}

impl Deployment {
    fn is_to(&self, environment: Option<&str>) -> bool {
        match environment {
            Some(name) => self.environment.name == name,
            None => self.environment.tier == Some(Tier::Prod),
        }
    }
}

impl<'a> Delivery<'a> {
    pub(super) fn of(model: &'a Model, environment: Option<&str>) -> Self {
        let commits = commits(model);
        let index = Index::of(model);
        let mut delivery = Self {
            changes: authored(model, &index, &commits),
            index,
            shipped: shipped(model, environment),
            unattributed: Vec::new(),
        };
        delivery.bring(model);
        delivery.reach();
        delivery.fare(model, environment);
        delivery
    }

    fn bring(&mut self, model: &'a Model) {
        let mut places: HashMap<ObjectId, (usize, usize)> = HashMap::new();
        let mut landed: BTreeMap<(usize, usize), &str> = BTreeMap::new();
        for (line, commits) in model.facts.lines.values().enumerate() {
            let height = commits.iter().rev().enumerate();
            places.extend(height.map(|(height, commit)| (commit.id, (line, height + 1))));
        }
        for (id, change) in &self.changes {
            let landing = change.landing.iter();
            let of_it = landing.flat_map(|(_, landing)| &landing.commits);
            landed.extend(of_it.filter_map(|commit| Some((*places.get(commit)?, *id))));
        }
        let mut above: HashMap<(&str, &str, usize), usize> = HashMap::new();
        let mut highest: HashMap<usize, usize> = HashMap::new();
        let mut sources: HashMap<String, BTreeSet<ObjectId>> = HashMap::new();
        for shipped in &mut self.shipped {
            if shipped.said.result != DeploymentResult::Success {
                continue;
            }
            let named = shipped.said.changes.iter();
            let known = named.filter_map(|id| self.changes.get_key_value(id.as_str()));
            shipped.brought.extend(known.map(|(id, _)| *id));
            let artifact = &shipped.said.artifact.digest;
            let commits = sources
                .entry(format!("{artifact:?}"))
                .or_insert_with(|| sources_of(model, &self.index, shipped.said));
            for (line, height) in commits.iter().filter_map(|id| places.get(id)).copied() {
                let key = (
                    &*shipped.said.service,
                    &*shipped.said.environment.name,
                    line,
                );
                let highest = highest.entry(line).or_default();
                let above = above.entry(key).or_insert(*highest);
                if height > *above {
                    let range = (line, *above + 1)..=(line, height);
                    shipped
                        .brought
                        .extend(landed.range(range).map(|(_, id)| *id));
                }
                *above = height;
                *highest = height.max(*highest);
            }
        }
    }

    fn reach(&mut self) {
        let mut seen = BTreeSet::new();
        for (at, shipped) in self.shipped.iter_mut().enumerate() {
            let cohorts = shipped
                .brought
                .iter()
                .filter_map(|id| self.changes.get(id))
                .map(|change| change.cohort);
            shipped.cohort = cohorts.max().unwrap_or(Cohort::Unknown);
            for id in &shipped.brought {
                if let Some(change) = self.changes.get_mut(id)
                    && seen.insert((*id, &*shipped.said.service))
                {
                    change.reached.push(at);
                }
            }
        }
    }

    fn fare(&mut self, model: &'a Model, environment: Option<&str>) {
        let told = self.told(model, environment);
        let mut later: HashMap<(&str, &str), Vec<usize>> = HashMap::new();
        for at in (0..self.shipped.len()).rev() {
            let said = self.shipped[at].said;
            let key = (&*said.service, &*said.environment.name);
            let next = later.get(&key).and_then(|all| all.last()).copied();
            let mended =
                next.filter(|next| self.shipped[*next].said.reason != DeploymentReason::Planned);
            let empty = Vec::new();
            let outcomes = told.about.get(&at).unwrap_or(&empty);
            let bad: Vec<_> = outcomes
                .iter()
                .filter(|(_, outcome)| outcome.kind.is_failure())
                .collect();
            let failed = said.result == DeploymentResult::Failure;
            let spoken = told.last.get(&key);
            let fate = if failed || !bad.is_empty() || mended.is_some() {
                Fate::Failed
            } else if !outcomes.is_empty() || spoken.is_some_and(|it| it.0 >= said.finished_on) {
                Fate::Well
            } else {
                Fate::Unknown
            };
            let mut because: BTreeSet<u64> = outcomes.iter().map(|(entry, _)| entry.seq).collect();
            because.extend(mended.map(|next| self.shipped[next].entry.seq));
            if fate == Fate::Well && because.is_empty() {
                because.extend(spoken.map(|(_, seq)| *seq));
            }
            let mends = later.get(&key).into_iter().flatten().rev().find(|next| {
                let next = self.shipped[**next].said;
                next.result == DeploymentResult::Success
                    && (failed || next.reason != DeploymentReason::Planned)
            });
            let mended_on = mends.map(|next| self.shipped[*next].said.finished_on);
            let shipped = &mut self.shipped[at];
            if fate == Fate::Failed {
                shipped.recovered = recovery(said, outcomes, mended_on);
            }
            (shipped.fate, shipped.because, shipped.next) = (fate, because, next);
            later.entry(key).or_default().push(at);
        }
        self.unattributed = told.unattributed;
    }

    // What outcomes say, by the deployment that they are about.
    fn told(&self, model: &'a Model, environment: Option<&str>) -> Told<'a> {
        let mut roots: HashMap<Sha256, BTreeSet<usize>> = HashMap::new();
        for (at, shipped) in self.shipped.iter().enumerate() {
            roots
                .entry(shipped.entry.attestation)
                .or_default()
                .insert(at);
        }
        let landings: HashMap<Sha256, &str> = model
            .landings()
            .map(|(entry, landing)| (entry.attestation, landing.change_id.as_str()))
            .collect();
        let outcomes = model.of::<Outcome>();
        let here: BTreeSet<&str> = self
            .shipped
            .iter()
            .map(|shipped| &*shipped.said.environment.name)
            .collect();
        let mut told = Told::default();
        for (entry, outcome) in outcomes {
            let named = outcome.about.iter().chain(&outcome.caused_by);
            let mut causes = BTreeSet::new();
            for name in named.filter(|name| name.origin == model.origin) {
                causes.extend(roots.get(&name.attestation).into_iter().flatten().copied());
                let change = landings.get(&name.attestation);
                let reached = change.and_then(|id| self.changes.get(id));
                causes.extend(
                    reached
                        .iter()
                        .flat_map(|it| &it.reached)
                        .filter(|at| self.shipped[**at].said.service == outcome.service),
                );
            }
            for at in &causes {
                told.about.entry(*at).or_default().push((entry, outcome));
            }
            let name = &*outcome.environment.name;
            let is_here = match environment {
                Some(asked) => name == asked,
                None => outcome.environment.tier == Some(Tier::Prod) || here.contains(name),
            };
            if causes.is_empty() && outcome.kind.is_failure() && is_here {
                told.unattributed.push((outcome.detected_on, entry.seq));
            }
            let last = told.last.entry((&outcome.service, name));
            let word = (outcome.detected_on, entry.seq);
            let last = last.or_insert(word);
            *last = word.max(*last);
            roots.insert(entry.attestation, causes);
        }
        told
    }
}

#[derive(Default)]
struct Told<'a> {
    about: HashMap<usize, Vec<(&'a Entry, &'a Outcome)>>,
    /// The last word on each service in each environment: when, and its entry.
    last: HashMap<(&'a str, &'a str), (Timestamp, u64)>,
    unattributed: Vec<(Timestamp, u64)>,
}

// From when it was noticed, else from the deployment's end, until the last that says that all is well; none where what
// was noticed last is not mended yet.
fn recovery(
    said: &Deployment,
    outcomes: &[(&Entry, &Outcome)],
    mended: Option<Timestamp>,
) -> Option<u64> {
    let bad = || outcomes.iter().filter(|(_, it)| it.kind.is_failure());
    let noticed = || bad().map(|(_, it)| it.detected_on);
    let from = noticed().min().unwrap_or(said.finished_on);
    let open = noticed().max().unwrap_or(said.finished_on);
    let restored = outcomes.iter().filter_map(|(_, it)| it.restored_on);
    let recovered = outcomes
        .iter()
        .filter(|(_, it)| it.kind == OutcomeKind::Recovered)
        .map(|(_, it)| it.detected_on);
    let said = restored.chain(recovered).filter(|end| *end >= open).max();
    let until = said.or(mended.filter(|end| *end >= open))?;
    u64::try_from(until.unix() - from.unix()).ok()
}

fn commits(model: &Model) -> HashMap<ObjectId, &CommitFacts> {
    let lines = model.facts.lines.values().flatten();
    let all = model.facts.others.values().chain(lines);
    all.map(|commit| (commit.id, commit)).collect()
}

fn sources_of(model: &Model, index: &Index<'_>, said: &Deployment) -> BTreeSet<ObjectId> {
    let about = index.of_artifact(model, &said.artifact.digest);
    let made = about
        .iter()
        .map(|at| &model.entries[*at])
        .filter(|entry| entry.makes());
    made.flat_map(Entry::source_commits).collect()
}

fn authored<'a>(
    model: &'a Model,
    index: &Index<'a>,
    commits: &HashMap<ObjectId, &'a CommitFacts>,
) -> BTreeMap<&'a str, Authored<'a>> {
    let mut firsts: HashMap<&str, &Entry> = HashMap::new();
    for entry in model.entries.iter() {
        if let Some(Known::Change(change)) = &entry.said {
            firsts.entry(&change.id).or_insert(entry);
        }
    }
    let bots = &model.policy().ai().bots;
    let of = |(id, it): (&&'a str, &_)| {
        let it: &crate::judge::Landed<'a> = it;
        let (mut evidence, mut marks) = (BTreeSet::new(), BTreeSet::new());
        index.of_change(model, it, &mut evidence, &mut marks);
        let said = evidence.iter().map(|at| &model.entries[*at]);
        let said = said.filter_map(|entry| match &entry.said {
            Some(Known::AiAssistance(said)) => model.actor(entry).map(|_| said.kind),
            _ => None,
        });
        let landed = it.landing.iter().flat_map(|(_, landing)| &landing.commits);
        let all = landed.chain([&it.change.head.commit]);
        let mut of_it = all.filter_map(|id| commits.get(id));
        let cohort = match said.max() {
            Some(AiKind::Autonomous) => Cohort::Autonomous,
            Some(AiKind::Assisted) => Cohort::Assisted,
            Some(AiKind::None) if of_it.all(|it| it.ai_tools(bots).next().is_none()) => {
                Cohort::None
            }
            _ => Cohort::Unknown,
        };
        let authored = Authored {
            entry: it.entry,
            change: it.change,
            landing: it.landing,
            first: firsts.get(id).copied().unwrap_or(it.entry),
            cohort,
            committed: commits.get(&it.change.head.commit).map(|it| it.committed),
            evidence,
            reached: Vec::new(),
        };
        (*id, authored)
    };
    index.changes.iter().map(of).collect()
}

fn shipped<'a>(model: &'a Model, environment: Option<&str>) -> Vec<Shipped<'a>> {
    let ended = model
        .deployments()
        .filter(|(_, said)| said.is_to(environment) && said.result != DeploymentResult::Aborted);
    let mut shipped: Vec<Shipped<'_>> = ended
        .map(|(entry, said)| Shipped {
            entry,
            said,
            brought: BTreeSet::new(),
            cohort: Cohort::Unknown,
            fate: Fate::Unknown,
            because: BTreeSet::new(),
            recovered: None,
            next: None,
        })
        .collect();
    shipped.sort_by_key(|it| (it.said.finished_on, it.entry.seq));
    shipped
}
