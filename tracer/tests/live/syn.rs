//! A client's SYN, and what an event must say of it.

use std::net::SocketAddr;

use super::packet::{Segment, flag};

/// Option bytes and what they mean to the kernel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Options {
    pub(crate) bytes: Vec<u8>,
    pub(crate) tsval: Option<u32>,
    pub(crate) mss: Option<u16>,
    pub(crate) wscale: Option<u8>,
    /// The kinds as an event names them; `None`: the contract does not say.
    pub(crate) kinds: Option<&'static str>,
}

impl Options {
    /// What a Linux client sends.
    pub(crate) fn linux(mss: u16, tsval: Option<u32>) -> Self {
        let [high, low] = mss.to_be_bytes();
        let mut bytes = vec![2, 4, high, low];
        let kinds = if let Some(tsval) = tsval {
            bytes.extend([4, 2, 8, 10]);
            bytes.extend(tsval.to_be_bytes());
            bytes.extend([0; 4]);
            "mss,sok,ts,nop,ws"
        } else {
            bytes.extend([1, 1, 4, 2]);
            "mss,nop,nop,sok,nop,ws"
        };
        bytes.extend([1, 3, 3, 7]);
        Self { bytes, tsval, mss: Some(mss), wscale: Some(7), kinds: Some(kinds) }
    }

    /// Bytes of one's own, in which the kernel finds no option that an event would show.
    pub(crate) fn raw(bytes: &[u8]) -> Self {
        Self { bytes: bytes.to_vec(), tsval: None, mss: None, wscale: None, kinds: None }
    }
}

/// A SYN.
#[derive(Clone, Debug)]
pub(crate) struct Syn {
    pub(crate) from: SocketAddr,
    pub(crate) to: SocketAddr,
    pub(crate) seq: u32,
    pub(crate) ttl: u8,
    pub(crate) window: u16,
    pub(crate) options: Options,
    /// FIN or RST beside SYN.
    pub(crate) more_flags: u8,
    /// Whether its checksum is right.
    pub(crate) sound: bool,
    /// Data offset, where it is a lie.
    pub(crate) offset: Option<u8>,
}

impl Syn {
    /// A SYN with the options of a Linux client.
    pub(crate) fn new(from: SocketAddr, to: SocketAddr, seq: u32, tsval: Option<u32>) -> Self {
        let mss = if from.is_ipv4() { 1460 } else { 1440 };
        Self {
            from,
            to,
            seq,
            // Values that no default has, so that an event shows the packet's own.
            ttl: 57,
            window: 64_241,
            options: Options::linux(mss, tsval),
            more_flags: 0,
            sound: true,
            offset: None,
        }
    }

    /// The same with other options.
    pub(crate) fn with(mut self, options: Options) -> Self {
        self.options = options;
        self
    }

    /// The same with another sequence number.
    pub(crate) fn at(mut self, seq: u32) -> Self {
        self.seq = seq;
        self
    }

    /// The same with another timestamp, or none.
    pub(crate) fn stamped(mut self, tsval: Option<u32>) -> Self {
        self.options = Options::linux(self.options.mss.unwrap_or(1460), tsval);
        self
    }

    /// As a segment.
    pub(crate) fn segment(&self) -> Segment {
        let mut segment = Segment::new(self.from, self.to, flag::SYN | self.more_flags, self.seq, 0);
        segment.ttl = self.ttl;
        segment.window = self.window;
        segment.options.clone_from(&self.options.bytes);
        segment.sound = self.sound;
        segment.offset = self.offset;
        segment
    }
}
