//! What speaks against a verdict, or is not known: one sentence each, and only where it applies.

use super::{count, names, support::telling};
use crate::{
    analysis::verdict::{
        confidence::counters_of,
        facts::{Facts, sure},
    },
    model::{Cause, nat::NatVerdict},
};

pub(in crate::analysis::verdict) fn wire(facts: &Facts<'_>) -> Option<String> {
    let snapshot = facts.case.snapshot;
    (snapshot.wire > 0).then(|| {
        format!(
            "{} known from packets alone: the kernel was not asked.",
            count(snapshot.wire, "drop is", "drops are")
        )
    })
}

pub(in crate::analysis::verdict) fn few(facts: &Facts<'_>) -> Option<String> {
    match facts.drops() {
        1 => Some("It is a single drop.".into()),
        2 => Some("There are only two such drops.".into()),
        _ => None,
    }
}

pub(in crate::analysis::verdict) fn others(facts: &Facts<'_>) -> Option<String> {
    let leader = facts.leader?;
    let others: Vec<_> = facts.groups.iter().filter(|other| other.group != leader.group).collect();
    let n = others.iter().fold(0u64, |sum, other| sum.saturating_add(other.drops));
    (n > 0).then(|| {
        format!(
            "{}: {}.",
            count(n, "drop is another's", "drops have other causes"),
            names(others.iter().map(|o| o.cause))
        )
    })
}

/// Drops that are nobody's trouble.
pub(in crate::analysis::verdict) fn noise(facts: &Facts<'_>) -> Option<String> {
    let parts: Vec<_> = facts.noise().into_iter().map(|(cause, n)| format!("{n} {cause}")).collect();
    (!parts.is_empty()).then(|| format!("Not counted in: {}.", parts.join(", ")))
}

/// Drops that nobody asked for, and that count all the same.
pub(in crate::analysis::verdict) fn left_out(facts: &Facts<'_>) -> Option<String> {
    let parts: Vec<_> = facts.left_out().map(|(cause, n)| format!("{n} {cause}")).collect();
    (!parts.is_empty())
        .then(|| format!("Counted in here, though --cause leaves them out: {}.", parts.join(", ")))
}

/// Causes that were not even looked at.
pub(in crate::analysis::verdict) fn not_looked_at(facts: &Facts<'_>) -> Option<String> {
    let causes = names(facts.case.left_out.not_looked_at.iter().copied());
    (!causes.is_empty()).then(|| format!("Not looked at, as --cause leaves it out: {causes}."))
}

/// Where the kernel's counter does not say the same.
pub(in crate::analysis::verdict) fn differs(facts: &Facts<'_>) -> Option<String> {
    let names = counters_of(facts.cause()?);
    if names.is_empty() {
        return None;
    }
    if !facts.counters_read() {
        return Some("The kernel's counters were not read.".into());
    }
    let check = facts.case.checks.iter().find(|c| names.contains(&c.name.as_str()) && c.kernel != c.ours)?;
    Some(match &check.remark {
        Some(remark) => format!("{}: {}.", check.name, remark.trim_end_matches('.')),
        None => format!("{} moved by {}, and {} drops here move it.", check.name, check.kernel, check.ours),
    })
}

pub(in crate::analysis::verdict) fn unseen(facts: &Facts<'_>) -> Option<String> {
    let unseen = facts.unseen?;
    let filter = if facts.case.filtered { ", or by what the filter leaves out" } else { "" };
    Some(format!(
        "{} moved by {} more, by what this hook set does not see{filter}.",
        unseen.counter, unseen.drops
    ))
}

pub(in crate::analysis::verdict) fn blind(facts: &Facts<'_>) -> Option<String> {
    let blind = names(facts.blind());
    (!blind.is_empty()).then(|| format!("Could not have been seen: {blind}."))
}

pub(in crate::analysis::verdict) fn lost(facts: &Facts<'_>) -> Option<String> {
    match facts.lost() {
        0 => None,
        n => Some(format!("{}.", missed(facts, n))),
    }
}

/// What is in no total, and why.
pub(super) fn missed(facts: &Facts<'_>, n: u64) -> String {
    if facts.case.lost.undecided == n {
        return format!("{} undecided", count(n, "SYN is", "SYNs are"));
    }
    format!("{} lost on the way", count(n, "record was", "records were"))
}

/// Settings of the server that would be part of the story, and may be anything.
pub(in crate::analysis::verdict) fn unknown_settings(facts: &Facts<'_>) -> Option<String> {
    let gone = |name: &str| facts.newer_than_recycle() && name == "net.ipv4.tcp_tw_recycle";
    let names = telling(facts.cause()?).iter().map(|(name, _)| *name);
    let unknown: Vec<_> = names.filter(|name| facts.is_unknown(name) && !gone(name)).collect();
    (!unknown.is_empty())
        .then(|| format!("Settings of the server that are not known: {}.", unknown.join(", ")))
}

/// What was read contradicts the rule.
pub(in crate::analysis::verdict) fn contradiction(facts: &Facts<'_>) -> Option<String> {
    let is = |name: &str, value: i64| facts.sysctl(name) == Some(value);
    let words = match facts.cause()? {
        Cause::PawsRecycle if is("net.ipv4.tcp_tw_recycle", 0) => "net.ipv4.tcp_tw_recycle is 0 by now",
        Cause::PawsRecycle if facts.newer_than_recycle() || facts.lacks("net.ipv4.tcp_tw_recycle") => {
            "this kernel has no tcp_tw_recycle any more"
        }
        Cause::SynQueueFull | Cause::PeerNotProven
            if facts.sysctl("net.ipv4.tcp_syncookies").is_some_and(|n| n > 0) =>
        {
            "net.ipv4.tcp_syncookies is on by now"
        }
        cause if cause.is_paws() && is("net.ipv4.tcp_timestamps", 0) => {
            "net.ipv4.tcp_timestamps is 0 on the server by now"
        }
        _ => return None,
    };
    Some(format!("It does not fit that {words}."))
}

/// Sources of PAWS drops whose clocks say something else, or nothing that is sure.
pub(in crate::analysis::verdict) fn clocks(facts: &Facts<'_>) -> Option<String> {
    let sources = facts.case.snapshot.sources.iter().filter(|source| source.paws > 0);
    let (mut single, mut none, mut open, mut other) = (0u64, 0u64, 0u64, 0u64);
    for source in sources {
        let says = source.nat.as_ref().map(|nat| nat.verdict);
        match sure(source).map(|nat| nat.verdict) {
            Some(NatVerdict::SingleHost) => single += 1,
            Some(verdict) if facts.found(verdict) => {}
            Some(_) => other += 1,
            None if says == Some(NatVerdict::NoTimestamps) => none += 1,
            None => open += 1,
        }
    }
    let parts = [
        (single, "shows one clock", "show one clock each"),
        (none, "sends no timestamps", "send no timestamps"),
        (open, "showed too little to tell", "showed too little to tell"),
        // Without a finding that speaks for most drops.
        (if facts.finding.is_none() { other } else { 0 }, "explains some of them", "explain some of them"),
        (if facts.finding.is_some() { other } else { 0 }, "tells another story", "tell another story"),
    ];
    let parts: Vec<_> = parts
        .iter()
        .filter(|(n, ..)| *n > 0)
        .map(|(n, one, more)| count(*n, &format!("source {one}"), &format!("sources {more}")))
        .collect();
    (!parts.is_empty()).then(|| {
        let mut words = parts.join(", ");
        if let Some(first) = words.get_mut(..1) {
            first.make_ascii_uppercase();
        }
        format!("{words}.")
    })
}

pub(in crate::analysis::verdict) fn not_seen(facts: &Facts<'_>) -> Option<String> {
    facts.unseen.map(|_| "None of these drops was seen, so neither port nor client is known.".into())
}

pub(in crate::analysis::verdict) fn counter_counts(facts: &Facts<'_>) -> Option<String> {
    match facts.unseen?.counter {
        "TcpExtListenOverflows" => Some("It counts final ACKs of handshakes that found no room, too.".into()),
        "TcpExtListenDrops" => Some(
            "It counts final ACKs that found no room, too, and every other refusal of a listener.".into(),
        ),
        "TcpExtPAWSEstab" => Some("It counts data segments, too.".into()),
        "TcpExtPAWSTimewait" => Some("It counts every late segment of a closed connection, too.".into()),
        _ => None,
    }
}

/// Drops that were seen, beside those that a counter tells of.
pub(in crate::analysis::verdict) fn others_seen(facts: &Facts<'_>) -> Option<String> {
    let seen = names(facts.groups.iter().map(|leader| leader.cause));
    (!seen.is_empty()).then(|| {
        format!(
            "{} seen: {seen}.",
            count(facts.total, "drop of another cause was", "drops of other causes were")
        )
    })
}

pub(in crate::analysis::verdict) fn counter_moved(facts: &Facts<'_>) -> Option<String> {
    let (counter, n) = facts.moved()?;
    let check = facts.case.checks.iter().find(|check| check.name == counter);
    Some(match check.and_then(|check| check.remark.as_deref()) {
        Some(remark) => format!("{counter}: {}.", remark.trim_end_matches('.')),
        None => format!("{counter} moved by {n}."),
    })
}

pub(in crate::analysis::verdict) fn counters_unread(facts: &Facts<'_>) -> Option<String> {
    (!facts.counters_read()).then(|| "The kernel's counters were not read.".into())
}
