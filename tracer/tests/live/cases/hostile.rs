//! Packets that nobody sends in good faith, and packets that are none of our business. Whatever they are, the tracer
//! lives (the fence after each is reported), and what it says of them is in them.

use anyhow::Result;

use super::{BOTH, Case, V4};
use crate::live::{
    family::Family,
    fate::Fate,
    ground::Why::{NoListener, OldTimeWait, PawsTimeWait},
    lab::Lab,
    packet::{self, Ip, Segment, flag},
    peer::PORT,
    syn::{Options, Syn},
};

pub(super) const CASES: &[Case] = &[
    Case { name: "hostile/options", families: BOTH, run: options },
    Case { name: "hostile/options-on-a-bucket", families: BOTH, run: options_on_a_bucket },
    Case { name: "hostile/data-offset", families: BOTH, run: data_offset },
    Case { name: "hostile/fragments", families: V4, run: fragments },
    Case { name: "hostile/headers-between", families: BOTH, run: headers_between },
    Case { name: "foreign/not-a-syn", families: BOTH, run: not_a_syn },
    Case { name: "foreign/not-tcp", families: BOTH, run: not_tcp },
    Case { name: "foreign/outgoing", families: BOTH, run: outgoing },
];

const ISN: u32 = 1_000_000;
const STAMP: u32 = 1_000_000_000;

/// Option areas, and the kinds that can be told in them for sure.
const AREAS: [(&[u8], Option<&str>); 9] = [
    // Length 0, first and after something sound.
    (&[8, 0, 1, 1], None),
    (&[2, 4, 5, 180, 8, 0, 0, 0], None),
    // Lengths past the end.
    (&[1, 1, 8, 40], None),
    (&[2, 4, 5, 180, 8, 10, 1, 2], None),
    // A timestamp cut short.
    (&[1, 1, 8, 10], None),
    // Nothing but padding.
    (
        &[1; 40],
        Some(
            "nop,nop,nop,nop,nop,nop,nop,nop,nop,nop,nop,nop,nop,nop,nop,nop,nop,nop,nop,nop,nop,nop,nop,nop,nop,nop,nop,nop,nop,nop,nop,nop,nop,nop,nop,nop,nop,nop,nop,nop",
        ),
    ),
    (&[0; 40], None),
    // A kind in the last byte, without a length.
    (&[1, 1, 1, 8], None),
    // Kinds that nobody knows, as long as they can be.
    (
        &[
            253, 40, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
            0, 0, 0, 0, 0, 0, 0, 0, 0,
        ],
        None,
    ),
];

/// Maximum segment size that two of the areas carry.
const MSS: u16 = 1460;

/// To a closed port: each is a drop as any other, whatever its options.
fn options(lab: &mut Lab) -> Result<()> {
    for (sport, (bytes, kinds)) in (1001..).zip(AREAS) {
        let mut options = Options::raw(bytes);
        options.kinds = kinds;
        if bytes.starts_with(&[2, 4]) {
            options.mss = Some(MSS);
        }
        let syn = lab.syn(9, sport, ISN, None).with(options);
        lab.shoot(&syn, Fate::dies(NoListener))?;
    }
    Ok(())
}

/// On a bucket the kernel reads the options, too: what it takes for a timestamp decides the cause.
fn options_on_a_bucket(lab: &mut Lab) -> Result<()> {
    let listener = lab.listen(16)?;
    let stamp = |tsval: u32| {
        let [a, b, c, d] = tsval.to_be_bytes();
        [8, 10, a, b, c, d, 0, 0, 0, 0]
    };
    let older = STAMP - 5000;
    let mut two = vec![1, 1, 1, 1];
    two.extend(stamp(STAMP + 5000));
    two.extend(stamp(older));
    let mut after_end = vec![0, 1];
    after_end.extend(stamp(older));
    let mut long = vec![8, 12];
    long.extend(&stamp(older)[2..]);
    long.extend([0, 0]);
    let mut cut = stamp(older)[..8].to_vec();
    cut[1] = 10;
    let mut unknown_first = vec![1, 1, 253, 4, 9, 9];
    unknown_first.extend(stamp(older));
    let areas: [(Vec<u8>, Option<u32>); 5] = [
        // Of two timestamps the last one counts.
        (two, Some(older)),
        // Behind the end of the list there is nothing.
        (after_end, None),
        // A timestamp has ten bytes.
        (long, None),
        (cut, None),
        (unknown_first, Some(older)),
    ];
    for (sport, (bytes, tsval)) in (1001..).zip(areas) {
        let syn = lab.syn(9, sport, ISN, Some(STAMP));
        let kept = lab.time_wait(&listener, &syn)?.last_tsval()?;
        let mut options = Options::raw(&bytes);
        options.tsval = tsval;
        let why = if tsval.is_some() { PawsTimeWait } else { OldTimeWait };
        lab.shoot(&syn.at(ISN - 1000).with(options), Fate::dies_by(why, kept))?;
    }
    Ok(())
}

/// Header lengths from nothing to beyond the packet, to a closed port, an open one and a bucket.
fn data_offset(lab: &mut Lab) -> Result<()> {
    let listener = lab.listen(64)?;
    let bucket = lab.syn(9, 1001, ISN, Some(STAMP));
    lab.time_wait(&listener, &bucket)?;
    for words in 0..=15_u8 {
        let plain = lab.syn(9, 1100 + u16::from(words), ISN, None).with(Options::raw(&[]));
        let mut closed = plain.clone();
        closed.to.set_port(PORT + 1);
        for mut syn in [closed, plain, bucket.clone().at(ISN - 1000)] {
            syn.offset = Some(words);
            lab.shoot(&syn, Fate::Hostile)?;
        }
    }
    Ok(())
}

/// A SYN in two fragments is a SYN; half of one is nothing.
fn fragments(lab: &mut Lab) -> Result<()> {
    let listener = lab.listen(16)?;
    let syn = lab.syn(9, 1001, ISN, Some(STAMP));
    let kept = lab.time_wait(&listener, &syn)?.last_tsval()?;
    let older = syn.at(ISN + 5_000_000).stamped(Some(kept - 5000));
    let parts = older.segment().fragments(24);
    lab.shoot_packets(&older, &parts, Fate::dies_by(PawsTimeWait, kept))?;
    let mut closed = lab.syn(9, 1002, ISN, Some(STAMP));
    closed.to.set_port(PORT + 1);
    let parts = closed.segment().fragments(8);
    lab.shoot_packets(&closed, &parts, Fate::dies(NoListener))?;
    let alone = lab.syn(9, 1003, ISN, Some(STAMP));
    let [_, second] = alone.segment().fragments(24);
    lab.shoot_packets(&alone, &[second], Fate::Unseen)?;
    Ok(())
}

/// IPv4 options or an IPv6 extension header before TCP.
fn headers_between(lab: &mut Lab) -> Result<()> {
    let listener = lab.listen(16)?;
    let syn = lab.syn(9, 1001, ISN, Some(STAMP));
    let kept = lab.time_wait(&listener, &syn)?.last_tsval()?;
    let older = syn.at(ISN + 5_000_000).stamped(Some(kept - 5000));
    lab.shoot_packets(&older, &[older.segment().padded()], Fate::dies_by(PawsTimeWait, kept))?;
    let mut closed = lab.syn(9, 1002, ISN, Some(STAMP));
    closed.to.set_port(PORT + 1);
    lab.shoot_packets(&closed, &[closed.segment().padded()], Fate::dies(NoListener))?;
    Ok(())
}

/// Dropped segments that are no SYNs.
fn not_a_syn(lab: &mut Lab) -> Result<()> {
    let syn = lab.syn(9, 1001, ISN, Some(STAMP));
    for flags in [flag::ACK, flag::FIN, flag::RST, flag::SYN | flag::ACK, 0] {
        let segment = Segment::new(syn.from, syn.to, flags, ISN, 1);
        lab.shoot_packets(&syn, &[segment.bytes()], Fate::Unseen)?;
    }
    Ok(())
}

/// A datagram whose fourteenth byte is a SYN's, to a closed port; an ICMP message; a protocol that nobody speaks.
fn not_tcp(lab: &mut Lab) -> Result<()> {
    let syn = lab.syn(9, 1001, ISN, Some(STAMP));
    let mut udp = syn.segment().bytes().split_off(if lab.family == Family::V4 { 20 } else { 40 });
    udp[4..6].copy_from_slice(&40_u16.to_be_bytes());
    udp[6..8].copy_from_slice(&[0, 0]);
    let (from, to) = (syn.from.ip(), syn.to.ip());
    let packet = |protocol, payload: &[u8]| {
        packet::ip(Ip { from, to, protocol, ttl: 57, fragment: 0, extra: &[] }, payload)
    };
    let packets = [packet(17, &udp), packet(1, &udp), packet(58, &udp), packet(253, &udp)];
    lab.shoot_packets(&syn, &packets, Fate::Unseen)?;
    Ok(())
}

/// A SYN of our own that never leaves: no client has knocked.
fn outgoing(lab: &mut Lab) -> Result<()> {
    lab.nft("type filter hook output priority 0", &format!("tcp dport {PORT} drop"))?;
    let peer = lab.server_at(PORT);
    let client = std::net::SocketAddr::new(lab.family.host(9), PORT);
    let _socket = lab.connects(client)?;
    let syn = Syn::new(client, peer, ISN, None);
    lab.shoot_packets(&syn, &[], Fate::Unseen)?;
    Ok(())
}
