//! What checks look at: changes, deployments, and what is known about their hands, trees and approvals.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::digest::ObjectId;
use crate::judge::entries::covered;
use crate::judge::model::{Actor, Entry, Model};
use crate::judge::{Item, Place, Scope};
use crate::policy::Policy;
use crate::policy::rules::FourEyes;
use crate::roster::{Person, PersonKind};
use crate::statement::DigestSet;
use crate::statement::predicate::{
    AiAssistance, Approval, ApprovalScope, Change, Covered, Decision, Deployment, DeploymentResult,
    Known, Landing, PersonId, ReviewVerdict, Who,
};
use crate::timestamp::Timestamp;

/// A change, and how it landed.
#[derive(Clone, Copy)]
pub(crate) struct Landed<'a> {
    pub(crate) entry: &'a Entry,
    pub(crate) change: &'a Change,
    pub(crate) landing: Option<(&'a Entry, &'a Landing)>,
}

/// A deployment.
#[derive(Clone, Copy)]
pub(in crate::judge) struct Deployed<'a> {
    pub(in crate::judge) entry: &'a Entry,
    pub(in crate::judge) deployment: &'a Deployment,
}

/// The changes in scope: those that landed, and where commits are asked about, those that have not yet.
pub(in crate::judge) fn changes<'a>(model: &'a Model, scope: &Scope) -> Vec<Landed<'a>> {
    let brought: Option<BTreeSet<&str>> = (scope.environment.is_some() || scope.artifact.is_some())
        .then(|| {
            let deployed = deployments(model, scope);
            deployed
                .iter()
                .flat_map(|it| it.deployment.changes.iter().map(String::as_str))
                .collect()
        });
    let sources: BTreeSet<ObjectId> = scope
        .artifact
        .iter()
        .flat_map(|artifact| origins(model, artifact))
        .map(|(commit, _)| commit)
        .collect();
    let landings: HashMap<&str, (&Entry, &Landing)> = model
        .landings()
        .map(|(entry, landing)| (landing.change_id.as_str(), (entry, landing)))
        .collect();
    let landed = |(id, (entry, change)): (&'a str, (&'a Entry, &'a Change))| Landed {
        entry,
        change,
        landing: landings.get(id).copied(),
    };
    let in_scope = |it: &Landed<'a>| {
        let has = |commit: &ObjectId| {
            it.change.head.commit == *commit
                || it
                    .landing
                    .is_some_and(|(_, landing)| landing.commits.contains(commit))
        };
        let asked = match &scope.commits {
            Some(commits) => commits.iter().any(has),
            None => it.landing.is_some(),
        };
        let brought = brought
            .as_ref()
            .is_none_or(|ids| ids.contains(it.change.id.as_str()) || sources.iter().any(has));
        asked && brought && in_period(scope, it.time())
    };
    model
        .changes()
        .into_iter()
        .map(landed)
        .filter(in_scope)
        .collect()
}

/// The deployments in scope that succeeded.
pub(super) fn deployments<'a>(model: &'a Model, scope: &Scope) -> Vec<Deployed<'a>> {
    let ended = all_deployments(model, scope).into_iter();
    ended
        .filter(|it| it.deployment.result == DeploymentResult::Success)
        .collect()
}

/// The deployments in scope, however they ended.
pub(in crate::judge) fn all_deployments<'a>(model: &'a Model, scope: &Scope) -> Vec<Deployed<'a>> {
    let in_scope = |it: &Deployed<'a>| {
        let environment = scope
            .environment
            .as_ref()
            .is_none_or(|name| it.deployment.environment.name == *name);
        let family = || model.family(&it.deployment.artifact.digest);
        let artifact = scope
            .artifact
            .as_ref()
            .is_none_or(|asked| family().iter().any(|one| one.matches(asked)));
        let commits = scope.commits.as_ref().is_none_or(|commits| {
            commits.contains(&it.entry.commit)
                || it
                    .origins(model)
                    .iter()
                    .any(|(commit, _)| commits.contains(commit))
        });
        environment
            && artifact
            && commits
            && in_period(
                scope,
                it.entry.verified.unwrap_or(it.deployment.finished_on),
            )
    };
    let all = model
        .deployments()
        .map(|(entry, deployment)| Deployed { entry, deployment });
    all.filter(in_scope).collect()
}

/// Whether a moment is in the period asked about.
pub(super) fn in_period(scope: &Scope, time: Timestamp) -> bool {
    scope
        .period
        .is_none_or(|(from, until)| from <= time && time < until)
}

/// The entries from which an artifact came: those that have it, or one of its family, as a subject and are
/// provenance, links or releases.
pub(super) fn sources<'a>(model: &'a Model, artifact: &DigestSet) -> Vec<&'a Entry> {
    let family = model.family(artifact);
    let about = model.entries.about(&family);
    about.into_iter().filter(|entry| entry.makes()).collect()
}

/// The commits, with their trees, from which an artifact came: as its provenance names them, where the ledger or git knows
/// them here; else those under which the entries that made it stand.
pub(super) fn origins(model: &Model, artifact: &DigestSet) -> Vec<(ObjectId, ObjectId)> {
    let tree = |commit: &ObjectId| {
        let known = model.commit(commit).map(|facts| facts.tree);
        let attested = || model.entries.at_commit(commit).next();
        known.or_else(|| attested().map(|entry| entry.tree))
    };
    let mut origins = Vec::new();
    for entry in sources(model, artifact) {
        let named = entry.source_commits().into_iter();
        let known: Vec<_> = named.filter_map(|id| Some((id, tree(&id)?))).collect();
        match known.is_empty() {
            true => origins.push((entry.commit, entry.tree)),
            false => origins.extend(known),
        }
    }
    origins
}

impl<'a> Landed<'a> {
    /// The policy that judges it: in force when it landed; before that, the one in force now.
    pub(super) fn policy(&self, model: &'a Model) -> &'a Policy {
        let seq = self.landing.map_or(u64::MAX, |(entry, _)| entry.seq);
        model.in_force(seq).1
    }

    pub(super) fn time(&self) -> Timestamp {
        self.landing
            .map_or(self.entry.time(), |(entry, _)| entry.time())
    }

    pub(super) fn place(&self) -> Place {
        Place {
            time: Some(self.time()),
            seq: Some(self.landing.map_or(self.entry.seq, |(entry, _)| entry.seq)),
            ..Place::default()
        }
    }

    /// An item about it.
    pub(super) fn item(&self, item: Item) -> Item {
        item.at(self.place())
    }

    pub(in crate::judge) fn id(&self) -> &'a str {
        &self.change.id
    }

    /// The trees that evidence about it may be of: its head's, and what landed.
    pub(in crate::judge) fn trees(&self, model: &Model) -> Vec<ObjectId> {
        let mut trees = vec![self.change.head.tree];
        trees.extend(self.landed_tree(model));
        trees
    }

    /// The trees whose build, test and scan evidence counts for it: what landed, or where nothing has yet the head's;
    /// the head's too where what landed is its recomputed merge. Then the head's, where its evidence is lost.
    pub(super) fn carried(&self, model: &Model) -> (Vec<ObjectId>, Option<ObjectId>) {
        let head = self.change.head.tree;
        let Some(landed) = self.landed_tree(model).filter(|landed| *landed != head) else {
            return (vec![head], None);
        };
        let from = self.landing.and_then(|(_, landing)| {
            let parent = || model.commit(&landing.to)?.parents.first().copied();
            landing.from.or_else(parent)
        });
        let merge = from.and_then(|from| model.facts.merges.get(&(self.change.head.commit, from)));
        match merge == Some(&landed) {
            true => (vec![landed, head], None),
            false => (vec![landed], Some(head)),
        }
    }

    /// The tree that landed: of the commit that the ref stood at then.
    pub(super) fn landed_tree(&self, model: &Model) -> Option<ObjectId> {
        let (entry, landing) = self.landing?;
        let known = model.commit(&landing.to).map(|commit| commit.tree);
        known.or((entry.commit == landing.to).then_some(entry.tree))
    }

    /// Everybody who had a hand in it: authors, committers, opener, pusher, and the operators of AI. `Err` names
    /// one whom the roster does not know.
    pub(super) fn hands(&self, model: &'a Model) -> Result<BTreeSet<&'a PersonId>, Who> {
        let seq = self.entry.seq;
        let mut hands = BTreeSet::new();
        let mut add = |person: &'a Person| {
            hands.insert(person.id());
            hands.extend(person.operator());
        };
        let named = self.change.authors.iter().map(|author| &author.person);
        for who in named.chain(&self.change.opener).chain(&self.change.pusher) {
            add(model.person(who, seq).ok_or_else(|| who.clone())?);
        }
        let landed = self
            .landing
            .iter()
            .flat_map(|(_, landing)| &landing.commits);
        for commit in landed
            .chain([&self.change.head.commit])
            .filter_map(|id| model.commit(id))
        {
            let author = Who::Email {
                email: commit.author.clone(),
            };
            add(model.person(&author, seq).ok_or(author)?);
            let committer = Who::Email {
                email: commit.committer.clone(),
            };
            match model.person(&committer, seq) {
                // A forge's own committer is a service, and no hand in it.
                Some(person) if person.kind() == PersonKind::Service => {}
                Some(person) => add(person),
                None if is_forge(&commit.committer) => {}
                None => return Err(committer),
            }
            // Whoever a trailer names had a hand in it; whom it means, the change says.
            for email in commit.co_authors(&self.policy(model).ai().bots) {
                let email = email.to_owned();
                if let Some(person) = model.person(&Who::Email { email }, seq) {
                    add(person);
                }
            }
        }
        for said in self.assistance(model) {
            if let Some(operator) = said.operator.as_ref().and_then(|id| model.named(id, seq)) {
                add(operator);
            }
        }
        Ok(hands)
    }

    /// What was said of AI's part in it.
    pub(super) fn assistance(
        &self,
        model: &'a Model,
    ) -> Vec<&'a crate::statement::predicate::AiAssistance> {
        self.assistance_entries(model)
            .into_iter()
            .map(|(_, said)| said)
            .collect()
    }

    /// The same, with the entries.
    pub(super) fn assistance_entries(
        &self,
        model: &'a Model,
    ) -> Vec<(&'a Entry, &'a crate::statement::predicate::AiAssistance)> {
        let landed = self.landing.iter();
        let commits = landed.flat_map(|(_, landing)| &landing.commits);
        let under = commits
            .chain([&self.change.head.commit])
            .flat_map(|commit| model.entries.at_commit(commit));
        let trees = self.trees(model);
        let about = trees.iter().flat_map(|tree| model.entries.with_tree(tree));
        let said: BTreeMap<u64, (&Entry, &AiAssistance)> = under
            .chain(about)
            .filter_map(|entry| Some((entry.seq, (entry, entry.says()?))))
            .filter(|(_, (entry, _))| model.actor(entry).is_some())
            .collect();
        said.into_values().collect()
    }

    /// Whether AI had a hand in it, as was said.
    pub(super) fn has_ai(&self, model: &Model) -> bool {
        use crate::statement::predicate::AiKind;
        self.assistance(model)
            .iter()
            .any(|said| said.kind != AiKind::None)
    }
}

impl<'a> Deployed<'a> {
    /// The policy that judges it: in force when it was recorded.
    pub(super) fn policy(&self, model: &'a Model) -> &'a Policy {
        model.in_force(self.entry.seq).1
    }

    pub(super) fn place(&self) -> Place {
        Place {
            time: Some(self.entry.verified.unwrap_or(self.deployment.finished_on)),
            seq: Some(self.entry.seq),
            service: Some(self.deployment.service.clone()),
            environment: Some(self.deployment.environment.name.clone()),
            artifact: Some(self.deployment.artifact.digest.clone()),
            finding: None,
        }
    }

    /// An item about it.
    pub(super) fn item(&self, item: Item) -> Item {
        item.at(self.place())
    }

    pub(in crate::judge) fn label(&self) -> String {
        let Deployment {
            service,
            environment,
            ..
        } = self.deployment;
        format!(
            "{service} to {} (entry {})",
            environment.name, self.entry.seq
        )
    }

    pub(super) fn digest(&self) -> &'a DigestSet {
        &self.deployment.artifact.digest
    }

    /// The commits that it came from, with their trees.
    pub(super) fn origins(&self, model: &Model) -> Vec<(ObjectId, ObjectId)> {
        origins(model, self.digest())
    }
}

/// Forges commit in their own name where somebody pressed a button.
fn is_forge(email: &str) -> bool {
    matches!(email, "noreply@github.com" | "noreply@gitlab.com")
}

/// What is said about approving an artifact of this family.
pub(super) fn artifact_approvals<'a>(
    model: &'a Model,
    family: &[DigestSet],
) -> impl Iterator<Item = (&'a Entry, &'a Approval)> {
    let named = model.entries.naming(family);
    named
        .into_iter()
        .filter_map(|entry| Some((entry, entry.says()?)))
}

/// A yes to something, by a person.
pub(super) struct Yes<'a> {
    pub(super) entry: &'a Entry,
    pub(super) actor: Actor<'a>,
    pub(super) covered: &'a Covered,
    pub(super) expires: Option<Timestamp>,
}

/// Who said yes to merging a revision with this tree, or with one of these heads: approvals, and approving reviews where the
/// rule takes them. What the same person took back later is not among them.
pub(super) fn merge_approvals<'a>(
    model: &'a Model,
    rule: &FourEyes,
    tree: &ObjectId,
    heads: &BTreeSet<ObjectId>,
) -> Vec<Yes<'a>> {
    let of_heads = heads.iter().flat_map(|id| model.entries.covering_head(id));
    let covering: BTreeMap<u64, &Entry> = of_heads
        .chain(model.entries.covering_tree(tree))
        .map(|entry| (entry.seq, entry))
        .collect();
    let yes = covering.into_values().filter_map(|entry| {
        let (covered, expires) = match entry.said.as_ref()? {
            Known::Approval(said)
                if said.scope == ApprovalScope::Merge && said.decision == Decision::Approved =>
            {
                (covered(entry)?, said.valid_until)
            }
            Known::Review(said)
                if rule.accept_reviews && said.verdict == ReviewVerdict::Approve =>
            {
                (&said.covers, None)
            }
            _ => return None,
        };
        let actor = model.actor(entry)?;
        let counts = actor.is_human() && (rule.accept_observed || !actor.observed);
        counts.then_some(Yes {
            entry,
            actor,
            covered,
            expires,
        })
    });
    yes.filter(|yes| !taken_back(model, yes)).collect()
}

// The same person withdrew or rejected, or asked for changes, about the same tree, later.
fn taken_back(model: &Model, yes: &Yes<'_>) -> bool {
    let is_no = |entry: &&Entry| match &entry.said {
        Some(Known::Approval(said)) => said.decision != Decision::Approved,
        Some(Known::Review(said)) => said.verdict == ReviewVerdict::RequestChanges,
        _ => false,
    };
    let person = yes.actor.person.id();
    model
        .entries
        .covering_tree(&yes.covered.tree)
        .filter(|later| later.seq > yes.entry.seq)
        .filter(is_no)
        .filter_map(|later| model.actor(later))
        .any(|actor| actor.person.id() == person)
}
