//! The end of a live run: what was lost in the kernel, how its own counters moved, and what the machine is set to.

use tracer_common::counters::Counter;

use super::{Tracing, time_of_day};
use crate::{
    analysis::snmp::View,
    error::Failure,
    kernel::load::Counts,
    model::{
        Cause,
        report::{Ending, LeftOut, Lost, Summary},
    },
};

impl Tracing {
    /// Sums up.
    pub(super) fn summary(&mut self, elapsed_ms: u64, counts: &Counts) -> Result<Summary, Failure> {
        let lost = &mut self.report.lost;
        lost.ring = counts.of(Counter::LostRing);
        lost.slot = counts.of(Counter::LostSlot);
        lost.read = counts.of(Counter::ReadFailed);
        let start = &self.report.start;
        let listener_blind = start.blind.contains(&Cause::AcceptQueueFull);
        let view = View {
            filtered: start.filter.is_narrow(),
            blind: start.blind.clone(),
            lost: lost.ring + lost.decode + lost.slot + lost.read > 0,
            ..View::default()
        };
        let (snmp, moved, snmp_left_out) = self.window.check(view);
        let only = self.filters.kernel.words.netns;
        let kernel = start.kernel.clone();
        let environment = self.scene.read(&mut self.namespaces, only, kernel, moved);
        // Where nobody asks for those, the programs do not even report them.
        let not_looked_at = [Cause::NoListener].into_iter().filter(|cause| !self.report.shows(*cause));
        let ending = Ending {
            syns: (!listener_blind).then_some(counts.of(Counter::Listened)),
            // Of what was accepted the kernel side's own counts are exact, also where records found no room.
            accepted: Some(counts.of(Counter::Answered) + counts.of(Counter::Opened)),
            unreported: Some(counts.of(Counter::Unreported)),
            elapsed_ms,
            environment,
            snmp,
            snmp_left_out,
            left_out: LeftOut { not_looked_at: not_looked_at.collect(), ..LeftOut::default() },
            ..Ending::unknown(None, time_of_day()?, Lost::default())
        };
        Ok(self.report.sum_up(ending))
    }
}
