//! GitLab's records.
//!
//! <https://docs.gitlab.com/api/merge_requests/>, <https://docs.gitlab.com/api/merge_request_approvals/>,
//! <https://docs.gitlab.com/api/protected_branches/>, <https://docs.gitlab.com/user/project/integrations/webhook_events/>

use std::collections::BTreeMap;

use super::{Left, Merged, Opinion, Protection, Record, Records, Request, Why, Word, protection};
use crate::digest::ObjectId;
use crate::timestamp::Timestamp;

pub(super) fn read(records: &[Record]) -> Records {
    let mut read = Records::default();
    let mut late = Vec::new();
    let mut known = Known::default();
    for record in records {
        let outcome = if record.text("/object_kind") == Some("merge_request") {
            event(record, &mut read)
        } else if record.has("/iid") && record.has("/target_branch") && record.has("/sha") {
            known.names(record);
            request(record).map(|request| read.requests.push(request))
        } else if record.has("/merge_request_id") && record.has("/head_commit_sha") {
            known.version(record)
        } else if is_approvals(record) || is_protection(record) {
            late.push(record);
            Ok(())
        } else {
            Err(Why::Unknown)
        };
        read.left.extend(outcome.err().map(|why| record.left(why)));
    }
    for record in late {
        let left = |why| record.left(why);
        match is_protection(record) {
            true => match protected(record, &known) {
                Ok(protection) => read.protections.push(protection),
                Err(why) => read.left.push(left(why)),
            },
            false => approvals(record, &known, &mut read),
        }
    }
    read
}

fn is_approvals(record: &Record) -> bool {
    record.has("/approved_by") && record.has("/iid")
}

fn is_protection(record: &Record) -> bool {
    record.has("/push_access_levels") && record.has("/name")
}

/// What other records say of merge requests, by their id.
#[derive(Default)]
struct Known<'a> {
    requests: BTreeMap<u64, (&'a str, &'a str)>,
    versions: BTreeMap<u64, Vec<(Timestamp, ObjectId)>>,
    forge: Option<(&'a str, &'a str)>,
}

impl<'a> Known<'a> {
    fn names(&mut self, record: &'a Record) {
        if let (Some(id), Some(url)) = (record.number("/id"), record.url("/web_url")) {
            self.requests.insert(id, url);
            let project = url.0.split("/-/").next().unwrap_or(url.0);
            self.forge.get_or_insert((project, url.1));
        }
    }

    fn version(&mut self, record: &Record) -> Result<(), Why> {
        let id = record
            .number("/merge_request_id")
            .ok_or(Why::Lacks("merge_request_id"))?;
        let head = record
            .commit("/head_commit_sha")
            .ok_or(Why::Lacks("head_commit_sha"))?;
        let on = record.time("/created_at").ok_or(Why::Lacks("created_at"))?;
        self.versions.entry(id).or_default().push((on, head));
        Ok(())
    }

    /// The commit that an approval of that moment is about.
    fn head(&self, id: u64, on: Option<Timestamp>) -> Option<ObjectId> {
        let versions = self.versions.get(&id)?;
        match (versions.as_slice(), on) {
            ([(_, only)], None) => Some(*only),
            (versions, Some(on)) => versions
                .iter()
                .filter(|(created, _)| *created <= on)
                .max()
                .map(|(_, head)| *head),
            _ => None,
        }
    }
}

fn request(record: &Record) -> Result<Request, Why> {
    let (url, host) = record.url("/web_url").ok_or(Why::Lacks("web_url"))?;
    let head = record.commit("/sha").ok_or(Why::Lacks("sha"))?;
    let merger = ["/merge_user/username", "/merged_by/username"];
    // What the merge commit is where there is one; else what was squashed; else the branch moved to the head.
    let landed = ["/merge_commit_sha", "/squash_commit_sha"];
    let merged = (record.text("/state") == Some("merged")).then(|| Merged {
        to: landed
            .iter()
            .find_map(|pointer| record.commit(pointer))
            .unwrap_or(head),
        by: merger
            .iter()
            .find_map(|pointer| record.login(host, pointer)),
    });
    Ok(Request {
        source: record.source(host, Some(url)),
        url: url.to_owned(),
        target: record
            .branch("/target_branch")
            .ok_or(Why::Lacks("target_branch"))?
            .to_owned(),
        base: record.commit("/diff_refs/base_sha"),
        head,
        opener: record.login(host, "/author/username"),
        pusher: None,
        merged,
    })
}

fn event(record: &Record, read: &mut Records) -> Result<(), Why> {
    const AT: &str = "/object_attributes";
    let at = |pointer: &str| format!("{AT}{pointer}");
    let (url, host) = record
        .url(&at("/url"))
        .ok_or(Why::Lacks("object_attributes.url"))?;
    let head = record
        .commit(&at("/last_commit/id"))
        .ok_or(Why::Lacks("object_attributes.last_commit.id"))?;
    let user = record.login(host, "/user/username");
    let action = record.text(&at("/action")).unwrap_or_default();
    let opened = action == "open"
        || (record.has("/user/id")
            && record.number("/user/id") == record.number(&at("/author_id")));
    let pushed = action == "open" || (action == "update" && record.has(&at("/oldrev")));
    let merged = (record.text(&at("/state")) == Some("merged")).then(|| Merged {
        to: record.commit(&at("/merge_commit_sha")).unwrap_or(head),
        by: user.clone().filter(|_| action == "merge"),
    });
    read.requests.push(Request {
        source: record.source(host, Some(url)),
        url: url.to_owned(),
        target: record
            .branch(&at("/target_branch"))
            .ok_or(Why::Lacks("object_attributes.target_branch"))?
            .to_owned(),
        base: None,
        head,
        opener: user.clone().filter(|_| opened),
        pusher: user.clone().filter(|_| pushed),
        merged,
    });
    let word = match action {
        "approved" | "approval" => Word::Approved,
        "unapproved" | "unapproval" => Word::Withdrawn,
        _ => return Ok(()),
    };
    read.opinions.push(Opinion {
        source: record.source(host, Some(url)),
        request: url.to_owned(),
        person: user.ok_or(Why::Lacks("user.username"))?,
        word,
        head,
        on: record.time(&at("/updated_at")),
    });
    Ok(())
}

fn approvals(record: &Record, known: &Known<'_>, read: &mut Records) {
    let id = record.number("/id");
    let Some((id, (url, host))) = id.and_then(|id| Some((id, *known.requests.get(&id)?))) else {
        read.left.push(record.left(Why::NoRequest));
        return;
    };
    let given = record.at("/approved_by").and_then(|all| all.as_array());
    for index in 0..given.map_or(0, Vec::len) {
        let at = |pointer: &str| format!("/approved_by/{index}{pointer}");
        let on = record.time(&at("/approved_at"));
        let person = record.login(host, &at("/user/username"));
        let mut left = |why| {
            let who = person.as_ref().map_or("somebody", |person| &person.login);
            let record = format!("approval of {url} by {who}");
            read.left.push(Left { record, why });
        };
        match (&person, known.head(id, on)) {
            (None, _) => left(Why::Lacks("user.username")),
            (_, None) => left(Why::NoVersion),
            (Some(person), Some(head)) => read.opinions.push(Opinion {
                source: record.source(host, Some(url)),
                request: url.to_owned(),
                person: person.clone(),
                word: Word::Approved,
                head,
                on,
            }),
        }
    }
}

fn protected(record: &Record, known: &Known<'_>) -> Result<Protection, Why> {
    let (project, host) = known.forge.ok_or(Why::NoProject)?;
    let branch = record
        .branch("/name")
        .ok_or(Why::Lacks("a branch's own name in name"))?;
    Ok(Protection {
        source: record.source(host, Some(project)),
        branch: branch.to_owned(),
        settings: protection::settings(&record.value),
    })
}
