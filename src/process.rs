//! Other programs. Nothing else of the package starts one.
//!
//! Three ways, each for one purpose:
//! - [`Quiet`] runs a program for its output: no terminal, no prompt, no input but what is given, and
//!   `LC_ALL=C`, so that what is read does not depend on a language;
//! - [`run_child`] runs the command of a delivery step on the user's own terminal, hands signals on to it,
//!   and says how it ended;
//! - [`Pager`] takes text to page.

use std::ffi::{OsStr, OsString};
use std::io::{self, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, getpgrp, kill_process, waitid};
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2};
use signal_hook::iterator::Signals;
use thiserror::Error;

/// Why a program gave no output.
#[derive(Debug, Error)]
pub enum Error {
    /// It could not be started.
    #[error("{program} cannot be started")]
    Start {
        /// The program.
        program: String,
        /// Why.
        source: io::Error,
    },
    /// Its input could not be written or its output not read.
    #[error("{program} broke off")]
    Pipe {
        /// The program.
        program: String,
        /// Why.
        source: io::Error,
    },
    /// It did not end in time, and was ended.
    #[error("{program} did not end within {} s", limit.as_secs())]
    TimedOut {
        /// The program and its first argument.
        program: String,
        /// The time that it had.
        limit: Duration,
    },
    /// It ended with another code than 0.
    #[error("{program} ended with {status}: {said}")]
    Failed {
        /// The program and its first argument.
        program: String,
        /// How it ended.
        status: ExitStatus,
        /// The last lines of its standard error, trimmed; hostile text.
        said: String,
    },
}

/// A program that is run for its output.
pub struct Quiet {
    command: Command,
    name: String,
    input: Vec<u8>,
    limit: Option<Duration>,
    attended: bool,
}

/// What a program said, however it ended.
#[derive(Debug)]
pub struct Finished {
    /// How it ended.
    pub status: ExitStatus,
    /// Its standard output.
    pub out: Vec<u8>,
    /// Its standard error; hostile text where another machine wrote it.
    pub err: Vec<u8>,
}

impl Quiet {
    /// The program `git` in a folder: never a prompt, never a pager.
    pub fn git<S: AsRef<OsStr>>(folder: &Path, arguments: &[S]) -> Self {
        let mut quiet = Quiet::program("git", arguments);
        quiet.command.current_dir(folder);
        quiet
            .command
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("GIT_PAGER", "cat");
        quiet
    }

    /// Any program on the path.
    pub fn program<S: AsRef<OsStr>>(program: &str, arguments: &[S]) -> Self {
        let mut command = Command::new(program);
        command.args(arguments).env("LC_ALL", "C");
        let first = arguments
            .first()
            .map(|first| first.as_ref().to_string_lossy().into_owned());
        let name = [Some(program.to_owned()), first]
            .into_iter()
            .flatten()
            .collect::<Vec<_>>()
            .join(" ");
        Quiet {
            command,
            name,
            input: Vec::new(),
            limit: None,
            attended: false,
        }
    }

    /// Somebody is at the terminal: git may ask them for credentials there, and what is said on standard error is shown
    /// as it comes. Only with a [`limit`](Self::limit).
    pub fn attended(mut self) -> Self {
        self.attended = true;
        self.variable("GIT_TERMINAL_PROMPT", "1")
    }

    /// Ends it after this time.
    pub fn limit(mut self, limit: Duration) -> Self {
        self.limit = Some(limit);
        self
    }

    /// Gives it this on standard input.
    pub fn input(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.input = bytes.into();
        self
    }

    /// Sets a variable.
    pub fn variable(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// Takes a variable away.
    pub fn without(mut self, name: &str) -> Self {
        self.command.env_remove(name);
        self
    }

    /// Runs it; its standard output where it ended with 0.
    ///
    /// # Errors
    /// Where it cannot be run, and where it ends with another code.
    pub fn output(self) -> Result<Vec<u8>, Error> {
        let program = self.name.clone();
        let Finished { status, out, err } = self.finish()?;
        if status.success() {
            return Ok(out);
        }
        let said = last_words(&err);
        Err(Error::Failed {
            program,
            status,
            said,
        })
    }

    /// Runs it to its end, whichever that is.
    ///
    /// # Errors
    /// Where it cannot be run, or takes too long.
    pub fn finish(mut self) -> Result<Finished, Error> {
        let program = self.name;
        let stdin = if self.input.is_empty() {
            Stdio::null()
        } else {
            Stdio::piped()
        };
        self.command
            .stdin(stdin)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = match self.command.spawn() {
            Ok(child) => child,
            Err(source) => return Err(Error::Start { program, source }),
        };
        let input = std::mem::take(&mut self.input);
        let writer = child
            .stdin
            .take()
            .map(|mut pipe| thread::spawn(move || pipe.write_all(&input)));
        if let Some(limit) = self.limit {
            // Whoever waits for the output below goes on once it has ended.
            match ended_within(&mut child, limit, self.attended) {
                Ok(Some(readers)) => return readers.finish(program),
                Ok(None) => return Err(Error::TimedOut { program, limit }),
                Err(source) => return Err(Error::Pipe { program, source }),
            }
        }
        let output = match child.wait_with_output() {
            Ok(output) => output,
            Err(source) => return Err(Error::Pipe { program, source }),
        };
        if let Some(Ok(Err(source))) = writer.map(thread::JoinHandle::join) {
            // A program that ends without reading all of its input says why by its code.
            if source.kind() != io::ErrorKind::BrokenPipe {
                return Err(Error::Pipe { program, source });
            }
        }
        Ok(Finished {
            status: output.status,
            out: output.stdout,
            err: output.stderr,
        })
    }
}

/// An ended child, and those that read what it said.
struct Readers {
    status: ExitStatus,
    pipes: [thread::JoinHandle<io::Result<Vec<u8>>>; 2],
}

impl Readers {
    fn finish(self, program: String) -> Result<Finished, Error> {
        let [out, err] = self.pipes.map(|reader| {
            reader
                .join()
                .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        });
        match (out, err) {
            (Ok(out), Ok(err)) => Ok(Finished {
                status: self.status,
                out,
                err,
            }),
            (Err(source), _) | (_, Err(source)) => Err(Error::Pipe { program, source }),
        }
    }
}

/// Reads all of a pipe in a thread of its own, which drops `open` at the pipe's end.
fn reader(
    pipe: Option<impl io::Read + Send + 'static>,
    shown: bool,
    open: mpsc::Sender<()>,
) -> thread::JoinHandle<io::Result<Vec<u8>>> {
    thread::spawn(move || {
        let _open = open;
        let (mut bytes, mut part) = (Vec::new(), [0; 4096]);
        let Some(mut pipe) = pipe else {
            return Ok(bytes);
        };
        loop {
            let read = match pipe.read(&mut part) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                read => read?,
            };
            if read == 0 {
                return Ok(bytes);
            }
            bytes.extend_from_slice(&part[..read]);
            if shown {
                // Another machine wrote it: nothing that would move the cursor but the ends of lines. That it cannot be
                // shown is no failure.
                let plain = |byte: &u8| matches!(byte, b'\r' | b'\n' | b' '..=b'~');
                let text: Vec<u8> = part[..read].iter().copied().filter(plain).collect();
                let _ = io::stderr().write_all(&text);
            }
        }
    })
}

/// What a program said last, without the progress that it showed: what was overwritten, and what is done.
pub fn last_words(err: &[u8]) -> String {
    let text = String::from_utf8_lossy(err);
    let lines = text.lines().filter_map(|line| {
        let line = line.trim_end_matches('\r');
        let last = line.rsplit('\r').next().unwrap_or(line);
        (!last.trim_end().ends_with(", done.")).then_some(last)
    });
    lines.collect::<Vec<_>>().join("\n").trim().to_owned()
}

/// Waits for a child while its output is read; `None` where it had to be ended. What it started itself may
/// live on with its pipes, which is why nobody waits for those then.
fn ended_within(child: &mut Child, limit: Duration, shown: bool) -> io::Result<Option<Readers>> {
    const SHORTEST: Duration = Duration::from_micros(200);
    let (open, at_end) = mpsc::channel();
    let pipes = [
        reader(child.stdout.take(), false, open.clone()),
        reader(child.stderr.take(), shown, open),
    ];
    let (mut pause, mut are_open) = (SHORTEST, true);
    let mut waited = Duration::ZERO;
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(Readers { status, pipes }));
        }
        if waited >= limit {
            child.kill()?;
            child.wait()?;
            return Ok(None);
        }
        waited += pause;
        pause = (pause * 2).min(Duration::from_millis(20));
        if !are_open {
            thread::sleep(pause);
        } else if at_end.recv_timeout(pause) == Err(mpsc::RecvTimeoutError::Disconnected) {
            // Whoever closed both is about to end.
            (pause, are_open) = (SHORTEST, false);
        }
    }
}

/// How a child ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Ended {
    /// By itself, with this code.
    Exited(u8),
    /// By this signal.
    Signalled(u8),
}

impl Ended {
    /// The code that a shell would report.
    pub fn shell_code(self) -> u8 {
        match self {
            Ended::Exited(code) => code,
            Ended::Signalled(signal) => 128_u8.saturating_add(signal),
        }
    }
}

/// Why a child did not run.
#[derive(Debug, Error)]
pub enum ChildError {
    /// There is no program of that name.
    #[error("{program}: command not found")]
    NotFound {
        /// The program.
        program: String,
    },
    /// It is there and cannot be executed.
    #[error("{program} cannot be executed")]
    NotExecutable {
        /// The program.
        program: String,
        /// Why.
        source: io::Error,
    },
    /// It could not be started, or not be waited for.
    #[error("{program} cannot be run")]
    System {
        /// The program.
        program: String,
        /// Why.
        source: io::Error,
    },
}

impl ChildError {
    /// The code that a shell would report; 125 where it has none.
    pub fn shell_code(&self) -> u8 {
        match self {
            ChildError::NotFound { .. } => 127,
            ChildError::NotExecutable { .. } => 126,
            ChildError::System { .. } => 125,
        }
    }
}

/// Signals that are handed on. The terminal itself sends the first two to the whole foreground group.
const HANDED_ON: [i32; 6] = [SIGINT, SIGQUIT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2];

/// Opens a file in an editor, given as git gives it: words for a shell, to which the path is added.
///
/// # Errors
/// Where the editor does not run, or says that it failed.
pub fn edit(editor: &str, path: &Path) -> Result<(), Error> {
    let failed = |source| Error::Start {
        program: editor.to_owned(),
        source,
    };
    let script = format!("{editor} \"$@\"");
    let status = Command::new("sh")
        .args(["-c", &script, "editor"])
        .arg(path)
        .status()
        .map_err(failed)?;
    match status.success() {
        true => Ok(()),
        false => Err(Error::Failed {
            program: editor.to_owned(),
            status,
            said: String::new(),
        }),
    }
}

/// Runs a command on this process's own standard input, output and error, in the current folder, and waits.
///
/// Signals that this process gets while the child runs go to the child; those that a terminal's keys send
/// it has got already. This process outlives them, since it has the child's end to record.
///
/// # Errors
/// Where the child does not run.
pub fn run_child(program: &OsStr, arguments: &[OsString]) -> Result<Ended, ChildError> {
    let name = || program.to_string_lossy().into_owned();
    let system = |source| ChildError::System {
        program: name(),
        source,
    };
    // Before the child is there: a signal that comes in between waits for it.
    let mut signals = Signals::new(HANDED_ON).map_err(system)?;
    let child = Command::new(program)
        .args(arguments)
        .spawn()
        .map_err(|source| match source.kind() {
            io::ErrorKind::NotFound => ChildError::NotFound { program: name() },
            io::ErrorKind::PermissionDenied => ChildError::NotExecutable {
                program: name(),
                source,
            },
            _ if source.raw_os_error() == Some(rustix::io::Errno::NOEXEC.raw_os_error()) => {
                ChildError::NotExecutable {
                    program: name(),
                    source,
                }
            }
            _ => system(source),
        })?;
    let pid = Pid::from_child(&child);
    let running = Arc::new(Mutex::new(true));
    let handle = signals.handle();
    let watcher = thread::spawn({
        let running = Arc::clone(&running);
        move || {
            signals
                .forever()
                .for_each(|signal| hand_on(signal, pid, &running))
        }
    });
    let ended = wait(child, pid, &running);
    handle.close();
    // The watcher cannot panic: it only sends signals.
    let _ = watcher.join();
    ended.map_err(system)
}

fn hand_on(signal: i32, pid: Pid, running: &Mutex<bool>) {
    let from_terminal = matches!(signal, SIGINT | SIGQUIT) && in_foreground();
    let running = running
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    if *running
        && !from_terminal
        && let Some(signal) = Signal::from_named_raw(signal)
    {
        // The child may have just ended: then nobody is left to be told.
        let _ = kill_process(pid, signal);
    }
}

/// Whether this process group is its terminal's foreground one, so that its keys reach the child as well:
/// also where all three streams lead elsewhere.
fn in_foreground() -> bool {
    let terminal = std::fs::File::open("/dev/tty");
    let foreground = terminal.and_then(|terminal| Ok(rustix::termios::tcgetpgrp(terminal)?));
    foreground.is_ok_and(|foreground| foreground == getpgrp())
}

/// Waits without reaping first, so that no signal can go to another process that got the same number.
fn wait(mut child: Child, pid: Pid, running: &Mutex<bool>) -> io::Result<Ended> {
    while let Err(error) = waitid(
        WaitId::Pid(pid),
        WaitIdOptions::EXITED | WaitIdOptions::NOWAIT,
    ) {
        if error != rustix::io::Errno::INTR {
            return Err(error.into());
        }
    }
    *running
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner) = false;
    let status = child.wait()?;
    let low = |number: i32| u8::try_from(number & 0xff).unwrap_or(u8::MAX);
    Ok(match (status.code(), status.signal()) {
        (Some(code), _) => Ended::Exited(low(code)),
        (None, signal) => Ended::Signalled(low(signal.unwrap_or(0))),
    })
}

/// A pager that is being written to.
pub struct Pager {
    child: Child,
}

impl Pager {
    /// Starts a pager as git does: through the shell where it has characters that a shell would read, with
    /// `LESS=FRX` and `LV=-c` unless they are set.
    ///
    /// # Errors
    /// Where it cannot be started: many a container has no `less`.
    pub fn start(command: &OsStr, is_set: impl Fn(&str) -> bool) -> io::Result<Self> {
        let plain = |text: &&str| !text.contains(|c| "|&;<>()$`\\\"'*?[#~=%\t\n".contains(c));
        let mut words = command.to_str().filter(plain).map(str::split_whitespace);
        let mut pager = match words.as_mut().and_then(Iterator::next) {
            Some(program) => Command::new(program),
            None => {
                let mut shell = Command::new("sh");
                shell.arg("-c").arg(command);
                shell
            }
        };
        pager
            .args(words.into_iter().flatten())
            .stdin(Stdio::piped());
        for (name, value) in [("LESS", "FRX"), ("LV", "-c")] {
            if !is_set(name) {
                pager.env(name, value);
            }
        }
        Ok(Pager {
            child: pager.spawn()?,
        })
    }

    /// Ends the text and waits until the reader has read enough.
    ///
    /// # Errors
    /// Where the pager cannot be waited for.
    pub fn finish(mut self) -> io::Result<()> {
        drop(self.child.stdin.take());
        self.child.wait().map(drop)
    }
}

impl Write for Pager {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.child.stdin {
            Some(pipe) => pipe.write(bytes),
            None => Err(io::ErrorKind::BrokenPipe.into()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.child.stdin.as_mut().map_or(Ok(()), Write::flush)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A signal to this process goes to every child it has, so tests have theirs one after another.
    static ALONE: Mutex<()> = Mutex::new(());

    fn sh(script: &str) -> Result<Ended, ChildError> {
        let _alone = ALONE.lock();
        run_child("sh".as_ref(), &["-c".into(), script.into()])
    }

    #[test]
    fn output_is_what_the_program_wrote_and_failures_have_its_words() {
        let shout = Quiet::program("tr", &["a-z", "A-Z"])
            .input("quiet")
            .output()
            .expect("tr runs");
        assert_eq!(shout, b"QUIET");
        let error = Quiet::git(Path::new("/"), &["no-such-verb"])
            .output()
            .expect_err("git refuses");
        assert!(
            error
                .to_string()
                .contains("'no-such-verb' is not a git command"),
            "{error}"
        );
        let error = Quiet::program("no-such-program", &[""; 0])
            .output()
            .expect_err("there is none");
        assert!(matches!(error, Error::Start { .. }));
    }

    #[test]
    fn much_input_and_much_output_do_not_block_each_other() {
        let bytes = vec![b'x'; 1 << 20];
        assert_eq!(
            Quiet::program("cat", &[""; 0])
                .input(bytes.clone())
                .output()
                .expect("cat runs"),
            bytes
        );
        let none = Quiet::program("true", &[""; 0])
            .input(bytes)
            .output()
            .expect("true runs");
        assert!(none.is_empty());
    }

    #[test]
    fn a_child_ends_as_a_shell_would_say() {
        assert_eq!(sh("exit 7").expect("runs"), Ended::Exited(7));
        let killed = sh("kill -TERM $$").expect("runs");
        assert_eq!((killed, killed.shell_code()), (Ended::Signalled(15), 143));
        let code = |program: &str| {
            run_child(program.as_ref(), &[])
                .expect_err("does not run")
                .shell_code()
        };
        assert_eq!(code("no-such-program"), 127);
        assert_eq!(code("/etc/passwd"), 126);
    }

    #[test]
    fn a_signal_to_us_reaches_the_child() {
        // The child signals its parent, which is this process, and waits for it to come back.
        let ended =
            sh("trap 'exit 9' USR1; kill -USR1 $PPID; while :; do sleep 0.01; done").expect("runs");
        assert_eq!(ended, Ended::Exited(9));
    }
}
