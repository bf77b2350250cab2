//! A recording (`-w`) as a source of observations.
//!
//! Decides what of it is looked at; what its lines are is decided in [`record`](super::record).

use super::{
    Broken, Opening, Reader,
    record::{Item, Parser, Skipped},
};
use crate::{
    analysis::selection::Selection,
    model::{
        Nanos, Observation,
        report::{Ending, Start},
    },
};

/// A recording that is being read.
#[derive(Debug, Default)]
pub struct Recording {
    parser: Parser,
    selection: Selection,
    items: Vec<Item>,
    start: Option<Box<Start>>,
    ending: Option<Box<Ending>>,
}

impl Recording {
    /// Nothing read so far; SYNs that the selection leaves out are passed over.
    pub fn new(selection: Selection) -> Self {
        Self { selection, ..Self::default() }
    }

    fn sort(&mut self, out: &mut Vec<Observation>) {
        for item in self.items.drain(..) {
            match item {
                Item::Start(start) => self.start = Some(start),
                Item::Observation(seen) if self.selection.holds(seen.flow()) => out.push(seen),
                Item::Observation(_) => {}
                Item::Ending(ending) => self.ending = Some(ending),
            }
        }
    }
}

impl From<super::record::Broken> for Broken {
    fn from(broken: super::record::Broken) -> Self {
        let why = format!("line {}: {}", broken.line, broken.trouble);
        Self { offset: broken.offset, why, hint: Some(broken.hint()) }
    }
}

impl Reader for Recording {
    fn take(&mut self, bytes: &[u8], out: &mut Vec<Observation>) -> Result<(), Broken> {
        let taken = self.parser.take(bytes, &mut self.items);
        self.sort(out);
        Ok(taken?)
    }

    fn end(&mut self, out: &mut Vec<Observation>) -> Result<(), Broken> {
        let ended = self.parser.end(&mut self.items);
        self.sort(out);
        Ok(ended?)
    }

    fn opening(&self) -> Option<Opening> {
        let recorded = self.start.clone();
        let capture = recorded.as_ref().and_then(|start| start.capture.clone());
        // Lines may have been picked out, without the first one.
        self.span().map(|_| Opening { capture, recorded })
    }

    fn span(&self) -> Option<(Nanos, Nanos)> {
        self.parser.span()
    }

    fn ending(&mut self) -> Option<Ending> {
        self.ending.take().map(|ending| *ending)
    }

    fn remark(&self) -> Option<String> {
        let Skipped { lines, fields } = self.parser.skipped();
        (lines + fields > 0).then(|| {
            format!("passed over, because this version does not know them: lines: {lines}; fields of others: {fields}")
        })
    }
}
