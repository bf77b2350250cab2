//! The contract's names in a table: a word that is none of them is an error at its line.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, de::Error as _};
use tracer::model::{Cause, OptionKinds, Stage};

/// A value that is written as its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Named<T>(pub(crate) T);

impl<'de, T: FromStr<Err: fmt::Display>> Deserialize<'de> for Named<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let word = String::deserialize(from)?;
        word.parse().map(Self).map_err(|why| D::Error::custom(format!("{word:?}: {why}")))
    }
}

/// The kinds of a SYN's options, in p0f's notation.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Layout(pub(crate) OptionKinds);

impl FromStr for Layout {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut kinds = OptionKinds::default();
        for word in text.split(',').filter(|word| !word.is_empty()) {
            kinds.push(match word {
                "eol" => 0,
                "nop" => 1,
                "mss" => 2,
                "ws" => 3,
                "sok" => 4,
                "ts" => 8,
                odd => return Err(format!("there is no option {odd:?}")),
            });
        }
        Ok(Self(kinds))
    }
}

/// `--cause`: causes, `paws` for the timestamp group, or `all`.
#[derive(Clone, Debug)]
pub(crate) struct Asked(pub(crate) Vec<Cause>);

impl FromStr for Asked {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut asked = Vec::new();
        for word in text.split(',') {
            match word {
                "all" => asked.extend(Cause::ALL),
                "paws" => asked.extend(Cause::ALL.into_iter().filter(|cause| cause.is_paws())),
                name => asked.push(name.parse().map_err(|_| format!("there is no cause {name:?}"))?),
            }
        }
        Ok(Self(asked))
    }
}

impl Default for Asked {
    fn default() -> Self {
        let noise = |cause: &Cause| matches!(cause, Cause::NoListener | Cause::Repeated);
        Self(Cause::ALL.into_iter().filter(|cause| !noise(cause)).collect())
    }
}

/// Where a SYN of this cause dies, as the contract has it; the more common one where there are two.
pub(crate) fn stage_of(cause: Cause) -> Stage {
    match cause {
        Cause::PawsTimeWait | Cause::OldSequence => Stage::TimeWait,
        Cause::PawsFinWait2 => Stage::FinWait2,
        Cause::PawsSynRecv | Cause::OutOfWindow | Cause::Repeated => Stage::SynRecv,
        Cause::PawsEstablished | Cause::SynOnEstablished => Stage::Established,
        Cause::PawsRecycle
        | Cause::AcceptQueueFull
        | Cause::SynQueueFull
        | Cause::PeerNotProven
        | Cause::ListenOther => Stage::Listen,
        Cause::NoListener | Cause::Other => Stage::None,
    }
}
