//! Kernel memory copied at once: one call of a helper for many fields. A call costs as much as a copy of some hundred bytes,
//! and much more where the kernel guards its returns (SRSO, retbleed); a drop takes some twenty fields of two structures.
//!
//! Knows nothing of what the fields mean.

use aya_ebpf::helpers::generated::bpf_probe_read_kernel;
use tracer_common::offsets::ABSENT;

use crate::read::{Fields, at, at_most};

/// Bytes that are copied: all of a packet buffer's structure (232 in Linux 6.12) and of a TIME_WAIT bucket's. A field behind
/// them is read by itself.
const COPIED: u32 = 256;

/// Room for a copy; aligned as the kernel's structures are.
#[repr(C)]
pub struct Room {
    /// Of what.
    address: u64,
    bytes: [u64; COPIED as usize / 8],
}

/// Of the headers of a packet, from the IP header on: 60 bytes of IP, 60 of TCP, and what aligns them.
const HEADERS: u32 = 128;
/// Most that an offset into the headers may be, so that a whole TCP header can follow.
pub const LAST_START: u32 = 60;

/// Copies of a packet and its socket.
#[repr(C)]
pub struct Copies {
    /// Of the packet buffer.
    pub skb: Room,
    /// Of its socket.
    pub sock: Room,
    /// Of its headers.
    pub headers: Headers,
}

/// Room for the headers of a packet.
#[repr(C)]
pub struct Headers([u64; HEADERS as usize / 8]);

/// A structure of which the first bytes are copied.
#[derive(Clone, Copy)]
pub struct Copied<'a> {
    room: &'a Room,
}

impl Room {
    /// Copies what is at this address; `None` when it cannot be read.
    #[inline(always)]
    pub fn copy(&mut self, address: u64) -> Option<Copied<'_>> {
        // SAFETY: a word of ours; there is room for so many bytes, and the helper checks the source.
        #[expect(unsafe_code, reason = "a BPF helper, and a word that the compiler may not keep elsewhere")]
        let failed = unsafe {
            (&raw mut self.address).write_volatile(address);
            bpf_probe_read_kernel(self.bytes.as_mut_ptr().cast(), COPIED, address as *const _)
        };
        (failed == 0).then_some(Copied { room: self })
    }
}

impl Headers {
    /// Copies `len` bytes, or as many as there is room for, and says how many.
    #[inline(always)]
    pub fn copy(&mut self, from: u64, len: u32) -> Option<u32> {
        let len = at_most::<HEADERS>(len);
        // SAFETY: there is room for so many bytes, and the helper checks the source.
        #[expect(unsafe_code, reason = "a BPF helper")]
        let failed = unsafe { bpf_probe_read_kernel(self.0.as_mut_ptr().cast(), len, from as *const _) };
        (failed == 0).then_some(len)
    }

    /// The words at an offset that is a multiple of four and at most [`LAST_START`].
    #[inline(always)]
    pub fn words<const N: usize>(&self, offset: u32) -> &[u32; N] {
        const { assert!(LAST_START as usize + 4 * N <= HEADERS as usize) };
        let offset = at_most::<LAST_START>(offset) as usize;
        // SAFETY: inside, as the verifier sees, too.
        #[expect(unsafe_code, reason = "words at an offset that the compiler does not know")]
        unsafe {
            &*self.0.as_ptr().cast::<u8>().add(offset).cast::<[u32; N]>()
        }
    }
}

impl Fields for Copied<'_> {
    type Pointed = u64;

    #[inline(always)]
    fn field<T: Copy>(self, offset: u32) -> Option<T> {
        if offset == ABSENT {
            return None;
        }
        if offset + size_of::<T>() as u32 > COPIED {
            return at(self.address(), offset);
        }
        // SAFETY: inside of the copy, as the verifier sees, too; aligned as the kernel's own field is.
        #[expect(unsafe_code, reason = "a field of a copy")]
        Some(unsafe { self.room.bytes.as_ptr().cast::<u8>().add(offset as usize).cast::<T>().read() })
    }

    #[inline(always)]
    fn pointed(self, offset: u32) -> Option<u64> {
        self.field(offset)
    }

    #[inline(always)]
    fn address(self) -> u64 {
        // A number and no pointer any more: the verifier lets nobody reckon with the bits of one that it knows the type of.
        // SAFETY: a word of ours.
        #[expect(unsafe_code, reason = "a word that the compiler may not keep elsewhere")]
        unsafe {
            (&raw const self.room.address).read_volatile()
        }
    }
}
