//! What a rule is: when it speaks, how far its kind of evidence carries, what it says and what it advises.

mod base;
mod table;

pub(super) use table::RULES;

use super::{
    confidence::confidence,
    facts::Facts,
    remedies::{self, Advice},
    texts,
};
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
    /// How sure it can be with all the evidence in the world, where it rests on a group's drops or on answers.
    pub(super) weight: f64,
    /// Part of it that rests on knowing who is behind the addresses.
    pub(super) finding: f64,
    pub(super) text: fn(&Facts<'_>) -> String,
    pub(super) speaks_for: &'static [Point],
    pub(super) speaks_against: &'static [Point],
    pub(super) remedies: &'static [Advice],
}

impl Rule {
    /// The verdict.
    pub(super) fn speak(&self, facts: &Facts<'_>) -> Verdict {
        let points = |points: &[Point]| points.iter().filter_map(|point| point(facts)).collect();
        let text = (self.text)(facts);
        let (text, first) = match texts::not_asked_for(facts).filter(|_| self.rests != Rests::Counter) {
            // Whoever reads on must know that it is about drops that stand nowhere above.
            Some(words) => (format!("{words} {text}"), remedies::ASK_FOR_THEM.given(facts)),
            None => (text, None),
        };
        Verdict {
            cause: self.cause.or(facts.cause().map(Cause::name)).unwrap_or(self.name).to_owned(),
            confidence: confidence(self, facts),
            text,
            speaks_for: points(self.speaks_for),
            speaks_against: points(self.speaks_against),
            remedy: first.into_iter().chain(self.advise(facts)).collect(),
        }
    }

    /// What to do, best first.
    pub(super) fn advise(&self, facts: &Facts<'_>) -> Vec<Remedy> {
        if self.rests == Rests::All {
            return of_each(facts);
        }
        self.remedies.iter().filter_map(|advice| advice.given(facts)).collect()
    }
}

/// The rule that speaks for drops of a group that is alone.
pub(super) fn rule_of(alone: &Facts<'_>) -> Option<&'static Rule> {
    RULES.iter().filter(|rule| rule.rests == Rests::Leader).find(|rule| (rule.applies)(alone))
}

/// Parts of a mixture that get advice, and how much each.
const OF_A_MIXTURE: (usize, usize) = (3, 2);

/// The first advice of each part of a mixture.
fn of_each(facts: &Facts<'_>) -> Vec<Remedy> {
    let mut all: Vec<Remedy> = Vec::new();
    let mut add = |more: Vec<Remedy>| {
        for remedy in more.into_iter().take(OF_A_MIXTURE.1) {
            if !all.contains(&remedy) {
                all.push(remedy);
            }
        }
    };
    if let Some(cause) = facts.unseen.and_then(|unseen| unseen.cause) {
        let of_it = |rule: &&Rule| rule.rests == Rests::Counter && rule.cause == Some(cause.name());
        add(RULES.iter().find(of_it).map(|rule| rule.advise(facts)).unwrap_or_default());
    }
    for leader in facts.groups.iter().take(OF_A_MIXTURE.0) {
        let alone = facts.led_by(*leader);
        add(rule_of(&alone).map(|rule| rule.advise(&alone)).unwrap_or_default());
    }
    all
}
