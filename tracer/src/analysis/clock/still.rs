//! Timestamps that stand still: no clock, but crafted packets (scanners send one TSval for all time).
//!
//! Finds every TSval that more than a quarter of the readings carry, in three places (Misra and Gries 1982); says nothing of what
//! moves.

use super::rate::LATE_MS;

/// Values watched at a time.
const WATCHED: usize = 3;
/// The slowest clock ticks ten times a second, so that none shows the same for longer than a packet may be late.
const LONG_MS: u32 = LATE_MS as u32 + 250;
/// As often as that, or it may be chance.
const OFTEN: u16 = 3;

/// One of them.
#[derive(Clone, Copy, Debug, Default)]
struct Watched {
    tsval: u32,
    since_ms: u32,
    /// 0: the place is free.
    count: u16,
    /// It was seen to stand.
    stands: bool,
}

/// TSvals that come again and again.
#[derive(Clone, Debug, Default)]
pub(in crate::analysis) struct Still {
    watched: [Watched; WATCHED],
    /// Readings that stood still.
    pub(in crate::analysis) readings: u32,
}

impl Still {
    /// Takes a reading; `true`: it stands still.
    pub(super) fn add(&mut self, at_ms: u32, tsval: u32) -> bool {
        let known = self.watched.iter_mut().find(|one| one.count > 0 && one.tsval == tsval);
        let Some(one) = known else {
            match self.watched.iter_mut().find(|one| one.count == 0) {
                Some(free) => *free = Watched { tsval, since_ms: at_ms, count: 1, stands: false },
                None => self.watched.iter_mut().for_each(|one| one.count -= 1),
            }
            return false;
        };
        one.count = one.count.saturating_add(1);
        one.stands |= one.count >= OFTEN && at_ms.saturating_sub(one.since_ms) > LONG_MS;
        self.readings = self.readings.saturating_add(u32::from(one.stands));
        one.stands
    }

    /// Whether this TSval stands still.
    pub(in crate::analysis) fn holds(&self, tsval: u32) -> bool {
        self.watched.iter().any(|one| one.count > 0 && one.stands && one.tsval == tsval)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_that_stands_among_others_that_do_not() {
        let mut still = Still::default();
        let stood = (0..400_u32).filter(|n| {
            let tsval = if n.is_multiple_of(3) { u32::MAX } else { n * 50 };
            still.add(n * 50, tsval)
        });
        // All but those of the first seconds.
        assert!(stood.count() > 100 && still.readings > 100, "{still:?}");
        assert!(still.holds(u32::MAX) && !still.holds(50));
    }

    #[test]
    fn a_slow_clock_moves() {
        let mut still = Still::default();
        // A hundred connections a second at 10 Hz, one of a thousand two seconds late.
        for n in 0..20_000_u32 {
            let late = if n.is_multiple_of(1000) { 2_000 } else { 0 };
            assert!(!still.add(n * 10 + late, n / 10), "{n}");
        }
    }
}
