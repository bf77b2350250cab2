//! How much is evaluated, and what came of it.

use std::fmt::Write as _;

use crate::eval::exact;

/// How much.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    /// Everything follows from it.
    pub(crate) seed: u64,
    /// Single-host runs of every kind; everything else is in proportion.
    pub(crate) runs: usize,
    /// Only rows whose name has this word.
    pub(crate) only: Option<String>,
}

/// Single-host runs of every kind in the full evaluation.
pub(crate) const FULL: usize = 10_000;
/// In the quick one.
pub(crate) const QUICK: usize = 1_000;
/// In the one that every `cargo test` does: a few seconds, with or without the optimizer.
pub(crate) const SMOKE: usize = if cfg!(debug_assertions) { 24 } else { 60 };

impl Plan {
    /// So many of `full` as are in proportion, at least `least`.
    pub(crate) fn share(&self, full: usize, least: usize) -> usize {
        (full * self.runs / FULL).max(least.min(full))
    }

    /// Whether a row is wanted.
    pub(crate) fn wants(&self, name: &str) -> bool {
        self.only.as_ref().is_none_or(|word| name.contains(word.as_str()))
    }
}

/// The tables, and the targets that were missed.
#[derive(Default)]
pub(crate) struct Report {
    text: String,
    targets: usize,
    missed: Vec<String>,
}

impl Report {
    /// A heading and what the table under it means.
    pub(crate) fn section(&mut self, title: &str, text: &str) {
        let _ = write!(self.text, "\n## {title}\n\n{text}\n");
    }

    /// A table's first lines; columns that begin with `#` hold numbers.
    pub(crate) fn head(&mut self, columns: &[&str]) {
        let name = |column: &&str| column.trim_start_matches('#').to_owned();
        let names: Vec<String> = columns.iter().map(name).collect();
        let rule: Vec<&str> =
            columns.iter().map(|column| if column.starts_with('#') { "---:" } else { "---" }).collect();
        let _ = write!(self.text, "\n| {} |\n| {} |\n", names.join(" | "), rule.join(" | "));
    }

    /// A row of it.
    pub(crate) fn row(&mut self, cells: &[String]) {
        let _ = writeln!(self.text, "| {} |", cells.join(" | "));
    }

    /// A target: `true` when it is met.
    pub(crate) fn target(&mut self, met: bool, what: impl FnOnce() -> String) {
        self.targets += 1;
        if !met {
            self.missed.push(what());
        }
    }

    /// A target for a share: met from `wanted` on. Of fewer than 200 cases it is missed only when chance does not explain
    /// it.
    pub(crate) fn at_least(&mut self, hits: usize, cases: usize, wanted: f64, what: impl FnOnce() -> String) {
        let chance = cases < 200 && exact::at_most(hits, cases) >= wanted;
        self.target(chance || share(hits, cases) >= wanted, || {
            format!("{}: {} % of {cases}, not {:.0}", what(), percent(hits, cases), 100.0 * wanted)
        });
    }

    /// Everything, and the targets that were missed.
    pub(crate) fn finish(mut self) -> (String, Vec<String>) {
        if self.targets > 0 {
            let _ = write!(
                self.text,
                "\n## Targets\n\n{} targets, {} missed.\n",
                self.targets,
                self.missed.len()
            );
            for what in &self.missed {
                let _ = write!(self.text, "\n* {what}");
            }
        }
        (self.text, self.missed)
    }
}

/// A share as percent, or a dash of nothing.
pub(crate) fn percent(part: usize, whole: usize) -> String {
    if whole == 0 { "–".into() } else { format!("{:.2}", 100.0 * part as f64 / whole as f64) }
}

/// A share; that of nothing is whole.
pub(crate) fn share(part: usize, whole: usize) -> f64 {
    if whole == 0 { 1.0 } else { part as f64 / whole as f64 }
}

/// A mean as percent, or a dash of nothing.
pub(crate) fn mean(values: &[f64]) -> String {
    if values.is_empty() { "–".into() } else { format!("{:.2}", 100.0 * average(values)) }
}

/// The mean; that of nothing is 0.
pub(crate) fn average(values: &[f64]) -> f64 {
    if values.is_empty() { 0.0 } else { values.iter().sum::<f64>() / values.len() as f64 }
}
