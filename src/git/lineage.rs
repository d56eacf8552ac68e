//! How two commits of a ledger's line are related. A ledger's commits have one parent each, so that two tips are
//! followed down side by side to where they meet, and no program is started for it. Where a merge, a commit that is not
//! here or too long a way stands between, git is asked.

use std::collections::HashSet;

use super::{Error, Repository};
use crate::digest::ObjectId;
use crate::process;

/// No line is followed further; git has better means for long ones.
const STEPS: usize = 2_000;

/// One of the two lines, as far as it was followed.
struct Line {
    seen: HashSet<ObjectId>,
    at: Option<ObjectId>,
}

impl Line {
    fn from(tip: ObjectId) -> Self {
        Line {
            seen: HashSet::new(),
            at: Some(tip),
        }
    }

    /// Follows the line by one commit and gives that one; `None` at its beginning.
    fn step(&mut self, repository: &Repository) -> Result<Option<ObjectId>, Unclear> {
        let Some(at) = self.at else { return Ok(None) };
        let commit = repository.commit(&at).map_err(|_| Unclear)?;
        self.seen.insert(at);
        self.at = match commit.parents[..] {
            [] => None,
            [parent] => Some(parent),
            _ => return Err(Unclear),
        };
        Ok(Some(at))
    }
}

struct Unclear;

impl Repository {
    /// Where the lines of two commits meet; `None` where they do not, or where that cannot be told by following
    /// commits of one parent.
    pub fn meeting(&self, one: &ObjectId, other: &ObjectId) -> Option<ObjectId> {
        let (mut one, mut other) = (Line::from(*one), Line::from(*other));
        for _ in 0..STEPS {
            let mut ended = true;
            for _ in 0..2 {
                let stepped = one.step(self).ok()?;
                if let Some(at) = stepped.filter(|at| other.seen.contains(at)) {
                    return Some(at);
                }
                ended &= stepped.is_none();
                std::mem::swap(&mut one, &mut other);
            }
            if ended {
                return None;
            }
        }
        None
    }

    /// Whether one commit is another or reachable from it.
    ///
    /// # Errors
    /// Where git cannot say: history is missing.
    pub fn is_ancestor(&self, old: &ObjectId, new: &ObjectId) -> Result<bool, Error> {
        if let Some(met) = self.meeting(old, new) {
            return Ok(met == *old);
        }
        let arguments = ["merge-base", "--is-ancestor", &old.hex(), &new.hex()];
        let finished = self.git(&arguments).finish()?;
        match finished.status.code() {
            Some(0) => Ok(true),
            Some(1) => Ok(false),
            _ => Err(Error::Program(process::Error::Failed {
                program: "git merge-base".to_owned(),
                status: finished.status,
                said: String::from_utf8_lossy(&finished.err).trim().to_owned(),
            })),
        }
    }
}
