//! What is kept of drops beyond their causes: whose queue was full and how full it was, and the kernel's reasons for what
//! has no cause of its own.

use std::{collections::BTreeMap, net::IpAddr, sync::Arc};

use super::most::Most;
use crate::model::{
    Cause, Drop,
    report::{Listener, Listeners, Reasons},
};

/// Listeners that are told apart.
const LISTENERS: usize = 64;
/// Reasons that are told apart.
const REASONS: usize = 16;

/// Network namespace, address, port.
type Key = (Option<u32>, IpAddr, u16);

/// Its length and its limit.
type Queue = (u32, u32);

#[derive(Clone, Debug, Default)]
struct Queues {
    by_cause: BTreeMap<Cause, u64>,
    accept: Option<Queue>,
    /// The SYN queue, and the accept queue beside it.
    syn: Option<(Queue, Option<Queue>)>,
}

/// Both tables.
#[derive(Clone, Debug)]
pub(super) struct Refusals {
    listeners: Most<Key, Queues>,
    reasons: Most<Arc<str>, ()>,
    no_reason: u64,
}

impl Refusals {
    pub(super) const fn new() -> Self {
        Self { listeners: Most::new(LISTENERS), reasons: Most::new(REASONS), no_reason: 0 }
    }

    pub(super) fn add(&mut self, drop: &Drop) {
        match drop.cause {
            Cause::AcceptQueueFull | Cause::SynQueueFull | Cause::PeerNotProven => self.queue_was_full(drop),
            Cause::Other => match &drop.reason {
                Some(reason) => *self.reasons.add(reason.clone()),
                None => self.no_reason = self.no_reason.saturating_add(1),
            },
            _ => {}
        }
    }

    fn queue_was_full(&mut self, drop: &Drop) {
        let queues = self.listeners.add((drop.netns, drop.flow.dst, drop.flow.dport));
        *queues.by_cause.entry(drop.cause).or_default() += 1;
        if drop.cause == Cause::AcceptQueueFull {
            queues.accept = queues.accept.max(drop.accept_queue);
        } else if let Some(syn) = drop.syn_queue {
            queues.syn = queues.syn.max(Some((syn, drop.accept_queue)));
        }
    }

    /// Whose queues were full, most drops first.
    pub(super) fn listeners(&self) -> Listeners {
        let mut full: Vec<Listener> = self
            .listeners
            .places()
            .iter()
            .map(|place| {
                let (netns, dst, dport) = place.key;
                let Queues { by_cause, accept, syn } = place.of.clone();
                let (syn_queue, backlog) = syn.unzip();
                Listener {
                    netns,
                    dst,
                    dport,
                    by_cause,
                    accept_queue: accept,
                    syn_queue,
                    beside_syn_queue: backlog.flatten(),
                }
            })
            .collect();
        full.sort_by_key(|one| (u64::MAX - one.drops(), one.dst, one.dport, one.netns));
        Listeners { full, beyond: self.listeners.beyond }
    }

    /// The kernel's reasons of what has no cause of its own, most drops first.
    pub(super) fn reasons(&self) -> Reasons {
        let mut named: Vec<(Arc<str>, u64)> =
            self.reasons.places().iter().map(|place| (place.key.clone(), place.count)).collect();
        named.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        Reasons { named, beyond: self.reasons.beyond, none: self.no_reason }
    }
}
