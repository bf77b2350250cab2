//! What the clocks behind a source address say: how many hosts there are, and how sure that is.

use super::{Nanos, named};

named! {
    /// Who is behind an address.
    NatVerdict {
        /// One clock.
        SingleHost = "single-host",
        /// Several hosts.
        Nat = "nat",
        /// A clock for every connection: one host or many, clocks cannot tell.
        PerConnection = "per-connection-timestamps",
        /// One clock that began anew.
        Reboot = "reboot",
        /// One clock replaced by another, cause open: a reboot with a random offset, an address that changed hands, two
        /// hosts in turn.
        ClockChange = "clock-change",
        /// No timestamps: PAWS cannot be the cause.
        NoTimestamps = "no-timestamps",
        /// Too little was seen, or it does not fit together.
        Undecidable = "undecidable",
    }
}

/// A clock that was found: TSval at `last` is `tsval`, and it runs at `rate_hz`.
#[derive(Clone, Debug, PartialEq)]
pub struct Clock {
    /// Ticks a second, as measured or as the nearest known rate.
    pub rate_hz: f64,
    /// First reading.
    pub first: Nanos,
    /// Last reading.
    pub last: Nanos,
    /// TSval of the last reading.
    pub tsval: u32,
    /// Readings on it.
    pub readings: u32,
}

/// The finding for one source address.
#[derive(Clone, Debug, PartialEq)]
pub struct Nat {
    /// Who is behind it.
    pub verdict: NatVerdict,
    /// Best estimate of the number of hosts; `None` where clocks cannot tell.
    pub hosts: Option<u32>,
    /// Hosts that there are at least.
    pub hosts_at_least: u32,
    /// Of the verdicts given with this confidence, this share is right; 0 to 1.
    pub confidence: f64,
    /// What it rests on, a sentence each, strongest first.
    pub evidence: Vec<String>,
    /// How often one outside port was seen to jump between clocks within the life of a TIME_WAIT bucket: each one is
    /// certain proof of address or port translation in the path, whoever is behind it.
    pub port_jumps: u64,
    /// The clocks, most readings first; bounded.
    pub clocks: Vec<Clock>,
}
