//! SYNs in the hands of TCP: a listener, a TIME_WAIT bucket, a request socket, a full socket.
//!
//! Each stage notes on entry what the kernel is about to decide from, and on exit what it returned. Nothing is
//! classified here.

use tracer_common::{
    counters::Counter,
    event::{SynRecord, flag, queues, remembered, site},
};

use crate::{
    accepted::accepted,
    copies::Copies,
    kinds::LEGACY,
    log::debug,
    maps::{FULL, Pad, SOFTIRQ, count, pad},
    packet::{
        Not, counted, identity, identity_of_request, identity_of_syn, in_tcp, netns_of_sock, netns_wanted,
        port_of_listener_wanted, port_of_sock_wanted, server_port_of, still_holds,
    },
    place::netns_of_packet,
    read::{Fields, Structure, at, member, pointed},
    ring::send,
    time::{just_now, now},
    told::{port_wanted, told},
};

/// Puts down an observation that no later hook finished.
#[inline(always)]
fn abandon(pad: &mut Pad) {
    if pad.skb != 0 {
        unfinished(pad);
        pad.skb = 0;
    }
}

/// Counts an observation that was begun and never ended.
#[inline(always)]
pub fn unfinished(pad: &Pad) {
    count(Counter::LostSlot);
    debug!(
        (),
        "unfinished: SYN {} at site {} flags {:x} verdict {}",
        u16::from_be_bytes([pad.record.tcp[0], pad.record.tcp[1]]),
        pad.record.site,
        pad.record.flags,
        pad.record.verdict
    );
}

/// Takes the SYN in hand; `false` when it is none or not wanted.
#[inline(always)]
fn begin(record: &mut SynRecord, copies: &mut Copies, skb: impl Structure) -> bool {
    let found = match skb.whole(&mut copies.skb) {
        Some(skb) => in_tcp(skb, &mut copies.headers, record),
        None => Err(Not::Readable),
    };
    counted(found)
}

/// Where and when that is; `false` when it is not wanted there.
#[inline(always)]
fn placed(record: &mut SynRecord, sock: impl Fields, site: u8) -> bool {
    record.netns = netns_of_sock(sock);
    if !netns_wanted(record.netns) {
        return false;
    }
    record.time_ns = now();
    record.site = site;
    true
}

/// The observation goes on until a later hook ends it.
#[inline(always)]
fn hold(pad: &mut Pad, sock: impl Fields, skb: impl Fields) {
    pad.skb = skb.address();
    pad.sock = sock.address();
    pad.answered = 0;
    pad.cookie = 0;
    pad.recycle = 0;
}

/// A listening socket is asked.
#[inline(always)]
pub fn listen_enter(sk: impl Structure, skb: impl Structure) {
    let Some(pad) = pad(SOFTIRQ) else { return };
    // The TIME_WAIT bucket's observation of the same packet goes on here.
    let from_time_wait =
        pad.skb == skb.address() && pad.record.site == site::TIME_WAIT && still_holds(skb, &pad.record);
    if !from_time_wait {
        abandon(pad);
    }
    pad.skb = 0;
    if !port_of_listener_wanted(sk, skb) || !begin(&mut pad.record, &mut pad.copies, skb) {
        return;
    }
    if !placed(&mut pad.record, sk, site::LISTEN) {
        return;
    }
    hold(pad, sk, skb);
    count(Counter::Listened);
    let record = &mut pad.record;
    if from_time_wait {
        record.flags |= flag::FROM_TIME_WAIT;
    }
    let Some(tp) = sk.tcp() else { return };
    let (Some(net), Some([waiting, most]), Some(qlen)) = (
        pointed!(sk, sk_net),
        sk.both(told!(OFFSETS.sk_ack_backlog), told!(OFFSETS.sk_max_ack_backlog)),
        member!(tp, icsk_qlen: u32),
    ) else {
        return;
    };
    record.socket[queues::ACCEPT] = waiting;
    record.socket[queues::ACCEPT_MAX] = most;
    record.socket[queues::SYN] = qlen;
    // Before 4.11 all namespaces share one number, which is no field.
    record.socket[queues::SYN_MAX] = member!(net, net_max_syn_backlog: u32).unwrap_or(0);
    // `u8` since 5.15, `int` before; the low byte is the value on the little-endian machines we build for.
    record.syncookies = member!(net, net_syncookies: u8).unwrap_or(0);
    record.flags |= flag::QUEUES;
}

/// Whether this CPU's pad holds a SYN at that stage. Return probes know no packet (`skb` 0).
#[inline(always)]
fn held(index: u32, stage: u8, skb: u64) -> Option<&'static mut Pad> {
    let pad = pad(index)?;
    (pad.skb != 0 && pad.record.site == stage && (skb == 0 || skb == pad.skb)).then_some(pad)
}

/// `tcp_make_synack` is about to make a SYN/ACK of this type (`enum tcp_synack_type`: 2 is a cookie).
#[inline(always)]
pub fn synack_type(kind: u32) {
    if let Some(pad) = held(SOFTIRQ, site::LISTEN, 0) {
        pad.cookie = u32::from(kind == 2);
    }
}

/// `tcp_make_synack` returned.
#[inline(always)]
pub fn synack_made(packet: u64) {
    if packet == 0 {
        return;
    }
    if let Some(pad) = held(SOFTIRQ, site::LISTEN, 0) {
        pad.answered = 1;
    }
}

/// `tcp_peer_is_proven` returned.
#[inline(always)]
pub fn peer_proven(proven: bool) {
    if proven {
        return;
    }
    if let Some(pad) = held(SOFTIRQ, site::LISTEN, 0) {
        pad.record.flags |= if pad.recycle != 0 { flag::RECYCLED } else { flag::NOT_PROVEN };
    }
}

/// `inet_csk_reqsk_queue_hash_add` returned.
#[inline(always)]
pub fn request_added(added: bool) {
    if added {
        return;
    }
    if let Some(pad) = held(SOFTIRQ, site::LISTEN, 0) {
        pad.record.flags |= flag::DUPLICATE;
    }
}

/// The listening socket is done with it.
#[inline(always)]
pub fn listen_exit(skb: u64) {
    let Some(pad) = held(SOFTIRQ, site::LISTEN, skb) else { return };
    pad.skb = 0;
    // Before 5.17 an IPv6 listener that wants packet information frees a copy of what it answered (`tcp_v6_do_rcv`); before
    // 4.9 every listener frees every SYN (`tcp_rcv_state_process`).
    let copied = pad.answered != 0 && told!(SHAPE.kfree_reason) == 0 && pad.record.family == 6;
    if LEGACY || copied {
        pad.answered_id = identity(&pad.record.tcp);
        pad.answered_netns = pad.record.netns;
        pad.answered_ns = now();
    }
    if pad.answered != 0 {
        count(Counter::Answered);
        if pad.cookie != 0 {
            count(Counter::Cookies);
        }
        accepted(pad);
    } else if pad.record.flags & flag::DUPLICATE != 0 {
        // The CPU that was faster answers it.
        count(Counter::Answered);
    } else {
        send(&mut pad.record);
    }
}

/// A TIME_WAIT or FIN_WAIT2 bucket has it.
#[inline(always)]
pub fn timewait_enter(tw: impl Fields, skb: impl Structure) {
    let Some(pad) = pad(SOFTIRQ) else { return };
    abandon(pad);
    if !port_of_sock_wanted(tw) || !begin(&mut pad.record, &mut pad.copies, skb) {
        return;
    }
    if !placed(&mut pad.record, tw, site::TIME_WAIT) {
        return;
    }
    if let Some(bucket) = pad.copies.sock.copy(tw.address()) {
        remember_timewait(&mut pad.record, bucket);
        hold(pad, tw, skb);
    } else {
        count(Counter::ReadFailed);
    }
}

/// Notes what a TIME_WAIT bucket remembers.
#[inline(always)]
pub fn remember_timewait(record: &mut SynRecord, tw: impl Fields) {
    record.sk_state = member!(tw, sk_state: u8).unwrap_or(0);
    record.tw_substate = member!(tw, tw_substate: u8).unwrap_or(0);
    record.flags |= flag::SK_STATE;
    if let (Some(ts), Some(stamp)) = (member!(tw, tw_ts_recent: u32), member!(tw, tw_ts_recent_stamp: u32)) {
        record.socket[remembered::TS_RECENT] = ts;
        record.socket[remembered::STAMP] = stamp;
        record.flags |= flag::TS_RECENT | flag::TS_STAMP;
    }
    if let Some(next) = member!(tw, tw_rcv_nxt: u32) {
        record.socket[remembered::RCV_NXT] = next;
        record.flags |= flag::RCV_NXT;
    }
}

/// The bucket's verdict (`enum tcp_tw_status`). The record goes out with the packet's end, or to the listener.
#[inline(always)]
pub fn timewait_exit(skb: u64, verdict: u32) {
    if let Some(pad) = held(SOFTIRQ, site::TIME_WAIT, skb) {
        pad.record.verdict = verdict as u8;
        pad.record.flags |= flag::VERDICT;
    }
}

/// A request socket has it.
#[inline(always)]
pub fn request_enter(sk: impl Fields, skb: impl Structure, req: impl Fields) {
    let Some(pad) = pad(SOFTIRQ) else { return };
    abandon(pad);
    if !port_of_sock_wanted(req)
        || !begin(&mut pad.record, &mut pad.copies, skb)
        || !placed(&mut pad.record, sk, site::SYN_RECV)
    {
        return;
    }
    hold(pad, req, skb);
    let record = &mut pad.record;
    record.sk_state = 12;
    record.flags |= flag::SK_STATE;
    if let Some(ts) = member!(req, req_ts_recent: u32) {
        record.socket[remembered::TS_RECENT] = ts;
        record.flags |= flag::TS_RECENT;
    }
    // The part that is TCP's, behind what is every request's.
    let treq = req.address();
    if let Some(next) = member!(treq, treq_rcv_nxt: u32) {
        record.socket[remembered::RCV_NXT] = next;
        record.flags |= flag::RCV_NXT;
    }
    if let Some(last) = member!(treq, treq_last_oow: u32) {
        pad.last_oow = last;
        record.flags |= flag::ACK_KNOWN;
    }
}

/// `tcp_check_req` returned; the request is still referenced by the caller.
#[inline(always)]
pub fn request_exit(skb: u64) {
    if let Some(pad) = held(SOFTIRQ, site::SYN_RECV, skb) {
        note_ack(pad, told!(OFFSETS.treq_last_oow));
    }
}

/// Whether the namespace answers every refused segment (`net.ipv4.tcp_invalid_ratelimit` 0): a second answer inside one
/// tick would leave no trace.
#[inline(always)]
pub fn unlimited(sock: impl Fields) -> bool {
    let net = member!(sock, sk_net: u64).unwrap_or(0);
    member!(net, net_invalid_ratelimit: u32) == Some(0)
}

#[inline(always)]
fn note_ack(pad: &mut Pad, offset: u32) {
    let Some(last) = at::<u32>(pad.sock, offset) else { return };
    if last != pad.last_oow || unlimited(pad.sock) {
        pad.record.flags |= flag::ACK_SENT;
    }
}

/// A full socket has a segment. This is on the way of ordinary data: one byte decides.
#[inline(always)]
pub fn full_enter(sk: impl Structure, skb: impl Structure, th: impl Fields) {
    // SYN without ACK, byte 13 of the header.
    let Some(flags) = th.field::<u8>(13) else { return };
    if flags & 0x12 != 0x02 || !port_of_sock_wanted(sk) {
        return;
    }
    let Some(pad) = pad(FULL) else { return };
    abandon(pad);
    if !begin(&mut pad.record, &mut pad.copies, skb) || !placed(&mut pad.record, sk, site::FULL_SOCKET) {
        return;
    }
    hold(pad, sk, skb);
    let record = &mut pad.record;
    record.sk_state = member!(sk, sk_state: u8).unwrap_or(0);
    record.flags |= flag::SK_STATE;
    let Some(tp) = sk.tcp() else { return };
    remember_full(record, tp);
    if let Some(last) = member!(tp, tp_last_oow: u32) {
        pad.last_oow = last;
        record.flags |= flag::ACK_KNOWN;
    }
}

/// Notes what a full socket remembers.
#[inline(always)]
pub fn remember_full(record: &mut SynRecord, sk: impl Fields) {
    if let (Some(ts), Some(stamp)) = (member!(sk, tp_ts_recent: u32), member!(sk, tp_ts_recent_stamp: u32)) {
        record.socket[remembered::TS_RECENT] = ts;
        record.socket[remembered::STAMP] = stamp;
        record.flags |= flag::TS_RECENT | flag::TS_STAMP;
    }
    if let Some(next) = member!(sk, tp_rcv_nxt: u32) {
        record.socket[remembered::RCV_NXT] = next;
        record.flags |= flag::RCV_NXT;
    }
}

/// `tcp_validate_incoming` returned whether the segment may go on.
#[inline(always)]
pub fn full_exit(skb: u64, acceptable: bool) {
    let Some(pad) = held(FULL, site::FULL_SOCKET, skb) else { return };
    pad.skb = 0;
    if !acceptable {
        note_ack(pad, told!(OFFSETS.tp_last_oow));
        send(&mut pad.record);
    }
}

/// A RST is sent for a packet; `sk` is 0 where no socket was found.
#[inline(always)]
pub fn reset(sk: u64, skb: u64) {
    // A RST that answers nothing has no packet.
    if skb == 0 {
        return;
    }
    let Some(id) = identity_of_syn(skb) else { return };
    if told!(FILTER.ports) != 0 && !port_wanted(server_port_of(id)) {
        return;
    }
    let Some(pad) = pad(SOFTIRQ) else { return };
    pad.reset_skb = skb;
    pad.reset_id = id;
    pad.reset_ns = now();
    pad.reset_state = u32::from(member!(sk, sk_state: u8).unwrap_or(0));
    pad.reset_netns = if sk != 0 { netns_of_sock(sk) } else { netns_of_packet(skb) };
    if pad.skb == skb {
        pad.record.flags |= flag::RST_SENT;
    }
}

/// A SYN/ACK was sent again: for a SYN that came again, or because a timer ran out.
#[inline(always)]
pub fn synack_again(req: u64) {
    let Some(pad) = pad(SOFTIRQ) else { return };
    // A SYN that comes again leaves its time in the request (`tcp_check_req`), the timer does not.
    let by_timer = member!(req, treq_last_oow: u32).is_some_and(|last| !just_now(last));
    if !by_timer {
        pad.answered_id = identity_of_request(req);
        pad.answered_netns = netns_of_sock(req);
        pad.answered_ns = now();
    }
    if pad.skb != 0 && pad.record.site == site::SYN_RECV && pad.sock == req {
        pad.record.flags |= flag::SYNACK_AGAIN;
    }
}
