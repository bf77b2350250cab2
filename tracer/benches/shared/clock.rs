//! What something costs: time of the processor that this thread took, whatever else the machine does.

use nix::time::{ClockId, clock_gettime};

/// Nanoseconds since some moment.
pub(crate) fn processor_ns() -> i64 {
    let time = clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).expect("Linux has it");
    time.tv_sec() * 1_000_000_000 + time.tv_nsec()
}
