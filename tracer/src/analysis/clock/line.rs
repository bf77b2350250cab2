//! One line: a clock, or what may become one.

use super::rate::{ANY, RATES, USEC, ahead, intercept, slack, tolerance};

/// A microsecond clock is not followed across a longer gap than this, milliseconds: its window would be too wide.
pub(super) const USEC_GAP_MS: u32 = 600_000;
/// Two readings of a microsecond clock must be at least so far apart to say anything, milliseconds.
const USEC_SOON_MS: u32 = 500;

/// A clock, or what may become one.
#[derive(Clone, Copy, Debug)]
pub(in crate::analysis) struct Line {
    /// First and last reading: milliseconds, TSval.
    pub(in crate::analysis) first: (u32, u32),
    pub(in crate::analysis) last: (u32, u32),
    /// Readings; SYNs that came again are none.
    pub(in crate::analysis) count: u32,
    /// Longest time between two of them, milliseconds.
    pub(in crate::analysis) gap_ms: u32,
    /// Client ports of the first ones.
    pub(super) ports: [u16; 3],
    pub(super) ports_known: u8,
    /// Rates that fit, one bit each; 0: the place is free.
    pub(super) mask: u8,
    /// Number of its stack.
    pub(in crate::analysis) stack: u8,
    pub(in crate::analysis) confirmed: bool,
}

impl Line {
    pub(super) fn new(at_ms: u32, tsval: u32, port: u16, stack: u8) -> Self {
        let here = (at_ms, tsval);
        Self {
            first: here,
            last: here,
            count: 1,
            gap_ms: 0,
            ports: [port, 0, 0],
            ports_known: 1,
            mask: ANY,
            stack,
            confirmed: false,
        }
    }

    /// The likeliest rate that fits.
    pub(in crate::analysis) fn rate(&self) -> usize {
        (self.mask.trailing_zeros() as usize).min(USEC)
    }

    /// Every rate that fits, one bit each.
    pub(in crate::analysis) fn rates(&self) -> u8 {
        self.mask
    }

    /// Whether this rate fits.
    pub(in crate::analysis) fn fits_rate(&self, rate: usize) -> bool {
        self.mask >> rate & 1 == 1
    }

    pub(super) fn knows_port(&self, port: u16) -> bool {
        self.ports[..usize::from(self.ports_known).min(3)].contains(&port)
    }

    /// By how much a reading is off this line at this rate, seconds; `None`: too far.
    pub(super) fn off(&self, rate: usize, at_ms: u32, tsval: u32) -> Option<f64> {
        let gap = at_ms.abs_diff(self.last.0);
        // Within its tolerance a microsecond clock may show anything, also two hosts that were started minutes apart.
        let too_soon = !self.confirmed && at_ms.abs_diff(self.first.0) < USEC_SOON_MS;
        if rate == USEC && (gap > USEC_GAP_MS || too_soon) {
            return None;
        }
        let off = ahead(intercept(rate, at_ms, tsval), intercept(rate, self.last.0, self.last.1));
        let (wide, slow) = (tolerance(rate, gap), slack(rate, gap));
        (-wide - slow..=wide).contains(&off).then(|| off.abs() as f64 / f64::from(RATES[rate]))
    }
}
