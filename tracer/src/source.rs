//! Observations that do not come from the kernel: captures and recordings, byte by byte as they arrive.
//!
//! Decides what kind of input bytes are, and nothing of what they say. Pure: whoever owns the file or the pipe hands
//! the bytes over, in whatever pieces they come, so a growing input is read as it grows.

pub mod capture;
mod packets;
mod pcap;
mod pcapng;
pub mod record;
pub mod recording;

use crate::model::{Nanos, Observation, report};

/// What an input says of itself before its first observation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Opening {
    /// Of packets: what kind of file, and what is known of it so far.
    pub capture: Option<report::Capture>,
    /// Of a recording: what it says of its run.
    pub recorded: Option<Box<report::Start>>,
}

/// Why an input is not read any further.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{why} (at byte {offset})")]
pub struct Broken {
    /// Bytes from the beginning to what cannot be read.
    pub offset: u64,
    /// One sentence without its full stop.
    pub why: String,
    /// What to do, where that is more than to do without the rest.
    pub hint: Option<&'static str>,
}

/// Turns the bytes of an input into observations.
pub trait Reader {
    /// Takes the next bytes; what they hold goes to `out`, in order.
    ///
    /// # Errors
    /// When they make no sense: whatever came before is in `out`, and nothing more is to be handed over.
    fn take(&mut self, bytes: &[u8], out: &mut Vec<Observation>) -> Result<(), Broken>;

    /// The input ends here, or is not read any further.
    ///
    /// # Errors
    /// When it ends in the middle of something.
    fn end(&mut self, out: &mut Vec<Observation>) -> Result<(), Broken>;

    /// What is known of the input; `None`: not even what it is.
    fn opening(&self) -> Option<Opening>;

    /// Time of the first and of the last thing in it.
    fn span(&self) -> Option<(Nanos, Nanos)>;

    /// What no observation tells of the end, where the input says it itself.
    fn ending(&mut self) -> Option<report::Ending> {
        None
    }

    /// What was passed over, in words; `None`: nothing.
    fn remark(&self) -> Option<String> {
        None
    }
}

/// What an input is, by its first bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A capture, pcap or pcapng.
    Capture,
    /// Lines of JSON, as `-w` writes them.
    Record,
    /// Compressed by gzip, whatever is in it.
    Gzip,
    /// Compressed in another way: the program that unpacks it.
    Packed(&'static str),
    /// Nothing at all.
    Empty,
    /// Something else.
    Unknown,
}

/// Bytes that suffice to tell.
pub const ENOUGH: usize = 6;

impl Kind {
    /// From the first bytes, [`ENOUGH`] of them where there are as many.
    pub fn of(bytes: &[u8]) -> Self {
        match bytes {
            [] => Self::Empty,
            [0x1f, 0x8b, ..] => Self::Gzip,
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Self::Packed("zstdcat"),
            [0xfd, b'7', b'z', b'X', b'Z', 0] => Self::Packed("xzcat"),
            [b'B', b'Z', b'h', ..] => Self::Packed("bzcat"),
            [0x04, 0x22, 0x4d, 0x18, ..] => Self::Packed("lz4cat"),
            [b'{', ..] => Self::Record,
            _ if packets::Format::is(bytes) => Self::Capture,
            _ => Self::Unknown,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_bytes() {
        for (bytes, kind) in [
            (&b""[..], Kind::Empty),
            (b"\xd4\xc3\xb2\xa1\x02\x00", Kind::Capture),
            (b"\xa1\xb2\x3c\x4d\x00\x02", Kind::Capture),
            (b"\xa1\xb2\xcd\x34\x00\x02", Kind::Capture),
            (b"\x0a\x0d\x0d\x0a\x1c\x00", Kind::Capture),
            (b"{\"type", Kind::Record),
            (b"\x1f\x8b\x08\x00\x00\x00", Kind::Gzip),
            (b"\xfd7zXZ\x00", Kind::Packed("xzcat")),
            (b"\xd4\xc3", Kind::Unknown),
            (b"#!/bin", Kind::Unknown),
        ] {
            assert_eq!(Kind::of(bytes), kind, "{bytes:?}");
        }
    }
}
