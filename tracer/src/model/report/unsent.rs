//! Drops that were counted in the kernel and have no record: user space fell behind.

use std::{collections::BTreeMap, net::IpAddr};

use super::Snapshot;
use crate::model::Cause;

/// How many, of what and of whom.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unsent {
    /// By cause, of the causes that were asked for.
    pub by_cause: BTreeMap<Cause, u64>,
    /// By client address, whatever the cause: those with the most, most first; of some it is not known whose they were.
    pub sources: Vec<(IpAddr, u64)>,
}

impl Unsent {
    /// Adds them to what was observed.
    pub fn add_to(&self, seen: &mut Snapshot) {
        for (cause, n) in &self.by_cause {
            let all = seen.by_cause.entry(*cause).or_default();
            *all = all.saturating_add(*n);
            seen.drops = seen.drops.saturating_add(*n);
        }
        for source in &mut seen.sources {
            let of_it = self.sources.iter().find(|(src, _)| *src == source.src);
            source.unsent = of_it.map_or(0, |(_, n)| *n);
        }
    }
}
