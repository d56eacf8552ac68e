//! Loose objects: a file of its own for each, written so that the handle is still open when it is synced.
//!
//! A small object is stored in zlib's format without compression (RFC 1950, RFC 1951 §3.2.4), as git itself does
//! under `core.compression=0`: it takes one to four disk blocks either way, and setting up a compressor takes
//! longer than writing it. `git gc` compresses it when it packs. The file is made under the name that git gives
//! its own unfinished objects, so that `git prune` clears away what a killed process left behind.

use std::fs::{self, File, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

/// The largest content that is stored without compression.
pub(super) const PLAIN_LIMIT: usize = 16 << 10;

/// The most that one stored block holds.
const BLOCK_LIMIT: usize = 0xffff;

const _: () = assert!(
    PLAIN_LIMIT + 64 <= BLOCK_LIMIT,
    "one block holds header and content"
);

/// Writes an object's file, which appears whole or not at all, and gives its handle for syncing.
/// `header` is git's, `"<kind> <length>\0"`.
pub(super) fn write(path: &Path, header: &str, content: &[u8]) -> io::Result<File> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut builder = tempfile::Builder::new();
    builder
        .prefix("tmp_obj_")
        .permissions(Permissions::from_mode(0o444));
    let mut file = match builder.tempfile_in(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            fs::create_dir_all(folder)?;
            builder.tempfile_in(folder)?
        }
        other => other?,
    };
    file.write_all(&stored(header.as_bytes(), content))?;
    file.persist(path).map_err(|error| error.error)
}

/// A zlib stream of one stored block.
fn stored(header: &[u8], content: &[u8]) -> Vec<u8> {
    let length = (header.len() + content.len()) as u16;
    let mut out = Vec::with_capacity(usize::from(length) + 11);
    // The window and level of a fast compressor; the last block, stored.
    out.extend([0x78, 0x01, 0x01]);
    out.extend(length.to_le_bytes());
    out.extend((!length).to_le_bytes());
    out.extend(header);
    out.extend(content);
    let sum = adler32(&out[7..]);
    out.extend(sum.to_be_bytes());
    out
}

/// RFC 1950 §8.2. The sums of so many bytes as one block holds stay below 2^32 and 2^48.
fn adler32(bytes: &[u8]) -> u32 {
    const PRIME: u64 = 65_521;
    let (mut a, mut b) = (1_u64, 0_u64);
    for byte in bytes {
        a += u64::from(*byte);
        b += a;
    }
    ((b % PRIME) << 16 | (a % PRIME)) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_the_standards() {
        assert_eq!(adler32(b""), 1);
        assert_eq!(adler32(b"Wikipedia"), 0x11e6_0398);
        let long = [0xff; BLOCK_LIMIT];
        let (mut a, mut b) = (1_u32, 0_u32);
        for byte in long {
            a = (a + u32::from(byte)) % 65_521;
            b = (b + a) % 65_521;
        }
        assert_eq!(adler32(&long), b << 16 | a);
    }
}
