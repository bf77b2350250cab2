//! SYNs that were answered: readings of the clients' clocks.
//!
//! Bounded for each source and for each CPU, because a reading is worth little beside the next one of the same source.
//! What is not reported is counted: in all, and with the source's next report.

use aya_ebpf::macros::map;
use tracer_common::{
    config::{AWAITED_SYNS, SAMPLED_SOURCES},
    counters::Counter,
    event::{SynRecord, TCP_HEADER, flag, kind, remembered, site},
    facts::Source,
};

use crate::{
    kinds::{Array, LruHashMap, prefix_wanted},
    maps::{Pad, SOFTIRQ, add, count, pad, scattered},
    packet::{MAPPED, blank, identity_of, netns_of_sock, netns_wanted, source},
    read::{Fields, Structure, member},
    ring::report,
    tcp::now,
    told::{port_wanted, told},
};

/// States of a socket (`include/net/tcp_states.h`).
const ESTABLISHED: u32 = 1;
const SYN_RECV: u32 = 3;
const AF_INET: u16 = 2;
const AF_INET6: u16 = 10;

/// What was reported of a source.
#[repr(C)]
struct Sampled {
    /// Accepted since the last report, not reported; a number with a sign.
    unreported: u64,
    /// The running second (2^30 ns of `CLOCK_MONOTONIC`).
    second: u32,
    /// Reports in it.
    sent: u32,
}

#[map]
static SAMPLED: LruHashMap<Source, Sampled> = LruHashMap::with_max_entries(SAMPLED_SOURCES, 0);

/// Refused SYNs that may come again: marks of them, 0 where there is none. Of two in one place the later one has it.
#[map]
static AWAITED: Array<u64> = Array::with_max_entries(AWAITED_SYNS, 0);

/// Where a SYN is awaited, and by which mark. Our port and the sequence number tell it, not the client's port: when a refusal
/// was answered with an ACK, the client's RST makes a NAT forget the connection, and the same SYN comes again from another
/// outside port.
#[inline(always)]
fn awaited_at(record: &SynRecord) -> Option<(*mut u64, u64)> {
    let tcp = &record.tcp;
    let id = u64::from_ne_bytes([0, 0, tcp[2], tcp[3], tcp[4], tcp[5], tcp[6], tcp[7]]);
    let mark = scattered(&record.saddr, id ^ u64::from(record.netns)) | 1;
    let place = (mark >> 8) as u32 & (AWAITED_SYNS - 1);
    AWAITED.get_ptr_mut(place).map(|place| (place, mark))
}

/// Remembers that this SYN was refused, so that its return is reported.
#[inline(always)]
pub fn awaited(record: &SynRecord) {
    if let Some((place, mark)) = awaited_at(record) {
        // SAFETY: one word; of two CPUs one is the later.
        #[expect(unsafe_code, reason = "a map value")]
        unsafe {
            *place = mark;
        }
    }
}

/// Whether this SYN was awaited; it is so no more.
#[inline(always)]
fn came_back(record: &SynRecord) -> bool {
    let Some((place, mark)) = awaited_at(record) else { return false };
    // SAFETY: one word.
    #[expect(unsafe_code, reason = "a map value")]
    unsafe {
        let awaited = *place == mark;
        if awaited {
            *place = 0;
        }
        awaited
    }
}

/// A reading: the record of a SYN that was answered. Sent, or counted.
#[inline(always)]
pub fn accepted(pad: &mut Pad) {
    let Some((mut unreported, sampled)) = turn(pad) else { return };
    if unreported < 0 {
        unreported = 0;
    }
    pad.record.kind = kind::ACCEPTED;
    pad.record.unreported = unreported as u32;
    if report(&pad.record) {
        // Another CPU may have told the same ones: the number goes below zero until as many more have come.
        if unreported != 0 {
            add(&mut sampled.unreported, -unreported);
        }
    } else {
        skip(sampled);
    }
}

#[inline(always)]
fn skip(sampled: &mut Sampled) {
    add(&mut sampled.unreported, 1);
    count(Counter::Unreported);
}

/// Whether it is this source's turn, and what it owes. `None`: counted, no report.
#[inline(always)]
fn turn(pad: &mut Pad) -> Option<(i64, &'static mut Sampled)> {
    // 2^30 ns are a second, as far as this matters.
    let second = (pad.record.time_ns >> 30) as u32;
    if pad.readings_second != second {
        pad.readings_second = second;
        pad.readings = 0;
    }
    let key = source(&pad.record);
    let entry = match SAMPLED.get_ptr_mut(&key) {
        Some(entry) => entry,
        // A flood from ever new addresses: no turn, and no place in the table.
        None if pad.readings >= told!(SAMPLING.per_cpu) => {
            count(Counter::Unreported);
            return None;
        }
        None => {
            let new = Sampled { second, sent: 0, unreported: 0 };
            if SAMPLED.insert(&key, &new, 0).is_err() {
                count(Counter::Unreported);
                return None;
            }
            let Some(entry) = SAMPLED.get_ptr_mut(&key) else {
                count(Counter::Unreported);
                return None;
            };
            entry
        }
    };
    // SAFETY: a map value; several CPUs may write the two plain words at once, which costs a report more or less.
    #[expect(unsafe_code, reason = "a map value")]
    let sampled: &'static mut Sampled = unsafe { &mut *entry };
    if sampled.second != second {
        sampled.second = second;
        sampled.sent = 0;
    }
    let within = sampled.sent < told!(SAMPLING.per_source) && pad.readings < told!(SAMPLING.per_cpu);
    // A client that came back is always told of: there are no more of them than drops were reported.
    if !within && !came_back(&pad.record) {
        skip(sampled);
        return None;
    }
    sampled.sent += 1;
    pad.readings += 1;
    Some((sampled.unreported.cast_signed(), sampled))
}

/// `sock:inet_sock_set_state`: where no function is hooked, a handshake that ends is the reading. The socket remembers the
/// TSval of the client's last segment, which is of this moment (`tcp_check_req`, `cookie_v4_check`).
#[inline(always)]
pub fn state_set(sk: impl Structure, old: u32, new: u32) {
    if new != ESTABLISHED || old != SYN_RECV {
        return;
    }
    // A socket does not say on which interface its SYN came.
    if told!(FILTER.ifindex) != 0 {
        return;
    }
    let port = member!(sk, sk_num: u16).unwrap_or(0);
    if told!(FILTER.ports) != 0 && !port_wanted(port) {
        return;
    }
    let netns = netns_of_sock(sk);
    if !netns_wanted(netns) {
        return;
    }
    let Some(pad) = pad(SOFTIRQ) else { return };
    // The pad may hold a SYN's observation only where functions are hooked, and there this hook is not.
    let record = &mut pad.record;
    blank(record);
    record.netns = netns;
    if !addresses(sk, record) {
        return;
    }
    let family = told!(FILTER.family);
    if family != 0 && family != u32::from(record.family) {
        return;
    }
    if told!(FILTER.prefixes) != 0 && !prefix_wanted(&record.saddr) {
        return;
    }
    record.time_ns = now();
    record.site = site::HANDSHAKE;
    let Some(tp) = sk.tcp() else { return };
    let isn = member!(tp, tp_rcv_nxt: u32).unwrap_or(1).wrapping_sub(1);
    header(sk, port, isn, &mut record.tcp);
    if let Some(ts) = member!(tp, tp_ts_recent: u32) {
        record.socket[remembered::TS_RECENT] = ts;
        record.flags = flag::TS_RECENT;
    }
    count(Counter::Opened);
    accepted(pad);
}

/// Ports and sequence number, where they stand in a SYN.
#[inline(always)]
fn header(sk: impl Fields, port: u16, isn: u32, tcp: &mut [u8; TCP_HEADER]) {
    let client = member!(sk, sk_dport: u16).unwrap_or(0);
    let id = identity_of(client, port, isn).to_ne_bytes();
    tcp[..8].copy_from_slice(&id);
}

/// Addresses of a socket; `false` where they cannot be read.
#[inline(always)]
fn addresses(sk: impl Fields, record: &mut SynRecord) -> bool {
    match member!(sk, sk_family: u16) {
        Some(AF_INET) => {
            let (Some(client), Some(server)) =
                (member!(sk, sk_daddr: [u8; 4]), member!(sk, sk_rcv_saddr: [u8; 4]))
            else {
                return false;
            };
            record.family = 4;
            record.saddr[..12].copy_from_slice(&MAPPED);
            record.saddr[12..].copy_from_slice(&client);
            record.daddr[..12].copy_from_slice(&MAPPED);
            record.daddr[12..].copy_from_slice(&server);
            true
        }
        Some(AF_INET6) => {
            let (Some(client), Some(server)) =
                (member!(sk, sk_v6_daddr: [u8; 16]), member!(sk, sk_v6_rcv_saddr: [u8; 16]))
            else {
                return false;
            };
            record.saddr = client;
            record.daddr = server;
            // An IPv4 client of a dual-stack listener.
            record.family = if client[..12] == MAPPED { 4 } else { 6 };
            true
        }
        _ => false,
    }
}
