//! The maps: the ring to user space, the counters, and one pad a CPU where an observation is put together.

use aya_ebpf::{
    macros::map,
    maps::{Array, LpmTrie, LruHashMap, PerCpuArray, RingBuf, lpm_trie::Key},
};
use aya_log_ebpf::debug;
use tracer_common::{
    config::MAX_PREFIXES,
    counters::{COUNTERS as COUNTER_COUNT, Counter},
    event::SynRecord,
};

use crate::{accepted::awaited, told::told};

/// User space sets the size before load.
#[map]
static EVENTS: RingBuf = RingBuf::with_byte_size(1 << 20, 0);

/// 1: the ring holds readings of which user space was not woken up.
#[map]
static UNTOLD: Array<u32> = Array::with_max_entries(1, 0);

#[map]
static COUNTERS: PerCpuArray<u64> = PerCpuArray::with_max_entries(COUNTER_COUNT, 0);

#[map]
static PREFIXES: LpmTrie<[u8; 16], u8> = LpmTrie::with_max_entries(MAX_PREFIXES, 0);

#[map]
static PADS: PerCpuArray<Pad> = PerCpuArray::with_max_entries(PADS_LEN, 0);

/// Sockets whose ACK was reported, and when they sent it, jiffies; used where no function is hooked. Segments of one
/// connection may meet on several CPUs.
#[map]
static ACKED: LruHashMap<u64, u32> = LruHashMap::with_max_entries(1024, 0);

/// Whether the ACK that this socket sent at this time is claimed for the first time.
#[inline(always)]
pub fn first_claim(sock: u64, at: u32) -> bool {
    // SAFETY: the value is copied at once; another CPU may replace it, which costs a wrong answer and never memory.
    #[expect(unsafe_code, reason = "a map value")]
    let known = unsafe { ACKED.get(sock) }.is_some_and(|claimed| *claimed == at);
    !known && ACKED.insert(sock, at, 0).is_ok()
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

/// Counts a dropped SYN and sends its record; one that finds no room is counted, too.
#[inline(always)]
pub fn send(record: &SynRecord) {
    count(Counter::Drops);
    say(record);
    awaited(record);
    // By itself the kernel wakes a reader only when it has read everything before, and of a reading it was not told.
    let flags = if untold(0) { FORCE_WAKEUP } else { 0 };
    if EVENTS.output::<SynRecord>(record, flags).is_err() {
        count(Counter::LostRing);
    }
}

/// Sends a reading, where it takes no room that drops may need. Nobody waits for one: user space looks now and then, and is
/// woken up only when many have gathered.
#[inline(always)]
pub fn report(record: &SynRecord) -> bool {
    let waiting = EVENTS.query(AVAIL_DATA);
    let share = u64::from(told!(SAMPLING.ring_share));
    if waiting > share {
        return false;
    }
    let flags = if waiting > share / 2 { FORCE_WAKEUP } else { NO_WAKEUP };
    let sent = EVENTS.output::<SynRecord>(record, flags).is_ok();
    if sent && flags == NO_WAKEUP {
        untold(1);
    }
    sent
}

/// Sets whether readings wait of which nobody was told; whether it was otherwise before.
#[inline(always)]
fn untold(now: u32) -> bool {
    let Some(value) = UNTOLD.get_ptr_mut(0) else { return false };
    // SAFETY: one word; two CPUs at once cost a needless wake-up, or one that the next look makes up for. Written only
    // when it changes, so that CPUs do not take the cache line from one another.
    #[expect(unsafe_code, reason = "a map value")]
    unsafe {
        let changed = *value != now;
        if changed {
            *value = now;
        }
        changed
    }
}

/// A message for who debugs the programs (`-vv`). The level is a constant for the verifier, so that nothing of this is
/// left in the program when it is off.
#[inline(always)]
fn say(record: &SynRecord) {
    let port = |at: usize| u16::from_be_bytes([record.tcp[at], record.tcp[at + 1]]);
    debug!(
        (),
        "SYN {} -> {} seen at site {} flags {:x} reason {} location {:x}",
        port(0),
        port(2),
        record.site,
        record.flags,
        record.reason,
        record.location
    );
}
