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
/// Who does less than this beyond what a program costs that does nothing, as a share of that, returns at once.
const AT_ONCE: f64 = 0.25;

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

    /// How often ours costs what empty programs on the same hooks cost, round by round.
    fn to_empty(&self, traffic: Traffic, set: &str) -> Option<Spread> {
        let ours = self.rounds(traffic, set, Who::Tracer)?;
        let empty = self.rounds(traffic, set, Who::Empty)?;
        // Some sets have no empty program on the hook that such traffic meets.
        let both = ours.iter().zip(&empty).filter(|(_, empty)| **empty > 0.0);
        spread(both.map(|(ours, empty)| ours / empty))
    }

    /// Ours as a share of a peer's, both without what a program that does nothing would cost as often on such a hook: most of
    /// that is what the statistics cost. `None`: there is no such peer, or it returns at once.
    fn to_peer(&self, traffic: Traffic, set: &str, peer: Who) -> Option<Spread> {
        let ours = self.rounds.get(&(traffic, set.to_owned(), Who::Tracer))?;
        let empty = self.rounds.get(&(traffic, set.to_owned(), Who::Empty))?;
        let peers = self.rounds.get(&(traffic, ANY.to_owned(), peer))?;
        let rounds = ours.iter().zip(empty).zip(peers).filter_map(|((ours, empty), peer)| {
            let (runs, nanos) = empty.values().fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
            let nothing = share(nanos, runs);
            let own = |figures: &Figures| -> f64 {
                figures.values().map(|(runs, nanos)| share(*nanos, 1) - nothing * share(*runs, 1)).sum()
            };
            let peer = own(peer);
            (peer > share(nanos, 1) * AT_ONCE).then(|| (own(ours) / peer).max(0.0))
        });
        spread(rounds)
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
            let ratio = |ratio: Option<Spread>| {
                ratio.filter(|_| *who == Who::Tracer).map_or_else(String::new, |ratio| {
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
                ratio(self.to_empty(*traffic, set)),
                ratio(self.to_peer(*traffic, set, Who::Bpftrace)),
                programs.join(", ")
            );
        }
        for who in &self.absent {
            let _ = writeln!(text, "{who}: not to be had here");
        }
        text.push_str("x EMPTY: with what the statistics cost. x BPFTRACE: both without what a program costs that does nothing;\n");
        text.push_str("nothing stands there where both return at once\n");
        text
    }

    /// # Errors
    /// When a case is above a bound.
    pub(crate) fn check(&self) -> Result<()> {
        let mut over = Vec::new();
        for (traffic, set, _) in self.rounds.keys().filter(|(_, _, who)| *who == Who::Tracer) {
            let to_empty = (Who::Empty, self.to_empty(*traffic, set), bound(*traffic));
            let to_peer = (Who::Bpftrace, self.to_peer(*traffic, set, Who::Bpftrace), SHARE_OF_PEER);
            for (to, ratio, bound) in [to_empty, to_peer] {
                if let Some(ratio) = ratio.map(|ratio| ratio.median).filter(|ratio| *ratio > bound) {
                    over.push(format!("{traffic}, {set}: {ratio:.2} times {to}, at most {bound}"));
                }
            }
        }
        if over.is_empty() { Ok(()) } else { bail!("{}", over.join("; ")) }
    }
}
