//! GitHub's records.
//!
//! <https://docs.github.com/en/rest/pulls/pulls>, <https://docs.github.com/en/rest/pulls/reviews>,
//! <https://docs.github.com/en/rest/branches/branch-protection>,
//! <https://docs.github.com/en/webhooks/webhook-events-and-payloads>

use super::{
    Left, Merged, Opinion, Protection, Record, Records, Request, Why, Word, is_branch, protection,
};
use crate::statement::predicate::ReviewVerdict;

pub(super) fn read(records: &[Record]) -> Records {
    let mut read = Records::default();
    for record in records {
        if let Err(left) = one(record, &mut read) {
            read.left.push(left);
        }
    }
    read
}

fn one(record: &Record, read: &mut Records) -> Result<(), Left> {
    let left = |why| record.left(why);
    if record.has("/pull_request/head") {
        read.requests
            .push(request(record, "/pull_request").map_err(left)?);
        if record.has("/review") {
            let dismissed = record.text("/action") == Some("dismissed");
            read.opinions
                .extend(review(record, "/review", dismissed).map_err(left)?);
        }
    } else if record.has("/head") && record.has("/base") && record.has("/number") {
        read.requests.push(request(record, "").map_err(left)?);
    } else if record.has("/state") && record.has("/pull_request_url") {
        read.opinions
            .extend(review(record, "", false).map_err(left)?);
    } else if record.has("/sha") && record.has("/commit/author") {
        read.authors.extend(author(record));
    } else if record.has("/rule/name") && record.has("/repository") {
        read.protections.push(rule(record).map_err(left)?);
    } else if record.has("/enforce_admins") || record.has("/required_pull_request_reviews") {
        read.protections.push(settings(record).map_err(left)?);
    } else {
        return Err(left(Why::Unknown));
    }
    Ok(())
}

fn request(record: &Record, under: &str) -> Result<Request, Why> {
    let at = |pointer: &str| format!("{under}{pointer}");
    let (url, host) = record.url(&at("/html_url")).ok_or(Why::Lacks("html_url"))?;
    let merged = record.has(&at("/merged_at"))
        || record.at(&at("/merged")).and_then(|is| is.as_bool()) == Some(true);
    let merged = match merged {
        true => Some(Merged {
            to: record
                .commit(&at("/merge_commit_sha"))
                .ok_or(Why::Lacks("merge_commit_sha"))?,
            by: record.login(host, &at("/merged_by/login")),
        }),
        false => None,
    };
    // What a webhook tells of a push is whose it was.
    let pushed = matches!(record.text("/action"), Some("opened" | "synchronize"));
    Ok(Request {
        source: record.source(host, Some(url)),
        url: url.to_owned(),
        target: record
            .branch(&at("/base/ref"))
            .ok_or(Why::Lacks("base.ref"))?
            .to_owned(),
        base: record.commit(&at("/base/sha")),
        head: record
            .commit(&at("/head/sha"))
            .ok_or(Why::Lacks("head.sha"))?,
        opener: record.login(host, &at("/user/login")),
        pusher: record
            .login(host, "/sender/login")
            .filter(|_| pushed && !under.is_empty()),
        merged,
    })
}

// A review that was begun and not sent says nothing.
fn review(record: &Record, under: &str, dismissed: bool) -> Result<Option<Opinion>, Why> {
    let at = |pointer: &str| format!("{under}{pointer}");
    let state = record
        .text(&at("/state"))
        .ok_or(Why::Lacks("state"))?
        .to_ascii_lowercase();
    let word = match state.as_str() {
        _ if dismissed => Word::Withdrawn,
        "pending" => return Ok(None),
        "dismissed" => Word::Withdrawn,
        "approved" => Word::Review(ReviewVerdict::Approve),
        "changes_requested" => Word::Review(ReviewVerdict::RequestChanges),
        "commented" => Word::Review(ReviewVerdict::Comment),
        _ => return Err(Why::Lacks("state")),
    };
    let (url, host) = record.url(&at("/html_url")).ok_or(Why::Lacks("html_url"))?;
    Ok(Some(Opinion {
        source: record.source(host, Some(url)),
        request: url.split('#').next().unwrap_or(url).to_owned(),
        person: record
            .login(host, &at("/user/login"))
            .ok_or(Why::Lacks("user.login"))?,
        word,
        head: record
            .commit(&at("/commit_id"))
            .ok_or(Why::Lacks("commit_id"))?,
        on: record.time(&at("/submitted_at")),
    }))
}

fn author(record: &Record) -> Option<(crate::digest::ObjectId, super::Login)> {
    let (_, host) = record.url("/html_url")?;
    Some((record.commit("/sha")?, record.login(host, "/author/login")?))
}

// `https://api.github.com/repos/acme/app/branches/main/protection`, on a server `https://HOST/api/v3/repos/…`
fn settings(record: &Record) -> Result<Protection, Why> {
    let (url, host) = record.url("/url").ok_or(Why::Lacks("url"))?;
    let branch = url
        .split_once("/branches/")
        .and_then(|(_, rest)| rest.strip_suffix("/protection"))
        .and_then(protection::decoded)
        .filter(|branch| is_branch(branch))
        .ok_or(Why::Lacks("the branch in url"))?;
    let host = host.strip_prefix("api.").unwrap_or(host);
    Ok(Protection {
        source: record.source(host, Some(url)),
        branch,
        settings: protection::settings(&record.value),
    })
}

fn rule(record: &Record) -> Result<Protection, Why> {
    let (url, host) = record
        .url("/repository/html_url")
        .ok_or(Why::Lacks("repository.html_url"))?;
    // A pattern is no branch: which it holds for, only the forge knows.
    let branch = record
        .branch("/rule/name")
        .ok_or(Why::Lacks("a branch's own name in rule.name"))?;
    let rule = record.at("/rule").ok_or(Why::Lacks("rule"))?;
    let settings = match record.text("/action") {
        Some("deleted") => vec!["protected=false".to_owned()],
        _ => protection::settings(rule),
    };
    Ok(Protection {
        source: record.source(host, Some(url)),
        branch: branch.to_owned(),
        settings,
    })
}
