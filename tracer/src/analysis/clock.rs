//! The clocks behind one source address, as one of our addresses sees them: TSval readings become lines
//! `offset + rate * time` modulo 2^32.
//!
//! Online, a few look-ups for each SYN, in bounded memory. Knows nothing of causes or of other sources; what the lines mean
//! is said by [`nat`](super::nat).
#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "arithmetic modulo 2^32, and counts that are bounded by their tables"
)]

mod index;
pub(super) mod line;
pub(super) mod lines;
pub(super) mod memory;
pub(super) mod ports;
pub(super) mod rate;
pub(super) mod stacks;
pub(super) mod still;

use crate::model::{Nanos, nat::Nat, reading::Stack};

use self::{
    lines::{Lines, Placed},
    memory::Memory,
    ports::{Jumps, Sequence},
    rate::{RATES, ahead, ticks},
    stacks::{Kind, Stacks},
    still::Still,
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
    /// What the kernel remembered when it compared the two.
    pub remembered: Option<Remembered>,
}

/// The timestamp that the kernel remembered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Remembered {
    /// TSval.
    pub tsval: u32,
    /// When the kernel recorded it; it keeps whole seconds, so up to a second later than this. `None`: not known.
    pub time: Option<Nanos>,
    /// It is of an earlier connection of the very same ports.
    pub same_ports: bool,
}

/// No pair of addresses takes more, bytes.
pub const MAX_BYTES: usize = 64 << 10;

/// SYNs that are known again when they come again.
const REPEATS: usize = 256;
/// Times are kept from this long before the first SYN, because they may run backwards a little; milliseconds.
const BEFORE_MS: i64 = 60_000;
/// After 24 days a millisecond clock may have come around unseen, and everything begins anew; milliseconds.
const FORGET_MS: i64 = 24 * 86_400_000;

/// What was counted.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counts {
    /// SYNs, without those that came again.
    pub(super) syns: u32,
    /// ... with timestamps.
    pub(super) stamped: u32,
    /// SYNs that came again.
    pub(super) repeats: u32,
    /// By rate: how often TSval fell by more than three seconds of such a clock, or rose faster than any clock runs.
    pub(super) jumps: [u32; RATES.len()],
    /// Refused SYNs that lay on one clock while the kernel remembered another.
    pub(super) between: u32,
    /// Refused SYNs with a remembered timestamp.
    pub(super) compared: u32,
}

/// Clocks of one pair of addresses.
#[derive(Clone, Debug, Default)]
pub struct Clocks {
    begun: Option<Nanos>,
    last_ms: u32,
    /// Time and TSval of the last SYN that had one.
    last: Option<(u32, u32)>,
    pub(super) counts: Counts,
    /// Hashes of sequence number and server port.
    repeats: Vec<u32>,
    next_repeat: u16,
    pub(super) lines: Lines,
    pub(super) stacks: Stacks,
    pub(super) jumps: Jumps,
    pub(super) sequence: Sequence,
    pub(super) still: Still,
    pub(super) memory: Memory,
}

impl Clocks {
    /// Takes a SYN into account. Times may run backwards a little (several CPUs, a capture's own order).
    pub fn observe(&mut self, sample: &Sample) {
        let Some(at_ms) = self.clock(sample.time) else { return };
        self.last_ms = self.last_ms.max(at_ms);
        if self.came_again(sample) {
            self.counts.repeats = self.counts.repeats.saturating_add(1);
            return;
        }
        self.counts.syns = self.counts.syns.saturating_add(1);
        let kind = Kind::of(&sample.stack);
        let stack = self.stacks.add(kind, at_ms);
        self.sequence.add(at_ms, sample.sport, sample.dport);
        let Some(tsval) = sample.tsval else { return };
        self.counts.stamped = self.counts.stamped.saturating_add(1);
        if self.still.add(at_ms, tsval) {
            return;
        }
        if let Some((then_ms, then)) = self.last.replace((at_ms, tsval)) {
            let advance = ahead(tsval, then);
            let too_fast = advance > rate::fastest(at_ms.saturating_sub(then_ms));
            for (rate, count) in self.counts.jumps.iter_mut().enumerate() {
                let back = advance < -ticks(rate, rate::LATE_MS);
                *count = count.saturating_add(u32::from(back || too_fast));
            }
        }
        let ports = (sample.sport, sample.dport);
        let of = line::Of { ports: line::pair(ports.0, ports.1), seq: sample.seq, stack };
        let placed = self.lines.place(at_ms, tsval, of, &self.stacks);
        // Only of a stack that has no reason of its own to jump.
        let proves = kind.is_some_and(|kind| !kind.apple());
        // For a few SYNs a table of ports costs more than it tells.
        if self.counts.stamped > 8 {
            self.jumps.connection(ports, at_ms, tsval, proves);
        }
        if let Some(remembered) = sample.remembered.filter(|remembered| proves && remembered.same_ports) {
            let left_ms = remembered.time.and_then(|time| self.clock(time));
            self.jumps.remembered(at_ms, tsval, remembered.tsval, left_ms);
        }
        if let Some(remembered) = sample.remembered {
            self.counts.compared = self.counts.compared.saturating_add(1);
            let left_ms = remembered.time.and_then(|time| self.clock(time));
            // The cache for an address may hold what it said to another of ours, by another clock.
            if let Some(left_ms) = left_ms.filter(|_| remembered.same_ports) {
                self.memory.add(left_ms, remembered.tsval);
            }
            if let (Placed::On(line), Some(left_ms)) = (placed, left_ms)
                && self.lines.known(left_ms, remembered.tsval, 1_500.0).is_some_and(|other| other != line)
            {
                self.counts.between = self.counts.between.saturating_add(1);
            }
        }
    }

    /// Milliseconds since a little before the first SYN; `None` for times before that.
    fn clock(&mut self, time: Nanos) -> Option<u32> {
        let begun = *self.begun.get_or_insert(time);
        let ms = (time.0.saturating_sub(begun.0)).div_euclid(1_000_000).saturating_add(BEFORE_MS);
        if ms > FORGET_MS {
            *self = Self { begun: Some(time), ..Self::default() };
            return Some(BEFORE_MS as u32);
        }
        u32::try_from(ms).ok()
    }

    /// When something of the lines was.
    pub(super) fn time(&self, at_ms: u32) -> Nanos {
        let begun = self.begun.unwrap_or_default().0;
        Nanos(begun.saturating_add((i64::from(at_ms) - BEFORE_MS).saturating_mul(1_000_000)))
    }

    /// Whether this SYN is one of the last ones again.
    fn came_again(&mut self, sample: &Sample) -> bool {
        let Some(seq) = sample.seq else { return false };
        // Not the client's port: when a refusal was answered with an ACK, the client's RST makes a NAT forget the connection,
        // and the same SYN comes again from another outside port.
        let word = u64::from(seq) << 16 | u64::from(sample.dport);
        let hash = (word.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) as u32;
        if self.repeats.contains(&hash) {
            return true;
        }
        if self.repeats.len() < REPEATS {
            if self.repeats.len() == self.repeats.capacity() {
                self.repeats.reserve_exact(if self.repeats.is_empty() { 8 } else { 62 });
            }
            self.repeats.push(hash);
        } else {
            self.repeats[usize::from(self.next_repeat)] = hash;
            self.next_repeat = (self.next_repeat + 1) % REPEATS as u16;
        }
        false
    }

    /// Who is behind the address, from all that was seen.
    pub fn assess(&self) -> Nat {
        super::nat::assess(self)
    }

    /// Memory in use, bytes, this value included.
    pub fn bytes(&self) -> usize {
        size_of::<Self>()
            + self.repeats.capacity() * size_of::<u32>()
            + self.lines.heap()
            + self.stacks.heap()
            + self.jumps.heap()
            + self.sequence.heap()
            + self.memory.heap()
    }

    /// How much would be lost with it: the pair with the least is given up first.
    pub fn telling(&self) -> u64 {
        u64::from(self.counts.syns)
            + 64 * u64::from(self.lines.confirmed())
            + 256 * u64::from(self.jumps.seen())
            + 16 * u64::from(self.counts.compared)
    }
}

#[cfg(test)]
mod tests;
