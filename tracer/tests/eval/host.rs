//! One host and the SYNs of its that arrive: when, with which TSval, from which port.

use tracer::{analysis::clock::Remembered, model::reading::Stack};

use crate::eval::{
    kind::{Clock, Kind, System},
    random::{Random, mixed},
};

/// What there is between a host and us, and how busy the host is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Conditions {
    /// Connections a second.
    pub(crate) rate: f64,
    /// Seconds that are watched.
    pub(crate) window: f64,
    /// The path's delay.
    pub(crate) delay: Delay,
    /// Share of SYNs that get lost.
    pub(crate) loss: f64,
    /// Share of connections whose SYN is sent again.
    pub(crate) again: f64,
}

/// How a delay varies, seconds.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Delay {
    /// Evenly between 0 and this; 2 in 1,000 SYNs up to 2 s.
    Uniform(f64),
    /// Exponential with this mean.
    Exponential(f64),
}

/// What is unusual about a host.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Quirks {
    /// Starts anew at this second.
    pub(crate) reboot: Option<f64>,
    /// Share of pauses over 15 s that it sleeps through, its clock standing still.
    pub(crate) sleep: f64,
    /// Opens several connections at once.
    pub(crate) burst: bool,
    /// Is there only between these seconds.
    pub(crate) present: Option<(f64, f64)>,
    /// Routers on its way to us.
    pub(crate) hops: u8,
    /// Its way becomes one router longer at this second.
    pub(crate) detour: Option<f64>,
    /// Seconds since it started, when that matters; otherwise days.
    pub(crate) uptime: Option<f64>,
}

/// A SYN on its way, and what is true of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sent {
    /// Arrival, seconds.
    pub(crate) at: f64,
    pub(crate) tsval: Option<u32>,
    pub(crate) sport: u16,
    pub(crate) seq: u32,
    pub(crate) stack: Stack,
    pub(crate) label: &'static str,
    pub(crate) remembered: Option<Remembered>,
    /// Whose it is.
    pub(crate) host: u32,
    /// Which of the host's connections.
    pub(crate) connection: u32,
    /// Ticks a second of its clock.
    pub(crate) hz: f64,
}

/// A host, once it has drawn its lot.
pub(crate) struct Host {
    kind: Kind,
    skew: f64,
    offset: f64,
    uptime: f64,
    secret: u64,
    moody: bool,
    id: u32,
}

impl Host {
    /// A host of this kind.
    pub(crate) fn new(kind: Kind, id: u32, quirks: &Quirks, window: f64, random: &mut Random) -> Self {
        let skew = kind.skew(random);
        let slow = if kind.clock == Clock::Slow { random.between(0.944, 0.999) - 1.0 } else { 0.0 };
        let offset = if random.chance(0.05) {
            // Otherwise hardly any would be seen to wrap around.
            4_294_967_296.0 - kind.hz * random.unit() * window
        } else {
            random.between(0.0, 4_294_967_296.0)
        };
        Self {
            kind,
            skew: skew + slow,
            offset,
            uptime: quirks.uptime.unwrap_or_else(|| random.exponential(5.0 * 86400.0) + 60.0),
            secret: u64::from(random.word()) << 32 | u64::from(random.word()),
            moody: random.chance(0.3),
            id,
        }
    }

    /// Its SYNs that arrive, in no particular order, from its own ports.
    pub(crate) fn send(&self, conditions: &Conditions, quirks: &Quirks, random: &mut Random) -> Vec<Sent> {
        let mut sent = Vec::new();
        let (first, ports) = self.kind.ports();
        let mut port = random.below(ports.into());
        let mut shuffled = 0;
        let (mut slept, mut last) = (0.0, 0.0);
        // Linux counts from 300 s before the wrap; others from 0.
        let ago = if self.kind.system == System::Linux { -300.0 } else { 0.0 };
        let fresh = random.between(15.0, 60.0);
        let second = f64::from(random.word());
        for (connection, at) in times(conditions, quirks, random).into_iter().enumerate() {
            if at - last > 15.0 && random.chance(quirks.sleep) {
                slept += (at - last) * random.between(0.3, 0.95);
            }
            last = at;
            let epoch = (at / 10.0) as u32 + 1;
            if epoch != shuffled && self.kind.clock != Clock::Uptime && self.kind.label() == "Linux" {
                // Linux since 5.18 looks for ports elsewhere every 10 s.
                port = random.below(ports.into());
                shuffled = epoch;
            }
            let step = random.unit();
            port = (port
                + if step < 0.88 {
                    1 + random.below(16)
                } else if step < 0.95 {
                    17 + random.below(240)
                } else {
                    random.below(ports.into())
                })
                % u32::from(ports);
            let sport = first + port as u16;
            let seq = random.word();
            let own = match self.kind.clock {
                Clock::Tuple => mixed(self.secret ^ u64::from(sport)) as u32,
                _ => random.word(),
            };
            let further = u8::from(quirks.detour.is_some_and(|detour| at >= detour));
            let stack = self.kind.stack(self.moody, quirks.hops + further, random);
            for wait in retries(conditions.again, random) {
                let left = at + wait;
                // What still tries is awake: no clock that stands still now and then runs backwards.
                last = left;
                let down = quirks.reboot.is_some_and(|reboot| left >= reboot && left < reboot + fresh);
                if random.chance(conditions.loss) || down {
                    continue;
                }
                let rebooted = quirks.reboot.filter(|reboot| left >= *reboot);
                let clock = left * (1.0 + self.skew) - slept;
                let ticks = match (self.kind.clock, rebooted) {
                    (Clock::None, _) => None,
                    (Clock::Uptime, None) => Some(self.kind.hz * (self.uptime + ago + clock)),
                    (Clock::Uptime, Some(reboot)) => Some(self.kind.hz * (left - reboot + ago)),
                    (Clock::Pair | Clock::Slow, None) => Some(self.offset + self.kind.hz * clock),
                    (Clock::Pair | Clock::Slow, Some(_)) => Some(second + self.kind.hz * clock),
                    (Clock::Tuple | Clock::Connection, _) => Some(f64::from(own) + self.kind.hz * clock),
                };
                sent.push(Sent {
                    at: left + delay(conditions.delay, random),
                    tsval: ticks.map(|ticks| (ticks.floor() as i64) as u32),
                    sport,
                    seq,
                    stack,
                    label: self.kind.label(),
                    remembered: None,
                    host: self.id,
                    connection: connection as u32,
                    hz: self.kind.hz,
                });
            }
        }
        sent
    }

    /// Where its clock stands at second 0, in seconds; equal rates and equal places cannot be told apart.
    pub(crate) fn place(&self) -> Option<(f64, f64)> {
        let hz = self.kind.hz;
        match self.kind.clock {
            Clock::Pair | Clock::Slow => Some((hz, self.offset / hz)),
            Clock::Uptime if self.kind.system == System::Linux => Some((hz, self.uptime - 300.0)),
            Clock::Uptime => Some((hz, self.uptime)),
            _ => None,
        }
    }
}

/// When connections are opened, seconds; at most 100,000 of them.
fn times(conditions: &Conditions, quirks: &Quirks, random: &mut Random) -> Vec<f64> {
    let (start, end) = quirks.present.unwrap_or((0.0, conditions.window));
    let gap = if quirks.burst { 3.0 / conditions.rate } else { 1.0 / conditions.rate };
    let mut times = Vec::new();
    let mut at = start + random.exponential(gap);
    while at < end && times.len() < 100_000 {
        times.push(at);
        if quirks.burst {
            let mut next = at;
            for _ in 0..random.below(5) {
                next += random.exponential(0.01);
                times.push(next);
            }
        }
        at += random.exponential(gap);
    }
    times.sort_by(f64::total_cmp);
    times
}

/// Seconds after the first SYN at which it is sent, the first included.
fn retries(share: f64, random: &mut Random) -> &'static [f64] {
    if random.chance(share) { &[0.0, 1.0, 3.0, 7.0][..2 + random.below(3) as usize] } else { &[0.0] }
}

fn delay(delay: Delay, random: &mut Random) -> f64 {
    match delay {
        Delay::Uniform(_) if random.chance(0.002) => random.between(0.0, 2.0),
        Delay::Uniform(most) => random.between(0.0, most),
        Delay::Exponential(mean) => random.exponential(mean),
    }
}
