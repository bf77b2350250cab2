//! Words of `--cause`, and which causes they select.

use std::{ffi::OsStr, str::FromStr};

use clap::builder::{PossibleValue, StringValueParser, TypedValueParser};

use super::near::did_you_mean;
use crate::{model::Cause, render::causes::short};

/// A word of `--cause`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CauseWord {
    /// One cause.
    One(Cause),
    /// The timestamp group.
    Paws,
    /// Every cause.
    All,
}

impl FromStr for CauseWord {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "paws" => Ok(Self::Paws),
            "all" => Ok(Self::All),
            name => name.parse().map(Self::One).map_err(|_| unknown_cause(name)),
        }
    }
}

fn unknown_cause(word: &str) -> String {
    let names = || ["paws", "all"].into_iter().chain(Cause::ALL.map(Cause::name));
    match did_you_mean(word, names()) {
        Some(words) => format!("there is no such cause; {words}"),
        None => format!(
            "there is no such cause; the causes are {} (`tracer help causes` explains them)",
            names().collect::<Vec<_>>().join(", ")
        ),
    }
}

/// Parses a word of `--cause`, and knows them all, so that shells can complete them.
#[derive(Clone, Debug)]
pub(super) struct CauseParser;

impl TypedValueParser for CauseParser {
    type Value = CauseWord;

    fn parse_ref(
        &self,
        command: &clap::Command,
        arg: Option<&clap::Arg>,
        value: &OsStr,
    ) -> Result<CauseWord, clap::Error> {
        StringValueParser::new().try_map(|word| word.parse::<CauseWord>()).parse_ref(command, arg, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        let groups = [("paws", "every cause of the timestamp test"), ("all", "every cause there is")];
        let causes = Cause::ALL.into_iter().map(|cause| (cause.name(), short(cause)));
        let word = |(name, help)| PossibleValue::new(name).help(help);
        Some(Box::new(groups.into_iter().chain(causes).map(word)))
    }
}

/// The causes selected by `--cause`, in the order of the contract.
pub fn selected(words: &[CauseWord]) -> Vec<Cause> {
    let wanted = |cause: &Cause| match words {
        [] => !matches!(cause, Cause::NoListener | Cause::Repeated),
        words => words.iter().any(|word| match word {
            CauseWord::One(one) => one == cause,
            CauseWord::Paws => cause.is_paws(),
            CauseWord::All => true,
        }),
    };
    Cause::ALL.into_iter().filter(wanted).collect()
}
