//! C18 policy-pinned: each verdict names the policy in force; policy and roster changes are four-eyed.

use crate::judge::Governed;
use crate::judge::{Check, Item, Model, Reason, Scope};
use crate::statement::predicate::{Approval, ApprovalScope, Covers, Decision, Sha256Text};

/// The check.
pub(super) const CHECK: Check = Check {
    id: "C18",
    name: "policy-pinned",
    wants: "every change of policy and roster was approved by another human, or signed by several root keys",
    run,
};

fn run(model: &Model, _: &Scope) -> Vec<Item> {
    model
        .governed
        .iter()
        .map(|change| of(model, change))
        .collect()
}

fn of(model: &Model, change: &Governed) -> Item {
    // The policy that it goes on from, not the one that it brings.
    let (_, policy) = model.in_force(change.seq);
    let rule = policy.checks().c18.clone().unwrap_or_default();
    let subject = format!("{} {}", change.step, change.seq);
    // The threshold says that as many root keys have signed; a key is not always a person, so it must be two.
    if change.threshold > rule.approvals as usize {
        return Item::pass(subject, vec![change.seq]);
    }
    let wanted = match change.step.as_str() {
        "roster" => ApprovalScope::Roster,
        _ => ApprovalScope::Policy,
    };
    let yes = model.of::<Approval>().filter(|(entry, approval)| {
        let about = approval.covers == Covers::Document(Sha256Text(change.document));
        let by = model
            .actor(entry)
            .filter(|actor| actor.is_human() && (rule.accept_observed || !actor.observed));
        about
            && approval.scope == wanted
            && approval.decision == Decision::Approved
            && by.is_some_and(|actor| change.signer.as_ref() != Some(actor.person.id()))
    });
    let entries: Vec<u64> = yes.map(|(entry, _)| entry.seq).collect();
    let is_known = change.signer.is_some() || entries.is_empty();
    match entries.len() >= rule.approvals as usize {
        // Whoever nobody knows may be the one who approved.
        true if !is_known => Item::of(
            subject,
            Reason::HolderUnknown,
            "whoever signed it is nobody in the roster",
        )
        .resting_on(entries)
        .resting_on([change.seq]),
        true => Item::pass(subject, entries).resting_on([change.seq]),
        false => Item::of(
            subject,
            Reason::GovernanceAlone,
            format!("{} of {} approvals", entries.len(), rule.approvals),
        )
        .resting_on([change.seq]),
    }
}
