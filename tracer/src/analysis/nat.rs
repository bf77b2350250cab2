//! Who is behind an address: one host, several, one that began anew, or nobody can tell.
//!
//! Decides from the lines that [`clock`](super::clock) gathered; must not know of causes. A finding of several hosts needs
//! what one host cannot do: go back to a clock that it had left.
#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "arithmetic modulo 2^32, and counts that are bounded by their tables"
)]

mod beside;
mod chains;
mod few;
mod listed;
mod turns;
mod words;

use crate::model::nat::{Nat, NatVerdict};

use self::{
    beside::{Beside, beside},
    chains::{Chain, Chains, chains},
    turns::{one_clock, returns, together},
};
use super::clock::{Clocks, rate::RATES};

/// SYNs below which nothing is said.
const LEAST: u32 = 4;
/// SYNs with unrelated timestamps before a clock for every connection is believed.
const RANDOM: u32 = 8;
/// The most that one or two ports tell of who is behind the address.
const OF_FEW_PORTS: f64 = 0.8;
/// log10 of the chance clocks expected, below which one alone proves something beside random timestamps.
const PROOF: f64 = -8.0;

/// A host has at least so many ports to choose from: Linux takes every second one of `ip_local_port_range`
/// (`__inet_hash_connect`), and ranges of 10,000 are common.
const LEAST_PORTS: u32 = 4096;
/// log10 of how often a host's own ports may make what is taken for hosts.
const SURE: f64 = -5.0;

/// log10 of how many ports are expected to come up `times` times among `all` connections of one host.
fn ports_again(all: u32, times: u32) -> f64 {
    let times = times.clamp(1, 32);
    let mut log = -f64::from(times - 1) * f64::from(LEAST_PORTS).log10();
    for i in 0..times {
        log += (f64::from(all.saturating_sub(i).max(1)) / f64::from(i + 1)).log10();
    }
    log
}

/// What was counted about an address, as the rules see it.
struct Facts<'a> {
    clocks: &'a Clocks,
    chains: Chains,
    /// Most clocks alive at one time.
    together: u32,
    /// How often the address went back to a clock that it had left.
    returns: u32,
    /// How often TSval went as no clock of the fastest rate found goes.
    jumps: u32,
    /// Readings that are on no clock, while one was running.
    between: u32,
    /// Hosts that take turns on one port, and how often; only where there is no clock.
    in_turn: Option<(u32, u32)>,
    /// A second clock beside the only one.
    beside: Option<Beside>,
}

/// From all that was seen.
pub(super) fn assess(clocks: &Clocks) -> Nat {
    let facts = Facts::gather(clocks);
    let (verdict, hosts, at_least, confidence) = facts.decide();
    Nat {
        verdict,
        hosts,
        hosts_at_least: at_least,
        confidence,
        evidence: words::evidence(&facts, verdict),
        port_jumps: u64::from(clocks.jumps.certain()),
        clocks: listed::listed(&facts),
    }
}

impl<'a> Facts<'a> {
    fn gather(clocks: &'a Clocks) -> Self {
        let chains = chains(&clocks.lines, &clocks.stacks, &clocks.counts, &clocks.still);
        let found = &chains.clocks;
        let switches = (clocks.lines.switches)
            .saturating_sub((clocks.lines.confirmed() + clocks.lines.retired).saturating_sub(1));
        let rate = found.iter().map(Chain::rate).max_by_key(|rate| RATES[*rate]).unwrap_or(0);
        let running = |at: u32| found.iter().any(|chain| chain.first() < at && at < chain.last());
        let strays = chains.strays.iter().map(|(at, ..)| *at);
        let given_up = clocks.lines.strays().iter().map(|(at, _)| *at);
        let between = strays.chain(given_up).filter(|at| running(*at)).count() as u32;
        Self {
            together: together(found),
            returns: returns(found).max(switches),
            jumps: clocks.counts.jumps[rate],
            between,
            in_turn: few::in_turn(&clocks.lines, &clocks.counts).filter(|_| found.is_empty()),
            beside: if let [one] = &found[..] { beside(one, &clocks.memory) } else { None },
            chains,
            clocks,
        }
    }

    fn found(&self) -> &[Chain] {
        &self.chains.clocks
    }

    /// Verdict, hosts, hosts at least, confidence.
    fn decide(&self) -> (NatVerdict, Option<u32>, u32, f64) {
        let counts = &self.clocks.counts;
        let found = self.found();
        let several = found.len() as u32;
        if counts.syns < LEAST {
            return (NatVerdict::Undecidable, None, 1, 0.0);
        }
        if self.stands_still() {
            return (NatVerdict::Undecidable, None, 1, 0.0);
        }
        if let Some((hosts, at_least, confidence)) = self.several_hosts() {
            return (NatVerdict::Nat, hosts, at_least, confidence);
        }
        let on: u32 = found.iter().map(Chain::count).sum();
        if several == 0 || self.looks_random() && self.strays().saturating_mul(2) > on {
            return self.no_clock();
        }
        if let [clock] = found
            && self.only_before(clock)
            && turns::fresh(clock)
        {
            return (NatVerdict::Reboot, Some(1), 1, 0.9);
        }
        let jumped = self.together == 1 && found.windows(2).any(|pair| !one_clock(&pair[0], &pair[1]));
        if several == 1 || self.jumps == 0 && !jumped {
            // Parallel lines and never a step back: one clock of a rate that is not known.
            let support = found.iter().map(Chain::count).max().unwrap_or(0);
            return (NatVerdict::SingleHost, Some(1), 1, 1.0 - 0.5_f64.powf(f64::from(support) / 1.5));
        }
        if self.together == 1 && found[1..].iter().all(turns::fresh) {
            return (NatVerdict::Reboot, Some(1), 1, 0.9);
        }
        if self.together == 1 {
            return (NatVerdict::ClockChange, None, 1, 0.9);
        }
        (NatVerdict::Undecidable, None, 1, 0.3)
    }

    /// Hosts, hosts at least, confidence; `None`: one host can do all that was seen.
    fn several_hosts(&self) -> Option<(Option<u32>, u32, f64)> {
        let found = self.found();
        let clocks = found.len() as u32;
        let counts = &self.clocks.counts;
        let stacks = self.clocks.stacks.distinct(3);
        let random = self.looks_random();
        let sure = |odds: f64| 1.0 - 10_f64.powf(odds.clamp(-6.0, -1.0));
        if self.together >= 2 && self.returns >= 1 && self.jumps >= 2 {
            let solid = self.solid();
            let mut odds: Vec<f64> = solid.iter().map(|chain| chain.odds).collect();
            odds.sort_by(f64::total_cmp);
            if odds.len() >= 2 && odds[0] + odds[1] < PROOF {
                let unseen = u32::from(random && self.between >= 3);
                let at_least = (solid.len() as u32).max(stacks) + unseen;
                let hosts = (unseen == 0 && self.clocks.lines.retired == 0).then_some(at_least);
                return Some((hosts, at_least, sure(odds[1] - 1.0)));
            }
        }
        let solid = self.solid();
        let best =
            solid.iter().filter(|chain| chain.count() >= 5).map(|chain| chain.odds).fold(0.0, f64::min);
        let often = f64::from(self.between) > 0.02 * f64::from(counts.stamped);
        if best < PROOF && self.between >= 3 && often && self.jumps >= 2 {
            return Some((None, solid.len() as u32 + 1, 0.95));
        }
        if let Some((at_least, _)) = self.in_turn {
            return Some((None, at_least, 0.95));
        }
        if best < PROOF && self.beside.is_some() {
            return Some((None, 2, 0.95));
        }
        (stacks >= 2 && self.clocks.stacks.turns >= 4).then_some((None, stacks.max(clocks), 0.95))
    }

    /// Clocks that are hosts. A host of 2026 has a clock for every port; behind a NAT that gives it ever new ports, some of
    /// its own come again now and then, and what stands on such a clock looks like a host that is seldom seen. Where most
    /// readings are on no clock, one must have too many of them for that.
    fn solid(&self) -> Vec<&Chain> {
        let found = self.found();
        let on: u32 = found.iter().map(Chain::count).sum();
        let off = self.strays();
        if off.saturating_mul(2) <= on {
            return found.iter().collect();
        }
        let stamped = self.clocks.counts.stamped;
        let dense = |chain: &&Chain| chain.count().saturating_mul(LEAST_PORTS / 16) >= stamped;
        let dense: Vec<&Chain> = found.iter().filter(dense).collect();
        let mut odds: Vec<f64> = dense.iter().map(|chain| ports_again(stamped, chain.count())).collect();
        odds.sort_by(f64::total_cmp);
        // The two least likely ones together, or the one alone beside readings on no clock.
        let surely = odds.first().is_some_and(|first| first + odds.get(1).unwrap_or(&0.0) < SURE);
        if surely { dense } else { Vec::new() }
    }

    /// Readings on no clock.
    fn strays(&self) -> u32 {
        (self.chains.strays.len() as u32).saturating_add(self.clocks.lines.given_up)
    }

    /// What is on no clock was all seen before this one began.
    fn only_before(&self, clock: &Chain) -> bool {
        let strays = &self.chains.strays;
        let earlier = |(at, ..): &(u32, u32, u8)| *at < clock.first();
        !strays.is_empty() && self.clocks.lines.given_up == 0 && strays.iter().all(earlier)
    }

    /// Most readings are on no clock.
    fn looks_random(&self) -> bool {
        let alone = self.strays();
        alone >= RANDOM && f64::from(self.chains.pairs) <= self.pairs_by_chance() + f64::from(alone) / 4.0
    }

    /// Pairs that chance makes, and some more.
    fn pairs_by_chance(&self) -> f64 {
        let expected = self.chains.pairs_by_chance;
        expected + 4.0 * expected.sqrt() + 1.0
    }

    /// Readings that may each be a clock of its own: not those of a port that came back to its line, nor what stands still.
    fn unrelated(&self) -> u32 {
        let clocks = self.clocks;
        clocks.counts.stamped.saturating_sub(clocks.lines.again).saturating_sub(clocks.still.readings)
    }

    /// Most timestamps are one and the same for all time: crafted packets, and no clock.
    fn stands_still(&self) -> bool {
        self.clocks.still.readings.saturating_mul(2) > self.clocks.counts.stamped
    }

    fn no_clock(&self) -> (NatVerdict, Option<u32>, u32, f64) {
        let counts = &self.clocks.counts;
        if counts.stamped == 0 {
            return (NatVerdict::NoTimestamps, None, 1, 0.99);
        }
        if let Some(line) = few::only_line(&self.clocks.lines, counts) {
            let confidence = 1.0 - 0.5_f64.powf(f64::from(line.readings()) / 1.5);
            return (NatVerdict::SingleHost, Some(1), 1, confidence.min(OF_FEW_PORTS));
        }
        // A host's own ports come again now and then; a large population of hosts does so more often.
        let on: u32 = self.found().iter().map(Chain::count).sum();
        let seldom = u64::from(on) * 8 <= u64::from(counts.stamped) + 32;
        let unrelated = self.unrelated();
        let many = unrelated >= RANDOM || unrelated >= LEAST && few::one_each(&self.clocks.lines);
        if counts.stamped >= RANDOM
            && many
            && seldom
            && f64::from(self.chains.pairs) <= self.pairs_by_chance()
        {
            // A population of stable hosts would have shown a pair: the birthday bound.
            let confidence = 1.0 - (-f64::from(unrelated).powi(2) / 64.0).exp();
            return (NatVerdict::PerConnection, None, 1, confidence.min(0.99));
        }
        (NatVerdict::Undecidable, None, 1, 0.0)
    }
}

#[cfg(test)]
mod tests;
