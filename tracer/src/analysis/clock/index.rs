//! Finds lines by where their clock stood at time 0: for each rate a sorted list, searched in halves.

use super::rate::{RATES, intercept};

/// A list grows by so many entries at a time.
const STEP: usize = 64;

/// A reading: milliseconds, TSval.
type Reading = (u32, u32);

/// The lists.
#[derive(Clone, Debug, Default)]
pub(super) struct Index([Vec<(u32, u16)>; RATES.len()]);

impl Index {
    /// Adds a line at this rate; `last` is its last reading.
    pub(super) fn insert(&mut self, rate: usize, last: Reading, id: u16) {
        let entry = (intercept(rate, last.0, last.1), id);
        let sorted = &mut self.0[rate];
        if sorted.len() == sorted.capacity() {
            sorted.reserve_exact(STEP);
        }
        let at = sorted.partition_point(|other| *other < entry);
        sorted.insert(at, entry);
    }

    /// Takes a line out at this rate.
    pub(super) fn remove(&mut self, rate: usize, last: Reading, id: u16) {
        if let Ok(at) = self.0[rate].binary_search(&(intercept(rate, last.0, last.1), id)) {
            self.0[rate].remove(at);
        }
    }

    /// A line has a new last reading: it moves, mostly not at all or by some places.
    pub(super) fn renew(&mut self, rate: usize, before: Reading, after: Reading, id: u16) {
        let old = (intercept(rate, before.0, before.1), id);
        let new = (intercept(rate, after.0, after.1), id);
        let sorted = &mut self.0[rate];
        let Ok(from) = sorted.binary_search(&old) else { return };
        let to = sorted.partition_point(|other| *other < new);
        if to > from {
            sorted[from..to].rotate_left(1);
            sorted[to - 1] = new;
        } else {
            sorted[to..=from].rotate_right(1);
            sorted[to] = new;
        }
    }

    /// Keeps these lines alone.
    pub(super) fn retain(&mut self, keep: impl Fn(u16) -> bool) {
        self.0.iter_mut().for_each(|sorted| sorted.retain(|(_, id)| keep(*id)));
    }

    /// Every line at this rate whose intercept is at most `below` smaller or `above` larger than this one, modulo 2^32.
    pub(super) fn around(&self, rate: usize, at: u32, below: i64, above: i64, mut look: impl FnMut(u16)) {
        let sorted = &self.0[rate];
        let mut range = |from: u32, to: u32| {
            let start = sorted.partition_point(|(o, _)| *o < from);
            sorted[start..].iter().take_while(|(o, _)| *o <= to).for_each(|(_, id)| look(*id));
        };
        if below + above >= i64::from(u32::MAX) {
            return range(0, u32::MAX);
        }
        let (from, to) = (at.wrapping_sub(below as u32), at.wrapping_add(above as u32));
        if from <= to {
            range(from, to);
        } else {
            range(from, u32::MAX);
            range(0, to);
        }
    }

    /// Bytes in memory, itself and its lists.
    pub(super) fn bytes(&self) -> usize {
        size_of::<Self>()
            + self.0.iter().map(|sorted| sorted.capacity() * size_of::<(u32, u16)>()).sum::<usize>()
    }
}
