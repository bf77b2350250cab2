//! What the rules on timestamps say.

use super::{Facts, Finding, consistent};
use crate::model::{Cause, nat::NatVerdict};

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

/// "Several hosts share 192.0.2.1 (at least 3)": the number belongs to one address.
fn several(facts: &Facts<'_>) -> String {
    let Some(finding) = facts.finding else { return "Several hosts share the client's address".into() };
    let (src, hosts) = (finding.source.src, finding.nat.hosts_at_least.max(2));
    match finding.sources {
        0 | 1 => format!("Several hosts share {src} (at least {hosts})"),
        n => format!("Several hosts share each of {n} addresses (at least {hosts} behind {src})"),
    }
}

pub(in crate::analysis::verdict) fn recycle_nat(facts: &Facts<'_>) -> String {
    let second = consistent(
        facts,
        "tcp_tw_recycle holds those behind one address to one clock, and drops whoever reads less.",
        "That is consistent with tcp_tw_recycle, which holds those behind one address to one clock.",
    );
    format!("{}. {second}", several(facts))
}

pub(in crate::analysis::verdict) fn recycle(facts: &Facts<'_>) -> String {
    consistent(
        facts,
        "tcp_tw_recycle compares each SYN with the last timestamp seen from the same address. One that reads less, or has \
         none, is dropped in silence.",
        "These SYNs are consistent with tcp_tw_recycle: their timestamps are older than the last one from the same address. \
         Such SYNs are dropped in silence.",
    )
}

pub(in crate::analysis::verdict) fn paws_nat(facts: &Facts<'_>) -> String {
    let first = format!("{}, each with a clock of its own.", several(facts));
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
        "The {} of {} began anew: a restart. The new timestamps look older than those of {}{}.",
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
        let sources = facts.finding.map_or(0, |finding| finding.sources);
        let shows = match refused(facts) {
            Some(1) => "The address shows one clock",
            Some(all) if all == sources => "The addresses show one clock each",
            _ if sources == 1 => "The address of most of them shows one clock",
            _ => "The addresses of most of them show one clock each",
        };
        format!("{shows}, which does not explain it yet.")
    } else {
        let addresses = if refused(facts) == Some(1) { "address" } else { "addresses" };
        format!("Who is behind the {addresses} cannot be told yet.")
    };
    format!("{verdict}: {what}. {who}")
}

/// Addresses that PAWS refused; `None`: there are more than those listed.
fn refused(facts: &Facts<'_>) -> Option<usize> {
    let all = facts.case.snapshot.sources.iter().filter(|source| source.paws > 0);
    let listed = all.clone().fold(0, |sum: u64, source| sum.saturating_add(source.paws));
    (listed >= facts.paws).then(|| all.count())
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
