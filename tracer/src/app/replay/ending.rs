//! The end of an input: what no observation tells of it, the last word on all that was read, and the error where it is broken.

use super::{Replay, recorded::of_the_part};
use crate::{
    app::{
        note,
        report::{End, Whole},
    },
    error::{Exit, Failure},
    model::report::{Capture as Packets, Ending, Lost},
    source::Opening,
};

impl Replay {
    /// The end of a capture. The machine that dropped its SYNs is not this one.
    fn captured(&mut self, capture: Packets) -> Ending {
        self.report.lost.decode = capture.cut;
        // Of a SYN too near the end nobody expects to know.
        self.report.lost.undecided = capture.wire.undecided() - capture.wire.near_end;
        Ending {
            syns: Some(capture.wire.syns),
            capture: Some(capture),
            ..Ending::unknown(Some(&self.report.start), self.last(), Lost::default())
        }
    }

    /// Why not all of the input was taken; `None`: all of it was.
    fn cut(&self) -> Option<String> {
        let broken = self.broken.as_ref().map(|failure| format!("{}: {}", failure.what, failure.why));
        broken.or_else(|| self.stopped.then(|| "Somebody stopped tracer before it had read all.".into()))
    }

    /// Says the last word.
    pub(super) fn end(mut self, mut end: End) -> Result<Exit, Failure> {
        let Some(mut reader) = self.reader.take() else {
            return self.broken.map_or(Ok(Exit::Done), Err);
        };
        let whole = reader.end(&mut self.observations);
        self.reader = Some(reader);
        if let (Err(broken), None) = (whole, &self.broken)
            && self.input.ended()
        {
            self.broken = Some(self.input.broken(&broken));
        }
        if let Some(End::ReaderGone) = self.tell()? {
            end = End::ReaderGone;
        }
        let Some(Opening { capture, .. }) = self.opening() else {
            return self.broken.map_or(Ok(Exit::Done), Err);
        };
        self.begin()?;
        let recorded = self.reader.as_mut().and_then(|reader| reader.ending());
        let ending = match (recorded, capture) {
            (Some(ending), _) => {
                self.report.lost = ending.lost;
                of_the_part(ending, &self.selection)
            }
            (None, Some(capture)) if self.report.start.set == "capture" => self.captured(capture),
            (None, _) => {
                // What else was lost, only its last line would tell.
                self.report.lost.decode = u64::from(self.broken.is_some());
                Ending::unknown(Some(&self.report.start), self.last(), Lost::default())
            }
        };
        let remark = self.reader.as_ref().and_then(|reader| reader.remark());
        let exit = if let Some(mut sheet) = self.sheet.take() {
            let whole = Whole { name: &self.input.name, cut: self.cut(), remark: remark.clone() };
            sheet.write(&self.report.page(ending, &whole, &sheet.zone))?
        } else {
            let summary = self.report.sum_up(ending);
            self.report.end(&summary, end)?
        };
        if let Some(remark) = remark {
            note(&format!("tracer: {remark}"));
        }
        match (self.broken, end) {
            // Nobody reads on, so nobody asks for the rest.
            (Some(failure), End::Asked) => Err(failure),
            _ => Ok(exit),
        }
    }
}
