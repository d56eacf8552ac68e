//! A ledger as pages: what counts, by release, artifact, person, environment and check; the verdict with its sources; each
//! entry under its own address.
//!
//! A [`Site`] is made of a judgement and writes each page when it is asked for; nothing here is read or judged. The same pages
//! stand behind `serve` and, as files, on any web host: every link is relative, nothing runs, nothing is fetched. What strangers
//! recorded is escaped as everywhere.

pub mod address;
mod pages;

use std::collections::BTreeMap;

use self::address::{check_part, part};
use super::audit::Audit;
use super::entry::EntryView;
use crate::digest::ObjectId;
use crate::insight::Insight;
use crate::query::Row;

/// As many entries stand on one page of the list.
pub const BLOCK: u64 = 500;

/// All that the pages show.
pub struct Site {
    audit: Audit,
    insight: Insight,
    /// By seq.
    rows: Vec<Row>,
    persons: Places,
    environments: Places,
    artifacts: Places,
    releases: Vec<usize>,
}

/// Names by the parts of their addresses, with the rows about them by place.
type Places = BTreeMap<String, (String, Vec<usize>)>;

/// Where the recorded entries come from: by seq.
pub type Entries<'a> = dyn Fn(u64) -> Option<EntryView> + 'a;

impl Site {
    /// Of a judgement over the whole ledger, what was measured, and the rows that count.
    pub fn new(audit: Audit, insight: Insight, mut rows: Vec<Row>) -> Self {
        rows.sort_by_key(|row| row.seq);
        let (mut persons, mut environments) = (Places::new(), Places::new());
        let (mut artifacts, mut releases) = (Places::new(), Vec::new());
        for (at, row) in rows.iter().enumerate() {
            let add = |places: &mut Places, name: &str| {
                let place = places.entry(part(name));
                let (_, about) = place.or_insert_with(|| (name.to_owned(), Vec::new()));
                if about.last() != Some(&at) {
                    about.push(at);
                }
            };
            add(&mut persons, row.person.as_str());
            add(&mut persons, row.signer.as_str());
            for environment in &row.environments {
                add(&mut environments, environment);
            }
            for (algorithm, digest) in row.subjects.iter().flat_map(|it| it.digest.iter()) {
                if !algorithm.starts_with("git") {
                    add(&mut artifacts, &format!("{algorithm}-{digest}"));
                }
            }
            if matches!(&*row.predicate, "deployment" | "release") {
                releases.push(at);
            }
        }
        Self {
            audit,
            insight,
            rows,
            persons,
            environments,
            artifacts,
            releases,
        }
    }

    /// Every page's address, the first page's, which is empty, first.
    pub fn addresses(&self) -> Vec<String> {
        let mut all: Vec<String> = [
            "",
            "verdict/",
            "insight/",
            "entries/",
            "releases/",
            "artifacts/",
            "persons/",
            "environments/",
            "checks/",
        ]
        .map(str::to_owned)
        .into();
        let size = self.audit.size;
        all.extend((0..size.div_ceil(BLOCK)).map(|block| format!("entries/{block}/")));
        all.extend((0..size).map(|seq| format!("entry/{seq}/")));
        let releases = self.releases.iter().map(|at| self.rows[*at].seq);
        all.extend(releases.map(|seq| format!("release/{seq}/")));
        for (folder, places) in [
            ("artifact", &self.artifacts),
            ("person", &self.persons),
            ("environment", &self.environments),
        ] {
            all.extend(places.keys().map(|part| format!("{folder}/{part}/")));
        }
        let checks = self.audit.checks.iter();
        all.extend(checks.map(|check| format!("check/{}/", check_part(check.id))));
        all
    }

    /// The page at an address; none where there is none.
    pub fn page(&self, address: &str, entries: &Entries<'_>) -> Option<String> {
        let page = pages::Page {
            site: self,
            up: address::up(address),
        };
        if let Some(page) = match address {
            "" => Some(page.first()),
            "verdict/" => Some(page.verdict()),
            "insight/" => Some(page.insight()),
            "entries/" => Some(page.blocks()),
            "releases/" => Some(page.releases()),
            "artifacts/" => Some(page.names("Artifacts", "artifact", &self.artifacts)),
            "persons/" => Some(page.names("Persons", "person", &self.persons)),
            "environments/" => Some(page.names("Environments", "environment", &self.environments)),
            "checks/" => Some(page.checks()),
            _ => None,
        } {
            return Some(page);
        }
        let (folder, name) = address.strip_suffix('/')?.split_once('/')?;
        // One spelling of a number, so that a page has one address.
        let number = || name.parse::<u64>().ok().filter(|it| it.to_string() == name);
        match folder {
            "entries" => page.block(number().filter(|it| *it < self.audit.size.div_ceil(BLOCK))?),
            "entry" => Some(page.entry(&entries(number().filter(|it| *it < self.audit.size)?)?)),
            "release" => page.release(number()?),
            "artifact" => Some(page.about("Artifact", self.artifacts.get(name)?)),
            "person" => Some(page.about("Person", self.persons.get(name)?)),
            "environment" => Some(page.about("Environment", self.environments.get(name)?)),
            "check" => page.check(name),
            _ => None,
        }
    }

    /// The commit that an entry is about, where it counts.
    pub fn commit(&self, seq: u64) -> Option<ObjectId> {
        self.row(seq).map(|row| row.commit)
    }

    fn row(&self, seq: u64) -> Option<&Row> {
        let at = self.rows.binary_search_by_key(&seq, |row| row.seq).ok()?;
        self.rows.get(at)
    }
}
