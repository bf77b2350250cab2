//! A SYN that got its SYN/ACK: what it tells of the client's clock and stack.

use super::{Flow, Nanos, OptionKinds, Syn, named};

named! {
    /// Which segment the facts are from.
    Via {
        /// The SYN itself.
        Syn = "syn",
        /// The end of the handshake, as far as the new socket remembers it: TSval is that of the client's last segment.
        Handshake = "handshake",
    }
}

/// What a SYN shows of the stack that made it. `None`: not visible here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Stack {
    /// IPv4 TTL or IPv6 hop limit on arrival.
    pub ttl: Option<u8>,
    /// Receive window, unscaled.
    pub window: Option<u16>,
    /// Maximum segment size, bytes.
    pub mss: Option<u16>,
    /// Window scale shift.
    pub wscale: Option<u8>,
    /// Option kinds in wire order.
    pub options: Option<OptionKinds>,
}

impl From<&Syn> for Stack {
    fn from(syn: &Syn) -> Self {
        Self {
            ttl: Some(syn.ttl),
            window: Some(syn.window),
            mss: syn.mss,
            wscale: syn.wscale,
            options: Some(syn.options),
        }
    }
}

/// One SYN that was answered with a SYN/ACK.
#[derive(Clone, Debug, PartialEq)]
pub struct Accepted {
    /// When the segment that the facts are from arrived.
    pub time: Nanos,
    /// Who asked whom.
    pub flow: Flow,
    /// Network namespace, by inode.
    pub netns: Option<u32>,
    /// Initial sequence number.
    pub seq: Option<u32>,
    /// TSval of the timestamps option; `None`: it carried none.
    pub tsval: Option<u32>,
    /// The client's stack.
    pub stack: Stack,
    /// Which segment it was.
    pub via: Via,
    /// SYNs of the same source that were answered since its last report and are not reported one by one.
    pub unreported: u32,
}
