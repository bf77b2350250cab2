//! How sure a verdict is, and which part of the evidence is sure enough to speak for the incident alone.
//!
//! Evidence comes in parts: the drops of each group that were seen, and each counter that tells of drops that were not.
//! Each part has a strength, a product of factors none of which less evidence raises: what is unknown weighs as little as
//! the worst that it could be. A verdict is as sure as its strongest part, whichever rule speaks; so no drop, counter,
//! reading or setting that is taken away can make the number rise by letting another rule speak. How the drops are shared
//! between causes is no doubt but a fact, and the words of the verdict tell it.
//!
//! It is a degree, not a frequency: nobody has a collection of incidents with known causes to measure it on.

use super::{
    facts::{Facts, Group, Leader, ratio, saturate},
    rules::{Rests, Rule, rule_of},
};
use crate::model::Cause;

/// Packets alone tell that no SYN/ACK was seen, not that none was sent, nor why.
const WIRE: f64 = 0.6;
/// A counter of one cause, whose drops cannot be seen: it may have been moved by something else.
const COUNTED: f64 = 0.8;
/// A counter of several causes.
const HINTED: f64 = 0.5;
/// Under a filter any counter may have moved for SYNs that are not ours.
const FILTERED: f64 = 0.25;

/// Share of the drops that one part must have to speak for the incident alone.
const ALONE: f64 = 0.6;
/// ... where another part is surer of itself than one that rests on a counter, or has no explanation.
const NEARLY_ALL: f64 = 0.9;
/// Weight of a rule that explains what it speaks of.
const EXPLAINS: f64 = 0.8;

/// Who speaks for the incident.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Voice {
    /// Nobody dropped anything.
    None,
    /// The group that leads.
    Leader,
    /// A counter of this cause.
    Counter(Cause),
    /// No part alone.
    Mixed,
}

/// Works out who speaks.
pub(super) fn voice(facts: &Facts<'_>) -> Voice {
    let counted = facts.unseen.and_then(|unseen| Some((unseen.cause?, unseen.drops)));
    let all = facts.total.saturating_add(counted.map_or(0, |(_, n)| n));
    let alone = |drops: u64, own: f64, explains: bool| {
        let share = ratio(drops, all);
        share >= ALONE && (explains || share >= NEARLY_ALL || own >= strongest(facts))
    };
    match (facts.leader, counted) {
        (leader, Some((cause, n))) if n > leader.map_or(0, |leader| leader.drops) => {
            if alone(n, COUNTED * saturate(n), false) { Voice::Counter(cause) } else { Voice::Mixed }
        }
        (Some(leader), _) => {
            let explains = rule_of(&facts.led_by(leader)).is_some_and(|rule| rule.weight > EXPLAINS);
            if alone(leader.drops, strength(facts, leader), explains) { Voice::Leader } else { Voice::Mixed }
        }
        // A counter that moved by nothing is none.
        (None, _) => Voice::None,
    }
}

/// Confidence that a rule is right, 0 to 1.
pub(super) fn confidence(rule: &Rule, facts: &Facts<'_>) -> f64 {
    let seen = match rule.rests {
        Rests::Leader | Rests::All | Rests::Counter => strongest(facts),
        Rests::Answers => rule.weight * saturate(facts.case.snapshot.accepted) * quiet(facts),
    };
    let all = seen * losses(facts) * sight(facts);
    if all.is_nan() { 0.0 } else { all.clamp(0.0, 1.0) }
}

/// The strength of the strongest part.
fn strongest(facts: &Facts<'_>) -> f64 {
    let groups = facts.groups.iter().map(|group| strength(facts, *group));
    let (one, more) = facts.counted();
    let of = |weight: f64, drops: u64| {
        if facts.case.filtered { FILTERED * saturate(drops) } else { weight * saturate(drops) }
    };
    let one = one.iter().map(|unseen| of(COUNTED, unseen.drops));
    let more = more.iter().map(|unseen| of(HINTED, unseen.drops));
    // Beside drops that were seen, counters that tell of anything tell nothing.
    let seen = facts.total > 0;
    let one = one.filter(|_| !(seen && facts.case.filtered));
    let more = more.filter(|_| !seen);
    groups.chain(one).chain(more).fold(0.0, f64::max)
}

/// How strongly a group speaks for itself: by its strongest cause, so that it makes no difference which one leads it.
fn strength(facts: &Facts<'_>, group: Leader) -> f64 {
    let causes = facts.by_cause.iter().filter(|(cause, _)| Group::of(**cause) == group.group);
    let each = causes.filter_map(|(cause, n)| {
        // This one has rules of its own, which must not speak for the rest of the group.
        let drops = if *cause == Cause::PawsRecycle { *n } else { group.drops };
        let alone = facts.led_by(Leader { cause: *cause, drops, ..group });
        let rule = rule_of(&alone)?;
        // The number counts once: of all drops where nobody knows who is behind them, of a source's own where one does.
        let number = number(facts, drops);
        let clocks = if rule.finding > 0.0 { facts.known(number) } else { 0.0 };
        Some(rule.weight * counters(facts, *cause) * clocks.max((1.0 - rule.finding) * number))
    });
    each.fold(0.0, f64::max)
}

/// One drop may be anything; many of one kind are an incident. Those that the kernel vouches for count in full.
fn number(facts: &Facts<'_>, drops: u64) -> f64 {
    let vouched = drops.saturating_sub(facts.case.snapshot.wire);
    saturate(vouched).max(WIRE * saturate(drops))
}

/// Counters that a cause moves, on some kernel.
pub(super) const fn counters_of(cause: Cause) -> &'static [&'static str] {
    match cause {
        Cause::PawsRecycle => &["TcpExtPAWSPassive"],
        Cause::PawsTimeWait => &["TcpExtPAWSTimewait", "TcpExtPAWSEstab"],
        Cause::PawsSynRecv => &["TcpExtPAWSEstab"],
        Cause::PawsEstablished => &["TcpExtPAWSEstab", "TcpExtTCPSYNChallenge"],
        Cause::SynOnEstablished => &["TcpExtTCPSYNChallenge"],
        Cause::AcceptQueueFull => &["TcpExtListenOverflows"],
        Cause::SynQueueFull => &["TcpExtTCPReqQFullDrop"],
        Cause::PeerNotProven | Cause::ListenOther => &["TcpExtListenDrops"],
        _ => &[],
    }
}

/// Whether the kernel's own counter says the same. One that counted more says it, too; without one, or where we saw more
/// than it counted, nobody vouches.
fn counters(facts: &Facts<'_>, cause: Cause) -> f64 {
    let names = counters_of(cause);
    let checks = facts.case.checks.iter().filter(|check| names.contains(&check.name.as_str()));
    let weights = checks.filter(|check| check.kernel > 0).map(|check| match check.kernel.cmp(&check.ours) {
        std::cmp::Ordering::Equal => 1.0,
        std::cmp::Ordering::Greater => 0.95,
        std::cmp::Ordering::Less => 0.9,
    });
    weights.fold(0.9, f64::max)
}

/// Nothing dropped, says the kernel, too.
fn quiet(facts: &Facts<'_>) -> f64 {
    if !facts.counters_read() {
        0.6
    } else if facts.moved().is_some() {
        0.7
    } else {
        1.0
    }
}

/// What was lost may have been anything, half of the time.
#[expect(clippy::cast_precision_loss, reason = "a share, not a count")]
fn losses(facts: &Facts<'_>) -> f64 {
    let seen = if facts.total > 0 { facts.total } else { facts.case.snapshot.accepted } as f64 + 1.0;
    0.5 + 0.5 * seen / (seen + facts.lost() as f64)
}

/// Causes that could not be seen: the counters would tell of most of them.
fn sight(facts: &Facts<'_>) -> f64 {
    match (facts.blind().next(), facts.counters_read()) {
        (None, _) => 1.0,
        (Some(_), true) => 0.9,
        (Some(_), false) => 0.8,
    }
}
