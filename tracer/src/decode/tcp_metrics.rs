//! What is asked of the kernel's `tcp_metrics`, its memory of addresses, and what it answers: messages of generic netlink
//! (`include/uapi/linux/tcp_metrics.h`). Knows no socket and no clock.

use std::{io::Cursor, net::IpAddr};

use neli::{
    FromBytesWithInput as _,
    consts::{
        genl::{CtrlAttr, CtrlCmd},
        nl::{GenlId, NlmF},
    },
    genl::{AttrTypeBuilder, Genlmsghdr, GenlmsghdrBuilder, Nlattr, NlattrBuilder},
    types::{Buffer, GenlBuffer},
};

use super::{
    netlink::{self, Unread, payload},
    octets,
};

/// A message with attributes of either family.
type Message = Genlmsghdr<u8, u16>;

const NAME: &[u8] = b"tcp_metrics\0";
/// `TCP_METRICS_GENL_VERSION`.
const VERSION: u8 = 1;
/// `TCP_METRICS_CMD_GET`.
const GET: u8 = 1;
/// Attributes, `TCP_METRICS_ATTR_*`.
const ADDR_IPV4: u16 = 1;
const ADDR_IPV6: u16 = 2;
const TW_TSVAL: u16 = 4;
const TW_TS_STAMP: u16 = 5;
const SADDR_IPV4: u16 = 11;
const SADDR_IPV6: u16 = 12;

const ESRCH: i32 = 3;

/// What the kernel keeps of an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The last timestamp that `tcp_tw_recycle` left there; kernels from 4.12 on have none.
    pub stamp: Option<Stamp>,
}

/// A timestamp that was remembered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// TSval, ticks of the client's clock.
    pub tsval: u32,
    /// How old it is, seconds.
    pub age_s: i32,
}

/// Asks which number the family has here. `None` where the message cannot be written, which does not happen.
pub fn ask_family(sequence: u32) -> Option<Vec<u8>> {
    let name = (CtrlAttr::FamilyName.into(), NAME);
    request(GenlId::Ctrl.into(), sequence, (CtrlCmd::Getfamily.into(), 1), &[name])
}

/// The family's number.
///
/// # Errors
/// Where it does not say; `ENOENT`: this kernel has no such family.
pub fn family(answer: &[u8], sequence: u32) -> Result<u16, Unread> {
    attribute(&message(answer, sequence)?, CtrlAttr::FamilyId.into())
        .map(u16::from_ne_bytes)
        .ok_or(Unread::Malformed)
}

/// Asks what is kept of a peer that spoke to one of our addresses. `None` as above.
pub fn ask(family: u16, sequence: u32, peer: IpAddr, own: IpAddr) -> Option<Vec<u8>> {
    let (theirs, ours) = (octets(peer), octets(own));
    let kind = |address: IpAddr, v4, v6| if address.is_ipv4() { v4 } else { v6 };
    let addresses =
        [(kind(peer, ADDR_IPV4, ADDR_IPV6), &*theirs), (kind(own, SADDR_IPV4, SADDR_IPV6), &*ours)];
    request(family, sequence, (GET, VERSION), &addresses)
}

/// What is kept; `None`: nothing.
///
/// # Errors
/// Where it does not say.
pub fn entry(answer: &[u8], sequence: u32) -> Result<Option<Entry>, Unread> {
    let message = match message(answer, sequence) {
        Err(Unread::Refused(ESRCH)) => return Ok(None),
        other => other?,
    };
    let stamp = attribute(&message, TW_TSVAL).zip(attribute(&message, TW_TS_STAMP));
    let stamp =
        stamp.map(|(tsval, age)| Stamp { tsval: u32::from_ne_bytes(tsval), age_s: i32::from_ne_bytes(age) });
    Ok(Some(Entry { stamp }))
}

fn request(
    family: u16,
    sequence: u32,
    (command, version): (u8, u8),
    attributes: &[(u16, &[u8])],
) -> Option<Vec<u8>> {
    let attributes: Option<GenlBuffer<u16, Buffer>> = attributes
        .iter()
        .map(|(kind, payload)| -> Option<Nlattr<u16, Buffer>> {
            let kind = AttrTypeBuilder::default().nla_type(*kind).build().ok()?;
            NlattrBuilder::default().nla_type(kind).nla_payload(Buffer::from(*payload)).build().ok()
        })
        .collect();
    let message: Message =
        GenlmsghdrBuilder::default().cmd(command).version(version).attrs(attributes?).build().ok()?;
    netlink::request(family, NlmF::empty(), sequence, message)
}

fn message(answer: &[u8], sequence: u32) -> Result<Message, Unread> {
    let payload = payload(answer, sequence)?;
    Message::from_bytes_with_input(&mut Cursor::new(payload), payload.len()).map_err(|_| Unread::Malformed)
}

fn attribute<const N: usize>(message: &Message, kind: u16) -> Option<[u8; N]> {
    let attributes = message.attrs().get_attr_handle();
    attributes.get_attribute(kind)?.nla_payload().as_ref().try_into().ok()
}

#[cfg(test)]
mod tests;
