//! How many in each second, over the last minutes.

use std::collections::VecDeque;

use crate::model::Nanos;

/// Seconds that are kept.
pub const SECONDS: usize = 600;

/// What came in one second.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bucket {
    /// SYNs that were not dropped, as far as is known; those not reported one by one are included.
    pub answered: u64,
    /// SYNs that were dropped.
    pub drops: u64,
}

/// Counts by the second, up to the newest one that was seen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rates {
    /// The second of the last bucket.
    newest: i64,
    buckets: VecDeque<Bucket>,
}

fn second(time: Nanos) -> i64 {
    time.0.div_euclid(1_000_000_000)
}

impl Rates {
    /// Counts; what is older than all that is kept is left out.
    pub fn add(&mut self, time: Nanos, answered: u64, drops: u64) {
        let second = second(time);
        self.reach(second);
        let Ok(back) = usize::try_from(self.newest.saturating_sub(second)) else { return };
        if back >= SECONDS {
            return;
        }
        while self.buckets.len() <= back {
            self.buckets.push_front(Bucket::default());
        }
        let at = self.buckets.len() - 1 - back;
        let bucket = &mut self.buckets[at];
        bucket.answered = bucket.answered.saturating_add(answered);
        bucket.drops = bucket.drops.saturating_add(drops);
    }

    /// Makes `second` the newest, unless it is older.
    fn reach(&mut self, second: i64) {
        if self.buckets.is_empty() {
            self.newest = second;
        }
        let ahead = usize::try_from(second.saturating_sub(self.newest)).unwrap_or(0);
        if ahead >= SECONDS {
            self.buckets.clear();
        }
        if ahead > 0 || self.buckets.is_empty() {
            self.buckets.extend(std::iter::repeat_n(Bucket::default(), ahead.clamp(1, SECONDS)));
            self.newest = second.max(self.newest);
        }
        while self.buckets.len() > SECONDS {
            self.buckets.pop_front();
        }
    }

    /// The `n` whole seconds before `now`, oldest first; seconds without anything are there, too.
    pub fn before(&self, now: Nanos, n: usize) -> Vec<Bucket> {
        let last = second(now) - 1;
        let bucket = |second: i64| {
            let back = usize::try_from(self.newest.saturating_sub(second)).ok()?;
            let at = self.buckets.len().checked_sub(1)?.checked_sub(back)?;
            self.buckets.get(at).copied()
        };
        let n = i64::try_from(n.min(SECONDS)).unwrap_or(0);
        (last.saturating_sub(n - 1)..=last).map(|second| bucket(second).unwrap_or_default()).collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(seconds: i64) -> Nanos {
        Nanos(seconds * 1_000_000_000 + 5)
    }

    #[test]
    fn by_the_second() {
        let mut rates = Rates::default();
        assert_eq!(rates.before(at(7), 2), [Bucket::default(); 2]);
        rates.add(at(3), 2, 0);
        rates.add(at(5), 0, 1);
        // Two processors report one after the other.
        rates.add(at(3), 1, 0);
        rates.add(at(2), 0, 4);
        let drops: Vec<_> = rates.before(at(6), 5).iter().map(|bucket| bucket.drops).collect();
        assert_eq!(drops, [0, 4, 0, 0, 1]);
        assert_eq!(rates.before(at(4), 1), [Bucket { answered: 3, drops: 0 }]);
        // Quiet seconds are seconds.
        assert_eq!(rates.before(at(9), 2), [Bucket::default(); 2]);
    }

    proptest! {
        #[test]
        fn never_more_than_there_is_room_for(times in prop::collection::vec(any::<i64>(), 0..50)) {
            let mut rates = Rates::default();
            for time in times {
                rates.add(Nanos(time), 1, u64::MAX);
                prop_assert!(rates.buckets.len() <= SECONDS);
                prop_assert!(rates.before(Nanos(time), 1000).len() <= SECONDS);
            }
        }
    }
}
