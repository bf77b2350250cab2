//! The newer capture format: blocks of several kinds (draft-ietf-opsawg-pcapng).
//!
//! Knows what a byte means and not what a packet is. Blocks that say nothing of packets are passed over.

use super::{
    packets::{BLOCK, Interface, Packet, Resolution, Step},
    pcap::Order,
};
use crate::model::Nanos;

/// Kinds of blocks.
mod block {
    pub(super) const SECTION: u32 = 0x0a0d_0d0a;
    pub(super) const INTERFACE: u32 = 1;
    /// Given up for `ENHANCED` in 2004; old files have them.
    pub(super) const PACKET: u32 = 2;
    pub(super) const SIMPLE: u32 = 3;
    pub(super) const STATISTICS: u32 = 5;
    pub(super) const ENHANCED: u32 = 6;
}

/// Numbers of options; each means something in one kind of block.
mod option {
    pub(super) const END: u16 = 0;
    pub(super) const RESOLUTION: u16 = 9;
    pub(super) const OFFSET: u16 = 14;
    /// Packets that found no room at the interface, and in the system.
    pub(super) const INTERFACE_DROP: u16 = 5;
    pub(super) const SYSTEM_DROP: u16 = 7;
}

/// Interfaces of a section; packets of further ones have no known link layer.
const MOST_INTERFACES: usize = 4096;

/// A file as far as it was read.
#[derive(Debug)]
pub(super) struct Pcapng {
    order: Order,
    pub(super) interfaces: Vec<Interface>,
    /// Lost in sections before this one.
    missed: Option<u64>,
}

/// Whether a file begins like this one.
pub(super) fn is(bytes: [u8; 4]) -> bool {
    u32::from_be_bytes(bytes) == block::SECTION
}

impl Pcapng {
    pub(super) fn new() -> Self {
        Self { order: Order::Little, interfaces: Vec::new(), missed: None }
    }

    /// The next block.
    pub(super) fn next<'a>(&mut self, bytes: &'a [u8]) -> Result<Step<'a>, String> {
        if bytes.len() < 12 {
            return Ok(Step::More);
        }
        // Reads the same in both orders; what follows says which it is.
        let kind = self.order.u32(bytes, 0);
        let order = if kind == block::SECTION { section_order(bytes)? } else { self.order };
        let length = order.u32(bytes, 4);
        if length < 12 || length % 4 != 0 || length > BLOCK {
            return Err(format!("a block of {length} bytes, which is no length of a block"));
        }
        let end = length as usize;
        let Some(whole) = bytes.get(..end) else { return Ok(Step::More) };
        let again = order.u32(whole, end - 4);
        if again != length {
            return Err(format!("a block that begins with a length of {length} bytes and ends with {again}"));
        }
        let body = &whole[8..end - 4];
        match kind {
            block::SECTION => self.section(order, body)?,
            block::INTERFACE => self.interface(body)?,
            block::STATISTICS => self.statistics(body),
            block::ENHANCED | block::PACKET => return self.packet(kind, body).map(|p| Step::Packet(end, p)),
            block::SIMPLE => {
                let length = order.u32(body, 0);
                let bytes = body.get(4..).unwrap_or_default();
                let captured = bytes.len().min(length as usize);
                let packet = Packet { time: None, interface: 0, bytes: &bytes[..captured], length };
                return Ok(Step::Packet(end, packet));
            }
            _ => {}
        }
        Ok(Step::Other(end))
    }

    fn section(&mut self, order: Order, body: &[u8]) -> Result<(), String> {
        let version = order.u16(body, 4);
        if version != 1 {
            return Err(format!("a section of version {version}, and only version 1 is known"));
        }
        self.missed = self.missed();
        self.interfaces.clear();
        self.order = order;
        Ok(())
    }

    fn interface(&mut self, body: &[u8]) -> Result<(), String> {
        if body.len() < 8 {
            return Err("an interface block that is too short".into());
        }
        let mut interface = Interface::new(self.order.u16(body, 0));
        self.options(&body[8..], |option, value| match (option, value) {
            (option::RESOLUTION, [places]) if places & 0x80 == 0 => {
                interface.resolution = Resolution::decimal(*places);
            }
            (option::RESOLUTION, [places]) => interface.resolution = Resolution::binary(places & 0x7f),
            (option::OFFSET, [_, _, _, _, _, _, _, _]) => {
                interface.offset = self.order.u64(value, 0).cast_signed();
            }
            _ => {}
        });
        if self.interfaces.len() < MOST_INTERFACES {
            self.interfaces.push(interface);
        }
        Ok(())
    }

    /// Counts since the interface was opened; each block replaces the one before it.
    fn statistics(&mut self, body: &[u8]) {
        let mut missed = None;
        self.options(body.get(12..).unwrap_or_default(), |option, value| {
            if matches!(option, option::INTERFACE_DROP | option::SYSTEM_DROP) && value.len() == 8 {
                missed = Some(self.order.u64(value, 0).saturating_add(missed.unwrap_or(0)));
            }
        });
        let interface = self.interfaces.get_mut(self.order.u32(body, 0) as usize);
        if let (Some(interface), Some(missed)) = (interface, missed) {
            interface.missed = Some(missed);
        }
    }

    fn packet<'a>(&self, kind: u32, body: &'a [u8]) -> Result<Packet<'a>, String> {
        if body.len() < 20 {
            return Err("a packet block that is too short".into());
        }
        let order = self.order;
        let interface = if kind == block::PACKET { order.u16(body, 0).into() } else { order.u32(body, 0) };
        let [high, low, captured, length] = [4, 8, 12, 16].map(|at| order.u32(body, at));
        let Some(bytes) = body.get(20..).and_then(|data| data.get(..captured as usize)) else {
            return Err(format!("a packet of {captured} bytes in a block of {} bytes", body.len() + 12));
        };
        let ticks = u64::from(high) << 32 | u64::from(low);
        let time = self.interfaces.get(interface as usize).map(|interface| {
            let nanos = interface.resolution.nanos(ticks).0;
            Nanos(nanos.saturating_add(interface.offset.saturating_mul(1_000_000_000)))
        });
        Ok(Packet { time, interface, bytes, length })
    }

    /// Calls `each` with the number and the value of every option.
    fn options(&self, mut rest: &[u8], mut each: impl FnMut(u16, &[u8])) {
        while rest.len() >= 4 {
            let (option, length) = (self.order.u16(rest, 0), usize::from(self.order.u16(rest, 2)));
            let Some(value) = rest.get(4..4 + length) else { return };
            if option == option::END {
                return;
            }
            each(option, value);
            rest = rest.get(4 + length.next_multiple_of(4)..).unwrap_or_default();
        }
    }

    /// Packets that the capture itself lost, by its own count.
    pub(super) fn missed(&self) -> Option<u64> {
        let all = self.interfaces.iter().filter_map(|interface| interface.missed).chain(self.missed);
        all.reduce(u64::saturating_add)
    }
}

/// The byte order of a section.
fn section_order(bytes: &[u8]) -> Result<Order, String> {
    match bytes.get(8..12) {
        Some([0x1a, 0x2b, 0x3c, 0x4d]) => Ok(Order::Big),
        Some([0x4d, 0x3c, 0x2b, 0x1a]) => Ok(Order::Little),
        _ => Err("a section without a byte order".into()),
    }
}
