//! The verdict on the whole incident: what is to blame, how sure that is, what speaks for and against it, what ends it.
//!
//! Rules are data ([`RULES`](rules::RULES)): the first whose condition holds speaks. Knows nothing of single SYNs, of how
//! clocks are found, or of how a verdict looks. What was not read is unknown, never a default.

mod confidence;
mod facts;
mod remedies;
mod rules;
mod texts;

use std::collections::BTreeMap;

use crate::model::{
    Cause,
    environment::Environment,
    report::{CounterCheck, LeftOut, Lost, Snapshot},
    verdict::{Remedy, Verdict},
};

use facts::Facts;
use rules::{RULES, Rule};

/// Sysctls that rules and remedies ask for.
pub const SYSCTLS: [&str; 11] = [
    "net.ipv4.tcp_tw_recycle",
    "net.ipv4.tcp_timestamps",
    "net.ipv4.tcp_tw_reuse",
    "net.ipv4.tcp_rfc1337",
    "net.ipv4.tcp_max_tw_buckets",
    "net.ipv4.tcp_syncookies",
    "net.ipv4.tcp_max_syn_backlog",
    "net.ipv4.tcp_invalid_ratelimit",
    "net.ipv4.tcp_abort_on_overflow",
    "net.core.somaxconn",
    "net.netfilter.nf_conntrack_tcp_timeout_time_wait",
];

/// Everything that a verdict rests on.
#[derive(Clone, Copy, Debug)]
pub struct Case<'a> {
    /// What was observed.
    pub snapshot: &'a Snapshot,
    /// The machine that dropped the SYNs.
    pub environment: &'a Environment,
    /// The kernel's own counters beside ours.
    pub checks: &'a [CounterCheck],
    /// Causes that could not be seen.
    pub blind: &'a [Cause],
    /// What was lost on the way.
    pub lost: Lost,
    /// What nobody asked for. `snapshot.wire` counts those of them that are known from packets alone, too.
    pub left_out: &'a LeftOut,
    /// A filter keeps SYNs from us that the kernel's counters count.
    pub filtered: bool,
}

/// Judges a case. `None` only when nothing at all was observed: no SYN, no movement of a counter, nothing lost.
pub fn judge(case: &Case<'_>) -> Option<Verdict> {
    let facts = Facts::of(case);
    spoken(&facts).map(|rule| rule.speak(&facts))
}

/// The names of all rules, in the order in which they are asked.
pub fn rules() -> impl Iterator<Item = &'static str> {
    RULES.iter().map(|rule| rule.name)
}

/// The name of the rule that speaks, where one does.
pub fn speaker(case: &Case<'_>) -> Option<&'static str> {
    spoken(&Facts::of(case)).map(|rule| rule.name)
}

/// What the verdict advises where drops of one cause are all there is, on such a machine.
pub fn remedies(of: Cause, environment: &Environment) -> Vec<Remedy> {
    let snapshot = Snapshot { drops: 1, by_cause: BTreeMap::from([(of, 1)]), ..Snapshot::default() };
    let case = Case {
        snapshot: &snapshot,
        environment,
        checks: &[],
        blind: &[],
        lost: Lost::default(),
        left_out: &LeftOut::default(),
        filtered: false,
    };
    let facts = Facts::of(&case);
    spoken(&facts).map(|rule| rule.advise(&facts)).unwrap_or_default()
}

/// The rule that speaks.
fn spoken(facts: &Facts<'_>) -> Option<&'static Rule> {
    RULES.iter().find(|rule| (rule.applies)(facts))
}

#[cfg(test)]
mod tests;
