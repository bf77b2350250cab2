//! The maps: the ring to user space, the counters, and one pad a CPU where an observation is put together.

use aya_ebpf::{
    macros::map,
    maps::{Array, LpmTrie, PerCpuArray, RingBuf, lpm_trie::Key},
};
use aya_log_ebpf::debug;
use tracer_common::{
    config::MAX_PREFIXES,
    counters::{COUNTERS as COUNTER_COUNT, Counter},
    event::{FIXED_LEN, SynRecord, TCP_OPTIONS_MAX},
};

use crate::{
    accepted::awaited,
    copies::Copies,
    read::at_most,
    told::told,
    unsent::{turn, unsent},
};

/// User space sets the size before load.
#[map]
static EVENTS: RingBuf = RingBuf::with_byte_size(1 << 20, 0);

/// When user space was last woken up for a drop, nanoseconds.
#[map]
static WOKEN: Array<u64> = Array::with_max_entries(1, 0);

#[map]
static COUNTERS: PerCpuArray<u64> = PerCpuArray::with_max_entries(COUNTER_COUNT, 0);

#[map]
static PREFIXES: LpmTrie<[u8; 16], u8> = LpmTrie::with_max_entries(MAX_PREFIXES, 0);

#[map]
static PADS: PerCpuArray<Pad> = PerCpuArray::with_max_entries(PADS_LEN, 0);

/// ACKs that were reported: half of a socket's mark and when it sent one, jiffies; used where no function is hooked. Of two
/// sockets in one place the later one has it. Segments of one connection may meet on several CPUs.
#[map]
static ACKED: Array<u64> = Array::with_max_entries(ACKED_PLACES, 0);
const ACKED_PLACES: u32 = 1024;

/// Whether the ACK that this socket sent at this time is claimed for the first time.
#[inline(always)]
pub fn first_claim(sock: u64, at: u32) -> bool {
    let mark = mixed(sock);
    let claim = mark & 0xffff_ffff_0000_0000 | u64::from(at);
    let Some(place) = ACKED.get_ptr_mut(mark as u32 & (ACKED_PLACES - 1)) else { return false };
    // SAFETY: one word; another CPU may write it at the same time, which costs a wrong answer and never memory.
    #[expect(unsafe_code, reason = "a map value")]
    unsafe {
        let first = *place != claim;
        *place = claim;
        first
    }
}

/// Spreads a number over 64 bits (the odd number is 2^64 divided by the golden ratio).
#[inline(always)]
pub fn mixed(number: u64) -> u64 {
    let number = (number ^ (number >> 32)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    number ^ (number >> 29)
}

/// Spreads an address and a number. Keyed, because clients choose what is spread.
#[inline(always)]
pub fn scattered(addr: &[u8; 16], number: u64) -> u64 {
    let half = |at: usize| {
        let a = addr;
        u64::from_ne_bytes([
            a[at],
            a[at + 1],
            a[at + 2],
            a[at + 3],
            a[at + 4],
            a[at + 5],
            a[at + 6],
            a[at + 7],
        ])
    };
    let key = u64::from(told!(SAMPLING.key)) << 32;
    mixed(mixed(mixed(number ^ key) ^ half(0)) ^ half(8))
}

/// Adds to a word that other CPUs and hooks add to, too. In assembly, because the target has no atomic type with arithmetic.
#[inline(always)]
pub fn add(word: &mut u64, amount: i64) {
    #[cfg(target_arch = "bpf")]
    // SAFETY: one instruction on a word of a map value.
    #[expect(unsafe_code, reason = "an atomic addition")]
    unsafe {
        core::arch::asm!(
            "lock *(u64 *)({word} + 0) += {amount}",
            word = in(reg) word, amount = in(reg) amount,
            options(nostack)
        );
    }
    #[cfg(not(target_arch = "bpf"))]
    {
        *word = word.wrapping_add_signed(amount);
    }
}

/// SYNs in softirq context: listener, TIME_WAIT bucket, request socket. The kernel handles one at a time on a CPU.
pub const SOFTIRQ: u32 = 0;
/// SYNs on full sockets, which may also be handled in process context (the socket's backlog).
pub const FULL: u32 = 1;
const PADS_LEN: u32 = 2;

/// What is known so far of the SYN in hand.
#[repr(C)]
pub struct Pad {
    /// Address of the packet; 0: nothing in hand.
    pub skb: u64,
    /// Address of the socket that has it.
    pub sock: u64,
    /// SYN for which a RST was sent last, whoever had it.
    pub reset_skb: u64,
    /// ... when, nanoseconds.
    pub reset_ns: u64,
    /// ... with these ports and this sequence number (`packet::identity`).
    pub reset_id: u64,
    /// When a SYN was last answered with a SYN/ACK, nanoseconds.
    pub answered_ns: u64,
    /// ... the one with these ports and this sequence number.
    pub answered_id: u64,
    /// ... in this namespace.
    pub answered_netns: u32,
    /// State of the socket for which the RST was sent; 0: none.
    pub reset_state: u32,
    /// When the socket last answered a segment outside its window, as found on entry; jiffies.
    pub last_oow: u32,
    /// Whether a SYN/ACK was made.
    pub answered: u32,
    /// Whether it carried a SYN cookie.
    pub cookie: u32,
    /// The second of the last reading (`accepted`).
    pub readings_second: u32,
    /// Readings in it.
    pub readings: u32,
    /// The record under way.
    pub record: SynRecord,
    /// What it is taken from.
    pub copies: Copies,
}

/// This CPU's pad.
#[inline(always)]
pub fn pad(index: u32) -> Option<&'static mut Pad> {
    // SAFETY: the map hands out this CPU's own entry. A second reference to it lives only in an outer hook of the
    // same packet, whose code has returned.
    #[expect(unsafe_code, reason = "a map value")]
    PADS.get_ptr_mut(index).map(|pad| unsafe { &mut *pad })
}

/// Adds one.
#[inline(always)]
pub fn count(counter: Counter) {
    if let Some(value) = COUNTERS.get_ptr_mut(counter as u32) {
        // SAFETY: the map hands out this CPU's own entry.
        #[expect(unsafe_code, reason = "a map value")]
        unsafe {
            *value += 1;
        }
    }
}

/// Whether the client is inside one of the prefixes.
#[inline(always)]
pub fn prefix_wanted(saddr: &[u8; 16]) -> bool {
    PREFIXES.get(Key::new(128, *saddr)) == Some(&1)
}

/// `BPF_RB_NO_WAKEUP`, `BPF_RB_FORCE_WAKEUP`, `BPF_RB_AVAIL_DATA` (`include/uapi/linux/bpf.h`).
const NO_WAKEUP: u64 = 1;
const FORCE_WAKEUP: u64 = 2;
const AVAIL_DATA: u64 = 0;

/// Counts a dropped SYN and sends its record; one that gets none is counted by what it was.
#[inline(always)]
pub fn send(record: &SynRecord) {
    count(Counter::Drops);
    say(record);
    awaited(record);
    if !turn(record, waiting) || !output(record, wakeup(record.time_ns)) {
        unsent(record);
    }
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
