//! Records as the ring holds them: SYNs by their number.

use std::net::{IpAddr, Ipv4Addr};

use tracer::analysis::kernel::Kernel;
use tracer_common::event::{FIXED_LEN, SynRecord, flag, kind, record_len, remembered, site};

/// Drop reason and verdict of [`dropped`], by number.
const REASON: u16 = 90;
const VERDICT: u8 = 2;

/// The kernel that the records are of, with functions hooked.
pub(crate) fn kernel() -> Kernel {
    let reasons = [("TCP_RFC7323_TW_PAWS".into(), REASON.into()), ("TCP_MINTTL".into(), 91)];
    let mut kernel = Kernel::new("6.18.0", &reasons, &[("ACK".into(), VERDICT.into())]);
    (kernel.function_hooks, kernel.rx_sk, kernel.check_req_reasons) = (true, true, true);
    kernel
}

/// As a Linux client sends them: MSS, SACK, timestamps, window scale.
const OPTIONS: [u8; 20] = [2, 4, 5, 0xb4, 4, 2, 8, 10, 0, 0, 0, 0, 0, 0, 0, 0, 1, 3, 3, 7];

/// To whom the SYNs go.
#[derive(Clone, Copy)]
pub(crate) struct Server {
    pub(crate) netns: u32,
    pub(crate) port: u16,
}

/// Refused by PAWS, five seconds behind at 1 kHz; the kernel answered with an ACK.
pub(crate) fn dropped(n: u32, time_ns: u64, src: IpAddr, to: Server) -> SynRecord {
    let mut record = syn(n, time_ns, src, to);
    (record.kind, record.site) = (kind::DROP, site::TIME_WAIT);
    record.flags = flag::TS_RECENT
        | flag::TS_STAMP
        | flag::RCV_NXT
        | flag::VERDICT
        | flag::REASON
        | flag::SK_STATE
        | flag::RST_KNOWN;
    record.socket[remembered::TS_RECENT] = n.wrapping_add(5000);
    record.socket[remembered::STAMP] = u32::try_from(time_ns / 1_000_000_000).unwrap_or(0).saturating_sub(1);
    record.socket[remembered::RCV_NXT] = n.wrapping_add(1);
    (record.reason, record.verdict) = (REASON, VERDICT);
    (record.sk_state, record.tw_substate) = (6, 6);
    record
}

/// Answered by a listener.
pub(crate) fn answered(n: u32, time_ns: u64, src: IpAddr, to: Server) -> SynRecord {
    SynRecord { kind: kind::ACCEPTED, site: site::LISTEN, sk_state: 10, ..syn(n, time_ns, src, to) }
}

fn syn(n: u32, time_ns: u64, src: IpAddr, to: Server) -> SynRecord {
    let mut record = SynRecord { time_ns, netns: to.netns, ifindex: 1, ttl: 63, ..SynRecord::ZERO };
    record.family = if src.is_ipv4() { 4 } else { 6 };
    record.saddr = match src {
        IpAddr::V4(v4) => v4.to_ipv6_mapped().octets(),
        IpAddr::V6(v6) => v6.octets(),
    };
    record.daddr = Ipv4Addr::LOCALHOST.to_ipv6_mapped().octets();
    let sport = 32_768 + u16::try_from(n % 28_000).unwrap_or(0);
    record.tcp[..2].copy_from_slice(&sport.to_be_bytes());
    record.tcp[2..4].copy_from_slice(&to.port.to_be_bytes());
    record.tcp[4..8].copy_from_slice(&n.to_be_bytes());
    record.tcp[12..16].copy_from_slice(&[0xa0, 0x02, 0xfa, 0xf0]);
    record.options_len = 20;
    record.options[..20].copy_from_slice(&OPTIONS);
    record.options[8..12].copy_from_slice(&n.to_be_bytes());
    record
}

/// Appends a record's bytes, in the order of the layout.
pub(crate) fn write(record: &SynRecord, bytes: &mut Vec<u8>) {
    let from = bytes.len();
    bytes.extend(record.time_ns.to_ne_bytes());
    bytes.extend(record.saddr);
    bytes.extend(record.daddr);
    for word in [record.netns, record.ifindex, record.flags] {
        bytes.extend(word.to_ne_bytes());
    }
    for word in record.socket {
        bytes.extend(word.to_ne_bytes());
    }
    bytes.extend(record.unreported.to_ne_bytes());
    bytes.extend(record.reason.to_ne_bytes());
    bytes.extend([record.verdict, record.kind, record.site, record.family, record.ttl]);
    bytes.extend([record.sk_state, record.tw_substate, record.syncookies, record.pad, record.options_len]);
    bytes.extend(record.tcp);
    assert_eq!(bytes.len() - from, FIXED_LEN);
    bytes.extend(&record.options[..usize::from(record.options_len)]);
    assert_eq!(record_len(&bytes[from..]), Some(bytes.len() - from));
}
