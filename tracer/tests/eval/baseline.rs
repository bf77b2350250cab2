//! What others would say of the same SYNs: any regression, p0f's scoreboard, the greedy matching of 2007.

use std::collections::VecDeque;

use crate::eval::host::Sent;

/// "Any TSval before the last one is a NAT", up to `grace` ticks forgiven.
#[derive(Default)]
pub(crate) struct Naive {
    grace: i32,
    last: Option<u32>,
    found: bool,
}

impl Naive {
    pub(crate) fn with_grace(grace: i32) -> Self {
        Self { grace, ..Self::default() }
    }

    pub(crate) fn see(&mut self, syn: &Sent) {
        let Some(tsval) = syn.tsval else { return };
        let step = self.last.map(|last| tsval.wrapping_sub(last).cast_signed());
        self.found |= step.is_some_and(|step| step < -self.grace);
        self.last = Some(tsval);
    }

    pub(crate) fn says_nat(&self) -> bool {
        self.found
    }
}

/// p0f 3's rules for host sharing, restated from the description of its scores; every signature is known to it. Each
/// SYN is compared with the one before; TSval counts only where something else differs.
#[derive(Default)]
pub(crate) struct P0f {
    last: Option<Sent>,
    scores: VecDeque<u32>,
    found: bool,
}

impl P0f {
    pub(crate) fn see(&mut self, syn: &Sent) {
        let score = self.last.as_ref().map_or(0, |last| Self::score(last, syn));
        self.last = Some(*syn);
        if self.scores.len() == 32 {
            self.scores.pop_front();
        }
        self.scores.push_back(score);
        let count = |least: u32| self.scores.iter().filter(|score| **score >= least).count();
        if score > 0 && (count(6) > 2 || count(3) > 4 || count(2) > 6 || count(1) > 8) {
            self.found = true;
            self.scores.clear();
        }
    }

    fn score(last: &Sent, syn: &Sent) -> u32 {
        let mut score = 0;
        let other_system = syn.label != last.label;
        if other_system {
            score += 8;
        } else if syn.stack.options != last.stack.options || syn.stack.wscale != last.stack.wscale {
            score += 2;
        }
        if let (Some(a), Some(b), false) = (last.stack.ttl, syn.stack.ttl, other_system) {
            let distance = if b > 64 { 128 - i16::from(b) } else { 64 - i16::from(b) };
            match (i16::from(b) - i16::from(a)).abs() {
                0 => {}
                1 if distance > 9 => {}
                1 | 2 if distance > 5 => score += 1,
                _ => score += 4,
            }
        }
        if last.sport.saturating_sub(syn.sport) >= 64 {
            score += 1;
        }
        if syn.stack.mss != last.stack.mss {
            score += 1;
        }
        if let (Some(a), Some(b), true) = (last.tsval, syn.tsval, score > 0) {
            let ms = (syn.at - last.at) * 1000.0;
            if ms < 86_400e3 {
                let most = ms.max(100.0) * 1.5;
                let ahead = f64::from(b.wrapping_sub(a));
                let behind = f64::from(u32::MAX) - ahead;
                if ahead > most && (ms >= 100.0 || behind > most) {
                    score += 4;
                } else {
                    score /= 2;
                }
            }
        }
        score
    }

    pub(crate) fn says_nat(&self) -> bool {
        self.found
    }
}

/// Bursztein's way (2007): 1 kHz, the nearest line within half a second, and every SYN that fits none is a new host.
#[derive(Default)]
pub(crate) struct Greedy {
    lines: Vec<f64>,
    start: Option<f64>,
}

impl Greedy {
    pub(crate) fn see(&mut self, syn: &Sent) {
        let Some(tsval) = syn.tsval else { return };
        let elapsed = syn.at - *self.start.get_or_insert(syn.at);
        let place = (f64::from(tsval) - 1000.0 * elapsed).rem_euclid(4_294_967_296.0);
        let reach = 500.0 + 0.25 * elapsed;
        let after = self.lines.partition_point(|line| *line < place);
        let near = [after.checked_sub(1), Some(after)].into_iter().flatten();
        for index in near {
            if self.lines.get(index).is_some_and(|line| (line - place).abs() <= reach) {
                self.lines[index] = place;
                return;
            }
        }
        self.lines.insert(after, place);
    }

    pub(crate) fn says_nat(&self) -> bool {
        self.lines.len() >= 2
    }
}
