//! Packets one after the other from the bytes of a capture, whatever its format.
//!
//! Decides which format it is and keeps what is left of the last piece until the rest of it comes. Memory is bounded by the
//! longest block.

use super::{Broken, pcap::Pcap, pcapng::Pcapng};
use crate::{decode::frame::Link, model::Nanos};

/// What every program takes as the longest packet, bytes (`MAXIMUM_SNAPLEN` of libpcap).
pub(super) const WIDEST: u32 = 262_144;
/// No block and no packet is longer than this, bytes.
pub(super) const BLOCK: u32 = 16 << 20;

/// A packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Packet<'a> {
    /// When; `None`: the file does not say.
    pub(super) time: Option<Nanos>,
    /// Which of the interfaces of its section.
    pub(super) interface: u32,
    /// What was captured of it.
    pub(super) bytes: &'a [u8],
    /// Its length on the wire, bytes.
    pub(super) length: u32,
}

/// What comes next in some bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step<'a> {
    /// Nothing whole yet.
    More,
    /// So many bytes without a packet.
    Other(usize),
    /// So many bytes with a packet in them.
    Packet(usize, Packet<'a>),
}

/// Where packets were captured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Interface {
    /// Number of its link layer.
    pub(super) number: u16,
    /// ... if it is one that is understood.
    pub(super) link: Option<Link>,
    /// Ticks of its clock.
    pub(super) resolution: Resolution,
    /// Seconds to add to every time.
    pub(super) offset: i64,
    /// Packets that the capture itself lost there, by its own count; `None`: it does not say.
    pub(super) missed: Option<u64>,
}

impl Interface {
    pub(super) fn new(number: u16) -> Self {
        let link = Link::of(number);
        Self { number, link, resolution: Resolution::decimal(6), offset: 0, missed: None }
    }
}

/// How long a tick of a capture's clock is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Resolution {
    /// Nanoseconds are ticks times this ...
    times: u64,
    /// ... by this.
    by: u128,
}

impl Resolution {
    /// Ticks of 10^-`places` seconds.
    pub(super) fn decimal(places: u8) -> Self {
        let power = |n: u8| 10_u128.saturating_pow(n.into());
        match places {
            0..=9 => Self { times: 10_u64.pow(u32::from(9 - places)), by: 1 },
            _ => Self { times: 1, by: power(places - 9) },
        }
    }

    /// Ticks of 2^-`places` seconds.
    pub(super) fn binary(places: u8) -> Self {
        Self { times: 1_000_000_000, by: 1_u128.checked_shl(places.into()).unwrap_or(u128::MAX) }
    }

    pub(super) fn nanos(self, ticks: u64) -> Nanos {
        let nanos = match ticks.checked_mul(self.times) {
            Some(nanos) if self.by == 1 => nanos.into(),
            _ => u128::from(ticks) * u128::from(self.times) / self.by,
        };
        Nanos(i64::try_from(nanos).unwrap_or(i64::MAX))
    }
}

/// Formats of captures.
#[derive(Debug)]
pub(super) enum Format {
    /// One header, then packets.
    Pcap(Pcap),
    /// Blocks of several kinds.
    Pcapng(Pcapng),
}

impl Format {
    /// Whether a file begins like a capture.
    pub(super) fn is(bytes: &[u8]) -> bool {
        bytes.first_chunk().is_some_and(|first| super::pcap::is(*first) || super::pcapng::is(*first))
    }

    fn open(bytes: &[u8]) -> Result<Option<(usize, Self)>, String> {
        match bytes.first_chunk() {
            None => Ok(None),
            Some(first) if super::pcapng::is(*first) => Ok(Some((0, Self::Pcapng(Pcapng::new())))),
            Some(_) => Ok(Pcap::open(bytes)?.map(|(taken, pcap)| (taken, Self::Pcap(pcap)))),
        }
    }

    fn next<'a>(&mut self, bytes: &'a [u8]) -> Result<Step<'a>, String> {
        match self {
            Self::Pcap(pcap) => pcap.next(bytes),
            Self::Pcapng(pcapng) => pcapng.next(bytes),
        }
    }

    /// The interfaces of the section that is being read.
    pub(super) fn interfaces(&self) -> &[Interface] {
        match self {
            Self::Pcap(pcap) => std::slice::from_ref(&pcap.interface),
            Self::Pcapng(pcapng) => &pcapng.interfaces,
        }
    }

    /// Packets that the capture itself lost, in all sections; `None`: it does not say.
    pub(super) fn missed(&self) -> Option<u64> {
        match self {
            Self::Pcap(_) => None,
            Self::Pcapng(pcapng) => pcapng.missed(),
        }
    }

    pub(super) const fn name(&self) -> &'static str {
        match self {
            Self::Pcap(_) => "pcap",
            Self::Pcapng(_) => "pcapng",
        }
    }
}

/// A capture as it is read.
#[derive(Debug, Default)]
pub(super) struct Packets {
    pub(super) format: Option<Format>,
    /// What came and could not be taken yet.
    rest: Vec<u8>,
    /// Of the first byte of `rest` in the capture.
    offset: u64,
}

impl Packets {
    /// Takes the next bytes and hands over the packets in them.
    ///
    /// # Errors
    /// When what follows makes no sense; the packets before it were handed over.
    pub(super) fn take(
        &mut self,
        bytes: &[u8],
        each: &mut impl FnMut(&Format, &Packet<'_>),
    ) -> Result<(), Broken> {
        let mut rest = std::mem::take(&mut self.rest);
        rest.extend_from_slice(bytes);
        let mut at = 0;
        let read = self.all(&rest, &mut at, each);
        rest.drain(..at);
        let offset = self.offset + at as u64;
        (self.rest, self.offset) = (rest, offset);
        read.map_err(|why| Broken { offset, why, hint: None })
    }

    fn all(
        &mut self,
        bytes: &[u8],
        at: &mut usize,
        each: &mut impl FnMut(&Format, &Packet<'_>),
    ) -> Result<(), String> {
        let format = match &mut self.format {
            Some(format) => format,
            None => match Format::open(bytes)? {
                None => return Ok(()),
                Some((taken, format)) => {
                    *at += taken;
                    self.format.insert(format)
                }
            },
        };
        loop {
            match format.next(&bytes[*at..])? {
                Step::More => return Ok(()),
                Step::Other(taken) => *at += taken,
                Step::Packet(taken, packet) => {
                    *at += taken;
                    each(format, &packet);
                }
            }
        }
    }

    /// Whether the capture may end here.
    ///
    /// # Errors
    /// When it ends in the middle of something.
    pub(super) fn end(&self) -> Result<(), Broken> {
        let what = if self.format.is_none() { "its header" } else { "a packet" };
        if self.rest.is_empty() && self.format.is_some() {
            return Ok(());
        }
        let why = format!("the capture ends in the middle of {what}");
        Err(Broken { offset: self.offset, why, hint: None })
    }
}

#[cfg(test)]
mod tests;
