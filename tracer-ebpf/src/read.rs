//! The only reads of kernel memory.
//!
//! Every address comes from a hook's arguments or from a field read before; the kernel's helper turns a bad one into
//! an error instead of a fault, so a wrong guess costs a fact and never the machine.

use tracer_common::offsets::ABSENT;

use crate::copies::{Copied, Room};

/// A value of plain bytes at `base + offset`; `None` where the kernel has no such field or the read failed, as it does
/// below a `base` of 0. No test of `base` here: the verifier of 5.10 forgets what it found of a pointer that it knows, and
/// then sees values used that were never read.
#[inline(always)]
pub fn at<T: Copy>(base: u64, offset: u32) -> Option<T> {
    if offset == ABSENT {
        return None;
    }
    crate::helper::read(base + u64::from(offset))
}

/// Bounds a number where the verifier can see it. In plain code the compiler compares one register and uses a copy of
/// it, and the verifier does not know that the two are one.
#[inline(always)]
pub fn at_most<const MAX: u32>(value: u32) -> u32 {
    #[cfg(target_arch = "bpf")]
    {
        let mut bounded = u64::from(value);
        // SAFETY: arithmetic on one register.
        #[expect(unsafe_code, reason = "a comparison that the compiler may not move")]
        unsafe {
            core::arch::asm!(
                // There is no "less than" before 4.14.
                "if {value} > {max} goto +1",
                "goto +1",
                "{value} = {max}",
                value = inout(reg) bounded, max = const MAX,
                options(nostack)
            );
        }
        bounded as u32
    }
    #[cfg(not(target_arch = "bpf"))]
    value.min(MAX)
}

/// The lower six bits, where the compiler may not know better and leave the operation out.
#[inline(always)]
pub fn masked(value: u32) -> u32 {
    #[cfg(target_arch = "bpf")]
    {
        let mut masked = u64::from(value);
        // SAFETY: arithmetic on one register.
        #[expect(unsafe_code, reason = "an operation that the compiler may not move")]
        unsafe {
            core::arch::asm!("{masked} &= 63", masked = inout(reg) masked, options(nostack));
        }
        masked as u32
    }
    #[cfg(not(target_arch = "bpf"))]
    {
        value & 63
    }
}

/// Where fields can be read: in a structure of the kernel, or in a copy of it.
pub trait Fields: Copy {
    /// How a structure is read to which one of the fields points.
    type Pointed: Fields;

    /// The field at this offset; `None` where the kernel has no such field or it cannot be read.
    fn field<T: Copy>(self, offset: u32) -> Option<T>;

    /// Two numbers.
    #[inline(always)]
    fn both(self, first: u32, second: u32) -> Option<[u32; 2]> {
        Some([self.field(first)?, self.field(second)?])
    }

    /// The structure to which the field at this offset points.
    fn pointed(self, offset: u32) -> Option<Self::Pointed>;

    /// Where it is; 0: nowhere.
    fn address(self) -> u64;
}

/// A structure of which many fields are wanted.
pub trait Structure: Fields {
    /// How they are read.
    type Whole<'a>: Fields;

    /// Copies it, where that is cheaper than to read one field after the other; `None` when it cannot be read.
    fn whole(self, room: &mut Room) -> Option<Self::Whole<'_>>;

    /// The same socket as one of TCP, whose part is behind what is every socket's; `None` when it is none.
    fn tcp(self) -> Option<Self>;
}

impl Structure for u64 {
    type Whole<'a> = Copied<'a>;

    #[inline(always)]
    fn whole(self, room: &mut Room) -> Option<Copied<'_>> {
        room.copy(self)
    }

    #[inline(always)]
    fn tcp(self) -> Option<Self> {
        Some(self)
    }
}

/// By its address.
impl Fields for u64 {
    type Pointed = Self;

    #[inline(always)]
    fn field<T: Copy>(self, offset: u32) -> Option<T> {
        at(self, offset)
    }

    /// With one call of the helper, where they stand beside one another.
    #[inline(always)]
    fn both(self, first: u32, second: u32) -> Option<[u32; 2]> {
        if first != ABSENT && second == first + 4 {
            return self.field(first);
        }
        Some([self.field(first)?, self.field(second)?])
    }

    #[inline(always)]
    fn pointed(self, offset: u32) -> Option<Self> {
        self.field(offset)
    }

    #[inline(always)]
    fn address(self) -> u64 {
        self
    }
}

/// Member of a kernel structure by the name it has in [`tracer_common::offsets::Offsets`].
macro_rules! member {
    ($base:expr, $name:ident: $type:ty) => {
        $crate::read::Fields::field::<$type>($base, $crate::told::told!(OFFSETS.$name))
    };
}
pub(crate) use member;

/// The structure to which a member points, by the same names.
macro_rules! pointed {
    ($base:expr, $name:ident) => {
        $crate::read::Fields::pointed($base, $crate::told::told!(OFFSETS.$name))
    };
}
pub(crate) use pointed;
