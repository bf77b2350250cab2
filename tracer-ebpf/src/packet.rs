//! Finds the TCP SYN inside a packet buffer, whatever layer has it in hand, and says whether it is wanted.

use tracer_common::{
    counters::Counter,
    event::{SynRecord, TCP_HEADER, kind},
};

use crate::{
    maps::{count, prefix_wanted},
    read::{Fields, at, member, options},
    told::{port_wanted, told},
};

const ETH_P_IP: u16 = 0x0800_u16.to_be();
const ETH_P_IPV6: u16 = 0x86dd_u16.to_be();
const IPPROTO_TCP: u8 = 6;
/// Byte 13 of the TCP header (RFC 9293 section 3.1).
const SYN: u8 = 0x02;
const ACK: u8 = 0x10;

/// Why there is no SYN to look at.
pub enum Not {
    /// It is something else, or the filters do not want it.
    Wanted,
    /// The memory could not be read.
    Readable,
}

/// Whether there is a SYN; memory that could not be read is counted.
#[inline(always)]
pub fn counted(found: Result<(), Not>) -> bool {
    if matches!(found, Err(Not::Readable)) {
        count(Counter::ReadFailed);
    }
    found.is_ok()
}

/// Where the headers of a packet are: the buffer's start, and offsets from there.
struct Place {
    head: u64,
    transport: u32,
    tail: u32,
}

/// Starts a record of the SYN in a packet that TCP has in hand: `transport_header` is set, the header is linear.
#[inline(always)]
pub fn in_tcp(skb: u64, record: &mut SynRecord) -> Result<(), Not> {
    let head: u64 = member!(skb, skb_head: u64).ok_or(Not::Readable)?;
    let transport = u32::from(member!(skb, skb_transport_header: u16).ok_or(Not::Readable)?);
    tcp_header(head, transport, record)?;
    let network = u32::from(member!(skb, skb_network_header: u16).ok_or(Not::Readable)?);
    let tail = member!(skb, skb_tail: u32).ok_or(Not::Readable)?;
    // TCP follows it, so there are more bytes than an IPv4 header has.
    let start: IpHeader = at(head, network).ok_or(Not::Readable)?;
    match start.0[0] >> 4 {
        4 => v4(&start, record),
        6 => v6(&start, record),
        _ => return Err(Not::Wanted),
    }
    rest(skb, &Place { head, transport, tail }, record)
}

/// Starts a record of the SYN in a packet that any layer may have dropped: only the IP header is trusted.
#[inline(always)]
pub fn anywhere(skb: impl Fields, record: &mut SynRecord) -> Result<(), Not> {
    let protocol = member!(skb, skb_protocol: u16).ok_or(Not::Readable)?;
    if protocol != ETH_P_IP && protocol != ETH_P_IPV6 {
        return Err(Not::Wanted);
    }
    let head: u64 = member!(skb, skb_head: u64).ok_or(Not::Readable)?;
    let tail: u32 = member!(skb, skb_tail: u32).ok_or(Not::Readable)?;
    let network = u32::from(member!(skb, skb_network_header: u16).ok_or(Not::Readable)?);
    if network + 40 > tail {
        return Err(Not::Wanted);
    }
    let start: IpHeader = at(head, network).ok_or(Not::Readable)?;
    let bytes = &start.0;
    let transport = if protocol == ETH_P_IP {
        // Fragment offset 0, or there is no TCP header in it.
        if bytes[0] >> 4 != 4 || bytes[9] != IPPROTO_TCP || bytes[6] & 0x1f != 0 || bytes[7] != 0 {
            return Err(Not::Wanted);
        }
        network + u32::from(bytes[0] & 15) * 4
    } else {
        if bytes[0] >> 4 != 6 {
            return Err(Not::Wanted);
        }
        behind_extensions(head, network + 40, bytes[6]).ok_or(Not::Wanted)?
    };
    if transport + TCP_HEADER as u32 > tail {
        return Err(Not::Wanted);
    }
    tcp_header(head, transport, record)?;
    if protocol == ETH_P_IP {
        v4(&start, record);
    } else {
        v6(&start, record);
    }
    rest(skb, &Place { head, transport, tail }, record)
}

/// Whether the buffer at `skb` still holds the SYN of this record: buffers are used again.
#[inline(always)]
pub fn still_holds(skb: u64, record: &SynRecord) -> bool {
    let Some(head) = member!(skb, skb_head: u64) else { return false };
    let Some(transport) = member!(skb, skb_transport_header: u16) else { return false };
    let Some(now) = at::<[u8; 8]>(head, u32::from(transport)) else { return false };
    u64::from_ne_bytes(now) == identity(&record.tcp)
}

/// Identity of the SYN that TCP has in hand; `None` when it is another segment.
#[inline(always)]
pub fn identity_of_syn(skb: u64) -> Option<u64> {
    let head: u64 = member!(skb, skb_head: u64)?;
    let tcp: [u8; TCP_HEADER] = at(head, u32::from(member!(skb, skb_transport_header: u16)?))?;
    (tcp[13] & (SYN | ACK) == SYN).then(|| identity(&tcp))
}

/// The first decision, and for most packets the last: a SYN to a wanted port, or nothing is written.
#[inline(always)]
fn tcp_header(head: u64, transport: u32, record: &mut SynRecord) -> Result<(), Not> {
    let tcp: [u8; TCP_HEADER] = at(head, transport).ok_or(Not::Readable)?;
    if tcp[13] & (SYN | ACK) != SYN {
        return Err(Not::Wanted);
    }
    if told!(FILTER.ports) != 0 && !port_wanted(u16::from_be_bytes([tcp[2], tcp[3]])) {
        return Err(Not::Wanted);
    }
    *record = SynRecord::ZERO;
    record.tcp = tcp;
    Ok(())
}

/// Follows hop-by-hop, routing and destination options (RFC 8200 section 4) to a TCP header.
#[inline(always)]
fn behind_extensions(head: u64, first: u32, next: u8) -> Option<u32> {
    let (mut at_byte, mut next) = (first, next);
    for _ in 0..4 {
        if next == IPPROTO_TCP {
            return Some(at_byte);
        }
        if !matches!(next, 0 | 43 | 60) {
            return None;
        }
        let header: [u8; 2] = at(head, at_byte)?;
        next = header[0];
        at_byte += (u32::from(header[1]) + 1) * 8;
    }
    None
}

/// `::ffff:0:0/96` (RFC 4291 section 2.5.5.2).
pub const MAPPED: [u8; 12] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff];

/// An IPv6 header, or an IPv4 header with the first bytes of what follows. Aligned, so that addresses move in words.
#[repr(C, align(8))]
#[derive(Clone, Copy)]
struct IpHeader([u8; 40]);

#[inline(always)]
fn v4(start: &IpHeader, record: &mut SynRecord) {
    record.family = 4;
    record.ttl = start.0[8];
    record.saddr[..12].copy_from_slice(&MAPPED);
    record.saddr[12..].copy_from_slice(&start.0[12..16]);
    record.daddr[..12].copy_from_slice(&MAPPED);
    record.daddr[12..].copy_from_slice(&start.0[16..20]);
}

#[inline(always)]
fn v6(start: &IpHeader, record: &mut SynRecord) {
    record.family = 6;
    record.ttl = start.0[7];
    record.saddr.copy_from_slice(&start.0[8..24]);
    record.daddr.copy_from_slice(&start.0[24..40]);
}

/// The other filters, then everything else that the packet says.
#[inline(always)]
fn rest(skb: impl Fields, place: &Place, record: &mut SynRecord) -> Result<(), Not> {
    let family = told!(FILTER.family);
    if family != 0 && family != u32::from(record.family) {
        return Err(Not::Wanted);
    }
    let arrived_on = member!(skb, skb_iif: u32).unwrap_or(0);
    let ifindex = told!(FILTER.ifindex);
    if ifindex != 0 && arrived_on != ifindex {
        return Err(Not::Wanted);
    }
    if told!(FILTER.prefixes) != 0 && !prefix_wanted(&record.saddr) {
        return Err(Not::Wanted);
    }
    record.kind = kind::DROP;
    record.ifindex = arrived_on;
    // Data offset: 32-bit words, in the upper half of byte 12.
    let header = u32::from(record.tcp[12] >> 4) * 4;
    let start = place.transport + TCP_HEADER as u32;
    let there = place.tail.saturating_sub(start);
    let mut len = header.saturating_sub(TCP_HEADER as u32);
    if len > there {
        len = there;
    }
    if len != 0 && !options(&mut record.options, len, place.head + u64::from(start)) {
        count(Counter::ReadFailed);
        len = 0;
    }
    // At most 40: the data offset has four bits.
    record.options_len = len as u8;
    Ok(())
}

/// Inode of a socket's namespace; 0 when unknown.
#[inline(always)]
pub fn netns_of_sock(sock: impl Fields) -> u32 {
    netns_of(member!(sock, sk_net: u64))
}

/// Inode of a namespace; 0 when unknown.
#[inline(always)]
pub fn netns_of(net: Option<u64>) -> u32 {
    net.and_then(|net| member!(net, net_inum: u32)).unwrap_or(0)
}

/// Ports and sequence number, as they stand in the header: what tells two SYNs in one buffer apart.
#[inline(always)]
pub fn identity(tcp: &[u8; TCP_HEADER]) -> u64 {
    u64::from_ne_bytes([tcp[0], tcp[1], tcp[2], tcp[3], tcp[4], tcp[5], tcp[6], tcp[7]])
}

/// The same from a request socket.
#[inline(always)]
pub fn identity_of_request(req: u64) -> u64 {
    identity_of(
        member!(req, sk_dport: u16).unwrap_or(0),
        member!(req, sk_num: u16).unwrap_or(0),
        member!(req, treq_rcv_isn: u32).unwrap_or(0),
    )
}

/// The same from its parts; the client's port in network byte order.
#[inline(always)]
pub fn identity_of(client: u16, server: u16, isn: u32) -> u64 {
    let (client, server, isn) = (client.to_ne_bytes(), server.to_be_bytes(), isn.to_be_bytes());
    u64::from_ne_bytes([client[0], client[1], server[0], server[1], isn[0], isn[1], isn[2], isn[3]])
}

/// Whether the namespace filter lets it pass.
#[inline(always)]
pub fn netns_wanted(netns: u32) -> bool {
    let only = told!(FILTER.netns);
    only == 0 || only == netns
}
