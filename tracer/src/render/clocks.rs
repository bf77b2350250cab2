//! The clocks of a source as lines in a picture of TSval against time: the full screen and the page draw the same ones.

use crate::model::{
    Nanos,
    nat::{Clock, Nat, NatVerdict},
};

/// Clocks that get a line.
pub(super) const LINES: usize = 9;

/// TSval comes around here.
pub(super) const AROUND: f64 = 4_294_967_296.0;

/// Seconds from one moment to another.
#[expect(clippy::cast_precision_loss, reason = "a picture of some hundred cells or dots")]
pub(super) fn seconds(time: Nanos, since: Nanos) -> f64 {
    time.0.saturating_sub(since.0) as f64 / 1e9
}

/// TSval of a clock so long before its last reading, modulo 2^32.
pub(super) fn at(clock: &Clock, seconds_before_last: f64) -> f64 {
    (f64::from(clock.tsval) - clock.rate_hz * seconds_before_last).rem_euclid(AROUND)
}

/// Until when the line of a clock is drawn in a picture that ends at `end`. Clocks that run beside each other go on; of one
/// that took the place of another the end is what matters.
pub(super) fn until(nat: &Nat, clock: &Clock, end: Nanos) -> Nanos {
    let go_on = matches!(nat.verdict, NatVerdict::SingleHost | NatVerdict::Nat);
    if go_on { end.max(clock.last) } else { clock.last }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_goes_on_below_zero() {
        let clock = Clock { rate_hz: 1000.0, first: Nanos(0), last: Nanos(0), tsval: 500, readings: 2 };
        assert!((at(&clock, 1.0) - 4_294_966_796.0).abs() < 1.0);
    }
}
