//! Where a packet is: in which namespace, and whether this stack has it for itself.

use crate::{
    packet::netns_of,
    read::{Fields, member, pointed},
};

/// `RTN_UNICAST` (`include/uapi/linux/rtnetlink.h`): a route to elsewhere.
const RTN_UNICAST: u16 = 1;
/// `RTF_LOCAL | RTF_ANYCAST` (`include/uapi/linux/ipv6_route.h`).
const RTF_HERE: u32 = 0x8000_0000 | 0x0010_0000;
/// `DST_METADATA` (`include/net/dst_metadata.h`): a tunnel's label in the place of a route.
const DST_METADATA: u16 = 0x0080;
/// `PACKET_OTHERHOST` and above (`include/uapi/linux/if_packet.h`): for another machine, or on its way out.
const PACKET_OTHERHOST: u8 = 3;

/// Whether this stack received the packet for itself, as far as can be told.
#[inline(always)]
pub fn on_its_way_in(skb: impl Fields) -> bool {
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
pub fn netns_of_packet(skb: impl Fields) -> u32 {
    if let Some(dev) = pointed!(skb, skb_dev)
        && dev.address() != 0
    {
        return netns_of(pointed!(dev, dev_net));
    }
    let dev = route(skb).and_then(|dst| member!(dst, dst_dev: u64)).unwrap_or(0);
    netns_of(member!(dev, dev_net: u64))
}
