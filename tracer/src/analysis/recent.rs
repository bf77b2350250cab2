//! What happened lately, for someone who looks on: rates by the second, and of some sources the last drops and a picture of
//! their clocks' readings.
//!
//! Decides what of it is kept. Everything is bounded: no verdict rests on it, so that what finds no room is not missed.

mod rates;
mod thinned;

use std::{
    collections::{HashMap, VecDeque},
    net::IpAddr,
};

pub use rates::{Bucket, Rates, SECONDS};
use thinned::Thinned;

use super::order::Orders;
use crate::{
    keyed::Keyed,
    model::{Drop, Nanos, Observation},
};

/// Sources whose drops and readings are kept.
pub const SOURCES: usize = 256;
/// Drops of each.
pub const DROPS: usize = 8;
/// Readings of each, of answered SYNs and of dropped ones.
pub const READINGS: usize = 256;

/// A reading of a client's clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reading {
    /// When.
    pub time: Nanos,
    /// TSval.
    pub tsval: u32,
    /// The SYN was dropped.
    pub dropped: bool,
}

/// What is kept of one source.
#[derive(Debug)]
struct Lately {
    src: IpAddr,
    /// The order that it is in.
    rank: usize,
    /// A SYN of it was dropped.
    hurt: bool,
    drops: VecDeque<Drop>,
    answered: Thinned,
    dropped: Thinned,
}

impl Lately {
    fn new(src: IpAddr, readings: usize) -> Self {
        Self {
            src,
            rank: ONCE,
            hurt: false,
            drops: VecDeque::new(),
            answered: Thinned::new(readings),
            dropped: Thinned::new(readings),
        }
    }

    /// The same place for another one; what was allocated stays.
    fn give_to(&mut self, src: IpAddr) {
        (self.src, self.rank, self.hurt) = (src, ONCE, false);
        self.drops.clear();
        self.answered.clear();
        self.dropped.clear();
    }
}

/// Orders of the places, longest silent first: those seen once, those seen again, and of these the ones with drops.
const ONCE: usize = 0;
const AGAIN: usize = 1;
const HURT: usize = 2;

/// What happened lately.
#[derive(Debug)]
pub struct Recent {
    rates: Rates,
    sources: Vec<Lately>,
    orders: Orders<3>,
    index: HashMap<IpAddr, u32, Keyed>,
    observed: u64,
    kept: Option<IpAddr>,
    /// How many sources, and readings of each.
    room: (usize, usize),
}

impl Default for Recent {
    fn default() -> Self {
        Self::new(SOURCES, READINGS)
    }
}

impl Recent {
    /// Room for so many sources, and so many readings of each: of answered SYNs and of dropped ones, an even number.
    pub fn new(sources: usize, readings: usize) -> Self {
        Self {
            rates: Rates::default(),
            sources: Vec::new(),
            orders: Orders::new(),
            index: HashMap::default(),
            observed: 0,
            kept: None,
            room: (sources, readings),
        }
    }

    /// The source that somebody looks at: it keeps its place whatever comes.
    pub fn keep(&mut self, src: Option<IpAddr>) {
        self.kept = src;
    }

    /// Takes note of an observation.
    pub fn observe(&mut self, observation: &Observation) {
        self.observed += 1;
        match observation {
            Observation::Drop(drop) => {
                self.rates.add(drop.time, 0, 1);
                let lately = self.of(drop.flow.src, true);
                if lately.drops.len() == DROPS {
                    lately.drops.pop_front();
                }
                lately.drops.push_back(drop.clone());
                if let Some(tsval) = drop.syn.tsval {
                    lately.dropped.push(Reading { time: drop.time, tsval, dropped: true });
                }
            }
            Observation::Accepted(accepted) | Observation::Undecided(accepted) => {
                self.rates.add(accepted.time, 1 + u64::from(accepted.unreported), 0);
                let lately = self.of(accepted.flow.src, false);
                if let Some(tsval) = accepted.tsval {
                    lately.answered.push(Reading { time: accepted.time, tsval, dropped: false });
                }
            }
        }
    }

    /// The place of a source, which has a drop now or not. A new one takes that of the one that was seen once and longest ago;
    /// among those seen again it takes the longest silent one's, those with drops last: a flood of addresses seen once
    /// displaces only its like, and clients that are served leave those that are not in place.
    fn of(&mut self, src: IpAddr, drop: bool) -> &mut Lately {
        if let Some(&slot) = self.index.get(&src) {
            let lately = &mut self.sources[slot as usize];
            self.orders.remove(lately.rank, slot);
            lately.hurt |= drop;
            lately.rank = if lately.hurt { HURT } else { AGAIN };
            self.orders.push(lately.rank, slot);
            return lately;
        }
        let slot = self.room(src);
        self.index.insert(src, slot);
        self.orders.push(ONCE, slot);
        let lately = &mut self.sources[slot as usize];
        lately.hurt = drop;
        lately
    }

    /// A place in no order.
    fn room(&mut self, src: IpAddr) -> u32 {
        let (sources, readings) = self.room;
        if self.sources.len() < sources {
            self.sources.push(Lately::new(src, readings));
            return u32::try_from(self.sources.len() - 1).unwrap_or(0);
        }
        let kept = self.kept.and_then(|src| self.index.get(&src)).copied();
        if let Some(slot) = kept {
            self.orders.renew(self.sources[slot as usize].rank, slot);
        }
        // One that is kept is at the front only where it is alone.
        let first = |order| self.orders.first(order).filter(|slot| Some(*slot) != kept);
        let slot = first(ONCE).or_else(|| first(AGAIN)).or_else(|| first(HURT)).unwrap_or(0);
        let lately = &mut self.sources[slot as usize];
        self.orders.remove(lately.rank, slot);
        self.index.remove(&lately.src);
        lately.give_to(src);
        slot
    }

    /// How many observations there were.
    pub fn observed(&self) -> u64 {
        self.observed
    }

    /// SYNs and drops by the second.
    pub fn rates(&self) -> &Rates {
        &self.rates
    }

    /// The last drops of a source, the newest first.
    pub fn drops(&self, src: IpAddr) -> impl Iterator<Item = &Drop> {
        self.index.get(&src).into_iter().flat_map(|at| self.sources[*at as usize].drops.iter().rev())
    }

    /// Readings of a source's clocks over the whole run, answered ones first. Where there were many, one of every so many.
    pub fn readings(&self, src: IpAddr) -> impl Iterator<Item = Reading> {
        self.index.get(&src).into_iter().flat_map(|at| {
            let lately = &self.sources[*at as usize];
            lately.answered.iter().chain(lately.dropped.iter())
        })
    }

    /// How many readings of a source there were.
    pub fn read(&self, src: IpAddr) -> u64 {
        let lately = self.index.get(&src).map(|at| &self.sources[*at as usize]);
        lately.map_or(0, |lately| lately.answered.seen() + lately.dropped.seen())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Cause, any::bare};

    fn drop_of(src: u32, time: i64) -> Observation {
        let mut drop = bare(Cause::PawsTimeWait);
        drop.flow.src = IpAddr::from(src.to_be_bytes());
        drop.time = Nanos(time);
        drop.syn.tsval = Some(7);
        Observation::Drop(drop)
    }

    #[test]
    fn the_last_drops_newest_first() {
        let mut recent = Recent::default();
        for time in 0..20 {
            recent.observe(&drop_of(1, time));
        }
        let src = IpAddr::from(1_u32.to_be_bytes());
        let times: Vec<_> = recent.drops(src).map(|drop| drop.time.0).collect();
        assert_eq!(times, [19, 18, 17, 16, 15, 14, 13, 12]);
        assert_eq!(recent.readings(src).count(), 20);
        assert_eq!(recent.drops(IpAddr::from([9, 9, 9, 9])).count(), 0);
    }

    #[test]
    fn a_flood_displaces_only_its_like() {
        let mut recent = Recent::default();
        for time in 0..2 {
            recent.observe(&drop_of(1, time));
        }
        recent.observe(&drop_of(2, 2));
        let watched = IpAddr::from(2_u32.to_be_bytes());
        recent.keep(Some(watched));
        for n in 100..10_000 {
            recent.observe(&drop_of(n, 3));
        }
        assert_eq!(recent.sources.len(), SOURCES);
        assert_eq!(recent.index.len(), SOURCES);
        assert_eq!(recent.drops(IpAddr::from(1_u32.to_be_bytes())).count(), 2);
        assert_eq!(recent.drops(watched).count(), 1);
        // Where all were seen again, the longest silent one goes.
        for round in 0..2 {
            for n in 20_000..20_000 + u32::try_from(SOURCES).unwrap() {
                recent.observe(&drop_of(n, 4 + round));
                recent.observe(&drop_of(n, 4 + round));
            }
        }
        assert_eq!(recent.drops(IpAddr::from(1_u32.to_be_bytes())).count(), 0);
        assert_eq!(recent.drops(watched).count(), 1);
    }

    #[test]
    fn clients_that_are_served_displace_no_other() {
        let mut recent = Recent::new(4, 2);
        for time in 0..2 {
            recent.observe(&drop_of(1, time));
        }
        for round in 0..2 {
            for n in 100..200_u32 {
                let mut accepted = crate::model::any::answered_of(IpAddr::from(n.to_be_bytes()));
                accepted.time = Nanos(10 + round);
                recent.observe(&Observation::Accepted(accepted.clone()));
                recent.observe(&Observation::Accepted(accepted));
            }
        }
        assert_eq!(recent.sources.len(), 4);
        assert_eq!(recent.read(IpAddr::from(1_u32.to_be_bytes())), 2);
    }
}
