//! TCP segments by hand: bytes to write to the wire, and what comes back from it.

use std::net::{IpAddr, SocketAddr};

use anyhow::{Context as _, Result};
use etherparse::{SlicedPacket, TcpOptionElement, TransportSlice};

/// TCP flags.
pub(crate) mod flag {
    pub(crate) const FIN: u8 = 1;
    pub(crate) const SYN: u8 = 2;
    pub(crate) const RST: u8 = 4;
    pub(crate) const ACK: u8 = 16;
    /// Both flags with which a SYN asks for ECN.
    pub(crate) const ECN: u8 = 0xc0;
}

const TCP: u8 = 6;

/// A segment to be sent, with everything that may be wrong about it.
#[derive(Clone, Debug)]
pub(crate) struct Segment {
    pub(crate) from: SocketAddr,
    pub(crate) to: SocketAddr,
    pub(crate) seq: u32,
    pub(crate) ack: u32,
    pub(crate) flags: u8,
    pub(crate) window: u16,
    pub(crate) ttl: u8,
    /// Option bytes, a multiple of four.
    pub(crate) options: Vec<u8>,
    /// Data offset in words, where it is not what the options make it.
    pub(crate) offset: Option<u8>,
    /// Whether the checksum is right.
    pub(crate) sound: bool,
}

impl Segment {
    /// A segment without options.
    pub(crate) fn new(from: SocketAddr, to: SocketAddr, flags: u8, seq: u32, ack: u32) -> Self {
        Self {
            from,
            to,
            seq,
            ack,
            flags,
            window: 64_240,
            ttl: 64,
            options: vec![],
            offset: None,
            sound: true,
        }
    }

    /// The TCP header.
    fn tcp(&self) -> Vec<u8> {
        let words = self.offset.unwrap_or_else(|| u8::try_from(5 + self.options.len() / 4).unwrap_or(15));
        let mut tcp = Vec::with_capacity(60);
        tcp.extend(self.from.port().to_be_bytes());
        tcp.extend(self.to.port().to_be_bytes());
        tcp.extend(self.seq.to_be_bytes());
        tcp.extend(self.ack.to_be_bytes());
        tcp.extend([words << 4, self.flags]);
        tcp.extend(self.window.to_be_bytes());
        tcp.extend([0; 4]);
        tcp.extend(&self.options);
        let mut sum = sum(&address(self.from.ip()))
            + sum(&address(self.to.ip()))
            + u64::from(TCP)
            + tcp.len() as u64
            + sum(&tcp);
        if !self.sound {
            sum += 1;
        }
        tcp[16..18].copy_from_slice(&folded(sum));
        tcp
    }

    /// The whole packet.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.packet(0, &[], &self.tcp())
    }

    /// The packet with eight bytes between its IP and TCP headers: padding in IPv4 options, or in an IPv6 extension header.
    pub(crate) fn padded(&self) -> Vec<u8> {
        let extra = if self.from.is_ipv4() { [1; 8] } else { [TCP, 0, 1, 4, 0, 0, 0, 0] };
        self.packet(0, &extra, &self.tcp())
    }

    /// The packet as IPv4 fragments, the first one with `first` bytes (a multiple of 8) of TCP.
    pub(crate) fn fragments(&self, first: usize) -> [Vec<u8>; 2] {
        const MORE: u16 = 0x2000;
        let tcp = self.tcp();
        let at = u16::try_from(first / 8).unwrap_or(0);
        [self.packet(MORE, &[], &tcp[..first]), self.packet(at, &[], &tcp[first..])]
    }

    fn packet(&self, fragment: u16, extra: &[u8], tcp: &[u8]) -> Vec<u8> {
        ip(Ip { from: self.from.ip(), to: self.to.ip(), protocol: TCP, ttl: self.ttl, fragment, extra }, tcp)
    }
}

/// An IP header.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ip<'a> {
    pub(crate) from: IpAddr,
    pub(crate) to: IpAddr,
    pub(crate) protocol: u8,
    pub(crate) ttl: u8,
    /// IPv4's flags and offset.
    pub(crate) fragment: u16,
    /// IPv4 options, or an IPv6 destination options header.
    pub(crate) extra: &'a [u8],
}

/// An IP packet.
pub(crate) fn ip(header: Ip<'_>, payload: &[u8]) -> Vec<u8> {
    const DESTINATION_OPTIONS: u8 = 60;
    let Ip { from, to, protocol, ttl, fragment, extra } = header;
    let mut packet = Vec::with_capacity(48 + payload.len());
    let length = u16::try_from(extra.len() + payload.len()).unwrap_or(0);
    if from.is_ipv4() {
        packet.extend([0x45 + u8::try_from(extra.len() / 4).unwrap_or(0), 0]);
        packet.extend((length + 20).to_be_bytes());
        packet.extend([0x12, 0x34]);
        packet.extend(fragment.to_be_bytes());
        packet.extend([ttl, protocol, 0, 0]);
        packet.extend(address(from));
        packet.extend(address(to));
        packet.extend(extra);
        let checksum = folded(sum(&packet));
        packet[10..12].copy_from_slice(&checksum);
    } else {
        packet.extend([0x60, 0, 0, 0]);
        packet.extend(length.to_be_bytes());
        packet.extend([if extra.is_empty() { protocol } else { DESTINATION_OPTIONS }, ttl]);
        packet.extend(address(from));
        packet.extend(address(to));
        packet.extend(extra);
    }
    packet.extend(payload);
    packet
}

fn address(address: IpAddr) -> Vec<u8> {
    match address {
        IpAddr::V4(address) => address.octets().to_vec(),
        IpAddr::V6(address) => address.octets().to_vec(),
    }
}

fn sum(bytes: &[u8]) -> u64 {
    let word = |pair: &[u8]| u64::from(pair[0]) << 8 | u64::from(*pair.get(1).unwrap_or(&0));
    bytes.chunks(2).map(word).sum()
}

/// Checksum of RFC 1071.
fn folded(mut sum: u64) -> [u8; 2] {
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    let [.., high, low] = (!sum).to_be_bytes();
    [high, low]
}

/// A segment from the kernel under test.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub(crate) from: SocketAddr,
    pub(crate) to: SocketAddr,
    pub(crate) seq: u32,
    pub(crate) ack: u32,
    pub(crate) flags: u8,
    /// TSval of its timestamps option.
    pub(crate) tsval: Option<u32>,
}

impl Reply {
    /// Whether all of these flags are set.
    pub(crate) fn has(&self, flags: u8) -> bool {
        self.flags & flags == flags
    }

    /// Reads a packet; `None`: it is not TCP.
    pub(crate) fn read(packet: &[u8]) -> Result<Option<Self>> {
        let sliced = SlicedPacket::from_ip(packet).context("a packet from the kernel")?;
        let Some(TransportSlice::Tcp(tcp)) = sliced.transport else { return Ok(None) };
        let (from, to) = match &sliced.net {
            Some(etherparse::NetSlice::Ipv4(ip)) => {
                (IpAddr::V4(ip.header().source_addr()), IpAddr::V4(ip.header().destination_addr()))
            }
            Some(etherparse::NetSlice::Ipv6(ip)) => {
                (IpAddr::V6(ip.header().source_addr()), IpAddr::V6(ip.header().destination_addr()))
            }
            _ => return Ok(None),
        };
        let tsval = tcp.options_iterator().flatten().find_map(|option| match option {
            TcpOptionElement::Timestamp(tsval, _) => Some(tsval),
            _ => None,
        });
        Ok(Some(Self {
            from: SocketAddr::new(from, tcp.source_port()),
            to: SocketAddr::new(to, tcp.destination_port()),
            seq: tcp.sequence_number(),
            ack: tcp.acknowledgment_number(),
            flags: tcp.header_slice()[13],
            tsval,
        }))
    }
}
