//! Remotes: asked and changed by the program git, so that people's credentials, proxies and SSH just work.
//!
//! Nothing is read from git's words to people: of a push only the flag at the head of each porcelain line counts
//! (git-push(1), OUTPUT), and whether the ref stands where it was expected is asked of the remote itself. Every call
//! has a time limit. A ref that others write is pushed with the value that it must still have.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{Error, RefName, Repository};
use crate::digest::ObjectId;
use crate::process::{self, Finished};

/// One remote of a repository.
#[derive(Clone, Debug)]
pub struct Remote<'a> {
    repository: &'a Repository,
    name: String,
    limit: Duration,
}

/// One ref that a push is to change.
#[derive(Clone, Debug)]
pub struct Update {
    /// The remote's ref.
    pub name: String,
    /// What it must hold: `None`, it must not exist.
    pub expected: Option<ObjectId>,
    /// What it is to hold: `None`, it is to be deleted.
    pub new: Option<ObjectId>,
}

/// Whether all of a push's refs change or none.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Atomic {
    /// All or none; a server that cannot refuses.
    Yes,
    /// Each for itself.
    No,
}

/// What became of one ref.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Pushed {
    /// The server says that it holds the new value.
    Accepted,
    /// It was not changed: it stands elsewhere, or the server will not.
    Rejected,
}

/// What became of a push.
#[derive(Clone, Debug)]
pub struct Report {
    /// By the remote's ref; one that git said nothing of is not here.
    pub refs: BTreeMap<String, Pushed>,
    /// What git and the server said to people; hostile text.
    pub words: String,
}

impl<'a> Remote<'a> {
    /// A remote by its name or URL. Whether there is one, the first call says.
    pub fn new(repository: &'a Repository, name: &str, limit: Duration) -> Self {
        Remote {
            repository,
            name: name.to_owned(),
            limit,
        }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The remote's refs that match these patterns (git-ls-remote(1)), with their values.
    ///
    /// # Errors
    /// Where the remote cannot be asked.
    pub fn list(&self, patterns: &[&str]) -> Result<BTreeMap<String, ObjectId>, Error> {
        let arguments = [&["ls-remote", "--refs", "--", &self.name], patterns].concat();
        let out = self.repository.exchange(&arguments, self.limit).output()?;
        let out = String::from_utf8_lossy(&out);
        let pairs = out.lines().filter_map(|line| line.split_once('\t'));
        let named = pairs.filter_map(|(hex, name)| {
            let id = ObjectId::from_hex(self.repository.algorithm(), hex).ok()?;
            Some((name.to_owned(), id))
        });
        Ok(named.collect())
    }

    /// What one ref holds; `None` where the remote has none of that name.
    ///
    /// # Errors
    /// Where the remote cannot be asked.
    pub fn value(&self, name: &str) -> Result<Option<ObjectId>, Error> {
        Ok(self.list(&[name])?.remove(name))
    }

    /// Brings the objects of one of the remote's refs, and sets a ref of our own to what it holds. That ref is
    /// private: it is overwritten without a question.
    ///
    /// # Errors
    /// Where the remote cannot be asked, or has no such ref.
    pub fn fetch(&self, theirs: &str, ours: &RefName) -> Result<ObjectId, Error> {
        let spec = format!("+{theirs}:{ours}");
        let arguments = [
            "fetch",
            self.repository.progress(),
            "--no-tags",
            "--no-write-fetch-head",
            "--no-recurse-submodules",
            "--no-auto-maintenance",
            // A partial clone's filter is for its own history; nobody could judge half a ledger.
            "--no-filter",
            // Else the configured refspecs are followed as well, and the ledger's own ref moves unverified.
            "--refmap=",
            "--",
            &self.name,
            &spec,
        ];
        self.repository.exchange(&arguments, self.limit).output()?;
        let tip = self
            .repository
            .reference(ours)?
            .ok_or_else(|| Error::Vanished { name: ours.clone() })?;
        self.complete(&tip)?;
        Ok(tip)
    }

    /// Brings what a commit's tree lacks here: in a partial clone, `git fetch` passes over what it believes that the
    /// remote would give later, and has passed it over already where a configured refspec brought the commit.
    fn complete(&self, commit: &ObjectId) -> Result<(), Error> {
        // What is missing below a missing tree is known only once that tree is here; it comes with it.
        const ROUNDS: usize = 3;
        if !self.repository.has_promisor() {
            return Ok(());
        }
        let tree = self.repository.commit(commit)?.tree;
        let (hex, own) = (tree.hex(), format!("{}\n", tree.hex()));
        let list = ["rev-list", "--objects", "--missing=print", &hex];
        for _ in 0..ROUNDS {
            // Where even the root is missing, git has nowhere to start from.
            let missing = if self.repository.has(&tree) {
                let out = self.repository.git(&list).limit(self.limit).output()?;
                let out = String::from_utf8_lossy(&out);
                let ids = out.lines().filter_map(|line| line.strip_prefix('?'));
                ids.map(|id| format!("{id}\n")).collect()
            } else {
                own.clone()
            };
            if missing.is_empty() {
                break;
            }
            let fetch = [
                // The objects' ids are known; to say what is here would only cost.
                "-c",
                "fetch.negotiationAlgorithm=noop",
                "fetch",
                self.repository.progress(),
                "--no-tags",
                "--no-write-fetch-head",
                "--no-recurse-submodules",
                "--no-auto-maintenance",
                "--no-filter",
                "--refmap=",
                "--stdin",
                "--",
                &self.name,
            ];
            let fetch = self.repository.exchange(&fetch, self.limit);
            fetch.input(missing).output()?;
        }
        Ok(())
    }

    /// Pushes; each ref only where it still has its expected value.
    ///
    /// # Errors
    /// Where git cannot be run, takes too long, or names no ref at all: then it is not known what the remote holds.
    pub fn push(&self, updates: &[Update], atomic: Atomic) -> Result<Report, Error> {
        let mut arguments: Vec<String> = [
            "push",
            "--porcelain",
            "--no-verify",
            "--recurse-submodules=no",
        ]
        .map(str::to_owned)
        .to_vec();
        if self.repository.attended {
            arguments.push("--progress".to_owned());
        }
        if atomic == Atomic::Yes {
            arguments.push("--atomic".to_owned());
        }
        for Update { name, expected, .. } in updates {
            let expected = expected.as_ref().map(ObjectId::hex).unwrap_or_default();
            arguments.push(format!("--force-with-lease={name}:{expected}"));
        }
        arguments.extend(["--".to_owned(), self.name.clone()]);
        for Update { name, new, .. } in updates {
            let new = new.as_ref().map(ObjectId::hex).unwrap_or_default();
            arguments.push(format!("{new}:{name}"));
        }
        let Finished { status, out, err } =
            self.repository.exchange(&arguments, self.limit).finish()?;
        let words = process::last_words(&err);
        let refs = porcelain(&String::from_utf8_lossy(&out));
        if refs.is_empty() {
            return Err(Error::Program(process::Error::Failed {
                program: "git push".to_owned(),
                status,
                said: words,
            }));
        }
        Ok(Report { refs, words })
    }
}

/// `<flag> TAB <from>:<to> TAB <summary>` a ref.
fn porcelain(out: &str) -> BTreeMap<String, Pushed> {
    let line = |line: &str| {
        let (flag, rest) = line.split_at_checked(1)?;
        let (_, to) = rest
            .strip_prefix('\t')?
            .split('\t')
            .next()?
            .rsplit_once(':')?;
        let pushed = match flag {
            "!" => Pushed::Rejected,
            " " | "+" | "-" | "*" | "=" => Pushed::Accepted,
            _ => return None,
        };
        Some((to.to_owned(), pushed))
    };
    out.lines().filter_map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_flags_and_names_are_read() {
        let out = "To /tmp/x\n*\tabc:refs/notes/docket\t[new reference]\n!\tabc:refs/a\t[rejected] (x)\n-\t:refs/b\t[deleted]\nDone\n";
        let expected = [
            ("refs/notes/docket", Pushed::Accepted),
            ("refs/a", Pushed::Rejected),
            ("refs/b", Pushed::Accepted),
        ];
        let expected = expected.map(|(name, pushed)| (name.to_owned(), pushed));
        assert_eq!(porcelain(out), BTreeMap::from(expected));
        assert!(porcelain("fatal: x\n\n?\ta:b\tc\n").is_empty());
    }
}
