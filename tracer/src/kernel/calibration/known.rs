//! What the kernel must have noted of a connection, by structure. Pure but for the clock.

use std::{
    io,
    net::{IpAddr, SocketAddr},
};

use super::{
    evidence::field,
    moment::Moment,
    scene::Client,
    search::{Want, number},
};
use crate::decode::octets;

/// States of a socket (`include/net/tcp_states.h`).
pub(super) mod state {
    pub(in super::super) const ESTABLISHED: u64 = 1;
    pub(in super::super) const FIN_WAIT2: u64 = 5;
    pub(in super::super) const TIME_WAIT: u64 = 6;
    pub(in super::super) const CLOSE_WAIT: u64 = 8;
    pub(in super::super) const LISTEN: u64 = 10;
    pub(in super::super) const NEW_SYN_RECV: u64 = 12;
}

/// What must stand in a structure.
pub(super) type Wants = Vec<(usize, Want)>;

/// Addresses of the kernel in a structure, and where they stand.
pub(super) fn addresses(memory: &[u8]) -> impl Iterator<Item = (u32, u64)> {
    let words = memory.chunks_exact(8).zip((0_u32..).step_by(8));
    let address = |(bytes, at)| Some((at, number(bytes, 8)?));
    // The kernel's half of the address space.
    words.filter_map(address).filter(|(_, word)| word >> 56 == 0xff && *word < u64::MAX - 0xffff)
}

pub(super) fn rare(word: u32) -> Want {
    Want::Rare(word.to_ne_bytes().to_vec())
}

/// What every socket at our address has.
pub(super) fn own(address: SocketAddr) -> Wants {
    let (family, place) = match address.ip() {
        IpAddr::V4(_) => (2, field!(sk_rcv_saddr)),
        IpAddr::V6(_) => (10, field!(sk_v6_rcv_saddr)),
    };
    vec![
        (field!(sk_family), Want::number(2, family)),
        (field!(sk_num), Want::number(2, address.port().into())),
        (place, Want::Rare(octets(address.ip()))),
    ]
}

/// What everything has that belongs to a connection.
pub(super) fn tuple(client: &Client, state: u64) -> Wants {
    let place = if client.from.is_ipv4() { field!(sk_daddr) } else { field!(sk_v6_daddr) };
    let mut wants = own(client.to);
    wants.extend([
        (field!(sk_state), Want::number(1, state)),
        (field!(sk_dport), Want::number(2, client.from.port().to_be().into())),
        (place, Want::Rare(octets(client.from.ip()))),
    ]);
    wants
}

pub(super) fn requested(client: &Client) -> Wants {
    let mut wants = tuple(client, state::NEW_SYN_RECV);
    wants.extend([
        (field!(req_ts_recent), rare(client.tsval)),
        (field!(treq_rcv_isn), rare(client.next.wrapping_sub(1))),
        (field!(treq_rcv_nxt), rare(client.next)),
    ]);
    wants
}

pub(super) fn open(client: &Client, state: u64) -> Wants {
    let mut wants = tuple(client, state);
    wants.extend([(field!(sk_type), Want::number(2, 1)), (field!(tp_rcv_nxt), rare(client.next))]);
    wants
}

pub(super) fn full(client: &Client, state: u64, moment: &Moment) -> io::Result<Wants> {
    let mut wants = open(client, state);
    wants.extend([
        (field!(tp_ts_recent), rare(client.tsval)),
        (field!(tp_ts_recent_stamp), moment.seconds()?),
    ]);
    Ok(wants)
}

pub(super) fn in_bucket(client: &Client, substate: u64, moment: &Moment) -> io::Result<Wants> {
    let mut wants = tuple(client, state::TIME_WAIT);
    wants.extend([
        (field!(tw_substate), Want::number(1, substate)),
        (field!(tw_rcv_nxt), rare(client.next)),
        (field!(tw_ts_recent), rare(client.tsval)),
        (field!(tw_ts_recent_stamp), moment.seconds()?),
    ]);
    Ok(wants)
}

/// What a packet of IPv4 has wherever it is.
pub(super) fn packet(index: u32) -> Wants {
    let protocol = Want::number(2, 0x0800_u16.to_be().into());
    vec![(field!(skb_iif), rare(index)), (field!(skb_protocol), protocol)]
}
