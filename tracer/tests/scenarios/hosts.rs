//! Plays the hosts of a table: when their SYNs arrive, what their clocks say, which of them the server drops.
//!
//! Knows what TSval and the timestamp test are (RFC 7323) and nothing of the program.

use std::{collections::BTreeMap, net::IpAddr};

use fastrand::Rng;
use tracer::model::{
    Flow, Nanos, Observation, Syn,
    reading::{Accepted, Stack, Via},
};

use super::table::{ClockKind, Host, Ports, Refused, Table};

/// The run begins here; any date will do.
const BEGUN: i64 = 1_750_000_000;

/// A moment of the run.
pub(crate) fn moment(seconds: f64) -> Nanos {
    Nanos(BEGUN * 1_000_000_000 + (seconds * 1e9).round() as i64)
}

/// A table that cannot be played, and the byte at which it says so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Unplayable {
    pub(crate) at: usize,
    pub(crate) why: String,
}

/// All that was observed, in order of time.
pub(crate) fn play(table: &Table, seed: u64) -> Result<Vec<Observation>, Unplayable> {
    let mut rng = Rng::with_seed(seed);
    let hosts: Vec<&Host> = table.host.iter().map(toml::Spanned::get_ref).collect();
    let groups: Vec<Group<'_>> = hosts.iter().map(|host| Group::new(host, &mut rng)).collect();
    let names: BTreeMap<&str, &Group<'_>> =
        groups.iter().map(|group| (group.host.name.as_str(), group)).collect();
    let mut all = Vec::new();
    for (group, spanned) in groups.iter().zip(&table.host) {
        let unplayable = |why| Unplayable { at: spanned.span().start, why };
        group.play(&names, &mut rng, &mut all).map_err(unplayable)?;
    }
    all.sort_by_key(Observation::time);
    Ok(all)
}

/// Which of the hosts of a group.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Which {
    pub(crate) source: u32,
    pub(crate) host: u32,
}

/// A table's hosts, once their clocks have been drawn.
pub(crate) struct Group<'a> {
    pub(crate) host: &'a Host,
    pub(crate) hosts: u32,
    starts: Vec<u32>,
    restarts: Vec<u32>,
    secret: u64,
}

/// One connection.
#[derive(Clone, Copy)]
pub(crate) struct Connection {
    pub(crate) of: Which,
    /// Which of its host's.
    pub(crate) number: u32,
    pub(crate) sport: u16,
    pub(crate) seq: u32,
    /// Seconds at which its first SYN left.
    pub(crate) at: f64,
}

impl<'a> Group<'a> {
    fn new(host: &'a Host, rng: &mut Rng) -> Self {
        let hosts = host.starts.as_ref().map_or(host.hosts.unwrap_or(1), |starts| starts.len() as u32);
        let all = host.sources as usize * hosts as usize;
        let drawn: Vec<u32> = (0..all).map(|_| rng.u32(..)).collect();
        let starts = match &host.starts {
            Some(starts) => starts.iter().copied().cycle().take(all).collect(),
            None => drawn,
        };
        let restarts = (0..all).map(|_| rng.u32(..)).collect();
        Self { host, hosts, starts, restarts, secret: rng.u64(..) }
    }

    fn of(&self, which: Which) -> usize {
        (which.source * self.hosts + which.host) as usize
    }

    /// What a host's one clock reads.
    pub(crate) fn line(&self, which: Which, at: f64) -> u32 {
        let host = self.host;
        let hz = host.hz * (1.0 + host.skew_ppm / 1e6);
        let asleep = host.sleeps.iter().map(|(from, to)| (at.min(*to) - from).max(0.0)).sum::<f64>();
        let (start, ticks) = match host.restart {
            Some(restart) if at >= restart.at => {
                (restart.start.unwrap_or(self.restarts[self.of(which)]), (at - restart.at) * hz)
            }
            _ => (self.starts[self.of(which)], (at - asleep) * hz),
        };
        start.wrapping_add((ticks.floor() as i64) as u32)
    }

    pub(crate) fn tsval(&self, of: &Connection, at: f64) -> Option<u32> {
        let own = |salt: u64| {
            let seed = self.secret ^ (self.of(of.of) as u64) << 40 ^ salt;
            Rng::with_seed(seed).u32(..).wrapping_add((at * self.host.hz) as i64 as u32)
        };
        match self.host.clock {
            ClockKind::Line => Some(self.line(of.of, at)),
            ClockKind::PerConnection => Some(own(u64::from(of.number) << 20)),
            ClockKind::PerPort => Some(own(u64::from(of.sport))),
            ClockKind::None => None,
        }
    }

    fn play(
        &self,
        names: &BTreeMap<&str, &Group<'_>>,
        rng: &mut Rng,
        seen: &mut Vec<Observation>,
    ) -> Result<(), String> {
        let host = self.host;
        let syns = host.at.as_ref().map_or(host.syns, |at| at.len() as u32);
        for refused in &host.refused {
            if let Some(odd) = refused.which.iter().find(|n| **n == 0 || **n > syns) {
                return Err(format!("there is no SYN {odd}: a host sends 1 to {syns}"));
            }
        }
        let mut ascending = 20_000 + rng.u16(..20_000);
        for source in 0..host.sources {
            for number in 0..syns {
                for one in 0..self.hosts {
                    let of = Which { source, host: one };
                    let shift = f64::from(one) / f64::from(self.hosts) * host.every
                        + f64::from(source) / f64::from(host.sources) * host.spread;
                    let at = match &host.at {
                        Some(at) => at[number as usize] + f64::from(one) / f64::from(self.hosts),
                        None => host.from + f64::from(number) * host.every + shift,
                    };
                    let sport = match &host.ports {
                        Ports::Random => 32_768 + 2 * rng.u16(..14_000),
                        Ports::Ascending => {
                            ascending = ascending.wrapping_add(2 + rng.u16(..12)).max(1024);
                            ascending
                        }
                        Ports::These(ports) => {
                            let turn = (number * self.hosts + one) as usize;
                            *ports.get(turn % ports.len().max(1)).ok_or("an empty list of ports")?
                        }
                    };
                    let connection = Connection { of, number, sport, seq: rng.u32(..), at };
                    self.connect(&connection, names, rng, seen)?;
                }
            }
        }
        Ok(())
    }

    /// One connection's SYNs.
    fn connect(
        &self,
        connection: &Connection,
        names: &BTreeMap<&str, &Group<'_>>,
        rng: &mut Rng,
        seen: &mut Vec<Observation>,
    ) -> Result<(), String> {
        let host = self.host;
        let nth = connection.number + 1;
        let wanted = |refused: &&Refused| match refused.every {
            Some(every) => nth.is_multiple_of(every),
            None => refused.which.is_empty() || refused.which.contains(&nth),
        };
        let drops = match host.refused.iter().find(wanted) {
            Some(refused) => self.refuse(connection, refused, names, rng)?,
            None => None,
        };
        let mut late = || rng.f64() * host.jitter_ms / 1000.0;
        let Some((drops, gets_in)) = drops else {
            seen.push(self.accepted(connection, connection.at, late()));
            if let Some((every, after)) = host.comes_again
                && nth.is_multiple_of(every)
            {
                seen.push(self.accepted(connection, connection.at + after, late()));
            }
            return Ok(());
        };
        seen.extend(drops);
        if let Some(after) = gets_in {
            seen.push(self.accepted(connection, connection.at + after, late()));
        }
        Ok(())
    }

    pub(crate) fn flow(&self, connection: &Connection) -> Flow {
        let host = self.host;
        let further = connection.of.source;
        let src = match host.src {
            IpAddr::V4(first) => IpAddr::V4((u32::from(first).wrapping_add(further)).into()),
            IpAddr::V6(first) => IpAddr::V6((u128::from(first).wrapping_add(further.into())).into()),
        };
        Flow { src, sport: connection.sport, dst: host.dst, dport: host.dport }
    }

    pub(crate) fn syn(&self, connection: &Connection, at: f64) -> Syn {
        let host = self.host;
        let tsval = self.tsval(connection, at);
        Syn {
            seq: connection.seq,
            window: 64_240,
            ttl: host.ttl,
            tsval,
            tsecr: tsval.map(|_| 0),
            mss: Some(host.mss),
            wscale: Some(host.wscale),
            options: host.options.0.0,
            malformed: false,
        }
    }

    fn accepted(&self, connection: &Connection, at: f64, late: f64) -> Observation {
        let host = self.host;
        let syn = self.syn(connection, at);
        Observation::Accepted(Accepted {
            time: moment(at + late),
            flow: self.flow(connection),
            netns: Some(host.netns),
            seq: Some(connection.seq),
            tsval: syn.tsval,
            // A socket that is open remembers no options.
            stack: if host.via.0 == Via::Syn { Stack::from(&syn) } else { Stack::default() },
            via: host.via.0,
            unreported: host.unreported,
        })
    }
}
