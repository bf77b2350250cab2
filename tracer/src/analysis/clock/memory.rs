//! Timestamps that the kernel remembered when it refused a SYN: readings of the same address, which nobody may have seen
//! arrive.
//!
//! They are as old as a bucket lives, and their times are known to the second. What they mean is said elsewhere.

/// Readings kept, the last ones.
const KEPT: usize = 32;

/// One of them: when it was recorded, which may be a second later than this; TSval.
pub(in crate::analysis) type Reading = (u32, u32);

/// How imprecise their times are, milliseconds.
pub(in crate::analysis) const PRECISION_MS: u32 = 1_000;

/// The last ones.
#[derive(Clone, Debug, Default)]
pub(in crate::analysis) struct Memory {
    /// Oldest first.
    kept: Vec<Reading>,
}

impl Memory {
    /// Takes one. A bucket that refuses again remembers the same as before: that is one reading.
    pub(super) fn add(&mut self, at_ms: u32, tsval: u32) {
        let same = |(then, value): &Reading| *value == tsval && then.abs_diff(at_ms) <= 2 * PRECISION_MS;
        if self.kept.iter().any(same) {
            return;
        }
        if self.kept.len() == KEPT {
            self.kept.remove(0);
        } else if self.kept.len() == self.kept.capacity() {
            self.kept.reserve_exact(4);
        }
        self.kept.push((at_ms, tsval));
    }

    /// Oldest first.
    pub(in crate::analysis) fn readings(&self) -> &[Reading] {
        &self.kept
    }

    /// Bytes on the heap.
    pub(super) fn heap(&self) -> usize {
        self.kept.capacity() * size_of::<Reading>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_bucket_is_one_reading_and_the_table_is_bounded() {
        let mut memory = Memory::default();
        memory.add(5_000, 7);
        memory.add(5_400, 7);
        assert_eq!(memory.readings(), [(5_000, 7)]);
        (0..1_000).for_each(|n| memory.add(n * 1_000, n));
        assert!(memory.readings().len() == KEPT && memory.readings().contains(&(999_000, 999)));
    }
}
