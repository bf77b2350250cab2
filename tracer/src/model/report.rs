//! What a run says about itself: the start line, the summary, what was lost.
//!
//! Values only; `render` decides how they look and the core computes them.

use std::{collections::BTreeMap, net::IpAddr};

use super::{Cause, Nanos};

/// A hook that is not attached, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing {
    /// Kernel function or tracepoint.
    pub hook: String,
    /// One sentence, with the system's own words where it said any.
    pub why: String,
}

/// The filter in force, as it was asked for. Empty and `None` mean "any".
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FilterWords {
    /// Server ports as inclusive ranges, sorted.
    pub ports: Vec<(u16, u16)>,
    /// 4 or 6.
    pub family: Option<u8>,
    /// Client prefixes.
    pub from: Vec<String>,
    /// Interface name.
    pub interface: Option<String>,
    /// Namespace as given on the command line.
    pub netns: Option<String>,
    /// Causes shown, by name; empty: the default selection.
    pub causes: Vec<&'static str>,
}

/// What is known when everything that can be attached is attached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Start {
    /// When.
    pub time: Nanos,
    /// Version of this program.
    pub version: &'static str,
    /// `uname -r`.
    pub kernel: String,
    /// Name of the hook set.
    pub set: &'static str,
    /// Hooks in place, by kernel function or tracepoint.
    pub attached: Vec<String>,
    /// Hooks not in place.
    pub missing: Vec<Missing>,
    /// Causes that cannot be seen or told apart here.
    pub blind: Vec<Cause>,
    /// The filter.
    pub filter: FilterWords,
}

/// What a source address lost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// Client address.
    pub src: IpAddr,
    /// SYNs seen from it; `None` where the hook set does not see accepted SYNs.
    pub syns: Option<u64>,
    /// Dropped SYNs.
    pub drops: u64,
    /// ... of those, by PAWS.
    pub paws: u64,
    /// Largest timestamp regression of a PAWS drop, ticks.
    pub max_regression: Option<i32>,
    /// First drop.
    pub first: Nanos,
    /// Last drop.
    pub last: Nanos,
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
    /// Records that found no room in the ring buffer.
    pub ring: u64,
    /// Records that could not be decoded.
    pub decode: u64,
    /// Drops of sources that found no room in the table (they are in the totals).
    pub table: u64,
    /// Observations begun and never finished in the kernel.
    pub slot: u64,
    /// SYNs whose memory could not be read.
    pub read: u64,
    /// Drop lines not printed because of `--rate-limit` (all are in the totals).
    pub unprinted: u64,
}

/// The end of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// When it ended.
    pub time: Nanos,
    /// How long was watched, milliseconds.
    pub elapsed_ms: u64,
    /// SYNs that reached a listener; `None` where the hook set does not see them.
    pub syns: Option<u64>,
    /// Dropped SYNs of the causes selected.
    pub drops: u64,
    /// The same by cause; every cause that was seen.
    pub by_cause: BTreeMap<Cause, u64>,
    /// Sources with the most drops, most first.
    pub sources: Vec<Source>,
    /// Number of sources seen.
    pub sources_total: u64,
    /// The kernel's own counters.
    pub snmp: Vec<CounterCheck>,
    /// Namespaces with drops that the comparison leaves out: they ended, or could not be read.
    pub snmp_left_out: u64,
    /// What was lost.
    pub lost: Lost,
    /// What this run could not have seen.
    pub blind: Vec<Cause>,
    /// Hooks that were not in place.
    pub missing: Vec<Missing>,
}
