//! Talk on standard error, data on standard output.
//!
//! Talk is one marked line a message: `error:`, `warning:`, `hint:`, `note:`; the mark, never a colour
//! alone, says what it is. A reader that goes away (`git docket log | head`) ends the output, not the
//! verb: what was to be judged is judged, and the exit code stands.

use std::fmt::Display;
use std::io::{self, IsTerminal, Write};

use git_docket::report::escape::Line;

use crate::exit::Stop;

/// Whether hints and notes are said.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Talk {
    /// Everything is said.
    Full,
    /// Errors and warnings only.
    Terse,
}

/// Where the program speaks.
#[derive(Clone, Copy, Debug)]
pub struct Ui {
    talk: Talk,
    colour: bool,
}

impl Ui {
    /// A voice for this terminal; `no_colour` is the wish of the environment.
    pub fn new(talk: Talk, no_colour: bool) -> Self {
        Ui {
            talk,
            colour: !no_colour && io::stderr().is_terminal(),
        }
    }

    /// Whether more than errors and warnings is wanted.
    pub fn is_talkative(self) -> bool {
        self.talk == Talk::Full
    }

    /// Says why the program stops: the message, the chain of its sources, and what to do.
    pub fn stop(self, stop: &Stop) {
        self.say("error", "31", &stop.error);
        let mut said = stop.error.to_string();
        let mut source = stop.error.source();
        while let Some(error) = source {
            let text = error.to_string();
            if !said.ends_with(&text) {
                self.line(format_args!("  because: {}", Line(&text)));
            }
            said = text;
            source = error.source();
        }
        if let Some(remedy) = &stop.remedy {
            self.hint(remedy);
        }
    }

    /// Says what the user should know although the work goes on.
    pub fn warning(self, message: impl Display) {
        self.say("warning", "33", message);
    }

    /// Says what to do next.
    pub fn hint(self, message: impl Display) {
        if self.talk == Talk::Full {
            self.say("hint", "36", message);
        }
    }

    /// Says what was done.
    pub fn note(self, message: impl Display) {
        if self.talk == Talk::Full {
            self.say("note", "32", message);
        }
    }

    fn say(self, mark: &str, colour: &str, message: impl Display) {
        let message = message.to_string();
        let mut lines = message.lines();
        let first = Line(lines.next().unwrap_or_default()).to_string();
        if self.colour {
            self.line(format_args!("\u{1b}[1;{colour}m{mark}:\u{1b}[0m {first}"));
        } else {
            self.line(format_args!("{mark}: {first}"));
        }
        for line in lines {
            self.line(format_args!("  {}", Line(line)));
        }
    }

    /// Standard error is the last resort: when it is gone there is nobody left to tell.
    fn line(self, text: std::fmt::Arguments<'_>) {
        let _ = writeln!(io::stderr().lock(), "{text}");
    }
}

/// A writer that swallows everything once its reader has gone.
pub struct Data<W> {
    inner: W,
    gone: bool,
}

impl Data<io::BufWriter<io::StdoutLock<'static>>> {
    /// Standard output, buffered; flush it before the program ends.
    pub fn stdout() -> Self {
        Data::new(io::BufWriter::new(io::stdout().lock()))
    }
}

impl<W: Write> Data<W> {
    /// Wraps a writer whose reader may go away.
    pub fn new(inner: W) -> Self {
        Data { inner, gone: false }
    }

    /// Whether the reader has gone.
    pub fn is_gone(&self) -> bool {
        self.gone
    }

    /// The writer inside.
    pub fn into_inner(self) -> W {
        self.inner
    }

    fn unless_gone<T>(&mut self, result: io::Result<T>, instead: T) -> io::Result<T> {
        match result {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                self.gone = true;
                Ok(instead)
            }
            other => other,
        }
    }
}

impl<W: Write> Write for Data<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.gone {
            return Ok(bytes.len());
        }
        let result = self.inner.write(bytes);
        self.unless_gone(result, bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.gone {
            return Ok(());
        }
        let result = self.inner.flush();
        self.unless_gone(result, ())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Gone;

    impl Write for Gone {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Err(io::ErrorKind::BrokenPipe.into())
        }
    }

    struct Full;

    impl Write for Full {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::StorageFull.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_reader_that_went_away_is_no_failure_and_a_full_disk_is() {
        let mut data = Data::new(Gone);
        assert!(
            data.write_all(b"one").is_ok()
                && data.write_all(b"two").is_ok()
                && data.flush().is_ok()
        );
        assert!(Data::new(Full).write_all(b"one").is_err());
    }
}
