//! What a run knows of drops beyond their causes: listeners whose queues were full, and the kernel's reasons.

use std::{collections::BTreeMap, fmt, net::IpAddr, sync::Arc};

use super::super::Cause;

/// An address and port at which a listener refused SYNs because of a queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listener {
    /// Its network namespace.
    pub netns: Option<u32>,
    /// The address that the clients asked for; the listener may have any.
    pub dst: IpAddr,
    /// Its port.
    pub dport: u16,
    /// Its drops because of a queue, by cause.
    pub by_cause: BTreeMap<Cause, u64>,
    /// Its longest accept queue, and the limit, at which a SYN was dropped because it was full.
    pub accept_queue: Option<(u32, u32)>,
    /// Its longest SYN queue, and `tcp_max_syn_backlog`, at which a SYN was dropped because of it.
    pub syn_queue: Option<(u32, u32)>,
    /// The accept queue at that moment, and its limit, which is the limit of the SYN queue, too (`sk_max_ack_backlog`).
    pub beside_syn_queue: Option<(u32, u32)>,
}

impl Listener {
    /// All its drops because of a queue.
    pub fn drops(&self) -> u64 {
        self.by_cause.values().fold(0, |sum, n| sum.saturating_add(*n))
    }

    /// ... with this cause.
    pub fn dropped(&self, cause: Cause) -> u64 {
        self.by_cause.get(&cause).copied().unwrap_or(0)
    }
}

/// `198.51.100.7:443`, `[2001:db8::7]:443`.
impl fmt::Display for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", std::net::SocketAddr::new(self.dst, self.dport))
    }
}

/// Listeners whose queues were full.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listeners {
    /// Most drops first; bounded.
    pub full: Vec<Listener>,
    /// Drops of those that found no room.
    pub beyond: u64,
}

/// The kernel's reasons of drops that have no cause of their own ([`Cause::Other`]).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reasons {
    /// By the kernel's name for them, most drops first; bounded.
    pub named: Vec<(Arc<str>, u64)>,
    /// Drops with reasons that found no room.
    pub beyond: u64,
    /// Drops for which the kernel gave none.
    pub none: u64,
}
