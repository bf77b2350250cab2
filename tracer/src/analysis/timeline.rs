//! Drops by cause and answered SYNs over a whole run, in few bars however long it was.
//!
//! Decides how long a bar is: as short as the run allows, and always a span that people count in. Bars begin at whole
//! multiples of it, so that those of a longer run are sums of shorter ones and nothing depends on the order of things.

use std::collections::BTreeMap;

use crate::model::{Cause, Nanos, Observation};

/// Bars at most.
pub const BARS: u16 = 360;

/// What a bar may last, milliseconds; each is a multiple of the one before. After a day come ten, a hundred, ...
const LENGTHS: [i64; 15] = [
    100, 500, 1000, 5000, 10_000, 30_000, 60_000, 300_000, 600_000, 1_800_000, 3_600_000, 7_200_000,
    21_600_000, 43_200_000, 86_400_000,
];

/// What came within a bar.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bar {
    /// SYNs that were answered; those not reported one by one are included.
    pub answered: u64,
    /// Dropped ones, in the order of [`Cause::ALL`].
    dropped: [u64; Cause::ALL.len()],
}

impl Bar {
    /// Drops with a cause.
    pub fn dropped(&self, cause: Cause) -> u64 {
        self.dropped[cause as usize]
    }

    /// All drops.
    pub fn drops(&self) -> u64 {
        self.dropped.iter().fold(0, |sum, n| sum.saturating_add(*n))
    }

    fn add(&mut self, other: &Self) {
        self.answered = self.answered.saturating_add(other.answered);
        for (all, n) in self.dropped.iter_mut().zip(other.dropped) {
            *all = all.saturating_add(n);
        }
    }
}

/// All bars of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timeline {
    length_ms: i64,
    /// By their number since 1970; those in which nothing came are not there.
    bars: BTreeMap<i64, Bar>,
}

impl Default for Timeline {
    fn default() -> Self {
        Self { length_ms: LENGTHS[0], bars: BTreeMap::new() }
    }
}

impl Timeline {
    /// Takes note of an observation. A SYN of which nobody knows what became of it is in no bar.
    pub fn observe(&mut self, observation: &Observation) {
        let mut one = Bar::default();
        match observation {
            Observation::Drop(drop) => one.dropped[drop.cause as usize] = 1,
            Observation::Accepted(accepted) => one.answered = 1 + u64::from(accepted.unreported),
            Observation::Undecided(_) => return,
        }
        let ms = observation.time().0.div_euclid(1_000_000);
        loop {
            let at = ms.div_euclid(self.length_ms);
            let (first, last) = self.ends().unwrap_or((at, at));
            if at.max(last) - at.min(first) < i64::from(BARS) {
                self.bars.entry(at).or_default().add(&one);
                return;
            }
            self.lengthen();
        }
    }

    fn lengthen(&mut self) {
        let longer = LENGTHS.into_iter().find(|length| *length > self.length_ms);
        let longer = longer.unwrap_or(self.length_ms * 10);
        let times = longer / self.length_ms;
        for (at, bar) in std::mem::take(&mut self.bars) {
            self.bars.entry(at.div_euclid(times)).or_default().add(&bar);
        }
        self.length_ms = longer;
    }

    fn ends(&self) -> Option<(i64, i64)> {
        Some((*self.bars.first_key_value()?.0, *self.bars.last_key_value()?.0))
    }

    /// How long a bar lasts, milliseconds.
    pub fn length_ms(&self) -> u64 {
        self.length_ms.unsigned_abs()
    }

    /// When each bar begins, and what came in it; quiet ones are there, too.
    pub fn bars(&self) -> Vec<(Nanos, Bar)> {
        let Some((first, last)) = self.ends() else { return Vec::new() };
        let begin = |at: i64| Nanos(at.saturating_mul(self.length_ms).saturating_mul(1_000_000));
        (first..=last).map(|at| (begin(at), self.bars.get(&at).copied().unwrap_or_default())).collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::any::bare;

    fn drop_at(ms: i64, cause: Cause) -> Observation {
        let mut drop = bare(cause);
        drop.time = Nanos(ms * 1_000_000);
        Observation::Drop(drop)
    }

    fn timeline(times_ms: &[i64]) -> Timeline {
        let mut timeline = Timeline::default();
        for ms in times_ms {
            timeline.observe(&drop_at(*ms, Cause::PawsTimeWait));
        }
        timeline
    }

    #[test]
    fn each_length_is_a_multiple_of_the_one_before() {
        assert!(LENGTHS.windows(2).all(|pair| pair[1] > pair[0] && pair[1] % pair[0] == 0));
    }

    #[test]
    fn quiet_bars_are_bars() {
        let bars = timeline(&[250, 1050, 1060]).bars();
        let drops: Vec<_> = bars.iter().map(|(_, bar)| bar.dropped(Cause::PawsTimeWait)).collect();
        assert_eq!(drops, [1, 0, 0, 0, 0, 0, 0, 0, 2]);
        assert_eq!((bars[0].0, bars[8].0), (Nanos(200_000_000), Nanos(1_000_000_000)));
        assert!(Timeline::default().bars().is_empty());
    }

    #[test]
    fn a_long_run_has_longer_bars() {
        for (ms, length) in
            [(35_900, 100), (36_000, 500), (3_600_000, 30_000), (86_400_000 * 365, 864_000_000)]
        {
            assert_eq!(timeline(&[0, ms]).length_ms(), length, "{ms}");
        }
    }

    #[test]
    fn answered_ones_count_with_those_not_reported() {
        let mut accepted = crate::model::any::answered_of(std::net::IpAddr::from([192, 0, 2, 1]));
        accepted.unreported = 4;
        let mut timeline = Timeline::default();
        timeline.observe(&Observation::Accepted(accepted.clone()));
        timeline.observe(&Observation::Undecided(accepted));
        assert_eq!(timeline.bars().len(), 1);
        assert_eq!((timeline.bars()[0].1.answered, timeline.bars()[0].1.drops()), (5, 0));
    }

    proptest! {
        #[test]
        fn nothing_is_lost_and_no_order_matters(mut times in prop::collection::vec(any::<i64>(), 1..50)) {
            let all = |times: &[i64]| {
                let mut timeline = Timeline::default();
                for time in times {
                    let mut drop = bare(Cause::Other);
                    drop.time = Nanos(*time);
                    timeline.observe(&Observation::Drop(drop));
                }
                timeline
            };
            let one = all(&times);
            let bars = one.bars();
            prop_assert!(bars.len() <= usize::from(BARS));
            prop_assert_eq!(bars.iter().map(|(_, bar)| bar.drops()).sum::<u64>(), times.len() as u64);
            times.reverse();
            prop_assert_eq!(all(&times), one);
        }
    }
}
