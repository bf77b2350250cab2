//! One line: a clock, or what may become one.

use super::rate::{ANY, LATE_MS, RATES, USEC, ahead, intercept, slack, ticks, tolerance};

/// A microsecond clock is not followed across a longer gap than this, milliseconds: its window would be too wide.
pub(super) const USEC_GAP_MS: u32 = 600_000;
/// Two readings of a microsecond clock must be at least so far apart to say anything, milliseconds.
const USEC_SOON_MS: u32 = 500;

/// One number for a client's port and a server's: what has a clock for each connection has one for each such pair. Two pairs
/// that meet here are taken for one, which only makes a line harder to support.
pub(super) const fn pair(sport: u16, dport: u16) -> u16 {
    sport ^ dport.wrapping_mul(40_503)
}

/// Ticks of 64 ns by which Linux moves its initial sequence numbers in a millisecond (`seq_scale`, net/core/secure_seq.c).
const ISN_A_MS: u32 = 15_625;
/// How far they may be off, milliseconds: both clocks' granularity; and the share of the time by which one may be slewed.
const ISN_NEAR_MS: u32 = 3;
const ISN_SLEW: u32 = 50_000;
/// Across a longer gap than this they say nothing, milliseconds.
const ISN_GAP_MS: u32 = 600_000;

/// What a reading is of.
#[derive(Clone, Copy, Debug)]
pub(super) struct Of {
    /// The [`pair`] of ports.
    pub(super) ports: u16,
    /// Initial sequence number.
    pub(super) seq: Option<u32>,
    /// Number of the stack.
    pub(super) stack: u8,
}

/// A clock, or what may become one.
#[derive(Clone, Copy, Debug)]
pub(in crate::analysis) struct Line {
    /// First and last reading: milliseconds, TSval.
    pub(in crate::analysis) first: (u32, u32),
    pub(in crate::analysis) last: (u32, u32),
    /// Readings; SYNs that came again are none.
    pub(in crate::analysis) count: u32,
    /// Sequence number of the first reading; 0: not known.
    seq: u32,
    /// Longest time between two of them, milliseconds.
    pub(in crate::analysis) gap_ms: u32,
    /// Pairs of ports of the first ones ([`pair`]).
    pub(super) ports: [u16; 3],
    pub(super) ports_known: u8,
    /// Rates that fit, one bit each; 0: the place is free.
    pub(super) mask: u8,
    /// Number of its stack.
    pub(in crate::analysis) stack: u8,
    pub(in crate::analysis) confirmed: bool,
    /// Before it is confirmed: further readings from ports that it knows. They tell nothing of other ports.
    pub(in crate::analysis) again: u32,
    /// Its last reading, one of those included, milliseconds.
    pub(super) seen_ms: u32,
    /// How often a port came back to it from another line; saturates.
    pub(in crate::analysis) turns: u8,
    /// Rates that fit the readings from known ports as well, one bit each.
    pub(super) agrees: u8,
}

impl Line {
    pub(super) fn new(at_ms: u32, tsval: u32, of: Of) -> Self {
        let here = (at_ms, tsval);
        Self {
            first: here,
            last: here,
            count: 1,
            seq: of.seq.unwrap_or(0),
            gap_ms: 0,
            ports: [of.ports, 0, 0],
            ports_known: 1,
            mask: ANY,
            stack: of.stack,
            confirmed: false,
            again: 0,
            seen_ms: at_ms,
            turns: 0,
            agrees: ANY,
        }
    }

    /// A further reading from a port that it knows.
    pub(super) fn see_again(&mut self, at_ms: u32, tsval: u32) {
        self.again = self.again.saturating_add(1);
        self.seen_ms = self.seen_ms.max(at_ms);
        let gap = at_ms.abs_diff(self.first.0);
        for rate in 0..RATES.len() {
            let off = ahead(intercept(rate, at_ms, tsval), intercept(rate, self.first.0, self.first.1));
            let wide = tolerance(rate, gap);
            if !(-wide - slack(rate, gap)..=wide).contains(&off) {
                self.agrees &= !(1 << rate);
            }
        }
    }

    /// All its readings.
    pub(in crate::analysis) fn readings(&self) -> u32 {
        self.count.saturating_add(self.again)
    }

    /// Whether this rate fits its readings from known ports as well.
    pub(in crate::analysis) fn agrees_with(&self, rate: usize) -> bool {
        (self.mask & self.agrees) >> rate & 1 == 1
    }

    /// One pair of ports alone was seen on it.
    pub(in crate::analysis) fn is_of_one_port(&self) -> bool {
        self.ports_known == 1
    }

    /// The first of its pairs of ports.
    pub(in crate::analysis) fn first_port(&self) -> u16 {
        self.ports[0]
    }

    /// Whether a late packet of this line may be what lies at this place, as far as `rates` go.
    pub(super) fn may_be_late(&self, rates: u8, at_ms: u32, tsval: u32) -> bool {
        let gap = at_ms.abs_diff(self.first.0);
        (0..RATES.len()).filter(|rate| rates >> rate & 1 == 1).any(|rate| {
            let off = ahead(intercept(rate, at_ms, tsval), intercept(rate, self.first.0, self.first.1));
            let near = ticks(rate, LATE_MS) + tolerance(rate, gap);
            (-near - slack(rate, gap)..=near + slack(rate, gap)).contains(&off)
        })
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

    /// Whether the client, behind a NAT that gave it another port, took the port of the first reading again. Linux' sequence
    /// numbers are a hash of addresses and ports and a clock (RFC 6528): of the same ones they are as far apart as the clock
    /// went meanwhile.
    pub(super) fn is_port_of(&self, tsval: u32, of: Of) -> bool {
        let Some(seq) = of.seq.filter(|_| self.seq != 0 && self.fits_rate(0)) else { return false };
        let ms = tsval.wrapping_sub(self.first.1);
        if ms > ISN_GAP_MS {
            return false;
        }
        let off = seq.wrapping_sub(self.seq).wrapping_sub(ms.wrapping_mul(ISN_A_MS)).cast_signed();
        off.unsigned_abs() <= (ISN_NEAR_MS + ms / ISN_SLEW) * ISN_A_MS
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
