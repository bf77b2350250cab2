//! The way to user space: the ring, who is woken up for it, and what goes into it when it fills.

use aya_ebpf::{EbpfContext, macros::map, maps::RingBuf};
use tracer_common::{
    counters::Counter,
    event::{FIXED_LEN, SynRecord, TCP_OPTIONS_MAX},
};

use crate::{
    accepted::awaited,
    kinds::Array,
    log::debug,
    maps::count,
    read::at_most,
    time::timed,
    told::told,
    unsent::{turn, unsent},
};

/// User space sets the size before load.
#[map]
static EVENTS: RingBuf = RingBuf::with_byte_size(1 << 20, 0);

/// When user space was last woken up for a drop, nanoseconds.
#[map]
static WOKEN: Array<u64> = Array::with_max_entries(1, 0);

/// What is sent is in the ring already.
#[inline(always)]
pub fn flush(_ctx: &impl EbpfContext) {}

/// `BPF_RB_NO_WAKEUP`, `BPF_RB_FORCE_WAKEUP`, `BPF_RB_AVAIL_DATA` (`include/uapi/linux/bpf.h`).
const NO_WAKEUP: u64 = 1;
const FORCE_WAKEUP: u64 = 2;
const AVAIL_DATA: u64 = 0;

/// Counts a dropped SYN and sends its record; one that gets none is counted by what it was.
#[inline(always)]
pub fn send(record: &mut SynRecord) {
    count(Counter::Drops);
    say(record);
    if turn(record, waiting) {
        timed(record);
        if output(record, wakeup(record.time_ns)) {
            awaited(record);
            return;
        }
    }
    unsent(record);
}

/// Bytes in the ring that user space has not read.
#[inline(always)]
fn waiting() -> u64 {
    EVENTS.query(AVAIL_DATA)
}

/// Sends a reading, where it takes no room that drops may need. Nobody waits for one: user space looks now and then, and is
/// woken up only when many have gathered.
#[inline(always)]
pub fn report(record: &SynRecord) -> bool {
    let waiting = waiting();
    let share = u64::from(told!(SAMPLING.ring_share));
    if waiting > share {
        return false;
    }
    let flags = if waiting > share / 2 { FORCE_WAKEUP } else { NO_WAKEUP };
    output(record, flags)
}

/// Into the ring, as far as there are options; `false`: there was no room.
#[inline(always)]
fn output(record: &SynRecord, flags: u64) -> bool {
    let len = FIXED_LEN + at_most::<{ TCP_OPTIONS_MAX as u32 }>(record.options_len.into()) as usize;
    // SAFETY: plain bytes without padding, no more than there are.
    #[expect(unsafe_code, reason = "the first bytes of a record")]
    let bytes = unsafe { core::slice::from_raw_parts(core::ptr::from_ref(record).cast::<u8>(), len) };
    EVENTS.output::<[u8]>(bytes, flags).is_ok()
}

/// To wake somebody up costs as much as to look at a whole packet, so under a flood it is done once in so many nanoseconds.
/// Who was woken up looks again soon after.
const WAKE_NS: u64 = 10_000_000;

/// Whether to wake the reader up. By itself the kernel does so only when everything before was read, and of readings nobody
/// was told.
#[inline(always)]
fn wakeup(now: u64) -> u64 {
    let Some(woken) = WOKEN.get_ptr_mut(0) else { return FORCE_WAKEUP };
    // SAFETY: one word; two CPUs at once cost a needless wake-up. Written seldom, so that CPUs do not take the cache line
    // from one another.
    #[expect(unsafe_code, reason = "a map value")]
    unsafe {
        if now > *woken + WAKE_NS {
            *woken = now;
            return FORCE_WAKEUP;
        }
    }
    NO_WAKEUP
}

/// A message for who debugs the programs (`-vv`). The level is a constant for the verifier, so that nothing of this is
/// left in the program when it is off.
#[inline(always)]
fn say(record: &SynRecord) {
    let port = |at: usize| u16::from_be_bytes([record.tcp[at], record.tcp[at + 1]]);
    debug!(
        (),
        "SYN {} -> {} seen at site {} flags {:x} reason {}",
        port(0),
        port(2),
        record.site,
        record.flags,
        record.reason
    );
}
