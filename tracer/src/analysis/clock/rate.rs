//! Rates of timestamp clocks, and how far a reading may lie from where a clock of that rate is expected.

/// Rates that stacks use, ticks a second, the most likely first: Linux since 4.13 and Android; `CONFIG_HZ` of older kernels;
/// embedded stacks; Linux with the route feature `tcp_usec_ts` (6.7).
pub(in crate::analysis) const RATES: [u32; 6] = [1000, 250, 300, 100, 10, 1_000_000];
/// Index of the microsecond clock.
pub(in crate::analysis) const USEC: usize = 5;
/// Every rate is possible.
pub(super) const ANY: u8 = (1 << RATES.len()) - 1;

/// How much later a SYN may arrive than its neighbours, milliseconds.
const JITTER_MS: f64 = 250.0;
/// By how much two machines' clocks differ in speed.
const SKEW: f64 = 250e-6;
/// A packet may be this late and still be of a clock that is known well, milliseconds.
pub(in crate::analysis) const LATE_MS: f64 = 3000.0;
/// Old macOS and iOS tick at 941 to 999 Hz where 1000 are meant: this share of a gap may be missing.
const SLOW: f64 = 0.065;

/// Where a clock of this rate stood at time 0, from a reading; times are milliseconds.
pub(in crate::analysis) fn intercept(rate: usize, at_ms: u32, tsval: u32) -> u32 {
    let ticks = u64::from(RATES[rate]) * u64::from(at_ms) / 1000;
    // Modulo 2^32, as the clock itself.
    tsval.wrapping_sub(ticks as u32)
}

/// How far a reading may lie from the clock, in ticks, this long after the clock's last one.
pub(in crate::analysis) fn tolerance(rate: usize, gap_ms: u32) -> i64 {
    ticks(rate, JITTER_MS + SKEW * f64::from(gap_ms)) + 2
}

/// How far it may lie behind because the clock is slow.
pub(in crate::analysis) fn slack(rate: usize, gap_ms: u32) -> i64 {
    if RATES[rate] == 1000 { ticks(rate, SLOW * f64::from(gap_ms)) } else { 0 }
}

/// A time as ticks.
pub(in crate::analysis) fn ticks(rate: usize, ms: f64) -> i64 {
    (f64::from(RATES[rate]) * ms / 1000.0) as i64
}

/// More ticks than this no clock advances in this time, late packets included.
pub(in crate::analysis) fn fastest(gap_ms: u32) -> i64 {
    ticks(USEC, 1.1 * f64::from(gap_ms) + LATE_MS)
}

/// By how much `a` is ahead of `b`, modulo 2^32.
pub(in crate::analysis) fn ahead(a: u32, b: u32) -> i64 {
    i64::from(a.wrapping_sub(b).cast_signed())
}

/// log10 of how many groups of `m` readings that lie on one clock are expected among `all` random ones, of which `window`
/// are remembered at a time: the scan statistic's bound, n * C(N-1, m-1) * q^(m-1).
pub(in crate::analysis) fn chance(rate: usize, all: u32, window: u32, m: u32, gap_ms: u32) -> f64 {
    let m = m.clamp(2, 12);
    let window = window.min(all).max(m);
    let wide = 2 * tolerance(rate, gap_ms) + slack(rate, gap_ms);
    let q = (wide as f64 / 4_294_967_296.0).min(1.0);
    let mut log = f64::from(all.max(1)).log10() + f64::from(m - 1) * q.log10();
    for i in 1..m {
        log += (f64::from(window - i) / f64::from(i)).log10();
    }
    log
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks_wrap() {
        assert_eq!(intercept(0, 10, 5), u32::MAX - 4);
        assert_eq!(ahead(3, u32::MAX), 4);
        assert_eq!(ahead(u32::MAX, 3), -4);
        assert_eq!(intercept(USEC, u32::MAX, 0), intercept(USEC, u32::MAX, 7).wrapping_sub(7));
    }

    #[test]
    fn three_readings_of_a_millisecond_clock_are_no_chance() {
        assert!(chance(0, 300, 300, 3, 10_000) < -5.0);
        assert!(chance(USEC, 300, 300, 3, 10_000) > -3.0);
        assert!(chance(USEC, 300, 300, 8, 10_000) < -8.0);
    }
}
