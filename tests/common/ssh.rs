//! An SSH server of our own on the loopback interface: Debian's sshd, run by us, for us, with keys of its own.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

/// A server that lets in who holds its client key; stopped when dropped.
pub struct Sshd {
    child: Child,
    port: u16,
    folder: PathBuf,
}

impl Sshd {
    /// Starts `sshd` with its files in a folder of its own.
    pub fn start(sshd: &Path, folder: &Path) -> Self {
        fs::create_dir_all(folder).expect("a folder can be made");
        fs::set_permissions(folder, fs::Permissions::from_mode(0o700)).expect("it is ours");
        let file = |name: &str| folder.join(name);
        for name in ["host", "client"] {
            let made = Command::new("ssh-keygen")
                .args(["-q", "-t", "ed25519", "-N", "", "-f"])
                .arg(file(name))
                .status();
            assert!(made.expect("ssh-keygen runs").success());
        }
        fs::copy(file("client.pub"), file("authorized")).expect("the key was made");
        let port = TcpListener::bind(("127.0.0.1", 0))
            .and_then(|listener| listener.local_addr())
            .expect("a loopback port is free")
            .port();
        let config = format!(
            "Port {port}\nListenAddress 127.0.0.1\nHostKey {}\nAuthorizedKeysFile {}\nPidFile none\nStrictModes no\nUsePAM no\nPasswordAuthentication no\nKbdInteractiveAuthentication no\nMaxStartups 100\n",
            file("host").display(),
            file("authorized").display()
        );
        fs::write(file("config"), config).expect("a file can be written");
        if rustix::process::getuid().is_root() {
            // It separates privileges there, and its package makes the folder only when the service starts.
            fs::create_dir_all("/run/sshd").expect("root may");
        }
        let child = Command::new(sshd)
            .args(["-D", "-e", "-f"])
            .arg(file("config"))
            .stdout(Stdio::null())
            .stderr(fs::File::create(file("log")).expect("a file can be made"))
            .spawn()
            .expect("sshd starts");
        let server = Sshd {
            child,
            port,
            folder: folder.to_owned(),
        };
        let up = (0..200).any(|_| {
            thread::sleep(Duration::from_millis(25));
            TcpStream::connect(("127.0.0.1", port)).is_ok()
        });
        let log = fs::read_to_string(server.folder.join("log")).unwrap_or_default();
        assert!(up, "sshd does not listen: {log}");
        server
    }

    /// The address of a repository by its path on this machine.
    pub fn url(&self, repository: &Path) -> String {
        format!("ssh://127.0.0.1:{}{}", self.port, repository.display())
    }

    /// What `core.sshCommand` has to be.
    pub fn command(&self) -> String {
        format!(
            "ssh -F none -i {} -o IdentitiesOnly=yes -o BatchMode=yes -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR",
            self.folder.join("client").display()
        )
    }
}

impl Drop for Sshd {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
