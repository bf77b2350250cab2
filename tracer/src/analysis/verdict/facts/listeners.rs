//! Whose queues were full: which listeners the advice is for.

use super::Facts;
use crate::model::{Cause, report::Listener};

/// Listeners that are spoken of.
const SPOKEN_OF: usize = 3;
/// One with less than this part of the drops of the first is not.
const PART: u64 = 4;

impl<'a> Facts<'a> {
    /// The cause whose queue is asked for: the leader's where it is one of the SYN queue, else the accept queue's.
    fn queue_cause(&self) -> Cause {
        match self.cause() {
            Some(cause @ (Cause::SynQueueFull | Cause::PeerNotProven)) => cause,
            _ => Cause::AcceptQueueFull,
        }
    }

    /// Listeners with drops of that cause, most first.
    fn all_full(&self) -> Vec<(&'a Listener, u64)> {
        let cause = self.queue_cause();
        let all = self.case.snapshot.listeners.full.iter().map(|one| (one, one.dropped(cause)));
        let mut full: Vec<_> = all.filter(|(_, n)| *n > 0).collect();
        full.sort_by_key(|(_, n)| u64::MAX - n);
        full
    }

    /// Those with most of them, and how many each.
    pub(in crate::analysis::verdict) fn full(&self) -> Vec<(&'a Listener, u64)> {
        let mut full = self.all_full();
        let most = full.first().map_or(0, |(_, n)| *n);
        full.retain(|(_, n)| *n >= most.div_ceil(PART));
        full.truncate(SPOKEN_OF);
        full
    }

    /// There is more than one, so that each needs its name.
    pub(in crate::analysis::verdict) fn has_several_listeners(&self) -> bool {
        self.all_full().len() > 1 || self.case.snapshot.listeners.beyond > 0
    }

    /// The listener's own limit, as the kernel held it when it refused: both queues end there.
    pub(in crate::analysis::verdict) fn limit(&self, of: &Listener) -> Option<u32> {
        let queue =
            if self.queue_cause() == Cause::AcceptQueueFull { of.accept_queue } else { of.beside_syn_queue };
        queue.map(|(_, max)| max)
    }
}
