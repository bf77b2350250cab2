//! What the rules say. At most two short sentences, for someone who has been up all night; each says what happens and
//! whether timestamps are to blame.

mod doubts;
mod support;

pub(super) use doubts::*;
pub(super) use support::*;

use super::facts::{Facts, Finding};
use crate::model::{Cause, nat::NatVerdict};

fn names(causes: impl IntoIterator<Item = Cause>) -> String {
    causes.into_iter().map(Cause::name).collect::<Vec<_>>().join(", ")
}

/// "one drop", "7 drops".
fn count(n: u64, one: &str, more: &str) -> String {
    if n == 1 { format!("one {one}") } else { format!("{n} {more}") }
}

/// "192.0.2.1", "192.0.2.1 and 4 more addresses".
fn place(finding: Option<Finding<'_>>) -> String {
    match finding {
        None => "the client".into(),
        Some(finding) => match finding.sources {
            0 | 1 => finding.source.src.to_string(),
            2 => format!("{} and one more address", finding.source.src),
            n => format!("{} and {} more addresses", finding.source.src, n - 1),
        },
    }
}

/// Whether the sentence goes on for one address or for more.
fn verb(finding: Option<Finding<'_>>, one: &'static str, more: &'static str) -> &'static str {
    if finding.is_some_and(|finding| finding.sources > 1) { more } else { one }
}

/// Where the kernel had the other timestamp from.
fn memory(facts: &Facts<'_>) -> &'static str {
    match facts.cause() {
        Some(Cause::PawsSynRecv) => "a handshake still open on the same port",
        Some(Cause::PawsEstablished) => "a connection still open on the same port",
        Some(Cause::PawsFinWait2) => "a half-closed connection on the same port",
        _ => "the last connection on the same port, closed less than a minute ago",
    }
}

/// "is" for what the kernel vouches for, "is consistent with" for packets alone.
fn consistent(facts: &Facts<'_>, sure: &str, wire: &str) -> String {
    if facts.is_wire() { wire.to_owned() } else { sure.to_owned() }
}

/// The other half of the question that everybody asks.
fn timestamps(facts: &Facts<'_>) -> String {
    let unseen = facts.blind().any(Cause::is_paws);
    match facts.paws() {
        0 if unseen => "Whether timestamps are to blame as well cannot be seen here.".into(),
        0 => "The timestamps are not to blame.".into(),
        n => format!("The timestamps are to blame for {n} more, not for these."),
    }
}

pub(in crate::analysis::verdict) fn recycle_nat(facts: &Facts<'_>) -> String {
    let hosts = facts.finding.map_or(2, |finding| finding.nat.hosts_at_least.max(2));
    format!(
        "Several hosts share {} (at least {hosts}), and tcp_tw_recycle holds them all to one clock. Those whose clocks read less \
         are dropped in silence.",
        place(facts.finding)
    )
}

pub(in crate::analysis::verdict) fn recycle(_: &Facts<'_>) -> String {
    "tcp_tw_recycle compares each SYN with the last timestamp seen from the same address. One that reads less, or has \
     none, is dropped in silence."
        .into()
}

pub(in crate::analysis::verdict) fn paws_nat(facts: &Facts<'_>) -> String {
    let hosts = facts.finding.map_or(2, |finding| finding.nat.hosts_at_least.max(2));
    let first = format!(
        "Several hosts share {} (at least {hosts}), each with a clock of its own.",
        place(facts.finding)
    );
    let second = consistent(
        facts,
        "One of them got a port on which the server still remembers a newer timestamp: PAWS refused it.",
        "That is consistent with PAWS: one of them got a port on which the server remembers a newer timestamp.",
    );
    format!("{first} {second}")
}

pub(in crate::analysis::verdict) fn paws_per_connection(facts: &Facts<'_>) -> String {
    let second = consistent(
        facts,
        "One client behind a port-translating NAT is enough: a port used again looks older than before.",
        "That is consistent with PAWS: behind a NAT that translates ports one client is enough.",
    );
    format!(
        "Each connection from {} has a timestamp clock of its own, as with Linux since 2026, macOS and iOS. {second}",
        place(facts.finding)
    )
}

pub(in crate::analysis::verdict) fn paws_reboot(facts: &Facts<'_>) -> String {
    format!(
        "The {} of {} began anew: a restart. Its timestamps look older than those of {}{}.",
        verb(facts.finding, "clock", "clocks"),
        place(facts.finding),
        memory(facts),
        consistent(facts, ", so PAWS refused them", ", which is consistent with PAWS"),
    )
}

pub(in crate::analysis::verdict) fn paws_clock_change(facts: &Facts<'_>) -> String {
    format!(
        "The {} of {} gave way to another: a restart, or the address changed hands. The new timestamps look older than those of \
         {}{}.",
        verb(facts.finding, "clock", "clocks"),
        place(facts.finding),
        memory(facts),
        consistent(facts, ", so PAWS refused them", ", which is consistent with PAWS"),
    )
}

/// PAWS, and nothing known of whom it hit.
fn undecided(facts: &Facts<'_>, what: &str) -> String {
    let verdict = consistent(facts, "PAWS refused these SYNs", "These SYNs are consistent with PAWS");
    let who = if facts.found(NatVerdict::SingleHost) {
        let shows = many(facts, "address shows one clock", "addresses show one clock each");
        format!("The {shows}, which does not explain it yet.")
    } else {
        format!("Who is behind the {} cannot be told yet.", many(facts, "address", "addresses"))
    };
    format!("{verdict}: {what}. {who}")
}

fn many(facts: &Facts<'_>, one: &'static str, more: &'static str) -> &'static str {
    if facts.case.snapshot.sources_total == 1 { one } else { more }
}

pub(in crate::analysis::verdict) fn paws_time_wait(facts: &Facts<'_>) -> String {
    undecided(
        facts,
        "their timestamps are older than those of closed connections on the same ports (TIME_WAIT)",
    )
}

pub(in crate::analysis::verdict) fn paws_fin_wait2(facts: &Facts<'_>) -> String {
    undecided(
        facts,
        "their timestamps are older than those of half-closed connections on the same ports (FIN_WAIT2)",
    )
}

pub(in crate::analysis::verdict) fn paws_syn_recv(facts: &Facts<'_>) -> String {
    undecided(facts, "their timestamps are older than those of handshakes still open on the same ports")
}

pub(in crate::analysis::verdict) fn paws_established(facts: &Facts<'_>) -> String {
    undecided(facts, "their timestamps are older than those of connections still open on the same ports")
}

pub(in crate::analysis::verdict) fn old_sequence(_: &Facts<'_>) -> String {
    "A port was used again within a minute of its close, and neither timestamp nor sequence number was newer. That is hasty \
     port re-use, not PAWS."
        .into()
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
    format!("The SYN queue is full, and no SYN cookies are sent. {}", timestamps(facts))
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
    let second = match facts.paws() {
        0 => "Nothing in them is consistent with PAWS.".into(),
        n => format!("{n} more are consistent with PAWS, these are not."),
    };
    format!("These SYNs got no SYN/ACK, and packets alone do not say why. {second}")
}

pub(in crate::analysis::verdict) fn other(facts: &Facts<'_>) -> String {
    format!("The kernel had another reason, which stands in the line of each drop. {}", timestamps(facts))
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

pub(in crate::analysis::verdict) fn mixed(facts: &Facts<'_>) -> String {
    let parts: Vec<_> =
        facts.groups.iter().take(3).map(|leader| format!("{} ({})", leader.cause, leader.drops)).collect();
    let blame =
        if facts.paws() > 0 { "Timestamps are one of them." } else { "The timestamps are not to blame." };
    format!("No single cause: {}. {blame}", parts.join(", "))
}

pub(in crate::analysis::verdict) fn unseen_accept_queue(_: &Facts<'_>) -> String {
    "The accept queue is full, very likely: the kernel counted it, and this hook set does not see the SYNs. If so, the \
     timestamps are not to blame."
        .into()
}

pub(in crate::analysis::verdict) fn unseen_syn_queue(_: &Facts<'_>) -> String {
    "The SYN queue is full, very likely: the kernel counted it, and this hook set does not see the SYNs. If so, the \
     timestamps are not to blame."
        .into()
}

pub(in crate::analysis::verdict) fn unseen_recycle(_: &Facts<'_>) -> String {
    "tcp_tw_recycle drops SYNs, very likely: the kernel counted it, and this hook set does not see them."
        .into()
}

pub(in crate::analysis::verdict) fn blind_moved(facts: &Facts<'_>) -> String {
    let counter = facts.unseen.map_or("counters", |unseen| unseen.counter);
    format!("No drop was seen, but the kernel's {counter} moved. This hook set does not see what moves it.")
}

pub(in crate::analysis::verdict) fn blind_verdict(_: &Facts<'_>) -> String {
    "No drop was seen, and much could not have been seen. That clears nothing.".into()
}

pub(in crate::analysis::verdict) fn healthy(facts: &Facts<'_>) -> String {
    match (facts.case.snapshot.accepted, facts.moved()) {
        (0, Some((counter, _))) => {
            format!(
                "No SYN came by, though the kernel's {counter} moved. Something else moved it, or a filter hid it."
            )
        }
        (0, None) => "No SYN came by.".into(),
        (_, Some((counter, _))) => format!(
            "No SYN was dropped among those watched. The kernel's {counter} moved all the same: see below."
        ),
        (_, None) => {
            let blame = if facts.blind().any(Cause::is_paws) {
                "Not all causes could be seen."
            } else {
                "The timestamps are not to blame."
            };
            format!("No SYN was dropped. {blame}")
        }
    }
}
