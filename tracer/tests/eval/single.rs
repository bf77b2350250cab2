//! One host behind an address: every kind of it under every condition.

use crate::eval::{
    host::{Conditions, Delay, Host, Quirks, Sent},
    kind::{self, Kind},
    measure::View,
    path::{Ports, merge, remember},
    random::Random,
};

/// What a row of single hosts should be called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expected {
    /// `single-host`, from 8 connections on.
    Single,
    /// `per-connection-timestamps`, from 10 connections on.
    PerConnection,
    /// `reboot` or `clock-change`, from 4 connections before and after on.
    Change,
    /// `no-timestamps`, from 4 connections on.
    NoTimestamps,
}

/// What a row adds to its kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Twist {
    None,
    Reboot,
    Sleep,
    Burst,
    /// 10 % of SYNs lost, 30 % of connections retried.
    Lossy,
}

/// A kind of single host.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    pub(crate) twist: Twist,
    pub(crate) expected: Expected,
}

const fn row(name: &'static str, kind: Kind, twist: Twist, expected: Expected) -> Row {
    Row { name, kind, twist, expected }
}

/// Every kind of single host.
pub(crate) const ROWS: [Row; 19] = [
    row("Linux, offset per pair", kind::LINUX, Twist::None, Expected::Single),
    row("old Linux, 1000 Hz", kind::LINUX_1000, Twist::None, Expected::Single),
    row("old Linux, 300 Hz", kind::LINUX_300, Twist::None, Expected::Single),
    row("old Linux, 250 Hz", kind::LINUX_250, Twist::None, Expected::Single),
    row("old Linux, 100 Hz", kind::LINUX_100, Twist::None, Expected::Single),
    row("embedded, 10 Hz", kind::EMBEDDED, Twist::None, Expected::Single),
    row("Linux, 1 MHz", kind::MICROSECONDS, Twist::None, Expected::Single),
    row("old macOS/iOS, 944 to 999 Hz", kind::APPLE_OLD, Twist::None, Expected::Single),
    row("phone that sleeps", kind::ANDROID, Twist::Sleep, Expected::Single),
    row("browser in bursts, stable", kind::LINUX, Twist::Burst, Expected::Single),
    row("loss 10 %, retries 30 %, stable", kind::LINUX, Twist::Lossy, Expected::Single),
    row("macOS/iOS, random", kind::APPLE, Twist::None, Expected::PerConnection),
    row("FreeBSD, random", kind::FREEBSD, Twist::None, Expected::PerConnection),
    row("Linux of 2026, random", kind::LINUX_TUPLE, Twist::None, Expected::PerConnection),
    row("browser in bursts, random", kind::APPLE, Twist::Burst, Expected::PerConnection),
    row("loss 10 %, retries 30 %, random", kind::LINUX_TUPLE, Twist::Lossy, Expected::PerConnection),
    row("reboot, uptime clock", kind::LINUX_250, Twist::Reboot, Expected::Change),
    row("reboot, random offset", kind::LINUX, Twist::Reboot, Expected::Change),
    row("Windows, no timestamps", kind::WINDOWS, Twist::None, Expected::NoTimestamps),
];

/// A run: what arrived and how it was looked at.
pub(crate) struct Single {
    pub(crate) stream: Vec<Sent>,
    pub(crate) view: View,
    pub(crate) ports: Ports,
    /// When the host started anew.
    pub(crate) reboot: Option<f64>,
}

/// Most SYNs that a run may expect.
const MOST: f64 = 1_500.0;
/// Fewest connections that a run may expect: an address that sent one SYN tests nothing.
const FEWEST: f64 = 5.0;

/// The grid, drawn from jointly: rates and windows by decades, everything else evenly. A run that would see too many
/// SYNs is cut short, one that would see too few goes on.
pub(crate) fn conditions(random: &mut Random) -> Conditions {
    let rate = random.decades(0.01, 100.0);
    let window = random.decades((FEWEST / rate).max(30.0), 3600.0).min((MOST / rate).max(1.0));
    Conditions {
        rate,
        window,
        delay: Delay::Uniform(random.one_of(&[0.0, 0.05, 0.2])),
        loss: random.one_of(&[0.0, 0.01, 0.05, 0.1]),
        again: random.one_of(&[0.0, 0.05, 0.15, 0.3]),
    }
}

/// Makes a run.
pub(crate) fn single(row: &Row, random: &mut Random) -> Single {
    let mut conditions = conditions(random);
    let mut quirks = Quirks { hops: 1 + random.below(16) as u8, ..Quirks::default() };
    quirks.detour = random.chance(0.05).then(|| random.between(0.0, conditions.window));
    match row.twist {
        Twist::None => {}
        Twist::Burst => quirks.burst = true,
        Twist::Sleep => {
            // A phone sleeps for the better part of the day; pauses over 15 s are rare on busy ones.
            quirks.sleep = 0.5;
        }
        Twist::Lossy => {
            conditions.loss = 0.1;
            conditions.again = 0.3;
        }
        Twist::Reboot => {
            conditions.window = conditions.window.max(120.0);
            conditions.rate = conditions.rate.min(MOST / conditions.window);
            quirks.reboot = Some(conditions.window * random.between(0.2, 0.8));
        }
    }
    let host = Host::new(row.kind, 0, &quirks, conditions.window, random);
    let sent = host.send(&conditions, &quirks, random);
    let ports = random.one_of(&[Ports::Kept, Ports::Kept, Ports::Random, Ports::InTurn]);
    let mut stream = merge(vec![sent], ports, random);
    let view = random.weighted(&[(View::Syns, 0.9), (View::Handshakes, 0.05), (View::Both, 0.05)]);
    remember(&mut stream, random);
    Single { stream, view, ports, reboot: quirks.reboot }
}
