//! What `tcp_tw_recycle` remembers (before 4.12): the last timestamp of an address, written when a connection is left. The
//! kernel's own memory of it is out of reach when it refuses a SYN for it, so this one is written and read beside it.

use aya_ebpf::macros::map;
use tracer_common::{
    config::SAMPLED_SOURCES,
    event::{SynRecord, flag, remembered},
    facts::Source,
};

use crate::{
    kinds::LruHashMap,
    maps::{SOFTIRQ, pad},
    packet::{MAPPED, netns_of_sock},
    read::member,
    time::now,
};

/// The timestamp, and when it was remembered: seconds of `CLOCK_MONOTONIC`.
#[repr(C)]
struct Left {
    ts: u32,
    second: u32,
}

#[map]
static LEFT: LruHashMap<Source, Left> = LruHashMap::with_max_entries(SAMPLED_SOURCES, 0);

const AF_INET: u16 = 2;
/// `TCP_PAWS_MSL` (`include/net/tcp.h`): how long it counts.
const LASTS: u32 = 60;

/// `tcp_peer_is_proven` is asked, for `tcp_tw_recycle` or not (`paws_check`).
#[inline(always)]
pub fn asked(paws_check: bool) {
    if let Some(pad) = pad(SOFTIRQ) {
        pad.recycle = paws_check.into();
    }
}

/// A full socket goes to TIME_WAIT.
#[inline(always)]
pub fn socket_left(sk: u64) {
    if let Some(ts) = member!(sk, tp_ts_recent: u32) {
        remember(sk, ts);
    }
}

/// A FIN_WAIT2 bucket goes to TIME_WAIT.
#[inline(always)]
pub fn bucket_left(tw: u64) {
    if let Some(ts) = member!(tw, tw_ts_recent: u32) {
        remember(tw, ts);
    }
}

#[inline(always)]
fn seconds() -> u32 {
    (now() / 1_000_000_000) as u32
}

/// As `tcp_remember_stamp` does it: the newest counts, or any after a minute.
#[inline(always)]
fn remember(sock: u64, ts: u32) {
    let Some(source) = source_of(sock) else { return };
    let second = seconds();
    if let Some(left) = LEFT.get_ptr_mut(&source) {
        // SAFETY: a map value; of two CPUs one is the later.
        #[expect(unsafe_code, reason = "a map value")]
        let left = unsafe { &mut *left };
        if left.ts.wrapping_sub(ts) as i32 <= 0 || second.wrapping_sub(left.second) > LASTS {
            *left = Left { ts, second };
        }
        return;
    }
    let _ = LEFT.insert(&source, &Left { ts, second }, 0);
}

/// The other side's address, and which of ours it spoke to.
#[inline(always)]
fn source_of(sock: u64) -> Option<Source> {
    let mut addr = [0; 16];
    let ours: u32 = if member!(sock, sk_family: u16)? == AF_INET {
        addr[..12].copy_from_slice(&MAPPED);
        addr[12..].copy_from_slice(&member!(sock, sk_daddr: [u8; 4])?);
        member!(sock, sk_rcv_saddr: u32)?
    } else {
        addr = member!(sock, sk_v6_daddr: [u8; 16])?;
        member!(sock, sk_v6_rcv_saddr: [u32; 4])?[3]
    };
    Some(Source { addr, netns: netns_of_sock(sock) ^ ours })
}

/// Puts what was remembered into the record of a SYN that was refused for it, in the place of the queues, which were not asked.
#[inline(always)]
pub fn note(record: &mut SynRecord) {
    let [.., a, b, c, d] = record.daddr;
    let netns = record.netns ^ u32::from_ne_bytes([a, b, c, d]);
    let Some(left) = LEFT.get_ptr_mut(&Source { addr: record.saddr, netns }) else { return };
    // SAFETY: a map value.
    #[expect(unsafe_code, reason = "a map value")]
    let Left { ts, second } = unsafe { left.read() };
    record.socket[remembered::TS_RECENT] = ts;
    record.socket[remembered::STAMP] = second;
    record.flags = record.flags & !flag::QUEUES | flag::TS_RECENT | flag::TS_STAMP;
}
