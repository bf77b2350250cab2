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
    helper::{jiffies, second},
    kinds::{Array, LruHashMap, prefix_wanted},
    maps::{Pad, SOFTIRQ, add, count, pad, scattered},
    packet::{MAPPED, blank, identity_of, netns_of_sock, netns_wanted, source},
    read::{Fields, Structure, member},
    ring::report,
    time::timed,
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
    /// The running second.
    second: u32,
    /// Reports in it.
    sent: u32,
}

#[map]
static SAMPLED: LruHashMap<Source, Sampled> = LruHashMap::with_max_entries(SAMPLED_SOURCES, 0);

/// Refused SYNs that may come again: marks of them, 0 where there is none. Of two in one place the later one has it.
#[map]
static AWAITED: Array<u64> = Array::with_max_entries(AWAITED_SYNS, 0);

/// When a SYN was refused last, in ticks: as long as none is awaited, nobody needs to look.
#[map]
static REFUSED: Array<u64> = Array::with_max_entries(1, 0);

/// A client comes again for 127 seconds (`net.ipv4.tcp_syn_retries` 6), which are no more ticks than these at 1,000 a second,
/// the most that there are.
const AWAITED_TICKS: u64 = 300_000;

/// Whether any SYN is awaited, as far as ticks tell.
#[inline(always)]
fn awaited_lately() -> bool {
    let (Some(now), Some(refused)) = (jiffies(), REFUSED.get_ptr(0)) else { return true };
    // SAFETY: one word.
    #[expect(unsafe_code, reason = "a map value")]
    let refused = unsafe { *refused };
    refused != 0 && now.wrapping_sub(refused) <= AWAITED_TICKS
}

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
    if let (Some(now), Some(refused)) = (jiffies(), REFUSED.get_ptr_mut(0)) {
        // SAFETY: one word, written once a tick, so that CPUs do not take the cache line from one another.
        #[expect(unsafe_code, reason = "a map value")]
        unsafe {
            if *refused != now {
                *refused = now;
            }
        }
    }
}

/// Whether this SYN was awaited; it is so no more.
#[inline(always)]
fn came_back(record: &SynRecord) -> bool {
    if !awaited_lately() {
        return false;
    }
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
    let Some(turn) = turn(pad, &source(&pad.record)) else { return };
    tell(pad, turn);
}

/// Sends a reading that is in its source's share, or of a client that came back: there are no more of those than drops were
/// reported. Counts it where it is neither.
#[inline(always)]
fn tell(pad: &mut Pad, Turn { sampled, within }: Turn) {
    if !within && !came_back(&pad.record) {
        skip(sampled);
        return;
    }
    sampled.sent += 1;
    pad.readings += 1;
    // Below zero: another CPU told the same ones.
    let unreported = sampled.unreported.cast_signed().max(0);
    pad.record.kind = kind::ACCEPTED;
    pad.record.unreported = unreported as u32;
    timed(&mut pad.record);
    if report(&pad.record) {
        // The number goes below zero until as many more have come.
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

/// What a source had, and whether one more reading is in its share.
struct Turn {
    sampled: &'static mut Sampled,
    within: bool,
}

/// Whether it is the turn of this source in this second. `None`: there is no place for it; the reading is counted.
#[inline(always)]
fn turn(pad: &mut Pad, key: &Source) -> Option<Turn> {
    let second = second();
    if pad.readings_second != second {
        pad.readings_second = second;
        pad.readings = 0;
    }
    let room = pad.readings < told!(SAMPLING.per_cpu);
    let entry = SAMPLED.get_ptr_mut(key).or_else(|| {
        // A flood from ever new addresses: no turn, and no place in the table.
        if room {
            let new = Sampled { second, sent: 0, unreported: 0 };
            let _ = SAMPLED.insert(key, &new, 0);
            return SAMPLED.get_ptr_mut(key);
        }
        None
    });
    let Some(entry) = entry else {
        count(Counter::Unreported);
        return None;
    };
    // SAFETY: a map value; several CPUs may write the two plain words at once, which costs a report more or less.
    #[expect(unsafe_code, reason = "a map value")]
    let sampled: &'static mut Sampled = unsafe { &mut *entry };
    if sampled.second != second {
        sampled.second = second;
        sampled.sent = 0;
    }
    let within = room && sampled.sent < told!(SAMPLING.per_source);
    Some(Turn { sampled, within })
}

/// `sock:inet_sock_set_state`: where no function is hooked, a handshake that ends is the reading. The socket remembers the
/// TSval of the client's last segment, which is of this moment (`tcp_check_req`, `cookie_v4_check`).
///
/// It tells of every step of a connection, some five at each end. `tcp:tcp_cong_state_set` tells once of a socket that a
/// listener makes, but before it has the TSval of the segment that ended the handshake (measured on 6.18): the SYN's is older by
/// a round trip, or by a second where the SYN/ACK was lost, and would look like another clock.
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
    let Some(Client { family, addr }) = client(sk) else { return };
    let only = told!(FILTER.family);
    if only != 0 && only != u32::from(family) {
        return;
    }
    if told!(FILTER.prefixes) != 0 && !prefix_wanted(&addr) {
        return;
    }
    count(Counter::Opened);
    let Some(pad) = pad(SOFTIRQ) else { return };
    let Some(turn) = turn(pad, &Source { addr, netns }) else { return };
    // Of most connections of a busy server this is all.
    if !turn.within && !awaited_lately() {
        skip(turn.sampled);
        return;
    }
    // The pad may hold a SYN's observation only where functions are hooked, and there this hook is not.
    let record = &mut pad.record;
    blank(record);
    (record.family, record.saddr, record.netns) = (family, addr, netns);
    record.site = site::HANDSHAKE;
    let (Some(daddr), Some(tp)) = (server(sk), sk.tcp()) else {
        skip(turn.sampled);
        return;
    };
    record.daddr = daddr;
    let isn = member!(tp, tp_rcv_nxt: u32).unwrap_or(1).wrapping_sub(1);
    header(sk, port, isn, &mut record.tcp);
    if let Some(ts) = member!(tp, tp_ts_recent: u32) {
        record.socket[remembered::TS_RECENT] = ts;
        record.flags = flag::TS_RECENT;
    }
    tell(pad, turn);
}

/// Ports and sequence number, where they stand in a SYN.
#[inline(always)]
fn header(sk: impl Fields, port: u16, isn: u32, tcp: &mut [u8; TCP_HEADER]) {
    let client = member!(sk, sk_dport: u16).unwrap_or(0);
    let id = identity_of(client, port, isn).to_ne_bytes();
    tcp[..8].copy_from_slice(&id);
}

/// The other end of a socket.
struct Client {
    family: u8,
    addr: [u8; 16],
}

/// `None` where it cannot be read.
#[inline(always)]
fn client(sk: impl Fields) -> Option<Client> {
    match member!(sk, sk_family: u16)? {
        AF_INET => Some(Client { family: 4, addr: mapped(member!(sk, sk_daddr: [u8; 4])?) }),
        AF_INET6 => {
            let addr: [u8; 16] = member!(sk, sk_v6_daddr: [u8; 16])?;
            // An IPv4 client of a dual-stack listener.
            Some(Client { family: if addr[..12] == MAPPED { 4 } else { 6 }, addr })
        }
        _ => None,
    }
}

/// Our end of it.
#[inline(always)]
fn server(sk: impl Fields) -> Option<[u8; 16]> {
    if member!(sk, sk_family: u16)? == AF_INET {
        return Some(mapped(member!(sk, sk_rcv_saddr: [u8; 4])?));
    }
    member!(sk, sk_v6_rcv_saddr: [u8; 16])
}

#[inline(always)]
fn mapped(v4: [u8; 4]) -> [u8; 16] {
    let mut addr = [0; 16];
    addr[..12].copy_from_slice(&MAPPED);
    addr[12..].copy_from_slice(&v4);
    addr
}
