//! The hard cases, one by one.

use crate::eval::{
    host::{Conditions, Delay, Quirks, Sent},
    kind::{self, Clock, Kind, System},
    mixes::{Mixed, together},
    path::{Ports, remember},
    random::Random,
};

/// What must be kept in every run with 20 connections or more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Promise {
    /// Nothing: clocks cannot tell, or are known to fail.
    None,
    /// Not `nat`.
    NeverNat,
    /// `per-connection-timestamps` with jumps, never `nat`.
    Translated,
    /// Neither `nat` nor jumps.
    OneClock,
    /// `single-host`, neither `nat` nor jumps.
    Single,
    /// `undecidable`: what was seen is no clock.
    NoClock,
    /// `nat`.
    Nat,
    /// `nat` with jumps.
    Several,
}

/// A hard case.
pub(crate) struct Situation {
    pub(crate) name: &'static str,
    /// Runs in the full evaluation.
    pub(crate) runs: usize,
    pub(crate) promise: Promise,
    pub(crate) make: fn(&mut Random) -> Mixed,
}

const fn case(name: &'static str, promise: Promise, make: fn(&mut Random) -> Mixed) -> Situation {
    Situation { name, runs: 400, promise, make }
}

const LINUX_128: Kind = Kind { system: System::Linux, clock: Clock::Uptime, hz: 128.0 };
const LINUX_1024: Kind = Kind { system: System::Linux, clock: Clock::Uptime, hz: 1024.0 };

/// All of them.
pub(crate) const SITUATIONS: [Situation; 38] = [
    case("2 random hosts of a stack, ports rewritten", Promise::None, |r| hosts(kind::APPLE, 2, r)),
    case("8 random hosts of a stack, ports rewritten", Promise::None, |r| hosts(kind::APPLE, 8, r)),
    case("3 without timestamps, ports rewritten", Promise::None, |r| hosts(kind::WINDOWS, 3, r)),
    case("3 at 1000 Hz, started within 2 s", Promise::None, |r| started(kind::LINUX_1000, 2.0, r)),
    case("3 at 1000 Hz, started within 10 s", Promise::None, |r| started(kind::LINUX_1000, 10.0, r)),
    case("3 at 1000 Hz, started within 60 s", Promise::None, |r| started(kind::LINUX_1000, 60.0, r)),
    case("3 at 100 Hz, started within 10 s", Promise::None, |r| started(kind::LINUX_100, 10.0, r)),
    case("3 at 100 Hz, started within 60 s", Promise::None, |r| started(kind::LINUX_100, 60.0, r)),
    case("one host, delays up to 1 s", Promise::NeverNat, |r| delayed(kind::LINUX, Delay::Uniform(1.0), r)),
    case("one host, delays up to 2 s", Promise::NeverNat, |r| delayed(kind::LINUX, Delay::Uniform(2.0), r)),
    case("one host, delays up to 5 s", Promise::None, |r| delayed(kind::LINUX, Delay::Uniform(5.0), r)),
    case("one host, delays of 1 s on average", Promise::None, |r| {
        delayed(kind::LINUX, Delay::Exponential(1.0), r)
    }),
    case("one random host, delays up to 5 s", Promise::NeverNat, |r| {
        delayed(kind::APPLE, Delay::Uniform(5.0), r)
    }),
    case("one host at 128 Hz", Promise::NeverNat, |r| hosts(LINUX_128, 1, r)),
    case("one host at 1024 Hz", Promise::NeverNat, |r| hosts(LINUX_1024, 1, r)),
    case("3 hosts at 128 Hz", Promise::None, |r| hosts(LINUX_128, 3, r)),
    case("3 hosts at 1024 Hz", Promise::None, |r| hosts(LINUX_1024, 3, r)),
    case("one random host, 100 a second, 30 % again", Promise::NeverNat, busy),
    case("one stable host, every TSval the same", Promise::NoClock, frozen),
    case("one stable host that scans as well", Promise::Single, scanning),
    case("an address changes hands", Promise::None, handed_over),
    case("50 hosts, one or two SYNs each", Promise::None, sparse),
    case("20 stable and 200 random hosts", Promise::None, crowd),
    Situation {
        name: "400 hosts, 0.05 a second, 2 min",
        runs: 40,
        promise: Promise::None,
        make: |r| carrier(400, r),
    },
    Situation {
        name: "1,000 hosts, 0.05 a second, 2 min",
        runs: 20,
        promise: Promise::None,
        make: |r| carrier(1_000, r),
    },
    case("one Linux of 2026, ports given out again", Promise::Translated, |r| {
        reused(kind::LINUX_TUPLE, 1, r)
    }),
    case("the same, not remembered", Promise::NeverNat, |r| pooled(kind::LINUX_TUPLE, 1, r)),
    case("one stable host, ports given out again", Promise::OneClock, |r| reused(kind::LINUX, 1, r)),
    case("2 stable hosts, ports given out again", Promise::Several, |r| reused(kind::LINUX, 2, r)),
    case("2 stable hosts, one seen only where it is remembered", Promise::Nat, remembered_alone),
    case("a Linux that restarts, ports given out again", Promise::NeverNat, |r| restarted(kind::LINUX, r)),
    case("an old Linux that restarts, ports given out again", Promise::NeverNat, |r| {
        restarted(kind::LINUX_250, r)
    }),
    case("a phone that sleeps, ports given out again", Promise::NeverNat, asleep),
    case("one stable host on one port", Promise::Single, |r| on_one_port(kind::LINUX, 1, 0.0, r)),
    case("a phone that sleeps on one port", Promise::NeverNat, |r| on_one_port(kind::ANDROID, 1, 0.5, r)),
    case("one Linux of 2026 on one port of a NAT", Promise::NeverNat, |r| {
        on_one_port(kind::LINUX_TUPLE, 1, 0.0, r)
    }),
    case("one Mac on one port of a NAT", Promise::NeverNat, |r| on_one_port(kind::APPLE, 1, 0.0, r)),
    case("2 stable hosts on one port", Promise::Several, |r| on_one_port(kind::LINUX, 2, 0.0, r)),
];

/// Ordinary conditions: 0.1 to 5 connections a second and host, about 200 in all.
fn ordinary(hosts: u32, random: &mut Random) -> Conditions {
    let rate = random.decades(0.1, 5.0);
    Conditions {
        rate,
        window: 200.0 / (rate * f64::from(hosts.max(1))),
        delay: Delay::Uniform(0.05),
        loss: 0.01,
        again: 0.05,
    }
}

/// Everybody alike.
fn alike(kind: Kind, hosts: u32, conditions: Conditions, ports: Ports, random: &mut Random) -> Mixed {
    let quirks = Quirks { hops: 8, ..Quirks::default() };
    together(&vec![(kind, conditions, quirks); hosts as usize], ports, random)
}

fn hosts(kind: Kind, hosts: u32, random: &mut Random) -> Mixed {
    let conditions = ordinary(hosts, random);
    alike(kind, hosts, conditions, Ports::Random, random)
}

fn delayed(kind: Kind, delay: Delay, random: &mut Random) -> Mixed {
    let conditions = Conditions { delay, ..ordinary(1, random) };
    alike(kind, 1, conditions, Ports::Kept, random)
}

/// Three machines that started within so many seconds of one another, some minutes to days ago.
fn started(kind: Kind, within: f64, random: &mut Random) -> Mixed {
    let conditions = ordinary(3, random);
    let ago = random.decades(600.0, 1e6);
    let plan: Vec<_> = (0..3)
        .map(|_| {
            let uptime = Some(ago + random.between(0.0, within));
            (kind, conditions, Quirks { hops: 8, uptime, ..Quirks::default() })
        })
        .collect();
    together(&plan, Ports::Random, random)
}

fn busy(random: &mut Random) -> Mixed {
    let conditions =
        Conditions { rate: 100.0, window: 20.0, delay: Delay::Uniform(0.05), loss: 0.01, again: 0.3 };
    alike(kind::LINUX_TUPLE, 1, conditions, Ports::Kept, random)
}

/// A scanner: TSval is always the same.
fn frozen(random: &mut Random) -> Mixed {
    let mut mixed = hosts(kind::LINUX, 1, random);
    for syn in &mut mixed.stream {
        syn.tsval = Some(u32::MAX);
    }
    mixed
}

/// A host whose user scans with crafted packets beside what its own stack sends.
fn scanning(random: &mut Random) -> Mixed {
    let mut mixed = hosts(kind::LINUX, 1, random);
    for syn in &mut mixed.stream {
        if random.chance(0.4) {
            syn.tsval = Some(u32::MAX);
        }
    }
    mixed
}

/// One host until the middle, another one from there on.
fn handed_over(random: &mut Random) -> Mixed {
    let conditions = ordinary(1, random);
    let middle = conditions.window * random.between(0.3, 0.7);
    let quirks = |from, to| Quirks { hops: 8, present: Some((from, to)), ..Quirks::default() };
    let plan = [
        (kind::LINUX, conditions, quirks(0.0, middle)),
        (kind::LINUX, conditions, quirks(middle, conditions.window)),
    ];
    together(&plan, Ports::Kept, random)
}

fn sparse(random: &mut Random) -> Mixed {
    let conditions = Conditions { window: 600.0, rate: 1.5 / 600.0, ..ordinary(1, random) };
    alike(kind::LINUX, 50, conditions, Ports::Random, random)
}

fn crowd(random: &mut Random) -> Mixed {
    let conditions =
        Conditions { rate: 0.05, window: 200.0, delay: Delay::Uniform(0.05), loss: 0.01, again: 0.05 };
    let quirks = Quirks { hops: 8, ..Quirks::default() };
    let kinds = (0..220).map(|host| if host < 20 { kind::LINUX } else { kind::LINUX_TUPLE });
    let plan: Vec<_> = kinds.map(|kind| (kind, conditions, quirks)).collect();
    together(&plan, Ports::Random, random)
}

fn carrier(hosts: u32, random: &mut Random) -> Mixed {
    let conditions =
        Conditions { rate: 0.05, window: 120.0, delay: Delay::Uniform(0.05), loss: 0.01, again: 0.05 };
    alike(kind::LINUX, hosts, conditions, Ports::Random, random)
}

/// 2 to 20 connections a second through 32 to 128 outside ports: most come again within a minute.
fn pooled(kind: Kind, hosts: u32, random: &mut Random) -> Mixed {
    let rate = random.decades(2.0, 20.0) / f64::from(hosts);
    let ports = random.one_of(&[32, 64, 128]);
    let conditions = Conditions {
        rate,
        window: random.between(20.0, 40.0).max(f64::from(ports) / rate / f64::from(hosts)),
        delay: Delay::Uniform(random.one_of(&[0.0, 0.05])),
        loss: 0.01,
        again: 0.05,
    };
    alike(kind, hosts, conditions, Ports::Pool(ports), random)
}

/// The same with what the server remembers of each port.
fn reused(kind: Kind, hosts: u32, random: &mut Random) -> Mixed {
    let mut mixed = pooled(kind, hosts, random);
    remember(&mut mixed.stream, random);
    mixed
}

/// Two hosts of which only one is seen, the one that is refused: what the server remembers shows the other.
fn remembered_alone(random: &mut Random) -> Mixed {
    let (rate, ports) = (random.decades(0.5, 5.0), random.one_of(&[4, 8]));
    let mut mixed = through(rate, ports, kind::LINUX, 2, Quirks { hops: 8, ..Quirks::default() }, random);
    // The one that is ahead is never refused, and shows nothing of the other.
    let refused = |syn: &&Sent| {
        let left = syn.remembered.zip(syn.tsval);
        left.is_some_and(|(left, tsval)| tsval.wrapping_sub(left.tsval).cast_signed() < 0)
    };
    let behind = mixed.stream.iter().find(refused).map_or(0, |syn| syn.host);
    mixed.stream.retain(|syn| syn.host == behind);
    mixed
}

/// Started anew in the middle, while the server remembers what was before for each port.
fn restarted(kind: Kind, random: &mut Random) -> Mixed {
    let reboot = Some(random.between(60.0, 240.0));
    lively(kind, Quirks { hops: 8, reboot, ..Quirks::default() }, random)
}

fn asleep(random: &mut Random) -> Mixed {
    lively(kind::ANDROID, Quirks { hops: 8, sleep: 0.5, ..Quirks::default() }, random)
}

fn lively(kind: Kind, quirks: Quirks, random: &mut Random) -> Mixed {
    let (rate, ports) = (random.decades(0.1, 5.0), random.one_of(&[4, 8, 32]));
    through(rate, ports, kind, 1, quirks, random)
}

/// Five minutes through few ports, of which the server remembers what was on them.
fn through(rate: f64, ports: u16, kind: Kind, hosts: u32, quirks: Quirks, random: &mut Random) -> Mixed {
    let ports = Ports::Pool(ports);
    let conditions = Conditions { rate, window: 300.0, delay: Delay::Uniform(0.05), loss: 0.01, again: 0.05 };
    let mut mixed = together(&vec![(kind, conditions, quirks); hosts as usize], ports, random);
    remember(&mut mixed.stream, random);
    mixed
}

/// A NAT with a single port, or a client that keeps to one.
fn on_one_port(kind: Kind, hosts: u32, sleep: f64, random: &mut Random) -> Mixed {
    let rate = random.decades(0.02, 1.0);
    let conditions =
        Conditions { rate, window: 60.0 / rate, delay: Delay::Uniform(0.05), loss: 0.01, again: 0.05 };
    let quirks = Quirks { hops: 8, sleep, ..Quirks::default() };
    let mut mixed = together(&vec![(kind, conditions, quirks); hosts as usize], Ports::Pool(1), random);
    remember(&mut mixed.stream, random);
    mixed
}
