//! The time of the run: which records belong to it, and how the kernel's own counters moved in it.
//!
//! Programs are attached and taken off one by one, and in between a SYN is seen in part: only what comes while all are in
//! place counts. Counters are compared for each namespace that could be read at both ends.

use std::collections::{HashMap, HashSet};

use super::namespaces::{Namespaces, Reading, Table, monotonic};
use crate::{
    analysis::snmp::{Counters, Ours, View},
    model::{Drop, report::CounterCheck},
};

/// Both ends, and our own counts in between.
pub(super) struct Window {
    only: Option<u32>,
    /// `CLOCK_MONOTONIC` when everything was in place, nanoseconds.
    from: u64,
    /// ... and just before the first program was taken off.
    to: Option<u64>,
    /// Namespaces that were there at the beginning.
    known: HashSet<u32>,
    before: Table<u32, Reading>,
    after: Table<u32, Reading>,
    ours: Table<u32, Ours>,
    on_the_edge: u64,
}

/// More namespaces than this are not told apart in the comparison.
const MAX: usize = 4096;

impl Window {
    /// The one namespace that is watched.
    pub(super) fn only(&self) -> Option<u32> {
        self.only
    }

    /// Opens it, when all programs are in place: reads the counters of one namespace, or of all.
    pub(super) fn open(namespaces: &mut Namespaces, only: Option<u32>) -> Self {
        let from = monotonic().unwrap_or(0);
        let before = namespaces.counters(only);
        Self {
            only,
            from,
            to: None,
            known: namespaces.inodes().collect(),
            before,
            after: Table::default(),
            ours: Table::default(),
            on_the_edge: 0,
        }
    }

    /// Names of the counters that this kernel has.
    pub(super) fn names(&self) -> impl Iterator<Item = &String> {
        self.before.values().take(1).flat_map(|reading| reading.counters.keys())
    }

    /// Whether something that happened at this moment was seen whole.
    pub(super) fn holds(&self, mono_ns: u64) -> bool {
        self.from <= mono_ns && self.to.is_none_or(|to| mono_ns <= to)
    }

    /// Counts a drop if the counters were watched at its time, in nanoseconds of `CLOCK_MONOTONIC`.
    pub(super) fn add(&mut self, drop: &Drop, mono_ns: u64) {
        let netns = drop.netns.unwrap_or(0);
        let (before, after) = (self.before.get(&netns), self.after.get(&netns));
        let within = |reading: &Reading| reading.from <= mono_ns && mono_ns <= reading.to;
        if before.is_some_and(within) || after.is_some_and(within) {
            self.on_the_edge += 1;
        } else if before.is_none_or(|r| r.to < mono_ns)
            && after.is_none_or(|r| mono_ns < r.from)
            && (self.ours.len() < MAX || self.ours.contains_key(&netns))
        {
            self.ours.entry(netns).or_default().add(drop.cause, drop.snmp.as_deref(), 1);
        }
    }

    /// Notes drops that are only counted and fell into the very moment at which counters were read.
    pub(super) fn on_the_edge(&mut self, drops: u64) {
        self.on_the_edge = self.on_the_edge.saturating_add(drops);
    }

    /// Reads the counters again, namespaces that came during the run included; from here on nothing counts.
    pub(super) fn close(&mut self, namespaces: &mut Namespaces) {
        namespaces.refresh();
        self.after = namespaces.counters(self.only);
        self.to = Some(monotonic().unwrap_or(u64::MAX));
    }

    /// Sets the kernel's counts beside ours, and those of drops that are only counted, by namespace; how its counters moved; and the number of namespaces with drops that cannot be
    /// compared, because they ended or could not be read.
    pub(super) fn check(
        &self,
        counted: &HashMap<u32, Ours>,
        view: View,
    ) -> (Vec<CounterCheck>, Counters, u64) {
        self.compare(&self.after, counted, view)
    }

    /// The same while it goes on, with a reading of the counters that was just made.
    pub(super) fn compare(
        &self,
        after: &Table<u32, Reading>,
        counted: &HashMap<u32, Ours>,
        view: View,
    ) -> (Vec<CounterCheck>, Counters, u64) {
        let (mut moved, mut ours) = (Counters::new(), Ours::default());
        // One that was not there before started at zero.
        let comparable = |netns: &u32| {
            after.contains_key(netns) && (self.before.contains_key(netns) || !self.known.contains(netns))
        };
        for (netns, after) in after.iter().filter(|(netns, _)| comparable(netns)) {
            let before = self.before.get(netns);
            for (name, value) in &after.counters {
                let then = before.and_then(|reading| reading.counters.get(name)).copied().unwrap_or(0);
                *moved.entry(name.clone()).or_default() += value.saturating_sub(then);
            }
            for counts in self.ours.get(netns).into_iter().chain(counted.get(netns)) {
                ours.join(counts);
            }
        }
        let left_out = self.ours.keys().filter(|netns| !comparable(netns)).count() as u64;
        (ours.check(&moved, &View { on_the_edge: self.on_the_edge, ..view }), moved, left_out)
    }
}
