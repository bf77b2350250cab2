//! Clocks: what each costs, and what it is good for.

use aya_ebpf::helpers::generated::bpf_ktime_get_ns;
use tracer_common::event::SynRecord;

use crate::helper::jiffies;

/// What was noted of a SYN longer ago than this was of another one. Usually microseconds pass; a busy virtual machine may
/// stand still in between.
const RECENT_NS: u64 = 200_000_000;

/// Monotonic time, nanoseconds.
#[inline(always)]
pub fn now() -> u64 {
    // SAFETY: takes nothing, returns a number.
    #[expect(unsafe_code, reason = "a BPF helper")]
    unsafe {
        bpf_ktime_get_ns()
    }
}

/// Sets the time of a record that goes out, where its observation did not begin with it: of most SYNs of a flood none goes out,
/// and the clock costs a tenth of what they do.
#[inline(always)]
pub fn timed(record: &mut SynRecord) {
    if record.time_ns == 0 {
        record.time_ns = now();
    }
}

/// Whether what was noted then is of the packet in hand.
#[inline(always)]
pub fn recent(noted_ns: u64) -> bool {
    now().wrapping_sub(noted_ns) < RECENT_NS
}

/// Whether a time that the kernel noted in ticks (`tcp_jiffies32`) is of this very moment. Usually the tick is the same; a
/// virtual machine may stand still in between.
#[inline(always)]
pub fn just_now(ticks: u32) -> bool {
    jiffies().is_some_and(|now| (now as u32).wrapping_sub(ticks) <= 10)
}
