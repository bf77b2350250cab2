//! Frames with TCP segments in them, as the clients of the calibration send them and as the kernel answers. Pure.

use std::net::SocketAddr;

use crate::decode::{
    frame::{Link, segment},
    octets,
};

/// Flags of TCP.
pub(super) mod flag {
    pub(in super::super) const FIN: u8 = 0x01;
    pub(in super::super) const SYN: u8 = 0x02;
    pub(in super::super) const ACK: u8 = 0x10;
}

const IPV4: [u8; 2] = [0x08, 0x00];
const IPV6: [u8; 2] = [0x86, 0xdd];
const ARP: [u8; 2] = [0x08, 0x06];
const TCP: u8 = 6;

/// What a segment says.
#[derive(Clone, Debug)]
pub(super) struct Segment {
    pub(super) from: SocketAddr,
    pub(super) to: SocketAddr,
    pub(super) flags: u8,
    pub(super) seq: u32,
    pub(super) ack: u32,
    /// TSval and TSecr.
    pub(super) timestamps: (u32, u32),
    pub(super) payload: Vec<u8>,
    /// Words of 32 bits of options that do nothing, in an IPv4 header.
    pub(super) padding: u8,
}

impl Segment {
    /// The IP packet, and how long its IP header is.
    pub(super) fn packet(&self) -> (Vec<u8>, usize) {
        let mut tcp = Vec::with_capacity(64);
        tcp.extend(self.from.port().to_be_bytes());
        tcp.extend(self.to.port().to_be_bytes());
        tcp.extend(self.seq.to_be_bytes());
        tcp.extend(self.ack.to_be_bytes());
        // Eight words; a window of 4 KiB.
        tcp.extend([8 << 4, self.flags, 0x10, 0, 0, 0, 0, 0]);
        tcp.extend([1, 1, 8, 10]);
        tcp.extend(self.timestamps.0.to_be_bytes());
        tcp.extend(self.timestamps.1.to_be_bytes());
        tcp.extend(&self.payload);
        let addresses = [octets(self.from.ip()), octets(self.to.ip())].concat();
        let length = u16::try_from(tcp.len()).unwrap_or(0);
        let checksum = folded(sum(&addresses) + sum(&tcp) + u64::from(TCP) + u64::from(length));
        tcp[16..18].copy_from_slice(&checksum);
        let mut packet = if self.from.is_ipv4() { self.ipv4(length) } else { ipv6(length) };
        let header = packet.len() + addresses.len() + usize::from(self.padding) * 4;
        packet.extend(addresses);
        if self.from.is_ipv4() {
            packet.resize(header, 1);
            let checksum = folded(sum(&packet));
            packet[10..12].copy_from_slice(&checksum);
        }
        packet.extend(tcp);
        (packet, header)
    }

    /// An IPv4 header up to its addresses, without its checksum.
    fn ipv4(&self, length: u16) -> Vec<u8> {
        let [a, b] = (length + 20 + u16::from(self.padding) * 4).to_be_bytes();
        // The identification differs from one segment to the next.
        let [c, d, ..] = self.seq.wrapping_mul(0x9e37_79b9).to_be_bytes();
        vec![0x45 + self.padding, 0, a, b, c, d, 0, 0, 64, TCP, 0, 0]
    }
}

fn ipv6(length: u16) -> Vec<u8> {
    let [a, b] = length.to_be_bytes();
    vec![0x60, 0, 0, 0, a, b, TCP, 64]
}

/// The frame of an IP packet.
pub(super) fn frame(to: [u8; 6], packet: &[u8]) -> Vec<u8> {
    let protocol = if packet.first().is_some_and(|byte| byte >> 4 == 4) { IPV4 } else { IPV6 };
    [to.as_slice(), &[2, 0, 0, 0, 0, 1], &protocol, packet].concat()
}

/// A frame that asks for the hardware address of nobody.
pub(super) fn arp(to: [u8; 6]) -> Vec<u8> {
    [to.as_slice(), &[2, 0, 0, 0, 0, 1], &ARP, &[0; 46]].concat()
}

/// What the kernel answers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reply {
    pub(super) to: SocketAddr,
    pub(super) flags: u8,
    pub(super) seq: u32,
    pub(super) ack: u32,
    pub(super) tsval: u32,
}

/// Reads a frame; `None`: there is no segment of TCP in it.
pub(super) fn reply(bytes: &[u8]) -> Option<Reply> {
    let segment = segment(Link::Ethernet, bytes, u32::try_from(bytes.len()).ok()?).ok()?;
    if segment.options_cut() {
        return None;
    }
    Some(Reply {
        to: SocketAddr::new(segment.flow.dst, segment.flow.dport),
        flags: segment.flags(),
        seq: segment.seq(),
        ack: segment.ack(),
        tsval: segment.timestamps().map_or(0, |(tsval, _)| tsval),
    })
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

#[cfg(test)]
mod tests {
    use etherparse::{SlicedPacket, TransportSlice};

    use super::*;

    fn segment(from: &str, to: &str, padding: u8) -> Segment {
        Segment {
            from: from.parse().unwrap(),
            to: to.parse().unwrap(),
            flags: flag::SYN | flag::ACK,
            seq: 0x8000_0001,
            ack: 7,
            timestamps: (1_000_000_007, 9),
            payload: b"odd".to_vec(),
            padding,
        }
    }

    #[test]
    fn segments_are_what_another_reader_takes_them_for() {
        for (from, to, padding, wanted) in [
            ("10.1.2.3:1000", "10.0.0.1:7000", 0, 20),
            ("10.1.2.3:1000", "10.0.0.1:7000", 6, 44),
            ("[fd01::1]:1000", "[fd00::2]:7000", 0, 40),
        ] {
            let sent = segment(from, to, padding);
            let (packet, header) = sent.packet();
            assert_eq!(header, wanted);
            let read = SlicedPacket::from_ip(&packet).unwrap();
            let Some(TransportSlice::Tcp(tcp)) = read.transport else { panic!("no TCP in {packet:?}") };
            assert_eq!((tcp.source_port(), tcp.destination_port()), (1000, 7000));
            assert_eq!(tcp.payload(), b"odd");
            let checksum = match &read.net {
                Some(etherparse::NetSlice::Ipv4(ip)) => {
                    let header = ip.header().to_header();
                    assert_eq!(header.calc_header_checksum(), header.header_checksum);
                    tcp.to_header().calc_checksum_ipv4(&header, tcp.payload())
                }
                Some(etherparse::NetSlice::Ipv6(ip)) => {
                    tcp.to_header().calc_checksum_ipv6(&ip.header().to_header(), tcp.payload())
                }
                other => panic!("{other:?}"),
            };
            assert_eq!(checksum.unwrap(), tcp.checksum());
            let read = reply(&frame([2; 6], &packet)).unwrap();
            assert_eq!(
                (read.to, read.flags, read.seq, read.tsval),
                (sent.to, 0x12, 0x8000_0001, 1_000_000_007)
            );
        }
    }

    #[test]
    fn what_is_no_segment_is_none() {
        assert!(reply(&arp([0xff; 6])).is_none());
        let (packet, _) = segment("10.1.2.3:1000", "10.0.0.1:7000", 0).packet();
        let whole = frame([2; 6], &packet);
        // As far as the last byte of the timestamp.
        for len in 0..14 + 20 + 32 {
            assert!(reply(&whole[..len]).is_none(), "{len}");
        }
    }
}
