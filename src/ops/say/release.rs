//! release: a tag, its commit, its tree and its artifacts, bound together.

use super::super::record::{Claim, Rehash};
use super::{Desk, Error, subject};
use crate::digest::ObjectId;
use crate::statement::predicate::Release;
use crate::statement::{DigestSet, Step, Subject};

/// `release TAG`.
#[derive(Clone, Debug)]
pub struct Publish {
    /// The step.
    pub step: Step,
    /// The tag.
    pub tag: String,
    /// Package URL; without it, one of type `generic` from the ledger's name and the tag.
    pub purl: Option<String>,
    /// Files or digests that are released.
    pub artifacts: Vec<String>,
}

impl Desk<'_> {
    /// A release; the desk was opened for the tag's commit.
    ///
    /// # Errors
    /// Where the tag is none, or an artifact cannot be read.
    pub fn release(&self, request: Publish) -> Result<Claim, Error> {
        let name = match request.tag.starts_with("refs/") {
            true => request.tag.clone(),
            false => format!("refs/tags/{}", request.tag),
        };
        let no_tag = || Error::NoTag {
            name: request.tag.clone(),
        };
        let reference = name.parse().map_err(|_| no_tag())?;
        let object = self.repository.reference(&reference)?.ok_or_else(no_tag)?;
        let mut subjects = vec![Subject::commit(&self.commit(), &self.tree()).named(&name)];
        if object != self.commit() {
            subjects.push(Subject::new(tag(&object)?).named(&name));
        }
        let mut built = Vec::new();
        for word in &request.artifacts {
            built.push(self.artifact(word)?);
        }
        subjects.extend(built.iter().map(subject));
        let tree = self.tree();
        let release = Release {
            purl: request.purl.unwrap_or_else(|| self.purl(&request.tag)),
            package_id: None,
            release_id: None,
            name: Some(name),
            basis: self.basis(|entry| {
                entry.commit == self.commit()
                    || entry.has_tree(&tree)
                    || built.iter().any(|one| entry.is_about(&one.digest))
            }),
        };
        let claim = self.claim(request.step, &release, subjects)?;
        Ok(Claim {
            rehash: Rehash::Yes,
            ..claim
        })
    }

    fn purl(&self, tag: &str) -> String {
        let origin = self.recorder.origin().to_string();
        let name = origin.rsplit('/').next().unwrap_or(&origin).to_owned();
        let version = tag.strip_prefix("refs/tags/").unwrap_or(tag);
        let version = version
            .strip_prefix('v')
            .filter(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
            .unwrap_or(version);
        format!("pkg:generic/{name}@{version}")
    }
}

fn tag(object: &ObjectId) -> Result<DigestSet, Error> {
    let digests = [("gitTag".to_owned(), object.hex())].into();
    DigestSet::new(digests).map_err(|_| Error::NoTag {
        name: object.to_string(),
    })
}
