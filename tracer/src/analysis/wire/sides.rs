//! Whether a capture would have shown an answer at all.
//!
//! Where it never held both ways of any connection of a client or of a server, a SYN without a SYN/ACK says nothing: the
//! answer may have gone another way. Such SYNs are kept until it does, and at the end they are undecided.

use std::{collections::VecDeque, net::IpAddr};

use hashbrown::{HashMap, HashSet};

use super::queue::Waiting;
use crate::{keyed::Keyed, model::Flow};

/// Addresses of which both ways were seen. A capture that holds both ways of so many holds them of all.
const ROOM: usize = 65_536;
/// SYNs that are kept.
const KEPT: usize = 16_384;

/// What was seen of addresses.
#[derive(Debug, Default)]
pub(super) struct Sides {
    both: HashSet<IpAddr, Keyed>,
    kept: VecDeque<Waiting>,
    /// SYNs in `kept` by server.
    servers: HashMap<IpAddr, usize, Keyed>,
}

impl Sides {
    /// Both ways of a connection were seen. What was kept of these servers becomes decidable: it goes to `free`.
    pub(super) fn saw_both(&mut self, flow: &Flow, free: &mut Vec<Waiting>) {
        for address in [flow.src, flow.dst] {
            if self.both.len() < ROOM {
                self.both.insert(address);
            }
            if self.servers.remove(&address).is_some() {
                let (of_it, others) = self.kept.drain(..).partition(|waiting| waiting.flow.dst == address);
                self.kept = others;
                free.extend(Vec::from(of_it));
            }
        }
    }

    /// Whether an answer on this way would have been seen.
    pub(super) fn shows(&self, flow: &Flow) -> bool {
        self.both.len() >= ROOM || self.both.contains(&flow.dst) || self.both.contains(&flow.src)
    }

    /// Keeps a SYN until it can be decided. The oldest one comes back where there is no room.
    pub(super) fn keep(&mut self, waiting: Waiting) -> Option<Waiting> {
        let oldest = if self.kept.len() >= KEPT { self.kept.pop_front() } else { None };
        if let Some(oldest) = &oldest
            && let Some(n) = self.servers.get_mut(&oldest.flow.dst)
        {
            *n -= 1;
            if *n == 0 {
                self.servers.remove(&oldest.flow.dst);
            }
        }
        *self.servers.entry(waiting.flow.dst).or_default() += 1;
        self.kept.push_back(waiting);
        oldest
    }

    /// Everything that is kept, in order.
    pub(super) fn rest(&mut self) -> VecDeque<Waiting> {
        self.servers.clear();
        std::mem::take(&mut self.kept)
    }
}
