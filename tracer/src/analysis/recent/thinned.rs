//! Some of many, evenly spread over all of them, in bounded memory and without chance.

use super::{READINGS, Reading};

/// Every so manieth reading: when there is no room left, every second one goes, and from then on half as many come in.
#[derive(Debug, Default)]
pub(super) struct Thinned {
    kept: Vec<Reading>,
    /// One in 2^this.
    halvings: u32,
    seen: u64,
}

impl Thinned {
    pub(super) fn push(&mut self, reading: Reading) {
        let step = 1_u64.checked_shl(self.halvings).unwrap_or(u64::MAX);
        if self.seen.is_multiple_of(step) {
            if self.kept.len() == READINGS {
                let mut odd = false;
                self.kept.retain(|_| {
                    odd = !odd;
                    odd
                });
                self.halvings += 1;
            }
            self.kept.push(reading);
        }
        self.seen += 1;
    }

    /// Of another source from here on.
    pub(super) fn clear(&mut self) {
        self.kept.clear();
        (self.halvings, self.seen) = (0, 0);
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = Reading> {
        self.kept.iter().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Nanos;

    #[test]
    fn evenly_spread() {
        let mut thinned = Thinned::default();
        for n in 0..100_000 {
            thinned.push(Reading { time: Nanos(n), tsval: 0, dropped: false });
            assert!(thinned.kept.len() <= READINGS);
        }
        let times: Vec<_> = thinned.iter().map(|reading| reading.time.0).collect();
        assert!(times.len() > READINGS / 2 - 1, "{}", times.len());
        assert_eq!(times[0], 0);
        let steps: Vec<_> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
        assert!(steps.iter().all(|step| *step == steps[0]), "{steps:?}");
    }
}
