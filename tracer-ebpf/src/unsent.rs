//! Dropped SYNs that get no record: which ones, when user space falls behind, and how they are counted.
//!
//! While the ring has room and there are no more of them in a second than somebody may want to read, every drop goes into it.
//! Beyond that a source gets its share and no more, so that a flood leaves room for others and a processor for the server, and
//! sources that were seen before come first: those of a spoofed flood come once. What a drop was is counted exactly
//! ([`Facts`]), whose it was as far as the table reaches.

use aya_ebpf::{
    macros::map,
    maps::{Array, LruHashMap, PerCpuArray, PerCpuHashMap},
};
use tracer_common::{
    config::{UNSENT_KINDS, UNSENT_SOURCES},
    counters::Counter,
    event::{SynRecord, TCP_OPTIONS_MAX, remembered},
    facts::{Facts, Share, Source, relations, seconds, settled},
};

use crate::{
    helper::second,
    maps::{Own, Pad, add, count, scattered},
    packet::source,
    read::masked,
    time::now,
    told::told,
};

/// What they were.
#[map]
static UNSENT: PerCpuHashMap<Facts, u64> = PerCpuHashMap::with_max_entries(UNSENT_KINDS, 0);

/// How full the ring was, looked at for one drop in [`BETWEEN`], and what went into it.
#[repr(C)]
struct Level {
    drops: u32,
    waiting: u32,
    /// The running second.
    second: u32,
    /// Records in it, but for what sources got as their share.
    sent: u32,
    /// The clock as it was when it began, seconds.
    now_s: u32,
}

#[map]
static LEVEL: PerCpuArray<Level> = PerCpuArray::with_max_entries(1, 0);
const BETWEEN: u32 = 16;

/// Of sources that came more than once.
#[map]
static SHARES: LruHashMap<Source, Share> = LruHashMap::with_max_entries(UNSENT_SOURCES, 0);

/// Sources that came once: marks of them, with a bit where that was not reported. Of two in one place the later one has it.
#[map]
static ONCE: Array<u64> = Array::with_max_entries(ONCE_PLACES, 0);
const ONCE_PLACES: u32 = 65_536;
/// The bit of [`ONCE`].
const UNREPORTED: u64 = 1;

/// Whether the record of this drop may go into the ring; if not, its source is noted. `waiting` says how many bytes are in it.
#[inline(always)]
pub fn turn(record: &SynRecord, waiting: impl FnOnce() -> u64) -> bool {
    let Some(level) = LEVEL.get_ptr_mut(0) else { return true };
    // SAFETY: the map hands out this CPU's own entry; a hook that interrupts another costs a look more or less.
    #[expect(unsafe_code, reason = "a map value")]
    let level = unsafe { &mut *level };
    if level.drops % BETWEEN == 0 {
        level.waiting = waiting() as u32;
    }
    level.drops = level.drops.wrapping_add(1);
    let full = told!(SAMPLING.ring_share);
    let second = second();
    if level.second != second {
        level.second = second;
        level.sent = 0;
        level.now_s = seconds(now());
    }
    let enough = level.sent >= told!(SAMPLING.drops_per_cpu);
    if !enough && level.waiting <= full {
        level.sent += 1;
        return true;
    }
    // The last quarter of the ring is for those that came before.
    let room = !enough && level.waiting <= full + full / 2;
    let Some(share) = share(record, room, second) else { return room };
    if share.second != second {
        share.second = second;
        share.sent = 0;
    }
    share.sent += 1;
    let within = share.sent <= told!(SAMPLING.per_source);
    if !within {
        add(&mut share.unsent, 1);
    }
    within
}

/// What the source of this drop had, where it came before, lately; where not, from now on it did, and was `reported` or not.
/// Those that come once get no place in the table, which would cost more than to look at the whole packet.
#[inline(always)]
fn share(record: &SynRecord, reported: bool, second: u32) -> Option<&'static mut Share> {
    let source = source(record);
    let known = SHARES.get_ptr_mut(&source).or_else(|| {
        let mark = scattered(&source.addr, u64::from(source.netns)) & !UNREPORTED | 2;
        let place = ONCE.get_ptr_mut((mark >> 8) as u32 & (ONCE_PLACES - 1))?;
        // SAFETY: one word; of two CPUs one is the later.
        #[expect(unsafe_code, reason = "a map value")]
        let before = unsafe { place.replace(mark | if reported { 0 } else { UNREPORTED }) };
        if before & !UNREPORTED != mark {
            return None;
        }
        let share = Share { second, sent: 0, unsent: before & UNREPORTED };
        let _ = SHARES.insert(&source, &share, 0);
        SHARES.get_ptr_mut(&source)
    });
    // SAFETY: a map value; several CPUs may write its words at once, which costs a record more or less.
    #[expect(unsafe_code, reason = "a map value")]
    known.map(|known| unsafe { &mut *known })
}

/// Where a kind is put together, on one CPU. In a map, because the verifier does not follow what is in one: each comparison
/// would double the number of states otherwise.
#[repr(C)]
struct Draft {
    facts: Facts,
    timestamps: u32,
    tsval: u32,
}

#[map]
static DRAFT: PerCpuArray<Draft> = PerCpuArray::with_max_entries(1, 0);

/// Counts a drop that got no record, by what it was. Whose it was [`turn`] knows; not of the few that find the ring full in between
/// two looks at it.
#[inline(always)]
pub fn unsent(record: &SynRecord) {
    count(Counter::LostRing);
    if !counted(record) {
        count(Counter::Uncounted);
    }
}

/// The time at which this drop is judged, as far as the age of a stamp depends on it. The clock is read anew only where the
/// stamp is about to be too old.
#[inline(always)]
fn now_s(record: &SynRecord) -> u32 {
    if record.time_ns != 0 {
        return seconds(record.time_ns);
    }
    // SAFETY: a word of the map's value.
    #[expect(unsafe_code, reason = "a map value")]
    let noted = LEVEL.get_ptr(0).map_or(0, |level| unsafe { (*level).now_s });
    if settled(noted, record.socket[remembered::STAMP]) { noted } else { seconds(now()) }
}

/// The same by what it was; `false` where there is no place for it.
#[inline(always)]
fn counted(record: &SynRecord) -> bool {
    let Some(draft) = DRAFT.get_ptr_mut(0) else { return false };
    // SAFETY: the map hands out this CPU's own entry.
    #[expect(unsafe_code, reason = "a map value")]
    let draft = unsafe { &mut *draft };
    draft.facts.plain(record);
    timestamps(record, draft);
    let noted = &raw mut draft.facts.relations;
    relations(record, now_s(record), draft.timestamps != 0, draft.tsval, |bit, holds| {
        if holds {
            // SAFETY: a word of the map value.
            #[expect(unsafe_code, reason = "volatile: in the map, and not in a register")]
            unsafe {
                noted.write_volatile(noted.read_volatile() | bit);
            }
        }
    });
    let kind = UNSENT.get_ptr_mut(&draft.facts).or_else(|| {
        let _ = UNSENT.insert(&draft.facts, 0, NO_EXIST);
        UNSENT.get_ptr_mut(&draft.facts)
    });
    // SAFETY: a map value.
    #[expect(unsafe_code, reason = "a map value")]
    kind.map(|kind| add(unsafe { &mut *kind }, 1)).is_some()
}

/// `BPF_NOEXIST` (`include/uapi/linux/bpf.h`).
const NO_EXIST: u64 = 1;
/// Kinds of TCP options (RFC 9293 section 3.1, RFC 7323 section 3.2).
const END: u8 = 0;
const NOP: u8 = 1;
const TIMESTAMPS: u8 = 8;

/// Bytes that the mask lets through beyond the options.
const BEHIND: usize = 64 - TCP_OPTIONS_MAX;
const _: () = assert!(size_of::<Own>() >= size_of::<SynRecord>() + BEHIND);
const _: () = assert!(size_of::<Pad>() >= size_of::<SynRecord>() + BEHIND);

/// Finds TSval, the last one where there are several.
///
/// For the verifier all turns of the loop look alike: numbers are bounded by a mask, which has no second branch, and the record
/// is a map value with at least [`BEHIND`] bytes behind it, so that what the mask lets through is inside.
#[inline(always)]
fn timestamps(record: &SynRecord, draft: &mut Draft) {
    (draft.timestamps, draft.tsval) = (0, 0);
    let byte = |offset: u32| {
        // SAFETY: inside of the options, as their length says; the mask only shows it.
        #[expect(unsafe_code, reason = "an offset that the compiler does not know to be bounded")]
        unsafe {
            *record.options.as_ptr().add(masked(offset) as usize)
        }
    };
    let len = masked(record.options_len.into());
    let mut left = len;
    for _ in 0..TCP_OPTIONS_MAX {
        if left == 0 {
            return;
        }
        let at = len - left;
        let kind = byte(at);
        if kind == END {
            return;
        }
        let size = if kind == NOP { 1 } else { u32::from(byte(at + 1)) };
        if size > left || size < 1 + u32::from(kind != NOP) {
            return;
        }
        if kind == TIMESTAMPS && size == 10 {
            draft.timestamps = 1;
            draft.tsval = u32::from_be_bytes([byte(at + 2), byte(at + 3), byte(at + 4), byte(at + 5)]);
        }
        left = masked(left - size);
    }
}
