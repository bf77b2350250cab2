//! Drops without a record: what the kernel side counted of them, in our words.

use std::{
    collections::{BTreeMap, HashMap},
    net::IpAddr,
};

use super::Tracing;
use crate::{
    analysis::{cause::explain, snmp::Ours},
    decode::facts,
    kernel::load::{Kinds, Sources},
    model::{
        Cause,
        report::{LeftOut, Unsent},
    },
};

/// Sources that are named.
const NAMED: usize = 64;

/// The kernel side's tables, read.
#[derive(Default)]
pub(super) struct Told {
    /// Those of the causes that were asked for; no sources yet.
    pub(super) unsent: Unsent,
    /// ... of the others.
    pub(super) left_out: LeftOut,
    /// How many move each of the kernel's counters, by namespace.
    pub(super) ours: HashMap<u32, Ours>,
    /// All of them.
    pub(super) counted: u64,
}

impl Tracing {
    /// What these kinds are.
    pub(super) fn told(&self, kinds: &Kinds) -> Told {
        let mut told = Told::default();
        for (key, n) in kinds.iter() {
            // A site that is not known is one of another version, which cannot be.
            let Ok(seen) = facts::kind(key) else { continue };
            let meaning = explain(&seen, &self.kernel);
            told.counted += n;
            let ours = told.ours.entry(seen.netns.unwrap_or(0)).or_default();
            ours.add(meaning.cause, meaning.snmp, *n);
            let by_cause = if self.report.shows(meaning.cause) {
                &mut told.unsent.by_cause
            } else {
                &mut told.left_out.seen
            };
            *by_cause.entry(meaning.cause).or_default() += n;
        }
        told
    }
}

/// Whose they were: those with the most, whatever the namespace. None where some of them are of a cause that nobody asked for,
/// because the table does not tell causes apart.
pub(super) fn of_whom(sources: &Sources, left_out: &BTreeMap<Cause, u64>) -> Vec<(IpAddr, u64)> {
    if !left_out.is_empty() {
        return Vec::new();
    }
    let mut drops: HashMap<IpAddr, u64> = HashMap::new();
    for (key, n) in sources.iter() {
        *drops.entry(facts::source(key)).or_default() += n;
    }
    let mut drops: Vec<_> = drops.into_iter().collect();
    drops.sort_unstable_by(|(a, m), (b, n)| n.cmp(m).then(a.cmp(b)));
    drops.truncate(NAMED);
    drops
}
