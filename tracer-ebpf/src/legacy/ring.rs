//! The way to user space: one perf buffer a CPU. A program writes into it when it is done, because only then the stack has
//! room for a record, and the kernel takes one from nowhere else.

use aya_ebpf::{EbpfContext, macros::map, maps::PerfEventArray};
use tracer_common::{
    counters::Counter,
    event::{SynRecord, flag},
};

use crate::{
    accepted::awaited,
    kinds::{PerCpuArray, cpu},
    maps::count,
    recycle,
    time::timed,
};

#[map]
static EVENTS: PerfEventArray<Words> = PerfEventArray::new(0);

/// A record as words, so that it is copied without a call.
type Words = [u64; size_of::<SynRecord>() / 8];

/// What waits for [`flush`].
#[repr(C)]
struct Out {
    full: u64,
    record: SynRecord,
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
pub fn send(record: &mut SynRecord) {
    count(Counter::Drops);
    timed(record);
    awaited(record);
    report(record);
}

/// Sends a record.
#[inline(always)]
pub fn report(record: &SynRecord) -> bool {
    let Some(out) = out() else { return false };
    copy(words(record), words_mut(&mut out.record));
    if record.flags & flag::RECYCLED != 0 {
        recycle::note(&mut out.record);
    }
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
    let mut record = [0; _];
    copy(words(&out.record), &mut record);
    // Before 4.5 the index cannot say "this CPU".
    EVENTS.output_at_index(ctx, cpu(), record, 0);
}

#[inline(always)]
fn copy(from: &Words, to: &mut Words) {
    for (to, from) in to.iter_mut().zip(from) {
        *to = *from;
    }
}

#[inline(always)]
fn words(record: &SynRecord) -> &Words {
    // SAFETY: a record is plain words without padding.
    #[expect(unsafe_code, reason = "a record as words")]
    unsafe {
        &*core::ptr::from_ref(record).cast()
    }
}

#[inline(always)]
fn words_mut(record: &mut SynRecord) -> &mut Words {
    // SAFETY: as above; any words are a record.
    #[expect(unsafe_code, reason = "a record as words")]
    unsafe {
        &mut *core::ptr::from_mut(record).cast()
    }
}
