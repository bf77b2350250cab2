//! What is known of one source, and how it is counted. Any order of arrival gives the same row.

use std::{collections::BTreeMap, net::IpAddr};

use crate::model::{
    Cause, Nanos,
    report::{Regressions, Retries, Source},
};

/// SYNs by cause, in the order of [`Cause::ALL`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::analysis) struct Causes([u64; Cause::ALL.len()]);

impl Causes {
    pub(in crate::analysis) fn add(&mut self, cause: Cause) {
        self.0[cause as usize] += 1;
    }

    pub(super) fn join(&mut self, other: &Self) {
        for (ours, theirs) in self.0.iter_mut().zip(other.0) {
            *ours += theirs;
        }
    }

    pub(in crate::analysis) fn sum(&self) -> u64 {
        self.0.iter().sum()
    }

    pub(super) fn paws(&self) -> u64 {
        self.seen().filter(|(cause, _)| cause.is_paws()).map(|(_, n)| n).sum()
    }

    fn seen(&self) -> impl Iterator<Item = (Cause, u64)> {
        Cause::ALL.into_iter().zip(self.0).filter(|(_, n)| *n > 0)
    }

    pub(in crate::analysis) fn map(&self) -> BTreeMap<Cause, u64> {
        self.seen().collect()
    }
}

/// What one observation adds to its source.
#[derive(Clone, Copy, Debug)]
pub(in crate::analysis) struct Seen {
    pub(in crate::analysis) src: IpAddr,
    pub(in crate::analysis) time: Nanos,
    /// `None`: it was answered.
    pub(in crate::analysis) cause: Option<Cause>,
    /// Ticks by which its TSval stood behind the one remembered.
    pub(in crate::analysis) regression: Option<i32>,
    /// SYNs that were answered and have no observation of their own.
    pub(in crate::analysis) unreported: u32,
}

impl Seen {
    /// SYNs that it stands for.
    pub(super) fn syns(&self) -> u64 {
        1 + u64::from(self.unreported)
    }
}

/// What only a source with regressions or with clients that came back has.
#[derive(Clone, Debug, Default)]
struct Detail {
    regressions: Regressions,
    last: Option<(Nanos, i32)>,
    max: Option<i32>,
    came_back: u64,
    got_in: u64,
    waited_ms: u64,
    longest_ms: u64,
}

/// One source.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub(super) src: IpAddr,
    /// Seen again since someone last asked.
    pub(super) touched: bool,
    /// Something about it is new since someone last asked for changes.
    pub(super) changed: bool,
    /// SYNs that were counted elsewhere before it got this row; saturates.
    pub(super) before: u8,
    /// Which tenant of this slot it is.
    pub(super) tenancy: u32,
    first: Nanos,
    last: Nanos,
    answered: u64,
    pub(super) causes: Causes,
    /// Drops since someone last asked for changes; saturates.
    pub(super) new: u32,
    refused: u64,
    detail: Option<Box<Detail>>,
}

impl Row {
    pub(super) fn new(src: IpAddr, time: Nanos, before: u8, tenancy: u32) -> Self {
        Self {
            src,
            touched: false,
            changed: false,
            before,
            tenancy,
            first: time,
            last: time,
            answered: 0,
            causes: Causes::default(),
            new: 0,
            refused: 0,
            detail: None,
        }
    }

    pub(super) fn add(&mut self, seen: &Seen) {
        self.touched = true;
        self.changed = true;
        self.first = self.first.min(seen.time);
        self.last = self.last.max(seen.time);
        self.answered += u64::from(seen.unreported);
        let Some(cause) = seen.cause else {
            self.answered += 1;
            return;
        };
        self.causes.add(cause);
        self.new = self.new.saturating_add(1);
        if let Some(ticks) = seen.regression.filter(|_| cause.is_paws()) {
            let detail = self.detail.get_or_insert_default();
            // Of two at the same time, the larger.
            detail.last = detail.last.max(Some((seen.time, ticks)));
            detail.max = detail.max.max(Some(ticks));
            // No histogram holds what is not older.
            let size = u32::try_from(ticks).ok().and_then(u32::checked_ilog2);
            if let Some(n) = size.and_then(|size| detail.regressions.0.get_mut(size as usize)) {
                *n = n.saturating_add(1);
            }
        }
    }

    /// What became of one attempt, beside what was known of it before.
    pub(super) fn retried(&mut self, before: &Retries, after: &Retries) {
        self.changed = true;
        self.refused = changed(self.refused, before.refused, after.refused);
        let refused_alone = |retries: &Retries| Retries { refused: 0, ..*retries } == Retries::default();
        if refused_alone(before) && refused_alone(after) {
            return;
        }
        let mut retries = self.retries();
        join(&mut retries, before, after);
        let detail = self.detail.get_or_insert_default();
        (detail.came_back, detail.got_in) = (retries.came_back, retries.got_in);
        detail.waited_ms = retries.waited_ms;
    }

    /// An attempt that got in after so long is over.
    pub(super) fn waited(&mut self, ms: u64) {
        let detail = self.detail.get_or_insert_default();
        detail.longest_ms = detail.longest_ms.max(ms);
    }

    fn retries(&self) -> Retries {
        let refused = self.refused;
        self.detail.as_ref().map_or(Retries { refused, ..Retries::default() }, |detail| Retries {
            refused,
            came_back: detail.came_back,
            got_in: detail.got_in,
            waited_ms: detail.waited_ms,
            longest_ms: detail.longest_ms,
        })
    }

    pub(super) fn drops(&self) -> u64 {
        self.causes.sum()
    }

    pub(super) fn syns(&self) -> u64 {
        self.drops() + self.answered
    }

    /// Whether some of it was dropped for what the kernel keeps of a real client.
    pub(super) fn is_proven(&self) -> bool {
        self.causes.seen().any(|(cause, _)| cause.needs_connection())
    }

    /// SYNs since it was first heard of, as far as that is remembered.
    pub(super) fn weight(&self) -> u64 {
        self.syns() + u64::from(self.before)
    }

    /// Everything but who is behind it.
    pub(super) fn source(&self) -> Source {
        let detail = self.detail.as_deref();
        Source {
            src: self.src,
            syns: Some(self.syns()),
            drops: self.drops(),
            unsent: 0,
            paws: self.causes.paws(),
            by_cause: self.causes.map(),
            last_regression: detail.and_then(|detail| detail.last).map(|(_, ticks)| ticks),
            max_regression: detail.and_then(|detail| detail.max),
            regressions: detail.map_or_else(Regressions::default, |detail| detail.regressions),
            retries: self.retries(),
            first: self.first,
            last: self.last,
            nat: None,
        }
    }
}

/// A sum in which one summand changes.
fn changed(sum: u64, before: u64, after: u64) -> u64 {
    sum.saturating_add(after).saturating_sub(before)
}

/// Takes what became of one attempt into account, beside what was known of it before; all but the longest wait, of which it
/// may turn out that it was shorter.
pub(in crate::analysis) fn join(sum: &mut Retries, before: &Retries, after: &Retries) {
    sum.refused = changed(sum.refused, before.refused, after.refused);
    sum.came_back = changed(sum.came_back, before.came_back, after.came_back);
    sum.got_in = changed(sum.got_in, before.got_in, after.got_in);
    sum.waited_ms = changed(sum.waited_ms, before.waited_ms, after.waited_ms);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::order::LINK_BYTES;

    #[test]
    fn a_row_is_small() {
        assert!(size_of::<Row>() + LINK_BYTES <= 200, "{} bytes", size_of::<Row>() + LINK_BYTES);
    }
}
