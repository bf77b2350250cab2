//! A live run whose records come from memory in place of the ring: for benchmarks, and for tests of what a record costs.

use super::{Counts, Ground, Kinds, Tracing, time_of_day};
use crate::{
    analysis::kernel::Kernel,
    app::{report::Manner, request::filters, sink::Recording},
    cli::LiveArgs,
    error::Failure,
    kernel::ring::Batch,
    model::report::{Ending, Lost, Start, Summary},
};

/// A run without programs.
pub struct Fed(Tracing);

impl Fed {
    /// With the options of a live run. The kernel's counters are those of this machine.
    ///
    /// # Errors
    /// As a live run.
    pub fn start(args: &LiveArgs, kernel: Kernel, start: Start) -> Result<Self, Failure> {
        let ground = Ground { kernel, start, counts: Counts::default(), unsent: &|| Ok(Kinds::default()) };
        let recording = args.output.record.write.as_deref().map(Recording::create).transpose()?;
        let mut tracing = Tracing::new(args, ground, filters(args, None)?, recording, Manner::Lines)?;
        tracing.start()?;
        Ok(Self(tracing))
    }

    /// Takes records, one behind the other.
    ///
    /// # Errors
    /// When standard output fails.
    pub fn take(&mut self, records: &[u8]) -> Result<(), Failure> {
        self.0.take(&Batch { records, more: true, ..Batch::default() }).map(drop)
    }

    /// Hands on what waits for its listener; whether some still do.
    ///
    /// # Errors
    /// When standard output fails.
    pub fn waits(&mut self) -> Result<bool, Failure> {
        self.0.release()?;
        Ok(!self.0.waiting.is_empty())
    }

    /// Sums up what came so far.
    ///
    /// # Errors
    /// When the clock cannot be read.
    pub fn summary(&mut self) -> Result<Summary, Failure> {
        let ending = Ending::unknown(Some(&self.0.report.start), time_of_day()?, Lost::default());
        Ok(self.0.report.so_far(ending))
    }
}
