//! What speaks for a verdict: one sentence each, and only where it applies.

use super::{count, plain};
use crate::{
    analysis::verdict::{
        confidence::counters_of,
        facts::{Facts, Finding, Group},
    },
    model::{Cause, nat::NatVerdict},
};

/// Sentences of one source's evidence that are handed on.
const EVIDENCE: usize = 3;
/// Reasons of the kernel's that are told.
const REASONS: usize = 5;

/// "12 ms", "0.8 s", "134.3 s".
fn seconds(ms: u64) -> String {
    if ms < 100 { format!("{ms} ms") } else { format!("{}.{} s", ms / 1000, ms % 1000 / 100) }
}

pub(in crate::analysis::verdict) fn share(facts: &Facts<'_>) -> Option<String> {
    let leader = facts.leader?;
    let all = facts.by_cause.iter().filter(|(cause, _)| Group::of(**cause) == leader.group);
    let parts: Vec<_> = all.map(|(cause, n)| format!("{n} {cause}")).collect();
    let parts = parts.join(", ");
    Some(if leader.drops == facts.total {
        format!("Every drop that counts: {parts}.")
    } else {
        format!("{} of {} drops: {parts}.", leader.drops, facts.total)
    })
}

pub(in crate::analysis::verdict) fn each(facts: &Facts<'_>) -> Option<String> {
    facts.leader?;
    let parts: Vec<_> =
        facts.groups.iter().map(|leader| format!("{} {}", leader.drops, leader.cause)).collect();
    Some(format!("{}: {}.", count(facts.total, "drop was seen", "drops were seen"), parts.join(", ")))
}

/// The kernel's own counter moved by as much.
pub(in crate::analysis::verdict) fn agrees(facts: &Facts<'_>) -> Option<String> {
    let names = counters_of(facts.cause()?);
    let check = facts
        .case
        .checks
        .iter()
        .find(|c| names.contains(&c.name.as_str()) && c.kernel == c.ours && c.kernel > 0)?;
    Some(format!("The kernel's own {} moved by just as much.", check.name))
}

/// What the clocks of the leading source say.
pub(in crate::analysis::verdict) fn evidence(facts: &Facts<'_>) -> Option<String> {
    let finding = facts.finding.filter(|finding| finding.verdict != NatVerdict::SingleHost)?;
    let words = finding.nat.evidence.iter().take(EVIDENCE).map(|words| words.trim().trim_end_matches('.'));
    let words: Vec<_> = words.filter(|words| !words.is_empty()).collect();
    if words.is_empty() {
        return None;
    }
    Some(format!("{} is {}: {}.", finding.source.src, finding.verdict, words.join("; ")))
}

/// How many more sources look the same.
pub(in crate::analysis::verdict) fn more_evidence(facts: &Facts<'_>) -> Option<String> {
    let tells = |finding: &Finding<'_>| finding.sources > 1 && finding.verdict != NatVerdict::SingleHost;
    let finding = facts.finding.filter(tells)?;
    Some(format!(
        "{} sources look like that ({}), with {} of {} PAWS drops.",
        finding.sources,
        finding.verdict,
        finding.paws,
        facts.paws.max(finding.paws)
    ))
}

pub(in crate::analysis::verdict) fn port_jumps(facts: &Facts<'_>) -> Option<String> {
    let sources =
        facts.case.snapshot.sources.iter().filter_map(|source| Some((source, source.nat.as_ref()?)));
    let (source, nat) =
        sources.filter(|(_, nat)| nat.port_jumps > 0).max_by_key(|(_, nat)| nat.port_jumps)?;
    Some(format!(
        "A port of {} jumped from one clock to another, {}: something on the way translates addresses or ports, for certain.",
        source.src,
        if nat.port_jumps == 1 { "once".into() } else { format!("{} times", nat.port_jumps) }
    ))
}

/// How full the queue was.
pub(in crate::analysis::verdict) fn queue(facts: &Facts<'_>) -> Option<String> {
    let cause = facts.cause()?;
    let (first, drops) = facts.full().into_iter().next()?;
    let (of, share) = if facts.has_several_listeners() {
        (format!(" of {first}"), format!("; {drops} of {} drops are its", facts.by_cause.get(&cause)?))
    } else {
        (String::new(), String::new())
    };
    match cause {
        Cause::AcceptQueueFull => {
            let (len, max) = first.accept_queue?;
            Some(format!("The accept queue{of} held {len}, and its limit is {max}{share}."))
        }
        Cause::SynQueueFull | Cause::PeerNotProven => {
            let (len, max) = first.syn_queue?;
            let beside = first.beside_syn_queue.filter(|_| facts.is(Cause::SynQueueFull));
            Some(match beside {
                Some((accept, limit)) => format!(
                    "The SYN queue{of} held {len}, and the listener's backlog, its limit, is {limit} (tcp_max_syn_backlog is \
                     {max}; the accept queue held {accept}){share}."
                ),
                None => format!("The SYN queue{of} held {len}; tcp_max_syn_backlog is {max}{share}."),
            })
        }
        _ => None,
    }
}

/// What the kernel called what has no cause of its own.
pub(in crate::analysis::verdict) fn reasons(facts: &Facts<'_>) -> Option<String> {
    let reasons =
        facts.cause().filter(|cause| *cause == Cause::Other).map(|_| &facts.case.snapshot.reasons)?;
    let mut parts: Vec<_> =
        reasons.named.iter().take(REASONS).map(|(name, n)| format!("{n} {}", plain(name))).collect();
    if parts.is_empty() {
        return None;
    }
    let named = reasons.named.iter().skip(REASONS).fold(reasons.beyond, |sum, (_, n)| sum.saturating_add(*n));
    parts.extend((named > 0).then(|| format!("{named} of others")));
    parts.extend((reasons.none > 0).then(|| format!("{} without one", reasons.none)));
    Some(format!("The kernel's reasons: {}.", parts.join(", ")))
}

/// Settings of the server that are part of the story.
pub(in crate::analysis::verdict) fn settings(facts: &Facts<'_>) -> Option<String> {
    settings_of(facts, facts.cause()?)
}

pub(in crate::analysis::verdict) fn unseen_settings(facts: &Facts<'_>) -> Option<String> {
    settings_of(facts, facts.unseen?.cause?)
}

/// A sysctl, and the values that say something.
type Telling = (&'static str, fn(i64) -> bool);

/// Sysctls that have a say where this is the cause.
pub(super) fn telling(cause: Cause) -> &'static [Telling] {
    match cause {
        cause if cause.is_paws() => &[
            ("net.ipv4.tcp_tw_recycle", |n| n != 0),
            ("net.ipv4.tcp_rfc1337", |n| n != 0),
            ("net.ipv4.tcp_invalid_ratelimit", |n| n > 500),
        ],
        Cause::OldSequence => &[
            ("net.ipv4.tcp_timestamps", |n| n == 0),
            ("net.ipv4.tcp_rfc1337", |n| n != 0),
            ("net.ipv4.tcp_invalid_ratelimit", |n| n > 500),
        ],
        Cause::AcceptQueueFull => {
            &[("net.core.somaxconn", |_| true), ("net.ipv4.tcp_abort_on_overflow", |n| n != 0)]
        }
        Cause::SynQueueFull => &[
            ("net.ipv4.tcp_syncookies", |n| n == 0),
            ("net.core.somaxconn", |_| true),
            ("net.ipv4.tcp_max_syn_backlog", |_| true),
        ],
        Cause::PeerNotProven => {
            &[("net.ipv4.tcp_syncookies", |n| n == 0), ("net.ipv4.tcp_max_syn_backlog", |_| true)]
        }
        _ => &[],
    }
}

fn settings_of(facts: &Facts<'_>, cause: Cause) -> Option<String> {
    let read = telling(cause)
        .iter()
        .filter_map(|(name, tells)| Some((name, facts.sysctl(name).filter(|n| tells(*n))?)));
    let words: Vec<_> = read.map(|(name, value)| format!("{name} is {value}")).collect();
    (!words.is_empty()).then(|| format!("{}.", words.join("; ")))
}

pub(in crate::analysis::verdict) fn got_in(facts: &Facts<'_>) -> Option<String> {
    let retries = facts.case.snapshot.retries;
    if retries.refused == 0 {
        return None;
    }
    Some(match retries.got_in {
        0 => {
            format!("Of {} none got in so far.", count(retries.refused, "refused client", "refused clients"))
        }
        n => format!(
            "{n} of {} got in later, the slowest after {}.",
            count(retries.refused, "refused client", "refused clients"),
            seconds(retries.longest_ms)
        ),
    })
}

pub(in crate::analysis::verdict) fn answered(facts: &Facts<'_>) -> Option<String> {
    match facts.case.snapshot.accepted {
        0 => None,
        1 => Some("One SYN was answered.".into()),
        n => Some(format!("{n} SYNs were answered.")),
    }
}

pub(in crate::analysis::verdict) fn counters_quiet(facts: &Facts<'_>) -> Option<String> {
    let quiet = facts.counters_read() && facts.moved().is_none();
    quiet.then(|| "None of the kernel's counters of dropped SYNs moved.".into())
}

pub(in crate::analysis::verdict) fn counter(facts: &Facts<'_>) -> Option<String> {
    let unseen = facts.unseen?;
    Some(format!("The kernel's {} moved by {} that no drop here explains.", unseen.counter, unseen.drops))
}

#[cfg(test)]
mod tests {
    use super::seconds;

    #[test]
    fn short_times_are_no_zero() {
        assert_eq!([9, 99, 100, 2049].map(seconds), ["9 ms", "99 ms", "0.1 s", "2.0 s"]);
    }
}
