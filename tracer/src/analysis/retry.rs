//! What became of the clients that were refused: did the same SYN come again, and did it get in?
//!
//! An attempt is one initial sequence number between two addresses and to one port: its first SYN and the same SYN again
//! (RFC 9293 section 3.8.1; Linux tries for 127 s by default, with 64 s between the last two). The client's port is no part
//! of it: when a refusal was answered with an ACK, the client's RST makes a NAT forget the connection, and the same SYN comes
//! again from another outside port. It waits here until nothing was seen of it for
//! 140 s, or until younger ones need its place: then those go first whose source never sent another SYN and may be forged, so
//! that a flood does not push out the clients that matter. One that comes after that is a new attempt.
//!
//! What became of an attempt follows from the first of its drops, their number, and the first and the last of its answers,
//! so it does not matter in which order they are reported. Attempts that were only answered are remembered, too, for a
//! moment: their drop may be reported late. How long an attempt waited may turn out to be less than it was taken for, so the
//! longest is known of those that ended and asked of those that wait.

use std::hash::BuildHasher as _;

use hashbrown::HashTable;

use super::{
    aggregate::{Owner, bits},
    order::Orders,
};
use crate::{
    keyed::Keyed,
    model::{Flow, Nanos, report::Retries},
};

/// Refused attempts that wait.
const WAITING: usize = 16_384;
/// Answered ones that are remembered.
const ANSWERED: usize = 1_024;
/// Without another SYN for this long, nanoseconds, it is over.
const EXPIRY: u64 = 140_000_000_000;

/// Orders: refused ones of sources with one SYN, of others, and those that were only answered.
const STRANGERS: usize = 0;
const KNOWN: usize = 1;
const WELCOME: usize = 2;

/// How long an attempt waited, and whose it was.
pub(super) type Waited = (Option<Owner>, u64);

/// Which attempt a SYN belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Key {
    pub(super) netns: Option<u32>,
    pub(super) flow: Flow,
    /// `None`: not known, the client's port must do.
    pub(super) seq: Option<u32>,
}

impl Key {
    fn is(&self, other: &Self) -> bool {
        let addresses = |key: &Self| (key.netns, key.flow.src, key.flow.dst, key.flow.dport, key.seq);
        addresses(self) == addresses(other) && (self.seq.is_some() || self.flow.sport == other.flow.sport)
    }
}

/// What is known of an attempt now, and what was before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Change {
    /// The source at the time of the first drop.
    pub(super) owner: Option<Owner>,
    pub(super) before: Retries,
    pub(super) after: Retries,
}

#[derive(Clone, Debug)]
struct Attempt {
    key: Key,
    hash: u64,
    order: usize,
    owner: Option<Owner>,
    drops: u32,
    /// Of its drops.
    first: Nanos,
    /// Of all its SYNs.
    last: Nanos,
    /// The first and the last answer.
    answered: Option<(Nanos, Nanos)>,
}

impl Attempt {
    fn retries(&self) -> Retries {
        if self.drops == 0 {
            return Retries::default();
        }
        let got_in =
            self.answered.and_then(|(first, last)| [first, last].into_iter().find(|at| *at >= self.first));
        let waited_ms = got_in.map_or(0, |at| at.0.abs_diff(self.first.0) / 1_000_000);
        Retries {
            refused: 1,
            came_back: u64::from(self.drops > 1 || got_in.is_some()),
            got_in: u64::from(got_in.is_some()),
            waited_ms,
            longest_ms: 0,
        }
    }

    fn waited(&self) -> Option<Waited> {
        let retries = self.retries();
        (retries.got_in > 0).then_some((self.owner, retries.waited_ms))
    }

    fn is_over(&self, now: Nanos) -> bool {
        self.last.0.abs_diff(now.0) > EXPIRY
    }
}

/// The attempts that wait.
#[derive(Clone, Debug)]
pub(super) struct Attempts {
    hasher: Keyed,
    index: HashTable<u32>,
    slots: Vec<Attempt>,
    free: Vec<u32>,
    orders: Orders<3>,
    /// Those that got in and were forgotten since someone asked.
    ended: Vec<Waited>,
}

impl Attempts {
    pub(super) fn new() -> Self {
        Self {
            hasher: Keyed::default(),
            index: HashTable::new(),
            slots: Vec::new(),
            free: Vec::new(),
            orders: Orders::new(),
            ended: Vec::new(),
        }
    }

    /// How long those waited that got in and are forgotten since the last call.
    pub(super) fn ended(&mut self) -> impl Iterator<Item = Waited> {
        self.ended.drain(..)
    }

    /// How long those waited that got in and are remembered.
    pub(super) fn waited(&self) -> impl Iterator<Item = Waited> {
        self.index.iter().filter_map(|slot| self.slots[*slot as usize].waited())
    }

    /// A SYN was refused. `real`: no forged address gets that far, or its source has sent others.
    pub(super) fn refused(&mut self, key: &Key, time: Nanos, owner: Option<Owner>, real: bool) -> Change {
        let slot = self.attempt(key, time);
        let attempt = &mut self.slots[slot as usize];
        let before = attempt.retries();
        if attempt.drops == 0 {
            (attempt.owner, attempt.first) = (owner, time);
        }
        attempt.drops = attempt.drops.saturating_add(1);
        attempt.first = attempt.first.min(time);
        let change = Change { owner: attempt.owner, before, after: attempt.retries() };
        let order = if real { KNOWN } else { STRANGERS };
        self.keep(slot, order);
        change
    }

    /// A SYN was answered.
    pub(super) fn answered(&mut self, key: &Key, time: Nanos) -> Change {
        let slot = self.attempt(key, time);
        let attempt = &mut self.slots[slot as usize];
        let before = attempt.retries();
        let (first, last) = attempt.answered.unwrap_or((time, time));
        attempt.answered = Some((first.min(time), last.max(time)));
        let change = Change { owner: attempt.owner, before, after: attempt.retries() };
        let order = attempt.order;
        self.keep(slot, order);
        change
    }

    /// The attempt that a SYN belongs to, which may be a new one.
    fn attempt(&mut self, key: &Key, now: Nanos) -> u32 {
        // Two for each, so that one wrong time does not empty the table at once.
        for order in [STRANGERS, KNOWN, WELCOME] {
            for _ in 0..2 {
                match self.orders.first(order) {
                    Some(slot) if self.slots[slot as usize].is_over(now) => self.forget(slot),
                    _ => break,
                }
            }
        }
        let hash = hash(&self.hasher, key);
        let found = self.index.find(hash, |slot| self.slots[*slot as usize].key.is(key)).copied();
        match found {
            Some(slot) if !self.slots[slot as usize].is_over(now) => {
                let attempt = &mut self.slots[slot as usize];
                attempt.last = attempt.last.max(now);
                return slot;
            }
            Some(slot) => self.forget(slot),
            None => {}
        }
        self.begin(hash, key, now)
    }

    fn begin(&mut self, hash: u64, key: &Key, now: Nanos) -> u32 {
        let attempt = Attempt {
            key: *key,
            hash,
            order: WELCOME,
            owner: None,
            drops: 0,
            first: now,
            last: now,
            answered: None,
        };
        let slot = self.free.pop().unwrap_or(u32::try_from(self.slots.len()).unwrap_or(0));
        match self.slots.get_mut(slot as usize) {
            Some(place) => *place = attempt,
            None => self.slots.push(attempt),
        }
        self.orders.push(WELCOME, slot);
        let slots = &self.slots;
        self.index.insert_unique(hash, slot, |slot| slots[*slot as usize].hash);
        slot
    }

    /// To the back of this order; what no longer has room goes.
    fn keep(&mut self, slot: u32, order: usize) {
        let was = std::mem::replace(&mut self.slots[slot as usize].order, order);
        if was == order {
            self.orders.renew(order, slot);
        } else {
            self.orders.remove(was, slot);
            self.orders.push(order, slot);
        }
        let full = match order {
            WELCOME => (self.orders.len(WELCOME) > ANSWERED).then_some(WELCOME),
            _ if self.orders.len(STRANGERS) + self.orders.len(KNOWN) <= WAITING => None,
            _ if self.orders.len(STRANGERS) > 0 => Some(STRANGERS),
            _ => Some(KNOWN),
        };
        if let Some(oldest) = full.and_then(|order| self.orders.first(order)) {
            self.forget(oldest);
        }
    }

    fn forget(&mut self, slot: u32) {
        let attempt = &self.slots[slot as usize];
        self.ended.extend(attempt.waited());
        self.orders.remove(attempt.order, slot);
        if let Ok(entry) = self.index.find_entry(attempt.hash, |other| *other == slot) {
            entry.remove();
            self.free.push(slot);
        }
    }
}

/// Of what tells attempts apart.
fn hash(hasher: &Keyed, key: &Key) -> u64 {
    let Flow { src, sport, dst, dport } = key.flow;
    let which = key.seq.map_or(1 << 32 | u64::from(sport), u64::from);
    let place = u64::from(key.netns.unwrap_or(0)) << 16 | u64::from(dport);
    hasher.hash_one((bits(src), bits(dst), place, which))
}

#[cfg(test)]
mod tests;
