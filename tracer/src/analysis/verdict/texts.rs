//! What the rules say. At most two short sentences, for someone who has been up all night; each says what happens and
//! whether timestamps are to blame.

mod doubts;
mod support;
mod timestamps;

pub(super) use doubts::*;
pub(super) use support::*;
pub(super) use timestamps::*;

use std::cmp::Reverse;

use super::facts::{Facts, Finding};
use crate::model::Cause;

fn names(causes: impl IntoIterator<Item = Cause>) -> String {
    causes.into_iter().map(Cause::name).collect::<Vec<_>>().join(", ")
}

/// "one drop", "7 drops".
fn count(n: u64, one: &str, more: &str) -> String {
    if n == 1 { format!("one {one}") } else { format!("{n} {more}") }
}

/// "is" for what the kernel vouches for, "is consistent with" for packets alone.
fn consistent(facts: &Facts<'_>, sure: &str, wire: &str) -> String {
    if facts.is_wire() { wire.to_owned() } else { sure.to_owned() }
}

/// Drops that nobody asked for, where they are what the verdict is about.
pub(in crate::analysis::verdict) fn not_asked_for(facts: &Facts<'_>) -> Option<String> {
    let n = facts.left_out().fold(0, |sum: u64, (_, n)| sum.saturating_add(n));
    let others = if facts.case.snapshot.drops > 0 { "other SYN" } else { "SYN" };
    let (one, more) = (format!("{others} was"), format!("{others}s were"));
    facts.leader_left_out().then(|| format!("{} dropped that --cause leaves out.", count(n, &one, &more)))
}

/// The other half of the question that everybody asks. It clears the timestamps only where the kernel's counters say the
/// same, and nothing was lost.
fn timestamps(facts: &Facts<'_>) -> String {
    if facts.paws > 0 {
        return format!("The timestamps are to blame for {} more, not for these.", facts.paws);
    }
    if facts.blind().any(Cause::is_paws) {
        return "Whether timestamps are to blame as well cannot be seen here.".into();
    }
    if let Some((counter, n)) = facts.paws_moved() {
        return format!(
            "Whether timestamps are to blame as well is open: {counter} moved by {n} more than was seen."
        );
    }
    if facts.lost() > 0 || !facts.counters_read() {
        return "No drop that was seen had to do with timestamps.".into();
    }
    "The timestamps are not to blame.".into()
}

/// The same beside drops that only a counter shows.
fn timestamps_then(facts: &Facts<'_>) -> String {
    match timestamps(facts).as_str() {
        "The timestamps are not to blame." => "If so, the timestamps are not to blame.".into(),
        words => words.into(),
    }
}

pub(in crate::analysis::verdict) fn out_of_window(facts: &Facts<'_>) -> String {
    format!(
        "A second SYN came on a port whose handshake is still open, and does not belong to it. {}",
        timestamps(facts)
    )
}

pub(in crate::analysis::verdict) fn syn_on_established(facts: &Facts<'_>) -> String {
    format!(
        "The server still holds these connections open, and the clients have forgotten them. {}",
        timestamps(facts)
    )
}

pub(in crate::analysis::verdict) fn accept_queue(facts: &Facts<'_>) -> String {
    format!("The accept queue is full: the application accepts too slowly. {}", timestamps(facts))
}

pub(in crate::analysis::verdict) fn syn_queue(facts: &Facts<'_>) -> String {
    let first =
        facts.full().into_iter().next().and_then(|(one, _)| Some((one, one.syn_queue?, facts.limit(one)?)));
    let full = first.map_or(String::new(), |(one, (len, _), limit)| {
        let whose = if facts.has_several_listeners() { one.to_string() } else { "a listener".into() };
        format!(" ({len} at {whose}'s backlog of {limit})")
    });
    format!("The SYN queue is full{full}, and no SYN cookies are sent. {}", timestamps(facts))
}

pub(in crate::analysis::verdict) fn peer_not_proven(facts: &Facts<'_>) -> String {
    format!(
        "The last quarter of the SYN backlog is kept for clients that the server knows, and these are new. {}",
        timestamps(facts)
    )
}

pub(in crate::analysis::verdict) fn listen_other(facts: &Facts<'_>) -> String {
    format!(
        "The listener refused: no route back, no memory, or a security module said no. {}",
        timestamps(facts)
    )
}

pub(in crate::analysis::verdict) fn wire_other(facts: &Facts<'_>) -> String {
    let second = match facts.paws {
        0 => "Nothing in them is consistent with PAWS.".into(),
        n => format!("{n} more are consistent with PAWS, these are not."),
    };
    format!("These SYNs got no SYN/ACK, and packets alone do not say why. {second}")
}

pub(in crate::analysis::verdict) fn other(facts: &Facts<'_>) -> String {
    let named = &facts.case.snapshot.reasons.named;
    let reasons = match &named[..] {
        [] => ", which stands in the line of each drop".into(),
        [(one, _)] => format!(": {}", plain(one)),
        more => {
            let first: Vec<_> = more.iter().take(3).map(|(one, n)| format!("{} ({n})", plain(one))).collect();
            format!(": {}{}", first.join(", "), if more.len() > 3 { " and more" } else { "" })
        }
    };
    format!("The kernel had another reason{reasons}. {}", timestamps(facts))
}

/// A reason's name as kernels write them, whatever a recording says.
pub(in crate::analysis::verdict) fn plain(reason: &str) -> String {
    reason.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '_').take(40).collect()
}

pub(in crate::analysis::verdict) fn repeated(facts: &Facts<'_>) -> String {
    format!(
        "The server has answered: these are SYNs that came again before the SYN/ACK arrived. {}",
        timestamps(facts)
    )
}

pub(in crate::analysis::verdict) fn no_listener(facts: &Facts<'_>) -> String {
    format!("Nothing listens there. {}", timestamps(facts))
}

/// What has a part in a mixture, the largest first, with its number.
fn parts(facts: &Facts<'_>) -> Vec<String> {
    let groups =
        facts.groups.iter().map(|leader| (leader.drops, format!("{} ({})", leader.cause, leader.drops)));
    let counted = facts.unseen.and_then(|unseen| Some((unseen.drops, unseen.cause?)));
    let counted = counted.map(|(n, cause)| (n, format!("{cause} ({n}, by the kernel's count)")));
    let mut parts: Vec<_> = groups.chain(counted).collect();
    parts.sort_by_key(|(n, _)| Reverse(*n));
    parts.into_iter().map(|(_, words)| words).collect()
}

pub(in crate::analysis::verdict) fn mixed(facts: &Facts<'_>) -> String {
    let blame = if facts.paws > 0 { "Timestamps are one of them.".to_owned() } else { timestamps(facts) };
    let mut parts = parts(facts);
    parts.truncate(3);
    format!("No single cause: {}. {blame}", parts.join(", "))
}

pub(in crate::analysis::verdict) fn unseen_accept_queue(facts: &Facts<'_>) -> String {
    format!(
        "The accept queue is full, very likely: the kernel counted it, unseen by this hook set. {}",
        timestamps_then(facts)
    )
}

pub(in crate::analysis::verdict) fn unseen_syn_queue(facts: &Facts<'_>) -> String {
    format!(
        "The SYN queue is full, very likely: the kernel counted it, unseen by this hook set. {}",
        timestamps_then(facts)
    )
}

pub(in crate::analysis::verdict) fn unseen_recycle(_: &Facts<'_>) -> String {
    "tcp_tw_recycle drops SYNs, very likely: the kernel counted it, and this hook set does not see them."
        .into()
}

pub(in crate::analysis::verdict) fn blind_moved(facts: &Facts<'_>) -> String {
    let counter = facts.unseen.map_or("counters", |unseen| unseen.counter);
    let second = if facts.case.filtered {
        "This hook set does not see what moves it, and it counts SYNs that the filter leaves out, too."
    } else {
        "This hook set does not see what moves it."
    };
    format!("No drop was seen, but the kernel's {counter} moved. {second}")
}

pub(in crate::analysis::verdict) fn blind_verdict(facts: &Facts<'_>) -> String {
    match facts.lost() {
        0 => "No drop was seen, and much could not have been seen. That clears nothing.".into(),
        n => format!(
            "No drop was seen, but {}, and each may have been one. That clears nothing.",
            doubts::missed(facts, n)
        ),
    }
}

pub(in crate::analysis::verdict) fn healthy(facts: &Facts<'_>) -> String {
    let noise: Vec<_> = facts.noise().into_iter().map(|(cause, n)| format!("{n} {cause}")).collect();
    if !noise.is_empty() {
        return format!(
            "No SYN was dropped but {}, which --cause leaves out. {}",
            noise.join(" and "),
            cleared(facts)
        );
    }
    match (facts.case.snapshot.accepted, facts.moved()) {
        (0, Some((counter, _))) => {
            format!(
                "No SYN came by, though the kernel's {counter} moved. Something else moved it, or a filter hid it."
            )
        }
        (0, None) => "No SYN came by.".into(),
        (_, Some(_)) => format!("No SYN was dropped among those watched. {}", cleared(facts)),
        (_, None) => format!("No SYN was dropped. {}", cleared(facts)),
    }
}

/// What else can be said where no drop was seen.
fn cleared(facts: &Facts<'_>) -> String {
    if let Some((counter, n)) = facts.moved() {
        format!("The kernel's {counter} moved by {n} all the same.")
    } else if facts.blind().any(Cause::is_paws) {
        "Not all causes could be seen.".into()
    } else if facts.counters_read() {
        "The timestamps are not to blame.".into()
    } else {
        "The kernel's counters were not read to confirm it.".into()
    }
}
