//! What source ports tell beside the clocks: whether one outside port jumps between clocks, and whether the ports follow one
//! another as a single host's do.

use super::rate::{RATES, USEC, ahead, ticks};

/// How long a TIME_WAIT bucket lives (`TCP_TIMEWAIT_LEN`), milliseconds.
const TIME_WAIT_MS: u32 = 60_000;
/// A timestamp that is so many ticks older than the remembered one is no matter of packets that overtook one another: both
/// are of different connections, one of which was over.
const JUMP: i64 = 5_000;
/// Ports whose last reading is kept.
const KEPT: usize = 128;
/// Ports that the next one may follow.
const RECENT: usize = 32;
/// How far a host's next port is from the one before, in most cases.
const STRIDE: i32 = 32;
/// SYNs that come closer together than this may have overtaken one another, milliseconds.
const APART_MS: u32 = 250;

/// The last reading of an outside port.
#[derive(Clone, Copy, Debug)]
struct Last {
    ports: (u16, u16),
    at_ms: u32,
    tsval: u32,
}

/// Jumps of outside ports between clocks.
#[derive(Clone, Debug, Default)]
pub(in crate::analysis) struct Jumps {
    last: Vec<Option<Last>>,
    seen: u32,
    first_ms: Option<u32>,
    /// One of them began with a reading after the first jump: a single reboot cannot have made both.
    certain: bool,
}

impl Jumps {
    /// A timestamp is compared with one that an earlier connection of the same ports left; `left_ms` is when, to the second.
    pub(super) fn remembered(&mut self, at_ms: u32, tsval: u32, left: u32, left_ms: Option<u32>) {
        if ahead(left, tsval) > JUMP {
            self.jump(at_ms, left_ms);
        }
    }

    /// A new connection from these ports; `proves`: its stack would not jump by itself.
    pub(super) fn connection(&mut self, ports: (u16, u16), at_ms: u32, tsval: u32, proves: bool) {
        if self.last.is_empty() {
            self.last = vec![None; KEPT];
        }
        // Multiplicative hash (Knuth): neighbouring ports do not meet.
        let hash = (u32::from(ports.0) << 16 | u32::from(ports.1)).wrapping_mul(2_654_435_761) >> 25;
        let now = Last { ports, at_ms, tsval };
        let before = self.last[hash as usize % KEPT].replace(now);
        let Some(before) = before.filter(|before| before.ports == ports) else { return };
        let gap = at_ms.saturating_sub(before.at_ms);
        if proves && gap <= TIME_WAIT_MS && !one_clock(ahead(tsval, before.tsval), gap) {
            self.jump(at_ms, Some(before.at_ms));
        }
    }

    fn jump(&mut self, at_ms: u32, left_ms: Option<u32>) {
        self.seen = self.seen.saturating_add(1);
        match self.first_ms {
            None => self.first_ms = Some(at_ms),
            Some(first) => self.certain |= left_ms.is_some_and(|left| left > first.saturating_add(1_000)),
        }
    }

    /// Jumps, if they prove translation in the path.
    pub(in crate::analysis) fn certain(&self) -> u32 {
        if self.certain { self.seen } else { 0 }
    }

    /// All of them.
    pub(in crate::analysis) fn seen(&self) -> u32 {
        self.seen
    }

    pub(super) fn heap(&self) -> usize {
        self.last.capacity() * size_of::<Option<Last>>()
    }
}

/// Whether any clock advances by so much in this time.
fn one_clock(advance: i64, gap_ms: u32) -> bool {
    let wide = |rate| ticks(rate, 3_000.0);
    (0..RATES.len()).any(|rate| {
        // A microsecond clock passes half its range in 36 minutes, so that a minute tells.
        let most = ticks(rate, 1.1 * f64::from(gap_ms)) + wide(rate);
        // Backwards no clock runs; a microsecond clock's jitter is as large as another's jump of an hour.
        let least = if rate == USEC { -ticks(0, 3_000.0) } else { -wide(rate) };
        (least..=most).contains(&advance)
    })
}

/// Whether each port follows the one before. Counted only where SYNs are far enough apart to be in order.
#[derive(Clone, Debug, Default)]
pub(in crate::analysis) struct Sequence {
    recent: Vec<(u32, u16)>,
    dport: u16,
    /// SYNs looked at.
    pub(in crate::analysis) seen: u32,
    /// ... that follow the one before.
    pub(in crate::analysis) next: u32,
    /// ... that follow any of the last.
    pub(in crate::analysis) any: u32,
}

impl Sequence {
    /// A SYN that is not one that came again. The first server port alone is looked at: a host counts ports for each.
    pub(super) fn add(&mut self, at_ms: u32, sport: u16, dport: u16) {
        if self.recent.is_empty() {
            self.dport = dport;
        }
        if sport < 1024 || dport != self.dport {
            return;
        }
        if self.recent.last().is_some_and(|(last, _)| at_ms.saturating_sub(*last) > APART_MS) {
            self.seen = self.seen.saturating_add(1);
            let follows = |(_, port): &(u32, u16)| {
                let step = i32::from(sport) - i32::from(*port);
                (-STRIDE / 2..=STRIDE).contains(&step) && step != 0
            };
            if let Some(back) = self.recent.iter().rev().position(follows) {
                self.any = self.any.saturating_add(1);
                self.next = self.next.saturating_add(u32::from(back == 0));
            }
        }
        if self.recent.len() >= RECENT {
            self.recent.remove(0);
        } else if self.recent.len() == self.recent.capacity() {
            self.recent.reserve_exact(8);
        }
        self.recent.push((at_ms, sport));
    }

    /// How many hosts take turns, if ports tell at all: the inverse of how often the next SYN is of the same host.
    pub(in crate::analysis) fn hosts(&self) -> Option<f64> {
        if self.seen < 40 || self.any * 2 < self.seen {
            return None;
        }
        let share = f64::from(self.next) / f64::from(self.any);
        // One host alone follows itself in four of five cases at the least.
        let spread = (0.8_f64 * 0.2 / f64::from(self.any)).sqrt();
        (share < 0.55 && share < 0.8 - 6.0 * spread).then(|| 1.0 / share.max(1.0 / RECENT as f64))
    }

    pub(super) fn heap(&self) -> usize {
        self.recent.capacity() * size_of::<(u32, u16)>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_jump_that_a_reboot_explains_is_not_certain() {
        let mut jumps = Jumps::default();
        // Many connections meet what was there before the reboot, and all of that is older than the first.
        for n in 0..10 {
            jumps.remembered(100_000 + n, 5, 4_000_000, Some(70_000));
        }
        assert_eq!((jumps.seen(), jumps.certain()), (10, 0));
        jumps.remembered(103_000, 5, 4_000_000, Some(102_000));
        assert_eq!(jumps.certain(), 11);
    }

    #[test]
    fn one_clock_goes_forwards() {
        assert!(
            one_clock(1000, 1000) && one_clock(1_000_000, 1000) && one_clock(10, 1000) && one_clock(-2000, 5)
        );
        assert!(!one_clock(1_000_000_000, 60_000) && !one_clock(-100_000, 1000));
    }

    #[test]
    fn ports_of_one_host_follow_one_another() {
        let mut one = Sequence::default();
        let mut two = Sequence::default();
        for n in 0..200_u16 {
            one.add(u32::from(n) * 1000, 40_000 + n * 2, 443);
            two.add(u32::from(n) * 1000, 40_000 + n % 2 * 9_000 + n, 443);
        }
        assert_eq!(one.hosts(), None);
        assert!(two.hosts().is_some_and(|hosts| hosts >= 2.0), "{two:?}");
    }
}
