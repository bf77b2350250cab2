//! What user space told the programs before they were loaded: where fields are, which SYNs count, how the running kernel's
//! prototypes look.
//!
//! Kernels before 5.2 have no read-only globals. Here every word is a constant of an instruction, which user space writes
//! ([`tracer_common::legacy`]).

use aya_ebpf::{macros::map, maps::Array};
use tracer_common::config::{PORT_WORDS, REASON_WORDS};

#[map]
static PORTS: Array<u64> = Array::with_max_entries(PORT_WORDS as u32, 0);

#[map]
static REASONS: Array<u64> = Array::with_max_entries(REASON_WORDS as u32, 0);

/// The word of this number.
#[inline(always)]
pub fn word<const NUMBER: usize>() -> u32 {
    #[cfg(target_arch = "bpf")]
    {
        let value: u64;
        // SAFETY: a constant; user space writes no more than 32 bits.
        #[expect(unsafe_code, reason = "a constant that user space can find")]
        unsafe {
            core::arch::asm!(
                "{value} = {constant} ll",
                value = out(reg) value,
                constant = const (tracer_common::legacy::MARK as u64) << 32 | NUMBER as u64,
                options(pure, nomem, nostack, preserves_flags)
            );
            core::hint::assert_unchecked(value <= u32::MAX as u64);
        }
        value as u32
    }
    #[cfg(not(target_arch = "bpf"))]
    {
        NUMBER as u32 // only for clippy on the host
    }
}

/// One member of the parts of [`tracer_common::legacy::Told`].
macro_rules! told {
    (OFFSETS.$member:ident) => {
        $crate::told::told!(tracer_common::offsets::Offsets, OFFSETS, $member)
    };
    (FILTER.$member:ident) => {
        $crate::told::told!(tracer_common::config::Filter, FILTER, $member)
    };
    (SHAPE.$member:ident) => {
        $crate::told::told!(tracer_common::config::Shape, SHAPE, $member)
    };
    (SAMPLING.$member:ident) => {
        $crate::told::told!(tracer_common::config::Sampling, SAMPLING, $member)
    };
    ($part:ty, $first:ident, $member:ident) => {
        $crate::told::word::<
            { tracer_common::legacy::part::$first + core::mem::offset_of!($part, $member) / 4 },
        >()
    };
}
pub(crate) use told;

/// Whether the port's bit is set.
#[inline(always)]
pub fn port_wanted(port: u16) -> bool {
    PORTS.get(u32::from(port >> 6)).is_some_and(|word| word >> (port & 63) & 1 == 1)
}

/// Whether the drop of a packet for this reason is looked at; those the bitmap does not reach, always.
#[inline(always)]
pub fn reason_wanted(reason: u32) -> bool {
    REASONS.get(reason >> 6).is_none_or(|word| word >> (reason & 63) & 1 == 1)
}
