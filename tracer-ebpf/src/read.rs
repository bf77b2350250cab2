//! The only reads of kernel memory.
//!
//! Every address comes from a hook's arguments or from a field read before; the kernel's helper turns a bad one into
//! an error instead of a fault, so a wrong guess costs a fact and never the machine.

use tracer_common::offsets::ABSENT;

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
    /// The field at this offset; `None` where the kernel has no such field or it cannot be read.
    fn field<T: Copy>(self, offset: u32) -> Option<T>;
}

/// By its address.
impl Fields for u64 {
    #[inline(always)]
    fn field<T: Copy>(self, offset: u32) -> Option<T> {
        at(self, offset)
    }
}

/// Member of a kernel structure by the name it has in [`tracer_common::offsets::Offsets`].
macro_rules! member {
    ($base:expr, $name:ident: $type:ty) => {
        $crate::read::Fields::field::<$type>($base, $crate::told::told!(OFFSETS.$name))
    };
}
pub(crate) use member;
