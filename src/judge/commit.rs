//! A commit's raw bytes, read as far as the checks need: tree, parents, people, time, trailers.

use super::model::CommitFacts;
use super::trailers::{Says, Trailer};
use crate::digest::{Algorithm, ObjectId};
use crate::timestamp::Timestamp;

/// As many bytes of a message as are looked at for trailers.
const MAX_MESSAGE: usize = 1 << 20;

impl CommitFacts {
    /// Reads a commit object's content (git's `commit` format); `None` where it is none.
    ///
    /// Addresses are what stands between the last `<` and `>`, byte for byte, where they are UTF-8. A time out of
    /// range is read as the earliest there is.
    pub fn parse(id: ObjectId, raw: &[u8]) -> Option<Self> {
        let end = raw
            .windows(2)
            .position(|pair| pair == b"\n\n")
            .unwrap_or(raw.len());
        let (head, message) = raw.split_at(end);
        let mut lines = head.split(|byte| *byte == b'\n');
        let object = |line: &[u8], name: &str| -> Option<ObjectId> {
            let hex = line.strip_prefix(name.as_bytes())?.strip_prefix(b" ")?;
            ObjectId::from_hex(id.algorithm(), std::str::from_utf8(hex).ok()?).ok()
        };
        let tree = object(lines.next()?, "tree")?;
        let (mut parents, mut author, mut committer) = (Vec::new(), None, None);
        for line in lines {
            if let Some(parent) = object(line, "parent") {
                parents.push(parent);
            } else if let Some(person) = line.strip_prefix(b"author ") {
                author = author.or_else(|| signature(person));
            } else if let Some(person) = line.strip_prefix(b"committer ") {
                committer = committer.or_else(|| signature(person));
            }
        }
        let ((author, _), (committer, seconds)) = (author?, committer?);
        Some(Self {
            id,
            tree,
            parents,
            author,
            committer,
            committed: Timestamp::from_unix(seconds)
                .or_else(|_| Timestamp::from_unix(0))
                .ok()?,
            trailers: Trailer::read(&String::from_utf8_lossy(
                &message[..message.len().min(MAX_MESSAGE)],
            )),
        })
    }

    /// The AI tools that its trailers name, as they name them; `bots` as in [`Trailer::says`].
    pub fn ai_tools<'a>(&'a self, bots: &'a [String]) -> impl Iterator<Item = String> + 'a {
        let named = |trailer: &&Trailer| matches!(trailer.says(bots), Some(Says::Tool { .. }));
        let tools = self.trailers.iter().filter(named);
        tools.map(|trailer| crate::statement::shortened(&trailer.value))
    }

    /// The addresses of co-authors who are people.
    pub fn co_authors<'a>(&'a self, bots: &'a [String]) -> impl Iterator<Item = &'a str> {
        self.trailers
            .iter()
            .filter_map(|trailer| trailer.co_author(bots))
    }

    /// The algorithm of its ids.
    pub fn algorithm(&self) -> Algorithm {
        self.id.algorithm()
    }
}

// `Ada <ada@example.com> 1700000000 +0100`
fn signature(line: &[u8]) -> Option<(String, i64)> {
    let text = String::from_utf8_lossy(line);
    let (before, after) = text.rsplit_once('>')?;
    let (_, address) = before.rsplit_once('<')?;
    let seconds = after
        .split_whitespace()
        .next()
        .and_then(|word| word.parse().ok());
    Some((address.to_owned(), seconds.unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Option<CommitFacts> {
        let id = ObjectId::from_hex(Algorithm::Sha1, &"1".repeat(40)).expect("an id");
        CommitFacts::parse(id, text.as_bytes())
    }

    #[test]
    fn a_commit_with_everything() {
        let (tree, parent) = ("2".repeat(40), "3".repeat(40));
        let text = format!(
            "tree {tree}\nparent {parent}\nauthor Ada <L> <ada@example.com> 1700000000 +0100\n\
             committer GitHub <noreply@github.com> 1700000001 +0000\ngpgsig -----BEGIN\n author Eve <eve@example.com> 1 +0\n\n\
             Subject\n\nAssisted-by: not a trailer, there is text after it\n\nSigned-off-by: Ada\n\
             Co-authored-by: Claude <noreply@anthropic.com>\nCo-Authored-By: Claudia <claudia@example.com>\nAssisted-by: helper:m1\n"
        );
        let commit = parse(&text).expect("a commit");
        assert_eq!(commit.tree.hex(), tree);
        assert_eq!(commit.parents.len(), 1);
        assert_eq!(commit.author, "ada@example.com");
        assert_eq!(commit.committer, "noreply@github.com");
        assert_eq!(commit.committed.unix(), 1_700_000_001);
        assert_eq!(
            commit.ai_tools(&[]).collect::<Vec<_>>(),
            ["Claude <noreply@anthropic.com>", "helper:m1"]
        );
        assert_eq!(
            commit.co_authors(&[]).collect::<Vec<_>>(),
            ["claudia@example.com"]
        );
    }

    #[test]
    fn what_is_no_commit() {
        for bad in [
            "",
            "tree x",
            "author a <b> 1 +0\n\n",
            &format!("tree {}\n\n", "2".repeat(40)),
        ] {
            assert!(parse(bad).is_none(), "{bad:?}");
        }
    }
}
