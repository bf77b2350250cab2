//! The end of a live run: what was lost in the kernel, how its own counters moved, and what the machine is set to.

use tracer_common::counters::Counter;

use super::{Tracing, time_of_day};
use crate::{
    analysis::snmp::View,
    app::report::Closing,
    error::Failure,
    kernel::load::Counts,
    model::{Cause, report::Summary},
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
            filtered: self.filters.narrow,
            blind: start.blind.clone(),
            lost: lost.ring + lost.decode + lost.slot + lost.read > 0,
            ..View::default()
        };
        let (snmp, moved, snmp_left_out) = self.window.check(view);
        // Of what was accepted the kernel side's own counts are exact, also where records found no room.
        let mut seen = self.report.snapshot();
        seen.accepted = counts.of(Counter::Answered) + counts.of(Counter::Opened);
        seen.unreported = counts.of(Counter::Unreported);
        if listener_blind {
            // What it sees of the others are handshakes that ended, not SYNs.
            seen.sources.iter_mut().for_each(|source| source.syns = None);
        }
        let only = self.filters.kernel.words.netns;
        let kernel = start.kernel.clone();
        let environment = self.scene.read(&mut self.namespaces, only, kernel, moved);
        // Where nobody asks for those, the programs do not even report them.
        let not_looked_at = [Cause::NoListener].into_iter().filter(|cause| !self.report.shows(*cause));
        let closing = Closing {
            time: time_of_day()?,
            elapsed_ms,
            syns: (!listener_blind).then_some(counts.of(Counter::Listened)),
            environment,
            snmp,
            snmp_left_out,
            not_looked_at: not_looked_at.collect(),
            capture: None,
        };
        Ok(self.report.summary(seen, closing))
    }
}
