//! What user space told the programs before they were loaded: where fields are, which SYNs count, how the
//! running kernel's prototypes look.
//!
//! Read-only globals, frozen at load: the verifier sees constants and drops the branches not taken. The reads
//! are volatile because the compiler would otherwise fold the values that stand here.

use aya_ebpf::Global;
use tracer_common::{
    config::{Filter, PORT_WORDS, REASON_WORDS, Sampling, Shape},
    offsets::Offsets,
};

use crate::read::at_most;

#[unsafe(no_mangle)]
pub static OFFSETS: Offsets = Offsets::NONE;

#[unsafe(no_mangle)]
pub static FILTER: Filter = Filter { ports: 0, family: 0, prefixes: 0, netns: 0, ifindex: 0, no_listener: 1 };

#[unsafe(no_mangle)]
pub static SHAPE: Shape = Shape::NONE;

#[unsafe(no_mangle)]
pub static SAMPLING: Sampling =
    Sampling { per_source: 0, per_cpu: 0, drops_per_cpu: 0, ring_share: 0, second_shift: 0, key: 0 };

#[unsafe(no_mangle)]
static PORTS: [Global<u64>; PORT_WORDS] = [const { Global::new(0) }; PORT_WORDS];

#[unsafe(no_mangle)]
static REASONS: [Global<u64>; REASON_WORDS] = [const { Global::new(0) }; REASON_WORDS];

/// One member of [`OFFSETS`], [`FILTER`], [`SHAPE`] or [`SAMPLING`].
macro_rules! told {
    ($global:ident . $member:ident) => {{
        // SAFETY: a static is valid for reads and aligned.
        #[expect(unsafe_code, reason = "a volatile read keeps the compiler from folding the value away")]
        let value = unsafe { core::ptr::read_volatile(&raw const $crate::told::$global.$member) };
        value
    }};
}
pub(crate) use told;

/// Whether the port's bit is set.
#[inline(always)]
pub fn port_wanted(port: u16) -> bool {
    PORTS.get(usize::from(port >> 6)).is_some_and(|word| word.load() >> (port & 63) & 1 == 1)
}

/// Whether `skb:kfree_skb` looks at packets dropped for this reason; those the bitmap does not reach, always.
#[inline(always)]
pub fn reason_wanted(reason: u32) -> bool {
    let word = reason >> 6;
    if word >= REASON_WORDS as u32 {
        return true;
    }
    let word = at_most::<{ REASON_WORDS as u32 - 1 }>(word) as usize;
    REASONS.get(word).is_some_and(|bits| bits.load() >> (reason & 63) & 1 == 1)
}
