//! A capture: what packets were read from, and what became of them.

use std::borrow::Cow;

use crate::model::Nanos;

/// What the SYNs of a capture came to; those that are none of these were dropped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WireCounts {
    /// SYNs that the filter lets pass, each copy of one included.
    pub syns: u64,
    /// ... of those, answered with a SYN/ACK.
    pub answered: u64,
    /// ... the same SYN again before its SYN/ACK came, or again after it, and answered again.
    pub repeated: u64,
    /// ... undecided: too near the end of the capture.
    pub near_end: u64,
    /// ... undecided: the capture holds only one way of what client and server sent.
    pub one_way: u64,
    /// ... undecided: there was no room to wait for their answers.
    pub no_room: u64,
    /// ... undecided: the clock of the capture was set back meanwhile.
    pub set_back: u64,
    /// ... of which the capture holds only a part of the options: their timestamps are not known.
    pub options_cut: u64,
    /// Packets that were captured twice, on two interfaces; in no other number here.
    pub duplicates: u64,
}

impl WireCounts {
    /// SYNs of which it is not known whether they were answered.
    pub fn undecided(&self) -> u64 {
        [self.near_end, self.one_way, self.no_room, self.set_back].into_iter().fold(0, u64::saturating_add)
    }
}

/// What packets were read from, and what became of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Capture {
    /// Name of the file; `-` for standard input.
    pub name: String,
    /// `pcap` or `pcapng`.
    pub format: Cow<'static, str>,
    /// Link layers, by name or, where they are not understood, by number.
    pub links: Vec<String>,
    /// Packets, whatever is in them.
    pub packets: u64,
    /// TCP segments.
    pub segments: u64,
    /// Time of the first packet.
    pub first: Option<Nanos>,
    /// Time of the last one.
    pub last: Option<Nanos>,
    /// Packets with a link layer that is not understood.
    pub unknown_link: u64,
    /// Packets of something else than TCP.
    pub not_tcp: u64,
    /// Later fragments of TCP segments.
    pub fragments: u64,
    /// Packets cut short before the end of their TCP header (`tcpdump -s`): each may have been a SYN.
    pub cut: u64,
    /// Packets whose headers contradict themselves.
    pub malformed: u64,
    /// Segments of which the file does not say when they were captured.
    pub untimed: u64,
    /// Packets that the capture itself lost, by its own count; `None`: it does not say.
    pub missed: Option<u64>,
    /// What the SYNs came to.
    pub wire: WireCounts,
}
