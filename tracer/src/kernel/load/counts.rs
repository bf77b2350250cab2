//! What the kernel side counted, by itself or since an earlier reading.

use tracer_common::counters::{COUNTERS, Counter};

/// The kernel side's own counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts(pub(super) [u64; COUNTERS as usize]);

impl Counts {
    /// What was added since an earlier reading.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        Self(std::array::from_fn(|n| self.0[n].saturating_sub(earlier.0[n])))
    }

    /// One of them.
    pub fn of(&self, counter: Counter) -> u64 {
        self.0[counter as usize]
    }
}
