//! Where lines go: standard output and the record file. A reader that went away is the end, not an error.

use std::{
    fs::File,
    io::{self, BufWriter, IsTerminal as _, Write as _},
    os::fd::AsFd as _,
    path::Path,
};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use crate::error::{Exit, Failure, words};

/// What became of a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    /// It was taken.
    Yes,
    /// The reader of standard output went away.
    ReaderGone,
}

/// Standard output.
pub struct Sink {
    out: BufWriter<io::Stdout>,
    terminal: bool,
    dirty: bool,
}

impl Sink {
    /// Buffered; a terminal gets every line at once, a pipe on `flush`.
    pub fn stdout() -> Self {
        let out = io::stdout();
        let terminal = out.is_terminal();
        Self { out: BufWriter::with_capacity(64 * 1024, out), terminal, dirty: false }
    }

    /// Whether it is a terminal.
    pub fn is_terminal(&self) -> bool {
        self.terminal
    }

    /// Writes text and a line end.
    ///
    /// # Errors
    /// When standard output fails for another reason than a reader that went away.
    pub fn line(&mut self, text: &str) -> Result<Written, Failure> {
        self.dirty = true;
        let written = self.out.write_all(text.as_bytes()).and_then(|()| self.out.write_all(b"\n"));
        taken(written)
    }

    /// Hands everything to the reader, and finds out whether there still is one.
    ///
    /// # Errors
    /// As [`Sink::line`].
    pub fn flush(&mut self) -> Result<Written, Failure> {
        if self.dirty {
            self.dirty = false;
            return taken(self.out.flush());
        }
        // Nothing to write: only a look tells that a pipe has no reader.
        let mut out = [PollFd::new(self.out.get_ref().as_fd(), PollFlags::empty())];
        let gone = poll(&mut out, PollTimeout::ZERO).is_ok()
            && out[0].revents().is_some_and(|events| events.contains(PollFlags::POLLERR));
        Ok(if gone && !self.terminal { Written::ReaderGone } else { Written::Yes })
    }
}

fn taken(written: io::Result<()>) -> Result<Written, Failure> {
    match written {
        Ok(()) => Ok(Written::Yes),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(Written::ReaderGone),
        Err(error) => Err(Failure::new(
            Exit::Failure,
            "cannot write to standard output",
            words(&error),
            "make room there, or send the output elsewhere",
        )),
    }
}

/// Prints something whole.
///
/// # Errors
/// As [`Sink::line`].
pub fn print(bytes: &[u8]) -> Result<Exit, Failure> {
    let mut out = io::stdout().lock();
    taken(out.write_all(bytes).and_then(|()| out.flush())).map(|_| Exit::Done)
}

/// The file of `-w`.
pub struct Recording {
    file: BufWriter<File>,
    path: String,
}

impl Recording {
    /// Creates or empties the file.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn create(path: &Path) -> Result<Self, Failure> {
        let shown = path.display().to_string();
        match File::create(path) {
            Ok(file) => Ok(Self { file: BufWriter::new(file), path: shown }),
            Err(error) => Err(failed(&shown, &error)),
        }
    }

    /// Writes a line.
    ///
    /// # Errors
    /// When the file system refuses it.
    pub fn line(&mut self, text: &str) -> Result<(), Failure> {
        self.file
            .write_all(text.as_bytes())
            .and_then(|()| self.file.write_all(b"\n"))
            .map_err(|error| failed(&self.path, &error))
    }

    /// Hands everything to the file system.
    ///
    /// # Errors
    /// When the file system refuses it.
    pub fn flush(&mut self) -> Result<(), Failure> {
        self.file.flush().map_err(|error| failed(&self.path, &error))
    }
}

fn failed(path: &str, error: &io::Error) -> Failure {
    Failure::new(
        Exit::Failure,
        format!("cannot write to {path}"),
        words(error),
        "give -w a file in a folder that exists, may be written and has room",
    )
}
