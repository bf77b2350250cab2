//! Several hosts behind an address, and which of them clocks can tell apart.

use std::collections::{HashMap, HashSet};

use crate::eval::{
    host::{Conditions, Delay, Host, Quirks, Sent},
    kind::{self, Kind},
    path::{Ports, merge},
    random::Random,
};

/// A population and what its NAT does to ports.
pub(crate) struct Mix {
    pub(crate) name: &'static str,
    pub(crate) kinds: &'static [(Kind, f64)],
    pub(crate) ports: &'static [Ports],
}

/// Clients of 2024.
const CLIENTS: &[(Kind, f64)] =
    &[(kind::ANDROID, 35.0), (kind::APPLE, 33.0), (kind::WINDOWS, 24.0), (kind::LINUX, 9.0)];
/// The same once every Linux has the timestamps of 2026.
const LATER: &[(Kind, f64)] =
    &[(kind::ANDROID_TUPLE, 35.0), (kind::APPLE, 33.0), (kind::WINDOWS, 24.0), (kind::LINUX_TUPLE, 9.0)];
/// Linux machines of all ages, alike but for their rates.
const OLD: &[(Kind, f64)] = &[
    (kind::LINUX, 30.0),
    (kind::LINUX_1000, 20.0),
    (kind::LINUX_250, 20.0),
    (kind::LINUX_100, 20.0),
    (kind::LINUX_300, 10.0),
];

const REWRITTEN: &[Ports] = &[Ports::Random, Ports::InTurn];

/// Every population.
pub(crate) const MIXES: [Mix; 5] = [
    Mix { name: "clients of 2024, ports kept", kinds: CLIENTS, ports: &[Ports::Kept] },
    Mix { name: "clients of 2024, ports rewritten", kinds: CLIENTS, ports: REWRITTEN },
    Mix { name: "all random, ports kept", kinds: LATER, ports: &[Ports::Kept] },
    Mix { name: "all random, ports rewritten", kinds: LATER, ports: REWRITTEN },
    Mix { name: "Linux of all ages, one stack", kinds: OLD, ports: &[Ports::Kept, Ports::Random] },
];

/// What is true of a stream.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Truth {
    /// Hosts of which at least one SYN arrived.
    pub(crate) present: u32,
    /// Hosts that clocks can tell apart.
    pub(crate) resolvable: u32,
    /// Two of them at least come and go in turn, A, B, A: the whole stream counts as resolvable.
    pub(crate) interleaved: bool,
}

impl Truth {
    /// How far a count is from what is true, as a share of the resolvable hosts: right is what is not below the hosts
    /// that can be told apart and not above those that are there.
    pub(crate) fn error(&self, count: u32) -> f64 {
        let off = if count < self.resolvable {
            self.resolvable - count
        } else {
            count.saturating_sub(self.present)
        };
        f64::from(off) / f64::from(self.resolvable.max(1))
    }
}

/// A stream of several hosts.
pub(crate) struct Mixed {
    pub(crate) stream: Vec<Sent>,
    pub(crate) truth: Truth,
}

/// Most SYNs that a mix may expect.
const MOST: f64 = 2_500.0;

/// So many hosts of a population: 0.05 to 5 connections a second each, half of the runs with Zipf's shares, a third with
/// hosts that come and go; seen for a minute to an hour.
pub(crate) fn mixed(mix: &Mix, hosts: u32, random: &mut Random) -> Mixed {
    mixed_of(mix, hosts, random).0
}

/// The same, with each host's kind.
pub(crate) fn mixed_of(mix: &Mix, hosts: u32, random: &mut Random) -> (Mixed, Vec<Kind>) {
    let count = f64::from(hosts);
    let rate = random.decades(0.05, 5.0);
    let window = random.decades(60.0, 3600.0).min(MOST / (rate * count));
    let conditions = Conditions {
        rate,
        window,
        delay: Delay::Uniform(random.one_of(&[0.0, 0.05, 0.2])),
        loss: random.one_of(&[0.0, 0.01, 0.05]),
        again: random.one_of(&[0.0, 0.05, 0.15]),
    };
    let zipf = random.chance(0.5);
    let harmonic: f64 = (1..=hosts).map(|rank| 1.0 / f64::from(rank)).sum();
    let restless = random.chance(1.0 / 3.0);
    let hops = 1 + random.below(16) as u8;
    let plan: Vec<(Kind, Conditions, Quirks)> = (0..hosts)
        .map(|id| {
            let part = if zipf { count / harmonic / f64::from(id + 1) } else { 1.0 };
            let (a, b) = (random.between(0.0, window), random.between(0.0, window));
            let quirks = Quirks {
                present: restless.then_some((a.min(b), a.max(b))),
                hops: hops + u8::from(random.chance(0.1)),
                ..Quirks::default()
            };
            (random.weighted(mix.kinds), Conditions { rate: rate * part, ..conditions }, quirks)
        })
        .collect();
    let ports = random.one_of(mix.ports);
    let kinds = plan.iter().map(|(kind, ..)| *kind).collect();
    (together(&plan, ports, random), kinds)
}

/// These hosts behind one address.
pub(crate) fn together(plan: &[(Kind, Conditions, Quirks)], ports: Ports, random: &mut Random) -> Mixed {
    let mut places = Vec::new();
    let mut sent = Vec::new();
    for (id, (kind, conditions, quirks)) in (0..).zip(plan) {
        let host = Host::new(*kind, id, quirks, conditions.window, random);
        places.push(host.place());
        sent.push(host.send(conditions, quirks, random));
    }
    let stream = merge(sent, ports, random);
    let truth = truth(&stream, &places);
    Mixed { stream, truth }
}

/// RESOLVABLE, set down before anything was measured: hosts with one clock for all connections, at least three
/// connections seen, more than 3 s away from every other clock of the same rate; a stream of which at least two such
/// hosts take turns A, B, A.
fn truth(stream: &[Sent], places: &[Option<(f64, f64)>]) -> Truth {
    let mut seen: HashMap<u32, HashSet<u32>> = HashMap::new();
    for syn in stream {
        seen.entry(syn.host).or_default().insert(syn.connection);
    }
    let place = |host: u32| places.get(host as usize).copied().flatten();
    let alone = |host: u32| {
        place(host).is_some_and(|(hz, at)| {
            let round = 4_294_967_296.0 / hz;
            seen.keys().filter(|other| **other != host).all(|other| {
                place(*other).is_none_or(|(rate, there)| {
                    let apart = (at - there).rem_euclid(round);
                    (rate - hz).abs() > 1e-9 || apart.min(round - apart) > 3.0
                })
            })
        })
    };
    let resolvable: HashSet<u32> = seen
        .iter()
        .filter(|(host, these)| these.len() >= 3 && alone(**host))
        .map(|(host, _)| *host)
        .collect();
    let mut turns: Vec<u32> =
        stream.iter().map(|syn| syn.host).filter(|host| resolvable.contains(host)).collect();
    turns.dedup();
    Truth {
        present: seen.len() as u32,
        resolvable: resolvable.len() as u32,
        interleaved: resolvable.len() >= 2 && turns.len() > resolvable.len(),
    }
}
