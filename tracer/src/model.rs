//! What was observed, in the field's own words: flows, stages, causes, drops.
//!
//! Plain values. Nothing here reads a clock, a file or a kernel structure, and nothing here decides a cause.

#[cfg(test)]
pub(crate) mod any;
pub mod checkup;
pub mod environment;
pub mod listener;
pub mod nat;
pub mod reading;
pub mod report;
pub mod seen;
pub mod verdict;

use std::{borrow::Cow, fmt, net::IpAddr, str::FromStr, sync::Arc};

use listener::Listener;
use reading::Accepted;

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

macro_rules! named {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $text:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[$vdoc])* $variant,)* }

        impl $name {
            /// Every value, in the order of the contract.
            pub const ALL: [Self; [$($text),*].len()] = [$(Self::$variant),*];

            /// The name in the NDJSON contract and on the command line.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result { f.pad(self.name()) }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::model::UnknownName;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Self::ALL.into_iter().find(|v| v.name() == text).ok_or($crate::model::UnknownName)
            }
        }
    };
}
pub(crate) use named;

/// A word that is none of the contract's names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown name")]
pub struct UnknownName;

named! {
    /// Which kind of socket held the tuple when the SYN died.
    Stage {
        /// A listening socket (`tcp_conn_request`).
        Listen = "listen",
        /// A TIME_WAIT bucket.
        TimeWait = "time-wait",
        /// A FIN_WAIT2 bucket.
        FinWait2 = "fin-wait2",
        /// A request socket.
        SynRecv = "syn-recv",
        /// Any other full socket.
        Established = "established",
        /// No socket, or none that the hook could see.
        None = "none",
    }
}

named! {
    /// Why a SYN got no SYN/ACK.
    Cause {
        /// `tcp_tw_recycle`: older than the per-address timestamp cache (before 4.12).
        PawsRecycle = "paws-recycle",
        /// Older than the TIME_WAIT bucket's `tw_ts_recent`.
        PawsTimeWait = "paws-time-wait",
        /// The same on a FIN_WAIT2 bucket.
        PawsFinWait2 = "paws-fin-wait2",
        /// Older than the request socket's `ts_recent`.
        PawsSynRecv = "paws-syn-recv",
        /// An older TSval on a connection that the kernel holds open.
        PawsEstablished = "paws-established",
        /// Neither a newer TSval nor a newer sequence number: the old bucket keeps the tuple.
        OldSequence = "old-sequence",
        /// Outside the request socket's window.
        OutOfWindow = "out-of-window",
        /// The same SYN again, too soon after the last SYN/ACK.
        Repeated = "repeated",
        /// A SYN on an open connection, timestamps not to blame.
        SynOnEstablished = "syn-on-established",
        /// The accept queue is full.
        AcceptQueueFull = "accept-queue-full",
        /// The SYN queue is full and no cookie was sent.
        SynQueueFull = "syn-queue-full",
        /// The last quarter of the SYN backlog is kept for known peers.
        PeerNotProven = "peer-not-proven",
        /// Refused in `tcp_conn_request` for none of the reasons above.
        ListenOther = "listen-other",
        /// Nothing listens there.
        NoListener = "no-listener",
        /// Any other reason of the kernel's.
        Other = "other",
    }
}

impl Cause {
    /// Whether the timestamp test of RFC 7323 section 5.3 (PAWS) refused the SYN.
    pub const fn is_paws(self) -> bool {
        matches!(
            self,
            Self::PawsRecycle
                | Self::PawsTimeWait
                | Self::PawsFinWait2
                | Self::PawsSynRecv
                | Self::PawsEstablished
        )
    }

    /// Whether the kernel compared the SYN with what a connection left, or with one that is open: somebody at that address
    /// ended a handshake, so the address is no invention.
    pub const fn needs_connection(self) -> bool {
        matches!(
            self,
            Self::PawsRecycle
                | Self::PawsTimeWait
                | Self::PawsFinWait2
                | Self::PawsEstablished
                | Self::OldSequence
                | Self::SynOnEstablished
        )
    }
}

named! {
    /// What went back to the client.
    Answer {
        /// Nothing.
        None = "none",
        /// A bare ACK (to the old connection's numbers) or a challenge ACK.
        Ack = "ack",
        /// A reset.
        Rst = "rst",
    }
}

/// The TCP option kinds of a segment in wire order, at most 40 of them (every kind takes a byte).
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct OptionKinds {
    kinds: [u8; 40],
    len: u8,
}

impl Default for OptionKinds {
    fn default() -> Self {
        Self { kinds: [0; 40], len: 0 }
    }
}

impl OptionKinds {
    /// Appends a kind; one that no longer fits is left out.
    pub fn push(&mut self, kind: u8) {
        if let Some(slot) = self.kinds.get_mut(usize::from(self.len)) {
            *slot = kind;
            self.len += 1;
        }
    }

    /// The kinds in wire order.
    pub fn as_slice(&self) -> &[u8] {
        &self.kinds[..usize::from(self.len)]
    }
}

impl fmt::Display for OptionKinds {
    /// p0f's notation: `mss,sok,ts,nop,ws`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, kind) in self.as_slice().iter().enumerate() {
            if i > 0 {
                f.write_str(",")?;
            }
            match kind {
                0 => f.write_str("eol")?,
                1 => f.write_str("nop")?,
                2 => f.write_str("mss")?,
                3 => f.write_str("ws")?,
                4 => f.write_str("sok")?,
                5 => f.write_str("sack")?,
                8 => f.write_str("ts")?,
                other => write!(f, "?{other}")?,
            }
        }
        Ok(())
    }
}

impl FromStr for OptionKinds {
    type Err = UnknownName;

    /// Reads what [`Display`](fmt::Display) writes.
    fn from_str(text: &str) -> Result<Self, UnknownName> {
        let mut options = Self::default();
        // Nothing at all is no option, and not one without a name.
        for name in text.split(',').filter(|_| !text.is_empty()) {
            let kind = match name {
                "eol" => 0,
                "nop" => 1,
                "mss" => 2,
                "ws" => 3,
                "sok" => 4,
                "sack" => 5,
                "ts" => 8,
                other => {
                    let number = other.strip_prefix('?').filter(|n| n.bytes().all(|c| c.is_ascii_digit()));
                    number.and_then(|number| number.parse().ok()).ok_or(UnknownName)?
                }
            };
            if usize::from(options.len) == options.kinds.len() {
                return Err(UnknownName);
            }
            options.push(kind);
        }
        Ok(options)
    }
}

impl fmt::Debug for OptionKinds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OptionKinds({self})")
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

named! {
    /// Who says that a SYN was dropped, and why.
    Evidence {
        /// The kernel that dropped it: the cause is a fact.
        Kernel = "kernel",
        /// Packets alone: no SYN/ACK was seen, and the cause is what they are consistent with; `other` where they are
        /// consistent with nothing in particular.
        Wire = "wire",
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_the_contract() {
        let names: Vec<_> = Cause::ALL.iter().map(|c| c.name()).collect();
        assert_eq!(names.len(), 15);
        for cause in Cause::ALL {
            assert_eq!(cause.name().parse(), Ok(cause));
        }
        assert_eq!("paws".parse::<Cause>(), Err(UnknownName));
        assert_eq!(Cause::ALL.iter().filter(|c| c.is_paws()).count(), 5);
    }

    #[test]
    fn option_kinds_never_overflow() {
        let mut kinds = OptionKinds::default();
        for _ in 0..100 {
            kinds.push(1);
        }
        assert_eq!(kinds.as_slice().len(), 40);
        assert!(kinds.to_string().starts_with("nop,nop"));
    }

    #[test]
    fn option_kinds_read_back() {
        for kind in 0..=u8::MAX {
            let mut kinds = OptionKinds::default();
            for kind in [kind, 8, kind] {
                kinds.push(kind);
            }
            assert_eq!(kinds.to_string().parse(), Ok(kinds));
        }
        assert_eq!("".parse(), Ok(OptionKinds::default()));
        let long = ["nop"; 41].join(",");
        for bad in ["MSS", "mss,", ",", "?", "?256", "?+1", "?-1", "mss, ts", &long] {
            assert_eq!(bad.parse::<OptionKinds>(), Err(UnknownName), "{bad}");
        }
    }
}
