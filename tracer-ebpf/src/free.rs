//! `skb:kfree_skb`: where a dropped packet ends, with the kernel's reason where it gives one.
//!
//! A packet that a function hook has in hand ends its observation here. Any other SYN that was on its way into this
//! machine makes a record of its own.

use tracer_common::{
    counters::Counter,
    event::{SynRecord, flag, site},
};

use crate::{
    copies::{Copied, Copies},
    kinds::LEGACY,
    maps::{FULL, Own, SOFTIRQ, count, first_claim, pad},
    packet::{anywhere, counted, identity, netns_of_sock, netns_wanted, still_holds},
    place::{netns_of_packet, on_its_way_in},
    read::{Fields, Structure, member, pointed},
    ring::send,
    tcp::{remember_full, remember_timewait, unfinished, unlimited},
    time::{just_now, recent},
    told::{reason_wanted, told},
};

/// States of a socket (`include/net/tcp_states.h`).
const TIME_WAIT: u8 = 6;
const LISTEN: u8 = 10;
const NEW_SYN_RECV: u8 = 12;
/// `SOCK_STREAM` (`include/linux/net.h`).
const SOCK_STREAM: u16 = 1;
/// Reasons of other subsystems than the core (`SKB_DROP_REASON_SUBSYS_SHIFT`): wireless, Open vSwitch.
const SUBSYSTEMS: u32 = 1 << 16;

/// A packet is dropped. `reason` and `rx_sk` are 0 on kernels that do not hand them over; `Option`s would leave registers
/// without a value, which the verifier of 5.10 refuses to see compared.
#[inline(always)]
pub fn freed(skb: impl Structure, reason: u32, rx_sk: impl Fields) {
    if told!(SHAPE.function_hooks) != 0 && in_hand(skb, reason) {
        return;
    }
    let has_reason = told!(SHAPE.kfree_reason) != 0;
    if has_reason && !(reason < SUBSYSTEMS && reason_wanted(reason)) {
        return;
    }
    let Some(own) = Own::take() else {
        count(Counter::LostSlot);
        return;
    };
    dropped(skb, rx_sk, &mut own.copies, &mut own.record, reason);
    own.release();
}

/// The same of a packet that no function hook has in hand.
#[inline(always)]
fn dropped(
    skb: impl Structure,
    rx_sk: impl Fields,
    copies: &mut Copies,
    record: &mut SynRecord,
    reason: u32,
) {
    let Some(skb) = skb.whole(&mut copies.skb) else {
        count(Counter::ReadFailed);
        return;
    };
    // Never received: made here.
    if member!(skb, skb_iif: u32).unwrap_or(0) == 0 {
        return;
    }
    if !counted(anywhere(skb, &mut copies.headers, record)) {
        return;
    }
    // What a socket of TCP has in hand, below, has come in.
    let had = rx_sk.address() != 0;
    if !had && !on_its_way_in(skb) {
        return;
    }
    // Packet taps and raw sockets drop copies. Those that a socket owns say so; a tap's own comes before the IP layer has
    // seen the packet.
    let has_reason = told!(SHAPE.kfree_reason) != 0;
    let unspecified = !has_reason || reason == told!(SHAPE.reason_not_specified);
    if unspecified && untouched_by_ip(skb) {
        return;
    }
    if let Some(owner) = pointed!(skb, skb_sk)
        && owner.address() != 0
        && !of_tcp(owner)
    {
        return;
    }
    let sock = if had { copies.sock.copy(rx_sk.address()) } else { None };
    if had && sock.is_none() {
        count(Counter::ReadFailed);
        return;
    }
    if sock.is_some_and(|sock| !of_tcp(sock)) {
        return;
    }
    record.netns = if had { netns_of_sock(rx_sk) } else { netns_of_packet(skb) };
    if !netns_wanted(record.netns) {
        return;
    }
    record.site = site::KFREE_SKB;
    note_reason(record, reason);
    let Some(pad) = pad(SOFTIRQ) else { return };
    let id = identity(&record.tcp);
    // The SYN was answered, and this is what is left of it.
    if pad.answered_id == id && pad.answered_netns == record.netns && recent(pad.answered_ns) {
        // Once: the next one is sent by the client again.
        pad.answered_ns = 0;
        if !LEGACY {
            count(Counter::SynAckAgain);
        }
        return;
    }
    note_reset_known(record);
    if pad.reset_skb == skb.address()
        && pad.reset_id == id
        && (pad.reset_netns == record.netns || pad.reset_netns == 0 || record.netns == 0)
        && recent(pad.reset_ns)
    {
        // The buffer is free now, and the mark with it.
        pad.reset_skb = 0;
        record.flags |= flag::RST_SENT;
        if pad.reset_state == 0 && told!(FILTER.no_listener) == 0 {
            return;
        }
        if pad.reset_state != 0 {
            record.flags |= flag::SK_STATE;
            record.sk_state = pad.reset_state as u8;
        }
    }
    if let Some(sock) = sock {
        let state = member!(sock, sk_state: u8).unwrap_or(0);
        record.sk_state = state;
        record.flags |= flag::SK_STATE;
        if same_tuple(sock, record) {
            remember(record, sock, state);
        }
    }
    send(record);
}

/// Whether a socket is TCP's. Request sockets and TIME_WAIT buckets have no kind.
#[inline(always)]
fn of_tcp(sock: impl Fields) -> bool {
    if matches!(member!(sock, sk_state: u8), Some(TIME_WAIT | NEW_SYN_RECV)) {
        return true;
    }
    member!(sock, sk_type: u16) == Some(SOCK_STREAM)
}

/// Whether the socket still is the one that had this packet: a TIME_WAIT bucket may be another's by now.
#[inline(always)]
fn same_tuple(sock: impl Fields, record: &SynRecord) -> bool {
    let tcp = &record.tcp;
    member!(sock, sk_dport: u16) == Some(u16::from_ne_bytes([tcp[0], tcp[1]]))
        && member!(sock, sk_num: u16) == Some(u16::from_be_bytes([tcp[2], tcp[3]]))
}

/// What the socket remembers, where no hook on the function that compared it has the packet in hand.
#[inline(always)]
fn remember(record: &mut SynRecord, sock: Copied<'_>, state: u8) {
    match state {
        TIME_WAIT => {
            remember_timewait(record, sock);
            note_ack(record, sock, told!(OFFSETS.tw_last_oow));
        }
        LISTEN | NEW_SYN_RECV => {}
        _ => {
            remember_full(record, sock);
            note_ack(record, sock, told!(OFFSETS.tp_last_oow));
        }
    }
}

/// Whether the socket answered this very segment: it notes the time when it does (`tcp_oow_rate_limited`), which is now
/// or a tick ago. A second segment inside that tick finds the time as the first one left it.
#[inline(always)]
fn note_ack(record: &mut SynRecord, sock: Copied<'_>, offset: u32) {
    let Some(last) = sock.field::<u32>(offset) else { return };
    record.flags |= flag::ACK_KNOWN;
    if just_now(last) && (first_claim(sock.address(), record, last) || unlimited(sock)) {
        record.flags |= flag::ACK_SENT;
    }
}

#[inline(always)]
fn note_reset_known(record: &mut SynRecord) {
    if told!(SHAPE.resets_seen) != 0 {
        record.flags |= flag::RST_KNOWN;
    }
}

#[inline(always)]
fn note_reason(record: &mut SynRecord, reason: u32) {
    if told!(SHAPE.kfree_reason) != 0 {
        record.reason = reason as u16;
        record.flags |= flag::REASON;
    }
}

/// Ends the observation that holds this packet; `false` when none does.
#[inline(always)]
fn in_hand(skb: impl Fields, reason: u32) -> bool {
    // The exit of the full socket's hook follows and sends it.
    if let Some(pad) = pad(FULL)
        && pad.skb == skb.address()
        && still_holds(skb, &pad.record)
    {
        note_reason(&mut pad.record, reason);
        return true;
    }
    let Some(pad) = pad(SOFTIRQ) else { return false };
    if pad.skb != skb.address() {
        return false;
    }
    pad.skb = 0;
    pad.reset_skb = 0;
    if !still_holds(skb, &pad.record) {
        unfinished(pad);
        return false;
    }
    if pad.record.flags & flag::SYNACK_AGAIN != 0 {
        count(Counter::SynAckAgain);
        return true;
    }
    note_reset_known(&mut pad.record);
    note_reason(&mut pad.record, reason);
    send(&mut pad.record);
    true
}

/// `ip_rcv` and `ip6_rcv` set the transport header behind the network header; a receiving device sets both alike.
#[inline(always)]
fn untouched_by_ip(skb: impl Fields) -> bool {
    member!(skb, skb_transport_header: u16) == member!(skb, skb_network_header: u16)
}
