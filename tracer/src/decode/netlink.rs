//! Messages of netlink (`include/uapi/linux/netlink.h`): a question around its payload, and the payload of its answer. Knows no
//! socket.

use std::io::Cursor;

use neli::{
    Size, ToBytes,
    consts::nl::{NlmF, Nlmsg},
    nl::{NlPayload, NlmsghdrBuilder},
};

/// `struct nlmsghdr`, bytes.
const HEADER: usize = 16;

/// Why an answer tells nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unread {
    /// The kernel refused the question: an error number.
    Refused(i32),
    /// It answers another question.
    Other,
    /// It is none that this version can read.
    Malformed,
}

/// A question of this kind. `None` where it cannot be written, which does not happen.
pub fn request(kind: u16, flags: NlmF, sequence: u32, payload: impl Size + ToBytes) -> Option<Vec<u8>> {
    let message = NlmsghdrBuilder::default()
        .nl_type(kind)
        .nl_flags(NlmF::REQUEST | flags)
        .nl_seq(sequence)
        .nl_payload(NlPayload::Payload(payload))
        .build()
        .ok()?;
    let mut out = Cursor::new(Vec::new());
    message.to_bytes(&mut out).ok()?;
    Some(out.into_inner())
}

/// What is in the answer to this question. The header is read here: the library subtracts before it compares.
///
/// # Errors
/// Where it is no answer to it, or a refusal.
pub fn payload(answer: &[u8], sequence: u32) -> Result<&[u8], Unread> {
    let word = |at: usize| answer.get(at..at + 4)?.first_chunk().map(|bytes| u32::from_ne_bytes(*bytes));
    let (Some(len), Some(of)) = (word(0), word(8)) else { return Err(Unread::Malformed) };
    if of != sequence {
        return Err(Unread::Other);
    }
    let len = usize::try_from(len).map_err(|_| Unread::Malformed)?;
    let payload = answer.get(HEADER..len).ok_or(Unread::Malformed)?;
    if answer[4..6] == u16::from(Nlmsg::Error).to_ne_bytes() {
        let number = payload.first_chunk().ok_or(Unread::Malformed)?;
        return Err(Unread::Refused(i32::from_ne_bytes(*number).saturating_neg()));
    }
    Ok(payload)
}

/// Whether it says that the question was done ([`NlmF::ACK`]).
///
/// # Errors
/// As [`payload`].
pub fn done(answer: &[u8], sequence: u32) -> Result<(), Unread> {
    match payload(answer, sequence) {
        Err(Unread::Refused(0)) => Ok(()),
        other => other.and(Err(Unread::Malformed)),
    }
}
