//! The old capture format: one header, then packets (draft-ietf-opsawg-pcap).
//!
//! Knows what a byte means and not what a packet is.

use super::packets::{Interface, Packet, Resolution, Step, WIDEST};
use crate::model::Nanos;

/// Bytes of the file's header.
const HEADER: usize = 24;

/// A file whose header was read.
#[derive(Debug)]
pub(super) struct Pcap {
    order: Order,
    /// Bytes before each packet.
    before: usize,
    /// Longer packets than this are none.
    longest: u32,
    resolution: Resolution,
    pub(super) interface: Interface,
}

/// Byte order of numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    Big,
    Little,
}

impl Order {
    /// A number of 32 bits; where there are none, 0.
    pub(super) fn u32(self, bytes: &[u8], at: usize) -> u32 {
        let Some(bytes) = bytes.get(at..).and_then(|rest| rest.first_chunk()) else { return 0 };
        match self {
            Self::Big => u32::from_be_bytes(*bytes),
            Self::Little => u32::from_le_bytes(*bytes),
        }
    }

    /// ... of 16 bits.
    pub(super) fn u16(self, bytes: &[u8], at: usize) -> u16 {
        let Some(bytes) = bytes.get(at..).and_then(|rest| rest.first_chunk()) else { return 0 };
        match self {
            Self::Big => u16::from_be_bytes(*bytes),
            Self::Little => u16::from_le_bytes(*bytes),
        }
    }

    /// ... of 64 bits.
    pub(super) fn u64(self, bytes: &[u8], at: usize) -> u64 {
        let (first, second) = (self.u32(bytes, at).into(), self.u32(bytes, at + 4).into());
        let (high, low): (u64, u64) = if self == Self::Big { (first, second) } else { (second, first) };
        high << 32 | low
    }
}

/// Byte order, decimal places of a second and bytes before each packet, by the first four bytes of a file.
fn magic(bytes: [u8; 4]) -> Option<(Order, u8, usize)> {
    [Order::Big, Order::Little].into_iter().find_map(|order| {
        let (places, before) = match order.u32(&bytes, 0) {
            0xa1b2_c3d4 => (6, 16),
            0xa1b2_3c4d => (9, 16),
            // Linux 2.1 with Alexey Kuznetsov's patches: an interface, a protocol and a type after each length.
            0xa1b2_cd34 => (6, 24),
            _ => return None,
        };
        Some((order, places, before))
    })
}

/// Whether a file begins like this one.
pub(super) fn is(bytes: [u8; 4]) -> bool {
    magic(bytes).is_some()
}

impl Pcap {
    /// Reads the header. `None`: there is not all of it yet.
    pub(super) fn open(bytes: &[u8]) -> Result<Option<(usize, Self)>, String> {
        let Some(header) = bytes.first_chunk::<HEADER>() else { return Ok(None) };
        let Some((order, places, before)) = bytes.first_chunk().and_then(|first| magic(*first)) else {
            return Err("not the header of a pcap file".into());
        };
        let version = order.u16(header, 4);
        if version != 2 {
            return Err(format!("a pcap file of version {version}, and only version 2 is known"));
        }
        // The upper half holds the length of a frame's checksum and the like.
        let [_, _, low, high] = order.u32(header, 20).to_be_bytes();
        let pcap = Self {
            order,
            before,
            // Some writers leave the length at 0, or at more than there can be.
            longest: order.u32(header, 16).clamp(WIDEST, super::packets::BLOCK),
            resolution: Resolution::decimal(places),
            interface: Interface::new(u16::from_be_bytes([low, high])),
        };
        Ok(Some((HEADER, pcap)))
    }

    /// The next packet.
    pub(super) fn next<'a>(&self, bytes: &'a [u8]) -> Result<Step<'a>, String> {
        let Some(header) = bytes.get(..self.before) else { return Ok(Step::More) };
        let [seconds, fraction, captured, length] = [0, 4, 8, 12].map(|at| self.order.u32(header, at));
        if captured > self.longest {
            return Err(format!("a packet of {captured} bytes, and no packet of this file is that long"));
        }
        let end = self.before + captured as usize;
        let Some(bytes) = bytes.get(self.before..end) else { return Ok(Step::More) };
        let time = i64::from(seconds) * 1_000_000_000 + self.resolution.nanos(fraction.into()).0;
        Ok(Step::Packet(end, Packet { time: Some(Nanos(time)), interface: 0, bytes, length }))
    }
}
