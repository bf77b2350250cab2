//! What kernels before 5.8 need said otherwise: constants that user space writes into the instructions before it loads them,
//! and maps that it makes long enough.

use core::mem::offset_of;

use crate::{
    config::{Filter, Sampling, Shape},
    counters::COUNTERS,
    offsets::Offsets,
};

/// Everything that the programs are told, in 32-bit words.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Told {
    /// Where fields are.
    pub offsets: Offsets,
    /// Which SYNs count.
    pub filter: Filter,
    /// How prototypes look.
    pub shape: Shape,
    /// How much is reported.
    pub sampling: Sampling,
    /// How many CPUs the kernel may have.
    pub cpus: u32,
    /// Different lengths of the prefixes, the longest first; [`NO_LENGTH`] behind them.
    pub lengths: [u32; LENGTHS],
}

/// Number of words.
pub const WORDS: usize = size_of::<Told>() / 4;
/// Different lengths that prefixes may have.
pub const LENGTHS: usize = 8;
/// In the place of a length: there are no more.
pub const NO_LENGTH: u32 = u32::MAX;

/// The upper half of the 64-bit constant that stands in a program for a word until it is told; the lower half is the number
/// of the word.
pub const MARK: u32 = 0x7ace_d000;

/// Number of the first word of each part of [`Told`].
pub mod part {
    use super::{Told, offset_of};

    /// [`Told::offsets`].
    pub const OFFSETS: usize = offset_of!(Told, offsets) / 4;
    /// [`Told::filter`].
    pub const FILTER: usize = offset_of!(Told, filter) / 4;
    /// [`Told::shape`].
    pub const SHAPE: usize = offset_of!(Told, shape) / 4;
    /// [`Told::sampling`].
    pub const SAMPLING: usize = offset_of!(Told, sampling) / 4;
    /// [`Told::cpus`].
    pub const CPUS: usize = offset_of!(Told, cpus) / 4;
    /// [`Told::lengths`].
    pub const LENGTHS: usize = offset_of!(Told, lengths) / 4;
}

/// What the client clocks of the lab are told.
pub mod lab {
    /// Ticks that the clock runs ahead.
    pub const SHIFT: usize = 0;
    /// Not 0: a clock of its own for every connection, as kernels of 2026 have it.
    pub const PER_CONNECTION: usize = 1;
}

/// A prefix of client addresses, the key of the table `PREFIXES`.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Prefix {
    /// Length in the 128-bit form.
    pub len: u32,
    /// The address; behind the prefix zeros.
    pub addr: [u8; 16],
}

/// Maps with so many values for each CPU, one CPU behind the other.
pub const PER_CPU: [(&str, u32); 4] = [("PADS", PADS), ("COUNTERS", COUNTERS), ("COPIES", 1), ("OUT", 1)];
/// Observations that a CPU may have under way.
pub const PADS: u32 = 2;
