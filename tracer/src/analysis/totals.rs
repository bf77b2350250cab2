//! Counts what was seen: by cause and by source address, in bounded memory.

use std::{
    collections::{BTreeMap, HashMap},
    net::IpAddr,
};

use crate::model::{Cause, Drop, Nanos, report::Source};

/// Sources that are told apart; further ones count in the totals alone.
pub const MAX_SOURCES: usize = 65_536;

/// Running totals.
#[derive(Clone, Debug)]
pub struct Totals {
    capacity: usize,
    drops: u64,
    by_cause: BTreeMap<Cause, u64>,
    sources: HashMap<IpAddr, Source>,
    without_room: u64,
}

impl Totals {
    /// At most `capacity` sources.
    pub fn new(capacity: usize) -> Self {
        Self { capacity, drops: 0, by_cause: BTreeMap::new(), sources: HashMap::new(), without_room: 0 }
    }

    /// Adds a drop. The order of arrival does not matter.
    pub fn add(&mut self, drop: &Drop) {
        self.drops += 1;
        *self.by_cause.entry(drop.cause).or_default() += 1;
        let room = self.sources.len() < self.capacity;
        let source = match self.sources.entry(drop.flow.src) {
            std::collections::hash_map::Entry::Occupied(entry) => entry.into_mut(),
            std::collections::hash_map::Entry::Vacant(entry) if room => {
                entry.insert(Source::new(drop.flow.src, drop.time))
            }
            std::collections::hash_map::Entry::Vacant(_) => {
                self.without_room += 1;
                return;
            }
        };
        source.drops += 1;
        if drop.cause.is_paws() {
            source.paws += 1;
            source.max_regression = source.max_regression.max(drop.regression());
        }
        source.first = source.first.min(drop.time);
        source.last = source.last.max(drop.time);
    }

    /// All drops.
    pub fn drops(&self) -> u64 {
        self.drops
    }

    /// By cause; every cause that was seen.
    pub fn by_cause(&self) -> &BTreeMap<Cause, u64> {
        &self.by_cause
    }

    /// Number of sources told apart.
    pub fn sources(&self) -> u64 {
        self.sources.len() as u64
    }

    /// Drops of sources that found no room.
    pub fn without_room(&self) -> u64 {
        self.without_room
    }

    /// The `n` sources with the most drops, most first; ties by address.
    pub fn top(&self, n: usize) -> Vec<Source> {
        let mut all: Vec<&Source> = self.sources.values().collect();
        let order = |a: &&Source, b: &&Source| b.drops.cmp(&a.drops).then(a.src.cmp(&b.src));
        if all.len() > n && n > 0 {
            all.select_nth_unstable_by(n - 1, order);
        }
        all.truncate(n);
        all.sort_unstable_by(order);
        all.into_iter().cloned().collect()
    }

    /// When the last drop of any source was.
    pub fn last(&self) -> Option<Nanos> {
        self.sources.values().map(|source| source.last).max()
    }
}

#[cfg(test)]
mod tests;
