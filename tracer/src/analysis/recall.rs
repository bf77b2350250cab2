//! Decides which timestamp `tcp_tw_recycle` compared a SYN with: what our own programs noted, or what the kernel says of its
//! own memory. Knows nothing of how the kernel is asked.
//!
//! Our note is of the very moment, but knows no connection that ended before the start. The kernel's answer knows those, but
//! comes a moment later, when another connection may have left another timestamp. Both follow one rule (the newest stays,
//! for a minute), so that the newer of the two was there, unless it came after the SYN.

use crate::model::{Cause, Drop};

/// What the kernel remembers of an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// The last timestamp, ticks of the client's clock.
    pub tsval: u32,
    /// When it was read from a packet: seconds since 1970.
    pub second: i64,
}

/// `TCP_PAWS_MSL`: seconds for which it counts.
const LASTS_S: i64 = 60;
/// `TCP_PAWS_WINDOW`: ticks that are forgiven.
const FORGIVEN: i32 = 1;

/// Puts what was compared with into a drop, or takes it out where nothing is known that explains the drop. `kernel` is what
/// the kernel said, soon after the drop or at any time since the start. Any number of times with the same answer.
pub fn recall(drop: &mut Drop, kernel: Option<Stamp>) {
    if drop.cause != Cause::PawsRecycle {
        return;
    }
    let second = drop.time.0.div_euclid(1_000_000_000);
    let age_s = |ms: u64| i64::try_from(ms / 1000).unwrap_or(i64::MAX);
    let noted = drop
        .ts_recent
        .zip(drop.ts_age_ms)
        .map(|(tsval, ms)| Stamp { tsval, second: second.saturating_sub(age_s(ms)) });
    let explains = |stamp: &Stamp| {
        let fresh = (0..=LASTS_S).contains(&second.saturating_sub(stamp.second));
        let refuses = drop.syn.tsval.is_none_or(|tsval| ahead(stamp.tsval, tsval) > FORGIVEN);
        fresh && refuses
    };
    let compared = match (noted.filter(explains), kernel.filter(explains)) {
        (Some(noted), Some(kernel)) => Some(match ahead(kernel.tsval, noted.tsval) {
            // The same; the kernel's second is the one that it reckons with.
            0 => kernel,
            1.. if kernel.second < second => kernel,
            _ => noted,
        }),
        (None, kernel) => kernel.filter(|stamp| stamp.second < second),
        (noted, None) => noted,
    };
    drop.ts_recent = compared.map(|stamp| stamp.tsval);
    drop.ts_age_ms =
        compared.map(|stamp| u64::try_from(second.saturating_sub(stamp.second)).unwrap_or(0) * 1000);
}

/// Ticks by which one timestamp is ahead of another, modulo 2^32.
fn ahead(a: u32, b: u32) -> i32 {
    a.wrapping_sub(b).cast_signed()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Nanos, any::bare};

    const DROPPED: i64 = 1_700_000_100;
    const NONE: Option<Stamp> = None;

    #[expect(clippy::unnecessary_wraps, reason = "beside NONE")]
    fn stamp(tsval: u32, age_s: i64) -> Option<Stamp> {
        Some(Stamp { tsval, second: DROPPED - age_s })
    }

    /// A drop half a second into its second, with what was noted of it, and what comes out of it.
    fn compared(tsval: Option<u32>, noted: Option<Stamp>, kernel: Option<Stamp>) -> Option<Stamp> {
        let mut drop = bare(Cause::PawsRecycle);
        drop.time = Nanos(DROPPED * 1_000_000_000 + 500_000_000);
        drop.syn.tsval = tsval;
        drop.ts_recent = noted.map(|stamp| stamp.tsval);
        drop.ts_age_ms = noted.map(|stamp| u64::try_from(DROPPED - stamp.second).unwrap() * 1000);
        recall(&mut drop, kernel);
        let once = (drop.ts_recent, drop.ts_age_ms);
        recall(&mut drop, kernel);
        assert_eq!((drop.ts_recent, drop.ts_age_ms), once, "twice is as once");
        let (tsval, ms) = once.0.zip(once.1)?;
        Some(Stamp { tsval, second: DROPPED - i64::try_from(ms / 1000).unwrap() })
    }

    #[test]
    fn the_newer_one_was_there() {
        // A connection that ended before the start: nobody but the kernel knows.
        assert_eq!(compared(Some(5000), NONE, stamp(9000, 20)), stamp(9000, 20));
        // One that ended since then with an older clock changed nothing.
        assert_eq!(compared(Some(5000), stamp(6000, 2), stamp(9000, 20)), stamp(9000, 20));
        // One with a newer clock did, and the kernel was asked before it.
        assert_eq!(compared(Some(5000), stamp(9500, 2), stamp(9000, 20)), stamp(9500, 2));
        // Around the end of the counter, too.
        assert_eq!(compared(Some(0xffff_0000), stamp(0xffff_f000, 2), stamp(10, 20)), stamp(10, 20));
    }

    #[test]
    fn one_that_came_after_the_drop_was_not() {
        assert_eq!(compared(Some(5000), stamp(6000, 2), stamp(9000, 0)), stamp(6000, 2));
        assert_eq!(compared(Some(5000), stamp(6000, 2), stamp(9000, -1)), stamp(6000, 2));
        assert_eq!(compared(Some(5000), NONE, stamp(9000, 0)), NONE);
        // What the programs had noted already was there.
        assert_eq!(compared(Some(5000), stamp(9000, 0), stamp(9000, 0)), stamp(9000, 0));
    }

    #[test]
    fn the_kernels_second_where_both_agree() {
        assert_eq!(compared(Some(5000), stamp(9000, 1), stamp(9000, 4)), stamp(9000, 4));
        assert_eq!(compared(Some(5000), stamp(9000, 1), NONE), stamp(9000, 1));
    }

    #[test]
    fn what_explains_no_drop_was_not_compared_with() {
        for tsval in [9000, 8999, 12_000] {
            assert_eq!(compared(Some(tsval), NONE, stamp(9000, 20)), NONE, "{tsval}");
            assert_eq!(compared(Some(tsval), stamp(9000, 20), NONE), NONE, "{tsval}");
        }
        assert_eq!(compared(Some(8998), NONE, stamp(9000, 20)), stamp(9000, 20));
        assert_eq!(compared(Some(5000), NONE, stamp(9000, 61)), NONE, "a minute is over");
        // Without a timestamp whatever is fresh refuses.
        assert_eq!(compared(None, NONE, stamp(9000, 20)), stamp(9000, 20));
        assert_eq!(compared(None, NONE, NONE), NONE);
    }

    #[test]
    fn other_causes_are_left_alone() {
        let mut drop = bare(Cause::PawsTimeWait);
        drop.ts_recent = Some(7);
        let before = drop.clone();
        recall(&mut drop, stamp(9000, 20));
        assert_eq!(drop, before);
    }
}
