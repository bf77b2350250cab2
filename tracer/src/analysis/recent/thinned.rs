//! Some of many, spread over all of them, in bounded memory and without chance.

use super::Reading;

/// One reading of each so many in a row: when there is no room left, one of every two goes, and from then on one of twice as
/// many comes in. Which one it is changes from row to row: clients that take turns would else lose all of one of them.
#[derive(Debug)]
pub(super) struct Thinned {
    kept: Vec<Reading>,
    most: usize,
    /// One in 2^this.
    halvings: u32,
    seen: u64,
}

/// Bits that have nothing to do with one another for numbers that follow one another (the finalizer of SplitMix64).
fn mixed(n: u64) -> u64 {
    let n = n.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let n = (n ^ (n >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let n = (n ^ (n >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    n ^ (n >> 31)
}

impl Thinned {
    /// Room for `most`, an even number.
    pub(super) fn new(most: usize) -> Self {
        Self { kept: Vec::new(), most, halvings: 0, seen: 0 }
    }

    pub(super) fn push(&mut self, reading: Reading) {
        let halvings = self.halvings.min(63);
        let (row, place) = (self.seen >> halvings, self.seen & ((1 << halvings) - 1));
        // Every row so far has given one: the rows of twice the length are whole, too.
        if place == 0 && self.kept.len() == self.most {
            self.halve();
            return self.push(reading);
        }
        if place == mixed(row) & ((1 << halvings) - 1) {
            self.kept.push(reading);
        }
        self.seen += 1;
    }

    fn halve(&mut self) {
        let pairs = self.kept.len() / 2;
        for pair in 0..pairs {
            self.kept[pair] = self.kept[2 * pair + usize::from(mixed(!(pair as u64)) & 1 == 1)];
        }
        self.kept.truncate(pairs);
        self.halvings += 1;
    }

    /// Of another source from here on.
    pub(super) fn clear(&mut self) {
        self.kept.clear();
        (self.halvings, self.seen) = (0, 0);
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = Reading> {
        self.kept.iter().copied()
    }

    /// How many there were.
    pub(super) fn seen(&self) -> u64 {
        self.seen
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Nanos;

    const MOST: usize = 256;

    fn thinned(n: i64) -> Vec<i64> {
        let mut thinned = Thinned::new(MOST);
        for n in 0..n {
            thinned.push(Reading { time: Nanos(n), tsval: 0, dropped: false });
            assert!(thinned.kept.len() <= MOST);
        }
        assert_eq!(thinned.seen(), n.cast_unsigned());
        thinned.iter().map(|reading| reading.time.0).collect()
    }

    #[test]
    fn spread_over_all_of_them() {
        assert_eq!(thinned(256), (0..256).collect::<Vec<_>>());
        let times = thinned(100_000);
        assert!(times.len() >= MOST / 2, "{}", times.len());
        // One in 512, each of a row of its own.
        let rows: Vec<_> = times.iter().map(|time| time / 512).collect();
        assert_eq!(rows, (0..rows.len().cast_signed() as i64).collect::<Vec<_>>());
    }

    #[test]
    fn hosts_that_take_turns_all_stay() {
        let times = thinned(40_000);
        for turn in [2, 4, 8, 3] {
            for host in 0..turn {
                let share = times.iter().filter(|time| **time % turn == host).count();
                let fair = times.len() / usize::try_from(turn).unwrap();
                assert!(share > fair / 2, "host {host} of {turn}: {share}, fair {fair}");
            }
        }
    }
}
