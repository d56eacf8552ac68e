//! Files by glob, with their digests.
//!
//! 1. A glob is anchored at the folder it is given for: `src/**/*.rs`, `dist/*.tar.gz`, `target/release/app`. A
//!    folder named without wildcards stands for everything below it.
//! 2. The walk starts at the glob's fixed part. What goes into a step is what git knows of: ignored files are
//!    left out below the fixed part, so that a wildcard does not drag them in. What comes out of one is mostly
//!    ignored by git (`dist/*.whl`), and is taken. `.git` is never walked, and a glob that names it is none.
//! 3. A symbolic link is followed if it leads to a file inside the folder, never out of it or into `.git`.
//! 4. What was found is hashed on several threads, streaming, and sorted by name: the same tree gives the same
//!    list. What had to be left out is said, with the reason.
//! 5. A file that changes while it is hashed (its length or time of change) is hashed once more; if it changes
//!    again, it has no digest that could be recorded, and nothing is.

use std::collections::BTreeSet;
use std::fmt;
use std::fs;
use std::io::{self, Read};
use std::num::NonZeroUsize;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use ignore::WalkBuilder;
use ignore::overrides::OverrideBuilder;
use thiserror::Error as ThisError;

use crate::digest::Sha256;

/// A pattern of paths below a folder.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Glob(String);

/// Why a text is no glob.
#[derive(Clone, Debug, Eq, PartialEq, ThisError)]
pub enum GlobError {
    /// Empty, or a pattern of exclusion.
    #[error("{pattern:?} names nothing")]
    Nothing {
        /// The text.
        pattern: String,
    },
    /// It leads out of the folder, or is absolute.
    #[error(
        "{pattern:?} leads out of the folder; write it relative to where the command runs, without .."
    )]
    Outside {
        /// The text.
        pattern: String,
    },
    /// It leads into a `.git` folder.
    #[error("{pattern:?} leads into .git, which is never recorded")]
    Git {
        /// The text.
        pattern: String,
    },
    /// Brackets that do not close, and the like.
    #[error("{pattern:?} is no glob: {reason}")]
    Syntax {
        /// The text.
        pattern: String,
        /// What is wrong.
        reason: String,
    },
}

impl FromStr for Glob {
    type Err = GlobError;

    fn from_str(text: &str) -> Result<Self, GlobError> {
        let pattern = text.to_owned();
        let trimmed = text
            .strip_prefix("./")
            .unwrap_or(text)
            .trim_end_matches('/');
        if trimmed.is_empty() || trimmed.starts_with('!') {
            return Err(GlobError::Nothing { pattern });
        }
        if trimmed.starts_with('/') || trimmed.split('/').any(|part| part == "..") {
            return Err(GlobError::Outside { pattern });
        }
        if trimmed.split('/').any(is_git) {
            return Err(GlobError::Git { pattern });
        }
        let built = OverrideBuilder::new("/")
            .add(&format!("/{trimmed}"))
            .and_then(|builder| builder.build());
        match built {
            Ok(_) => Ok(Glob(trimmed.to_owned())),
            Err(error) => Err(GlobError::Syntax {
                pattern,
                reason: error.to_string(),
            }),
        }
    }
}

impl fmt::Display for Glob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl Glob {
    /// The components before the first with a wildcard, and whether any has one.
    fn fixed_part(&self) -> (PathBuf, bool) {
        let is_fixed = |part: &&str| !part.contains(['*', '?', '[', '{', '\\']);
        let fixed: PathBuf = self.0.split('/').take_while(is_fixed).collect();
        (fixed, self.0.split('/').any(|part| !is_fixed(&part)))
    }
}

/// A file and what is in it.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct File {
    /// Its path below the folder, with slashes.
    pub name: String,
    /// SHA-256 over its content.
    pub sha256: Sha256,
    /// Its length in bytes.
    pub size: u64,
}

/// What matched and was left out.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Skipped {
    /// Its path below the folder; hostile text.
    pub name: String,
    /// Why.
    pub reason: SkippedReason,
}

/// Why something that matched was left out.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum SkippedReason {
    /// A symbolic link out of the folder, to nothing, or to no file.
    Link,
    /// No UTF-8.
    Name,
    /// A pipe, socket or device.
    Special,
}

impl fmt::Display for SkippedReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            SkippedReason::Link => "a symbolic link that leads to no file in the folder",
            SkippedReason::Name => "its name is no UTF-8",
            SkippedReason::Special => "no regular file",
        })
    }
}

/// What globs found.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Collected {
    /// The files, by name, each once.
    pub files: Vec<File>,
    /// What matched and was left out.
    pub skipped: Vec<Skipped>,
    /// The globs that matched nothing.
    pub unmatched: Vec<String>,
}

/// Why files could not be collected.
#[derive(Debug, ThisError)]
pub enum Error {
    /// A folder could not be walked.
    #[error("the files cannot be listed")]
    Walk(#[from] ignore::Error),
    /// A file could not be read.
    #[error("{path} cannot be read")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file changed while it was hashed, twice.
    #[error("{path} is being written to")]
    Changing {
        /// The file.
        path: PathBuf,
    },
}

/// What becomes of files that git ignores.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Ignored {
    /// Left out, where a wildcard would reach them: materials.
    LeftOut,
    /// Taken like all others: products.
    Taken,
}

/// Finds and hashes the files that match any of the globs, on this many threads. `progress` is told how many of
/// how many files are hashed, from all of them.
///
/// # Errors
/// Where a folder cannot be walked, or a file not be read or not be read in one state.
pub fn collect(
    folder: &Path,
    globs: &[Glob],
    ignored: Ignored,
    threads: NonZeroUsize,
    progress: &(dyn Fn(usize, usize) + Sync),
) -> Result<Collected, Error> {
    let folder = folder.canonicalize().map_err(|source| Error::Read {
        path: folder.to_owned(),
        source,
    })?;
    let mut names = BTreeSet::new();
    let mut skipped = BTreeSet::new();
    let mut unmatched = Vec::new();
    for glob in globs {
        if !find(&folder, glob, ignored, &mut names, &mut skipped)? {
            unmatched.push(glob.to_string());
        }
    }
    let names: Vec<String> = names.into_iter().collect();
    let files = hash_all(&folder, &names, threads, progress)?;
    Ok(Collected {
        files,
        skipped: skipped.into_iter().collect(),
        unmatched,
    })
}

/// The files that match any of the globs, ignored by git or not, below the folder.
///
/// # Errors
/// Where a folder cannot be walked.
pub fn matching(folder: &Path, globs: &[Glob]) -> Result<Vec<PathBuf>, Error> {
    let folder = folder.canonicalize().map_err(|source| Error::Read {
        path: folder.to_owned(),
        source,
    })?;
    let (mut names, mut skipped) = (BTreeSet::new(), BTreeSet::new());
    for glob in globs {
        find(&folder, glob, Ignored::Taken, &mut names, &mut skipped)?;
    }
    Ok(names.into_iter().map(PathBuf::from).collect())
}

/// Adds what one glob finds; whether it matched anything.
fn find(
    folder: &Path,
    glob: &Glob,
    ignored: Ignored,
    names: &mut BTreeSet<String>,
    skipped: &mut BTreeSet<Skipped>,
) -> Result<bool, Error> {
    let (fixed, has_wildcard) = glob.fixed_part();
    let start = folder.join(&fixed);
    if fs::symlink_metadata(&start).is_err() {
        return Ok(false);
    }
    let mut skip = |path: &Path, reason| {
        skipped.insert(Skipped {
            name: path.to_string_lossy().into_owned(),
            reason,
        });
    };
    if !leads_inside(folder, &start) {
        skip(&fixed, SkippedReason::Link);
        return Ok(true);
    }
    let pattern = OverrideBuilder::new(folder)
        .add(&format!("/{glob}"))?
        .build()?;
    let walk = WalkBuilder::new(&start)
        .standard_filters(ignored == Ignored::LeftOut)
        .hidden(false)
        .ignore(false)
        .follow_links(false)
        .filter_entry(|entry| !entry.file_name().to_str().is_some_and(is_git))
        .build();
    let mut matched = false;
    for entry in walk {
        let entry = entry?;
        let path = entry.path();
        let Ok(below) = path.strip_prefix(folder) else {
            continue;
        };
        // The walk follows a link that it starts at, and so would its file type.
        let kind = fs::symlink_metadata(path).map_err(|source| Error::Read {
            path: path.to_owned(),
            source,
        })?;
        if kind.is_dir() || has_wildcard && !pattern.matched(path, false).is_whitelist() {
            continue;
        }
        matched = true;
        match below.to_str() {
            None => skip(below, SkippedReason::Name),
            Some(name) if kind.is_file() => drop(names.insert(name.to_owned())),
            Some(name) if kind.is_symlink() && path.is_file() && leads_inside(folder, path) => {
                names.insert(name.to_owned());
            }
            Some(_) if kind.is_symlink() => skip(below, SkippedReason::Link),
            Some(_) => skip(below, SkippedReason::Special),
        }
    }
    Ok(matched)
}

fn leads_inside(folder: &Path, path: &Path) -> bool {
    let target = path.canonicalize().ok();
    let below = target
        .as_deref()
        .and_then(|target| target.strip_prefix(folder).ok());
    below.is_some_and(|below| !below.iter().any(|part| part.to_str().is_some_and(is_git)))
}

/// The name of a repository's own folder, also where the file system does not tell cases apart.
fn is_git(part: &str) -> bool {
    part.eq_ignore_ascii_case(".git")
}

fn hash_all(
    folder: &Path,
    names: &[String],
    threads: NonZeroUsize,
    progress: &(dyn Fn(usize, usize) + Sync),
) -> Result<Vec<File>, Error> {
    let next = AtomicUsize::new(0);
    let done = AtomicUsize::new(0);
    let work = || -> Result<Vec<File>, Error> {
        let mut files = Vec::new();
        while let Some(name) = names.get(next.fetch_add(1, Ordering::Relaxed)) {
            files.push(hash(folder, name)?);
            progress(done.fetch_add(1, Ordering::Relaxed) + 1, names.len());
        }
        Ok(files)
    };
    let threads = threads.get().min(names.len().max(1));
    let mut files = thread::scope(|scope| -> Result<Vec<File>, Error> {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        let mut all = Vec::with_capacity(names.len());
        for worker in workers {
            all.extend(worker.join().expect("hashing does not panic")?);
        }
        Ok(all)
    })?;
    files.sort();
    Ok(files)
}

fn hash(folder: &Path, name: &str) -> Result<File, Error> {
    let path = folder.join(name);
    for _ in 0..2 {
        match hash_once(&path) {
            Ok(Some((sha256, size))) => {
                return Ok(File {
                    name: name.to_owned(),
                    sha256,
                    size,
                });
            }
            Ok(None) => {}
            Err(source) => return Err(Error::Read { path, source }),
        }
    }
    Err(Error::Changing { path })
}

/// Digest and length of a file; `None` where it changed meanwhile.
fn hash_once(path: &Path) -> io::Result<Option<(Sha256, u64)>> {
    // Should a pipe have taken the file's place since the walk, opening it must not wait for a writer.
    let file = fs::OpenOptions::new()
        .read(true)
        .custom_flags(rustix::fs::OFlags::NONBLOCK.bits().cast_signed())
        .open(path)?;
    let before = file.metadata()?;
    if !before.is_file() {
        return Err(io::Error::other("it is no regular file any more"));
    }
    // One byte more shows that it grew; a log that grows faster than it is hashed has no end.
    let (sha256, size) = Sha256::of_reader(&mut (&file).take(before.len() + 1))?;
    let after = file.metadata()?;
    let state = |metadata: &fs::Metadata| (metadata.len(), metadata.mtime(), metadata.mtime_nsec());
    let is_one_state = state(&before) == state(&after) && size == after.len();
    Ok(is_one_state.then_some((sha256, size)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: NonZeroUsize = NonZeroUsize::MIN;

    fn world() -> tempfile::TempDir {
        let world = tempfile::tempdir().expect("a temporary folder can be made");
        let write = |path: &str| {
            let path = world.path().join("tree").join(path);
            fs::create_dir_all(path.parent().expect("a folder")).expect("made");
            fs::write(&path, path.file_name().expect("a name").as_encoded_bytes())
                .expect("written");
        };
        for path in [
            "src/a.rs",
            "src/deep/b.rs",
            "src/c.txt",
            "target/release/app",
            "target/release/app.d",
            "x.log",
            ".ci",
        ] {
            write(path);
        }
        write("../outside");
        fs::create_dir(world.path().join("tree/.git")).expect("made");
        write(".git/config.rs");
        fs::write(world.path().join("tree/.gitignore"), "/target\n*.log\n").expect("written");
        let link = |to: &str, at: &str| {
            std::os::unix::fs::symlink(to, world.path().join("tree").join(at)).expect("linked");
        };
        link("a.rs", "src/inside.rs");
        link("../../outside", "src/out.rs");
        link("../..", "src/above");
        world
    }

    fn names(world: &tempfile::TempDir, globs: &[&str]) -> Vec<String> {
        let globs: Vec<Glob> = globs
            .iter()
            .map(|glob| glob.parse().expect("a glob"))
            .collect();
        let collected = collect(
            &world.path().join("tree"),
            &globs,
            Ignored::LeftOut,
            ONE,
            &|_, _| (),
        )
        .expect("collected");
        collected.files.into_iter().map(|file| file.name).collect()
    }

    #[test]
    fn globs_are_anchored_and_heed_ignore_rules_below_their_fixed_part() {
        let world = world();
        assert_eq!(names(&world, &["src/*.rs"]), ["src/a.rs", "src/inside.rs"]);
        assert_eq!(
            names(&world, &["src/**/*.rs"]),
            ["src/a.rs", "src/deep/b.rs", "src/inside.rs"]
        );
        assert_eq!(
            names(&world, &["src/deep/", "src/c.txt", "src/c*"]),
            ["src/c.txt", "src/deep/b.rs"]
        );
        assert_eq!(
            names(&world, &["target/release/app"]),
            ["target/release/app"]
        );
        assert_eq!(
            names(&world, &["target/release/*"]),
            ["target/release/app", "target/release/app.d"]
        );
        assert_eq!(names(&world, &["*.log"]), [""; 0]);
        assert_eq!(names(&world, &["x.log", ".ci"]), [".ci", "x.log"]);
        assert_eq!(names(&world, &["*.rs"]), [""; 0]);
        let all = names(&world, &["**"]);
        assert!(
            !all.iter()
                .any(|name| name.starts_with("target") || name.starts_with(".git/")),
            "{all:?}"
        );
        assert!(all.contains(&"src/deep/b.rs".to_owned()), "{all:?}");
    }

    #[test]
    fn products_are_found_though_git_ignores_them() {
        let world = world();
        let globs = [
            "*.log".parse().expect("a glob"),
            "**/app".parse().expect("a glob"),
        ];
        let tree = world.path().join("tree");
        let taken = collect(&tree, &globs, Ignored::Taken, ONE, &|_, _| ()).expect("collected");
        let names: Vec<_> = taken.files.into_iter().map(|file| file.name).collect();
        assert_eq!(names, ["target/release/app", "x.log"]);
        assert!(taken.unmatched.is_empty());
    }

    #[test]
    fn links_out_of_the_tree_are_said_and_not_followed() {
        let world = world();
        let globs = [
            "src/out.rs".parse().expect("a glob"),
            "src/above/*".parse().expect("a glob"),
            "nothing/*".parse().expect("a glob"),
        ];
        let collected = collect(
            &world.path().join("tree"),
            &globs,
            Ignored::LeftOut,
            ONE,
            &|_, _| (),
        )
        .expect("collected");
        let link = |name: &str| Skipped {
            name: name.into(),
            reason: SkippedReason::Link,
        };
        assert_eq!(
            (collected.files, collected.skipped),
            (vec![], vec![link("src/above"), link("src/out.rs")])
        );
        assert_eq!(collected.unmatched, ["nothing/*"]);
    }

    #[test]
    fn contents_are_hashed() {
        let world = world();
        let collected = collect(
            &world.path().join("tree"),
            &["src/inside.rs".parse().expect("a glob")],
            Ignored::LeftOut,
            ONE,
            &|_, _| (),
        );
        let wanted = File {
            name: "src/inside.rs".into(),
            sha256: Sha256::of(b"a.rs"),
            size: 4,
        };
        assert_eq!(collected.expect("collected").files, [wanted]);
    }

    #[test]
    fn what_leads_out_or_names_nothing_is_no_glob() {
        for bad in [
            "",
            "./",
            "/etc/passwd",
            "../x",
            "a/../../b",
            "!x",
            "a[",
            "a{b",
            ".git/config",
            "sub/.GIT",
        ] {
            assert!(bad.parse::<Glob>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn any_number_of_threads_gives_the_same_list() {
        let world = tempfile::tempdir().expect("a temporary folder can be made");
        for number in 0..2000 {
            let folder = world.path().join(format!("{}", number % 7));
            fs::create_dir_all(&folder).expect("made");
            fs::write(folder.join(format!("{number}")), format!("{number}")).expect("written");
        }
        let most = AtomicUsize::new(0);
        let collect = |threads| {
            let progress = |done, all| {
                assert_eq!(all, 2000);
                most.fetch_max(done, Ordering::Relaxed);
            };
            let threads = NonZeroUsize::new(threads).expect("not none");
            let globs = ["**".parse().expect("a glob")];
            collect(world.path(), &globs, Ignored::LeftOut, threads, &progress).expect("collected")
        };
        let one = collect(1);
        assert_eq!(one, collect(4));
        assert_eq!(one.files.len(), 2000);
        assert!(one.files.is_sorted_by(|a, b| a.name < b.name));
        assert_eq!(most.into_inner(), 2000, "the end is told");
    }

    #[test]
    fn pipes_sockets_and_odd_names_are_left_out_and_said() {
        use std::os::unix::ffi::OsStrExt;
        let world = world();
        let odd = world.path().join("tree/odd");
        fs::create_dir(&odd).expect("made");
        let pipe = std::process::Command::new("mkfifo")
            .arg(odd.join("pipe"))
            .status();
        assert!(pipe.expect("mkfifo runs").success());
        let _socket = std::os::unix::net::UnixListener::bind(odd.join("socket")).expect("bound");
        fs::write(odd.join(std::ffi::OsStr::from_bytes(b"\xff")), "x").expect("written");
        std::os::unix::fs::symlink("../.git/config.rs", odd.join("git")).expect("linked");
        std::os::unix::fs::symlink("nowhere", odd.join("dead")).expect("linked");
        fs::write(odd.join("plain"), "x").expect("written");
        let globs = ["odd".parse().expect("a glob")];
        let collected = collect(
            &world.path().join("tree"),
            &globs,
            Ignored::LeftOut,
            ONE,
            &|_, _| (),
        )
        .expect("collected");
        let names: Vec<&str> = collected
            .files
            .iter()
            .map(|file| file.name.as_str())
            .collect();
        assert_eq!(names, ["odd/plain"]);
        let skipped: Vec<_> = collected
            .skipped
            .iter()
            .map(|skipped| (skipped.name.as_str(), skipped.reason))
            .collect();
        assert_eq!(
            skipped,
            [
                ("odd/dead", SkippedReason::Link),
                ("odd/git", SkippedReason::Link),
                ("odd/pipe", SkippedReason::Special),
                ("odd/socket", SkippedReason::Special),
                ("odd/\u{fffd}", SkippedReason::Name),
            ]
        );
    }

    #[test]
    fn a_pipe_in_a_files_place_does_not_hang() {
        let world = tempfile::tempdir().expect("a temporary folder can be made");
        let path = world.path().join("pipe");
        let pipe = std::process::Command::new("mkfifo").arg(&path).status();
        assert!(pipe.expect("mkfifo runs").success());
        assert!(matches!(
            hash(world.path(), "pipe"),
            Err(Error::Read { .. })
        ));
    }

    #[test]
    fn a_file_that_does_not_hold_still_has_no_digest() {
        // Its length is 0, and reading it gives more: the look of a file that grows under the reader.
        let proc = Path::new("/proc/self");
        if proc.join("status").exists() {
            assert!(matches!(hash(proc, "status"), Err(Error::Changing { .. })));
        }
        let world = tempfile::tempdir().expect("a temporary folder can be made");
        fs::write(world.path().join("still"), "x").expect("written");
        assert!(hash(world.path(), "still").is_ok());
    }
}
