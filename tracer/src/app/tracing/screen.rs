//! What a full screen asks of a live run while it goes on.

use std::time::{Duration, Instant};

use super::{Tracing, summary::Surroundings, time_of_day};
use crate::{
    app::report::End,
    error::Failure,
    kernel::{load::Attached, ring::Ring},
    model::{Nanos, report::Summary},
};

/// Between two looks around.
const LOOK: Duration = Duration::from_secs(2);
/// A look that took this long is followed by so many times as much without one.
const REST: u32 = 200;

/// What was last read around the programs.
#[derive(Default)]
pub(super) struct Around {
    read: Surroundings,
    next: Option<Instant>,
}

impl Tracing {
    /// The time of day, or of the start where there is none.
    pub(in crate::app) fn now(&self) -> Nanos {
        time_of_day().unwrap_or(self.report.start.time)
    }

    /// Since everything was in place.
    pub(in crate::app) fn elapsed_ms(&self) -> u64 {
        u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// The summary of a run that goes on.
    pub(in crate::app) fn so_far(&mut self, attached: &Attached) -> Result<Summary, Failure> {
        let counts = attached.counts()?.since(&self.counts);
        let told = self.told(&attached.unsent_kinds()?.since(&self.kinds));
        self.count_lost(&counts, &told);
        let ending = self.ending(self.elapsed_ms(), &counts, told, self.around.read.clone())?;
        Ok(self.report.so_far(ending))
    }

    /// Now and then: reads what is around, as far as that is cheap.
    pub(in crate::app) fn look_around(
        &mut self,
        ring: &mut Ring,
        attached: &Attached,
    ) -> Result<Option<End>, Failure> {
        let now = Instant::now();
        if self.around.next.is_some_and(|next| now < next) {
            return Ok(None);
        }
        // The first time they are known already.
        if self.around.next.is_some() {
            self.namespaces.refresh();
        }
        let after = self.namespaces.counters(self.window.only());
        // Whatever these counters counted is in the ring or taken already.
        let end = self.take_all(ring)?;
        let told = self.told(&attached.unsent_kinds()?.since(&self.kinds));
        let (mut snmp, moved, snmp_left_out) = self.window.compare(&after, &told.ours, self.view());
        for check in &mut snmp {
            // Dropped since the reading, or while it was made: at the end of the run it is told exactly.
            if check.ours > check.kernel {
                (check.kernel, check.remark) = (check.ours, None);
            }
        }
        let only = self.filters.kernel.words.netns;
        let kernel = self.report.start.kernel.clone();
        let environment = self.scene.glance(&mut self.namespaces, only, kernel, moved);
        self.around.read = Surroundings { snmp, snmp_left_out, environment };
        self.around.next = Some(now + LOOK.max(now.elapsed() * REST));
        Ok(end)
    }
}
