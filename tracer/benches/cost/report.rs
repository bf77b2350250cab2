//! The figures as a table, and what they are compared with.

use std::{collections::BTreeMap, fmt::Write as _};

use anyhow::{Result, bail};

use crate::{
    shared::spread::{Spread, spread},
    stats::Figures,
    traffic::Traffic,
    who::{ANY, Who},
};

/// Figures of all rounds.
pub(crate) struct Table {
    syns: u32,
    /// What the kernel's nanoseconds are here.
    unit: &'static str,
    /// By traffic, hook set, watcher.
    rounds: BTreeMap<(Traffic, String, Who), Vec<Figures>>,
    absent: Vec<Who>,
}

/// What a case may cost at most, as a multiple of empty programs on the same hooks.
fn bound(traffic: Traffic) -> f64 {
    match traffic {
        Traffic::Accepted => 6.0,
        Traffic::OtherPort | Traffic::Foreign => 1.3,
        Traffic::Dropped => 10.0,
    }
}

/// What a case may cost at most, as a share of the peer's.
const SHARE_OF_PEER: f64 = 0.5;

#[expect(clippy::cast_precision_loss, reason = "a figure, not a count")]
fn share(part: u64, whole: u64) -> f64 {
    part as f64 / whole as f64
}

fn per_syn(figures: &Figures, syns: u32) -> f64 {
    share(figures.values().map(|(_, nanos)| *nanos).sum(), syns.into())
}

impl Table {
    pub(crate) fn new(syns: u32, unit: &'static str) -> Self {
        Self { syns, unit, rounds: BTreeMap::new(), absent: vec![] }
    }

    pub(crate) fn add(&mut self, traffic: Traffic, set: &str, who: Who, figures: Figures) {
        self.rounds.entry((traffic, set.to_owned(), who)).or_default().push(figures);
    }

    pub(crate) fn absent(&mut self, who: Who) {
        if !self.absent.contains(&who) {
            self.absent.push(who);
        }
    }

    /// Nanoseconds per SYN of each round.
    fn rounds(&self, traffic: Traffic, set: &str, who: Who) -> Option<Vec<f64>> {
        let rounds = self.rounds.get(&(traffic, set.to_owned(), who))?;
        Some(rounds.iter().map(|figures| per_syn(figures, self.syns)).collect())
    }

    /// Ratios of a watcher with a hook set to another with the same, or to a peer, round by round.
    fn ratio(&self, traffic: Traffic, set: &str, who: Who, to: Who) -> Option<Spread> {
        let place = if to.is_peer() { ANY } else { set };
        let (ours, others) = (self.rounds(traffic, set, who)?, self.rounds(traffic, place, to)?);
        // Some sets have no empty program on the hook that such traffic meets.
        let both = ours.iter().zip(&others).filter(|(_, other)| **other > 0.0);
        spread(both.map(|(ours, other)| ours / other))
    }

    pub(crate) fn text(&self) -> String {
        let mut text = format!(
            "{} SYNs a round, medians (least to most) of the rounds\n{:<26} {:<10} {:<9} {:>23} {:>22} {:>22}  runs x {} of each program\n",
            self.syns,
            "CASE",
            "HOOK SET",
            "WHO",
            format!("{} PER SYN", self.unit),
            "x EMPTY",
            "x BPFTRACE",
            self.unit
        );
        for ((traffic, set, who), rounds) in &self.rounds {
            let Some(syn) = spread(self.rounds(*traffic, set, *who).unwrap_or_default()) else { continue };
            let ratio = |to| {
                let ratio = self.ratio(*traffic, set, *who, to).filter(|_| *who == Who::Tracer);
                ratio.map_or_else(String::new, |ratio| {
                    format!("{:.2} ({:.2} to {:.2})", ratio.median, ratio.least, ratio.most)
                })
            };
            let mut programs: BTreeMap<&str, Vec<(f64, f64)>> = BTreeMap::new();
            for figures in rounds {
                for (name, (runs, nanos)) in figures.iter().filter(|(_, (runs, _))| *runs > 0) {
                    programs
                        .entry(name)
                        .or_default()
                        .push((share(*runs, self.syns.into()), share(*nanos, *runs)));
                }
            }
            let programs: Vec<_> = programs
                .into_iter()
                .filter_map(|(name, rounds)| {
                    let runs = spread(rounds.iter().map(|(runs, _)| *runs))?.median;
                    let nanos = spread(rounds.iter().map(|(_, nanos)| *nanos))?.median;
                    Some(format!("{name} {runs:.2} x {nanos:.0}"))
                })
                .collect();
            let _ = writeln!(
                text,
                "{:<26} {set:<10} {:<9} {:>23} {:>22} {:>22}  {}",
                traffic.to_string(),
                who.to_string(),
                format!("{:.0} ({:.0} to {:.0})", syn.median, syn.least, syn.most),
                ratio(Who::Empty),
                ratio(Who::Bpftrace),
                programs.join(", ")
            );
        }
        for who in &self.absent {
            let _ = writeln!(text, "{who}: not to be had here");
        }
        text
    }

    /// # Errors
    /// When a case is above a bound.
    pub(crate) fn check(&self) -> Result<()> {
        let mut over = Vec::new();
        for (traffic, set, _) in self.rounds.keys().filter(|(_, _, who)| *who == Who::Tracer) {
            for (to, bound) in [(Who::Empty, bound(*traffic)), (Who::Bpftrace, SHARE_OF_PEER)] {
                let ratio = self.ratio(*traffic, set, Who::Tracer, to).map(|ratio| ratio.median);
                if let Some(ratio) = ratio.filter(|ratio| *ratio > bound) {
                    over.push(format!("{traffic}, {set}: {ratio:.2} times {to}, at most {bound}"));
                }
            }
        }
        if over.is_empty() { Ok(()) } else { bail!("{}", over.join("; ")) }
    }
}
