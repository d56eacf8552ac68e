//! What a step made that is no file here, such as an image in a registry: by name and digest.
//!
//! A name and digest are given on the command line, or read from the file that the tool which made the thing
//! left behind. Known files, told by what is in them:
//! - lines of `NAME@alg:hex` (ko's `--image-refs`, kaniko's `--image-name-with-digest-file`) or of `alg:hex` alone
//!   (docker's and podman's `--iidfile`, kaniko's `--digest-file`), which get the file's name;
//! - buildx's `--metadata-file`, of a build or of a bake with an object for each target: `containerimage.digest`,
//!   for each of the names in `image.name`;
//! - GoReleaser's `dist/artifacts.json`: `Digest` of images, `Checksum` of archives and packages.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::str::FromStr;

use serde_json::{Map, Value};
use thiserror::Error;

use crate::canonical;
use crate::statement::{DigestSet, DigestSetError, Subject};

/// A subject as the command line names it: `NAME@alg:hex`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct NamedDigest {
    name: String,
    digest: DigestSet,
}

/// Why a text is no such subject.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
pub enum NamedDigestError {
    /// Not of the form `NAME@alg:hex`.
    #[error("{found:?} is not NAME@alg:hex, as in app@sha256:…")]
    Form {
        /// The text.
        found: String,
    },
    /// The digest is none.
    #[error("{found:?} has no sound digest")]
    Digest {
        /// The text.
        found: String,
        /// What is wrong with it.
        source: DigestSetError,
    },
}

/// Why a file names no subjects.
#[derive(Debug, Error)]
pub enum SubjectsError {
    /// It cannot be read.
    #[error("it cannot be read")]
    Read(#[from] io::Error),
    /// It is too big to be one.
    #[error("it has more than {MAX_BYTES} bytes")]
    Size,
    /// No UTF-8.
    #[error("it is no UTF-8")]
    Text,
    /// It looks like JSON and is none.
    #[error("it is no JSON")]
    Json(#[source] canonical::Error),
    /// It is none of the known files, or names no digest.
    #[error(
        "no digest in it: it is neither lines of NAME@alg:hex, nor metadata of buildx or GoReleaser"
    )]
    Nothing,
    /// A line or field does not hold what it should.
    #[error("{at}")]
    Digest {
        /// The line or field.
        at: String,
        /// What is wrong.
        source: NamedDigestError,
    },
}

/// The largest file that is read.
const MAX_BYTES: u64 = 16 << 20;

impl NamedDigest {
    /// As a statement's subject.
    pub fn to_subject(&self) -> Subject {
        Subject::new(self.digest.clone()).named(&self.name)
    }

    fn new(name: &str, digest: &str) -> Result<Self, NamedDigestError> {
        let found = || format!("{name}@{digest}");
        let Some((algorithm, hex)) = digest.split_once(':').filter(|_| !name.is_empty()) else {
            return Err(NamedDigestError::Form { found: found() });
        };
        match DigestSet::new(BTreeMap::from([(algorithm.to_owned(), hex.to_owned())])) {
            Ok(digest) => Ok(NamedDigest {
                name: name.to_owned(),
                digest,
            }),
            Err(source) => Err(NamedDigestError::Digest {
                found: found(),
                source,
            }),
        }
    }
}

impl FromStr for NamedDigest {
    type Err = NamedDigestError;

    fn from_str(text: &str) -> Result<Self, NamedDigestError> {
        // A name may have an @ in it (an image reference), a digest may not.
        match text.rsplit_once('@') {
            Some((name, digest)) => NamedDigest::new(name, digest),
            None => Err(NamedDigestError::Form {
                found: text.to_owned(),
            }),
        }
    }
}

/// Reads what a tool left behind, up to 16 MiB; `name` is the file's name, for what has none of its own.
///
/// # Errors
/// Where it cannot be read, is none of the known files, or names no digest, or an unsound one.
pub fn read_subjects(name: &str, file: impl Read) -> Result<Vec<NamedDigest>, SubjectsError> {
    let mut bytes = Vec::new();
    file.take(MAX_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(SubjectsError::Size);
    }
    let found = match bytes.trim_ascii_start().first() {
        Some(b'{' | b'[') => match canonical::parse_strict(&bytes).map_err(SubjectsError::Json)? {
            Value::Object(build) if build.contains_key(BUILDX_DIGEST) => buildx(name, &build)?,
            Value::Object(bake) => {
                let mut all = Vec::new();
                for (target, build) in &bake {
                    if let Value::Object(build) = build {
                        all.extend(buildx(target, build)?);
                    }
                }
                all
            }
            Value::Array(artifacts) => goreleaser(&artifacts)?,
            _ => Vec::new(),
        },
        _ => lines(name, &bytes)?,
    };
    if found.is_empty() {
        return Err(SubjectsError::Nothing);
    }
    Ok(found)
}

const BUILDX_DIGEST: &str = "containerimage.digest";

fn buildx(name: &str, build: &Map<String, Value>) -> Result<Vec<NamedDigest>, SubjectsError> {
    // A build that exports no image has no digest.
    let Some(digest) = build.get(BUILDX_DIGEST) else {
        return Ok(Vec::new());
    };
    let digest = digest.as_str().unwrap_or_default();
    let names = build.get("image.name").and_then(Value::as_str);
    let names = names.filter(|names| !names.is_empty()).unwrap_or(name);
    names
        .split(',')
        .map(|name| at(BUILDX_DIGEST, NamedDigest::new(name.trim(), digest)))
        .collect()
}

fn goreleaser(artifacts: &[Value]) -> Result<Vec<NamedDigest>, SubjectsError> {
    let with_digest = artifacts.iter().filter_map(|artifact| {
        let digest = |field| {
            artifact["extra"][field]
                .as_str()
                .map(|digest| (field, digest))
        };
        Some((
            artifact["name"].as_str()?,
            digest("Digest").or_else(|| digest("Checksum"))?,
        ))
    });
    with_digest
        .map(|(name, (field, digest))| at(field, NamedDigest::new(name, digest)))
        .collect()
}

fn lines(file: &str, bytes: &[u8]) -> Result<Vec<NamedDigest>, SubjectsError> {
    let text = str::from_utf8(bytes).map_err(|_| SubjectsError::Text)?;
    let lines = text.lines().map(str::trim).enumerate();
    lines
        .filter(|(_, line)| !line.is_empty())
        .map(|(index, line)| {
            let named = match line.rsplit_once('@') {
                Some((name, digest)) => NamedDigest::new(name, digest),
                None => NamedDigest::new(file, line),
            };
            at(&format!("line {}", index + 1), named)
        })
        .collect()
}

fn at(
    place: &str,
    named: Result<NamedDigest, NamedDigestError>,
) -> Result<NamedDigest, SubjectsError> {
    named.map_err(|source| SubjectsError::Digest {
        at: place.to_owned(),
        source,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(digit: &str) -> String {
        digit.repeat(64)
    }

    fn read(text: &str) -> Vec<(String, String)> {
        let found = read_subjects("out.txt", text.as_bytes()).expect("subjects");
        let pair = |named: NamedDigest| {
            let digest = named.digest.get("sha256").expect("a SHA-256").to_owned();
            (named.name, digest)
        };
        found.into_iter().map(pair).collect()
    }

    #[test]
    fn subjects_have_a_name_and_a_digest() {
        let subject: NamedDigest = format!("ghcr.io/a/b@sha256:{}", hex("a"))
            .parse()
            .expect("a subject");
        assert_eq!(
            (subject.name.as_str(), subject.digest.get("sha256")),
            ("ghcr.io/a/b", Some(hex("a").as_str()))
        );
        for bad in [
            "app",
            "@sha256:00",
            "app@sha256",
            "app@sha256:00",
            &format!("app@sha256:{}", hex("A")),
        ] {
            assert!(bad.parse::<NamedDigest>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn files_of_lines() {
        assert_eq!(
            read(&format!("sha256:{}\n", hex("a"))),
            [("out.txt".into(), hex("a"))]
        );
        let two = format!(
            "ghcr.io/a/b:1@sha256:{}\r\n\nghcr.io/a/c@sha256:{}",
            hex("b"),
            hex("c")
        );
        assert_eq!(
            read(&two),
            [
                ("ghcr.io/a/b:1".into(), hex("b")),
                ("ghcr.io/a/c".into(), hex("c"))
            ]
        );
    }

    #[test]
    fn metadata_of_buildx() {
        let build = |names: &str, digit: &str| {
            format!(
                r#"{{"buildx.build.ref":"b/b0/x","containerimage.config.digest":"sha256:{}",
                    "containerimage.digest":"sha256:{}","image.name":"{names}"}}"#,
                hex("0"),
                hex(digit)
            )
        };
        assert_eq!(
            read(&build("docker.io/a/b:1,docker.io/a/b:latest", "a")),
            [
                ("docker.io/a/b:1".into(), hex("a")),
                ("docker.io/a/b:latest".into(), hex("a"))
            ]
        );
        assert_eq!(read(&build("", "a")), [("out.txt".into(), hex("a"))]);
        let bake = format!(
            r#"{{"buildx.build.warnings":{{}},"db":{},"web":{}}}"#,
            build("", "b"),
            build("a/web", "c")
        );
        assert_eq!(
            read(&bake),
            [("db".into(), hex("b")), ("a/web".into(), hex("c"))]
        );
    }

    #[test]
    fn artifacts_of_goreleaser() {
        let text = format!(
            r#"[{{"name":"metadata.json","path":"dist/metadata.json","type":"Metadata"}},
                {{"name":"app.tar.gz","type":"Archive","extra":{{"Checksum":"sha256:{}","Format":"tar.gz"}}}},
                {{"name":"ghcr.io/a/app:v1","type":"Docker Image","extra":{{"Digest":"sha256:{}"}}}}]"#,
            hex("a"),
            hex("b")
        );
        assert_eq!(
            read(&text),
            [
                ("app.tar.gz".into(), hex("a")),
                ("ghcr.io/a/app:v1".into(), hex("b"))
            ]
        );
    }

    #[test]
    fn what_names_no_sound_digest_is_refused() {
        for bad in [
            "",
            "\n \n",
            "{}",
            "[]",
            "{\"a\":",
            "hello",
            "app@sha256:12",
            "{\"containerimage.digest\":1}",
            "{\"containerimage.digest\":\"sha256:xyz\"}",
            "[{\"name\":\"a\",\"extra\":{\"Digest\":\"sha256:\"}}]",
        ] {
            assert!(read_subjects("f", bad.as_bytes()).is_err(), "{bad:?}");
        }
        assert!(matches!(
            read_subjects("f", &b"\xff"[..]),
            Err(SubjectsError::Text)
        ));
        let big = vec![b' '; (16 << 20) + 1];
        assert!(matches!(
            read_subjects("f", &big[..]),
            Err(SubjectsError::Size)
        ));
    }
}
