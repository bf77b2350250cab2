//! Recordings: the NDJSON of `-w` becomes the values it was written from.
//!
//! Decides which lines make a recording, in which order, and where it is broken; one line at a time, so that a file that
//! grows and a pipe are read as they come. What this version does not know (types of lines, fields) is passed over and
//! counted. Whatever comes before a broken line stands. No bytes make it panic, and memory is bounded by the longest line.

mod broken;
mod capture;
mod fields;
mod line;
mod summary;

use std::io::{BufRead, ErrorKind};

use serde_json::{Map, Value};

pub use self::broken::{Broken, Trouble};
use self::line::{Known, Line};
use crate::{
    error::words,
    model::{
        Cause, Nanos, Observation,
        report::{Ending, Start},
    },
};

/// No line is longer, bytes. The longest that this version writes is a summary, of tens of thousands.
pub const LONGEST: usize = 1 << 20;
/// Bytes that are read at once.
const PIECE: usize = 64 << 10;

/// What a recording holds, in order: a start, observations, an ending. Start and ending are missing where lines were cut
/// off or picked out.
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "almost all are observations; a box for each would cost more")]
pub enum Item {
    /// The first line.
    Start(Box<Start>),
    /// A SYN, dropped or answered, as it was recorded.
    Observation(Observation),
    /// What the last line tells beside what the observations do.
    Ending(Box<Ending>),
}

/// What was passed over, because this version does not know it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Skipped {
    /// Lines of an unknown type.
    pub lines: u64,
    /// Unknown fields of the others.
    pub fields: u64,
}

/// Turns bytes, in whatever pieces they come, into what was recorded.
#[derive(Debug, Default)]
pub struct Parser {
    /// The beginning of a line that goes on in the next piece.
    begun: Vec<u8>,
    /// Lines that were read.
    lines: u64,
    /// Bytes of them.
    bytes: u64,
    skipped: Skipped,
    span: Option<(Nanos, Nanos)>,
    start: Option<Start>,
    observed: bool,
    ended: bool,
    broken: Option<Broken>,
}

impl Parser {
    /// Takes the next bytes; what whole lines hold goes to `out`, in order.
    ///
    /// # Errors
    /// When a line is no line of a recording; what came before is in `out`. From then on it is always this error.
    pub fn take(&mut self, mut bytes: &[u8], out: &mut Vec<Item>) -> Result<(), Broken> {
        if let Some(broken) = &self.broken {
            return Err(broken.clone());
        }
        while let Some(end) = bytes.iter().position(|byte| *byte == b'\n') {
            let (line, rest) = (&bytes[..end], &bytes[end + 1..]);
            bytes = rest;
            if self.begun.is_empty() {
                self.line(line, true, out)?;
            } else {
                self.keep(line)?;
                let line = std::mem::take(&mut self.begun);
                self.line(&line, true, out)?;
                // With its room for the next one.
                self.begun = line;
                self.begun.clear();
            }
        }
        self.keep(bytes)
    }

    /// The input ends here.
    ///
    /// # Errors
    /// When it ends in the middle of a line; what came before is in `out`.
    pub fn end(&mut self, out: &mut Vec<Item>) -> Result<(), Broken> {
        if let Some(broken) = &self.broken {
            return Err(broken.clone());
        }
        let line = std::mem::take(&mut self.begun);
        // An editor may have taken the last line end away.
        if line.is_empty() { Ok(()) } else { self.line(&line, false, out) }
    }

    /// What was passed over so far.
    pub fn skipped(&self) -> Skipped {
        self.skipped
    }

    /// The earliest and the latest time in any line so far.
    pub fn span(&self) -> Option<(Nanos, Nanos)> {
        self.span
    }

    fn keep(&mut self, bytes: &[u8]) -> Result<(), Broken> {
        if self.begun.len() + bytes.len() > LONGEST {
            return Err(self.fail(Trouble::Long, 0));
        }
        self.begun.extend_from_slice(bytes);
        Ok(())
    }

    /// Remembers the trouble with the line after those that were read.
    fn fail(&mut self, trouble: Trouble, within: usize) -> Broken {
        let offset = self.bytes + within as u64;
        let broken = Broken { line: self.lines + 1, offset, trouble };
        self.begun = Vec::new();
        self.broken = Some(broken.clone());
        broken
    }

    fn line(&mut self, line: &[u8], whole: bool, out: &mut Vec<Item>) -> Result<(), Broken> {
        if line.len() > LONGEST {
            return Err(self.fail(Trouble::Long, 0));
        }
        if !line.trim_ascii().is_empty() {
            let read = object(line, whole).and_then(|map| {
                line::line(map)
                    .and_then(|(line, unknown)| {
                        self.skipped.fields += unknown;
                        self.item(line)
                    })
                    .map_err(|trouble| (trouble, 0))
            });
            match read {
                Ok(item) => out.extend(item),
                Err((trouble, within)) => return Err(self.fail(trouble, within)),
            }
        }
        self.lines += 1;
        self.bytes += line.len() as u64 + u64::from(whole);
        Ok(())
    }

    /// What a line is at this place of the recording.
    fn item(&mut self, line: Line) -> Result<Option<Item>, Trouble> {
        match &line {
            Line::Start(_) if self.start.is_some() || self.observed => return Err(Trouble::Another),
            Line::Start(_) | Line::Observation(_) | Line::Summary(..) if self.ended => {
                return Err(Trouble::Another);
            }
            _ => {}
        }
        Ok(match line {
            Line::Start(start) => {
                self.at(start.time);
                self.start = Some((*start).clone());
                Some(Item::Start(start))
            }
            Line::Observation(observation) => {
                self.at(observation.time());
                self.observed = true;
                Some(Item::Observation(observation))
            }
            Line::Summary(mut ending, known) => {
                self.at(ending.time);
                self.ended = true;
                self.complete(&mut ending, known);
                Some(Item::Ending(ending))
            }
            Line::Between => None,
            Line::Unknown => {
                self.skipped.lines += 1;
                None
            }
        })
    }

    fn at(&mut self, time: Nanos) {
        let (first, last) = self.span.unwrap_or((time, time));
        self.span = Some((first.min(time), last.max(time)));
    }

    /// What a summary without these fields leaves to be known from the start.
    fn complete(&self, ending: &mut Ending, known: Known) {
        let Some(start) = &self.start else { return };
        if !known.environment {
            ending.environment.kernel.clone_from(&start.kernel);
        }
        // By default nobody looks at this one.
        if !known.left_out && !start.filter.causes.contains(&Cause::NoListener) {
            ending.left_out.not_looked_at = vec![Cause::NoListener];
        }
    }
}

/// The object that a line is, or what is wrong and how far into the line.
fn object(line: &[u8], whole: bool) -> Result<Map<String, Value>, (Trouble, usize)> {
    serde_json::from_slice(line).map_err(|error| {
        if !whole && error.is_eof() {
            return (Trouble::Cut, 0);
        }
        let text = error.to_string();
        let words = text.split(" at line ").next().unwrap_or_default();
        // A column is a byte, counted from 1; what is wrong with all of a line is at its beginning.
        (Trouble::Content(format!("it is no JSON object: {words}")), error.column().saturating_sub(1))
    })
}

/// The recording that `input` holds, item by item. After an error there is nothing more.
#[derive(Debug)]
pub struct Reader<R> {
    input: R,
    parser: Parser,
    ready: std::vec::IntoIter<Item>,
    broken: Option<Broken>,
    done: bool,
}

impl<R: BufRead> Reader<R> {
    /// Reads nothing yet.
    pub fn new(input: R) -> Self {
        Self { input, parser: Parser::default(), ready: Vec::new().into_iter(), broken: None, done: false }
    }

    /// What was passed over so far.
    pub fn skipped(&self) -> Skipped {
        self.parser.skipped()
    }

    /// Reads a piece; `Ok` when it was the last.
    fn piece(&mut self, out: &mut Vec<Item>) -> Result<bool, Broken> {
        let (taken, length) = match self.input.fill_buf() {
            Ok([]) => return self.parser.end(out).map(|()| true),
            Ok(bytes) => {
                let piece = &bytes[..bytes.len().min(PIECE)];
                (self.parser.take(piece, out), piece.len())
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => return Ok(false),
            Err(error) => return Err(self.parser.fail(Trouble::Io(words(&error)), 0)),
        };
        self.input.consume(length);
        taken.map(|()| false)
    }
}

impl<R: BufRead> Iterator for Reader<R> {
    type Item = Result<Item, Broken>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(item) = self.ready.next() {
                return Some(Ok(item));
            }
            if self.done {
                return self.broken.take().map(Err);
            }
            let mut out = Vec::new();
            match self.piece(&mut out) {
                Ok(last) => self.done = last,
                Err(broken) => (self.broken, self.done) = (Some(broken), true),
            }
            self.ready = out.into_iter();
        }
    }
}

#[cfg(test)]
mod tests;
