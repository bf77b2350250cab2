//! The end of a run: what was seen, what was lost, how the kernel's own counters moved, and the verdict on it.

use nix::time::ClockId;
use tracer_common::counters::Counter;

use super::{Tracing, clock};
use crate::{
    analysis::{
        snmp::View,
        summary::{JUDGED, sum_up},
    },
    error::Failure,
    kernel::load::Counts,
    model::{
        Cause, Nanos,
        report::{Ending, LeftOut, Summary},
    },
};

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
        let only = self.filters.kernel.words.netns;
        let environment = self.scene.read(&mut self.namespaces, only, &self.start.kernel, moved);
        let ending = Ending {
            time: Nanos(clock(ClockId::CLOCK_REALTIME)?),
            elapsed_ms,
            syns: (!listener_blind).then_some(counts.of(Counter::Listened)),
            // Of what was accepted the kernel side's own counts are exact, also where records found no room.
            accepted: Some(counts.of(Counter::Answered) + counts.of(Counter::Opened)),
            unreported: Some(counts.of(Counter::Unreported)),
            snmp,
            snmp_left_out,
            lost: self.lost,
            environment,
            left_out: LeftOut {
                seen: std::mem::take(&mut self.left_out),
                // Where nobody asks for those, the programs do not even report them.
                not_looked_at: [Cause::NoListener]
                    .into_iter()
                    .filter(|cause| !self.filters.causes.contains(cause))
                    .collect(),
            },
        };
        Ok(sum_up(&self.start, ending, self.engine.snapshot(JUDGED)))
    }
}
