//! Keys of the kernel's table of drops without a record: of a kind of drop, the plainest SYN of that kind.
//!
//! A cause is decided from comparisons, and their outcome is all that the key holds. The numbers made up here compare in the
//! same way and mean nothing else.

use std::net::{IpAddr, Ipv6Addr};

use bytes::Buf as _;
use tracer_common::{
    event::flag,
    facts::{FACTS_LEN, SOURCE_LEN, WRAP_NEW, WRAP_OLD, relation},
};

use super::{DecodeError, odd_flags, seen_site};
use crate::model::{
    Flow, Syn,
    seen::{Queues, Seen},
};

/// A timestamp, a sequence number and a limit that others are set beside.
const RECENT: u32 = 1_000_000;
const NEXT: u32 = 1_000_000;
const LIMIT: u32 = 1_000;
/// Seconds of `CLOCK_MONOTONIC` at which a stamp was made, where there is one.
const STAMP: u32 = 1_000_000;

/// A SYN of which everything that its cause is decided from is as in all that the key counts.
///
/// # Errors
/// When the site is unknown.
pub fn kind(key: &[u8; FACTS_LEN]) -> Result<Seen, DecodeError> {
    let mut key = key.as_slice();
    let [netns, flags] = std::array::from_fn(|_| key.get_u32_ne());
    let [reason, relations] = std::array::from_fn(|_| key.get_u16_ne());
    let [verdict, site, sk_state, tw_substate, tcp_flags] = std::array::from_fn(|_| key.get_u8());
    let has = |bit: u32| flags & bit != 0;
    let is = |bit: u16| relations & bit != 0;

    let behind = match () {
        () if is(relation::MUCH_OLDER) => 2,
        () if is(relation::OLDER) => 1,
        () if is(relation::NEWER) => -1,
        () => 0,
    };
    let tsval = is(relation::TIMESTAMPS).then(|| RECENT.wrapping_add_signed(-behind));
    let stamp = if is(relation::NO_STAMP) { 0 } else { STAMP };
    let age = match () {
        () if is(relation::ANCIENT) => WRAP_OLD,
        () if is(relation::AGED) => WRAP_NEW,
        () => 0,
    };
    let seq = match () {
        () if is(relation::SAME_SEQ) => NEXT - 1,
        () if is(relation::LATER_SEQ) => NEXT + 1,
        () => NEXT,
    };
    let (limit, syn) = match () {
        () if is(relation::SYN_OVER) => (LIMIT, LIMIT + 1),
        () if is(relation::SYN_AT_LIMIT) && is(relation::SYN_EMPTY) => (0, 0),
        () if is(relation::SYN_AT_LIMIT) => (LIMIT, LIMIT),
        () if is(relation::SYN_EMPTY) => (LIMIT, 0),
        () => (LIMIT, 1),
    };
    let queues = Queues {
        accept: if is(relation::ACCEPT_FULL) { limit + 1 } else { 0 },
        accept_max: limit,
        syn,
        max_syn_backlog: LIMIT,
        syncookies: u8::from(!is(relation::NO_COOKIES)),
    };
    let nobody = IpAddr::V6(Ipv6Addr::UNSPECIFIED);
    Ok(Seen {
        mono_ns: u64::from(stamp + age) * 1_000_000_000,
        flow: Flow { src: nobody, sport: 0, dst: nobody, dport: 0 },
        netns: (netns != 0).then_some(netns),
        ifindex: None,
        site: seen_site(site)?,
        syn: Syn { seq, tsval, ..Syn::default() },
        odd_flags: odd_flags(tcp_flags),
        ts_recent: (has(flag::TS_RECENT) && !is(relation::NO_RECENT)).then_some(RECENT),
        ts_recent_stamp: has(flag::TS_STAMP).then_some(stamp),
        rcv_nxt: has(flag::RCV_NXT).then_some(NEXT),
        verdict: has(flag::VERDICT).then_some(verdict.into()),
        reason: has(flag::REASON).then_some(reason.into()),
        sk_state: has(flag::SK_STATE).then_some(sk_state),
        tw_substate,
        queues: has(flag::QUEUES).then_some(queues),
        from_time_wait: has(flag::FROM_TIME_WAIT),
        not_proven: has(flag::NOT_PROVEN),
        recycled: has(flag::RECYCLED),
        rst_sent: super::known(flags, flag::RST_SENT, flag::RST_KNOWN),
        ack_sent: super::known(flags, flag::ACK_SENT, flag::ACK_KNOWN),
    })
}

/// The client address of a key of the other table.
pub fn source(key: &[u8; SOURCE_LEN]) -> IpAddr {
    let mut address = [0; 16];
    address.copy_from_slice(&key[..16]);
    super::address_of(address).to_canonical()
}

#[cfg(test)]
mod tests;
