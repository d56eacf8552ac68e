//! Site: a ledger's pages, kept in step with it, and written as files.
//!
//! Everything comes from one replay of the whole ledger. When the ledger's ref has moved, the next page is made from a new one; a ledger
//! that is broken has no pages.

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::io;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use serde::Serialize;

use super::judgement::{self, Wanted};
use super::log::{self, Filter};
use super::report::audited;
use super::verify::{self as replay, Remember, Request};
use super::{Explain, Failure, World};
use crate::digest::ObjectId;
use crate::git::{self, RefName, Repository};
use crate::insight::{self, Asked};
use crate::query;
use crate::report::entry::EntryView;
use crate::report::site::Site;
use crate::store::{self, Stored};
use crate::verify::{Keep, Question, Verdict};

/// Why there are no pages.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The ledger could not be replayed.
    #[error(transparent)]
    Replay(#[from] replay::Error),
    /// Git could not.
    #[error(transparent)]
    Git(#[from] git::Error),
    /// The ledger could not be read.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// An entry could not be read.
    #[error(transparent)]
    Log(#[from] log::Error),
    /// What the ledger holds cannot be trusted.
    #[error("the ledger is broken, so nothing in it can be shown as evidence")]
    Broken,
    /// There is no ledger any more.
    #[error("there is no ledger here: {name} is missing")]
    Gone {
        /// Its ref.
        name: RefName,
    },
    /// A file or folder could not be written.
    #[error("{path} cannot be written")]
    Write {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The folder has something in it already.
    #[error("{path} is not empty")]
    NotEmpty {
        /// The folder.
        path: PathBuf,
    },
}

impl Explain for Error {
    fn failure(&self) -> Failure {
        match self {
            Self::Replay(error) => error.failure(),
            Self::Broken => Failure::Broken,
            Self::NotEmpty { .. } => Failure::Usage,
            _ => Failure::CouldNotLook,
        }
    }

    fn remedy(&self) -> Option<String> {
        match self {
            Self::Replay(error) => error.remedy(),
            Self::Broken => Some("git docket verify names everything that is wrong".into()),
            Self::NotEmpty { .. } => Some("name a folder that does not exist yet".into()),
            _ => None,
        }
    }
}

/// A ledger's pages, as of where its ref stood.
pub struct Pages<'a> {
    world: &'a World,
    repository: &'a Repository,
    ledger: RefName,
    made: RefCell<Rc<Made>>,
}

struct Made {
    tip: ObjectId,
    site: Site,
    stored: Stored,
}

/// What was written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Exported {
    /// The ledger's commit.
    pub tip: ObjectId,
    /// How many pages.
    pub pages: u64,
}

impl<'a> Pages<'a> {
    /// Of a ledger as it stands.
    ///
    /// # Errors
    /// Where we could not look, or the ledger is broken.
    pub fn of(
        world: &'a World,
        repository: &'a Repository,
        ledger: &RefName,
    ) -> Result<Self, Error> {
        let made = Rc::new(made(world, repository, ledger)?);
        Ok(Self {
            world,
            repository,
            ledger: ledger.clone(),
            made: RefCell::new(made),
        })
    }

    /// The page at an address; none where there is none.
    ///
    /// # Errors
    /// Where the ledger has moved and cannot be shown any more.
    pub fn page(&self, address: &str) -> Result<Option<String>, Error> {
        let tip = self.repository.reference(&self.ledger)?;
        let tip = tip.ok_or_else(|| Error::Gone {
            name: self.ledger.clone(),
        })?;
        if self.made.borrow().tip != tip {
            *self.made.borrow_mut() = Rc::new(made(self.world, self.repository, &self.ledger)?);
        }
        let made = self.made.borrow().clone();
        Ok(made.site.page(address, &|seq| made.entry(seq)))
    }

    /// Writes every page into a new folder, each as `ADDRESS/index.html`.
    ///
    /// # Errors
    /// Where the folder has something in it, or cannot be written.
    pub fn export(&self, folder: &Path) -> Result<Exported, Error> {
        let failed = |path: &Path| {
            let path = path.to_owned();
            move |source| Error::Write { path, source }
        };
        fs::create_dir_all(folder).map_err(failed(folder))?;
        if fs::read_dir(folder)
            .map_err(failed(folder))?
            .next()
            .is_some()
        {
            return Err(Error::NotEmpty {
                path: folder.to_owned(),
            });
        }
        let made = self.made.borrow().clone();
        let entries = made.entries()?;
        let addresses: BTreeSet<String> = made.site.addresses().into_iter().collect();
        let mut pages = 0;
        for address in addresses {
            let entry = |seq| entries.get(&seq).cloned();
            let Some(page) = made.site.page(&address, &entry) else {
                continue;
            };
            let folder = folder.join(&address);
            fs::create_dir_all(&folder).map_err(failed(&folder))?;
            let path = folder.join("index.html");
            fs::write(&path, page).map_err(failed(&path))?;
            pages += 1;
        }
        Ok(Exported {
            tip: made.tip,
            pages,
        })
    }
}

impl Made {
    fn entries(&self) -> Result<HashMap<u64, EntryView>, Error> {
        let mut entries = HashMap::new();
        log::log(&self.stored, &Filter::default(), |entry, _| {
            entries.insert(entry.seq, entry);
            ControlFlow::Continue(())
        })?;
        Ok(entries)
    }

    // One that cannot be read has no page.
    fn entry(&self, seq: u64) -> Option<EntryView> {
        let mut found = None;
        let filter = Filter {
            commits: self.site.commit(seq).map(|commit| [commit].into()),
            ..Filter::default()
        };
        let looked = log::log(&self.stored, &filter, |entry, _| {
            if entry.seq > seq {
                return ControlFlow::Continue(());
            }
            found = (entry.seq == seq).then_some(entry);
            ControlFlow::Break(())
        });
        looked.ok().and(found)
    }
}

fn made(world: &World, repository: &Repository, ledger: &RefName) -> Result<Made, Error> {
    let mut request = Request::new(Question::Ledger);
    request.keep = Keep::Said;
    request.checks = Wanted::These(Vec::new());
    request.remember = Remember::No;
    let replayed = replay::verify(world, repository, ledger, &request)?;
    let outcome = &replayed.outcome;
    let evidence = outcome
        .evidence
        .as_ref()
        .filter(|_| outcome.verdict != Verdict::Broken)
        .ok_or(Error::Broken)?;
    let model = judgement::model(repository, outcome, evidence, None)?;
    let insight = insight::insight(&model, Asked::default()).map_err(|_| Error::Broken)?;
    let rows = query::rows(&model).collect();
    let audit = audited(&replayed, &model, request, &[], "the whole ledger".into());
    Ok(Made {
        tip: outcome.tip,
        site: Site::new(audit, insight, rows),
        // Of what was replayed, wherever the ref stands by now.
        stored: Stored::at(repository, outcome.tip)?,
    })
}
