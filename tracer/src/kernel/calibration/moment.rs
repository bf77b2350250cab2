//! When something was noted, by the clocks that the kernel takes its seconds from.

use std::io;

use nix::time::{ClockId, clock_gettime};

use super::search::Want;

/// By how much the kernel's own clock of seconds may be behind: a tick, and what a virtual machine stands still.
pub(super) const BEHIND_MS: u64 = 60;
const BEHIND_NS: i64 = BEHIND_MS.cast_signed() * 1_000_000;
const SECOND_NS: i64 = 1_000_000_000;

/// A moment: the monotonic clock, by which TCP notes seconds since 4.19, and the time of day, by which it did before. Nanoseconds.
pub(super) struct Moment([i64; 2]);

impl Moment {
    /// Before it is noted.
    pub(super) fn now() -> io::Result<Self> {
        let read = |clock| -> io::Result<i64> {
            let time = clock_gettime(clock)?;
            Ok(time.tv_sec() * SECOND_NS + time.tv_nsec())
        };
        Ok(Self([read(ClockId::CLOCK_MONOTONIC)?, read(ClockId::CLOCK_REALTIME)?]))
    }

    /// The seconds that may have been noted between then and now.
    pub(super) fn seconds(&self) -> io::Result<Want> {
        let Self(now) = Self::now()?;
        let second = |ns: i64| u64::try_from(ns / SECOND_NS).unwrap_or(0);
        let any_of =
            self.0.iter().zip(now).map(|(then, now)| second(then - BEHIND_NS)..=second(now)).collect();
        Ok(Want::Number { bytes: 4, mask: u64::MAX, any_of })
    }
}
