//! What a run says about itself: the start line, the summary, what was lost.
//!
//! Values only; `render` decides how they look and the core computes them.

mod capture;
mod refusals;
mod sources;
mod start;
mod unsent;

use std::collections::BTreeMap;

use super::{Cause, Nanos, environment::Environment, listener::Served, verdict::Verdict};

pub use capture::{Capture, WireCounts};
pub use refusals::{Listener, Listeners, Reasons};
pub use sources::{Change, Changes, Other, Regressions, Retries, Source};
pub use start::{FilterWords, Limits, Missing, Start, Types, Without};
pub use unsent::Unsent;

/// Everything that the analysis knows at a moment.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Snapshot {
    /// Answered SYNs, those not reported one by one included.
    pub accepted: u64,
    /// ... of those, not reported one by one.
    pub unreported: u64,
    /// Dropped SYNs.
    pub drops: u64,
    /// The same by cause; every cause that was seen.
    pub by_cause: BTreeMap<Cause, u64>,
    /// Dropped SYNs known from packets alone ([`Evidence::Wire`](super::Evidence::Wire)).
    pub wire: u64,
    /// What became of the clients that were refused, over all sources.
    pub retries: Retries,
    /// Sources, most drops first; no more than were asked for.
    pub sources: Vec<Source>,
    /// Number of sources in the table.
    pub sources_total: u64,
    /// Those that found no room in it.
    pub other: Other,
    /// Listening addresses with the most drops, most first; empty where none was seen.
    pub served: Vec<Served>,
    /// Drops at all others.
    pub served_other: u64,
    /// Pairs of addresses whose clocks were given up for want of room.
    pub clocks_evicted: u64,
    /// Whose queues were full.
    pub listeners: Listeners,
    /// The kernel's reasons of drops that have no cause of their own.
    pub reasons: Reasons,
}

/// A kernel counter beside our count of the drops that move it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CounterCheck {
    /// Name as in the contract, `TcpExtPAWSTimewait`.
    pub name: String,
    /// By how much the kernel's counter moved, over the namespaces watched.
    pub kernel: u64,
    /// How many drops of ours should have moved it.
    pub ours: u64,
    /// One sentence where the two disagree and what explains it.
    pub remark: Option<String>,
}

/// Everything that is not in the totals, by the place where it was lost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lost {
    /// Dropped SYNs without a record: it found no room in the ring buffer, or nearly none.
    pub ring: u64,
    /// ... of those, counted by cause (they are in the totals).
    pub counted: u64,
    /// Records that could not be decoded.
    pub decode: u64,
    /// Drops of sources that found no room in the table (they are in the totals).
    pub table: u64,
    /// Observations begun and never finished in the kernel.
    pub slot: u64,
    /// SYNs whose memory could not be read.
    pub read: u64,
    /// Runs of our programs that the kernel skipped, because one was interrupted by what it hooks; most of them are of other
    /// packets than SYNs.
    pub skipped: u64,
    /// Drop lines not printed because of `--rate-limit` (all are in the totals).
    pub unprinted: u64,
    /// SYNs of a capture of which it is not known whether they were dropped (not in the totals).
    pub undecided: u64,
}

impl Lost {
    /// Records of the ring that are in no total.
    pub fn uncounted(&self) -> u64 {
        self.ring.saturating_sub(self.counted)
    }
}

/// Drops that are in no total, because their causes were not asked for (`--cause`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LeftOut {
    /// Those that were seen, by cause.
    pub seen: BTreeMap<Cause, u64>,
    /// ... of those, known from packets alone.
    pub wire: u64,
    /// Causes that were not even looked at.
    pub not_looked_at: Vec<Cause>,
}

/// What no observation tells of the end of a run: with the start and everything observed it makes the [`Summary`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Ending {
    /// When it ended.
    pub time: Nanos,
    /// How long was watched, milliseconds.
    pub elapsed_ms: u64,
    /// SYNs that reached a listener; `None` where the hook set does not see them.
    pub syns: Option<u64>,
    /// Answered SYNs as the kernel side counted them, also where records found no room; `None`: only what was observed.
    pub accepted: Option<u64>,
    /// ... of those, not reported one by one.
    pub unreported: Option<u64>,
    /// The kernel's own counters.
    pub snmp: Vec<CounterCheck>,
    /// Namespaces with drops that the comparison leaves out: they ended, or could not be read.
    pub snmp_left_out: u64,
    /// What was lost; `table` is not read from here.
    pub lost: Lost,
    /// Drops without a record.
    pub unsent: Unsent,
    /// The machine.
    pub environment: Environment,
    /// What nobody asked for.
    pub left_out: LeftOut,
    /// The capture that was read.
    pub capture: Option<Capture>,
}

impl Ending {
    /// Where the end is not known (a recording that was cut): what was observed is all there is, up to this time. `lost`
    /// is what whoever reads it lost on the way.
    pub fn unknown(start: Option<&Start>, time: Nanos, lost: Lost) -> Self {
        let since = start.map_or(0, |start| time.0.saturating_sub(start.time.0));
        let kernel = start.and_then(|start| start.kernel.clone());
        Self {
            time,
            elapsed_ms: u64::try_from(since / 1_000_000).unwrap_or(0),
            lost,
            environment: Environment { kernel, ..Environment::default() },
            capture: start.and_then(|start| start.capture.clone()),
            ..Self::default()
        }
    }
}

/// The end of a run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Summary {
    /// When it ended.
    pub time: Nanos,
    /// How long was watched, milliseconds.
    pub elapsed_ms: u64,
    /// SYNs that reached a listener; `None` where the hook set does not see them.
    pub syns: Option<u64>,
    /// SYNs that were answered, or handshakes that ended with an open socket where the hook set does not see the former.
    pub accepted: u64,
    /// Dropped SYNs of the causes selected.
    pub drops: u64,
    /// The same by cause; every cause that was seen.
    pub by_cause: BTreeMap<Cause, u64>,
    /// Sources with the most drops, most first.
    pub sources: Vec<Source>,
    /// Number of sources in the table.
    pub sources_total: u64,
    /// Those that found no room in it.
    pub other: Other,
    /// Listening addresses with the most drops, most first; empty where none was seen.
    pub served: Vec<Served>,
    /// Drops at all others.
    pub served_other: u64,
    /// What became of the clients that were refused, over all sources.
    pub retries: Retries,
    /// ... of `accepted`, counted and not reported one by one.
    pub unreported: u64,
    /// Pairs of addresses whose clocks were given up for want of room.
    pub clocks_evicted: u64,
    /// Whose queues were full.
    pub listeners: Listeners,
    /// The kernel's reasons of drops that have no cause of their own.
    pub reasons: Reasons,
    /// What it all means; `None`: nothing was seen that could be judged.
    pub verdict: Option<Verdict>,
    /// The kernel's own counters.
    pub snmp: Vec<CounterCheck>,
    /// Namespaces with drops that the comparison leaves out: they ended, or could not be read.
    pub snmp_left_out: u64,
    /// What was lost.
    pub lost: Lost,
    /// Drops that are in the totals and have no line.
    pub unsent: Unsent,
    /// What this run could not have seen.
    pub blind: Vec<Cause>,
    /// Hooks that were not in place.
    pub missing: Vec<Missing>,
    /// The machine, as far as the verdict rests on it.
    pub environment: Environment,
    /// Drops that nobody asked for and that the verdict knows of.
    pub left_out: LeftOut,
    /// The capture that was read.
    pub capture: Option<Capture>,
}
