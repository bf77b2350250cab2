//! Finds the TCP SYN inside a packet buffer, whatever layer has it in hand, and says whether it is wanted.

use tracer_common::{
    counters::Counter,
    event::{RECORD_LEN, SynRecord, TCP_HEADER, TCP_OPTIONS_MAX, kind},
    facts::Source,
};

use crate::{
    copies::{Headers, LAST_START},
    kinds::prefix_wanted,
    maps::count,
    read::{Fields, at, member, pointed},
    told::{port_wanted, told},
};

const ETH_P_IP: u16 = 0x0800_u16.to_be();
const ETH_P_IPV6: u16 = 0x86dd_u16.to_be();
const IPPROTO_TCP: u8 = 6;
/// The longest TCP header, in words of 32 bits.
const TCP_WORDS: usize = (TCP_HEADER + TCP_OPTIONS_MAX) / 4;
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

/// Starts a record of the SYN in a packet that TCP has in hand: `transport_header` is set, the header is linear.
#[inline(always)]
pub fn in_tcp(skb: impl Fields, headers: &mut Headers, record: &mut SynRecord) -> Result<(), Not> {
    let place = Place::of(skb)?;
    let transport = u32::from(member!(skb, skb_transport_header: u16).ok_or(Not::Readable)?);
    let len = place.copy(headers)?;
    // Byte 0 of either header.
    let version = headers.words::<1>(0)[0].to_ne_bytes()[0] >> 4;
    if version != 4 && version != 6 {
        return Err(Not::Wanted);
    }
    found(skb, headers, &place, Tcp { len, offset: transport.wrapping_sub(place.network), version }, record)
}

/// Starts a record of the SYN in a packet that any layer may have dropped: only the IP header is trusted.
#[inline(always)]
pub fn anywhere(skb: impl Fields, headers: &mut Headers, record: &mut SynRecord) -> Result<(), Not> {
    let protocol = member!(skb, skb_protocol: u16).ok_or(Not::Readable)?;
    if protocol != ETH_P_IP && protocol != ETH_P_IPV6 {
        return Err(Not::Wanted);
    }
    let place = Place::of(skb)?;
    let len = place.copy(headers)?;
    if len < 40 {
        return Err(Not::Wanted);
    }
    let ip = headers.words::<10>(0);
    let byte = |at: usize| ip[at / 4].to_ne_bytes()[at % 4];
    let version = byte(0) >> 4;
    let offset = if protocol == ETH_P_IP {
        // Fragment offset 0, or there is no TCP header in it.
        if version != 4 || byte(9) != IPPROTO_TCP || byte(6) & 0x1f != 0 || byte(7) != 0 {
            return Err(Not::Wanted);
        }
        u32::from(byte(0) & 15) * 4
    } else {
        if version != 6 {
            return Err(Not::Wanted);
        }
        behind_extensions(place.head, place.network + 40, byte(6)).ok_or(Not::Wanted)? - place.network
    };
    found(skb, headers, &place, Tcp { len, offset, version }, record)
}

/// An empty record. By words: of a structure with bytes in it the compiler makes a loop over bytes.
#[inline(always)]
pub fn blank(record: &mut SynRecord) {
    let words = core::ptr::from_mut(record).cast::<[u64; RECORD_LEN / 8]>();
    // SAFETY: all of the record, which is aligned as words are; zeros are a record.
    #[expect(unsafe_code, reason = "words in the place of members")]
    unsafe {
        words.write([0; RECORD_LEN / 8]);
    }
}

/// Whose SYN it is.
#[inline(always)]
pub fn source(record: &SynRecord) -> Source {
    // SAFETY: 16 bytes at an offset of 8 in a structure that is aligned to 8.
    #[expect(unsafe_code, reason = "words in the place of bytes")]
    let words = unsafe { record.saddr.as_ptr().cast::<[u32; 4]>().read() };
    let mut addr = [0; 16];
    copy_words(&words, &mut addr);
    Source { addr, netns: record.netns }
}

const _: () = assert!(core::mem::offset_of!(SynRecord, saddr) % 4 == 0);

/// Where the headers of a packet are: the buffer's start, and offsets from there.
struct Place {
    head: u64,
    network: u32,
    tail: u32,
}

impl Place {
    #[inline(always)]
    fn of(skb: impl Fields) -> Result<Self, Not> {
        Ok(Self {
            head: member!(skb, skb_head: u64).ok_or(Not::Readable)?,
            network: u32::from(member!(skb, skb_network_header: u16).ok_or(Not::Readable)?),
            tail: member!(skb, skb_tail: u32).ok_or(Not::Readable)?,
        })
    }

    /// Copies from the IP header on.
    #[inline(always)]
    fn copy(&self, headers: &mut Headers) -> Result<u32, Not> {
        let there = self.tail.saturating_sub(self.network);
        headers.copy(self.head + u64::from(self.network), there).ok_or(Not::Readable)
    }
}

/// Where the TCP header is in what was copied.
struct Tcp {
    /// Bytes copied.
    len: u32,
    /// From the IP header, which is of this version.
    offset: u32,
    version: u8,
}

/// The decision for most packets: a SYN to a wanted port, or nothing is written. Then everything that the headers say.
#[inline(always)]
fn found(
    skb: impl Fields,
    headers: &mut Headers,
    place: &Place,
    tcp: Tcp,
    record: &mut SynRecord,
) -> Result<(), Not> {
    let words = headers.words::<10>(0);
    let ip: [u32; 10] = core::array::from_fn(|n| words[n]);
    let Tcp { mut len, mut offset, version } = tcp;
    // Behind a chain of IPv6 extension headers.
    if offset > LAST_START {
        let transport = place.network + offset;
        len = headers
            .copy(place.head + u64::from(transport), place.tail.saturating_sub(transport))
            .ok_or(Not::Readable)?;
        offset = 0;
    }
    if offset + TCP_HEADER as u32 > len {
        return Err(Not::Wanted);
    }
    let header = headers.words::<TCP_WORDS>(offset);
    let byte = |at: usize| header[at / 4].to_ne_bytes()[at % 4];
    if byte(13) & (SYN | ACK) != SYN {
        return Err(Not::Wanted);
    }
    if told!(FILTER.ports) != 0 && !port_wanted(u16::from_be_bytes([byte(2), byte(3)])) {
        return Err(Not::Wanted);
    }
    let family = told!(FILTER.family);
    if family != 0 && family != u32::from(version) {
        return Err(Not::Wanted);
    }
    let arrived_on = member!(skb, skb_iif: u32).unwrap_or(0);
    let ifindex = told!(FILTER.ifindex);
    if ifindex != 0 && arrived_on != ifindex {
        return Err(Not::Wanted);
    }
    blank(record);
    let Addresses { ttl, saddr, daddr } = if version == 4 { v4(&ip) } else { v6(&ip) };
    record.family = version;
    record.ttl = ttl;
    copy_words(&saddr, &mut record.saddr);
    copy_words(&daddr, &mut record.daddr);
    if told!(FILTER.prefixes) != 0 && !prefix_wanted(&record.saddr) {
        return Err(Not::Wanted);
    }
    record.kind = kind::DROP;
    record.ifindex = arrived_on;
    let (fixed, options) = header.split_at(TCP_HEADER / 4);
    copy_words(fixed, &mut record.tcp);
    copy_words(options, &mut record.options);
    // Data offset: 32-bit words, in the upper half of byte 12.
    let said = (u32::from(byte(12) >> 4) * 4).saturating_sub(TCP_HEADER as u32);
    let there = len - offset - TCP_HEADER as u32;
    record.options_len = if said < there { said as u8 } else { there as u8 };
    Ok(())
}

/// Whether the buffer at `skb` still holds the SYN of this record: buffers are used again.
#[inline(always)]
pub fn still_holds(skb: impl Fields, record: &SynRecord) -> bool {
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

/// What an IP header says. As values and not written at once: of two ways to write, the compiler makes one to a place that
/// it works out, which old verifiers do not follow.
struct Addresses {
    ttl: u8,
    saddr: [u32; 4],
    daddr: [u32; 4],
}

#[inline(always)]
fn v4(ip: &[u32; 10]) -> Addresses {
    let mapped = |address| [0, 0, u32::from_ne_bytes([0, 0, 0xff, 0xff]), address];
    Addresses { ttl: ip[2].to_ne_bytes()[0], saddr: mapped(ip[3]), daddr: mapped(ip[4]) }
}

#[inline(always)]
fn v6(ip: &[u32; 10]) -> Addresses {
    Addresses {
        ttl: ip[1].to_ne_bytes()[3],
        saddr: [ip[2], ip[3], ip[4], ip[5]],
        daddr: [ip[6], ip[7], ip[8], ip[9]],
    }
}

/// Bytes as they stand in memory.
#[inline(always)]
fn copy_words(words: &[u32], bytes: &mut [u8]) {
    for (bytes, word) in bytes.chunks_exact_mut(4).zip(words) {
        bytes.copy_from_slice(&word.to_ne_bytes());
    }
}

/// Inode of a socket's namespace; 0 when unknown.
#[inline(always)]
pub fn netns_of_sock(sock: impl Fields) -> u32 {
    netns_of(pointed!(sock, sk_net))
}

/// Inode of a namespace; 0 when unknown.
#[inline(always)]
pub fn netns_of(net: Option<impl Fields>) -> u32 {
    net.and_then(|net| member!(net, net_inum: u32)).unwrap_or(0)
}

/// Ports and sequence number, as they stand in the header: what tells two SYNs in one buffer apart.
#[inline(always)]
pub fn identity(tcp: &[u8; TCP_HEADER]) -> u64 {
    u64::from_ne_bytes([tcp[0], tcp[1], tcp[2], tcp[3], tcp[4], tcp[5], tcp[6], tcp[7]])
}

/// The server's port in an identity.
#[inline(always)]
pub fn server_port_of(id: u64) -> u16 {
    let bytes = id.to_ne_bytes();
    u16::from_be_bytes([bytes[2], bytes[3]])
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

/// Whether the port filter lets a socket pass that was found by the packet's own port. A listener may have been given SYNs to
/// other ports (`IP_TRANSPARENT`, `BPF_PROG_TYPE_SK_LOOKUP`): see [`port_of_listener_wanted`].
#[inline(always)]
pub fn port_of_sock_wanted(sock: impl Fields) -> bool {
    told!(FILTER.ports) == 0 || member!(sock, sk_num: u16).is_none_or(port_wanted)
}

/// The same of a listener: what it was given for another port than its own is wanted by the packet's.
#[inline(always)]
pub fn port_of_listener_wanted(listener: impl Fields, skb: impl Fields) -> bool {
    port_of_sock_wanted(listener) || port_of_packet(skb).is_none_or(port_wanted)
}

/// The server's port in a packet that TCP has in hand.
#[inline(always)]
fn port_of_packet(skb: impl Fields) -> Option<u16> {
    let head: u64 = member!(skb, skb_head: u64)?;
    let transport: u16 = member!(skb, skb_transport_header: u16)?;
    at(head, u32::from(transport) + 2).map(u16::from_be)
}

/// Whether the namespace filter lets it pass.
#[inline(always)]
pub fn netns_wanted(netns: u32) -> bool {
    let only = told!(FILTER.netns);
    only == 0 || only == netns
}
