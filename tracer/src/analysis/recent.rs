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

use ahash::RandomState;

pub use rates::{Bucket, Rates, SECONDS};
use thinned::Thinned;

use super::order::Orders;
use crate::model::{Drop, Nanos, Observation};

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
    /// More than once.
    again: bool,
    drops: VecDeque<Drop>,
    answered: Thinned,
    dropped: Thinned,
}

impl Lately {
    fn new(src: IpAddr) -> Self {
        Self {
            src,
            again: false,
            drops: VecDeque::new(),
            answered: Thinned::default(),
            dropped: Thinned::default(),
        }
    }

    /// The same place for another one; what was allocated stays.
    fn give_to(&mut self, src: IpAddr) {
        (self.src, self.again) = (src, false);
        self.drops.clear();
        self.answered.clear();
        self.dropped.clear();
    }
}

/// Orders of the places, longest silent first: those seen once, those seen again (`Lately::again` as a number).
const ONCE: usize = 0;
const AGAIN: usize = 1;

/// What happened lately.
#[derive(Debug)]
pub struct Recent {
    rates: Rates,
    sources: Vec<Lately>,
    orders: Orders<2>,
    index: HashMap<IpAddr, u32, RandomState>,
    observed: u64,
    kept: Option<IpAddr>,
}

impl Default for Recent {
    fn default() -> Self {
        Self {
            rates: Rates::default(),
            sources: Vec::new(),
            orders: Orders::new(),
            index: HashMap::default(),
            observed: 0,
            kept: None,
        }
    }
}

impl Recent {
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
                let lately = self.of(drop.flow.src);
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
                let lately = self.of(accepted.flow.src);
                if let Some(tsval) = accepted.tsval {
                    lately.answered.push(Reading { time: accepted.time, tsval, dropped: false });
                }
            }
        }
    }

    /// The place of a source. A new one takes that of the one that was seen once and longest ago; among those seen again it
    /// takes the longest silent one's, so that a flood of addresses seen once displaces only its like.
    fn of(&mut self, src: IpAddr) -> &mut Lately {
        if let Some(&slot) = self.index.get(&src) {
            let lately = &mut self.sources[slot as usize];
            self.orders.remove(usize::from(lately.again), slot);
            lately.again = true;
            self.orders.push(AGAIN, slot);
            return lately;
        }
        let slot = self.room(src);
        self.index.insert(src, slot);
        self.orders.push(ONCE, slot);
        &mut self.sources[slot as usize]
    }

    /// A place in no order.
    fn room(&mut self, src: IpAddr) -> u32 {
        if self.sources.len() < SOURCES {
            self.sources.push(Lately::new(src));
            return u32::try_from(self.sources.len() - 1).unwrap_or(0);
        }
        let kept = self.kept.and_then(|src| self.index.get(&src)).copied();
        if let Some(slot) = kept {
            self.orders.renew(usize::from(self.sources[slot as usize].again), slot);
        }
        // One that is kept is at the front only where it is alone.
        let first = |order| self.orders.first(order).filter(|slot| Some(*slot) != kept);
        let slot = first(ONCE).or_else(|| first(AGAIN)).unwrap_or(0);
        let lately = &mut self.sources[slot as usize];
        self.orders.remove(usize::from(lately.again), slot);
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

    /// Readings of a source's clocks over the whole run, answered ones first. Where there were many, every so manieth.
    pub fn readings(&self, src: IpAddr) -> impl Iterator<Item = Reading> {
        self.index.get(&src).into_iter().flat_map(|at| {
            let lately = &self.sources[*at as usize];
            lately.answered.iter().chain(lately.dropped.iter())
        })
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
}
