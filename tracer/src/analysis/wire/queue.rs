//! SYNs that wait for their answer, in the order in which they were captured: that is the order in which they are told.
//!
//! Knows no rule of TCP.

use std::collections::VecDeque;

use super::meaning::Before;
use crate::model::{Answer, Flow, Nanos, Syn};

/// No SYN.
pub(super) const NONE: u64 = u64::MAX;

/// What became of a SYN.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// Nothing so far.
    Open,
    /// It got its SYN/ACK.
    Accepted,
    /// It got none.
    Dropped,
    /// A reset said that nothing listens.
    Refused,
    /// The SYN/ACK for an earlier copy is its answer, too.
    Repeated,
    /// There was no room to wait for its answer.
    GivenUp,
    /// The clock of the capture was set back meanwhile.
    SetBack,
}

/// A SYN.
#[derive(Clone, Debug)]
pub(super) struct Waiting {
    pub(super) time: Nanos,
    pub(super) flow: Flow,
    pub(super) syn: Syn,
    /// Bytes behind its header (TCP Fast Open), which its SYN/ACK may acknowledge.
    pub(super) payload: u32,
    /// What was on this tuple before it.
    pub(super) before: Before,
    /// The SYN before it on the same tuple.
    pub(super) previous: u64,
    /// It is the first with its sequence number.
    pub(super) first: bool,
    /// The same SYN came again.
    pub(super) came_again: bool,
    pub(super) fate: Fate,
    /// What came back instead of a SYN/ACK.
    pub(super) answer: Option<Answer>,
}

impl Waiting {
    /// Whether a SYN/ACK or a reset with this acknowledgement number is for it.
    pub(super) fn is_acknowledged_by(&self, ack: u32) -> bool {
        ack.wrapping_sub(self.syn.seq.wrapping_add(1)) <= self.payload
    }
}

/// Those that were not told yet.
#[derive(Debug, Default)]
pub(super) struct Queue {
    waiting: VecDeque<Waiting>,
    /// Number of the first.
    base: u64,
}

impl Queue {
    /// Adds one; its number.
    pub(super) fn push(&mut self, waiting: Waiting) -> u64 {
        self.waiting.push_back(waiting);
        self.base + self.waiting.len() as u64 - 1
    }

    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }

    pub(super) fn first(&self) -> Option<&Waiting> {
        self.waiting.front()
    }

    pub(super) fn pop(&mut self) -> Option<Waiting> {
        let first = self.waiting.pop_front()?;
        self.base += 1;
        Some(first)
    }

    /// `None`: it was told already.
    pub(super) fn get(&mut self, number: u64) -> Option<&mut Waiting> {
        let at = usize::try_from(number.checked_sub(self.base)?).ok()?;
        self.waiting.get_mut(at)
    }
}
