//! Frames of every link layer, and any bytes at all. `etherparse` makes them, so that two programs agree.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use etherparse::{
    EtherType, IpFragOffset, IpNumber, Ipv4Header, Ipv6FragmentHeader, PacketBuilder, TcpOptionElement,
    VlanId,
};
use proptest::prelude::*;

use super::{super::tcp as flag, *};

const CLIENT: [u8; 4] = [192, 0, 2, 1];
const SERVER: [u8; 4] = [198, 51, 100, 7];
const OPTIONS: [TcpOptionElement; 5] = [
    TcpOptionElement::MaximumSegmentSize(1460),
    TcpOptionElement::SelectiveAcknowledgementPermitted,
    TcpOptionElement::Timestamp(777, 0),
    TcpOptionElement::Noop,
    TcpOptionElement::WindowScale(7),
];

/// A SYN in IPv4 or IPv6 without anything before it, with four bytes of data.
fn packet(six: bool) -> Vec<u8> {
    let mut bytes = Vec::new();
    macro_rules! write {
        ($builder:expr) => {
            $builder
                .tcp(40_000, 443, 12_345, 64_240)
                .syn()
                .options(&OPTIONS)
                .unwrap()
                .write(&mut bytes, b"data")
                .unwrap()
        };
    }
    if six {
        write!(PacketBuilder::ipv6([0x20; 16], [0xfd; 16], 61));
    } else {
        write!(PacketBuilder::ipv4(CLIENT, SERVER, 63));
    }
    bytes
}

fn is_the_syn(segment: &Segment<'_>, six: bool) {
    let (src, dst, ttl) = if six {
        (IpAddr::from(Ipv6Addr::from([0x20; 16])), IpAddr::from(Ipv6Addr::from([0xfd; 16])), 61)
    } else {
        (IpAddr::from(Ipv4Addr::from(CLIENT)), IpAddr::from(Ipv4Addr::from(SERVER)), 63)
    };
    assert_eq!(segment.flow, Flow { src, sport: 40_000, dst, dport: 443 });
    assert_eq!((segment.ttl, segment.payload, segment.flags()), (ttl, 4, flag::SYN));
    assert_eq!((segment.seq(), segment.ack(), segment.timestamps()), (12_345, 0, Some((777, 0))));
    let syn = segment.syn();
    assert_eq!(
        (syn.seq, syn.window, syn.tsval, syn.mss, syn.wscale),
        (12_345, 64_240, Some(777), Some(1460), Some(7))
    );
    assert_eq!(syn.options.to_string(), "mss,sok,ts,nop,ws");
    assert!(!syn.malformed && !segment.options_cut());
}

/// What each link layer puts before a packet of IP.
fn before(link: Link, six: bool) -> Vec<u8> {
    let kind = if six { EtherType::IPV6 } else { EtherType::IPV4 }.0.to_be_bytes();
    match link {
        Link::Null => u32::to_le_bytes(if six { 30 } else { 2 }).into(),
        Link::Loop => u32::to_be_bytes(if six { 24 } else { 2 }).into(),
        Link::Ethernet => [[0; 12].as_slice(), &kind].concat(),
        Link::LinuxSll => [[0; 14].as_slice(), &kind].concat(),
        Link::LinuxSll2 => [kind.as_slice(), &[0; 18]].concat(),
        Link::Raw | Link::Ipv4 | Link::Ipv6 => Vec::new(),
    }
}

#[test]
fn every_link_layer() {
    for link in Link::ALL {
        for six in [false, true] {
            let frame = [before(link, six), packet(six)].concat();
            let length = u32::try_from(frame.len()).unwrap();
            match (link, six) {
                (Link::Ipv4, true) | (Link::Ipv6, false) => {
                    assert_eq!(segment(link, &frame, length), Err(NoSegment::Malformed));
                }
                _ => is_the_syn(&segment(link, &frame, length).unwrap(), six),
            }
        }
    }
    for (number, link) in
        [(12, Some(Link::Raw)), (14, Some(Link::Raw)), (276, Some(Link::LinuxSll2)), (105, None)]
    {
        assert_eq!(Link::of(number), link);
    }
}

#[test]
fn tags_and_lengths_of_ethernet() {
    let mut double = Vec::new();
    PacketBuilder::ethernet2([1; 6], [2; 6])
        .double_vlan(VlanId::try_new(1).unwrap(), VlanId::try_new(2).unwrap())
        .ipv4(CLIENT, SERVER, 63)
        .tcp(40_000, 443, 12_345, 64_240)
        .syn()
        .options(&OPTIONS)
        .unwrap()
        .write(&mut double, b"data")
        .unwrap();
    is_the_syn(&segment(Link::Ethernet, &double, 0).unwrap(), false);
    let ip = packet(false);
    let snap = [&[0; 12][..], &[0, 80, 0xaa, 0xaa, 3, 0, 0, 0, 8, 0], &ip].concat();
    is_the_syn(&segment(Link::Ethernet, &snap, 0).unwrap(), false);
    // Padding is no payload, and tags stand behind cooked headers, too.
    let padded = [before(Link::Ethernet, false), ip.clone(), vec![0; 30]].concat();
    is_the_syn(&segment(Link::Ethernet, &padded, 0).unwrap(), false);
    let cooked = [&[0; 14][..], &[0x81, 0, 0, 5, 8, 0], &ip].concat();
    is_the_syn(&segment(Link::LinuxSll, &cooked, 0).unwrap(), false);
    let cooked = [&[0x81, 0][..], &[0; 18], &[0, 5, 8, 0], &ip].concat();
    is_the_syn(&segment(Link::LinuxSll2, &cooked, 0).unwrap(), false);
    // Tags without end are no traffic.
    let endless = [&[0; 12][..], &[0x81, 0, 0, 1].repeat(99)].concat();
    assert_eq!(segment(Link::Ethernet, &endless, 0), Err(NoSegment::NotIp));
    let arp = [&[0; 12][..], &[8, 6], &[0; 28]].concat();
    assert_eq!(segment(Link::Ethernet, &arp, 0), Err(NoSegment::NotIp));
}

#[test]
fn ipv4_options_and_fragments() {
    let plain = packet(false);
    let (mut header, rest) = Ipv4Header::from_slice(&plain).unwrap();
    header.options = [7, 4, 0, 0, 1, 1, 1, 0].as_slice().try_into().unwrap();
    header.total_len += 8;
    let with = |header: &Ipv4Header| {
        let mut bytes = Vec::new();
        header.write(&mut bytes).unwrap();
        [bytes, rest.to_vec()].concat()
    };
    is_the_syn(&segment(Link::Raw, &with(&header), 0).unwrap(), false);
    header.fragment_offset = IpFragOffset::try_new(185).unwrap();
    assert_eq!(segment(Link::Raw, &with(&header), 0), Err(NoSegment::Fragment));
    header.protocol = IpNumber::UDP;
    assert_eq!(segment(Link::Raw, &with(&header), 0), Err(NoSegment::NotTcp));
    // Segmentation offload leaves the length at 0: then the frame's is right.
    let mut offloaded = plain.clone();
    (offloaded[2], offloaded[3]) = (0, 0);
    is_the_syn(&segment(Link::Raw, &offloaded, 0).unwrap(), false);
    let big = segment(Link::Raw, &offloaded, 100_000).unwrap();
    assert_eq!(big.payload, 100_000 - 20 - 40);
}

#[test]
fn ipv6_extension_headers() {
    let plain = packet(true);
    let behind = |extensions: &[u8], first: u8| {
        let mut bytes = plain.clone();
        let length = u16::from_be_bytes([bytes[4], bytes[5]]) + u16::try_from(extensions.len()).unwrap();
        bytes[4..6].copy_from_slice(&length.to_be_bytes());
        bytes[6] = first;
        bytes.splice(40..40, extensions.iter().copied());
        bytes
    };
    let hop_by_hop = [43, 0, 1, 4, 0, 0, 0, 0];
    let routing = [51, 0, 0, 0, 0, 0, 0, 0];
    let authentication = [[6, 4].as_slice(), &[0; 22]].concat();
    let all = [hop_by_hop.as_slice(), &routing, &authentication].concat();
    is_the_syn(&segment(Link::Raw, &behind(&all, 0), 0).unwrap(), true);
    let fragment = |offset, next| {
        let offset = IpFragOffset::try_new(offset).unwrap();
        Ipv6FragmentHeader::new(next, offset, true, 7).to_bytes()
    };
    is_the_syn(&segment(Link::Raw, &behind(&fragment(0, IpNumber::TCP), 44), 0).unwrap(), true);
    let later = behind(&fragment(181, IpNumber::TCP), 44);
    assert_eq!(segment(Link::Raw, &later, 0), Err(NoSegment::Fragment));
    let other = behind(&fragment(181, IpNumber::UDP), 44);
    assert_eq!(segment(Link::Raw, &other, 0), Err(NoSegment::NotTcp));
    let endless = behind(&[0, 0, 1, 4, 0, 0, 0, 0].repeat(50), 0);
    assert_eq!(segment(Link::Raw, &endless, 0), Err(NoSegment::NotTcp));
}

#[test]
fn cut_anywhere() {
    for link in Link::ALL.into_iter().filter(|link| !matches!(link, Link::Ipv4 | Link::Ipv6)) {
        for six in [false, true] {
            let frame = [before(link, six), packet(six)].concat();
            let header = frame.len() - 4 - 20;
            for end in 0..frame.len() {
                let read = segment(link, &frame[..end], u32::try_from(frame.len()).unwrap());
                if end < header {
                    assert_eq!(read, Err(NoSegment::Cut), "{link} cut to {end}");
                    continue;
                }
                // The options are read as far as they go, and the length on the wire counts.
                let cut = read.unwrap();
                assert_eq!((cut.flow.dport, cut.payload, cut.flags()), (443, 4, flag::SYN));
                assert_eq!(cut.options_cut(), end < header + 20);
                assert_eq!(cut.syn().malformed, end < header + 20);
            }
        }
    }
}

#[test]
fn headers_that_contradict_themselves() {
    let plain = packet(false);
    for (at, value) in [(0, 0x44), (3, 30), (32, 0x40), (32, 0xf0)] {
        let mut bytes = plain.clone();
        bytes[at] = value;
        if at == 32 && value == 0xf0 {
            bytes.truncate(20 + 44);
            bytes[3] = 20 + 44;
        }
        assert_eq!(segment(Link::Ipv4, &bytes, 0), Err(NoSegment::Malformed), "byte {at}");
    }
}

proptest! {
    #[test]
    fn any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..200), length: u32) {
        for link in Link::ALL {
            if let Ok(segment) = segment(link, &bytes, length) {
                segment.syn();
                segment.timestamps();
                prop_assert!(segment.options.len() <= 40);
            }
        }
    }

    #[test]
    fn any_byte_changed(at: prop::sample::Index, value: u8, six: bool, end: prop::sample::Index, length: u32) {
        for link in Link::ALL {
            let mut frame = [before(link, six), packet(six)].concat();
            let at = at.index(frame.len());
            frame[at] = value;
            let end = end.index(frame.len());
            for bytes in [&frame[..], &frame[..end]] {
                if let Ok(segment) = segment(link, bytes, length) {
                    segment.syn();
                }
            }
        }
    }
}
