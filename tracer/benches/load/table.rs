//! The figures as a table, and what they are compared with.

use std::{collections::BTreeMap, fmt::Write as _};

use anyhow::{Result, bail};

use crate::{
    case::Case,
    shared::spread::{Spread, spread},
    who::{Place, Who},
};

/// Noise that hides what a watcher may cost.
const TOO_NOISY: f64 = 0.03;

/// One measurement.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Figure {
    /// Connections or SYNs per second.
    pub(crate) rate: f64,
    /// What the watcher's own threads took, as a share of one processor.
    pub(crate) own: Option<f64>,
}

/// Figures of all rounds.
pub(crate) struct Table {
    head: String,
    rounds: BTreeMap<(Case, Who), BTreeMap<usize, Figure>>,
    absent: Vec<String>,
}

impl Table {
    pub(crate) fn new(place: &Place, seconds: u32) -> Self {
        let head = format!(
            "hook set {}, {seconds} s of connections, {:.1} s of each flood; work of server and clients and floods per second \
             of the processor\nmedian (least to most) of the rounds; changes against nobody, the mean of both, in the same round\n",
            place.set,
            f64::from(seconds) / 10.0
        );
        Self { head, rounds: BTreeMap::new(), absent: vec![] }
    }

    pub(crate) fn add(&mut self, case: Case, who: Who, round: usize, figure: Figure) {
        self.rounds.entry((case, who)).or_default().insert(round, figure);
    }

    pub(crate) fn absent(&mut self, case: Case, who: Who) {
        let absent = format!("{case}, {who}: not to be had here");
        if !self.absent.contains(&absent) {
            self.absent.push(absent);
        }
    }

    fn rate(&self, case: Case, who: Who, round: usize) -> Option<f64> {
        self.rounds.get(&(case, who))?.get(&round).map(|figure| figure.rate)
    }

    /// Both rates of a round in which nobody watched.
    fn nobody(&self, case: Case, round: usize) -> Option<(f64, f64)> {
        self.rate(case, Who::Nobody, round).zip(self.rate(case, Who::Again, round))
    }

    /// By which share the rate of a watcher differs from nobody's, round by round.
    fn change(&self, case: Case, who: Who) -> Option<Spread> {
        let rounds = self.rounds.get(&(case, who))?;
        spread(rounds.iter().filter_map(|(round, figure)| {
            let (one, other) = self.nobody(case, *round)?;
            Some(figure.rate / f64::midpoint(one, other) - 1.0)
        }))
    }

    /// How far a median over these rounds may be off, as the two rates show in which nobody watched: their own median, which
    /// should be 0, or twice its standard error, whichever is more.
    fn noise(&self, case: Case) -> Option<f64> {
        let rounds = self.rounds.get(&(case, Who::Nobody))?;
        let apart: Vec<f64> = rounds
            .keys()
            .filter_map(|round| {
                let (one, other) = self.nobody(case, *round)?;
                Some((one - other) / f64::midpoint(one, other))
            })
            .collect();
        let off = spread(apart.iter().copied())?.median;
        Some(off.abs().max(2.0 * error_of_median(&apart)?))
    }

    pub(crate) fn text(&self) -> String {
        let mut text = self.head.clone();
        let _ = writeln!(
            text,
            "{:<25} {:<13} {:>30} {:>28}  ITS OWN, % OF A PROCESSOR",
            "CASE", "WATCHER", "PER SECOND", "CHANGE IN %"
        );
        for ((case, who), rounds) in &self.rounds {
            let (Some(rate), Some(change)) =
                (spread(rounds.values().map(|figure| figure.rate)), self.change(*case, *who))
            else {
                continue;
            };
            let own = spread(rounds.values().filter_map(|figure| figure.own));
            let _ = writeln!(
                text,
                "{case:<25} {who:<13} {:>30} {:>28}  {}",
                shown(rate, |rate| format!("{rate:.0}")),
                shown(change, |share| format!("{:+.1}", share * 100.0)),
                own.map_or_else(|| "-".into(), |own| shown(own, |share| format!("{:.1}", share * 100.0)))
            );
        }
        for line in self.absent.iter().chain(self.compared().iter().map(|(line, _)| line)) {
            let _ = writeln!(text, "{line}");
        }
        text
    }

    /// What the tracer costs beside what it may, and whether that is too much.
    fn compared(&self) -> Vec<(String, bool)> {
        let each = Case::ALL.into_iter().filter_map(|case| {
            let (cost, noise) = (-self.change(case, Who::Tracer)?.median, self.noise(case)?);
            let percent = |share: f64| format!("{:.1} %", share * 100.0);
            let bound = case.bound(noise);
            let may = bound.map_or_else(String::new, |bound| format!(", may cost {}", percent(bound)));
            let busy = if noise > TOO_NOISY { ": the machine is too busy to tell" } else { "" };
            let line = format!(
                "{}: tracer costs {}{may}, noise {}{busy}",
                case.to_string().trim(),
                percent(cost),
                percent(noise)
            );
            Some((line, bound.is_some_and(|bound| cost > bound)))
        });
        each.collect()
    }

    /// # Errors
    /// When the tracer costs more than it may, or was not measured.
    pub(crate) fn check(&self) -> Result<()> {
        let compared = self.compared();
        if compared.is_empty() {
            bail!("nothing was measured");
        }
        let over: Vec<String> =
            compared.into_iter().filter(|(_, over)| *over).map(|(line, _)| line).collect();
        if over.is_empty() { Ok(()) } else { bail!("{}", over.join("; ")) }
    }
}

/// The standard error of a median, from the median of the distances to it: as for figures that are spread normally, without
/// being misled by a few that are not. One round alone says nothing of it.
#[expect(clippy::cast_precision_loss, reason = "a number of rounds")]
fn error_of_median(figures: &[f64]) -> Option<f64> {
    let middle = spread(figures.iter().copied())?.median;
    let distance = spread(figures.iter().map(|figure| (figure - middle).abs()))?.median;
    let deviation = if figures.len() > 1 { distance * 1.4826 } else { f64::INFINITY };
    Some(deviation * 1.2533 / (figures.len() as f64).sqrt())
}

fn shown(spread: Spread, figure: impl Fn(f64) -> String) -> String {
    format!("{} ({} to {})", figure(spread.median), figure(spread.least), figure(spread.most))
}
