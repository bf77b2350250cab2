//! What the rules ask of a case: which cause leads, what the sources' clocks say, what the counters say of the unseen.
//!
//! Decides what belongs together and what counts; no rule, no words.

use super::Case;
use crate::{
    analysis::{kernel::version, snmp::CHECKED},
    model::{
        Cause,
        nat::{Nat, NatVerdict},
        report::Source,
    },
};

/// Share of the drops that one group must have to speak for the incident alone.
const ALONE: f64 = 0.6;

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

/// What the clocks say of the sources that PAWS drops come from, by their weight.
#[derive(Clone, Copy, Debug)]
pub(super) struct Finding<'a> {
    pub(super) verdict: NatVerdict,
    /// The source that shows it best.
    pub(super) source: &'a Source,
    pub(super) nat: &'a Nat,
    /// Sources with this finding.
    pub(super) sources: usize,
    /// PAWS drops of these sources.
    pub(super) paws: u64,
    /// 0 to 1.
    pub(super) confidence: f64,
}

/// Drops that only a counter of the kernel's shows.
#[derive(Clone, Copy, Debug)]
pub(super) struct Unseen {
    pub(super) counter: &'static str,
    /// The one cause that moves it.
    pub(super) cause: Option<Cause>,
    pub(super) drops: u64,
}

/// A case, digested.
#[derive(Clone, Debug)]
pub(super) struct Facts<'a> {
    pub(super) case: &'a Case<'a>,
    /// Groups, most drops first; those that are nobody's trouble only where there is nothing else.
    pub(super) groups: Vec<Leader>,
    pub(super) leader: Option<Leader>,
    /// Drops of all groups.
    pub(super) total: u64,
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

/// A confidence that came from elsewhere; what is no number is none.
pub(super) fn sane(confidence: f64) -> f64 {
    if confidence.is_nan() { 0.0 } else { confidence.clamp(0.0, 1.0) }
}

impl<'a> Facts<'a> {
    pub(super) fn of(case: &'a Case<'a>) -> Self {
        let groups = groups(case);
        let total = groups.iter().fold(0, |sum: u64, group| sum.saturating_add(group.drops));
        Self {
            case,
            leader: groups.first().copied(),
            total,
            groups,
            finding: finding(&case.snapshot.sources),
            unseen: unseen(case),
        }
    }

    /// The same case, looked at as if this group led it alone.
    pub(super) fn led_by(&self, leader: Leader) -> Self {
        Self { leader: Some(leader), groups: vec![leader], total: leader.drops, ..self.clone() }
    }

    /// The leader's cause.
    pub(super) fn cause(&self) -> Option<Cause> {
        self.leader.map(|leader| leader.cause)
    }

    /// The leader's drops.
    pub(super) fn drops(&self) -> u64 {
        self.leader.map_or(0, |leader| leader.drops)
    }

    /// The leader's share of all drops.
    pub(super) fn share(&self) -> f64 {
        ratio(self.drops(), self.total)
    }

    /// No group speaks for all.
    pub(super) fn is_mixed(&self) -> bool {
        self.leader.is_some() && self.share() < ALONE
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
        let snapshot = self.case.snapshot;
        snapshot.wire > 0 && snapshot.wire >= snapshot.drops.saturating_sub(snapshot.wire)
    }

    /// Drops by PAWS, of any group.
    pub(super) fn paws(&self) -> u64 {
        let by_cause = self.case.snapshot.by_cause.iter();
        by_cause.filter(|(cause, _)| cause.is_paws()).fold(0, |sum, (_, n)| sum.saturating_add(*n))
    }

    /// A sysctl that was read, as a number.
    pub(super) fn sysctl(&self, name: &str) -> Option<i64> {
        self.case.environment.sysctls.get(name)?.split_whitespace().next()?.parse().ok()
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

    /// By how much a counter moved more than our drops explain.
    pub(super) fn excess(&self, counter: &str) -> u64 {
        excess(self.case, counter)
    }

    /// The counter that moved most beyond what our drops explain.
    pub(super) fn moved(&self) -> Option<(&'static str, u64)> {
        let moved = CHECKED.into_iter().map(|name| (name, self.excess(name)));
        moved.filter(|(_, n)| *n > 0).max_by_key(|(_, n)| *n)
    }

    /// Records that are in no total.
    pub(super) fn lost(&self) -> u64 {
        let lost = self.case.lost;
        [lost.ring, lost.decode, lost.slot, lost.read].into_iter().fold(0, u64::saturating_add)
    }
}

fn groups(case: &Case<'_>) -> Vec<Leader> {
    let mut groups: Vec<(Leader, u64)> = Vec::new();
    let known = case.snapshot.by_cause.values().fold(0, |sum: u64, n| sum.saturating_add(*n));
    // Dropped, and nobody knows why.
    let rest = (Cause::Other, case.snapshot.drops.saturating_sub(known));
    let all = case.snapshot.by_cause.iter().map(|(cause, n)| (*cause, *n)).chain([rest]);
    for (cause, n) in all.filter(|(_, n)| *n > 0) {
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
    if groups.iter().any(|leader| !is_noise(leader.cause)) {
        groups.retain(|leader| !is_noise(leader.cause));
    }
    groups.sort_by(|a, b| b.drops.cmp(&a.drops).then(a.cause.cmp(&b.cause)));
    groups
}

/// The finding that stands behind most PAWS drops, each weighed with its own confidence.
#[expect(clippy::cast_precision_loss, reason = "a weight, not a count")]
fn finding(sources: &[Source]) -> Option<Finding<'_>> {
    let decided = |nat: &&Nat| !matches!(nat.verdict, NatVerdict::Undecidable | NatVerdict::NoTimestamps);
    let mut found: Vec<(f64, f64, Finding<'_>)> = Vec::new();
    for source in sources.iter().filter(|source| source.paws > 0) {
        let Some(nat) = source.nat.as_ref().filter(decided) else { continue };
        let weight = sane(nat.confidence) * source.paws as f64;
        let confidence = sane(nat.confidence) * saturate(source.paws);
        let known = found.iter_mut().find(|(.., finding)| finding.verdict == nat.verdict);
        if let Some((sum, best, finding)) = known {
            *sum += weight;
            finding.sources += 1;
            finding.paws = finding.paws.saturating_add(source.paws);
            finding.confidence = finding.confidence.max(confidence);
            if weight > *best {
                (finding.source, finding.nat, *best) = (source, nat, weight);
            }
        } else {
            let (verdict, sources, paws) = (nat.verdict, 1, source.paws);
            found.push((weight, weight, Finding { verdict, source, nat, sources, paws, confidence }));
        }
    }
    // Of two with the same weight the one in the order of the contract.
    found.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.2.verdict.cmp(&b.2.verdict)));
    found.into_iter().map(|(.., finding)| finding).next()
}

/// Counters that one cause moves.
const OF_ONE_CAUSE: [(&str, Cause); 3] = [
    ("TcpExtListenOverflows", Cause::AcceptQueueFull),
    ("TcpExtTCPReqQFullDrop", Cause::SynQueueFull),
    ("TcpExtPAWSPassive", Cause::PawsRecycle),
];

/// Counters that more than one cause moves, or more than SYNs.
const OF_MORE: [(&str, &[Cause]); 3] = [
    ("TcpExtListenDrops", &[Cause::PeerNotProven, Cause::ListenOther]),
    ("TcpExtPAWSTimewait", &[Cause::PawsTimeWait]),
    ("TcpExtPAWSEstab", &[Cause::PawsTimeWait, Cause::PawsSynRecv, Cause::PawsEstablished]),
];

fn excess(case: &Case<'_>, counter: &str) -> u64 {
    let none = case.snapshot.drops == 0 && case.snapshot.by_cause.values().all(|n| *n == 0);
    match case.checks.iter().find(|check| check.name == counter) {
        // Drops that `--cause` leaves out explain a counter to whoever compares the two, and not to who sees none.
        Some(check) if none => check.kernel,
        Some(check) => check.kernel.saturating_sub(check.ours),
        None => case.environment.counters.get(counter).copied().unwrap_or(0),
    }
}

/// The largest movement of a counter whose causes are invisible; where there is none that tells the cause, one that
/// tells of several.
fn unseen(case: &Case<'_>) -> Option<Unseen> {
    let one = OF_ONE_CAUSE
        .iter()
        .filter(|(_, cause)| case.blind.contains(cause))
        .map(|(counter, cause)| Unseen { counter, cause: Some(*cause), drops: excess(case, counter) })
        .filter(|unseen| unseen.drops > 0)
        .max_by_key(|unseen| unseen.drops);
    let more = || {
        OF_MORE
            .iter()
            .filter(|(_, causes)| causes.iter().any(|cause| case.blind.contains(cause)))
            .map(|(counter, _)| Unseen { counter, cause: None, drops: excess(case, counter) })
            .find(|unseen| unseen.drops > 0)
    };
    one.or_else(more)
}
