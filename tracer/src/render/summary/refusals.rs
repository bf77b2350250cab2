//! What there is to say of drops beyond their causes: the kernel's reasons, and whose queues were full.

use super::super::{phrases::clean, text::Style};
use crate::model::report::{Listener, Summary};

/// Listeners that are named, and reasons.
const NAMED: (usize, usize) = (3, 8);

impl Style {
    pub(super) fn refusals(&self, summary: &Summary) -> Vec<String> {
        let mut lines = Vec::new();
        lines.extend(reasons(summary).iter().flat_map(|words| self.fold("Other reasons: ", words)));
        lines.extend(queues(summary).iter().flat_map(|words| self.fold("Full queues: ", words)));
        lines
    }
}

/// The kernel's reasons of drops that have no cause of their own.
pub(in crate::render) fn reasons(summary: &Summary) -> Option<String> {
    let reasons = &summary.reasons;
    let mut words: Vec<String> =
        reasons.named.iter().take(NAMED.1).map(|(reason, n)| format!("{n} {}", clean(reason))).collect();
    let more = reasons.named.iter().skip(NAMED.1).fold(reasons.beyond, |sum, (_, n)| sum.saturating_add(*n));
    words.extend((more > 0).then(|| format!("{more} of others")));
    words.extend((reasons.none > 0 && !words.is_empty()).then(|| format!("{} without", reasons.none)));
    (!words.is_empty()).then(|| format!("{}.", words.join(", ")))
}

/// Listeners whose queues were full.
pub(in crate::render) fn queues(summary: &Summary) -> Option<String> {
    let listeners = &summary.listeners;
    let mut words: Vec<String> = listeners.full.iter().take(NAMED.0).map(full).collect();
    let others = listeners.full.iter().skip(NAMED.0);
    let more = others.fold(listeners.beyond, |sum, one| sum.saturating_add(one.drops()));
    words.extend((more > 0).then(|| format!("{more} drops of others")));
    (!words.is_empty()).then(|| format!("{}.", words.join("; ")))
}

/// "198.51.100.7:443 dropped 99 (accept queue 6, its limit 5)".
fn full(listener: &Listener) -> String {
    let queue = |name: &str, queue: Option<(u32, u32)>, limit: Option<(u32, u32)>| {
        queue.zip(limit).map(|((len, _), (_, max))| format!("{name} queue {len}, its limit {max}"))
    };
    let queues = [
        queue("accept", listener.accept_queue, listener.accept_queue),
        queue("SYN", listener.syn_queue, listener.beside_syn_queue),
    ];
    let queues: Vec<String> = queues.into_iter().flatten().collect();
    let queues = if queues.is_empty() { String::new() } else { format!(" ({})", queues.join("; ")) };
    format!("{listener} dropped {}{queues}", listener.drops())
}
