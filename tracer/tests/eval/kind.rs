//! The kinds of hosts: what each puts into the SYN, and what its clock does.

use tracer::model::{OptionKinds, reading::Stack};

use crate::eval::random::Random;

/// Where TSval comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Clock {
    /// A random offset for each pair of addresses (Linux 4.11 to 6.x), of which there is one here.
    Pair,
    /// Ticks since the machine started (Linux up to 4.9, embedded stacks).
    Uptime,
    /// Ticks since a random moment, a few percent too slow (old macOS and iOS).
    Slow,
    /// A random offset for every 4-tuple, the same when the tuple comes again (Linux since 2026, FreeBSD).
    Tuple,
    /// A random offset for every connection (macOS and iOS since 2021).
    Connection,
    /// SYNs carry no timestamps (Windows).
    None,
}

/// Whose stack it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum System {
    Linux,
    Android,
    Embedded,
    Apple,
    FreeBsd,
    Windows,
}

/// A kind of host.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Kind {
    pub(crate) system: System,
    pub(crate) clock: Clock,
    /// Ticks a second.
    pub(crate) hz: f64,
}

const fn kind(system: System, clock: Clock, hz: f64) -> Kind {
    Kind { system, clock, hz }
}

pub(crate) const LINUX: Kind = kind(System::Linux, Clock::Pair, 1e3);
pub(crate) const ANDROID: Kind = kind(System::Android, Clock::Pair, 1e3);
pub(crate) const LINUX_1000: Kind = kind(System::Linux, Clock::Uptime, 1e3);
pub(crate) const LINUX_300: Kind = kind(System::Linux, Clock::Uptime, 300.0);
pub(crate) const LINUX_250: Kind = kind(System::Linux, Clock::Uptime, 250.0);
pub(crate) const LINUX_100: Kind = kind(System::Linux, Clock::Uptime, 100.0);
pub(crate) const EMBEDDED: Kind = kind(System::Embedded, Clock::Uptime, 10.0);
pub(crate) const MICROSECONDS: Kind = kind(System::Linux, Clock::Pair, 1e6);
pub(crate) const LINUX_TUPLE: Kind = kind(System::Linux, Clock::Tuple, 1e3);
pub(crate) const ANDROID_TUPLE: Kind = kind(System::Android, Clock::Tuple, 1e3);
pub(crate) const FREEBSD: Kind = kind(System::FreeBsd, Clock::Tuple, 1e3);
pub(crate) const APPLE: Kind = kind(System::Apple, Clock::Connection, 1e3);
pub(crate) const APPLE_OLD: Kind = kind(System::Apple, Clock::Slow, 1e3);
pub(crate) const WINDOWS: Kind = kind(System::Windows, Clock::None, 0.0);

impl Kind {
    /// Whether all its connections share a clock.
    pub(crate) fn is_stable(self) -> bool {
        matches!(self.clock, Clock::Pair | Clock::Uptime | Clock::Slow)
    }

    /// Whether each connection has a clock of its own.
    pub(crate) fn is_random(self) -> bool {
        matches!(self.clock, Clock::Tuple | Clock::Connection)
    }

    /// How much faster than true its oscillator runs: a few ppm, old machines more, one in ten up to 200.
    pub(crate) fn skew(self, random: &mut Random) -> f64 {
        if random.chance(0.1) {
            return random.between(-200e-6, 200e-6);
        }
        match self.clock {
            Clock::Uptime | Clock::Slow => random.between(-100e-6, 100e-6),
            _ => random.normal(8e-6),
        }
    }

    /// What one of its SYNs looks like when it arrives. Real ones vary: an iPhone used two window scales within a
    /// second, a Windows host three layouts, and none of that is a second host.
    pub(crate) fn stack(self, moody: bool, hops: u8, random: &mut Random) -> Stack {
        let moody = moody && random.chance(0.3);
        let (options, wscale, ttl, window): (&[u8], u8, u8, u16) = match self.system {
            System::Linux => (&[2, 4, 8, 1, 3], 7, 64, 64240),
            System::Android => (&[2, 4, 8, 1, 3], if moody { 9 } else { 8 }, 64, 65535),
            System::Embedded => (&[2, 4, 8, 1, 3], 2, 64, 5840),
            System::Apple => (&[2, 1, 3, 1, 1, 8, 4, 0], if moody { 7 } else { 6 }, 64, 65535),
            System::FreeBsd => (&[2, 1, 3, 4, 8], 6, 64, 65535),
            System::Windows if moody && random.chance(0.5) => (&[2, 1, 1, 4], 0, 128, 64240),
            System::Windows => (&[2, 1, 3, 1, 1, 4], if moody { 2 } else { 8 }, 128, 64240),
        };
        let mut kinds = OptionKinds::default();
        for option in options {
            kinds.push(*option);
        }
        Stack {
            ttl: Some(ttl - hops),
            window: Some(window),
            mss: Some(1460),
            wscale: options.contains(&3).then_some(wscale),
            options: Some(kinds),
        }
    }

    /// What p0f would call it.
    pub(crate) fn label(self) -> &'static str {
        match self.system {
            System::Linux | System::Android | System::Embedded => "Linux",
            System::Apple => "Apple",
            System::FreeBsd => "FreeBSD",
            System::Windows => "Windows",
        }
    }

    /// The first source port, and how many there are from there on.
    pub(crate) fn ports(self) -> (u16, u16) {
        match self.system {
            System::Linux | System::Android | System::Embedded => (32768, 28232),
            System::FreeBsd => (10000, 55535),
            System::Apple | System::Windows => (49152, 16384),
        }
    }
}
