//! What user space told the programs before they were loaded: where fields are, which SYNs count, how the running kernel's
//! prototypes look.

use aya_ebpf::{macros::map, maps::Array};
use tracer_common::config::{PORT_WORDS, REASON_WORDS};

#[map]
static PORTS: Array<u64> = Array::with_max_entries(PORT_WORDS as u32, 0);

#[map]
static REASONS: Array<u64> = Array::with_max_entries(REASON_WORDS as u32, 0);

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
        $crate::word::word::<
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
