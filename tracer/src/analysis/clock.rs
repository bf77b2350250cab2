//! The clocks behind one source address, as one of our addresses sees them: TSval readings become lines
//! `offset + rate * time` modulo 2^32.
//!
//! Knows nothing of causes, of other sources, or of what a finding is good for.

use crate::model::{
    Nanos,
    nat::{Nat, NatVerdict},
    reading::Stack,
};

/// One SYN, as far as clocks care.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sample {
    /// When it arrived.
    pub time: Nanos,
    /// Client port.
    pub sport: u16,
    /// Server port.
    pub dport: u16,
    /// Initial sequence number; tells a SYN that came again from a new one.
    pub seq: Option<u32>,
    /// TSval; `None`: it carried no timestamps.
    pub tsval: Option<u32>,
    /// The client's stack.
    pub stack: Stack,
    /// What the kernel remembered for this very tuple when it compared the two.
    pub remembered: Option<Remembered>,
}

/// The timestamp that the kernel remembered for a tuple.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Remembered {
    /// TSval.
    pub tsval: u32,
    /// When the kernel recorded it; it keeps whole seconds, so up to a second later than this. `None`: not known.
    pub time: Option<Nanos>,
}

/// Clocks of one pair of addresses.
#[derive(Clone, Debug, Default)]
pub struct Clocks {
    seen: u64,
}

impl Clocks {
    /// Takes a SYN into account. Times may run backwards a little (several CPUs, a capture's own order).
    pub fn observe(&mut self, sample: &Sample) {
        let _ = sample;
        self.seen += 1;
    }

    /// Who is behind the address, from all that was seen.
    pub fn assess(&self) -> Nat {
        Nat {
            verdict: NatVerdict::Undecidable,
            hosts: None,
            hosts_at_least: 1,
            confidence: 0.0,
            evidence: Vec::new(),
            port_jumps: 0,
            clocks: Vec::new(),
        }
    }

    /// Memory in use, bytes, this value included.
    pub fn bytes(&self) -> usize {
        size_of::<Self>()
    }

    /// How much would be lost with it: the pair with the least is given up first.
    pub fn telling(&self) -> u64 {
        self.seen
    }
}
