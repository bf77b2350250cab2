//! Where lines go: standard output and the record file. A reader that went away is the end, not an error.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, BufWriter, IsTerminal as _, Write as _},
    os::fd::AsFd as _,
    path::{Path, PathBuf},
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

/// Bytes that wait for more, until somebody flushes.
const BUFFER: usize = 64 * 1024;

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
        Self { out: BufWriter::with_capacity(BUFFER, out), terminal, dirty: false }
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
            "make room there (`df -h` shows where there is some), or send the output elsewhere: `tracer ... > FILE`",
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

/// The file of `-w`. What it held before stays until the first line comes: when tracing cannot start, nothing is lost.
pub struct Recording {
    file: BufWriter<File>,
    path: PathBuf,
    /// It was not there before, and nothing is in it yet.
    made: bool,
    begun: bool,
}

impl Recording {
    /// Opens or makes the file.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn create(path: &Path) -> Result<Self, Failure> {
        let made = !path.exists();
        match OpenOptions::new().write(true).create(true).truncate(false).open(path) {
            Ok(file) => Ok(Self {
                file: BufWriter::with_capacity(BUFFER, file),
                path: path.into(),
                made,
                begun: false,
            }),
            Err(error) => Err(failed(path, &error)),
        }
    }

    /// Writes a line.
    ///
    /// # Errors
    /// When the file system refuses it.
    pub fn line(&mut self, text: &str) -> Result<(), Failure> {
        let write = |this: &mut Self| {
            // A pipe or a terminal holds nothing that could be emptied.
            if !this.begun && this.file.get_ref().metadata()?.is_file() {
                this.file.get_ref().set_len(0)?;
            }
            this.begun = true;
            this.file.write_all(text.as_bytes())?;
            this.file.write_all(b"\n")
        };
        write(self).map_err(|error| failed(&self.path, &error))
    }

    /// Hands everything to the file system.
    ///
    /// # Errors
    /// When the file system refuses it.
    pub fn flush(&mut self) -> Result<(), Failure> {
        self.file.flush().map_err(|error| failed(&self.path, &error))
    }
}

impl Drop for Recording {
    fn drop(&mut self) {
        if self.made && !self.begun {
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn failed(path: &Path, error: &io::Error) -> Failure {
    Failure::new(
        Exit::Failure,
        format!("cannot write to {}", path.display()),
        words(error),
        "name a file in a folder that exists, may be written and has room: `tracer -w /tmp/drops.ndjson`",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_old_recording_stays_until_a_new_one_begins() {
        let path = std::env::temp_dir().join(format!("tracer-sink-{}", std::process::id()));
        drop(Recording::create(&path).unwrap());
        assert!(!path.exists(), "nothing was recorded");
        fs::write(&path, "old, and longer than the new one\n").unwrap();
        drop(Recording::create(&path).unwrap());
        assert_eq!(fs::read_to_string(&path).unwrap(), "old, and longer than the new one\n");
        let mut file = Recording::create(&path).unwrap();
        file.line("new").unwrap();
        drop(file);
        assert_eq!(fs::read_to_string(&path).unwrap(), "new\n");
        fs::remove_file(&path).unwrap();
    }
}
