//! The clocks that a finding lists, and the rate at which each runs.

use super::{Chain, Facts};
use crate::{analysis::clock::rate::RATES, model::nat::Clock};

/// Clocks that are listed.
const LISTED: usize = 32;

/// The clocks, most readings first.
pub(super) fn listed(facts: &Facts<'_>) -> Vec<Clock> {
    let mut chains: Vec<&Chain> = facts.found().iter().collect();
    chains.sort_by_key(|chain| std::cmp::Reverse(chain.count()));
    let clock = |chain: &&Chain| {
        let last = chain.pieces.iter().map(|piece| piece.last).max().unwrap_or_default();
        Clock {
            rate_hz: measured(chain),
            first: facts.clocks.time(chain.first()),
            last: facts.clocks.time(last.0),
            tsval: last.1,
            readings: chain.count(),
        }
    };
    chains.iter().take(LISTED).map(clock).collect()
}

/// The rate of a chain: as measured on its longest piece where that is long enough, else the nominal one.
fn measured(chain: &Chain) -> f64 {
    let nominal = f64::from(RATES[chain.rate()]);
    let Some(piece) = chain.pieces.iter().max_by_key(|piece| piece.last.0 - piece.first.0.min(piece.last.0))
    else {
        return nominal;
    };
    let seconds = f64::from(piece.last.0.saturating_sub(piece.first.0)) / 1000.0;
    if piece.rate != chain.rate() || seconds < 30.0 {
        return nominal;
    }
    let ticks = f64::from(piece.last.1.wrapping_sub(piece.first.1));
    let measured = ticks / seconds;
    // More than a range of the clock went by, or jitter is larger than what could be learnt.
    if (measured / nominal - 1.0).abs() > 0.1 { nominal } else { measured }
}
