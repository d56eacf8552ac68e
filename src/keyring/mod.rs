//! Private keys on disk: one folder of this user's, one PKCS#8 file a key. And keys that are elsewhere: in an
//! [`agent`], or behind a [`command`].
//!
//! `NAME.pem` is the private key, mode 0600 in a folder of mode 0700; `NAME.pub.pem` beside it is the public
//! one, so that a list needs no passphrase. Files appear whole or not at all, are synced before success is
//! said, and are never written over. A private key that others can read is refused: it has to be taken for
//! theirs.

pub mod agent;
pub mod allowed_signers;
pub mod command;

use std::fmt;
use std::fs::{self, DirBuilder, File};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use thiserror::Error;
use zeroize::Zeroizing;

use crate::signing::{
    EncryptionSeed, KeyError, Lock, Passphrase, PrivateKeyError, PublicKey, SigningKey,
};

/// No key file is larger: 64 KiB.
const LIMIT: u64 = 64 << 10;
const PRIVATE: &str = ".pem";
const PUBLIC: &str = ".pub.pem";

/// Name of a key in the keyring: 1 to 64 characters of `[a-z0-9._-]`, the first a letter or digit; it does not
/// end in `.pub`.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct KeyFileName(String);

/// Why a text is no key's name.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[error("key name {found:?} is not 1 to 64 characters of [a-z0-9._-], the first a letter or digit")]
pub struct KeyFileNameError {
    found: String,
}

impl FromStr for KeyFileName {
    type Err = KeyFileNameError;

    fn from_str(text: &str) -> Result<Self, KeyFileNameError> {
        let plain = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit();
        let valid = (1..=64).contains(&text.len())
            && text
                .bytes()
                .all(|c| plain(c) || matches!(c, b'.' | b'_' | b'-'))
            && text.bytes().next().is_some_and(plain)
            && !text.ends_with(".pub");
        if valid {
            Ok(KeyFileName(text.to_owned()))
        } else {
            Err(KeyFileNameError {
                found: text.to_owned(),
            })
        }
    }
}

impl fmt::Display for KeyFileName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// Why a key could not be used or kept.
#[derive(Debug, Error)]
pub enum Error {
    /// A file or folder could not be read or written.
    #[error("{path} cannot be used")]
    File {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// There is a key of that name.
    #[error("there is a key at {path} already; keys are never written over")]
    Exists {
        /// Its file.
        path: PathBuf,
    },
    /// Others can read the private key.
    #[error("{path} has mode {mode:03o}: others can read or change this private key")]
    Open {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The file is too large, or no text.
    #[error("{path} is no PEM file")]
    NoText {
        /// The file.
        path: PathBuf,
    },
    /// The private key could not be read.
    #[error("the private key in {path} cannot be used")]
    Private {
        /// Where it stands: a file, or a variable.
        path: PathBuf,
        /// Why.
        source: PrivateKeyError,
    },
    /// The public key could not be read.
    #[error("the public key in {path} cannot be used")]
    Public {
        /// The file.
        path: PathBuf,
        /// Why.
        source: KeyError,
    },
    /// A file of allowed signers gives no key.
    #[error("{path} gives no keys")]
    AllowedSigners {
        /// The file.
        path: PathBuf,
        /// Why.
        source: allowed_signers::Error,
    },
    /// The new key could not be encrypted.
    #[error("the private key cannot be encrypted")]
    Encrypt(#[source] PrivateKeyError),
}

/// A key of the keyring.
#[derive(Clone, Debug)]
pub struct Kept {
    /// Its name.
    pub name: KeyFileName,
    /// The private key's file.
    pub path: PathBuf,
    /// That file's permission bits.
    pub mode: u32,
    /// The public key.
    pub public: PublicKey,
}

/// The folder of this user's keys.
#[derive(Clone, Debug)]
pub struct Keyring {
    folder: PathBuf,
}

impl Keyring {
    /// The keyring in a user's data folder.
    pub fn in_folder(data: &Path) -> Self {
        Keyring {
            folder: data.join("keys"),
        }
    }

    /// The folder; it need not exist.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Where the private key of this name stands, or would.
    pub fn path(&self, name: &KeyFileName) -> PathBuf {
        self.folder.join(format!("{name}{PRIVATE}"))
    }

    /// All keys, by name, and for each that cannot be used why not. No folder is an empty keyring.
    ///
    /// # Errors
    /// Where the folder cannot be read.
    pub fn list(&self) -> Result<Vec<Result<Kept, Error>>, Error> {
        let failed = |source| Error::File {
            path: self.folder.clone(),
            source,
        };
        let entries = match fs::read_dir(&self.folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            other => other.map_err(failed)?,
        };
        let mut names: Vec<KeyFileName> = Vec::new();
        for entry in entries {
            let file = entry.map_err(failed)?.file_name();
            let name = file
                .to_str()
                .and_then(|file| file.strip_suffix(PRIVATE)?.parse().ok());
            names.extend(name);
        }
        names.sort();
        Ok(names.into_iter().map(|name| self.kept(name)).collect())
    }

    /// The key of this name.
    ///
    /// # Errors
    /// Where there is none, or its public part cannot be read.
    pub fn kept(&self, name: KeyFileName) -> Result<Kept, Error> {
        let path = self.path(&name);
        let failed = |source| Error::File {
            path: path.clone(),
            source,
        };
        let mode = fs::metadata(&path).map_err(failed)?.permissions().mode() & 0o777;
        let public = read_public(&self.folder.join(format!("{name}{PUBLIC}")))?;
        Ok(Kept {
            name,
            path,
            mode,
            public,
        })
    }

    /// Keeps a key under a new name.
    ///
    /// # Errors
    /// Where there is a key of that name, or the files cannot be written.
    pub fn keep(
        &self,
        name: KeyFileName,
        key: &SigningKey,
        encryption: Option<(&Passphrase, EncryptionSeed)>,
    ) -> Result<Kept, Error> {
        let pem = key.to_pkcs8_pem(encryption).map_err(Error::Encrypt)?;
        let failed = |source| Error::File {
            path: self.folder.clone(),
            source,
        };
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&self.folder)
            .map_err(failed)?;
        // The private part last: a name is taken only once everything is there.
        let public = self.folder.join(format!("{name}{PUBLIC}"));
        let private = self.path(&name);
        if private.exists() {
            return Err(Error::Exists { path: private });
        }
        if public.exists() {
            fs::remove_file(&public).map_err(failed)?;
        }
        write_new(&public, key.public().to_pem().as_bytes(), 0o644)?;
        write_new(&private, pem.as_bytes(), 0o600)?;
        File::open(&self.folder)
            .and_then(|folder| folder.sync_all())
            .map_err(failed)?;
        self.kept(name)
    }
}

/// Reads the private key in a file that nobody else can read. `passphrase` is asked only for a key that is
/// encrypted.
///
/// # Errors
/// Where the file cannot be read, others can read it, or it holds no key that opens.
pub fn read_private<E: From<Error>>(
    path: &Path,
    passphrase: impl FnOnce(Lock) -> Result<Option<Passphrase>, E>,
) -> Result<SigningKey, E> {
    let failed = |source| Error::File {
        path: path.to_owned(),
        source,
    };
    let file = File::open(path).map_err(failed)?;
    let mode = file.metadata().map_err(failed)?.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(Error::Open {
            path: path.to_owned(),
            mode,
        }
        .into());
    }
    parse_private(&read_text(file, path)?, path, passphrase)
}

/// Reads a private key from text that came from elsewhere than a file; `origin` names it in errors.
///
/// # Errors
/// Where it holds no key that opens.
pub fn parse_private<E: From<Error>>(
    pem: &str,
    origin: &Path,
    passphrase: impl FnOnce(Lock) -> Result<Option<Passphrase>, E>,
) -> Result<SigningKey, E> {
    let passphrase = match SigningKey::lock(pem) {
        Some(lock) => passphrase(lock)?,
        None => None,
    };
    let key = SigningKey::from_pem(pem, passphrase.as_ref());
    key.map_err(|source| {
        Error::Private {
            path: origin.to_owned(),
            source,
        }
        .into()
    })
}

/// Reads a public key: PEM, or a line as `ssh-keygen` writes it.
///
/// # Errors
/// Where the file cannot be read, or holds no sound key.
pub fn read_public(path: &Path) -> Result<PublicKey, Error> {
    let file = File::open(path).map_err(|source| Error::File {
        path: path.to_owned(),
        source,
    })?;
    let text = read_text(file, path)?;
    let read = match is_ssh_line(&text) {
        true => PublicKey::from_ssh_line(text.trim()),
        false => PublicKey::from_pem(&text),
    };
    read.map_err(|source| Error::Public {
        path: path.to_owned(),
        source,
    })
}

/// Reads a person's keys from a file of allowed signers.
///
/// # Errors
/// Where the file cannot be read, or gives no keys of theirs that can be taken.
pub fn read_allowed(path: &Path, names: &[&str]) -> Result<Vec<PublicKey>, Error> {
    let file = File::open(path).map_err(|source| Error::File {
        path: path.to_owned(),
        source,
    })?;
    let text = read_text(file, path)?;
    allowed_signers::keys_of(&text, names).map_err(|source| Error::AllowedSigners {
        path: path.to_owned(),
        source,
    })
}

/// Whether a text is a public key as `ssh-keygen` writes it, whatever its type.
fn is_ssh_line(text: &str) -> bool {
    ["ssh-", "ecdsa-sha2-", "sk-"]
        .iter()
        .any(|kind| text.trim_start().starts_with(kind))
}

fn read_text(file: File, path: &Path) -> Result<Zeroizing<String>, Error> {
    let mut text = Zeroizing::new(String::new());
    match file.take(LIMIT + 1).read_to_string(&mut text) {
        Ok(length) if length as u64 <= LIMIT => Ok(text),
        Err(source) if source.kind() != io::ErrorKind::InvalidData => Err(Error::File {
            path: path.to_owned(),
            source,
        }),
        _ => Err(Error::NoText {
            path: path.to_owned(),
        }),
    }
}

fn write_new(path: &Path, bytes: &[u8], mode: u32) -> Result<(), Error> {
    let failed = |source| Error::File {
        path: path.to_owned(),
        source,
    };
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut file = tempfile::Builder::new()
        .permissions(fs::Permissions::from_mode(mode))
        .tempfile_in(folder)
        .map_err(failed)?;
    file.write_all(bytes)
        .and_then(|()| file.as_file().sync_all())
        .map_err(failed)?;
    match file.persist_noclobber(path) {
        Ok(_) => Ok(()),
        Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => Err(Error::Exists {
            path: path.to_owned(),
        }),
        Err(error) => Err(failed(error.error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keyring() -> (tempfile::TempDir, Keyring) {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let keyring = Keyring::in_folder(&folder.path().join("data"));
        (folder, keyring)
    }

    fn name(text: &str) -> KeyFileName {
        text.parse().expect("a name")
    }

    fn no_passphrase(_: Lock) -> Result<Option<Passphrase>, Error> {
        panic!("a key in plain text needs no passphrase")
    }

    #[test]
    fn what_is_kept_is_found_again_and_readable_by_nobody_else() {
        let (_folder, keyring) = keyring();
        assert!(keyring.list().expect("an empty keyring").is_empty());
        let key = SigningKey::from_seed([7; 32]);
        let kept = keyring.keep(name("ada"), &key, None).expect("kept");
        assert_eq!((kept.mode, &kept.public), (0o600, key.public()));
        let folder = fs::metadata(kept.path.parent().expect("a folder")).expect("there");
        assert_eq!(folder.permissions().mode() & 0o777, 0o700);
        let again = read_private(&kept.path, no_passphrase).expect("readable");
        assert_eq!(again.public(), key.public());
        assert!(matches!(
            keyring.keep(name("ada"), &key, None),
            Err(Error::Exists { .. })
        ));
        let names: Vec<String> = keyring
            .list()
            .expect("a list")
            .into_iter()
            .map(|kept| kept.expect("a sound key").name.to_string())
            .collect();
        assert_eq!(names, ["ada"]);
        fs::write(keyring.path(&name("bad")), "").expect("written");
        let listed = keyring.list().expect("a list");
        assert!(matches!(listed[..], [Ok(_), Err(Error::File { .. })]));
    }

    #[test]
    fn a_key_that_others_can_read_is_refused() {
        let (_folder, keyring) = keyring();
        let kept = keyring
            .keep(name("ada"), &SigningKey::from_seed([7; 32]), None)
            .expect("kept");
        for mode in [0o640, 0o604, 0o660, 0o601] {
            fs::set_permissions(&kept.path, fs::Permissions::from_mode(mode)).expect("set");
            let error = read_private(&kept.path, no_passphrase).expect_err("refused");
            assert!(
                matches!(error, Error::Open { mode: found, .. } if found == mode),
                "{error:?}"
            );
        }
    }

    #[test]
    fn an_encrypted_key_opens_with_its_passphrase_alone() {
        let (_folder, keyring) = keyring();
        let key = SigningKey::from_seed([7; 32]);
        let secret = Passphrase::new("correct horse".to_owned());
        let kept = keyring
            .keep(name("ada"), &key, Some((&secret, EncryptionSeed([1; 32]))))
            .expect("kept");
        let with = |text: Option<&str>| {
            read_private(&kept.path, |_| {
                Ok::<_, Error>(text.map(|text| Passphrase::new(text.to_owned())))
            })
        };
        assert_eq!(
            with(Some("correct horse")).expect("opens").public(),
            key.public()
        );
        assert!(matches!(with(Some("wrong")), Err(Error::Private { .. })));
        assert!(matches!(
            with(None),
            Err(Error::Private {
                source: PrivateKeyError::PassphraseNeeded,
                ..
            })
        ));
    }

    #[test]
    fn names_cannot_leave_the_folder() {
        for bad in [
            "",
            "..",
            "a/b",
            "../a",
            ".hidden",
            "A",
            "a b",
            "x.pub",
            &"a".repeat(65),
        ] {
            assert!(bad.parse::<KeyFileName>().is_err(), "{bad:?}");
        }
    }
}
