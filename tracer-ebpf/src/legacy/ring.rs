//! The way to user space: one perf buffer a CPU. A program writes into it when it is done, because only then the stack has
//! room for a record, and the kernel takes one from nowhere else.

use aya_ebpf::{EbpfContext, macros::map, maps::PerfEventArray};
use tracer_common::{counters::Counter, event::SynRecord};

use crate::{
    accepted::awaited,
    kinds::{PerCpuArray, cpu},
    maps::count,
};

#[map]
static EVENTS: PerfEventArray<Words> = PerfEventArray::new(0);

/// A record as words, so that it is copied without a call.
type Words = [u64; size_of::<SynRecord>() / 8];

/// What waits for [`flush`].
#[repr(C)]
struct Out {
    full: u64,
    record: Words,
}

#[map]
static OUT: PerCpuArray<Out> = PerCpuArray::with_max_entries(1, 0);

#[inline(always)]
fn out() -> Option<&'static mut Out> {
    // SAFETY: the map hands out this CPU's own entry; programs on one CPU do not interrupt one another.
    #[expect(unsafe_code, reason = "a map value")]
    OUT.get_ptr_mut(0).map(|out| unsafe { &mut *out })
}

/// Counts a dropped SYN and sends its record. User space counts those for which there was no room.
#[inline(always)]
pub fn send(record: &SynRecord) {
    count(Counter::Drops);
    awaited(record);
    report(record);
}

/// Sends a record.
#[inline(always)]
pub fn report(record: &SynRecord) -> bool {
    let Some(out) = out() else { return false };
    // SAFETY: a record is plain words without padding.
    #[expect(unsafe_code, reason = "a record as words")]
    let words = unsafe { &*core::ptr::from_ref(record).cast::<Words>() };
    copy(words, &mut out.record);
    out.full = 1;
    true
}

/// Writes what was sent into the buffer.
#[inline(always)]
pub fn flush(ctx: &impl EbpfContext) {
    let Some(out) = out() else { return };
    if out.full == 0 {
        return;
    }
    out.full = 0;
    let mut words = [0; _];
    copy(&out.record, &mut words);
    // Before 4.5 the index cannot say "this CPU".
    EVENTS.output_at_index(ctx, cpu(), words, 0);
}

#[inline(always)]
fn copy(from: &Words, to: &mut Words) {
    for (to, from) in to.iter_mut().zip(from) {
        *to = *from;
    }
}
