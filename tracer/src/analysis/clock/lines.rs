//! The readings of one pair of addresses, gathered to lines: a reading joins the clock that it lies on, or starts a new one.
//!
//! A line is confirmed when chance would hardly put so many readings on one; until then it is a guess, and the oldest guesses
//! are given up for want of room. Nothing here says what lines mean.

use super::{
    index::Index,
    line::{Line, Of, USEC_GAP_MS},
    rate::{ANY, LATE_MS, RATES, USEC, ahead, chance, intercept, slack, ticks, tolerance},
    stacks::Stacks,
};

/// Lines that are not confirmed, most of them of one reading.
pub(in crate::analysis) const GUESSES: usize = 320;
/// Lines that are.
const CONFIRMED: usize = 320;
/// Up to here looking at every line is cheaper than an index.
const FEW: usize = 16;
/// Lines and index grow by so much at a time.
const STEP: usize = 64;
/// Given-up readings of which the time is kept.
const STRAYS: usize = 64;
/// Expected number of chance groups below which a line is confirmed, log10.
const CONFIRM: f64 = -3.0;

/// What became of a reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Placed {
    /// It lies on this line, which is confirmed.
    On(u16),
    /// It joined a guess, or is one.
    Guess,
    /// It lies near a confirmed line, too late or too early.
    Late,
}

/// The lines of one pair of addresses.
#[derive(Clone, Debug, Default)]
pub(in crate::analysis) struct Lines {
    table: Vec<Line>,
    /// None while there are few lines; boxed, as most sources never need one.
    index: Option<Box<Index>>,
    free: Vec<u16>,
    guesses: u16,
    confirmed: u16,
    /// Readings taken in.
    readings: u32,
    /// ... of those, from a port that the guess which they lie on knew.
    pub(in crate::analysis) again: u32,
    /// ... and that came back to it from another line.
    pub(in crate::analysis) turns: u32,
    /// Guesses given up: readings in all, and the times of the last ones.
    pub(in crate::analysis) given_up: u32,
    strays: Vec<(u32, u8)>,
    /// Confirmed lines given up.
    pub(in crate::analysis) retired: u32,
    last_on: Option<u16>,
    /// How often the address went from one confirmed line to another.
    pub(in crate::analysis) switches: u32,
}

impl Lines {
    /// Takes a reading; times are milliseconds since some moment before the first.
    pub(super) fn place(&mut self, at_ms: u32, tsval: u32, of: Of, stacks: &Stacks) -> Placed {
        self.readings = self.readings.saturating_add(1);
        if let Some(id) = self.nearest(at_ms, tsval, of.stack, stacks) {
            if let Some(confirmed) = self.join(id, at_ms, tsval, of) {
                return confirmed;
            }
        } else if self.is_late(at_ms, tsval, of.stack, stacks) {
            return Placed::Late;
        }
        self.guess(Line::new(at_ms, tsval, of));
        Placed::Guess
    }

    /// The line that a reading lies on best: confirmed before guessed, many readings before few, a likely rate before an
    /// unlikely one.
    fn nearest(&self, at_ms: u32, tsval: u32, stack: u8, stacks: &Stacks) -> Option<u16> {
        let mut best: Option<((bool, u32, usize), f64, u16)> = None;
        for rate in self.rates() {
            let gap = if rate == USEC { at_ms.min(USEC_GAP_MS) } else { at_ms };
            let (wide, slow) = (tolerance(rate, gap), slack(rate, gap));
            self.around(rate, intercept(rate, at_ms, tsval), wide, wide + slow, |id, line| {
                let Some(off) = line.off(rate, at_ms, tsval) else { return };
                if !stacks.compatible(line.stack, stack) {
                    return;
                }
                let key = (!line.confirmed, 4_u32.saturating_sub(line.count), rate);
                let better = best.is_none_or(|(other, other_off, _)| (key, off) < (other, other_off));
                if better {
                    best = Some((key, off, id));
                }
            });
        }
        best.map(|(.., id)| id)
    }

    /// Whether a confirmed line explains a reading that came seconds late, or before others that were.
    fn is_late(&self, at_ms: u32, tsval: u32, stack: u8, stacks: &Stacks) -> bool {
        if self.confirmed == 0 {
            return false;
        }
        self.rates().any(|rate| {
            let wide = ticks(rate, LATE_MS) + tolerance(rate, 900_000);
            let mut found = false;
            self.around(rate, intercept(rate, at_ms, tsval), wide, wide + slack(rate, 900_000), |_, line| {
                let off = ahead(intercept(rate, at_ms, tsval), intercept(rate, line.last.0, line.last.1));
                let gap = at_ms.abs_diff(line.last.0);
                let near = ticks(rate, LATE_MS) + tolerance(rate, gap);
                found |= line.confirmed
                    && (-near - slack(rate, gap)..=near).contains(&off)
                    && stacks.compatible(line.stack, stack);
            });
            found
        })
    }

    /// The confirmed line of this rate that a reading of limited precision lies on; `within_ms` is how imprecise it is.
    pub(super) fn known(&self, at_ms: u32, tsval: u32, within_ms: f64) -> Option<u16> {
        let mut best: Option<(i64, u16)> = None;
        for rate in self.rates().filter(|rate| *rate < USEC) {
            let wide = ticks(rate, within_ms) + tolerance(rate, 900_000);
            self.around(rate, intercept(rate, at_ms, tsval), wide, wide, |id, line| {
                let off =
                    ahead(intercept(rate, at_ms, tsval), intercept(rate, line.last.0, line.last.1)).abs();
                let near = ticks(rate, within_ms) + tolerance(rate, at_ms.abs_diff(line.last.0));
                if line.confirmed && off <= near && best.is_none_or(|(other, _)| off < other) {
                    best = Some((off, id));
                }
            });
        }
        best.map(|(_, id)| id)
    }

    /// Rates at which a line may run; at any other there is nothing to look for.
    fn rates(&self) -> impl Iterator<Item = usize> {
        let some = match self.index {
            Some(_) => ANY,
            None => self.table.iter().fold(0, |some, line| some | line.mask),
        };
        (0..RATES.len()).filter(move |rate| some >> rate & 1 == 1)
    }

    /// Calls `look` for every line of this rate whose intercept is at most `below` smaller or `above` larger.
    fn around(&self, rate: usize, at: u32, below: i64, above: i64, mut look: impl FnMut(u16, &Line)) {
        let mut seen = |id: u16| {
            if let Some(line) = self.table.get(usize::from(id)).filter(|line| line.fits_rate(rate)) {
                look(id, line);
            }
        };
        match &self.index {
            Some(index) => index.around(rate, at, below, above, seen),
            None => (0..self.table.len() as u16).for_each(&mut seen),
        }
    }

    /// Adds a reading to a line; `None`: it turned out not to be on it. A guess is gone then.
    fn join(&mut self, id: u16, at_ms: u32, tsval: u32, of: Of) -> Option<Placed> {
        let port = of.ports;
        let mut line = *self.table.get(usize::from(id))?;
        // The same connection again, or a port that is a clock of its own: nothing that supports a line.
        if !line.confirmed && (line.knows_port(port) || line.is_port_of(tsval, of)) {
            self.again = self.again.saturating_add(1);
            let before = line.seen_ms;
            line.see_again(at_ms, tsval);
            let elsewhere = |other: &Line| {
                other.seen_ms > before
                    && other.knows_port(port)
                    && !other.may_be_late(line.agrees, at_ms, tsval)
            };
            if self.all().any(|(other, line)| other != id && elsewhere(line)) {
                line.turns = line.turns.saturating_add(1);
                self.turns = self.turns.saturating_add(1);
            }
            self.table[usize::from(id)] = line;
            return Some(Placed::Guess);
        }
        let before = line;
        let dt = at_ms.abs_diff(line.first.0);
        for rate in 0..RATES.len() {
            if !line.fits_rate(rate) {
                continue;
            }
            let off = ahead(intercept(rate, at_ms, tsval), intercept(rate, line.first.0, line.first.1));
            let wide = tolerance(rate, dt) * 3 / 2 + 2;
            if !(-wide - slack(rate, dt)..=wide).contains(&off) {
                line.mask &= !(1 << rate);
            }
        }
        if line.mask == 0 {
            // What a clock has shown so far stays.
            if !line.confirmed {
                self.remove(id);
            }
            return None;
        }
        line.count = line.count.saturating_add(1);
        line.gap_ms = line.gap_ms.max(at_ms.abs_diff(line.last.0));
        line.seen_ms = line.seen_ms.max(at_ms);
        line.last = (at_ms.max(line.last.0), if at_ms >= line.last.0 { tsval } else { line.last.1 });
        if !line.knows_port(port) && line.ports_known < 3 {
            line.ports[usize::from(line.ports_known)] = port;
            line.ports_known += 1;
        }
        let newly = !line.confirmed && line.ports_known == 3 && self.odds(&line) < CONFIRM;
        line.confirmed |= newly;
        self.reindex(id, &before, &line);
        self.table[usize::from(id)] = line;
        if newly {
            self.guesses -= 1;
            self.confirmed += 1;
            self.make_room();
        }
        if !line.confirmed {
            return Some(Placed::Guess);
        }
        if self.last_on.is_some_and(|last| last != id) {
            self.switches = self.switches.saturating_add(1);
        }
        self.last_on = Some(id);
        Some(Placed::On(id))
    }

    /// log10 of how many lines like this one are expected by chance.
    pub(in crate::analysis) fn odds(&self, line: &Line) -> f64 {
        // The rate at which chance has it easiest.
        let rate = if line.fits_rate(USEC) { USEC } else { line.rate() };
        chance(rate, self.readings, GUESSES as u32, line.count, line.gap_ms)
    }

    /// A new guess.
    fn guess(&mut self, line: Line) {
        if usize::from(self.guesses) >= GUESSES {
            self.give_up_oldest();
        }
        let id = if let Some(id) = self.free.pop() {
            self.table[usize::from(id)] = line;
            id
        } else {
            if self.table.len() == self.table.capacity() {
                self.table.reserve_exact(if self.table.len() < FEW { 4 } else { STEP });
            }
            self.table.push(line);
            (self.table.len() - 1) as u16
        };
        self.guesses += 1;
        if let Some(index) = &mut self.index {
            (0..RATES.len()).for_each(|rate| index.insert(rate, line.last, id));
        } else if self.table.len() > FEW {
            self.build_index();
        }
    }

    fn build_index(&mut self) {
        let index = self.index.get_or_insert_default();
        for id in 0..self.table.len() as u16 {
            let line = self.table[usize::from(id)];
            (0..RATES.len())
                .filter(|rate| line.fits_rate(*rate))
                .for_each(|rate| index.insert(rate, line.last, id));
        }
    }

    fn reindex(&mut self, id: u16, before: &Line, after: &Line) {
        let Some(index) = &mut self.index else { return };
        for rate in (0..RATES.len()).filter(|rate| before.fits_rate(*rate)) {
            if after.fits_rate(rate) {
                index.renew(rate, before.last, after.last, id);
            } else {
                index.remove(rate, before.last, id);
            }
        }
    }

    fn remove(&mut self, id: u16) {
        let line = self.table[usize::from(id)];
        if let Some(index) = &mut self.index {
            for rate in (0..RATES.len()).filter(|rate| line.fits_rate(*rate)) {
                index.remove(rate, line.last, id);
            }
        }
        self.vacate(id);
    }

    fn vacate(&mut self, id: u16) {
        let line = &mut self.table[usize::from(id)];
        if line.confirmed {
            self.confirmed -= 1;
        } else {
            self.guesses -= 1;
        }
        line.mask = 0;
        line.confirmed = false;
        if self.free.len() == self.free.capacity() {
            self.free.reserve_exact(STEP);
        }
        self.free.push(id);
        if self.last_on == Some(id) {
            self.last_on = None;
        }
    }

    /// Gives up an eighth of the guesses, the oldest, so that it need not be done for every reading.
    fn give_up_oldest(&mut self) {
        let mut ages: Vec<(u32, u16)> =
            self.all().filter(|(_, line)| !line.confirmed).map(|(id, line)| (line.last.0, id)).collect();
        let some = (ages.len() / 8).max(1).min(ages.len());
        if some == 0 {
            return;
        }
        ages.select_nth_unstable(some - 1);
        ages.truncate(some);
        ages.sort_unstable();
        for (at_ms, id) in &ages {
            let line = self.table[usize::from(*id)];
            self.given_up = self.given_up.saturating_add(line.count);
            if self.strays.len() == STRAYS {
                self.strays.remove(0);
            }
            self.strays.push((*at_ms, line.stack));
            self.vacate(*id);
        }
        if let Some(index) = &mut self.index {
            index.retain(|id| self.table[usize::from(id)].mask != 0);
        }
    }

    /// Too many clocks: the one that was not seen for the longest time goes.
    fn make_room(&mut self) {
        if usize::from(self.confirmed) <= CONFIRMED {
            return;
        }
        let oldest =
            self.all().filter(|(_, line)| line.confirmed).min_by_key(|(id, line)| (line.last.0, *id));
        if let Some(id) = oldest.map(|(id, _)| id) {
            self.retired = self.retired.saturating_add(1);
            self.remove(id);
        }
    }

    /// Every line, confirmed or not.
    pub(in crate::analysis) fn all(&self) -> impl Iterator<Item = (u16, &Line)> {
        (0_u16..).zip(&self.table).filter(|(_, line)| line.mask != 0)
    }

    /// Times and stacks of readings given up, oldest first.
    pub(in crate::analysis) fn strays(&self) -> &[(u32, u8)] {
        &self.strays
    }

    /// Number of confirmed lines.
    pub(in crate::analysis) fn confirmed(&self) -> u32 {
        u32::from(self.confirmed)
    }

    /// Bytes on the heap.
    pub(super) fn heap(&self) -> usize {
        self.table.capacity() * size_of::<Line>()
            + self.index.as_ref().map_or(0, |index| index.bytes())
            + self.free.capacity() * size_of::<u16>()
            + self.strays.capacity() * size_of::<(u32, u8)>()
    }
}
