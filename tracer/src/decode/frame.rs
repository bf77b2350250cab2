//! A captured frame becomes a TCP segment: link layer, IP, TCP header.
//!
//! Decides what is a segment and why something is none. Any bytes are decoded or refused, never trusted; knows nothing of
//! capture files, of time, or of what a segment means.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::tcp;
use crate::model::{Flow, Syn, named};

named! {
    /// Link layers that are understood, by their name in the registry of tcpdump.org (`LINKTYPE_...`).
    Link {
        /// BSD loopback: the address family in the byte order of the machine that captured.
        Null = "null",
        /// Ethernet, with or without VLAN tags.
        Ethernet = "ethernet",
        /// IPv4 or IPv6 without anything before it.
        Raw = "raw",
        /// OpenBSD loopback: the address family in network byte order.
        Loop = "loop",
        /// Linux "cooked" capture (`tcpdump -i any`), version 1.
        LinuxSll = "linux-sll",
        /// IPv4 alone.
        Ipv4 = "ipv4",
        /// IPv6 alone.
        Ipv6 = "ipv6",
        /// Linux "cooked" capture, version 2.
        LinuxSll2 = "linux-sll2",
    }
}

impl Link {
    /// From its number in a file (<https://www.tcpdump.org/linktypes.html>); `None`: not understood.
    pub const fn of(number: u16) -> Option<Self> {
        Some(match number {
            0 => Self::Null,
            1 => Self::Ethernet,
            // The number of LINKTYPE_RAW, and those that BSD systems wrote into files instead.
            101 | 12 | 14 => Self::Raw,
            108 => Self::Loop,
            113 => Self::LinuxSll,
            228 => Self::Ipv4,
            229 => Self::Ipv6,
            276 => Self::LinuxSll2,
            _ => return None,
        })
    }
}

/// Why a frame is no segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoSegment {
    /// Neither IPv4 nor IPv6.
    #[error("no IP")]
    NotIp,
    /// IP with something else than TCP in it.
    #[error("no TCP")]
    NotTcp,
    /// Not the first fragment: it has no TCP header.
    #[error("a later fragment")]
    Fragment,
    /// The capture ends before the TCP header does (`tcpdump -s`).
    #[error("cut short before the end of its TCP header")]
    Cut,
    /// A header that contradicts itself.
    #[error("a header that contradicts itself")]
    Malformed,
}

/// A TCP segment as it was captured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment<'a> {
    /// From its sender to its receiver, whichever of the two is the client.
    pub flow: Flow,
    /// IPv4 TTL or IPv6 hop limit.
    pub ttl: u8,
    /// Bytes that follow the TCP header, captured or not.
    pub payload: u32,
    header: &'a [u8; 20],
    options: &'a [u8],
}

impl Segment<'_> {
    fn word(&self, at: usize) -> u32 {
        u32::from_be_bytes([self.header[at], self.header[at + 1], self.header[at + 2], self.header[at + 3]])
    }

    /// FIN, SYN, RST, ACK and the like, as in byte 13 of the header.
    pub fn flags(&self) -> u8 {
        self.header[13]
    }

    /// Sequence number.
    pub fn seq(&self) -> u32 {
        self.word(4)
    }

    /// Acknowledgement number; means something only with ACK.
    pub fn ack(&self) -> u32 {
        self.word(8)
    }

    /// TSval and TSecr.
    pub fn timestamps(&self) -> Option<(u32, u32)> {
        tcp::timestamps(self.options)
    }

    /// Everything that matters in a SYN.
    pub fn syn(&self) -> Syn {
        tcp::syn(self.header, self.options, self.ttl).2
    }

    /// The capture holds only a part of the options.
    pub fn options_cut(&self) -> bool {
        header_length(self.header) > 20 + self.options.len()
    }
}

fn header_length(header: &[u8; 20]) -> usize {
    usize::from(header[12] >> 4) * 4
}

/// Ethernet types (IEEE 802).
mod ethertype {
    pub(super) const IPV4: u16 = 0x0800;
    pub(super) const VLAN: u16 = 0x8100;
    pub(super) const IPV6: u16 = 0x86dd;
    pub(super) const PROVIDER_VLAN: u16 = 0x88a8;
    pub(super) const OLD_PROVIDER_VLAN: u16 = 0x9100;
}

/// VLAN tags, or IPv6 extension headers, of one frame: more are no traffic that anyone answers.
const MOST_HEADERS: usize = 8;

/// The TCP segment in a frame. `length` is that of the frame on the wire, of which `bytes` may be only the beginning.
///
/// # Errors
/// When there is none, or not enough of it was captured.
pub fn segment(link: Link, bytes: &[u8], length: u32) -> Result<Segment<'_>, NoSegment> {
    let (before, kind) = match link {
        Link::Null | Link::Loop => (4, family(array(bytes, 0)?)?),
        Link::Ethernet => tagged(bytes, 12)?,
        Link::LinuxSll => tagged(bytes, 14)?,
        Link::LinuxSll2 => match u16_at(bytes, 0)? {
            tag @ (ethertype::VLAN | ethertype::PROVIDER_VLAN) => behind_tags(bytes, 20, tag)?,
            kind => (20, kind),
        },
        Link::Raw => match bytes.first().ok_or(NoSegment::Cut)? >> 4 {
            4 => (0, ethertype::IPV4),
            6 => (0, ethertype::IPV6),
            _ => return Err(NoSegment::NotIp),
        },
        Link::Ipv4 => (0, ethertype::IPV4),
        Link::Ipv6 => (0, ethertype::IPV6),
    };
    let packet = bytes.get(before..).ok_or(NoSegment::Cut)?;
    let length = (length as usize).max(bytes.len()) - before;
    match kind {
        ethertype::IPV4 => ipv4(packet, length),
        ethertype::IPV6 => ipv6(packet, length),
        _ => Err(NoSegment::NotIp),
    }
}

/// What the address family of a loopback frame stands for; systems number IPv6 differently, and write it in their own byte
/// order.
fn family(bytes: [u8; 4]) -> Result<u16, NoSegment> {
    match u32::from_be_bytes(bytes).min(u32::from_le_bytes(bytes)) {
        2 => Ok(ethertype::IPV4),
        10 | 24 | 28 | 30 => Ok(ethertype::IPV6),
        _ => Err(NoSegment::NotIp),
    }
}

/// Where the type at `at` says that the network layer begins, and its type.
fn tagged(bytes: &[u8], at: usize) -> Result<(usize, u16), NoSegment> {
    let kind = u16_at(bytes, at)?;
    // IEEE 802.3 with a length in the type's place: LLC and SNAP before the type.
    if kind < 0x600 && bytes.get(at + 2..at + 8) == Some(&[0xaa, 0xaa, 3, 0, 0, 0]) {
        return Ok((at + 10, u16_at(bytes, at + 8)?));
    }
    behind_tags(bytes, at + 2, kind)
}

/// Behind the VLAN tags (IEEE 802.1Q), the first of which begins at `at`.
fn behind_tags(bytes: &[u8], mut at: usize, mut kind: u16) -> Result<(usize, u16), NoSegment> {
    for _ in 0..MOST_HEADERS {
        if !matches!(kind, ethertype::VLAN | ethertype::PROVIDER_VLAN | ethertype::OLD_PROVIDER_VLAN) {
            break;
        }
        kind = u16_at(bytes, at + 2)?;
        at += 4;
    }
    Ok((at, kind))
}

const TCP: u8 = 6;

/// RFC 791.
fn ipv4(packet: &[u8], length: usize) -> Result<Segment<'_>, NoSegment> {
    let header: &[u8; 20] = packet.first_chunk().ok_or(NoSegment::Cut)?;
    let header_length = usize::from(header[0] & 0xf) * 4;
    if header[0] >> 4 != 4 || header_length < 20 {
        return Err(NoSegment::Malformed);
    }
    if header[9] != TCP {
        return Err(NoSegment::NotTcp);
    }
    if u16::from_be_bytes([header[6], header[7]]) & 0x1fff != 0 {
        return Err(NoSegment::Fragment);
    }
    // 0: longer than the field can say, and left to the network card to cut (TSO).
    let total = match usize::from(u16::from_be_bytes([header[2], header[3]])) {
        0 => length,
        total => total,
    };
    let [.., s0, s1, s2, s3, d0, d1, d2, d3] = *header;
    let (src, dst) = (Ipv4Addr::new(s0, s1, s2, s3).into(), Ipv4Addr::new(d0, d1, d2, d3).into());
    tcp_segment(packet, header_length, total, (src, dst), header[8])
}

/// RFC 8200.
fn ipv6(packet: &[u8], length: usize) -> Result<Segment<'_>, NoSegment> {
    let header: &[u8; 40] = packet.first_chunk().ok_or(NoSegment::Cut)?;
    if header[0] >> 4 != 6 {
        return Err(NoSegment::Malformed);
    }
    let total = match usize::from(u16::from_be_bytes([header[4], header[5]])) {
        0 => length,
        payload => 40 + payload,
    };
    let mut at = 40;
    let mut next = header[6];
    for _ in 0..MOST_HEADERS {
        let length = match next {
            // Hop-by-hop options, routing, destination options, mobility, host identity, shim6: all of one form.
            0 | 43 | 60 | 135 | 139 | 140 => 8 + usize::from(byte_at(packet, at + 1)?) * 8,
            44 if u16_at(packet, at + 2)? & 0xfff8 != 0 => {
                let is_tcp = byte_at(packet, at)? == TCP;
                return Err(if is_tcp { NoSegment::Fragment } else { NoSegment::NotTcp });
            }
            44 => 8,
            51 => 8 + usize::from(byte_at(packet, at + 1)?) * 4,
            _ => break,
        };
        next = byte_at(packet, at)?;
        at += length;
    }
    if next != TCP {
        return Err(NoSegment::NotTcp);
    }
    let address = |at: usize| array(packet, at).map(|bytes| IpAddr::from(Ipv6Addr::from(bytes)));
    tcp_segment(packet, at, total, (address(8)?, address(24)?), header[7])
}

/// The segment that begins at `at` of a packet of `total` bytes.
fn tcp_segment(
    packet: &[u8],
    at: usize,
    total: usize,
    (src, dst): (IpAddr, IpAddr),
    ttl: u8,
) -> Result<Segment<'_>, NoSegment> {
    // The frame may be longer than the packet: Ethernet pads.
    let all = total.checked_sub(at).filter(|all| *all >= 20).ok_or(NoSegment::Malformed)?;
    let bytes = packet.get(at..).ok_or(NoSegment::Cut)?;
    let bytes = &bytes[..bytes.len().min(all)];
    let (header, rest) = bytes.split_first_chunk().ok_or(NoSegment::Cut)?;
    let options = header_length(header).checked_sub(20).ok_or(NoSegment::Malformed)?;
    let payload = all.checked_sub(20 + options).ok_or(NoSegment::Malformed)?;
    let port = |at: usize| u16::from_be_bytes([header[at], header[at + 1]]);
    Ok(Segment {
        flow: Flow { src, sport: port(0), dst, dport: port(2) },
        ttl,
        payload: u32::try_from(payload).unwrap_or(u32::MAX),
        header,
        options: &rest[..rest.len().min(options)],
    })
}

fn array<const N: usize>(bytes: &[u8], at: usize) -> Result<[u8; N], NoSegment> {
    bytes.get(at..).and_then(|rest| rest.first_chunk()).copied().ok_or(NoSegment::Cut)
}

fn u16_at(bytes: &[u8], at: usize) -> Result<u16, NoSegment> {
    array(bytes, at).map(u16::from_be_bytes)
}

fn byte_at(bytes: &[u8], at: usize) -> Result<u8, NoSegment> {
    bytes.get(at).copied().ok_or(NoSegment::Cut)
}

#[cfg(test)]
mod tests;
