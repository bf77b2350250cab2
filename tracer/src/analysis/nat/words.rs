//! What a finding rests on, in words, with the numbers.

use super::{Chain, Facts, few};
use crate::{
    analysis::clock::{line::Line, lines::GUESSES, rate::RATES},
    model::nat::NatVerdict,
};

/// Sentences, strongest first.
pub(super) fn evidence(facts: &Facts<'_>, verdict: NatVerdict) -> Vec<String> {
    let (clocks, counts) = (facts.clocks, &facts.clocks.counts);
    let found = facts.found();
    let mut say = Vec::new();
    match verdict {
        NatVerdict::Nat => {
            if found.len() >= 2 {
                say.push(format!(
                    "{} clocks at {}, with {} SYNs on them; the address went back to one that it had left {} times",
                    found.len(),
                    rates(found),
                    listed(found),
                    facts.returns,
                ));
            } else if let ([clock], None) = (found, facts.beside) {
                say.push(format!(
                    "one clock with {} SYNs on it, and {} SYNs in between that are not on it",
                    clock.count(),
                    facts.between,
                ));
            }
            if let Some((hosts, turns)) = facts.in_turn {
                say.push(format!(
                    "{hosts} clocks take turns on one port, which went back to one that it had left {turns} times"
                ));
            }
        }
        NatVerdict::SingleHost if found.is_empty() => {
            let line = few::only_line(&clocks.lines, counts);
            say.push(format!(
                "{} of {} SYNs are on one clock at {}, from {}: nothing is known of any other",
                line.map_or(0, Line::readings),
                counts.stamped,
                hertz(RATES[line.map_or(0, few::rate)]),
                if line.is_some_and(Line::is_of_one_port) { "one port" } else { "two ports" },
            ));
        }
        NatVerdict::SingleHost => {
            let on: u32 = found.iter().map(Chain::count).sum();
            say.push(format!("{on} of {} SYNs are on one clock at {}", counts.stamped, rates(found)));
        }
        NatVerdict::PerConnection => say.push(format!(
            "{} SYNs, {} unrelated timestamps: one host that has a clock for every connection, or more than {}",
            counts.stamped,
            facts.unrelated(),
            hidden(facts.unrelated()),
        )),
        NatVerdict::Reboot if found.len() == 1 => say.push(format!(
            "one clock that began when its host was just started; SYNs before that which are not on it: {}",
            facts.chains.strays.len()
        )),
        NatVerdict::Reboot => say.push(format!(
            "{} clocks, one after the other, and each began when its host was just started",
            found.len()
        )),
        NatVerdict::ClockChange => say.push(format!(
            "{} clocks, one after the other: a host that was started anew, an address that changed hands, or hosts in turn",
            found.len()
        )),
        NatVerdict::NoTimestamps => {
            say.push(format!("none of {} SYNs carried timestamps", counts.syns));
        }
        NatVerdict::Undecidable if counts.syns < super::LEAST => {
            say.push(format!("{} SYNs are too few", counts.syns));
        }
        NatVerdict::Undecidable if facts.stands_still() => say.push(format!(
            "{} of {} SYNs carry a timestamp that stands still: crafted packets, as a scanner's, and no clock",
            clocks.still.readings, counts.stamped,
        )),
        NatVerdict::Undecidable if found.is_empty() && facts.unrelated() < counts.stamped => say.push(format!(
            "{} SYNs with timestamps on {} clocks, from too few ports: each port may have a clock of its own",
            counts.stamped,
            facts.unrelated(),
        )),
        NatVerdict::Undecidable => say.push(format!(
            "{} SYNs with timestamps, {} clocks, {} SYNs on none: too few, or they do not fit together",
            counts.stamped,
            found.len(),
            facts.chains.strays.len(),
        )),
    }
    beside(facts, verdict, &mut say);
    say
}

/// What holds whatever the verdict is.
fn beside(facts: &Facts<'_>, verdict: NatVerdict, say: &mut Vec<String>) {
    let (clocks, counts) = (facts.clocks, &facts.clocks.counts);
    if let Some(beside) = facts.beside {
        say.push(format!(
            "{} timestamps that the server remembered are on a second clock, {} by {} ticks, that ran on beside the one seen",
            beside.readings,
            if beside.ahead < 0 { "behind" } else { "ahead" },
            beside.ahead.abs(),
        ));
    }
    if clocks.still.readings > 0 && !facts.stands_still() {
        say.push(format!(
            "{} SYNs carry a timestamp that stands still, as a scanner's does: they are on no clock",
            clocks.still.readings
        ));
    }
    if counts.between > 0 {
        say.push(format!(
            "{} of {} refused SYNs were on one of these clocks where the kernel remembered another",
            counts.between, counts.compared
        ));
    }
    let (certain, seen) = (clocks.jumps.certain(), clocks.jumps.seen());
    if certain > 0 {
        say.push(format!(
            "an outside port jumped between clocks {certain} times within a minute: addresses or ports are translated on the way"
        ));
    } else if seen > 0 {
        say.push(format!("a port jumped between clocks {seen} times, which a single restart explains, too"));
    }
    let stacks = clocks.stacks.distinct(3);
    if stacks >= 2 {
        say.push(format!(
            "{stacks} TCP stacks (order of options, initial TTL) took turns {} times",
            clocks.stacks.turns
        ));
    }
    if verdict == NatVerdict::Nat
        && let Some(hosts) = clocks.sequence.hosts()
    {
        say.push(format!("source ports follow {hosts:.0} sequences"));
    }
    if verdict == NatVerdict::Nat && clocks.lines.retired > 0 {
        say.push("there were more clocks than there is room for".into());
    }
}

/// How many hosts with one clock each `n` SYNs without a pair exclude, at 95 %: each was compared with all before it, as far
/// as they are remembered.
fn hidden(n: u32) -> u64 {
    u64::from(n) * u64::from(n).min(2 * GUESSES as u64) / 6
}

/// The rates of chains, without repetition.
fn rates(chains: &[Chain]) -> String {
    let mut rates: Vec<u32> = chains.iter().map(|chain| RATES[chain.rate()]).collect();
    rates.sort_unstable();
    rates.dedup();
    let words: Vec<String> = rates.into_iter().map(hertz).collect();
    words.join(" and ")
}

fn hertz(rate: u32) -> String {
    if rate >= 1_000_000 { "1 MHz".into() } else { format!("{rate} Hz") }
}

/// How many readings the chains have: the first few, the largest first.
fn listed(chains: &[Chain]) -> String {
    let mut counts: Vec<u32> = chains.iter().map(Chain::count).collect();
    counts.sort_unstable_by_key(|count| std::cmp::Reverse(*count));
    let shown: Vec<String> = counts.iter().take(5).map(u32::to_string).collect();
    let more = if counts.len() > 5 { ", ..." } else { "" };
    format!("{}{more}", shown.join(", "))
}
