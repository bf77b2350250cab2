//! What was observed, in the field's own words: flows, stages, causes, drops.
//!
//! Plain values. Nothing here reads a clock, a file or a kernel structure, and nothing here decides a cause.

#[cfg(test)]
pub(crate) mod any;
pub mod checkup;
pub mod environment;
pub mod listener;
mod names;
pub mod nat;
mod options;
pub mod reading;
pub mod report;
pub mod seen;
pub mod verdict;

use std::{borrow::Cow, net::IpAddr, sync::Arc};

use listener::Listener;
use reading::Accepted;

pub(crate) use names::named;
pub use names::{Answer, Cause, Evidence, Stage, UnknownName};
pub use options::OptionKinds;

/// A moment: nanoseconds since the Unix epoch, UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Nanos(pub i64);

/// A SYN's path: from the client to the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Flow {
    /// Client address; an IPv4 client of a dual-stack listener is IPv4 here.
    pub src: IpAddr,
    /// Client port.
    pub sport: u16,
    /// Server address.
    pub dst: IpAddr,
    /// Server (local) port.
    pub dport: u16,
}

impl Flow {
    /// IP version, 4 or 6.
    pub fn family(&self) -> u8 {
        if self.src.is_ipv4() { 4 } else { 6 }
    }
}

/// What the SYN itself carried.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Syn {
    /// Initial sequence number.
    pub seq: u32,
    /// Receive window, unscaled.
    pub window: u16,
    /// IPv4 TTL or IPv6 hop limit on arrival.
    pub ttl: u8,
    /// TSval of the timestamps option (RFC 7323 section 3.2), ticks of the sender's clock.
    pub tsval: Option<u32>,
    /// TSecr of the timestamps option; 0 in an honest first SYN.
    pub tsecr: Option<u32>,
    /// Maximum segment size, bytes (RFC 9293 section 3.7.1).
    pub mss: Option<u16>,
    /// Window scale shift (RFC 7323 section 2.2).
    pub wscale: Option<u8>,
    /// Option kinds in wire order.
    pub options: OptionKinds,
    /// The option area ended in the middle of an option or held a bad length; what came before is kept.
    pub malformed: bool,
}

/// One SYN that got no SYN/ACK.
#[derive(Clone, Debug, PartialEq)]
pub struct Drop {
    /// Who says so.
    pub evidence: Evidence,
    /// When the kernel dropped it.
    pub time: Nanos,
    /// Who asked whom.
    pub flow: Flow,
    /// Network namespace, by inode.
    pub netns: Option<u32>,
    /// Its name, where it has one.
    pub netns_name: Option<Arc<str>>,
    /// Name of the interface it arrived on.
    pub ifname: Option<Arc<str>>,
    /// Where it died.
    pub stage: Stage,
    /// Why.
    pub cause: Cause,
    /// The kernel's own name for the reason, without the `SKB_DROP_REASON_` prefix.
    pub reason: Option<Arc<str>>,
    /// The SNMP counter that this drop moves on this kernel.
    pub snmp: Option<Cow<'static, str>>,
    /// What the SYN carried.
    pub syn: Syn,
    /// The timestamp that the kernel remembered for the tuple.
    pub ts_recent: Option<u32>,
    /// How long before this SYN the kernel recorded it, milliseconds (the kernel keeps seconds).
    pub ts_age_ms: Option<u64>,
    /// What went back.
    pub answer: Option<Answer>,
    /// Accept queue length and limit when the listener was asked.
    pub accept_queue: Option<(u32, u32)>,
    /// SYN queue length and `tcp_max_syn_backlog` when the listener was asked.
    pub syn_queue: Option<(u32, u32)>,
    /// The process that listens; `None`: not known, or nobody does.
    pub listener: Option<Arc<Listener>>,
}

impl Drop {
    /// Ticks by which TSval stands behind the remembered timestamp modulo 2^32; positive: older
    /// (RFC 7323 section 5.2).
    pub fn regression(&self) -> Option<i32> {
        Some(self.ts_recent?.wrapping_sub(self.syn.tsval?).cast_signed())
    }
}

/// One thing seen, whatever the source.
#[derive(Clone, Debug, PartialEq)]
pub enum Observation {
    /// A SYN that got no SYN/ACK.
    Drop(Drop),
    /// A SYN that got one.
    Accepted(Accepted),
    /// A SYN of which a capture does not show whether it got one.
    Undecided(Accepted),
}

impl Observation {
    /// When it was.
    pub fn time(&self) -> Nanos {
        match self {
            Self::Drop(drop) => drop.time,
            Self::Accepted(syn) | Self::Undecided(syn) => syn.time,
        }
    }

    /// Who asked whom.
    pub fn flow(&self) -> &Flow {
        match self {
            Self::Drop(drop) => &drop.flow,
            Self::Accepted(syn) | Self::Undecided(syn) => &syn.flow,
        }
    }
}
