//! `tracer replay`: observations from a file or a pipe, told like those of the live stream.
//!
//! Decides the order of things and when it ends. A thread of its own reads and unpacks, so that a pipe in which nothing
//! comes does not keep signals waiting. What cannot be read ends the input and not the run: what came before it is told and
//! summed up, then the error follows.

mod ending;
mod input;
mod recorded;

use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};

use super::{
    page::Sheet,
    report::{End, Manner, Report},
    request::{in_words, selection},
    signals::{self, Signals},
    sink::{Recording, Written},
    tracing::time_of_day,
};
use crate::{
    analysis::selection::Selection,
    cli::{ReplayArgs, selected},
    error::{Exit, Failure},
    model::{Nanos, Observation, report::Start},
    source::{ENOUGH, Kind, Opening, Reader, capture::Capture, recording::Recording as Recorded},
};
pub(super) use input::is_same;
use input::{Input, Piece};

/// Between two looks at things that no packet announces.
const TICK: Duration = Duration::from_millis(200);
/// After Ctrl-C, whoever fills the pipe got it, too: what it still hands over is taken.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// `tracer replay FILE`.
///
/// # Errors
/// What the user must know, with what to type.
pub fn replay(args: &ReplayArgs) -> Result<Exit, Failure> {
    if let Some(file) = &args.output.record.write
        && is_same(&args.file, file)
    {
        return Err(Failure::new(
            Exit::Usage,
            format!("cannot record to {}", file.display()),
            "it is the file that is read",
            "record to another file: `tracer replay FILE -w OTHER`",
        ));
    }
    let recording = args.output.record.write.as_deref().map(Recording::create).transpose()?;
    run(args, recording, None)
}

/// Reads it, and tells it by the line, or on a sheet.
pub(super) fn run(
    args: &ReplayArgs,
    recording: Option<Recording>,
    sheet: Option<Sheet>,
) -> Result<Exit, Failure> {
    let input = Input::open(&args.file, sheet.is_some())?;
    signals::run(async |mut signals| {
        let mut replay = Replay::new(args, input, recording, sheet)?;
        let end = replay.stream(&mut signals).await?;
        replay.end(end)
    })
}

/// State of a run.
struct Replay {
    input: Input,
    report: Report,
    args: ReplayArgs,
    selection: Selection,
    /// `None`: the first bytes did not come yet.
    reader: Option<Box<dyn Reader>>,
    begun: bool,
    first: Vec<u8>,
    observations: Vec<Observation>,
    /// Bytes taken, as they are unpacked.
    taken: u64,
    /// Why the input ended before its end.
    broken: Option<Failure>,
    /// Somebody did not want to wait for the rest of it.
    stopped: bool,
    /// Where the page goes that is made of it.
    sheet: Option<Sheet>,
}

impl Replay {
    fn new(
        args: &ReplayArgs,
        input: Input,
        recording: Option<Recording>,
        sheet: Option<Sheet>,
    ) -> Result<Self, Failure> {
        let manner = if sheet.is_some() { Manner::Page } else { Manner::Lines };
        let selection = selection(&args.select);
        let start = Start {
            time: time_of_day()?,
            version: env!("CARGO_PKG_VERSION").into(),
            set: "capture".into(),
            filter: in_words(&args.select),
            ..Start::default()
        };
        Ok(Self {
            input,
            report: Report::new(&args.output, selected(&args.select.cause), start, recording, manner),
            args: args.clone(),
            selection,
            reader: None,
            begun: false,
            first: Vec::new(),
            observations: Vec::new(),
            taken: 0,
            broken: None,
            stopped: false,
            sheet,
        })
    }

    async fn stream(&mut self, signals: &mut Signals) -> Result<End, Failure> {
        let mut tick = interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut asked: Option<Instant> = None;
        loop {
            let last = asked.unwrap_or_else(Instant::now);
            let end = tokio::select! {
                biased;
                () = signals.any(), if asked.is_none() => {
                    if !self.input.is_pipe {
                        self.stopped = true;
                        return Ok(End::Asked);
                    }
                    asked = Some(Instant::now() + LAST_WORDS);
                    None
                }
                () = sleep_until(last), if asked.is_some() => Some(End::Asked),
                _ = tick.tick() => self.tick()?,
                piece = self.input.pieces.recv() => self.piece(piece)?,
            };
            if let Some(end) = end {
                return Ok(end);
            }
        }
    }

    fn tick(&mut self) -> Result<Option<End>, Failure> {
        // A pipe in which no packet came so far: whoever waits is told that we do, too.
        if self.opening().is_some() {
            self.begin()?;
        }
        self.report.tick()
    }

    /// Takes a piece of the input; `None`: it ended.
    fn piece(&mut self, piece: Option<Piece>) -> Result<Option<End>, Failure> {
        match piece {
            Some(Ok(bytes)) => self.bytes(bytes),
            Some(Err(error)) => {
                self.broken = Some(self.input.unreadable(&error, self.taken));
                self.rest()
            }
            None => self.rest(),
        }
    }

    fn bytes(&mut self, bytes: Vec<u8>) -> Result<Option<End>, Failure> {
        self.taken += bytes.len() as u64;
        let bytes = if self.reader.is_none() {
            self.first.extend(bytes);
            if self.first.len() < ENOUGH {
                return Ok(None);
            }
            self.reader = Some(self.reader_of(&self.first)?);
            std::mem::take(&mut self.first)
        } else {
            bytes
        };
        let Some(reader) = &mut self.reader else { return Ok(None) };
        let read = reader.take(&bytes, &mut self.observations);
        let end = self.tell()?;
        match read {
            Ok(()) => Ok(end),
            Err(broken) => {
                self.broken = Some(self.input.broken(&broken));
                Ok(end.or(Some(End::Asked)))
            }
        }
    }

    /// Whoever can read what begins with these bytes.
    fn reader_of(&self, first: &[u8]) -> Result<Box<dyn Reader>, Failure> {
        match Kind::of(first) {
            Kind::Capture => Ok(Box::new(Capture::new(&self.input.name, self.selection.clone()))),
            Kind::Record => Ok(Box::new(Recorded::new(self.selection.clone()))),
            kind => Err(self.input.refused(kind)),
        }
    }

    /// The input is over.
    fn rest(&mut self) -> Result<Option<End>, Failure> {
        if self.reader.is_none() && self.broken.is_none() {
            // Shorter than anything that can be read.
            return Err(self.input.refused(match Kind::of(&self.first) {
                Kind::Capture | Kind::Record => Kind::Unknown,
                kind => kind,
            }));
        }
        Ok(Some(End::Asked))
    }

    /// Hands over what was read so far.
    fn tell(&mut self) -> Result<Option<End>, Failure> {
        if self.span().is_some() {
            self.begin()?;
        }
        let mut end = None;
        for observation in std::mem::take(&mut self.observations) {
            let time = observation.time();
            end = self.report.take(&observation, time.0)?.or(end);
        }
        // A person waits for the line.
        match end {
            None if self.input.is_pipe && self.report.flush()? == Written::ReaderGone => {
                Ok(Some(End::ReaderGone))
            }
            end => Ok(end),
        }
    }

    /// The first line, once.
    fn begin(&mut self) -> Result<(), Failure> {
        if std::mem::replace(&mut self.begun, true) {
            return Ok(());
        }
        let Opening { capture, recorded } = self.opening().unwrap_or_default();
        if let Some(start) = recorded {
            let start = recorded::asked_of(*start, &self.args);
            let causes = recorded::causes(&start, &self.args);
            self.report.adopt(&self.input.name, start, causes);
            return self.report.begin().map(drop);
        }
        let start = &mut self.report.start;
        if capture.is_none() {
            start.set = "recording".into();
        }
        start.capture = capture;
        if let Some((first, _)) = self.span() {
            self.report.start.time = first;
        }
        self.report.begin().map(drop)
    }

    fn opening(&self) -> Option<Opening> {
        self.reader.as_ref().and_then(|reader| reader.opening())
    }

    fn span(&self) -> Option<(Nanos, Nanos)> {
        self.reader.as_ref().and_then(|reader| reader.span())
    }

    /// Time of the last thing in the input.
    fn last(&self) -> Nanos {
        self.span().map_or(self.report.start.time, |(_, last)| last)
    }
}
