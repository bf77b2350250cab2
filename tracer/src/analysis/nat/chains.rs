//! Lines become chains: what one clock may have done although it is no straight line. It stopped while a phone slept, it
//! ticked slowly, or it was seen too seldom for a line.

use crate::analysis::clock::{
    Counts,
    line::Line,
    lines::{GUESSES, Lines},
    rate::{LATE_MS, USEC, ahead, chance, intercept, ticks, tolerance},
    stacks::Stacks,
    still::Still,
};

/// A clock may run this much faster than its nominal rate, and no more.
const FASTEST: f64 = 1.1;
/// A link that chance makes with at least this probability says nothing.
const WEAK: f64 = 0.2;
/// A clock that is none of a confirmed line needs so many readings.
const LEAST: u32 = 4;
/// log10 of how many chance chains are expected where one counts as a clock.
const CREDIBLE: f64 = -3.0;

/// A piece of a chain: a line, or a reading by itself.
#[derive(Clone, Copy, Debug)]
pub(super) struct Piece {
    pub(super) first: (u32, u32),
    pub(super) last: (u32, u32),
    pub(super) count: u32,
    pub(super) rate: usize,
    /// Rates that fit, one bit each.
    rates: u8,
    pub(super) confirmed: bool,
    stack: u8,
    /// log10 of how many such lines are expected by chance; 0 for a single reading.
    odds: f64,
}

/// One clock's readings.
#[derive(Clone, Debug)]
pub(super) struct Chain {
    pub(super) pieces: Vec<Piece>,
    /// log10 of how many such chains are expected by chance.
    pub(super) odds: f64,
}

impl Chain {
    pub(super) fn first(&self) -> u32 {
        self.pieces.iter().map(|piece| piece.first.0).min().unwrap_or(0)
    }

    pub(super) fn last(&self) -> u32 {
        self.pieces.iter().map(|piece| piece.last.0).max().unwrap_or(0)
    }

    pub(super) fn count(&self) -> u32 {
        self.pieces.iter().fold(0, |sum, piece| sum.saturating_add(piece.count))
    }

    /// Its rate: of the confirmed piece with the most readings, else of the first.
    pub(super) fn rate(&self) -> usize {
        let best = self.pieces.iter().max_by_key(|piece| (piece.confirmed, piece.count));
        best.map_or(0, |piece| piece.rate)
    }

    fn is_confirmed(&self) -> bool {
        self.pieces.iter().any(|piece| piece.confirmed)
    }

    /// Whether a reading fits between the pieces: no clock of this chain's can be excluded as its source.
    pub(super) fn may_hold(&self, at_ms: u32, tsval: u32) -> bool {
        let rate = self.rate();
        let late = ticks(rate, LATE_MS);
        let before = self.pieces.iter().rev().find(|piece| piece.first.0 <= at_ms);
        let after = self.pieces.iter().find(|piece| piece.last.0 >= at_ms);
        let follows = |then: (u32, u32), now: (u32, u32)| {
            let most = ticks(rate, FASTEST * f64::from(now.0.saturating_sub(then.0)));
            (-late..=most + late).contains(&ahead(now.1, then.1))
        };
        match (before, after) {
            // Inside of a piece: near its line.
            (Some(piece), _) if piece.last.0 >= at_ms => {
                let off =
                    ahead(intercept(rate, at_ms, tsval), intercept(rate, piece.last.0, piece.last.1)).abs();
                off <= late + tolerance(rate, piece.last.0 - at_ms) || {
                    follows(piece.first, (at_ms, tsval)) && follows((at_ms, tsval), piece.last)
                }
            }
            (before, after) => {
                before.is_none_or(|piece| follows(piece.last, (at_ms, tsval)))
                    && after.is_none_or(|piece| follows((at_ms, tsval), piece.first))
            }
        }
    }
}

/// Chains that are clocks, by the time of their first reading, and readings that are on none.
pub(super) struct Chains {
    pub(super) clocks: Vec<Chain>,
    /// Time, TSval, stack of single readings and of pairs.
    pub(super) strays: Vec<(u32, u32, u8)>,
    /// Pairs among them: two readings on one line, which chance makes now and then.
    pub(super) pairs: u32,
    /// Expected number of chance pairs.
    pub(super) pairs_by_chance: f64,
}

/// Puts the lines together.
pub(super) fn chains(lines: &Lines, stacks: &Stacks, counts: &Counts, still: &Still) -> Chains {
    let mut pieces = pieces(lines);
    pieces.sort_by_key(|piece| (piece.first, piece.last));
    let all = pieces.len().max(1) as f64;
    let mut chains: Vec<Chain> = Vec::new();
    for piece in pieces {
        match link(&chains, &piece, stacks) {
            Some((index, odds)) => {
                chains[index].pieces.push(piece);
                chains[index].odds += odds;
            }
            None => chains.push(Chain { pieces: vec![piece], odds: 0.0 }),
        }
    }
    let mut clocks = Vec::new();
    let mut found = Chains { clocks: vec![], strays: vec![], pairs: 0, pairs_by_chance: 0.0 };
    // What stands still is no clock, not even one that sleeps all the time.
    let stands = |(_, tsval): (u32, u32)| still.holds(tsval);
    chains.retain(|chain| !chain.pieces.iter().all(|piece| stands(piece.first) && stands(piece.last)));
    for mut chain in chains {
        let best = chain.pieces.iter().filter(|piece| piece.confirmed).map(|piece| piece.odds);
        let best = best.fold(f64::INFINITY, f64::min);
        if best.is_finite() {
            chain.odds += best;
            clocks.push(chain);
            continue;
        }
        let pairs: f64 = chain.pieces.iter().map(|piece| piece.odds).sum();
        let odds = chain.odds + pairs + all.log10();
        if chain.count() >= LEAST && chain.pieces.len() >= 2 && odds < CREDIBLE {
            chain.odds = odds;
            clocks.push(chain);
            continue;
        }
        for piece in &chain.pieces {
            found.pairs += u32::from(piece.count >= 2);
            found.strays.push((piece.first.0, piece.first.1, piece.stack));
            if piece.count >= 2 {
                found.strays.push((piece.last.0, piece.last.1, piece.stack));
            }
        }
    }
    clocks.sort_by_key(Chain::first);
    found.clocks = merged(clocks, stacks, counts.jumps[0] <= 2);
    found.strays.retain(|(at, tsval, _)| !found.clocks.iter().any(|chain| chain.may_hold(*at, *tsval)));
    found.pairs_by_chance =
        (0..=USEC).map(|rate| 10_f64.powf(chance(rate, counts.stamped, GUESSES as u32, 2, 60_000))).sum();
    found
}

fn pieces(lines: &Lines) -> Vec<Piece> {
    let mut pieces = Vec::new();
    for (_, line) in lines.all() {
        let Line { first, last, count, stack, confirmed, .. } = *line;
        // Two readings that only a slower or faster clock than a phone's joins may be two of a phone that slept.
        if !confirmed && count >= 2 && !line.fits_rate(0) {
            for end in [first, last] {
                pieces.push(Piece {
                    first: end,
                    last: end,
                    count: 1,
                    rate: 0,
                    rates: 1,
                    confirmed,
                    stack,
                    odds: 0.0,
                });
            }
            continue;
        }
        let odds = if count >= 2 { lines.odds(line).min(0.0) } else { 0.0 };
        pieces.push(Piece {
            first,
            last,
            count,
            rate: line.rate(),
            rates: line.rates(),
            confirmed,
            stack,
            odds,
        });
    }
    pieces
}

/// The chain whose end is nearest below this piece, and log10 of the odds that chance puts it there.
fn link(chains: &[Chain], piece: &Piece, stacks: &Stacks) -> Option<(usize, f64)> {
    let mut best: Option<(i64, usize, f64)> = None;
    for (index, chain) in chains.iter().enumerate() {
        let Some(end) = chain.pieces.last() else { continue };
        if end.last.0 >= piece.first.0 || !stacks.compatible(end.stack, piece.stack) {
            continue;
        }
        let rate = match (end.confirmed, piece.confirmed) {
            (true, true) if end.rate != piece.rate => continue,
            (true, _) => end.rate,
            (false, true) => piece.rate,
            (false, false) => 0,
        };
        if rate == USEC {
            continue;
        }
        let most = ticks(rate, FASTEST * (f64::from(piece.first.0 - end.last.0) + 250.0));
        let advance = ahead(piece.first.1, end.last.1);
        if (0..=most).contains(&advance) && best.is_none_or(|(other, ..)| advance < other) {
            best = Some((advance, index, most as f64 / 4_294_967_296.0));
        }
    }
    let (_, index, q) = best?;
    let odds = q * chains.len() as f64;
    (odds < WEAK).then(|| (index, odds.max(1e-9).log10()))
}

/// Chains that jitter, a slow clock or sleep took apart are put together again. `steady`: TSval hardly ever stepped back.
fn merged(clocks: Vec<Chain>, stacks: &Stacks, steady: bool) -> Vec<Chain> {
    let mut merged: Vec<Chain> = Vec::new();
    for chain in clocks {
        match merged
            .iter_mut()
            .find(|other| same_clock(other, &chain, stacks) || steady && one_sleeper(other, &chain))
        {
            Some(other) => {
                other.pieces.extend(chain.pieces);
                other.pieces.sort_by_key(|piece| (piece.first, piece.last));
                other.odds = other.odds.min(chain.odds);
            }
            None => merged.push(chain),
        }
    }
    merged
}

/// Whether a clock that stops now and then can have made both, one of whose readings came late.
fn one_sleeper(a: &Chain, b: &Chain) -> bool {
    let holds = |chain: &Chain, other: &Chain| {
        let ends = other.pieces.iter().flat_map(|piece| [piece.first, piece.last]);
        ends.filter(|(at, _)| (chain.first()..=chain.last()).contains(at))
            .all(|(at, tsval)| chain.may_hold(at, tsval))
    };
    a.rate() == 0
        && b.rate() == 0
        && a.first() <= b.last()
        && b.first() <= a.last()
        && holds(a, b)
        && holds(b, a)
}

/// Within three seconds of one another: two hosts that were started together cannot be told from one.
fn same_clock(a: &Chain, b: &Chain, stacks: &Stacks) -> bool {
    if !a.is_confirmed() || !b.is_confirmed() {
        return false;
    }
    let near_at = |rate: usize, x: &Piece, y: &Piece| {
        // At the nearest ends of the two.
        let ends = [(x.first, y.first), (x.first, y.last), (x.last, y.first), (x.last, y.last)];
        let (p, q) = ends.into_iter().min_by_key(|(p, q)| p.0.abs_diff(q.0)).unwrap_or((x.first, y.first));
        let off = ahead(intercept(rate, p.0, p.1), intercept(rate, q.0, q.1)).abs();
        off <= ticks(rate, LATE_MS) + tolerance(rate, p.0.abs_diff(q.0))
    };
    // A burst leaves the rate open: any that both may have.
    let near = |x: &Piece, y: &Piece| {
        let rates = (0..=USEC).filter(|rate| x.rates & y.rates >> rate & 1 == 1);
        stacks.compatible(x.stack, y.stack) && rates.into_iter().any(|rate| near_at(rate, x, y))
    };
    // An outlier may have decided for a rate that is none: a short line beside a long one.
    let (short, long) = if a.count() < b.count() { (a, b) } else { (b, a) };
    let beside = |piece: &Piece| {
        (long.first()..=long.last()).contains(&piece.first.0)
            && (long.first()..=long.last()).contains(&piece.last.0)
            && long.may_hold(piece.first.0, piece.first.1)
            && long.may_hold(piece.last.0, piece.last.1)
    };
    let some = |chain: &Chain| -> Vec<Piece> {
        let len = chain.pieces.len();
        chain
            .pieces
            .iter()
            .take(4)
            .chain(chain.pieces.iter().skip(len.saturating_sub(4).max(4)))
            .copied()
            .collect()
    };
    let (a, b) = (some(a), some(b));
    a.iter().any(|x| b.iter().any(|y| near(x, y)))
        || short.rate() != long.rate() && short.pieces.iter().all(beside)
}
