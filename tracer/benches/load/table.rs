//! The figures as a table, and what they are compared with.

use std::{collections::BTreeMap, fmt::Write as _};

use anyhow::{Result, bail};

use crate::{
    case::{By, Case, Stage},
    shared::spread::{Spread, spread},
    who::{Place, Who},
};

/// Noise that hides what a watcher may cost.
const TOO_NOISY: f64 = 0.03;

/// One measurement.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Figure {
    pub(crate) case: Case,
    pub(crate) by: By,
    pub(crate) who: Who,
    /// Connections or SYNs per second.
    pub(crate) rate: f64,
    /// What the watcher's own threads took, as a share of one processor.
    pub(crate) own: Option<f64>,
}

/// Figures of all rounds, each with the rate that nobody had beside it.
pub(crate) struct Table {
    head: String,
    rounds: BTreeMap<(Case, By, Who), Vec<(Figure, f64)>>,
    absent: Vec<String>,
}

impl Table {
    pub(crate) fn new(place: &Place, stage: &Stage) -> Self {
        let head = format!(
            "hook set {}, {:.1} s of connections ({:.1} s where programs are switched), {:.1} s of each flood; \
             work of server and clients and floods per second of the processor\n\
             median (least to most) of the rounds; changes against nobody, before and after\n",
            place.set,
            stage.time(Case::Connections).as_secs_f64(),
            stage.time(Case::Switched).as_secs_f64(),
            stage.time(Case::Paws).as_secs_f64()
        );
        Self { head, rounds: BTreeMap::new(), absent: vec![] }
    }

    /// A figure, beside what nobody had.
    pub(crate) fn add(&mut self, figure: Figure, nobody: f64) {
        self.rounds.entry((figure.case, figure.by, figure.who)).or_default().push((figure, nobody));
    }

    pub(crate) fn absent(&mut self, case: Case, who: Who) {
        let absent = format!("{case}, {who}: not to be had here");
        if !self.absent.contains(&absent) {
            self.absent.push(absent);
        }
    }

    /// By which share the rates of a watcher differ from nobody's.
    fn changes(&self, case: Case, by: By, who: Who) -> Vec<f64> {
        let rounds = self.rounds.get(&(case, by, who)).into_iter().flatten();
        rounds.map(|(figure, nobody)| figure.rate / nobody - 1.0).collect()
    }

    /// How far a median over these rounds may be off, as nobody shows in the place of a watcher: the median, which should be
    /// 0, or twice its standard error, whichever is more.
    fn noise(&self, case: Case, by: By) -> Option<f64> {
        let apart = self.changes(case, by, Who::Again);
        let off = spread(apart.iter().copied())?.median;
        Some(off.abs().max(2.0 * error_of_median(&apart)?))
    }

    pub(crate) fn text(&self) -> String {
        let mut text = self.head.clone();
        let _ = writeln!(
            text,
            "{:<26} {:<9} {:>30} {:>28}  ITS OWN, % OF A PROCESSOR",
            "CASE", "WATCHER", "PER SECOND", "CHANGE IN %"
        );
        for ((case, by, who), rounds) in &self.rounds {
            let rates = spread(rounds.iter().map(|(figure, _)| figure.rate));
            let (Some(rate), Some(change)) = (rates, spread(self.changes(*case, *by, *who))) else {
                continue;
            };
            let own = spread(rounds.iter().filter_map(|(figure, _)| figure.own));
            let _ = writeln!(
                text,
                "{:<26} {who:<9} {:>30} {:>28}  {}",
                named(*case, *by),
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
        let measured = Case::ALL.into_iter().flat_map(|case| [By::Time, By::Work].map(|by| (case, by)));
        let each = measured.filter_map(|(case, by)| {
            let cost = -spread(self.changes(case, by, Who::Tracer))?.median;
            let noise = self.noise(case, by)?;
            let percent = |share: f64| format!("{:.1} %", share * 100.0);
            let bound = case.bound(noise);
            let busy = if noise > TOO_NOISY { ": the machine is too busy to tell" } else { "" };
            let line = format!(
                "{}: tracer costs {}, may cost {}, noise {}{busy}",
                named(case, by).trim(),
                percent(cost),
                percent(bound),
                percent(noise)
            );
            Some((line, cost > bound))
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

/// In the first column; what is reckoned otherwise stands below what it belongs to.
fn named(case: Case, by: By) -> String {
    match by {
        By::Time => case.to_string(),
        By::Work => "  of server and clients".into(),
    }
}

fn shown(spread: Spread, figure: impl Fn(f64) -> String) -> String {
    format!("{} ({} to {})", figure(spread.median), figure(spread.least), figure(spread.most))
}
