//! What goes without a field that was not found. Pure.

use tracer_common::offsets::{ABSENT, FIELDS};

use super::evidence::field;
use crate::model::report::Without;

/// Fields that are not there, and what is therefore unknown, where it is anything.
pub(in crate::kernel) fn without(offsets: &[u32]) -> Vec<Without> {
    let absent = FIELDS.iter().enumerate().zip(offsets).filter(|(_, offset)| **offset == ABSENT);
    let one = |((number, field), _): ((usize, &tracer_common::offsets::Field), _)| {
        unknown(number).map(|unknown| Without { field: field.to_string(), unknown: unknown.into() })
    };
    absent.filter_map(one).collect()
}

/// By the number of the field; the required ones are not among them.
fn unknown(number: usize) -> Option<&'static str> {
    const FOR_US: [usize; 6] = [
        field!(skb_pkt_type),
        field!(skb_refdst),
        field!(dst_flags),
        field!(dev_ifindex),
        field!(rt_type),
        field!(rt6_flags),
    ];
    const RECYCLE: [usize; 3] = [field!(sk_family), field!(sk_daddr), field!(sk_rcv_saddr)];
    const RECYCLE_6: [usize; 2] = [field!(sk_v6_daddr), field!(sk_v6_rcv_saddr)];
    const ANSWERED: [usize; 3] = [field!(net_invalid_ratelimit), field!(treq_last_oow), field!(tp_last_oow)];
    const SEQUENCE: [usize; 3] = [field!(tw_rcv_nxt), field!(treq_rcv_nxt), field!(tp_rcv_nxt)];
    const SYN_QUEUE: [usize; 2] = [field!(net_max_syn_backlog), field!(net_syncookies)];
    Some(match number {
        n if FOR_US.contains(&n) => "whether some SYNs that no socket had were only passing through",
        n if n == field!(dst_dev) => "the namespace of some SYNs that no socket had",
        n if RECYCLE.contains(&n) => "what tcp_tw_recycle remembered",
        n if RECYCLE_6.contains(&n) => "what tcp_tw_recycle remembered of IPv6 clients",
        n if ANSWERED.contains(&n) => "whether some refused SYNs got an ACK",
        n if SEQUENCE.contains(&n) => "whether some sequence numbers were old",
        n if SYN_QUEUE.contains(&n) => "whether the SYN queue was full",
        n if n == field!(icsk_qlen) => "the queues of listeners",
        n if n == field!(treq_rcv_isn) => "which SYN a SYN/ACK that was sent again answers",
        _ => return None,
    })
}
