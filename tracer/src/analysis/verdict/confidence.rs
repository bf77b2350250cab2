//! How sure a verdict is.
//!
//! A product of factors, none of which less evidence raises: what is unknown weighs as little as the worst that it could
//! be. It is a degree, not a frequency: nobody has a collection of incidents with known causes to measure it on.

use super::{
    facts::{Facts, saturate},
    rules::{Rests, Rule},
};
use crate::model::Cause;

/// Packets alone tell that no SYN/ACK was seen, not that none was sent, nor why.
const WIRE: f64 = 0.6;

/// Confidence that a rule is right, 0 to 1.
pub(super) fn confidence(rule: &Rule, facts: &Facts<'_>) -> f64 {
    let seen = match rule.rests {
        Rests::Leader => number(facts) * facts.share() * counters(facts),
        Rests::All => saturate(facts.total),
        Rests::Counter => saturate(facts.unseen.map_or(0, |unseen| unseen.drops)),
        Rests::Answers => saturate(facts.case.snapshot.accepted) * quiet(facts),
    };
    let finding = facts.finding.map_or(0.0, |finding| finding.confidence);
    let of_finding = 1.0 - rule.finding * (1.0 - if rule.finds { finding } else { 0.0 });
    let all = rule.weight * seen * of_finding * losses(facts) * sight(facts);
    if all.is_nan() { 0.0 } else { all.clamp(0.0, 1.0) }
}

/// One drop may be anything; many of one kind are an incident. Those that the kernel vouches for count in full.
fn number(facts: &Facts<'_>) -> f64 {
    let vouched = facts.drops().saturating_sub(facts.case.snapshot.wire);
    saturate(vouched).max(WIRE * saturate(facts.drops()))
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
fn counters(facts: &Facts<'_>) -> f64 {
    let names = facts.cause().map_or(&[][..], counters_of);
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
    let snapshot = facts.case.snapshot;
    let seen = if facts.total > 0 { snapshot.drops } else { snapshot.accepted } as f64 + 1.0;
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
