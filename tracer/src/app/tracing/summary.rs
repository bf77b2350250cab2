//! The end of a run: what was seen, what was lost, how the kernel's own counters moved, and the verdict on it.

use nix::time::ClockId;
use tracer_common::counters::Counter;

use super::{Tracing, clock};
use crate::{
    analysis::{
        snmp::View,
        verdict::{Case, LeftOut, judge},
    },
    error::Failure,
    kernel::load::Counts,
    model::{
        Cause, Nanos,
        report::{Snapshot, Summary},
    },
};

/// Sources in the summary.
const TOP: usize = 10;
/// Sources that the verdict asks for their clocks: it must know of most drops where they came from.
const JUDGED: usize = 256;

impl Tracing {
    /// Sums up.
    pub(super) fn summary(&mut self, elapsed_ms: u64, counts: &Counts) -> Result<Summary, Failure> {
        self.lost.ring = counts.of(Counter::LostRing);
        self.lost.slot = counts.of(Counter::LostSlot);
        self.lost.read = counts.of(Counter::ReadFailed);
        self.lost.unprinted = self.limit.held_back();
        let listener_blind = self.start.blind.contains(&Cause::AcceptQueueFull);
        let view = View {
            filtered: self.filters.words.is_narrow(),
            blind: self.start.blind.clone(),
            lost: self.lost.ring + self.lost.decode + self.lost.slot + self.lost.read > 0,
            ..View::default()
        };
        let (snmp, moved, snmp_left_out) = self.window.check(view);
        let mut seen = self.snapshot(counts);
        if listener_blind {
            // What it sees of the others are handshakes that ended, not SYNs.
            seen.sources.iter_mut().for_each(|source| source.syns = None);
        }
        self.lost.table = seen.other.drops;
        let only = self.filters.kernel.words.netns;
        let environment = self.scene.read(&mut self.namespaces, only, &self.start.kernel, moved);
        let verdict = judge(&Case {
            snapshot: &seen,
            environment: &environment,
            checks: &snmp,
            blind: &self.start.blind,
            lost: self.lost,
            left_out: &LeftOut {
                seen: std::mem::take(&mut self.left_out),
                // Where nobody asks for those, the programs do not even report them.
                not_looked_at: [Cause::NoListener]
                    .into_iter()
                    .filter(|cause| !self.filters.causes.contains(cause))
                    .collect(),
            },
            filtered: self.filters.words.is_narrow(),
        });
        seen.sources.truncate(TOP);
        Ok(Summary {
            time: Nanos(clock(ClockId::CLOCK_REALTIME)?),
            elapsed_ms,
            syns: (!listener_blind).then_some(counts.of(Counter::Listened)),
            accepted: seen.accepted,
            drops: seen.drops,
            by_cause: seen.by_cause,
            sources: seen.sources,
            sources_total: seen.sources_total,
            other: seen.other,
            retries: seen.retries,
            unreported: seen.unreported,
            clocks_evicted: seen.clocks_evicted,
            verdict,
            snmp,
            snmp_left_out,
            lost: self.lost,
            blind: self.start.blind.clone(),
            missing: self.start.missing.clone(),
        })
    }

    /// Everything that was observed. Of what was accepted the kernel side's own counts are exact, also where records found
    /// no room.
    fn snapshot(&self, counts: &Counts) -> Snapshot {
        let mut snapshot = self.engine.snapshot(JUDGED);
        snapshot.accepted = counts.of(Counter::Answered) + counts.of(Counter::Opened);
        snapshot.unreported = counts.of(Counter::Unreported);
        snapshot
    }
}
