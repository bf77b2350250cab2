//! `tracer replay`: observations from a file or a pipe, told like those of the live stream.
//!
//! Decides the order of things and when it ends. A thread of its own reads and unpacks, so that a pipe in which nothing
//! comes does not keep signals waiting. What cannot be read ends the input and not the run: what came before it is told and
//! summed up, then the error follows.

mod input;

use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};

use super::{
    report::{End, Manner, Report, limits},
    request::{in_words, selection},
    signals::{Signals, last_resort},
    sink::{Recording, Written},
};
use crate::{
    analysis::selection::Selection,
    cli::{ReplayArgs, selected},
    error::{Exit, Failure},
    model::{
        Nanos, Observation,
        report::{Capture as Packets, Ending, Limits, Lost, Start},
    },
    source::{ENOUGH, Kind, Opening, Reader, capture::Capture, recording::Recording as Recorded},
};
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
        && input::is_same(&args.file, file)
    {
        return Err(Failure::new(
            Exit::Usage,
            format!("cannot record to {}", file.display()),
            "it is the file that is read",
            "record to another file: `tracer replay FILE -w OTHER`",
        ));
    }
    let input = Input::open(&args.file)?;
    let recording = args.output.record.write.as_deref().map(Recording::create).transpose()?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| super::live::system("cannot start", &error))?;
    runtime.block_on(async {
        let mut signals = Signals::install()?;
        last_resort()?;
        let mut replay = Replay::new(args, input, recording)?;
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
}

impl Replay {
    fn new(args: &ReplayArgs, input: Input, recording: Option<Recording>) -> Result<Self, Failure> {
        let selection = selection(&args.select);
        let start = Start {
            time: now()?,
            version: env!("CARGO_PKG_VERSION").into(),
            kernel: None,
            set: "capture".into(),
            attached: Vec::new(),
            missing: Vec::new(),
            blind: Vec::new(),
            filter: in_words(&args.select),
            limits: None,
            capture: None,
        };
        Ok(Self {
            input,
            report: Report::new(&args.output, selected(&args.select.cause), start, recording, Manner::Lines),
            args: args.clone(),
            selection,
            reader: None,
            begun: false,
            first: Vec::new(),
            observations: Vec::new(),
            taken: 0,
            broken: None,
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
            let start = self.asked_of(*start);
            let causes = match &self.args.select.cause[..] {
                [] if !start.filter.causes.is_empty() => start.filter.causes.clone(),
                words => selected(words),
            };
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

    /// A run that was recorded, as far as it is asked for now.
    fn asked_of(&self, mut start: Start) -> Start {
        let asked = in_words(&self.args.select);
        let filter = &mut start.filter;
        if !asked.ports.is_empty() {
            filter.ports = asked.ports;
        }
        filter.family = asked.family.or(filter.family);
        if !asked.from.is_empty() {
            filter.from = asked.from;
        }
        if !asked.causes.is_empty() {
            filter.causes = asked.causes;
        }
        // With its own bounds the same lines give the same summary.
        let limits = limits(&self.args.output);
        if limits != Limits::default() || start.limits.is_none() {
            start.limits = Some(limits);
        }
        start
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

    /// What a recording says of its end. Numbers of the whole run say nothing of a part of it.
    fn recorded(&mut self, mut ending: Ending) -> Ending {
        self.report.lost = ending.lost;
        if self.selection.narrow() {
            (ending.syns, ending.accepted, ending.unreported) = (None, None, None);
            ending.snmp.clear();
            ending.environment.counters.clear();
        }
        ending
    }

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

    fn end(mut self, mut end: End) -> Result<Exit, Failure> {
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
            (Some(ending), _) => self.recorded(ending),
            (None, Some(capture)) if self.report.start.set == "capture" => self.captured(capture),
            (None, _) => {
                // What else was lost, only its last line would tell.
                self.report.lost.decode = u64::from(self.broken.is_some());
                Ending::unknown(Some(&self.report.start), self.last(), Lost::default())
            }
        };
        let summary = self.report.sum_up(ending);
        let remark = self.reader.as_ref().and_then(|reader| reader.remark());
        let exit = self.report.end(&summary, end)?;
        if let Some(remark) = remark {
            super::note(&format!("tracer: {remark}"));
        }
        match (self.broken, end) {
            // Nobody reads on, so nobody asks for the rest.
            (Some(failure), End::Asked) => Err(failure),
            _ => Ok(exit),
        }
    }
}

fn now() -> Result<Nanos, Failure> {
    super::tracing::time_of_day()
}
