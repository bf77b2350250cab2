//! Messages as they are on the wire, byte by byte.

use std::net::{Ipv4Addr, Ipv6Addr};

use proptest::prelude::*;

use super::*;

/// `struct nlmsghdr`, bytes.
const HEADER: usize = 16;

/// Numbers stand as the processor has them; the tests' bytes are those of a little-endian one.
fn little() -> bool {
    1_u16.to_ne_bytes() == [1, 0]
}

/// `ip tcp_metrics show 10.77.0.1` on a 4.9 kernel: 877665288, left 10 seconds ago.
const REMEMBERED: [u8; 76] = [
    76, 0, 0, 0, 26, 0, 0, 0, 7, 0, 0, 0, 1, 2, 0, 0, // header
    1, 1, 0, 0, // TCP_METRICS_CMD_GET, version 1
    8, 0, 1, 0, 10, 77, 0, 1, // ADDR_IPV4
    8, 0, 11, 0, 10, 77, 0, 2, // SADDR_IPV4
    12, 0, 3, 0, 192, 36, 0, 0, 0, 0, 0, 0, // AGE
    8, 0, 5, 0, 10, 0, 0, 0, // TW_TS_STAMP
    8, 0, 4, 0, 8, 28, 80, 52, // TW_TSVAL
    12, 0, 6, 128, 8, 0, 4, 0, 10, 0, 0, 0, // VALS, nested: the congestion window
];

/// The same without what is gone since 4.12.
fn newer() -> Vec<u8> {
    let mut bytes = [&REMEMBERED[..48], &REMEMBERED[64..]].concat();
    bytes[0] = 60;
    bytes
}

/// An error with the question behind it.
fn refused(errno: i32) -> Vec<u8> {
    let question = ask(26, 7, Ipv4Addr::LOCALHOST.into(), Ipv4Addr::LOCALHOST.into()).unwrap();
    let len = u32::try_from(HEADER + 4 + question.len()).unwrap();
    let header = [len.to_ne_bytes(), [2, 0, 0, 0], 7_u32.to_ne_bytes(), [1, 2, 0, 0]].concat();
    [header, (-errno).to_ne_bytes().to_vec(), question].concat()
}

#[test]
fn what_is_asked() {
    if !little() {
        return;
    }
    assert_eq!(
        ask_family(5).unwrap(),
        [&[36, 0, 0, 0, 16, 0, 1, 0, 5, 0, 0, 0, 0, 0, 0, 0, 3, 1, 0, 0, 16, 0, 2, 0][..], b"tcp_metrics\0"]
            .concat()
    );
    let v4 = ask(26, 7, Ipv4Addr::new(10, 77, 0, 1).into(), Ipv4Addr::new(10, 77, 0, 2).into()).unwrap();
    let header = [36, 0, 0, 0, 26, 0, 1, 0, 7, 0, 0, 0, 0, 0, 0, 0, 1, 1, 0, 0];
    assert_eq!(v4, [&header[..], &[8, 0, 1, 0, 10, 77, 0, 1, 8, 0, 11, 0, 10, 77, 0, 2]].concat());
    let (peer, own) = (Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, 1), Ipv6Addr::LOCALHOST);
    let v6 = ask(26, 7, peer.into(), own.into()).unwrap();
    assert_eq!(v6[20..], [&[20, 0, 2, 0][..], &peer.octets(), &[20, 0, 12, 0], &own.octets()].concat());
    assert_eq!(v6[..4], 60_u32.to_ne_bytes());
}

#[test]
fn what_is_answered() {
    if !little() {
        return;
    }
    let stamp = Some(Stamp { tsval: 877_665_288, age_s: 10 });
    assert_eq!(entry(&REMEMBERED, 7), Ok(Some(Entry { stamp })));
    assert_eq!(entry(&newer(), 7), Ok(Some(Entry { stamp: None })), "from 4.12 on");
    assert_eq!(entry(&REMEMBERED, 8), Err(Unread::Other));
    let mut family_7 = [&REMEMBERED[..20], &[6, 0, 1, 0, 26, 0, 0, 0]].concat();
    family_7[0] = 28;
    assert_eq!(family(&family_7, 7), Ok(26));
    assert_eq!(family(&REMEMBERED, 7), Err(Unread::Malformed), "its first attribute is no number of 2 bytes");
}

#[test]
fn what_is_refused() {
    assert_eq!(entry(&refused(ESRCH), 7), Ok(None), "nothing is kept");
    assert_eq!(entry(&refused(1), 7), Err(Unread::Refused(1)));
    assert_eq!(family(&refused(2), 7), Err(Unread::Refused(2)));
}

#[test]
fn what_is_broken() {
    for len in 0..REMEMBERED.len() {
        assert!(entry(&REMEMBERED[..len], 7).is_err(), "{len}");
    }
    for len in [0_u32, 8, 15, 16, 19, 77, u32::MAX] {
        let mut bytes = REMEMBERED;
        bytes[..4].copy_from_slice(&len.to_ne_bytes());
        assert!(entry(&bytes, 7).is_err(), "{len}");
    }
}

proptest! {
    #[test]
    fn any_bytes(mut bytes in proptest::collection::vec(any::<u8>(), 0..200), fits: bool) {
        if fits && bytes.len() >= HEADER {
            let len = u32::try_from(bytes.len()).unwrap();
            bytes[..4].copy_from_slice(&len.to_ne_bytes());
            bytes[8..12].copy_from_slice(&7_u32.to_ne_bytes());
        }
        let _ = (entry(&bytes, 7), family(&bytes, 7));
    }
}
