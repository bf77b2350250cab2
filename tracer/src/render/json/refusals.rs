//! Queues, listeners whose queues were full, and the kernel's reasons.

use std::{collections::BTreeMap, net::IpAddr};

use serde::Serialize;

use super::summary::causes;
use crate::model::report::{Listener, Reasons};

/// Its length and its limit.
#[derive(Serialize)]
pub(super) struct Queue {
    len: u32,
    max: u32,
}

impl From<(u32, u32)> for Queue {
    fn from((len, max): (u32, u32)) -> Self {
        Self { len, max }
    }
}

#[derive(Serialize)]
pub(super) struct ListenerRow {
    netns: Option<u32>,
    dst: IpAddr,
    dport: u16,
    drops: u64,
    by_cause: BTreeMap<&'static str, u64>,
    accept_queue: Option<Queue>,
    syn_queue: Option<Queue>,
    /// The accept queue beside the SYN queue; its limit is that of the SYN queue, too.
    beside_syn_queue: Option<Queue>,
}

impl From<&Listener> for ListenerRow {
    fn from(listener: &Listener) -> Self {
        Self {
            netns: listener.netns,
            dst: listener.dst,
            dport: listener.dport,
            drops: listener.drops(),
            by_cause: causes(&listener.by_cause),
            accept_queue: listener.accept_queue.map(Queue::from),
            syn_queue: listener.syn_queue.map(Queue::from),
            beside_syn_queue: listener.beside_syn_queue.map(Queue::from),
        }
    }
}

/// By the kernel's name.
pub(super) fn by_reason(reasons: &Reasons) -> BTreeMap<&str, u64> {
    reasons.named.iter().map(|(reason, n)| (&**reason, *n)).collect()
}
