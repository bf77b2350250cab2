//! The maps: the counters, and the pads of a CPU where an observation is put together.

use aya_ebpf::macros::map;
use tracer_common::{
    counters::{COUNTERS as COUNTER_COUNT, Counter},
    event::SynRecord,
    legacy::PADS as PADS_LEN,
};

use crate::{
    copies::Copies,
    kinds::{Array, PerCpuArray},
    told::told,
};

#[map]
static COUNTERS: PerCpuArray<u64> = PerCpuArray::with_max_entries(COUNTER_COUNT, 0);

#[map]
static PADS: PerCpuArray<Pad> = PerCpuArray::with_max_entries(PADS_LEN, 0);

/// ACKs that were reported: half of a socket's mark and when it sent one, jiffies; used where no function is hooked. Of two
/// sockets in one place the later one has it. Segments of one connection may meet on several CPUs.
#[map]
static ACKED: Array<u64> = Array::with_max_entries(ACKED_PLACES, 0);
const ACKED_PLACES: u32 = 1024;

/// Whether the ACK that this socket sent at this time, to a SYN in this namespace, is claimed for the first time. The address
/// alone does not tell which socket it is: a TIME_WAIT bucket may be gone and another stand in its place within the same tick.
#[inline(always)]
pub fn first_claim(sock: u64, record: &SynRecord, at: u32) -> bool {
    let tcp = &record.tcp;
    let ports = u32::from_ne_bytes([tcp[0], tcp[1], tcp[2], tcp[3]]);
    let mark = scattered(&record.saddr, mixed(sock) ^ (u64::from(record.netns) << 32 | u64::from(ports)));
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

/// What is known so far of the SYN in hand.
#[repr(C)]
pub struct Pad {
    /// The record under way; first, because the verifier of 4.9 forgets pointers into the midst of a value when registers are
    /// short.
    pub record: SynRecord,
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
    /// In which namespace the RST was sent, 0 where that is not known: buffers are used again, and in another one the same
    /// ports and sequence number may stand in them.
    pub reset_netns: u32,
    /// State of the socket for which the RST was sent; 0: none.
    pub reset_state: u32,
    /// When the socket last answered a segment outside its window, as found on entry; jiffies.
    pub last_oow: u32,
    /// Whether a SYN/ACK was made.
    pub answered: u32,
    /// Whether it carried a SYN cookie.
    pub cookie: u32,
    /// Whether `tcp_tw_recycle` asks who the peer is.
    pub recycle: u32,
    /// The second of the last reading (`accepted`).
    pub readings_second: u32,
    /// Readings in it.
    pub readings: u32,
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

/// What the hook on `kfree_skb` works with, on one CPU; the others have their pads.
#[repr(C)]
pub struct Own {
    /// The record made here; first, as in [`Pad`].
    pub record: SynRecord,
    /// A hook is at work on them. Interrupts are not kept out, and before 5.19 nothing keeps the hook from running again.
    busy: u64,
    /// The copies.
    pub copies: Copies,
}

#[map]
static COPIES: PerCpuArray<Own> = PerCpuArray::with_max_entries(1, 0);

impl Own {
    /// This CPU's; `None` while an interrupted hook has them. [`Own::release`] ends it.
    #[inline(always)]
    pub fn take() -> Option<&'static mut Self> {
        // SAFETY: the map hands out this CPU's own entry, and `busy` keeps a second hook from it.
        #[expect(unsafe_code, reason = "a map value")]
        let copies = unsafe { &mut *COPIES.get_ptr_mut(0)? };
        if copies.busy != 0 {
            return None;
        }
        copies.busy = 1;
        Some(copies)
    }

    #[inline(always)]
    pub fn release(&mut self) {
        self.busy = 0;
    }
}
