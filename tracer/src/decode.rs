//! Bytes to meaning: a ring record becomes a `Record`. Pure; any bytes are decoded or refused, never trusted.

pub mod cgroup;
pub mod facts;
pub mod frame;
pub mod netlink;
pub mod sockets;
pub mod tcp;
pub mod tcp_metrics;

use std::net::{IpAddr, Ipv6Addr};

use bytes::Buf;
use tracer_common::event::{FIXED_LEN, TCP_HEADER, TCP_OPTIONS_MAX, flag, kind, queues, remembered, site};

use crate::model::{
    Flow,
    reading::{Stack, Via},
    seen::{Answered, OddFlags, Queues, Record, Seen, Site},
};

/// Why bytes are no record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// Fewer bytes than a record has, or says that it has.
    #[error("{0} bytes are no record")]
    Short(usize),
    /// A kind that this version does not know.
    #[error("record of unknown kind {0}")]
    Kind(u8),
    /// A site that this version does not know.
    #[error("record from unknown site {0}")]
    Site(u8),
}

/// Takes one record off the front of `bytes`. Afterwards the next one is at the front, also after an error of its
/// content; a rest that is too short is taken whole.
///
/// # Errors
/// When the bytes are no record.
pub fn record(bytes: &mut impl Buf) -> Result<Record, DecodeError> {
    if bytes.remaining() < FIXED_LEN {
        return Err(short(bytes));
    }
    let mut fixed = [0; FIXED_LEN];
    bytes.copy_to_slice(&mut fixed);
    // Of a length that is known, so that it need not be looked at for each of them.
    let mut fields = fixed.as_slice();
    // The order is the layout of `SynRecord`, which has no padding of the compiler's.
    let time_ns = fields.get_u64_ne();
    let mut address = [0; 16];
    fields.copy_to_slice(&mut address);
    let src = address_of(address);
    fields.copy_to_slice(&mut address);
    let dst = address_of(address);
    let [netns, ifindex, flags] = std::array::from_fn(|_| fields.get_u32_ne());
    let socket: [u32; 4] = std::array::from_fn(|_| fields.get_u32_ne());
    let unreported = fields.get_u32_ne();
    let reason = fields.get_u16_ne();
    let [verdict, kind_of, site_of, family, ttl, sk_state, tw_substate, syncookies, _, options_len] =
        std::array::from_fn(|_| fields.get_u8());
    let mut header = [0; TCP_HEADER];
    fields.copy_to_slice(&mut header);
    let mut options = [0; TCP_OPTIONS_MAX];
    let Some(options) = options.get_mut(..usize::from(options_len)).filter(|o| o.len() <= bytes.remaining())
    else {
        return Err(short(bytes));
    };
    bytes.copy_to_slice(options);

    let has = |bit: u32| flags & bit != 0;
    let when = |bit: u32, value: u32| has(bit).then_some(value);
    // 0 stands for "none" in the kernel itself (`tcp_paws_check`, include/net/tcp.h).
    let remembered = when(flag::TS_RECENT, socket[remembered::TS_RECENT]).filter(|recent| *recent != 0);
    let (sport, dport, syn_facts) = tcp::syn(&header, options, ttl);
    let flow = if family == 4 {
        Flow { src: src.to_canonical(), sport, dst: dst.to_canonical(), dport }
    } else {
        Flow { src, sport, dst, dport }
    };
    let netns = (netns != 0).then_some(netns);
    if kind_of == kind::ACCEPTED {
        let (via, tsval, stack) = match site_of {
            site::LISTEN => (Via::Syn, syn_facts.tsval, Stack::from(&syn_facts)),
            site::HANDSHAKE => (Via::Handshake, remembered, Stack::default()),
            other => return Err(DecodeError::Site(other)),
        };
        let seq = syn_facts.seq;
        return Ok(Record::Answered(Answered {
            mono_ns: time_ns,
            flow,
            netns,
            seq,
            tsval,
            stack,
            via,
            unreported,
        }));
    }
    if kind_of != kind::DROP {
        return Err(DecodeError::Kind(kind_of));
    }
    let site = seen_site(site_of)?;
    Ok(Record::Dropped(Seen {
        mono_ns: time_ns,
        flow,
        netns,
        ifindex: (ifindex != 0).then_some(ifindex),
        site,
        syn: syn_facts,
        odd_flags: odd_flags(header[13]),
        ts_recent: remembered,
        ts_recent_stamp: when(flag::TS_STAMP, socket[remembered::STAMP]),
        rcv_nxt: when(flag::RCV_NXT, socket[remembered::RCV_NXT]),
        verdict: when(flag::VERDICT, verdict.into()),
        reason: when(flag::REASON, reason.into()),
        sk_state: has(flag::SK_STATE).then_some(sk_state),
        tw_substate,
        queues: has(flag::QUEUES).then_some(Queues {
            accept: socket[queues::ACCEPT],
            accept_max: socket[queues::ACCEPT_MAX],
            syn: socket[queues::SYN],
            max_syn_backlog: socket[queues::SYN_MAX],
            syncookies,
        }),
        from_time_wait: has(flag::FROM_TIME_WAIT),
        not_proven: has(flag::NOT_PROVEN),
        recycled: has(flag::RECYCLED),
        rst_sent: known(flags, flag::RST_SENT, flag::RST_KNOWN),
        ack_sent: known(flags, flag::ACK_SENT, flag::ACK_KNOWN),
    }))
}

/// Where a dropped SYN was in hand.
fn seen_site(number: u8) -> Result<Site, DecodeError> {
    Ok(match number {
        site::LISTEN => Site::Listen,
        site::TIME_WAIT => Site::TimeWait,
        site::SYN_RECV => Site::SynRecv,
        site::FULL_SOCKET => Site::FullSocket,
        site::KFREE_SKB => Site::KfreeSkb,
        other => return Err(DecodeError::Site(other)),
    })
}

/// From byte 13 of the TCP header.
fn odd_flags(flags: u8) -> OddFlags {
    OddFlags { fin: flags & tcp::FIN != 0, rst: flags & tcp::RST != 0 }
}

/// Whether something went back; `None` where the hook could not have seen it.
fn known(flags: u32, sent: u32, visible: u32) -> Option<bool> {
    if flags & sent != 0 { Some(true) } else { (flags & visible != 0).then_some(false) }
}

/// What is left is no record: nothing behind it can be told apart any more.
fn short(bytes: &mut impl Buf) -> DecodeError {
    let rest = bytes.remaining();
    bytes.advance(rest);
    DecodeError::Short(rest)
}

/// The bytes of an address, in network byte order: 4 or 16.
pub fn octets(address: IpAddr) -> Vec<u8> {
    match address {
        IpAddr::V4(address) => address.octets().into(),
        IpAddr::V6(address) => address.octets().into(),
    }
}

fn address_of(bytes: [u8; 16]) -> IpAddr {
    IpAddr::V6(Ipv6Addr::from(bytes))
}

#[cfg(test)]
mod tests;
