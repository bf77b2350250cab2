//! What a rule is: when it speaks, how far its kind of evidence carries, what it says and what it advises.

mod base;
mod table;

pub(super) use table::RULES;

use super::{confidence::confidence, facts::Facts, remedies::Advice};
use crate::model::{
    Cause,
    verdict::{Remedy, Verdict},
};

/// A sentence for or against, where it applies.
pub(super) type Point = fn(&Facts<'_>) -> Option<String>;

/// What a rule rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rests {
    /// The drops of the leading group.
    Leader,
    /// All drops.
    All,
    /// A counter of the kernel's that moved.
    Counter,
    /// SYNs that were answered.
    Answers,
}

/// One rule.
#[derive(Debug)]
pub(super) struct Rule {
    /// What it is called here and in tests.
    pub(super) name: &'static str,
    /// Its cause in the output; `None`: the leading group's most frequent one.
    pub(super) cause: Option<&'static str>,
    /// Whether it speaks.
    pub(super) applies: fn(&Facts<'_>) -> bool,
    pub(super) rests: Rests,
    /// Confidence with all the evidence in the world.
    pub(super) weight: f64,
    /// Part of the confidence that rests on what the clocks say.
    pub(super) finding: f64,
    /// Whether it says what the clocks say.
    pub(super) finds: bool,
    pub(super) text: fn(&Facts<'_>) -> String,
    pub(super) speaks_for: &'static [Point],
    pub(super) speaks_against: &'static [Point],
    pub(super) remedies: &'static [Advice],
}

impl Rule {
    /// The verdict.
    pub(super) fn speak(&self, facts: &Facts<'_>) -> Verdict {
        let points = |points: &[Point]| points.iter().filter_map(|point| point(facts)).collect();
        Verdict {
            cause: self.cause.or(facts.cause().map(Cause::name)).unwrap_or(self.name).to_owned(),
            confidence: confidence(self, facts),
            text: (self.text)(facts),
            speaks_for: points(self.speaks_for),
            speaks_against: points(self.speaks_against),
            remedy: self.advise(facts),
        }
    }

    /// What to do, best first.
    pub(super) fn advise(&self, facts: &Facts<'_>) -> Vec<Remedy> {
        if facts.is_mixed() {
            return of_each(facts);
        }
        let fitting = self.remedies.iter().filter(|advice| (advice.when)(facts));
        fitting
            .map(|advice| Remedy { action: (advice.action)(facts), price: advice.price.to_owned() })
            .collect()
    }
}

/// Groups of a mixture that get advice, and how much each.
const OF_A_MIXTURE: (usize, usize) = (3, 2);

/// The first advice of each group that has a part in it.
fn of_each(facts: &Facts<'_>) -> Vec<Remedy> {
    let mut all: Vec<Remedy> = Vec::new();
    for leader in facts.groups.iter().take(OF_A_MIXTURE.0) {
        let alone = facts.led_by(*leader);
        let rule =
            RULES.iter().filter(|rule| rule.rests == Rests::Leader).find(|rule| (rule.applies)(&alone));
        for remedy in rule.into_iter().flat_map(|rule| rule.advise(&alone)).take(OF_A_MIXTURE.1) {
            if !all.contains(&remedy) {
                all.push(remedy);
            }
        }
    }
    all
}
