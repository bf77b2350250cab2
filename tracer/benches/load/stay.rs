//! Threads that stay where they are: what moves between processors is measured as a change of rate.

use std::thread;

use anyhow::{Context as _, Result};
use nix::{
    sched::{CpuSet, sched_setaffinity},
    unistd::Pid,
};

/// The number of the last processor.
pub(crate) fn last_processor() -> Result<usize> {
    Ok(thread::available_parallelism()?.get() - 1)
}

/// Keeps the calling thread, and what it starts, on this processor.
pub(crate) fn stay_on(processor: usize) -> Result<()> {
    let mut only = CpuSet::new();
    only.set(processor)?;
    sched_setaffinity(Pid::from_raw(0), &only).with_context(|| format!("stay on processor {processor}"))
}
