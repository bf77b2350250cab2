//! The kernel's own counters over the time of the run, and which of our drops fall into it.
//!
//! A namespace's counters are read before the first record counts and after the last; a drop outside of those two
//! moments moved the counters unseen and is left out of the comparison.

use std::collections::HashMap;

use super::namespaces::{Namespaces, Reading};
use crate::{
    analysis::snmp::{Counters, Ours, View},
    model::{Drop, report::CounterCheck},
};

/// Both ends, and our own counts in between.
pub(super) struct Window {
    only: Option<u32>,
    before: HashMap<u32, Reading>,
    after: HashMap<u32, Reading>,
    ours: Ours,
}

impl Window {
    /// Opens it: reads the counters of one namespace, or of all.
    pub(super) fn open(namespaces: &mut Namespaces, only: Option<u32>) -> Self {
        let before = namespaces.counters(only);
        Self { only, before, after: HashMap::new(), ours: Ours::default() }
    }

    /// Names of the counters that this kernel has.
    pub(super) fn names(&self) -> Vec<String> {
        self.before.values().next().map(|r| r.counters.keys().cloned().collect()).unwrap_or_default()
    }

    /// Counts a drop if the counters were watched at its time, in nanoseconds of `CLOCK_MONOTONIC`.
    pub(super) fn add(&mut self, drop: &Drop, mono_ns: u64) {
        let netns = drop.netns.unwrap_or(0);
        let begun = self.before.get(&netns).is_none_or(|reading| reading.to <= mono_ns);
        let over = self.after.get(&netns).is_some_and(|reading| reading.from < mono_ns);
        if begun && !over {
            self.ours.add(drop);
        }
    }

    /// Reads the counters again; namespaces that came during the run, too.
    pub(super) fn close(&mut self, namespaces: &mut Namespaces) {
        namespaces.refresh();
        self.after = namespaces.counters(self.only);
    }

    /// Sets the kernel's counts beside ours.
    pub(super) fn check(&self, view: View) -> Vec<CounterCheck> {
        let mut moved = Counters::new();
        for (netns, after) in &self.after {
            let before = self.before.get(netns);
            for (name, value) in &after.counters {
                // A namespace that was not there before started at zero.
                let then = before.and_then(|reading| reading.counters.get(name)).copied().unwrap_or(0);
                *moved.entry(name.clone()).or_default() += value.saturating_sub(then);
            }
        }
        let gone = self.before.keys().filter(|netns| !self.after.contains_key(netns)).count();
        self.ours.check(&moved, View { namespaces_gone: gone as u64, ..view })
    }
}
