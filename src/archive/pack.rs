//! The container: files by name in one ustar (POSIX.1-2001), without compression.
//!
//! There is one spelling: regular files, sorted by name, mode 0644, owner and time 0. A reader takes the file apart,
//! puts it together again and compares: so links, folders, duplicates, names that lead out of the folder, sparse files,
//! extended headers and anything between or behind the files are refused, and nothing grows in the reading.

use std::collections::BTreeMap;
use std::io::{self, Read as _, Write};

use tar::{Builder, EntryType, Header};

/// No archive is larger: 1 GiB.
pub const LIMIT: u64 = 1 << 30;

/// Files by name.
pub type Files = BTreeMap<String, Vec<u8>>;

/// Why a file is no archive of ours.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PackError {
    /// It is no tar.
    #[error("it is no tar archive")]
    Tar(#[source] io::Error),
    /// A name that is none of ours.
    #[error("entry {at} has a name that no archive has: {name:?}")]
    Name {
        /// Which entry, from 0.
        at: usize,
        /// Its name.
        name: String,
    },
    /// A link, a folder or something else.
    #[error("{name} is no regular file")]
    NotAFile {
        /// Its name.
        name: String,
    },
    /// Twice the same name, or names out of order.
    #[error("{name} stands twice, or out of order")]
    Order {
        /// Its name.
        name: String,
    },
    /// The same files would be written otherwise.
    #[error("it is not written as archives are: bytes around the files were changed")]
    Spelling,
    /// A file that is too large, or too much in all.
    #[error("it would have more than 1 GiB")]
    TooLarge,
}

/// Puts files together.
///
/// # Errors
/// Where they are more than [`LIMIT`], or a name is none that an archive has.
pub fn pack(files: &Files) -> Result<Vec<u8>, PackError> {
    let bytes: u64 = files.values().map(|content| content.len() as u64).sum();
    if bytes > LIMIT {
        return Err(PackError::TooLarge);
    }
    let mut packed = Vec::new();
    write(files, &mut packed)?;
    Ok(packed)
}

/// Takes files out.
///
/// # Errors
/// Where the bytes are anything but what [`pack`] writes.
pub fn unpack(packed: &[u8]) -> Result<Files, PackError> {
    if packed.len() as u64 > 2 * LIMIT {
        return Err(PackError::TooLarge);
    }
    let mut files = Files::new();
    let mut archive = tar::Archive::new(packed);
    let entries = archive.entries().map_err(PackError::Tar)?.raw(true);
    for (at, entry) in entries.enumerate() {
        let mut entry = entry.map_err(PackError::Tar)?;
        let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        if !is_name(&name) {
            return Err(PackError::Name { at, name });
        }
        if entry.header().entry_type() != EntryType::Regular {
            return Err(PackError::NotAFile { name });
        }
        if files
            .last_key_value()
            .is_some_and(|(last, _)| *last >= name)
        {
            return Err(PackError::Order { name });
        }
        let mut content = Vec::new();
        entry.read_to_end(&mut content).map_err(PackError::Tar)?;
        files.insert(name, content);
    }
    let mut rest = Same { rest: packed };
    match write(&files, &mut rest) {
        Ok(()) if rest.rest.is_empty() => Ok(files),
        _ => Err(PackError::Spelling),
    }
}

fn write(files: &Files, out: &mut impl Write) -> Result<(), PackError> {
    let mut builder = Builder::new(out);
    for (at, (name, content)) in files.iter().enumerate() {
        if !is_name(name) {
            let name = name.clone();
            return Err(PackError::Name { at, name });
        }
        let mut header = Header::new_ustar();
        header.set_path(name).map_err(PackError::Tar)?;
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(0);
        header.set_entry_type(EntryType::Regular);
        header.set_cksum();
        builder
            .append(&header, content.as_slice())
            .map_err(PackError::Tar)?;
    }
    builder.finish().map_err(PackError::Tar)
}

/// Letters, digits, `.`, `_` and `-` in segments that begin with none of the last three; shorter than a header has room.
fn is_name(name: &str) -> bool {
    let segment = |segment: &str| {
        segment.starts_with(|first: char| first.is_ascii_alphanumeric())
            && segment
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
    };
    name.len() < 100 && name.split('/').all(segment)
}

/// Takes only the bytes that it was given.
struct Same<'a> {
    rest: &'a [u8],
}

impl Write for Same<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.rest = self
            .rest
            .strip_prefix(bytes)
            .ok_or(io::ErrorKind::InvalidData)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files() -> Files {
        let of = |(name, content): (&str, &str)| (name.to_owned(), content.as_bytes().to_vec());
        [("MANIFEST", "m\n"), ("a/b", ""), ("a/c", "x")]
            .map(of)
            .into()
    }

    #[test]
    fn what_is_packed_is_unpacked_and_packed_alike() {
        let packed = pack(&files()).expect("small");
        assert_eq!(unpack(&packed).expect("ours"), files());
        assert_eq!(
            pack(&unpack(&packed).expect("ours")).expect("small"),
            packed
        );
    }

    #[test]
    fn every_changed_byte_is_refused_or_in_a_file() {
        let packed = pack(&files()).expect("small");
        for at in 0..packed.len() {
            let mut other = packed.clone();
            other[at] ^= 0x10;
            if let Ok(read) = unpack(&other) {
                assert_ne!(read, files(), "byte {at} is outside of every file");
            }
        }
        for end in 0..packed.len() {
            assert!(unpack(&packed[..end]).is_err(), "cut at {end}");
        }
        assert!(unpack(&[&packed[..], b"\0"].concat()).is_err());
    }

    #[test]
    fn links_folders_duplicates_and_ways_out_are_refused() {
        let one = |name: &str, kind: EntryType, again: bool| {
            let mut builder = Builder::new(Vec::new());
            for _ in 0..=usize::from(again) {
                let mut header = Header::new_ustar();
                header.as_mut_bytes()[..name.len()].copy_from_slice(name.as_bytes());
                header.set_size(0);
                header.set_mode(0o644);
                header.set_uid(0);
                header.set_gid(0);
                header.set_mtime(0);
                header.set_entry_type(kind);
                header.set_cksum();
                builder.append(&header, &[][..]).expect("written");
            }
            builder.into_inner().expect("written")
        };
        let regular = EntryType::Regular;
        assert!(unpack(&one("a", regular, false)).is_ok());
        for name in [
            "../a",
            "/a",
            "a/../b",
            "a//b",
            "a/",
            ".git/config",
            "-a",
            "a b",
            "",
        ] {
            let refused = unpack(&one(name, regular, false));
            assert!(
                matches!(refused, Err(PackError::Name { .. })),
                "{name}: {refused:?}"
            );
        }
        assert!(matches!(
            unpack(&one("a", regular, true)),
            Err(PackError::Order { .. })
        ));
        for kind in [
            EntryType::Symlink,
            EntryType::Link,
            EntryType::Directory,
            EntryType::GNUSparse,
            EntryType::Fifo,
        ] {
            assert!(unpack(&one("a", kind, false)).is_err(), "{kind:?}");
        }
    }
}
