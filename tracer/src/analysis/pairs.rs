//! The clocks of every pair of addresses, in bounded memory: a source may stand on an own line at each of our addresses, so
//! each has clocks of its own, and each namespace, too.
//!
//! A first SYN is only kept; clocks begin with the second. Pairs are charged with all the memory that they take. Beyond the
//! limit a quarter of it is freed at once, so that the sorting is paid by many observations: pairs of sources without drops
//! go before those with, and the least telling ones first.

mod finding;

use std::{hash::BuildHasher as _, net::IpAddr};

use hashbrown::HashTable;

use super::{
    aggregate::bits,
    clock::{Clocks, Sample},
    order::NONE,
};
use crate::{keyed::Keyed, model::nat::Nat};

/// Pairs of one source that are looked at for its finding.
const LOOKED_AT: usize = 64;

#[derive(Debug)]
struct Pair {
    /// Of the source in its table.
    source: u32,
    /// The next pair of the same source; of one that is free, the next free one.
    next: u32,
    /// Bytes of what is held.
    bytes: u32,
    netns: Option<u32>,
    dst: IpAddr,
    held: Held,
}

#[derive(Debug)]
enum Held {
    Nothing,
    First(Box<Sample>),
    Several(Box<Clocks>),
}

impl Held {
    fn bytes(&self) -> u32 {
        u32::try_from(match self {
            Self::Nothing => 0,
            Self::First(_) => size_of::<Sample>(),
            Self::Several(clocks) => clocks.bytes(),
        })
        .unwrap_or(u32::MAX)
    }

    fn telling(&self) -> u64 {
        match self {
            Self::Nothing | Self::First(_) => 0,
            Self::Several(clocks) => clocks.telling(),
        }
    }

    fn observe(&mut self, sample: &Sample) {
        match self {
            Self::Nothing => *self = Self::First(Box::new(*sample)),
            Self::First(first) => {
                let mut clocks = Box::new(Clocks::default());
                clocks.observe(first);
                clocks.observe(sample);
                *self = Self::Several(clocks);
            }
            Self::Several(clocks) => clocks.observe(sample),
        }
    }

    fn assess(&self) -> Option<Nat> {
        match self {
            Self::Nothing => None,
            Self::First(sample) => {
                let mut clocks = Clocks::default();
                clocks.observe(sample);
                Some(clocks.assess())
            }
            Self::Several(clocks) => Some(clocks.assess()),
        }
    }
}

/// All of them.
#[derive(Debug)]
pub(super) struct Pairs {
    limit: usize,
    hasher: Keyed,
    index: HashTable<u32>,
    all: Vec<Pair>,
    /// The first place that nobody has.
    free: u32,
    /// The first pair of each source.
    heads: Vec<u32>,
    /// Bytes of what the pairs hold.
    held: usize,
    given_up: u64,
}

impl Pairs {
    /// At most `limit` bytes.
    pub(super) fn new(limit: usize) -> Self {
        Self {
            limit,
            hasher: Keyed::default(),
            index: HashTable::new(),
            all: Vec::new(),
            free: NONE,
            heads: Vec::new(),
            held: 0,
            given_up: 0,
        }
    }

    /// Takes a SYN from a source to one of our addresses into account. `hurt`: whether a source has drops.
    pub(super) fn observe(
        &mut self,
        (source, netns, dst): (u32, Option<u32>, IpAddr),
        sample: &Sample,
        hurt: impl Fn(u32) -> bool,
    ) {
        let hash = hash(&self.hasher, source, netns, dst);
        let found = self.index.find(hash, |at| {
            let pair = &self.all[*at as usize];
            (pair.source, pair.netns, pair.dst) == (source, netns, dst)
        });
        let at = match found {
            Some(at) => *at,
            None => self.begin(hash, source, netns, dst),
        };
        let pair = &mut self.all[at as usize];
        pair.held.observe(sample);
        let bytes = pair.held.bytes();
        self.held = self.held + bytes as usize - pair.bytes as usize;
        pair.bytes = bytes;
        if self.bytes() > self.limit {
            self.make_room(hurt);
        }
    }

    fn begin(&mut self, hash: u64, source: u32, netns: Option<u32>, dst: IpAddr) -> u32 {
        let head = source as usize;
        if self.heads.len() <= head {
            self.heads.resize(head + 1, NONE);
        }
        let pair = Pair { source, next: self.heads[head], bytes: 0, netns, dst, held: Held::Nothing };
        let at = if let Some(place) = self.all.get_mut(self.free as usize) {
            let at = std::mem::replace(&mut self.free, place.next);
            *place = pair;
            at
        } else {
            if self.all.len() == self.all.capacity() {
                // By a quarter, where a `Vec` would take twice the memory.
                self.all.reserve_exact(self.all.len() / 4 + 16);
            }
            self.all.push(pair);
            u32::try_from(self.all.len() - 1).unwrap_or(NONE)
        };
        self.heads[head] = at;
        let (pairs, hasher) = (&self.all, &self.hasher);
        self.index.insert_unique(hash, at, |at| hash_of(hasher, &pairs[*at as usize]));
        at
    }

    /// Memory in use, bytes.
    pub(super) fn bytes(&self) -> usize {
        self.held + self.all.capacity() * size_of::<Pair>() + self.index.allocation_size()
    }

    /// Pairs that were given up for want of room; those of a source that lost its place count if they had clocks.
    pub(super) fn given_up(&self) -> u64 {
        self.given_up
    }

    /// A source lost its place in the table, and with it its clocks.
    pub(super) fn forget(&mut self, source: u32) {
        let Some(head) = self.heads.get_mut(source as usize) else { return };
        let mut at = std::mem::replace(head, NONE);
        while let Some(pair) = self.all.get_mut(at as usize) {
            let hash = hash_of(&self.hasher, pair);
            if let Ok(entry) = self.index.find_entry(hash, |other| *other == at) {
                entry.remove();
            }
            self.held -= pair.bytes as usize;
            pair.bytes = 0;
            if matches!(std::mem::replace(&mut pair.held, Held::Nothing), Held::Several(_)) {
                self.given_up += 1;
            }
            at = std::mem::replace(&mut pair.next, std::mem::replace(&mut self.free, at));
        }
    }

    /// Gives up the least telling pairs until three quarters of the limit are in use.
    fn make_room(&mut self, hurt: impl Fn(u32) -> bool) {
        let mut old = std::mem::take(&mut self.all);
        for pair in &old {
            self.heads[pair.source as usize] = NONE;
        }
        old.retain(|pair| !matches!(pair.held, Held::Nothing));
        // The most telling first; of equals, most often the younger.
        old.reverse();
        old.sort_by_cached_key(|pair| (!hurt(pair.source), u64::MAX - pair.held.telling()));
        let room = self.limit - self.limit / 4;
        // With an entry of the index and its byte of control; of sixteen of them seven may be all that is in use.
        let each = size_of::<Pair>() + (size_of::<u32>() + 1) * 16 / 7 + 1;
        let mut bytes = 0;
        let kept = old.iter().take_while(|pair| {
            bytes += each + pair.bytes as usize;
            bytes <= room
        });
        let kept = kept.count();
        self.given_up += (old.len() - kept) as u64;
        old.truncate(kept);
        old.shrink_to_fit();
        self.held = old.iter().map(|pair| pair.bytes as usize).sum();
        self.free = NONE;
        self.index = HashTable::with_capacity(kept);
        for (at, pair) in (0_u32..).zip(&mut old) {
            pair.next = std::mem::replace(&mut self.heads[pair.source as usize], at);
            let hash = hash_of(&self.hasher, pair);
            // There is room: nothing is ever hashed again here.
            self.index.insert_unique(hash, at, |_| hash);
        }
        self.all = old;
    }

    /// Who is behind a source; `None`: there was no room for its clocks.
    pub(super) fn assess(&self, source: u32) -> Option<Nat> {
        let mut own = Vec::new();
        let mut at = self.heads.get(source as usize).copied().unwrap_or(NONE);
        while let Some(pair) = self.all.get(at as usize) {
            own.push((u64::MAX - pair.held.telling(), pair.dst, pair.netns, at));
            at = pair.next;
        }
        let all = own.len();
        own.sort_unstable();
        own.truncate(LOOKED_AT);
        let assessed = own.iter().filter_map(|(_, dst, _, at)| {
            let nat = self.all.get(*at as usize)?.held.assess()?;
            Some((*dst, nat))
        });
        finding::strongest(assessed, all)
    }
}

fn hash_of(hasher: &Keyed, pair: &Pair) -> u64 {
    hash(hasher, pair.source, pair.netns, pair.dst)
}

fn hash(hasher: &Keyed, source: u32, netns: Option<u32>, dst: IpAddr) -> u64 {
    hasher.hash_one((u64::from(source) << 32 | u64::from(netns.unwrap_or(0)), bits(dst)))
}

#[cfg(test)]
mod tests;
