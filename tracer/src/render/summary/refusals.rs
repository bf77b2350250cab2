//! What there is to say of drops beyond their causes: the kernel's reasons, and whose queues were full.

use super::super::{phrases::clean, text::Style};
use crate::model::report::{Listener, Summary};

/// Listeners that are named, and reasons.
const NAMED: (usize, usize) = (3, 8);

impl Style {
    pub(super) fn refusals(&self, summary: &Summary) -> Vec<String> {
        let (listeners, reasons) = (&summary.listeners, &summary.reasons);
        let mut words: Vec<String> =
            reasons.named.iter().take(NAMED.1).map(|(reason, n)| format!("{n} {}", clean(reason))).collect();
        let more =
            reasons.named.iter().skip(NAMED.1).fold(reasons.beyond, |sum, (_, n)| sum.saturating_add(*n));
        words.extend((more > 0).then(|| format!("{more} of others")));
        words.extend((reasons.none > 0 && !words.is_empty()).then(|| format!("{} without", reasons.none)));
        let mut lines = Vec::new();
        if !words.is_empty() {
            lines.extend(self.fold("Other reasons: ", &format!("{}.", words.join(", "))));
        }
        let mut words: Vec<String> = listeners.full.iter().take(NAMED.0).map(full).collect();
        let more = listeners
            .full
            .iter()
            .skip(NAMED.0)
            .fold(listeners.beyond, |sum, one| sum.saturating_add(one.drops()));
        words.extend((more > 0).then(|| format!("{more} drops of others")));
        if !words.is_empty() {
            lines.extend(self.fold("Full queues: ", &format!("{}.", words.join("; "))));
        }
        lines
    }
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
