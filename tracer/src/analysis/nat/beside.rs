//! A second clock that only the server's memory shows: what it remembered when it refused SYNs runs on beside the clock that
//! was seen.
//!
//! A restart does not do that, nor an address that changes hands: what they leave behind is all older than the first reading
//! of the clock that comes after. A phone's clock that stood still is one that the chain itself may hold. And what has a clock
//! for every connection leaves readings that have nothing in common.

use super::Chain;
use crate::analysis::clock::{
    memory::{Memory, PRECISION_MS},
    rate::{USEC, ahead, intercept, ticks, tolerance},
};

/// Readings that make a second clock. Chance puts one of a million near another.
const LEAST: usize = 3;
/// It must have run for so long, milliseconds.
const RAN_MS: u32 = 10_000;
/// Readings no further than this from the clock that was seen may be its own, milliseconds.
const APART_MS: f64 = 10_000.0;

/// The second clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Beside {
    /// Readings on it.
    pub(super) readings: usize,
    /// Ticks by which it is ahead.
    pub(super) ahead: i64,
}

/// Whether there is one beside this clock.
pub(super) fn beside(chain: &Chain, memory: &Memory) -> Option<Beside> {
    let rate = chain.rate();
    // A second of a microsecond clock is too wide.
    if rate == USEC {
        return None;
    }
    let end = chain.pieces.iter().map(|piece| piece.last).max()?;
    let (first, last) = (chain.first().saturating_add(2 * PRECISION_MS), chain.last());
    let own = intercept(rate, end.0, end.1);
    let holds = |at: u32, tsval| [at, at + PRECISION_MS].into_iter().any(|at| chain.may_hold(at, tsval));
    let mut off: Vec<(i64, u32)> = memory
        .readings()
        .iter()
        .filter(|(at, tsval)| (first..last).contains(at) && !holds(*at, *tsval))
        .map(|(at, tsval)| (ahead(intercept(rate, *at, *tsval), own), *at))
        .filter(|(off, _)| off.abs() > ticks(rate, APART_MS))
        .collect();
    off.sort_unstable();
    let wide = ticks(rate, f64::from(PRECISION_MS)) + tolerance(rate, last.saturating_sub(first));
    let from = |start: usize| off[start..].iter().take_while(|(at, _)| at - off[start].0 <= wide).count();
    let (start, readings) =
        (0..off.len()).map(|start| (start, from(start))).max_by_key(|(_, readings)| *readings)?;
    let group = &off[start..start + readings];
    let times = || group.iter().map(|(_, at)| *at);
    let ran = times().max()? - times().min()?;
    (readings >= LEAST && ran >= RAN_MS).then(|| Beside { readings, ahead: group[readings / 2].0 })
}
