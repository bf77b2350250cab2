//! The end of a live run: what was lost in the kernel, how its own counters moved, and what the machine is set to.

use tracer_common::counters::Counter;

use super::{Tracing, time_of_day, unsent::Told};
use crate::{
    analysis::snmp::View,
    error::Failure,
    kernel::load::Counts,
    model::{
        Cause,
        environment::Environment,
        report::{CounterCheck, Ending, LeftOut, Lost, Summary},
    },
};

/// What is read around the programs: the kernel's own counters beside ours, and the machine.
#[derive(Clone, Debug, Default)]
pub(super) struct Surroundings {
    pub(super) snmp: Vec<CounterCheck>,
    pub(super) snmp_left_out: u64,
    pub(super) environment: Environment,
}

impl Tracing {
    /// Sums up.
    pub(super) fn summary(
        &mut self,
        elapsed_ms: u64,
        counts: &Counts,
        told: Told,
    ) -> Result<Summary, Failure> {
        self.count_lost(counts, &told);
        let (snmp, moved, snmp_left_out) = self.window.check(&told.ours, self.view());
        let only = self.filters.kernel.words.netns;
        let kernel = self.report.start.kernel.clone();
        let environment = self.scene.read(&mut self.namespaces, only, kernel, moved);
        let around = Surroundings { snmp, snmp_left_out, environment };
        let ending = self.ending(elapsed_ms, counts, told, around)?;
        Ok(self.report.sum_up(ending))
    }

    /// What the kernel side lost so far.
    pub(super) fn count_lost(&mut self, counts: &Counts, told: &Told) {
        let lost = &mut self.report.lost;
        lost.ring = told.counted + counts.of(Counter::Uncounted) + self.lost_on_the_way;
        lost.counted = told.counted;
        lost.slot = counts.of(Counter::LostSlot);
        lost.read = counts.of(Counter::ReadFailed);
        lost.skipped = counts.skipped;
    }

    /// What bounds our view of the kernel's counters.
    pub(super) fn view(&self) -> View {
        let (start, lost) = (&self.report.start, &self.report.lost);
        View {
            filtered: start.filter.is_narrow(),
            blind: start.blind.clone(),
            lost: lost.uncounted() + lost.decode + lost.slot + lost.read + lost.skipped > 0,
            ..View::default()
        }
    }

    /// What no observation tells.
    pub(super) fn ending(
        &self,
        elapsed_ms: u64,
        counts: &Counts,
        told: Told,
        around: Surroundings,
    ) -> Result<Ending, Failure> {
        let listener_blind = self.report.start.blind.contains(&Cause::AcceptQueueFull);
        // Where nobody asks for those, the programs do not even report them.
        let not_looked_at = [Cause::NoListener].into_iter().filter(|cause| !self.report.shows(*cause));
        Ok(Ending {
            syns: (!listener_blind).then_some(counts.of(Counter::Listened)),
            // Of what was accepted the kernel side's own counts are exact, also where records found no room.
            accepted: Some(counts.of(Counter::Answered) + counts.of(Counter::Opened)),
            unreported: Some(counts.of(Counter::Unreported)),
            elapsed_ms,
            environment: around.environment,
            snmp: around.snmp,
            snmp_left_out: around.snmp_left_out,
            left_out: LeftOut { not_looked_at: not_looked_at.collect(), ..told.left_out },
            unsent: told.unsent,
            ..Ending::unknown(None, time_of_day()?, Lost::default())
        })
    }
}
