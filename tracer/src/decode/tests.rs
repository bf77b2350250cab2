//! Records in, meaning out: what was put in comes out, and any other bytes are refused without harm.

mod options;

use std::mem::offset_of;

use bytes::Buf as _;
use proptest::prelude::*;
use tracer_common::event::{RECORD_LEN, SynRecord, record_len};

use super::*;

/// A record's bytes as the ring holds them, written field by field in the order of the layout.
fn bytes_of(record: &SynRecord) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(RECORD_LEN);
    macro_rules! write {
        ($($field:ident => $value:expr;)*) => {
            $(
                assert_eq!(bytes.len(), offset_of!(SynRecord, $field), stringify!($field));
                bytes.extend_from_slice($value.as_ref());
            )*
        };
    }
    write! {
        time_ns => record.time_ns.to_ne_bytes();
        saddr => record.saddr;
        daddr => record.daddr;
        netns => record.netns.to_ne_bytes();
        ifindex => record.ifindex.to_ne_bytes();
        flags => record.flags.to_ne_bytes();
        socket => record.socket.map(u32::to_ne_bytes).concat();
        unreported => record.unreported.to_ne_bytes();
        reason => record.reason.to_ne_bytes();
        verdict => [record.verdict];
        kind => [record.kind];
        site => [record.site];
        family => [record.family];
        ttl => [record.ttl];
        sk_state => [record.sk_state];
        tw_substate => [record.tw_substate];
        syncookies => [record.syncookies];
        pad => [0];
        options_len => [record.options_len];
        tcp => record.tcp;
        options => record.options[..usize::from(record.options_len)];
    }
    assert_eq!(record_len(&bytes), Some(bytes.len()));
    bytes
}

/// A good record: Linux's own SYN from 192.0.2.1:40000 to 198.51.100.7:443.
fn good() -> SynRecord {
    let mut record =
        SynRecord { kind: kind::DROP, site: site::TIME_WAIT, family: 4, ttl: 63, ..SynRecord::ZERO };
    record.saddr[10..].copy_from_slice(&[0xff, 0xff, 192, 0, 2, 1]);
    record.daddr[10..].copy_from_slice(&[0xff, 0xff, 198, 51, 100, 7]);
    record.tcp = [
        0x9c, 0x40, 0x01, 0xbb, // ports 40000, 443
        0x11, 0x22, 0x33, 0x44, // sequence number
        0, 0, 0, 0, // acknowledgement
        0xa0, 0x02, 0xfa, 0xf0, // ten words, SYN, window 64240
        0, 0, 0, 0,
    ];
    record.options[..20].copy_from_slice(&options::LINUX);
    record.options_len = 20;
    record
}

fn decode_any(record: &SynRecord) -> Result<Record, DecodeError> {
    let bytes = bytes_of(record);
    let mut rest = bytes.as_slice();
    let decoded = super::record(&mut rest);
    assert_eq!(rest.remaining(), 0, "a record is taken whole");
    decoded
}

fn decode_one(record: &SynRecord) -> Result<Seen, DecodeError> {
    match decode_any(record)? {
        Record::Dropped(seen) => Ok(seen),
        Record::Answered(answered) => panic!("{answered:?} is no drop"),
    }
}

fn decode_answered(record: &SynRecord) -> Answered {
    match decode_any(record).unwrap() {
        Record::Dropped(seen) => panic!("{seen:?} was dropped"),
        Record::Answered(answered) => answered,
    }
}

#[test]
fn an_answered_syn() {
    let record =
        SynRecord { kind: kind::ACCEPTED, site: site::LISTEN, unreported: 9, time_ns: 5, netns: 3, ..good() };
    let answered = decode_answered(&record);
    assert_eq!((answered.mono_ns, answered.netns, answered.unreported), (5, Some(3), 9));
    assert_eq!((answered.flow.sport, answered.flow.dport, answered.seq), (40_000, 443, 0x1122_3344));
    assert_eq!((answered.tsval, answered.via), (Some(0x0102_0304), Via::Syn));
    let stack = answered.stack;
    assert_eq!(
        (stack.ttl, stack.window, stack.mss, stack.wscale),
        (Some(63), Some(64_240), Some(1460), Some(7))
    );
    assert_eq!(stack.options.unwrap().to_string(), "mss,sok,ts,nop,ws");
}

#[test]
fn the_end_of_a_handshake_knows_no_stack() {
    let mut record = SynRecord { kind: kind::ACCEPTED, site: site::HANDSHAKE, ..good() };
    (record.flags, record.socket[remembered::TS_RECENT]) = (flag::TS_RECENT, 77);
    let answered = decode_answered(&record);
    assert_eq!((answered.tsval, answered.via, answered.stack), (Some(77), Via::Handshake, Stack::default()));
    record.socket[remembered::TS_RECENT] = 0;
    assert_eq!(decode_answered(&record).tsval, None, "0 is the kernel's word for none");
}

#[test]
fn a_good_record() {
    let seen = decode_one(&good()).unwrap();
    assert_eq!(seen.flow.src, "192.0.2.1".parse::<IpAddr>().unwrap());
    assert_eq!(seen.flow.dst, "198.51.100.7".parse::<IpAddr>().unwrap());
    assert_eq!((seen.flow.sport, seen.flow.dport, seen.flow.family()), (40_000, 443, 4));
    assert_eq!(seen.site, Site::TimeWait);
    assert_eq!((seen.syn.seq, seen.syn.window, seen.syn.ttl), (0x1122_3344, 64_240, 63));
    assert_eq!((seen.syn.tsval, seen.syn.tsecr), (Some(0x0102_0304), Some(0)));
    assert_eq!((seen.syn.mss, seen.syn.wscale, seen.syn.malformed), (Some(1460), Some(7), false));
    assert_eq!(seen.syn.options.to_string(), "mss,sok,ts,nop,ws");
}

#[test]
fn what_no_flag_vouches_for_is_unknown() {
    // Every number is there, and no flag says that it was read.
    let record = SynRecord { reason: 1, verdict: 2, socket: [3, 4, 5, 6], sk_state: 8, ..good() };
    let seen = decode_one(&record).unwrap();
    assert_eq!((seen.reason, seen.verdict), (None, None));
    assert_eq!((seen.ts_recent, seen.ts_recent_stamp), (None, None));
    assert_eq!((seen.rcv_nxt, seen.sk_state, seen.queues), (None, None, None));
    assert_eq!((seen.rst_sent, seen.ack_sent), (None, None));
    assert_eq!((seen.netns, seen.ifindex), (None, None));
    assert!(!seen.from_time_wait && !seen.not_proven);
}

#[test]
fn what_went_back() {
    use flag::{ACK_KNOWN, ACK_SENT, RST_KNOWN, RST_SENT};
    // (flags, RST, ACK)
    for (flags, rst, ack) in [
        (0, None, None),
        (RST_KNOWN, Some(false), None),
        (RST_SENT, Some(true), None),
        (RST_KNOWN | RST_SENT, Some(true), None),
        (ACK_KNOWN, None, Some(false)),
        (ACK_SENT, None, Some(true)),
        (ACK_KNOWN | ACK_SENT | RST_KNOWN, Some(false), Some(true)),
    ] {
        let seen = decode_one(&SynRecord { flags, ..good() }).unwrap();
        assert_eq!((seen.rst_sent, seen.ack_sent), (rst, ack), "{flags:#x}");
    }
}

#[test]
fn flags_beside_syn() {
    for (byte, fin, rst) in
        [(0x02, false, false), (0x03, true, false), (0x06, false, true), (0xff, true, true)]
    {
        let mut record = good();
        record.tcp[13] = byte;
        assert_eq!(decode_one(&record).unwrap().odd_flags, OddFlags { fin, rst }, "{byte:#x}");
    }
}

#[test]
fn unknown_kinds_and_sites_are_refused() {
    for number in (0..=u8::MAX).filter(|n| !(kind::DROP..=kind::ACCEPTED).contains(n)) {
        assert_eq!(decode_one(&SynRecord { kind: number, ..good() }), Err(DecodeError::Kind(number)));
    }
    for number in (0..=u8::MAX).filter(|n| !(site::LISTEN..=site::KFREE_SKB).contains(n)) {
        assert_eq!(decode_one(&SynRecord { site: number, ..good() }), Err(DecodeError::Site(number)));
    }
    for number in (0..=u8::MAX).filter(|n| ![site::LISTEN, site::HANDSHAKE].contains(n)) {
        let record = SynRecord { kind: kind::ACCEPTED, site: number, ..good() };
        assert_eq!(decode_any(&record), Err(DecodeError::Site(number)));
    }
}

#[test]
fn every_prefix_of_a_record_is_too_short() {
    let whole = bytes_of(&good());
    assert_eq!(whole.len(), FIXED_LEN + 20);
    for len in 0..whole.len() {
        let mut rest = &whole[..len];
        // Of one whose options are cut off the fixed part was taken.
        let left = if len < FIXED_LEN { len } else { len - FIXED_LEN };
        assert_eq!(super::record(&mut rest), Err(DecodeError::Short(left)));
        assert_eq!(rest.remaining(), 0);
    }
}

#[test]
fn more_options_than_a_header_can_have() {
    let mut bytes = bytes_of(&good());
    bytes[offset_of!(SynRecord, options_len)] = 41;
    assert_eq!(record_len(&bytes), None);
    bytes.extend([0; 100]);
    let mut rest = bytes.as_slice();
    assert_eq!(super::record(&mut rest), Err(DecodeError::Short(120)));
    assert_eq!(rest.remaining(), 0);
}

#[test]
fn a_bad_record_does_not_spoil_the_next() {
    let at = |time_ns| SynRecord { time_ns, ..good() };
    let records = [at(1), SynRecord { kind: 77, ..at(2) }, at(3), SynRecord { site: 99, ..at(4) }, at(5)];
    let mut bytes: Vec<u8> = records.iter().flat_map(bytes_of).collect();
    bytes.extend_from_slice(&[0; 10]);
    // Once in one piece, once in two that meet in the middle of a record.
    for cut in [bytes.len(), FIXED_LEN + 77] {
        let mut rest = bytes[..cut].chain(&bytes[cut..]);
        let mut got = Vec::new();
        while rest.has_remaining() {
            got.push(super::record(&mut rest).map(|record| match record {
                Record::Dropped(seen) => seen.mono_ns,
                Record::Answered(answered) => answered.mono_ns,
            }));
        }
        let want = [
            Ok(1),
            Err(DecodeError::Kind(77)),
            Ok(3),
            Err(DecodeError::Site(99)),
            Ok(5),
            Err(DecodeError::Short(10)),
        ];
        assert_eq!(got, want, "{cut}");
    }
}

fn any_record() -> impl Strategy<Value = SynRecord> {
    let addresses = (any::<[u8; 16]>(), any::<[u8; 16]>());
    let numbers = (any::<[u32; 3]>(), any::<[u32; 4]>(), any::<u16>());
    let small = (site::LISTEN..=site::KFREE_SKB, any::<bool>(), any::<[u8; 6]>());
    let packet = (any::<[u8; 20]>(), proptest::collection::vec(any::<u8>(), 40));
    (any::<u64>(), addresses, numbers, small, packet).prop_map(
        |(time_ns, (saddr, daddr), (numbers, socket, reason), small, packet)| {
            let (site, four, [ttl, sk_state, tw_substate, syncookies, options_len, verdict]) = small;
            let mut record = SynRecord {
                time_ns,
                socket,
                reason,
                verdict,
                saddr,
                daddr,
                kind: kind::DROP,
                site,
                family: if four { 4 } else { 6 },
                ttl,
                sk_state,
                tw_substate,
                syncookies,
                options_len: options_len % 41,
                tcp: packet.0,
                ..SynRecord::ZERO
            };
            record.options.copy_from_slice(&packet.1);
            if four {
                for address in [&mut record.saddr, &mut record.daddr] {
                    address[..12].copy_from_slice(&[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff]);
                }
            }
            [record.netns, record.ifindex, record.flags] = numbers;
            record
        },
    )
}

/// The last four bytes of a mapped address, or all sixteen.
fn address(bytes: [u8; 16], family: u8) -> IpAddr {
    if family == 4 { IpAddr::from([bytes[12], bytes[13], bytes[14], bytes[15]]) } else { IpAddr::from(bytes) }
}

proptest! {
    #[test]
    fn what_was_put_in_comes_out(record in any_record()) {
        let seen = decode_one(&record).unwrap();
        let has = |bit| record.flags & bit != 0;
        prop_assert_eq!(seen.mono_ns, record.time_ns);
        prop_assert_eq!(seen.flow.src, address(record.saddr, record.family));
        prop_assert_eq!(seen.flow.dst, address(record.daddr, record.family));
        prop_assert_eq!(seen.flow.family(), record.family);
        prop_assert_eq!(seen.flow.sport.to_be_bytes(), [record.tcp[0], record.tcp[1]]);
        prop_assert_eq!(seen.flow.dport.to_be_bytes(), [record.tcp[2], record.tcp[3]]);
        prop_assert_eq!(&seen.syn.seq.to_be_bytes()[..], &record.tcp[4..8]);
        prop_assert_eq!(&seen.syn.window.to_be_bytes()[..], &record.tcp[14..16]);
        prop_assert_eq!((seen.syn.ttl, seen.tw_substate), (record.ttl, record.tw_substate));
        prop_assert_eq!(seen.netns.unwrap_or(0), record.netns);
        prop_assert_eq!(seen.ifindex.unwrap_or(0), record.ifindex);
        prop_assert_eq!(seen.reason, has(flag::REASON).then_some(record.reason.into()));
        prop_assert_eq!(seen.verdict, has(flag::VERDICT).then_some(record.verdict.into()));
        let recent = record.socket[remembered::TS_RECENT];
        prop_assert_eq!(seen.ts_recent, (has(flag::TS_RECENT) && recent != 0).then_some(recent));
        prop_assert_eq!(seen.ts_recent_stamp, has(flag::TS_STAMP).then_some(record.socket[remembered::STAMP]));
        prop_assert_eq!(seen.rcv_nxt, has(flag::RCV_NXT).then_some(record.socket[remembered::RCV_NXT]));
        prop_assert_eq!(seen.sk_state, has(flag::SK_STATE).then_some(record.sk_state));
        prop_assert_eq!(seen.from_time_wait, has(flag::FROM_TIME_WAIT));
        prop_assert_eq!(seen.not_proven, has(flag::NOT_PROVEN));
        prop_assert_eq!(seen.recycled, has(flag::RECYCLED));
        prop_assert_eq!(seen.queues, has(flag::QUEUES).then_some(Queues {
            accept: record.socket[queues::ACCEPT],
            accept_max: record.socket[queues::ACCEPT_MAX],
            syn: record.socket[queues::SYN],
            max_syn_backlog: record.socket[queues::SYN_MAX],
            syncookies: record.syncookies,
        }));
    }

    #[test]
    fn any_bytes_are_taken_record_by_record(bytes in proptest::collection::vec(any::<u8>(), 0..4 * RECORD_LEN)) {
        let mut rest = bytes.as_slice();
        for _ in 0..=bytes.len() / FIXED_LEN {
            let (before, len) = (rest.remaining(), record_len(rest));
            let decoded = super::record(&mut rest);
            match len {
                Some(len) if len <= before => prop_assert_eq!(before - rest.remaining(), len),
                _ => {
                    prop_assert!(matches!(decoded, Err(DecodeError::Short(_))));
                    prop_assert_eq!(rest.remaining(), 0);
                }
            }
        }
        prop_assert_eq!(rest.remaining(), 0);
    }

    #[test]
    fn any_content_of_a_right_kind_is_decoded(
        bytes in proptest::collection::vec(any::<u8>(), RECORD_LEN),
        site in site::LISTEN..=site::KFREE_SKB,
    ) {
        let mut bytes = bytes;
        bytes[offset_of!(SynRecord, kind)] = kind::DROP;
        bytes[offset_of!(SynRecord, site)] = site;
        bytes[offset_of!(SynRecord, options_len)] %= 41;
        prop_assert!(super::record(&mut bytes.as_slice()).is_ok());
        bytes[offset_of!(SynRecord, kind)] = kind::ACCEPTED;
        for site in [site::LISTEN, site::HANDSHAKE] {
            bytes[offset_of!(SynRecord, site)] = site;
            prop_assert!(super::record(&mut bytes.as_slice()).is_ok());
        }
    }
}
