//! Kernel structures copied at once: one call of a helper for many fields. A call costs about as much as a copy of some
//! hundred bytes, and a drop takes some twenty fields of two structures.
//!
//! Knows nothing of what the fields mean.

use aya_ebpf::{helpers::generated::bpf_probe_read_kernel, macros::map, maps::PerCpuArray};
use tracer_common::offsets::ABSENT;

use crate::read::{Fields, at};

/// Bytes that are copied: all of a packet buffer's structure (232 in Linux 6.12) and of a TIME_WAIT bucket's. A field behind
/// them is read by itself.
const COPIED: u32 = 256;

/// Room for a copy; aligned as the kernel's structures are.
#[repr(C)]
pub struct Room([u64; COPIED as usize / 8]);

/// Copies in use on a CPU.
#[repr(C)]
pub struct Copies {
    /// A hook is at work on them. Interrupts are not kept out, and before 5.19 nothing keeps the hook from running again.
    busy: u64,
    /// Of the packet buffer.
    pub skb: Room,
    /// Of its socket.
    pub sock: Room,
}

#[map]
static COPIES: PerCpuArray<Copies> = PerCpuArray::with_max_entries(1, 0);

/// A structure of which the first bytes are copied.
#[derive(Clone, Copy)]
pub struct Copied<'a> {
    /// Where it is.
    pub address: u64,
    room: &'a Room,
}

impl Copies {
    /// This CPU's; `None` while an interrupted hook has them. [`Copies::release`] ends it.
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

impl Room {
    /// Copies what is at this address; `None` when it cannot be read.
    #[inline(always)]
    pub fn copy(&mut self, address: u64) -> Option<Copied<'_>> {
        // SAFETY: there is room for so many bytes, and the helper checks the source.
        #[expect(unsafe_code, reason = "a BPF helper")]
        let failed =
            unsafe { bpf_probe_read_kernel(self.0.as_mut_ptr().cast(), COPIED, address as *const _) };
        (failed == 0).then_some(Copied { address, room: self })
    }
}

impl Fields for Copied<'_> {
    #[inline(always)]
    fn field<T: Copy>(self, offset: u32) -> Option<T> {
        if offset == ABSENT {
            return None;
        }
        if offset + size_of::<T>() as u32 > COPIED {
            return at(self.address, offset);
        }
        // SAFETY: inside of the copy, as the verifier sees, too; aligned as the kernel's own field is.
        #[expect(unsafe_code, reason = "a field of a copy")]
        Some(unsafe { self.room.0.as_ptr().cast::<u8>().add(offset as usize).cast::<T>().read() })
    }
}
