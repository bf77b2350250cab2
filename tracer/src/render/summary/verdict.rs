//! The verdict, at the very end: it is what a tired engineer reads.

use super::super::{
    phrases::clean,
    text::{Ink, Style},
};
use crate::model::verdict::{Remedy, Verdict};

impl Style {
    pub(super) fn verdict(&self, verdict: &Verdict) -> Vec<String> {
        let title = format!(
            "Verdict: {} (confidence {:.2})",
            clean(&verdict.cause),
            verdict.confidence.clamp(0.0, 1.0)
        );
        let mut lines = vec![String::new()];
        lines.extend(self.fold("", &title).iter().map(|line| self.ink(Ink::Bold, line)));
        lines.extend(self.fold_under(0, "", &clean(&verdict.text)));
        for (sign, points) in [("  + ", &verdict.speaks_for), ("  - ", &verdict.speaks_against)] {
            lines.extend(points.iter().flat_map(|words| self.fold(sign, &clean(words))));
        }
        if !verdict.remedy.is_empty() {
            lines.push(self.ink(Ink::Bold, "What to do, best first:"));
        }
        lines.extend(self.remedies(&verdict.remedy));
        lines
    }

    /// Numbered, each with its price.
    pub(in crate::render) fn remedies(&self, remedies: &[Remedy]) -> Vec<String> {
        let mut lines = Vec::new();
        for (n, remedy) in (1..).zip(remedies) {
            let number = format!("{n:>2}. ");
            lines.extend(self.fold(&number, &clean(&remedy.action)));
            if !remedy.price.is_empty() {
                let price = self.fold("    Price: ", &format!("{}.", clean(&remedy.price)));
                lines.extend(price.iter().map(|line| self.ink(Ink::Dim, line)));
            }
        }
        lines
    }
}
