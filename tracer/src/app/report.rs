//! What a run says, wherever its observations come from: counts, prints and records them, and sums up at the end.
//!
//! Knows nothing of kernels, rings or files that are read; the live stream and `replay` both hand observations over here.

mod page;
mod screen;

pub(super) use page::Whole;

use super::{
    limit::Limit,
    sink::{Recording, Sink, Written},
};
use crate::{
    analysis::{
        engine::Engine,
        summary::{JUDGED, sum_up},
    },
    cli::{Output, OutputArgs},
    error::{Exit, Failure},
    model::{
        Cause, Drop, Evidence, Nanos, Observation,
        reading::Accepted,
        report::{Ending, LeftOut, Limits, Lost, Start, Summary},
    },
    render::{json, text},
};

/// Sources that `--interval` names each time; the others are a number.
const NAMED: usize = 20;

/// Why a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// By a signal, `-d` or `-c`, or there is nothing more.
    Asked,
    /// Nobody reads standard output any more.
    ReaderGone,
}

/// State of what is said.
pub(super) struct Report {
    pub(super) start: Start,
    pub(super) lost: Lost,
    /// Causes that are printed and counted.
    causes: Vec<Cause>,
    format: Format,
    sink: Sink,
    recording: Option<Recording>,
    record_failed: bool,
    /// What a full screen shows beside the summary.
    screen: Option<Box<screen::Shown>>,
    /// What a page shows beside it.
    history: Option<Box<page::History>>,
    /// The file that this run was recorded in before.
    recorded: Option<String>,
    engine: Engine,
    /// Drops that nobody asked for: the verdict must know of them.
    left_out: LeftOut,
    limit: Limit,
    count: Option<u64>,
    fail_on_drop: bool,
    line: String,
}

/// How a run is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Manner {
    /// A line a drop.
    Lines,
    /// The full screen.
    Screen,
    /// A page, when all is over.
    Page,
}

enum Format {
    Json,
    Text(text::Style),
    /// The full screen: somebody else draws it; the summary comes as text when it is gone.
    Screen(text::Style),
    /// A page: nothing is said before the end.
    Page,
}

impl Report {
    /// `causes`: those that are printed and counted.
    pub(super) fn new(
        args: &OutputArgs,
        causes: Vec<Cause>,
        mut start: Start,
        recording: Option<Recording>,
        manner: Manner,
    ) -> Self {
        let limits = limits(args);
        start.limits = Some(limits);
        let sink = Sink::stdout();
        let style =
            || super::style(args.look.ink.color, args.look.utc, args.more.verbose, sink.is_terminal());
        let format = match (manner, args.format.output) {
            (Manner::Screen, _) => Format::Screen(style()),
            (Manner::Page, _) => Format::Page,
            (Manner::Lines, Output::Json) => Format::Json,
            (Manner::Lines, Output::Text) => Format::Text(style()),
        };
        let history = (manner == Manner::Page).then(Box::default);
        let screen =
            (manner == Manner::Screen).then(|| Box::new(screen::Shown::new(args.record.write.as_deref())));
        Self {
            start,
            lost: Lost::default(),
            causes,
            format,
            sink,
            recording,
            record_failed: false,
            screen,
            history,
            recorded: None,
            engine: Engine::new(limits),
            left_out: LeftOut::default(),
            limit: Limit::new(args.rate_limit),
            count: args.record.count,
            fail_on_drop: args.fail_on_drop,
            line: String::new(),
        }
    }

    /// Goes on where another run began, which stands in the file `name`: nothing was observed yet.
    pub(super) fn adopt(&mut self, name: &str, start: Start, causes: Vec<Cause>) {
        self.engine = Engine::new(start.limits.unwrap_or_default());
        (self.start, self.causes, self.recorded) = (start, causes, Some(name.to_owned()));
    }

    /// Says what is watched or read, and what stays invisible.
    pub(super) fn begin(&mut self) -> Result<Written, Failure> {
        let record = json::start(&self.start);
        // Here it is an error: nobody wants a run whose record does not even begin.
        if let Some(file) = &mut self.recording {
            file.line(&record)?;
            file.flush()?;
        }
        match &self.format {
            Format::Json => self.sink.line(&record)?,
            Format::Text(style) => self.sink.line(&style.header(&self.start, self.recorded.as_deref()))?,
            Format::Screen(_) | Format::Page => return Ok(Written::Yes),
        };
        self.sink.flush()
    }

    /// Writes a line to the record, or (`None`) hands over what is buffered. A full disk ends the record and not the run:
    /// the incident goes on.
    fn record(&mut self, line: Option<&str>) {
        let Some(file) = &mut self.recording else { return };
        let written = match line {
            Some(line) => file.line(line),
            None => file.flush(),
        };
        if let Err(failure) = written {
            self.say(&format!("tracer: the record ends here: {failure}"));
            self.recording = None;
            self.record_failed = true;
        }
    }

    /// Hands out what is buffered.
    pub(super) fn flush(&mut self) -> Result<Written, Failure> {
        self.sink.flush()
    }

    /// Now and then: the record file and the reader.
    pub(super) fn tick(&mut self) -> Result<Option<End>, Failure> {
        self.record(None);
        Ok((self.sink.flush()? == Written::ReaderGone).then_some(End::ReaderGone))
    }

    /// Whether a cause was asked for.
    pub(super) fn shows(&self, cause: Cause) -> bool {
        self.causes.contains(&cause)
    }

    /// `-c`.
    pub(super) fn is_enough(&self) -> bool {
        self.count.is_some_and(|count| self.engine.drops() >= count)
    }

    /// Takes an observation. `now`: for `--rate-limit`, nanoseconds of any clock that goes on.
    pub(super) fn take(&mut self, observation: &Observation, now: i64) -> Result<Option<End>, Failure> {
        if self.is_enough() {
            return Ok(None);
        }
        match observation {
            Observation::Drop(drop) => self.dropped(drop, observation, now),
            // Nothing to print, but a reading of its client's clock.
            Observation::Accepted(syn) | Observation::Undecided(syn) => {
                self.record_syn(syn, matches!(observation, Observation::Undecided(_)));
                self.observe(observation);
                Ok(None)
            }
        }
    }

    fn dropped(&mut self, drop: &Drop, seen: &Observation, now: i64) -> Result<Option<End>, Failure> {
        if !self.shows(drop.cause) {
            *self.left_out.seen.entry(drop.cause).or_default() += 1;
            self.left_out.wire += u64::from(drop.evidence == Evidence::Wire);
            return Ok(None);
        }
        let written = self.print(drop, now)?;
        self.observe(seen);
        Ok(match written {
            Written::ReaderGone => Some(End::ReaderGone),
            Written::Yes => self.is_enough().then_some(End::Asked),
        })
    }

    fn observe(&mut self, observation: &Observation) {
        self.engine.observe(observation);
        if let Some(screen) = &mut self.screen {
            screen.recent.observe(observation);
        }
        if let Some(history) = &mut self.history {
            history.observe(observation);
        }
    }

    fn record_syn(&mut self, syn: &Accepted, undecided: bool) {
        if self.recording.is_some() {
            let mut line = std::mem::take(&mut self.line);
            json::syn(syn, undecided, &mut line);
            self.record(Some(&line));
            self.line = line;
        }
    }

    fn print(&mut self, drop: &Drop, now: i64) -> Result<Written, Failure> {
        if self.recording.is_some() {
            let mut line = std::mem::take(&mut self.line);
            json::drop(drop, &mut line);
            self.record(Some(&line));
            self.line = line;
        }
        if !self.limit.allows(now) {
            return Ok(Written::Yes);
        }
        match &self.format {
            Format::Json => json::drop(drop, &mut self.line),
            Format::Text(style) => style.drop(drop, &mut self.line),
            Format::Screen(_) | Format::Page => return Ok(Written::Yes),
        }
        self.sink.line(&self.line)
    }

    /// `--interval`: which sources changed since the last call; nothing, if none did. Not recorded: whoever replays a
    /// recording can ask again.
    pub(super) fn interval(&mut self, now: Nanos) -> Result<Option<End>, Failure> {
        let mut changes = self.engine.changes(NAMED);
        if changes.total == 0 {
            return Ok(None);
        }
        if self.start.blind.contains(&Cause::AcceptQueueFull) {
            // As in the summary: what is seen of the others are handshakes that ended, not SYNs.
            changes.sources.iter_mut().for_each(|change| change.source.syns = None);
        }
        match &self.format {
            Format::Json => {
                for change in &changes.sources {
                    self.sink.line(&json::source(now, change, changes.left_out()))?;
                }
            }
            Format::Text(style) => {
                self.sink.line(&style.interval(now, &changes))?;
            }
            Format::Screen(_) | Format::Page => return Ok(None),
        }
        Ok((self.sink.flush()? == Written::ReaderGone).then_some(End::ReaderGone))
    }

    /// Sums up and judges. What was lost and left out here is added to `ending`.
    pub(super) fn sum_up(&mut self, ending: Ending) -> Summary {
        let ending = self.complete(ending);
        sum_up(&self.start, ending, self.engine.snapshot(JUDGED))
    }

    fn complete(&mut self, mut ending: Ending) -> Ending {
        self.lost.unprinted = self.limit.held_back();
        ending.lost = self.lost;
        for (cause, n) in &self.left_out.seen {
            let all = ending.left_out.seen.entry(*cause).or_default();
            *all = all.saturating_add(*n);
        }
        ending.left_out.wire = ending.left_out.wire.saturating_add(self.left_out.wire);
        ending
    }

    /// Says the last word.
    pub(super) fn end(mut self, summary: &Summary, end: End) -> Result<Exit, Failure> {
        let record = json::summary(summary);
        // One that began in the middle is not of what the summary is of.
        if self.screen.as_ref().is_none_or(|screen| !screen.in_the_middle) {
            self.record(Some(&record));
        }
        self.record(None);
        if end == End::Asked {
            match &self.format {
                Format::Json => self.sink.line(&record)?,
                Format::Text(style) | Format::Screen(style) => {
                    self.sink.line(&style.summary(&self.start, summary))?
                }
                Format::Page => Written::Yes,
            };
            self.sink.flush()?;
        }
        if self.record_failed {
            return Ok(Exit::Failure);
        }
        Ok(if self.fail_on_drop && self.engine.drops() + self.lost.ring + self.lost.decode > 0 {
            Exit::DropsFound
        } else {
            Exit::Done
        })
    }
}

/// What the analysis may keep.
pub(super) fn limits(args: &OutputArgs) -> Limits {
    Limits { sources: args.tables.max_sources, clock_bytes: usize::from(args.tables.clock_memory) << 20 }
}
