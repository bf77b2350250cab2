//! What the rules ask of a case: which cause leads, what the sources' clocks say, what the counters say of the unseen.
//!
//! Decides what belongs together and what counts; no rule, no words.

mod counters;
mod finding;
mod listeners;

use std::collections::BTreeMap;

pub(super) use counters::Unseen;
pub(super) use finding::{Finding, sure};

use super::Case;
use crate::{
    analysis::kernel::version,
    model::{Cause, nat::NatVerdict},
};

/// Causes that are one cause to whoever has to end them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Group {
    /// The timestamp test, wherever it was made.
    Paws,
    /// A cause of its own.
    One(Cause),
}

impl Group {
    pub(super) const fn of(cause: Cause) -> Self {
        if cause.is_paws() { Self::Paws } else { Self::One(cause) }
    }
}

/// The group that leads.
#[derive(Clone, Copy, Debug)]
pub(super) struct Leader {
    pub(super) group: Group,
    /// Its most frequent cause.
    pub(super) cause: Cause,
    pub(super) drops: u64,
}

/// A case, digested.
#[derive(Clone, Debug)]
pub(super) struct Facts<'a> {
    pub(super) case: &'a Case<'a>,
    /// Drops by cause: those that were asked for, those that were not, and those that have none.
    pub(super) by_cause: BTreeMap<Cause, u64>,
    /// Groups, most drops first; those that are nobody's trouble only where there is nothing else.
    pub(super) groups: Vec<Leader>,
    pub(super) leader: Option<Leader>,
    /// Drops of all groups.
    pub(super) total: u64,
    /// Drops by PAWS, of any group.
    pub(super) paws: u64,
    pub(super) finding: Option<Finding<'a>>,
    pub(super) unseen: Option<Unseen>,
}

/// The server answered long ago, or there is nothing that could: no part of an incident that has another cause.
pub(super) const fn is_noise(cause: Cause) -> bool {
    matches!(cause, Cause::Repeated | Cause::NoListener)
}

/// `n / (n + 1)`: how far a number of witnesses carries.
#[expect(clippy::cast_precision_loss, reason = "a share, not a count")]
pub(super) fn saturate(n: u64) -> f64 {
    n as f64 / (n as f64 + 1.0)
}

#[expect(clippy::cast_precision_loss, reason = "a share, not a count")]
pub(super) fn ratio(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { (part as f64 / whole as f64).clamp(0.0, 1.0) }
}

impl<'a> Facts<'a> {
    pub(super) fn of(case: &'a Case<'a>) -> Self {
        let by_cause = by_cause(case);
        let groups = groups(case, &by_cause);
        let sum = |of: &mut dyn Iterator<Item = u64>| of.fold(0, u64::saturating_add);
        let paws = sum(&mut by_cause.iter().filter(|(cause, _)| cause.is_paws()).map(|(_, n)| *n));
        Self {
            case,
            by_cause,
            leader: groups.first().copied(),
            total: sum(&mut groups.iter().map(|group| group.drops)),
            groups,
            paws,
            finding: finding::finding(&case.snapshot.sources, paws),
            unseen: counters::unseen(case),
        }
    }

    /// The same case, looked at as if this group were all.
    pub(super) fn led_by(&self, leader: Leader) -> Self {
        Self {
            leader: Some(leader),
            groups: vec![leader],
            total: leader.drops,
            unseen: None,
            by_cause: self.by_cause.clone(),
            ..*self
        }
    }

    /// The leader's cause.
    pub(super) fn cause(&self) -> Option<Cause> {
        self.leader.map(|leader| leader.cause)
    }

    /// The leader's drops.
    pub(super) fn drops(&self) -> u64 {
        self.leader.map_or(0, |leader| leader.drops)
    }

    /// Led by PAWS, whichever the socket.
    pub(super) fn is_paws(&self) -> bool {
        self.leader.is_some_and(|leader| leader.group == Group::Paws)
    }

    pub(super) fn is(&self, cause: Cause) -> bool {
        self.cause() == Some(cause)
    }

    pub(super) fn found(&self, verdict: NatVerdict) -> bool {
        self.finding.is_some_and(|finding| finding.verdict == verdict)
    }

    /// Most drops are known from packets alone.
    pub(super) fn is_wire(&self) -> bool {
        let all = self.by_cause.values().fold(0, |sum: u64, n| sum.saturating_add(*n));
        let wire = self.case.snapshot.wire;
        wire > 0 && wire >= all.saturating_sub(wire)
    }

    /// Drops that were seen and nobody asked for; not those that are nobody's trouble.
    pub(super) fn left_out(&self) -> impl Iterator<Item = (Cause, u64)> {
        let seen = self.case.left_out.seen.iter().map(|(cause, n)| (*cause, *n));
        seen.filter(|(cause, n)| *n > 0 && self.groups.iter().any(|group| group.group == Group::of(*cause)))
    }

    /// The leader is none of the causes that were asked for.
    pub(super) fn leader_left_out(&self) -> bool {
        let Some(leader) = self.leader else { return false };
        let shown = self.case.snapshot.by_cause.iter().any(|(c, n)| *n > 0 && Group::of(*c) == leader.group);
        !shown && self.left_out().any(|(cause, _)| Group::of(cause) == leader.group)
    }

    /// Drops that are nobody's trouble, and of which no rule speaks.
    pub(super) fn noise(&self) -> Vec<(Cause, u64)> {
        let speaks = self.leader.is_some_and(|leader| is_noise(leader.cause));
        let noise = self.by_cause.iter().map(|(cause, n)| (*cause, *n));
        noise.filter(|(cause, n)| !speaks && is_noise(*cause) && *n > 0).collect()
    }

    /// How well it is known who is behind the source that is known best, times how far a number of its drops carries, which
    /// is no further than `number`; 0 to 1.
    pub(super) fn known(&self, number: f64) -> f64 {
        finding::known(&self.case.snapshot.sources, number)
    }

    /// A sysctl, as a number; `None`: not read, or the kernel has none.
    pub(super) fn sysctl(&self, name: &str) -> Option<i64> {
        let environment = self.case.environment;
        let text = environment.sysctls.get(name).filter(|_| environment.sysctls_read)?;
        text.split_whitespace().next()?.parse().ok()
    }

    /// A sysctl that may be anything: it was not read, or cannot be understood.
    pub(super) fn is_unknown(&self, name: &str) -> bool {
        !self.lacks(name) && self.sysctl(name).is_none()
    }

    /// The server's kernel has no such sysctl.
    pub(super) fn lacks(&self, name: &str) -> bool {
        let environment = self.case.environment;
        // Before 4.11 this one shows in the first namespace alone, and holds in all of them.
        let hidden = name == "net.ipv4.tcp_tw_recycle" && self.older_than((4, 12));
        environment.sysctls_read && !environment.sysctls.contains_key(name) && !hidden
    }

    /// The server's kernel is older than this; `false` where it is not known.
    pub(super) fn older_than(&self, than: (u32, u32)) -> bool {
        let kernel = self.case.environment.kernel.as_deref().map(version);
        kernel.is_some_and(|version| version != (0, 0) && version < than)
    }

    /// The server's kernel is known, and too new for `tcp_tw_recycle`.
    pub(super) fn newer_than_recycle(&self) -> bool {
        let kernel = self.case.environment.kernel.as_deref().map(version);
        kernel.is_some_and(|version| version >= (4, 12))
    }

    /// Causes that could not be seen and would matter.
    pub(super) fn blind(&self) -> impl Iterator<Item = Cause> {
        self.case.blind.iter().copied().filter(|cause| !is_noise(*cause))
    }

    /// Whether counters were read at all.
    pub(super) fn counters_read(&self) -> bool {
        !self.case.environment.counters.is_empty() || !self.case.checks.is_empty()
    }

    /// The counter that moved most beyond what our drops explain.
    pub(super) fn moved(&self) -> Option<(&'static str, u64)> {
        counters::moved(self.case)
    }

    /// ... of those that the timestamp test moves.
    pub(super) fn paws_moved(&self) -> Option<(&'static str, u64)> {
        counters::paws_moved(self.case)
    }

    /// Every counter that tells of drops that were not seen: first of one cause each, then of several.
    pub(super) fn counted(&self) -> (Vec<Unseen>, Vec<Unseen>) {
        (counters::of_one_cause(self.case).collect(), counters::of_more(self.case).collect())
    }

    /// Records and SYNs that are in no total.
    pub(super) fn lost(&self) -> u64 {
        let lost = self.case.lost;
        [lost.uncounted(), lost.decode, lost.slot, lost.read, lost.undecided]
            .into_iter()
            .fold(0, u64::saturating_add)
    }
}

/// Drops by cause, asked for or not.
fn by_cause(case: &Case<'_>) -> BTreeMap<Cause, u64> {
    let snapshot = case.snapshot;
    let known = snapshot.by_cause.values().fold(0, |sum: u64, n| sum.saturating_add(*n));
    // Dropped, and nobody knows why.
    let rest = (Cause::Other, snapshot.drops.saturating_sub(known));
    let shown = snapshot.by_cause.iter().map(|(cause, n)| (*cause, *n));
    let left_out = case.left_out.seen.iter().map(|(cause, n)| (*cause, *n));
    let mut all = BTreeMap::new();
    for (cause, n) in shown.chain(left_out).chain([rest]).filter(|(_, n)| *n > 0) {
        let sum: &mut u64 = all.entry(cause).or_default();
        *sum = sum.saturating_add(n);
    }
    all
}

fn groups(case: &Case<'_>, by_cause: &BTreeMap<Cause, u64>) -> Vec<Leader> {
    let mut groups: Vec<(Leader, u64)> = Vec::new();
    for (cause, n) in by_cause.iter().map(|(cause, n)| (*cause, *n)) {
        let group = Group::of(cause);
        match groups.iter_mut().find(|(leader, _)| leader.group == group) {
            Some((leader, most)) => {
                leader.drops = leader.drops.saturating_add(n);
                if n > *most {
                    (leader.cause, *most) = (cause, n);
                }
            }
            None => groups.push((Leader { group, cause, drops: n }, n)),
        }
    }
    let mut groups: Vec<Leader> = groups.into_iter().map(|(leader, _)| leader).collect();
    // Who asked for them, or has nothing else, is told of them.
    let asked = |cause: &Cause| case.snapshot.by_cause.get(cause).is_some_and(|n| *n > 0);
    let told = |leader: &Leader| asked(&leader.cause) || case.snapshot.accepted == 0;
    let all_noise = groups.iter().all(|leader| is_noise(leader.cause));
    groups.retain(|leader| !is_noise(leader.cause) || all_noise && told(leader));
    groups.sort_by(|a, b| b.drops.cmp(&a.drops).then(a.cause.cmp(&b.cause)));
    groups
}
