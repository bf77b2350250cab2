//! How clocks stand to one another in time: beside one another or in sequence, left and come back to, just started.

use super::chains::Chain;
use crate::analysis::clock::rate::{LATE_MS, RATES, ahead, fastest, ticks};

/// A host that was started so lately shows it in an uptime clock; milliseconds.
const FRESH_MS: f64 = 900_000.0;
/// Linux begins five minutes before the wrap (`INITIAL_JIFFIES`); milliseconds, and some for the first SYNs.
const BEFORE_WRAP_MS: f64 = 310_000.0;

/// Whether any clock may advance as far as from the end of one chain to the beginning of the next.
pub(super) fn one_clock(a: &Chain, b: &Chain) -> bool {
    let end = a.pieces.iter().map(|piece| piece.last).max().unwrap_or_default();
    let begin = b.pieces.iter().map(|piece| piece.first).min().unwrap_or_default();
    (-ticks(0, LATE_MS)..=fastest(begin.0.saturating_sub(end.0))).contains(&ahead(begin.1, end.1))
}

/// Whether an uptime clock would show that its host was just started.
pub(super) fn fresh(chain: &Chain) -> bool {
    let rate = f64::from(RATES[chain.rate()]) / 1000.0;
    let tsval = chain.pieces.first().map_or(0, |piece| piece.first.1);
    f64::from(tsval) < FRESH_MS * rate || f64::from(u32::MAX - tsval) < BEFORE_WRAP_MS * rate
}

/// Most chains alive at one time.
pub(super) fn together(chains: &[Chain]) -> u32 {
    let mut ends: Vec<(u32, i32)> =
        chains.iter().flat_map(|chain| [(chain.first(), 1), (chain.last(), -1)]).collect();
    // One that ends when another begins was not there together with it.
    ends.sort_unstable();
    let (mut now, mut most) = (0_i32, 0_i32);
    for (_, step) in ends {
        now += step;
        most = most.max(now);
    }
    most.unsigned_abs().max(u32::from(!chains.is_empty()))
}

/// Changes from one chain to another, as far as their pieces' ends show them, beyond those of chains in sequence.
pub(super) fn returns(chains: &[Chain]) -> u32 {
    let mut ends: Vec<(u32, usize)> = Vec::new();
    for (index, chain) in chains.iter().enumerate() {
        for piece in &chain.pieces {
            ends.push((piece.first.0, index));
            if piece.count > 1 {
                ends.push((piece.last.0, index));
            }
        }
    }
    ends.sort_unstable();
    let changes = ends.windows(2).filter(|pair| pair[0].1 != pair[1].1).count();
    changes.saturating_sub(chains.len().saturating_sub(1)) as u32
}
