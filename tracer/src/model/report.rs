//! What a run says about itself: the start line, the summary, what was lost.
//!
//! Values only; `render` decides how they look and the core computes them.

use std::{collections::BTreeMap, net::IpAddr};

use super::{Cause, Nanos, nat::Nat, verdict::Verdict};

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
    /// `uname -r`; `None`: not known.
    pub kernel: Option<String>,
    /// Name of the hook set; `capture` where there is none.
    pub set: &'static str,
    /// Hooks in place, by kernel function or tracepoint.
    pub attached: Vec<String>,
    /// Hooks not in place.
    pub missing: Vec<Missing>,
    /// Causes that cannot be seen or told apart here.
    pub blind: Vec<Cause>,
    /// The filter.
    pub filter: FilterWords,
    /// The capture that is read instead of a kernel's records, as far as it is known.
    pub capture: Option<Capture>,
}

/// What the SYNs of a capture came to; those that are none of these were dropped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WireCounts {
    /// SYNs that the filter lets pass, each copy of one included.
    pub syns: u64,
    /// ... of those, answered with a SYN/ACK.
    pub answered: u64,
    /// ... the same SYN again before its SYN/ACK came, or again after it, and answered again.
    pub repeated: u64,
    /// ... undecided: too near the end of the capture.
    pub near_end: u64,
    /// ... undecided: the capture holds only one way of what client and server sent.
    pub one_way: u64,
    /// ... undecided: there was no room to wait for their answers.
    pub no_room: u64,
    /// ... undecided: the clock of the capture was set back meanwhile.
    pub set_back: u64,
    /// ... of which the capture holds only a part of the options: their timestamps are not known.
    pub options_cut: u64,
    /// Packets that were captured twice, on two interfaces; in no other number here.
    pub duplicates: u64,
}

impl WireCounts {
    /// SYNs of which it is not known whether they were answered.
    pub fn undecided(&self) -> u64 {
        [self.near_end, self.one_way, self.no_room, self.set_back].into_iter().fold(0, u64::saturating_add)
    }
}

/// What packets were read from, and what became of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Capture {
    /// Name of the file; `-` for standard input.
    pub name: String,
    /// `pcap` or `pcapng`.
    pub format: &'static str,
    /// Link layers, by name or, where they are not understood, by number.
    pub links: Vec<String>,
    /// Packets, whatever is in them.
    pub packets: u64,
    /// TCP segments.
    pub segments: u64,
    /// Time of the first packet.
    pub first: Option<Nanos>,
    /// Time of the last one.
    pub last: Option<Nanos>,
    /// Packets with a link layer that is not understood.
    pub unknown_link: u64,
    /// Packets of something else than TCP.
    pub not_tcp: u64,
    /// Later fragments of TCP segments.
    pub fragments: u64,
    /// Packets cut short before the end of their TCP header (`tcpdump -s`): each may have been a SYN.
    pub cut: u64,
    /// Packets whose headers contradict themselves.
    pub malformed: u64,
    /// Segments of which the file does not say when they were captured.
    pub untimed: u64,
    /// Packets that the capture itself lost, by its own count; `None`: it does not say.
    pub missed: Option<u64>,
    /// What the SYNs came to.
    pub wire: WireCounts,
}

/// What a source address did.
#[derive(Clone, Debug, PartialEq)]
pub struct Source {
    /// Client address.
    pub src: IpAddr,
    /// SYNs seen from it, dropped ones included; `None` where the hook set does not see accepted SYNs.
    pub syns: Option<u64>,
    /// Dropped SYNs.
    pub drops: u64,
    /// ... of those, by PAWS.
    pub paws: u64,
    /// Drops by cause.
    pub by_cause: BTreeMap<Cause, u64>,
    /// Timestamp regression of the last PAWS drop, ticks.
    pub last_regression: Option<i32>,
    /// Largest timestamp regression of a PAWS drop, ticks.
    pub max_regression: Option<i32>,
    /// How far back the timestamps of PAWS drops were.
    pub regressions: Regressions,
    /// What became of the clients that were refused.
    pub retries: Retries,
    /// First SYN.
    pub first: Nanos,
    /// Last SYN.
    pub last: Nanos,
    /// Who is behind it; `None`: there was no room for its clocks.
    pub nat: Option<Nat>,
}

impl Source {
    /// One SYN seen at this time, nothing else known.
    pub fn new(src: IpAddr, time: Nanos) -> Self {
        Self {
            src,
            syns: None,
            drops: 0,
            paws: 0,
            by_cause: BTreeMap::new(),
            last_regression: None,
            max_regression: None,
            regressions: Regressions::default(),
            retries: Retries::default(),
            first: time,
            last: time,
            nat: None,
        }
    }
}

/// Regressions by size: element `n` counts those of 2^n to 2^(n+1)-1 ticks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Regressions(pub [u32; 31]);

/// Clients that were refused: a client is one connection attempt, its SYN and the same SYN again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Retries {
    /// Attempts that were refused at least once.
    pub refused: u64,
    /// ... and came again.
    pub came_back: u64,
    /// ... and got in.
    pub got_in: u64,
    /// How long those waited altogether, milliseconds.
    pub waited_ms: u64,
    /// The longest of them, milliseconds.
    pub longest_ms: u64,
}

/// What of the sources found no room in the table, exactly.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Other {
    /// SYNs.
    pub syns: u64,
    /// Drops.
    pub drops: u64,
    /// ... of those, by PAWS.
    pub paws: u64,
    /// Drops by cause.
    pub by_cause: BTreeMap<Cause, u64>,
}

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
    /// Pairs of addresses whose clocks were given up for want of room.
    pub clocks_evicted: u64,
    /// The longest accept queue, and its limit, at which a SYN was dropped because it was full.
    pub accept_queue: Option<(u32, u32)>,
    /// The longest SYN queue, and `tcp_max_syn_backlog`, at which a SYN was dropped because of it.
    pub syn_queue: Option<(u32, u32)>,
    /// The accept queue of that listener at that moment, and its limit, which is the limit of the SYN queue, too
    /// (`sk_max_ack_backlog`).
    pub syn_queue_listener: Option<(u32, u32)>,
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
    /// SYNs of a capture of which it is not known whether they were dropped (not in the totals).
    pub undecided: u64,
}

/// The end of a run.
#[derive(Clone, Debug, PartialEq)]
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
    /// What became of the clients that were refused, over all sources.
    pub retries: Retries,
    /// ... of `accepted`, counted and not reported one by one.
    pub unreported: u64,
    /// Pairs of addresses whose clocks were given up for want of room.
    pub clocks_evicted: u64,
    /// What it all means; `None`: nothing was seen that could be judged.
    pub verdict: Option<Verdict>,
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
    /// The capture that was read.
    pub capture: Option<Capture>,
}
