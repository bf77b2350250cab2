//! Counts what was seen by source address, in bounded memory.
//!
//! Whoever has a row is counted exactly, everyone else in one row together (`Other`), so that the rows and that one always
//! add up to what was observed. While there is room the order of arrival means nothing.
//!
//! When the table is full, the question is whose row to give up, for the source that matters comes late and slowly amid a
//! flood of forged addresses, of which most are seen once. Sources stand in three orders:
//!
//! - *once*: one SYN, which may be forged; by age;
//! - *quiet*: several SYNs, none dropped; by age, but one that was seen again since goes to the back (second chance);
//! - *hurt*: several SYNs, some dropped, or one dropped for what an earlier connection of its left; likewise.
//!
//! A newcomer that is dropped, or that was heard before, takes the oldest row of *once*; one that is dropped may take one of
//! *quiet* while *once* has shrunk to a sixteenth of the table, so that there is always a place to begin in. Any other counts
//! in `Other` and is noted as heard. A flood of sources seen once therefore displaces others seen once, and at most a
//! sixteenth of those without drops.
//!
//! Whoever was displaced or found no room leaves a fingerprint in a table with eight places for each row ([`Heard`]), and
//! comes in with its next SYN as one that has several. In the time between the two it is forgotten with odds of
//! 1 - e^(-s/p) for s strangers and p places, so a source that sends one SYN among every hundred thousand forged ones has its
//! row after two or three of them; without fingerprints it would have none, for the rows turn over faster.
//!
//! Where every row has several SYNs, too, the rule is that of Space-Saving (Metwally and others, 2005), with what the
//! fingerprints count for those outside: who was heard more often than an idle row's source takes that row. Each of those
//! counts is a majority vote (Boyer and Moore): a frequent source keeps its place, those that pass do not.
//!
//! A row that is given up is added to `Other` in full; if its source comes in again, its row begins anew. Each step looks at
//! no more than eight rows.

mod heard;
mod row;

use std::{hash::BuildHasher as _, net::IpAddr};

use hashbrown::HashTable;
use heard::Heard;
use row::Row;
pub(super) use row::{Causes, Seen, join};

use super::order::Orders;
use crate::{
    keyed::Keyed,
    model::report::{Change, Changes, Other, Retries, Source},
};

/// Orders of [`Sources`].
const ONCE: usize = 0;
const QUIET: usize = 1;
const HURT: usize = 2;
/// Rows that are looked at for one that is idle.
const LOOKS: usize = 8;

/// A source's place in the table: the slot, and which of its tenants it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Owner {
    pub(super) slot: u32,
    tenancy: u32,
}

/// Where an observation was counted.
#[derive(Clone, Copy, Debug)]
pub(super) struct Placed {
    pub(super) owner: Owner,
    /// It has just come in: what is held elsewhere for this slot was its predecessor's.
    pub(super) new: bool,
    /// It has sent more than this one SYN, or one that no forged address could have sent.
    pub(super) real: bool,
}

/// The table.
#[derive(Clone, Debug)]
pub(super) struct Sources {
    capacity: usize,
    hasher: Keyed,
    index: HashTable<u32>,
    rows: Vec<Row>,
    orders: Orders<3>,
    heard: Heard,
    other_causes: Causes,
    other_answered: u64,
}

impl Sources {
    /// At most `capacity` rows.
    pub(super) fn new(capacity: usize) -> Self {
        let capacity = capacity.min(u32::MAX as usize - 1);
        Self {
            capacity,
            hasher: Keyed::default(),
            index: HashTable::new(),
            rows: Vec::new(),
            orders: Orders::new(),
            heard: Heard::new(capacity),
            other_causes: Causes::default(),
            other_answered: 0,
        }
    }

    /// Counts an observation; `None`: it found no room and is counted in [`Self::other`].
    pub(super) fn add(&mut self, seen: &Seen) -> Option<Placed> {
        let hash = hash(&self.hasher, seen.src);
        if let Some(&slot) = self.index.find(hash, |slot| self.rows[*slot as usize].src == seen.src) {
            let row = &mut self.rows[slot as usize];
            let was = order(row);
            row.add(seen);
            let is = order(row);
            let owner = Owner { slot, tenancy: row.tenancy };
            if was != is {
                self.orders.remove(was, slot);
                self.orders.push(is, slot);
            }
            return Some(Placed { owner, new: false, real: true });
        }
        let heard = if self.rows.len() < self.capacity { 0 } else { self.heard.take(hash) };
        let Some((slot, tenancy)) = self.room(seen.cause.is_some(), heard) else {
            self.heard.note(hash, heard.saturating_add(saturated(seen.syns())));
            match seen.cause {
                Some(cause) => self.other_causes.add(cause),
                None => self.other_answered += 1,
            }
            self.other_answered += u64::from(seen.unreported);
            return None;
        };
        let mut row = Row::new(seen.src, seen.time, heard, tenancy);
        row.add(seen);
        // Nobody has seen it again yet.
        row.touched = false;
        self.orders.push(order(&row), slot);
        let real = row.weight() > 1 || row.is_proven();
        match self.rows.get_mut(slot as usize) {
            Some(place) => *place = row,
            None => self.rows.push(row),
        }
        let (rows, hasher) = (&self.rows, &self.hasher);
        self.index.insert_unique(hash, slot, |slot| self::hash(hasher, rows[*slot as usize].src));
        Some(Placed { owner: Owner { slot, tenancy }, new: true, real })
    }

    /// A slot for a newcomer, and the number of its tenancy.
    fn room(&mut self, dropped: bool, heard: u8) -> Option<(u32, u32)> {
        if self.rows.len() < self.capacity {
            return u32::try_from(self.rows.len()).ok().map(|slot| (slot, 0));
        }
        let slot = self.least(dropped, heard)?;
        let row = &self.rows[slot as usize];
        self.orders.remove(order(row), slot);
        self.other_causes.join(&row.causes);
        self.other_answered += row.syns() - row.drops();
        let hash = hash(&self.hasher, row.src);
        self.heard.note(hash, saturated(row.weight()));
        if let Ok(entry) = self.index.find_entry(hash, |other| *other == slot) {
            entry.remove();
        }
        Some((slot, row.tenancy.wrapping_add(1)))
    }

    /// The row that a newcomer may take.
    fn least(&mut self, dropped: bool, heard: u8) -> Option<u32> {
        if !dropped && heard == 0 {
            return None;
        }
        let once = self.orders.len(ONCE);
        if dropped
            && once <= self.capacity / 16
            && let Some(slot) = self.idle(QUIET)
        {
            return Some(slot);
        }
        if let Some(slot) = self.orders.first(ONCE) {
            return Some(slot);
        }
        let rivals = if dropped { HURT } else { QUIET };
        let slot = self.idle(rivals)?;
        if self.rows[slot as usize].weight() <= u64::from(heard) {
            return Some(slot);
        }
        self.orders.renew(rivals, slot);
        None
    }

    /// The oldest row of an order that was not seen again since it was last looked at, or one of the oldest.
    fn idle(&mut self, order: usize) -> Option<u32> {
        for _ in 0..LOOKS {
            let slot = self.orders.first(order)?;
            if !std::mem::take(&mut self.rows[slot as usize].touched) {
                return Some(slot);
            }
            self.orders.renew(order, slot);
        }
        self.orders.first(order)
    }

    /// What became of one attempt of a source, beside what was known of it before. Nothing, where its row was given up.
    pub(super) fn retried(&mut self, owner: Owner, before: &Retries, after: &Retries) {
        if let Some(row) = self.rows.get_mut(owner.slot as usize)
            && row.tenancy == owner.tenancy
        {
            row.retried(before, after);
        }
    }

    /// How long one of its attempts waited until it got in. Nothing, where its row was given up.
    pub(super) fn waited(&mut self, owner: Owner, ms: u64) {
        if let Some(row) = self.rows.get_mut(owner.slot as usize)
            && row.tenancy == owner.tenancy
        {
            row.waited(ms);
        }
    }

    /// Whose slot this is now.
    pub(super) fn owner(&self, slot: u32) -> Option<Owner> {
        self.rows.get(slot as usize).map(|row| Owner { slot, tenancy: row.tenancy })
    }

    /// Whether SYNs of the source in this slot were dropped.
    pub(super) fn hurt(&self, slot: u32) -> bool {
        self.rows.get(slot as usize).is_some_and(|row| row.drops() > 0)
    }

    /// Rows in use.
    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    /// What has no row.
    pub(super) fn other(&self) -> Other {
        let drops = self.other_causes.sum();
        Other {
            syns: drops + self.other_answered,
            drops,
            paws: self.other_causes.paws(),
            by_cause: self.other_causes.map(),
        }
    }

    /// The `n` sources with the most drops and their slots, most first; then by drops by PAWS, by SYNs, by address.
    pub(super) fn top(&self, n: usize) -> Vec<(u32, Source)> {
        let key = |row: &Row| {
            let most_first = [row.drops(), row.causes.paws(), row.syns()].map(|n| u64::MAX - n);
            (most_first, row.src)
        };
        let mut all: Vec<_> = (0_u32..).zip(&self.rows).map(|(slot, row)| (key(row), slot)).collect();
        if n > 0 && all.len() > n {
            all.select_nth_unstable(n - 1);
        }
        all.truncate(n);
        all.sort_unstable();
        all.into_iter().map(|(_, slot)| (slot, self.rows[slot as usize].source())).collect()
    }

    /// Takes note of the sources that changed since the last call: the `n` with the most drops since then, then in the
    /// order of [`top`](Self::top), and their slots.
    pub(super) fn changes(&mut self, n: usize) -> (Vec<u32>, Changes) {
        let key = |row: &Row| (u32::MAX - row.new, u64::MAX - row.drops(), u64::MAX - row.syns(), row.src);
        let rows = (0_u32..).zip(&self.rows).filter(|(_, row)| row.changed);
        let mut all: Vec<_> = rows.map(|(slot, row)| (key(row), slot)).collect();
        let total = all.len() as u64;
        let with_drops = all.iter().filter(|(_, slot)| self.hurt(*slot)).count() as u64;
        if n > 0 && all.len() > n {
            all.select_nth_unstable(n - 1);
        }
        all.truncate(n);
        all.sort_unstable();
        let slots: Vec<_> = all.into_iter().map(|(_, slot)| slot).collect();
        let rows = slots.iter().map(|slot| &self.rows[*slot as usize]);
        let sources = rows.map(|row| Change { new_drops: row.new.into(), source: row.source() }).collect();
        for row in &mut self.rows {
            (row.changed, row.new) = (false, 0);
        }
        (slots, Changes { sources, total, with_drops })
    }
}

fn order(row: &Row) -> usize {
    match (row.weight(), row.drops()) {
        (..=1, _) if !row.is_proven() => ONCE,
        (_, 0) => QUIET,
        _ => HURT,
    }
}

fn hash(hasher: &Keyed, src: IpAddr) -> u64 {
    hasher.hash_one(bits(src))
}

/// One number is the fastest to hash; that the two families meet here costs nothing.
pub(super) fn bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => address.to_ipv6_mapped().to_bits(),
        IpAddr::V6(address) => address.to_bits(),
    }
}

fn saturated(syns: u64) -> u8 {
    u8::try_from(syns).unwrap_or(u8::MAX)
}

#[cfg(test)]
mod tests;
