//! Kernel memory, field by field: before 4.11 helpers write to the stack and nowhere else, and that is too small for copies
//! of structures.

use core::marker::PhantomData;

use crate::{
    helper,
    read::{Fields, at, at_most},
};

/// Stands where a structure would be copied to.
#[repr(C)]
pub struct Room(u64);

/// Most that an offset into the headers may be, so that a whole TCP header can follow.
pub const LAST_START: u32 = 60;
/// Of the headers of a packet, from the IP header on: 60 bytes of IP, 60 of TCP, and what aligns them.
const HEADERS: u32 = 128;

/// What is known of a packet and its socket.
#[repr(C)]
pub struct Copies {
    /// Of the packet buffer.
    pub skb: Room,
    /// Of its socket.
    pub sock: Room,
    /// Of its headers.
    pub headers: Headers,
}

/// Where the headers of a packet are.
#[repr(C)]
pub struct Headers(u64);

/// A structure of the kernel.
#[derive(Clone, Copy)]
pub struct Copied<'a> {
    /// Where it is.
    address: u64,
    room: PhantomData<&'a Room>,
}

impl Room {
    /// Takes note of the address.
    #[inline(always)]
    pub fn copy(&mut self, address: u64) -> Option<Copied<'_>> {
        Some(Copied { address, room: PhantomData })
    }
}

impl Headers {
    /// Takes note where they start, and says how many bytes there are.
    #[inline(always)]
    pub fn copy(&mut self, from: u64, len: u32) -> Option<u32> {
        self.0 = from;
        Some(at_most::<HEADERS>(len))
    }

    /// The words at an offset; zeros where they cannot be read. What a packet lacks of them is memory of its own buffer.
    #[inline(always)]
    pub fn words<const N: usize>(&self, offset: u32) -> [u32; N] {
        helper::read(self.0 + u64::from(offset)).unwrap_or([0; N])
    }
}

impl Fields for Copied<'_> {
    type Pointed = u64;

    #[inline(always)]
    fn field<T: Copy>(self, offset: u32) -> Option<T> {
        at(self.address, offset)
    }

    #[inline(always)]
    fn pointed(self, offset: u32) -> Option<u64> {
        self.field(offset)
    }

    #[inline(always)]
    fn address(self) -> u64 {
        self.address
    }
}
