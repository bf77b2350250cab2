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
    packet::{anywhere, counted, identity, netns_of, netns_of_sock, netns_wanted, still_holds},
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
/// `RTN_UNICAST` (`include/uapi/linux/rtnetlink.h`): a route to elsewhere.
const RTN_UNICAST: u16 = 1;
/// `RTF_LOCAL | RTF_ANYCAST` (`include/uapi/linux/ipv6_route.h`).
const RTF_HERE: u32 = 0x8000_0000 | 0x0010_0000;
/// `DST_METADATA` (`include/net/dst_metadata.h`): a tunnel's label in the place of a route.
const DST_METADATA: u16 = 0x0080;
/// `PACKET_OTHERHOST` and above (`include/uapi/linux/if_packet.h`): for another machine, or on its way out.
const PACKET_OTHERHOST: u8 = 3;
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
        // The buffer is free now, and the mark of its RST with it: the next packet in it may be one with the same ports and
        // sequence number in the namespace that is watched.
        if let Some(pad) = pad(SOFTIRQ)
            && pad.reset_skb == skb.address()
        {
            pad.reset_skb = 0;
        }
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
    if pad.reset_skb == skb.address() && pad.reset_id == id && recent(pad.reset_ns) {
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

/// Whether this stack received the packet for itself, as far as can be told.
#[inline(always)]
fn on_its_way_in(skb: impl Fields) -> bool {
    let iif = member!(skb, skb_iif: u32).unwrap_or(0);
    if member!(skb, skb_pkt_type: u8).is_some_and(|byte| byte & 7 >= PACKET_OTHERHOST) {
        return false;
    }
    // On another device than it came from: routed or bridged, and leaving again. TCP has taken the device off.
    if let Some(dev) = pointed!(skb, skb_dev)
        && dev.address() != 0
        && member!(dev, dev_ifindex: u32).is_some_and(|index| index != iif)
    {
        return false;
    }
    !routed_elsewhere(skb)
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
    if just_now(last) && (first_claim(sock.address(), last) || unlimited(sock)) {
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

/// The route of the packet, if it has one.
#[inline(always)]
fn route(skb: impl Fields) -> Option<u64> {
    // Bit 0 says "not counted" (`SKB_DST_NOREF`).
    let dst = member!(skb, skb_refdst: u64)? & !1;
    (dst != 0 && member!(dst, dst_flags: u16)? & DST_METADATA == 0).then_some(dst)
}

/// Forwarded packets are another machine's business.
#[inline(always)]
fn routed_elsewhere(skb: impl Fields) -> bool {
    let Some(dst) = route(skb) else { return false };
    if member!(skb, skb_protocol: u16) == Some(0x0800_u16.to_be()) {
        member!(dst, rt_type: u16) == Some(RTN_UNICAST)
    } else {
        member!(dst, rt6_flags: u32).is_some_and(|flags| flags & RTF_HERE == 0)
    }
}

/// Where a packet was that no socket had: its device knows, else its route.
#[inline(always)]
fn netns_of_packet(skb: impl Fields) -> u32 {
    if let Some(dev) = pointed!(skb, skb_dev)
        && dev.address() != 0
    {
        return netns_of(pointed!(dev, dev_net));
    }
    let dev = route(skb).and_then(|dst| member!(dst, dst_dev: u64)).unwrap_or(0);
    netns_of(member!(dev, dev_net: u64))
}
