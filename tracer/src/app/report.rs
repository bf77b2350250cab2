//! What a run says, wherever its observations come from: counts, prints and records them, and sums up at the end.
//!
//! Knows nothing of kernels, rings or files that are read; the live stream and `replay` both hand observations over here.

use std::collections::BTreeMap;

use super::{
    limit::Limit,
    sink::{Recording, Sink, Written},
};
use crate::{
    analysis::{
        engine::{Engine, Limits},
        verdict::{Case, LeftOut, judge},
    },
    cli::{Output, OutputArgs},
    error::{Exit, Failure},
    model::{
        Cause, Drop, Evidence, Nanos, Observation,
        environment::Environment,
        reading::Accepted,
        report::{Capture, CounterCheck, Lost, Snapshot, Start, Summary},
    },
    render::{json, text},
};

/// Sources in the summary.
const TOP: usize = 10;
/// Sources that the verdict asks for their clocks: it must know of most drops where they came from.
const JUDGED: usize = 256;

/// Why a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// By a signal, `-d` or `-c`, or there is nothing more.
    Asked,
    /// Nobody reads standard output any more.
    ReaderGone,
}

/// What is shown.
pub(super) struct Shown {
    /// Causes that are printed and counted.
    pub(super) causes: Vec<Cause>,
    /// SYNs are left out that counters of the kernel count.
    pub(super) narrow: bool,
}

/// What only the end of a run knows.
#[derive(Default)]
pub(super) struct Closing {
    pub(super) time: Nanos,
    pub(super) elapsed_ms: u64,
    /// SYNs that could have been dropped; `None`: not visible.
    pub(super) syns: Option<u64>,
    /// The machine that dropped them.
    pub(super) environment: Environment,
    pub(super) snmp: Vec<CounterCheck>,
    pub(super) snmp_left_out: u64,
    /// Causes that were not even looked at.
    pub(super) not_looked_at: Vec<Cause>,
    pub(super) capture: Option<Capture>,
}

/// State of what is said.
pub(super) struct Report {
    pub(super) start: Start,
    pub(super) lost: Lost,
    shown: Shown,
    format: Format,
    sink: Sink,
    recording: Option<Recording>,
    record_failed: bool,
    engine: Engine,
    /// Drops that nobody asked for: the verdict must know of them.
    left_out: BTreeMap<Cause, u64>,
    /// ... of those, known from packets alone.
    left_out_wire: u64,
    limit: Limit,
    count: Option<u64>,
    fail_on_drop: bool,
    line: String,
}

enum Format {
    Json,
    Text(text::Style),
}

impl Report {
    pub(super) fn new(args: &OutputArgs, shown: Shown, start: Start, recording: Option<Recording>) -> Self {
        let sink = Sink::stdout();
        let format = match args.output {
            Output::Json => Format::Json,
            Output::Text => {
                Format::Text(super::style(args.color, args.utc, args.verbose, sink.is_terminal()))
            }
        };
        Self {
            start,
            lost: Lost::default(),
            shown,
            format,
            sink,
            recording,
            record_failed: false,
            engine: Engine::new(Limits {
                sources: args.max_sources,
                clock_bytes: usize::from(args.clock_memory) << 20,
            }),
            left_out: BTreeMap::new(),
            left_out_wire: 0,
            limit: Limit::new(args.rate_limit),
            count: args.count,
            fail_on_drop: args.fail_on_drop,
            line: String::new(),
        }
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
            Format::Text(style) => self.sink.line(&style.header(&self.start))?,
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
            super::note(&format!("tracer: the record ends here: {failure}"));
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
        self.shown.causes.contains(&cause)
    }

    /// `-c`.
    pub(super) fn is_enough(&self) -> bool {
        self.count.is_some_and(|count| self.engine.drops() >= count)
    }

    /// Takes an observation. `now`: for `--rate-limit`, nanoseconds of any clock that goes on.
    pub(super) fn take(&mut self, observation: Observation, now: i64) -> Result<Option<End>, Failure> {
        if self.is_enough() {
            return Ok(None);
        }
        match observation {
            Observation::Drop(drop) => self.dropped(drop, now),
            Observation::Accepted(accepted) => {
                self.record_accepted(&accepted);
                self.engine.observe(&Observation::Accepted(accepted));
                Ok(None)
            }
            undecided @ Observation::Undecided(_) => {
                self.engine.observe(&undecided);
                Ok(None)
            }
        }
    }

    fn dropped(&mut self, drop: Drop, now: i64) -> Result<Option<End>, Failure> {
        if !self.shows(drop.cause) {
            *self.left_out.entry(drop.cause).or_default() += 1;
            self.left_out_wire += u64::from(drop.evidence == Evidence::Wire);
            return Ok(None);
        }
        let written = self.print(&drop, now)?;
        self.engine.observe(&Observation::Drop(drop));
        Ok(match written {
            Written::ReaderGone => Some(End::ReaderGone),
            Written::Yes => self.is_enough().then_some(End::Asked),
        })
    }

    /// Nothing to print, but a reading of its client's clock.
    fn record_accepted(&mut self, accepted: &Accepted) {
        if self.recording.is_some() {
            let mut line = std::mem::take(&mut self.line);
            json::accepted(accepted, &mut line);
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
        }
        self.sink.line(&self.line)
    }

    /// Everything that was observed, with as many sources as a verdict wants to know of.
    pub(super) fn snapshot(&self) -> Snapshot {
        let mut snapshot = self.engine.snapshot(JUDGED);
        snapshot.wire += self.left_out_wire;
        snapshot
    }

    /// Sums up what `seen` holds, and judges it.
    pub(super) fn summary(&mut self, mut seen: Snapshot, closing: Closing) -> Summary {
        self.lost.unprinted = self.limit.held_back();
        self.lost.table = seen.other.drops;
        let verdict = judge(&Case {
            snapshot: &seen,
            environment: &closing.environment,
            checks: &closing.snmp,
            blind: &self.start.blind,
            lost: self.lost,
            left_out: &LeftOut {
                seen: std::mem::take(&mut self.left_out),
                not_looked_at: closing.not_looked_at,
            },
            filtered: self.shown.narrow,
        });
        seen.sources.truncate(TOP);
        Summary {
            time: closing.time,
            elapsed_ms: closing.elapsed_ms,
            syns: closing.syns,
            accepted: seen.accepted,
            drops: seen.drops,
            by_cause: seen.by_cause,
            sources: seen.sources,
            sources_total: seen.sources_total,
            other: seen.other,
            retries: seen.retries,
            unreported: seen.unreported,
            clocks_evicted: seen.clocks_evicted,
            verdict,
            snmp: closing.snmp,
            snmp_left_out: closing.snmp_left_out,
            lost: self.lost,
            blind: self.start.blind.clone(),
            missing: self.start.missing.clone(),
            capture: closing.capture,
        }
    }

    /// Says the last word.
    pub(super) fn end(mut self, summary: &Summary, end: End) -> Result<Exit, Failure> {
        let record = json::summary(summary);
        self.record(Some(&record));
        self.record(None);
        if end == End::Asked {
            match &self.format {
                Format::Json => self.sink.line(&record)?,
                Format::Text(style) => self.sink.line(&style.summary(&self.start, summary))?,
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
