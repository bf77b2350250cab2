//! Files of both formats in both byte orders, whole, in pieces, cut and broken; `pcap-parser` reads them, too, so that two
//! programs agree.

use proptest::prelude::*;

use super::*;

type Read = (Vec<(Option<i64>, u16, Vec<u8>, u32)>, Result<(), Broken>);

/// Everything in a file that comes in pieces of so many bytes.
fn read(bytes: &[u8], piece: usize) -> Read {
    let mut packets = Packets::default();
    let mut all = Vec::new();
    for piece in bytes.chunks(piece.max(1)) {
        let taken = packets.take(piece, &mut |format, packet| {
            let link = format.interfaces().get(packet.interface as usize).map_or(u16::MAX, |i| i.number);
            all.push((packet.time.map(|time| time.0), link, packet.bytes.to_vec(), packet.length));
        });
        if taken.is_err() {
            return (all, taken);
        }
    }
    let end = packets.end();
    (all, end)
}

#[derive(Clone, Copy, Debug)]
struct Writer {
    big: bool,
}

impl Writer {
    fn u16(self, value: u16) -> [u8; 2] {
        if self.big { value.to_be_bytes() } else { value.to_le_bytes() }
    }

    fn u32(self, value: u32) -> [u8; 4] {
        if self.big { value.to_be_bytes() } else { value.to_le_bytes() }
    }

    fn u64(self, value: u64) -> [u8; 8] {
        if self.big { value.to_be_bytes() } else { value.to_le_bytes() }
    }

    fn pcap(self, magic: u32, link: u32, packets: &[(u32, u32, &[u8], u32)]) -> Vec<u8> {
        let mut file = [self.u32(magic), [self.u16(2), self.u16(4)].concat().try_into().unwrap()].concat();
        file.extend([0, 0, 65_535, link].map(|value| self.u32(value)).concat());
        for (seconds, fraction, bytes, length) in packets {
            let captured = u32::try_from(bytes.len()).unwrap();
            file.extend([*seconds, *fraction, captured, *length].map(|value| self.u32(value)).concat());
            if magic == 0xa1b2_cd34 {
                file.extend([7; 8]);
            }
            file.extend(*bytes);
        }
        file
    }

    fn block(self, kind: u32, body: &[u8]) -> Vec<u8> {
        let padding = vec![0; body.len().next_multiple_of(4) - body.len()];
        let length = self.u32(u32::try_from(12 + body.len() + padding.len()).unwrap());
        [&self.u32(kind)[..], &length, body, &padding, &length].concat()
    }

    fn section(self) -> Vec<u8> {
        let body = [&self.u32(0x1a2b_3c4d)[..], &self.u16(1), &self.u16(0), &[0xff; 8]].concat();
        self.block(0x0a0d_0d0a, &body)
    }

    fn option(self, number: u16, value: &[u8]) -> Vec<u8> {
        let padding = vec![0; value.len().next_multiple_of(4) - value.len()];
        [&self.u16(number)[..], &self.u16(u16::try_from(value.len()).unwrap()), value, &padding].concat()
    }

    fn interface(self, link: u16, options: &[Vec<u8>]) -> Vec<u8> {
        let body = [&self.u16(link)[..], &[0, 0], &self.u32(262_144), &options.concat()].concat();
        self.block(1, &body)
    }

    fn enhanced(self, interface: u32, ticks: u64, bytes: &[u8], length: u32) -> Vec<u8> {
        let captured = u32::try_from(bytes.len()).unwrap();
        let (high, low) = (u32::try_from(ticks >> 32).unwrap(), u32::try_from(ticks & 0xffff_ffff).unwrap());
        let mut body = [interface, high, low, captured, length].map(|value| self.u32(value)).concat();
        body.extend(bytes);
        self.block(6, &body)
    }
}

const ORDERS: [Writer; 2] = [Writer { big: false }, Writer { big: true }];

#[test]
fn pcap_in_both_orders_and_resolutions() {
    for order in ORDERS {
        for (magic, nanos) in [(0xa1b2_c3d4, 5_000), (0xa1b2_3c4d, 5), (0xa1b2_cd34, 5_000)] {
            let file = order.pcap(magic, 0x1234_0001, &[(1_700_000_000, 5, b"abc", 3), (7, 999, b"", 90)]);
            let later = 7_000_000_000 + 999 * nanos / 5;
            let want = vec![
                (Some(1_700_000_000_000_000_000 + nanos), 1, b"abc".to_vec(), 3),
                (Some(later), 1, Vec::new(), 90),
            ];
            for piece in [1, 7, 24, 1000] {
                assert_eq!(read(&file, piece), (want.clone(), Ok(())), "{magic:x}, pieces of {piece}");
            }
        }
    }
}

/// Two sections in different byte orders, three interfaces with clocks of their own, and blocks that say nothing of packets.
fn sections() -> Vec<u8> {
    let [little, big] = ORDERS;
    [
        little.section(),
        little.block(0xbad, b"what nobody knows"),
        little.interface(1, &[little.option(2, b"eth0"), little.option(9, &[9]), little.option(0, b"")]),
        little.interface(276, &[little.option(9, &[0x94]), little.option(14, &little.u64(100))]),
        little.enhanced(0, 1_700_000_000_000_000_001, b"abcde", 5),
        little.enhanced(1, 3 << 19, b"x", 60),
        // A packet of an interface that there is none of.
        little.enhanced(2, 1, b"y", 1),
        little.block(3, &[&little.u32(3)[..], b"abc"].concat()),
        little.block(5, &[&little.u32(0)[..], &[0; 8], &little.option(5, &little.u64(40))].concat()),
        little.block(5, &[&little.u32(0)[..], &[0; 8], &little.option(5, &little.u64(42))].concat()),
        big.section(),
        big.interface(101, &[]),
        // The packet block of old: a drop count in the upper half of the first word.
        big.block(
            2,
            &[
                &big.u16(0)[..],
                &[0, 9],
                &[0, 0, 0, 1, 0, 0, 0, 2].map(|b| b),
                &big.u32(2),
                &big.u32(2),
                b"zz",
            ]
            .concat(),
        ),
        big.block(5, &[&big.u32(0)[..], &[0; 8], &big.option(7, &big.u64(1))].concat()),
    ]
    .concat()
}

#[test]
fn pcapng_with_several_sections_and_interfaces() {
    let file = sections();
    let want = vec![
        (Some(1_700_000_000_000_000_001), 1, b"abcde".to_vec(), 5),
        (Some(101_500_000_000), 276, b"x".to_vec(), 60),
        (None, u16::MAX, b"y".to_vec(), 1),
        (None, 1, b"abc".to_vec(), 3),
        (Some(((1 << 32) + 2) * 1000), 101, b"zz".to_vec(), 2),
    ];
    for piece in [1, 10, 64, 1 << 20] {
        assert_eq!(read(&file, piece), (want.clone(), Ok(())), "pieces of {piece}");
    }
    let mut packets = Packets::default();
    packets.take(&file, &mut |_, _| ()).unwrap();
    let format = packets.format.unwrap();
    assert_eq!((format.name(), format.missed()), ("pcapng", Some(43)));
}

#[test]
fn cut_at_every_byte() {
    let pcap = ORDERS[0].pcap(0xa1b2_c3d4, 1, &[(1, 2, b"abcd", 4), (3, 4, b"efg", 3)]);
    for (file, ends) in [(pcap, vec![24, 44, 63]), (sections(), Vec::new())] {
        let (all, _) = read(&file, file.len());
        for end in 0..file.len() {
            let (before, result) = read(&file[..end], 13);
            assert_eq!(before, all[..before.len()]);
            if ends.contains(&end) {
                assert_eq!(result, Ok(()));
                continue;
            }
            if let Err(broken) = &result {
                assert!(broken.offset <= end as u64 && broken.why.contains("ends in the middle"), "{broken}");
            } else {
                // Between two blocks.
                assert!(ends.is_empty() && end % 4 == 0, "cut to {end}");
            }
        }
    }
}

#[test]
fn broken_files_say_where() {
    let good = ORDERS[0].pcap(0xa1b2_c3d4, 1, &[(1, 2, b"abcd", 4)]);
    let mut long = good.clone();
    long.extend([1_u32, 2, 300_000, 4].map(u32::to_le_bytes).concat());
    let (packets, result) = read(&long, 1000);
    let broken = result.unwrap_err();
    assert_eq!((packets.len(), broken.offset), (1, 44));
    assert!(broken.why.contains("300000 bytes"), "{broken}");
    let mut version = good;
    version[4] = 9;
    assert!(read(&version, 1000).1.unwrap_err().why.contains("version 9"));
    let writer = ORDERS[1];
    for (block, words) in [
        (vec![0, 0, 0, 6, 0, 0, 0, 13, 0, 0, 0, 0], "a block of 13 bytes"),
        (vec![0, 0, 0, 6, 0xff, 0, 0, 0, 0, 0, 0, 0], "no length of a block"),
        (vec![0, 0, 0, 6, 0, 0, 0, 12, 0, 0, 0, 16], "ends with 16"),
        (writer.block(6, b"short"), "too short"),
        (writer.block(1, b"s"), "too short"),
        (writer.block(6, &[[0; 12].as_slice(), &[0, 0, 1, 0], &[0; 8]].concat()), "a packet of 256 bytes"),
        (vec![0x0a, 0x0d, 0x0d, 0x0a, 0, 0, 0, 28, 1, 2, 3, 4], "byte order"),
    ] {
        let file = [writer.section(), block].concat();
        let broken = read(&file, 1000).1.unwrap_err();
        assert_eq!(broken.offset, 28, "{broken}");
        assert!(broken.why.contains(words), "{broken}");
    }
}

#[test]
fn ticks_of_any_length() {
    assert_eq!(Resolution::decimal(0).nanos(7).0, 7_000_000_000);
    assert_eq!(Resolution::decimal(12).nanos(7_999).0, 7);
    assert_eq!(Resolution::decimal(127).nanos(u64::MAX).0, 0);
    assert_eq!(Resolution::decimal(0).nanos(u64::MAX).0, i64::MAX);
    assert_eq!(Resolution::binary(0).nanos(7).0, 7_000_000_000);
    assert_eq!(Resolution::binary(32).nanos(1 << 31).0, 500_000_000);
    assert_eq!(Resolution::binary(127).nanos(u64::MAX).0, 0);
}

/// What `pcap-parser` makes of a file of packets on one interface.
fn second_opinion(file: &[u8]) -> Vec<(Vec<u8>, u32)> {
    use pcap_parser::{Block, PcapBlockOwned, PcapError, create_reader, traits::PcapNGPacketBlock as _};
    let mut reader = create_reader(1 << 16, file).unwrap();
    let mut all = Vec::new();
    loop {
        match reader.next() {
            Ok((length, block)) => {
                match block {
                    PcapBlockOwned::Legacy(packet) => all.push((packet.data.to_vec(), packet.origlen)),
                    PcapBlockOwned::NG(Block::EnhancedPacket(packet)) => {
                        all.push((packet.packet_data().to_vec(), packet.origlen));
                    }
                    _ => {}
                }
                reader.consume(length);
            }
            Err(PcapError::Incomplete(_)) => reader.refill().unwrap(),
            Err(_) => return all,
        }
    }
}

proptest! {
    #[test]
    fn two_programs_agree(
        packets in prop::collection::vec((any::<u32>(), 0..1_000_000_u32, prop::collection::vec(any::<u8>(), 0..90)), 0..9),
        big: bool,
        piece in 1..200_usize,
    ) {
        let writer = Writer { big };
        let length = |bytes: &[u8]| u32::try_from(bytes.len()).unwrap() + 7;
        let old: Vec<_> =
            packets.iter().map(|(s, f, bytes)| (*s, *f, bytes.as_slice(), length(bytes))).collect();
        let blocks = packets.iter().map(|(s, f, bytes)| writer.enhanced(0, u64::from(*s) << 20 | u64::from(*f), bytes, length(bytes)));
        let new = [writer.section(), writer.interface(1, &[])].into_iter().chain(blocks).collect::<Vec<_>>().concat();
        let want: Vec<_> = packets.iter().map(|(_, _, bytes)| (bytes.clone(), length(bytes))).collect();
        for file in [writer.pcap(0xa1b2_c3d4, 1, &old), new] {
            let (ours, result) = read(&file, piece);
            prop_assert_eq!(result, Ok(()));
            let ours: Vec<_> = ours.into_iter().map(|(_, _, bytes, length)| (bytes, length)).collect();
            prop_assert_eq!(&ours, &want);
            prop_assert_eq!(second_opinion(&file), want.clone());
        }
    }

    #[test]
    fn any_bytes_in_any_pieces(bytes in prop::collection::vec(any::<u8>(), 0..300), piece in 1..64_usize) {
        for first in [&[][..], &[0xd4, 0xc3, 0xb2, 0xa1], &[0x0a, 0x0d, 0x0d, 0x0a], &sections()[..60]] {
            let file = [first, &bytes].concat();
            let whole = read(&file, file.len());
            prop_assert_eq!(read(&file, piece), whole);
        }
    }

    #[test]
    fn any_bytes_changed(changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..5)) {
        let mut file = sections();
        for (at, value) in changes {
            let at = at.index(file.len());
            file[at] = value;
        }
        let whole = read(&file, file.len());
        prop_assert_eq!(read(&file, 11), whole);
    }
}
