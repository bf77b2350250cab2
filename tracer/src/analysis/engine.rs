//! Where every observation goes, and what is known of all of them at a moment.
//!
//! Decides only what belongs together: the totals, the sources, the attempts that were refused, the clocks of each pair of
//! addresses. Memory is bounded by [`Limits`], and no observation costs more because there were many before.

use std::collections::BTreeMap;

use super::{
    aggregate::{Causes, Owner, Placed, Seen, Sources, join},
    clock::{Remembered, Sample},
    pairs::Pairs,
    refusals::Refusals,
    retry::{Attempts, Change, Key},
    served::Served,
};
use crate::model::{
    Cause, Drop, Evidence, Nanos, Observation,
    reading::{Accepted, Stack},
    report::{Changes, Retries, Snapshot, Source},
};

pub use crate::model::report::Limits;

/// Listeners in a snapshot.
const LISTENERS: usize = 20;

/// Everything seen so far.
#[derive(Debug)]
pub struct Engine {
    accepted: u64,
    unreported: u64,
    drops: u64,
    wire: u64,
    causes: Causes,
    retries: Retries,
    refusals: Refusals,
    served: Served,
    sources: Sources,
    attempts: Attempts,
    pairs: Pairs,
}

impl Engine {
    /// Nothing seen.
    pub fn new(limits: Limits) -> Self {
        Self {
            accepted: 0,
            unreported: 0,
            drops: 0,
            wire: 0,
            causes: Causes::default(),
            retries: Retries::default(),
            refusals: Refusals::new(),
            served: Served::new(),
            sources: Sources::new(limits.sources),
            attempts: Attempts::new(),
            pairs: Pairs::new(limits.clock_bytes),
        }
    }

    /// Takes one observation into account.
    pub fn observe(&mut self, observation: &Observation) {
        match observation {
            Observation::Drop(drop) => self.dropped(drop),
            Observation::Accepted(accepted) => self.answered(accepted),
            Observation::Undecided(syn) => self.read_only(syn),
        }
    }

    fn dropped(&mut self, drop: &Drop) {
        self.drops += 1;
        self.causes.add(drop.cause);
        self.wire += u64::from(drop.evidence == Evidence::Wire);
        self.refusals.add(drop);
        self.served.add(drop);
        let placed = self.sources.add(&Seen {
            src: drop.flow.src,
            time: drop.time,
            cause: Some(drop.cause),
            regression: drop.regression(),
            unreported: 0,
        });
        // A SYN that comes again right behind its SYN/ACK was not refused: the kernel stays silent, the client is in.
        if drop.cause != Cause::Repeated {
            let key = Key { netns: drop.netns, flow: drop.flow, seq: Some(drop.syn.seq) };
            let real = placed.map_or(drop.cause.needs_connection(), |placed| placed.real);
            let change = self.attempts.refused(&key, drop.time, placed.map(|placed| placed.owner), real);
            self.retried(&change);
        }
        let Some(placed) = placed else { return };
        let sample = Sample {
            time: drop.time,
            sport: drop.flow.sport,
            dport: drop.flow.dport,
            seq: Some(drop.syn.seq),
            tsval: drop.syn.tsval,
            stack: Stack::from(&drop.syn),
            remembered: remembered(drop),
        };
        self.read(placed.owner.slot, placed.new, (drop.netns, drop.flow.dst), &sample);
    }

    fn answered(&mut self, accepted: &Accepted) {
        self.accepted += 1 + u64::from(accepted.unreported);
        self.unreported += u64::from(accepted.unreported);
        let placed = self.arrived(accepted);
        let key = Key { netns: accepted.netns, flow: accepted.flow, seq: accepted.seq };
        let change = self.attempts.answered(&key, accepted.time);
        self.retried(&change);
        self.read_clock(placed, accepted);
    }

    /// Neither dropped nor answered, as far as anyone knows: it counts as a SYN of its source, and as a reading of a clock.
    fn read_only(&mut self, syn: &Accepted) {
        let placed = self.arrived(syn);
        self.read_clock(placed, syn);
    }

    fn arrived(&mut self, syn: &Accepted) -> Option<Placed> {
        self.sources.add(&Seen {
            src: syn.flow.src,
            time: syn.time,
            cause: None,
            regression: None,
            unreported: syn.unreported,
        })
    }

    fn read_clock(&mut self, placed: Option<Placed>, syn: &Accepted) {
        let Some(placed) = placed else { return };
        let sample = Sample {
            time: syn.time,
            sport: syn.flow.sport,
            dport: syn.flow.dport,
            seq: syn.seq,
            tsval: syn.tsval,
            stack: syn.stack,
            remembered: None,
        };
        self.read(placed.owner.slot, placed.new, (syn.netns, syn.flow.dst), &sample);
    }

    fn retried(&mut self, change: &Change) {
        for (owner, ms) in self.attempts.ended() {
            self.retries.longest_ms = self.retries.longest_ms.max(ms);
            if let Some(owner) = owner {
                self.sources.waited(owner, ms);
            }
        }
        if change.before == change.after {
            return;
        }
        join(&mut self.retries, &change.before, &change.after);
        if let Some(owner) = change.owner {
            self.sources.retried(owner, &change.before, &change.after);
        }
    }

    fn read(&mut self, slot: u32, new: bool, to: (Option<u32>, std::net::IpAddr), sample: &Sample) {
        if new {
            self.pairs.forget(slot);
        }
        let sources = &self.sources;
        self.pairs.observe((slot, to.0, to.1), sample, |slot| sources.hurt(slot));
    }

    /// Everything that is known now, with the `top` sources that have the most drops; then the most SYNs.
    pub fn snapshot(&self, top: usize) -> Snapshot {
        let mut retries = self.retries;
        let waited = self.attempts.waited().map(|(_, ms)| ms).max();
        retries.longest_ms = retries.longest_ms.max(waited.unwrap_or(0));
        let waited = self.waited();
        let sources = self.sources.top(top).into_iter().map(|(slot, mut source)| {
            self.complete(slot, &mut source, &waited);
            source
        });
        let (served, served_other) = self.served.top(LISTENERS);
        Snapshot {
            accepted: self.accepted,
            unreported: self.unreported,
            drops: self.drops,
            by_cause: self.causes.map(),
            wire: self.wire,
            retries,
            sources: sources.collect(),
            sources_total: self.sources.len() as u64,
            other: self.sources.other(),
            served,
            served_other,
            clocks_evicted: self.pairs.given_up(),
            listeners: self.refusals.listeners(),
            reasons: self.refusals.reasons(),
        }
    }

    /// What changed since the last call: the `top` sources with the most drops since then.
    pub fn changes(&mut self, top: usize) -> Changes {
        let (slots, mut changes) = self.sources.changes(top);
        let waited = self.waited();
        for (slot, change) in slots.into_iter().zip(&mut changes.sources) {
            self.complete(slot, &mut change.source, &waited);
        }
        changes
    }

    /// The longest wait among the attempts of each source that are remembered.
    fn waited(&self) -> BTreeMap<Owner, u64> {
        let mut longest: BTreeMap<Owner, u64> = BTreeMap::new();
        for (owner, ms) in self.attempts.waited() {
            if let Some(owner) = owner {
                let most = longest.entry(owner).or_default();
                *most = ms.max(*most);
            }
        }
        longest
    }

    /// What of a source is not in its row.
    fn complete(&self, slot: u32, source: &mut Source, waited: &BTreeMap<Owner, u64>) {
        source.nat = self.pairs.assess(slot);
        let still = self.sources.owner(slot).and_then(|owner| waited.get(&owner));
        source.retries.longest_ms = source.retries.longest_ms.max(still.copied().unwrap_or(0));
    }

    /// Dropped SYNs so far.
    pub fn drops(&self) -> u64 {
        self.drops
    }
}

/// What the kernel remembered when it refused the SYN.
fn remembered(drop: &Drop) -> Option<Remembered> {
    let time = drop.ts_age_ms.map(|age| {
        let age = i64::try_from(age).unwrap_or(i64::MAX).saturating_mul(1_000_000);
        Nanos(drop.time.0.saturating_sub(age))
    });
    // The cache of `tcp_tw_recycle` is one for an address, whatever the ports are.
    let same_ports = drop.cause != Cause::PawsRecycle;
    drop.ts_recent.map(|tsval| Remembered { tsval, time, same_ports })
}

#[cfg(test)]
mod tests;
