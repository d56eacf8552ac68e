//! The transfer repository: a bare one of our own, in which parts of a remote's ledger stand. A fetch with a filter would
//! turn the user's clone into a partial one for good, so it happens here.
//!
//! It is `docket/transfer` under the clone's common folder, and sees the clone's objects as alternates. It reaches the
//! remote as the clone does: what counts for transport in the clone's effective configuration is handed to git in the
//! environment (`GIT_CONFIG_COUNT`, git-config(1)), and no other configuration is read. A token there is therefore on no
//! disk but where the user has put it.
//!
//! One process has it at a time, by a lock that ends with the process. A file `busy` stands in it until that process
//! [says](Transfer::keep) that all is well: whoever finds one knows that the last session was interrupted or failed, and
//! begins with a new repository. So does who finds too many packs, for nothing in it is ever pruned.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::os::unix::ffi::OsStringExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::fs::{FlockOperation, flock};

use super::transport::Remote;
use super::{Durability, Error, Place, RefName, Repository};
use crate::digest::{Algorithm, ObjectId};

/// What the remote is called in here.
const REMOTE: &str = "docket";
/// With more packs than this, a new repository is cheaper than looking through them.
const PACKS: usize = 128;
/// Between two looks at the lock.
const PAUSE: Duration = Duration::from_millis(5);

/// A transfer repository that this process has for itself.
pub struct Transfer {
    repository: Repository,
    limit: Duration,
    busy: PathBuf,
    _locked: File,
}

/// How much comes along with the objects that are asked for by their ids.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Along {
    /// What stands directly in the trees.
    Children,
    /// Of that, the trees.
    Folders,
}

impl Transfer {
    /// Opens the clone's transfer repository, made as needed; `None` where another process has it all the time.
    ///
    /// # Errors
    /// Where it cannot be made or opened, or the clone's configuration not be read.
    pub fn open(clone: &Repository, remote: &str, limit: Duration) -> Result<Option<Self>, Error> {
        let parent = std::path::absolute(clone.common_dir().join("docket"));
        let parent = parent.map_err(scratch(clone.common_dir()))?;
        fs::create_dir_all(&parent).map_err(scratch(&parent))?;
        let Some(locked) = locked(&parent.join("transfer.lock"), limit)? else {
            return Ok(None);
        };
        let folder = parent.join("transfer");
        let busy = folder.join("busy");
        if busy.exists() || packs(&folder) > PACKS || !folder.join("HEAD").exists() {
            match fs::remove_dir_all(&folder) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(scratch(&folder)(error));
                }
                _ => make(&folder, clone.algorithm()).map_err(scratch(&folder))?,
            }
        }
        File::create(&busy).map_err(scratch(&busy))?;
        let inner = gix::open_opts(&folder, gix::open::Options::isolated())
            .map_err(|error| scratch(&folder)(io::Error::other(error)))?;
        // What is written here is written again if it is lost: it still waits in the spool.
        let mut repository = Repository::faithful(inner)
            .durable(Durability::Process)
            .attended(clone.attended);
        repository.place = Some(Arc::new(Place {
            folder: clone.folder().to_owned(),
            variables: variables(clone, remote, &folder)?,
            committer: clone.committer(),
        }));
        Ok(Some(Transfer {
            repository,
            limit,
            busy,
            _locked: locked,
        }))
    }

    /// The repository. What it lacks git does not bring by itself.
    pub fn repository(&self) -> &Repository {
        &self.repository
    }

    /// Leaves it as it is to the next session, which else begins anew.
    pub fn keep(self) {
        // Where that fails, the next one begins anew as well.
        let _ = fs::remove_file(&self.busy);
    }

    /// The remote, as seen from here.
    pub fn remote(&self) -> Remote<'_> {
        Remote::new(&self.repository, REMOTE, self.limit)
    }

    /// Brings the newest commit of the remote's ref and its root tree, and sets a ref here to it. A server that offers
    /// no filters sends the commit's whole tree.
    ///
    /// # Errors
    /// Where the remote cannot be asked, or has no such ref.
    pub fn tip(&self, name: &RefName) -> Result<ObjectId, Error> {
        // A server without filters then sends what is new.
        let tip = format!("--negotiation-tip={name}");
        match self.repository.reference(name)? {
            Some(_) => self.shallow(name, &["--filter=tree:1", &tip], "consecutive"),
            None => self.shallow(name, &["--filter=tree:1"], "noop"),
        }
    }

    /// Brings that commit with all of its tree.
    ///
    /// # Errors
    /// As with [`tip`](Self::tip).
    pub fn whole_tip(&self, name: &RefName) -> Result<ObjectId, Error> {
        self.shallow(name, &["--no-filter"], "noop")
    }

    /// Brings objects by their ids.
    ///
    /// # Errors
    /// Where the remote cannot be asked, or will not give objects by id or filter.
    pub fn objects(
        &self,
        ids: impl IntoIterator<Item = ObjectId>,
        along: Along,
    ) -> Result<(), Error> {
        let filter = match along {
            Along::Children => "--filter=tree:1",
            Along::Folders => "--filter=combine:tree:1+blob:none",
        };
        let ids: String = ids.into_iter().map(|id| id.hex() + "\n").collect();
        // What is here says nothing of what is below it.
        self.fetch(&[filter], "noop", &ids)
    }

    fn shallow(
        &self,
        name: &RefName,
        options: &[&str],
        negotiation: &str,
    ) -> Result<ObjectId, Error> {
        let options = [&["--depth=1"], options].concat();
        self.fetch(&options, negotiation, &format!("+{name}:{name}\n"))?;
        let tip = self.repository.reference(name)?;
        tip.ok_or_else(|| Error::Vanished { name: name.clone() })
    }

    fn fetch(&self, options: &[&str], negotiation: &str, specs: &str) -> Result<(), Error> {
        let negotiation = format!("fetch.negotiationAlgorithm={negotiation}");
        let promisor = format!("remote.{REMOTE}.promisor=true");
        let before = [
            "-c",
            &negotiation,
            // Only while fetching: git must not bring by itself what is missing.
            "-c",
            &promisor,
            "fetch",
            self.repository.progress(),
            "--no-tags",
            "--no-write-fetch-head",
            "--no-recurse-submodules",
            "--no-auto-maintenance",
            "--refmap=",
        ];
        let arguments = [&before[..], options, &["--stdin", "--", REMOTE]].concat();
        let git = self.repository.exchange(&arguments, self.limit);
        let fetched = git.input(specs).output();
        // Git notes the filter there. Left, it would make `git push` bring what a shallow clone lacks: all of its history.
        configure(self.repository.folder(), self.repository.algorithm())
            .map_err(scratch(self.repository.folder()))?;
        fetched?;
        Ok(())
    }
}

fn scratch(path: &Path) -> impl Fn(io::Error) -> Error + use<> {
    let path = path.to_owned();
    move |source| Error::Scratch {
        path: path.clone(),
        source,
    }
}

fn locked(path: &Path, limit: Duration) -> Result<Option<File>, Error> {
    let file = File::create(path).map_err(scratch(path))?;
    let began = Instant::now();
    while flock(&file, FlockOperation::NonBlockingLockExclusive).is_err() {
        if began.elapsed() >= limit {
            return Ok(None);
        }
        std::thread::sleep(PAUSE);
    }
    Ok(Some(file))
}

fn packs(folder: &Path) -> usize {
    fs::read_dir(folder.join("objects/pack")).map_or(0, |files| files.count() / 3)
}

fn make(folder: &Path, format: Algorithm) -> io::Result<()> {
    fs::create_dir_all(folder.join("objects/info"))?;
    fs::create_dir_all(folder.join("refs"))?;
    configure(folder, format)?;
    // Relative to `objects`, so that a clone may be moved.
    fs::write(folder.join("objects/info/alternates"), "../../../objects\n")?;
    fs::write(folder.join("HEAD"), "ref: refs/heads/none\n")
}

fn configure(folder: &Path, format: Algorithm) -> io::Result<()> {
    let name = match format {
        Algorithm::Sha1 => "sha1",
        Algorithm::Sha256 => "sha256",
    };
    let config = format!(
        "[core]\n\trepositoryFormatVersion = 1\n\tbare = true\n\tlogAllRefUpdates = false\n\talternateRefsPrefixes = refs/none/\n[extensions]\n\tobjectFormat = {name}\n[gc]\n\tauto = 0\n"
    );
    fs::write(folder.join("config"), config)
}

/// The environment in which git is run: nothing configured but how to reach the remote. `None`: not set.
fn variables(
    clone: &Repository,
    remote: &str,
    folder: &Path,
) -> Result<Vec<(String, Option<OsString>)>, Error> {
    let listed = clone.git(&["config", "--list", "-z"]).output()?;
    let mut settings = transport(&listed, remote);
    let url = format!("remote.{REMOTE}.url");
    if !settings.iter().any(|(key, _)| *key == url) {
        settings.push((url, remote.into()));
    }
    let fixed = [
        ("GIT_DIR", Some(folder.as_os_str().to_owned())),
        ("GIT_CONFIG_NOSYSTEM", Some("1".into())),
        ("GIT_CONFIG_GLOBAL", Some("/dev/null".into())),
        ("GIT_CONFIG_COUNT", Some(settings.len().to_string().into())),
        ("GIT_CONFIG_PARAMETERS", None),
        ("GIT_CONFIG", None),
        ("GIT_WORK_TREE", None),
        ("GIT_COMMON_DIR", None),
        ("GIT_INDEX_FILE", None),
        ("GIT_OBJECT_DIRECTORY", None),
        ("GIT_ALTERNATE_OBJECT_DIRECTORIES", None),
        ("GIT_SHALLOW_FILE", None),
    ];
    let mut variables: Vec<_> = fixed.map(|(name, value)| (name.to_owned(), value)).into();
    for (number, (key, value)) in settings.into_iter().enumerate() {
        variables.push((format!("GIT_CONFIG_KEY_{number}"), Some(key.into())));
        variables.push((format!("GIT_CONFIG_VALUE_{number}"), Some(value)));
    }
    Ok(variables)
}

/// What of `git config --list -z` says how to reach a remote, in order, which matters to keys of many values.
fn transport(listed: &[u8], remote: &str) -> Vec<(String, OsString)> {
    const SECTIONS: [&str; 6] = ["http.", "credential.", "url.", "ssh.", "protocol.", "safe."];
    const KEYS: [&str; 3] = ["core.sshcommand", "core.askpass", "core.gitproxy"];
    const OF_REMOTE: [&str; 7] = [
        "url",
        "pushurl",
        "proxy",
        "proxyauthmethod",
        "uploadpack",
        "receivepack",
        "vcs",
    ];
    let own = format!("remote.{remote}.");
    let each = listed.split(|byte| *byte == 0).filter_map(|setting| {
        let mut parts = setting.splitn(2, |byte| *byte == b'\n');
        let key = String::from_utf8(parts.next()?.to_vec()).ok()?;
        // A key alone is a yes.
        let value = OsString::from_vec(parts.next().unwrap_or(b"true").to_vec());
        if let Some(key) = key.strip_prefix(&own) {
            return (OF_REMOTE.contains(&key)).then(|| (format!("remote.{REMOTE}.{key}"), value));
        }
        let wanted =
            KEYS.contains(&key.as_str()) || SECTIONS.iter().any(|section| key.starts_with(section));
        wanted.then_some((key, value))
    });
    each.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_reaches_the_remote_is_handed_over_and_in_order() {
        let listed = b"core.bare\nfalse\0http.https://a.example/.extraheader\n\0http.https://a.example/.extraheader\nX: a\nb\0http.sslverify\0remote.o.url\nhttps://a.example/\0remote.o.fetch\n+x\0remote.o.promisor\ntrue\0remote.o.p.url\nother\0core.sshcommand\nssh -i k\0user.name\nAda\0credential.helper\n\0";
        let found: Vec<(String, String)> = transport(listed, "o")
            .into_iter()
            .map(|(key, value)| (key, value.into_string().expect("UTF-8")))
            .collect();
        let expected = [
            ("http.https://a.example/.extraheader", ""),
            ("http.https://a.example/.extraheader", "X: a\nb"),
            ("http.sslverify", "true"),
            ("remote.docket.url", "https://a.example/"),
            ("core.sshcommand", "ssh -i k"),
            ("credential.helper", ""),
        ];
        assert_eq!(
            found,
            expected.map(|(key, value)| (key.to_owned(), value.to_owned()))
        );
    }
}
