//! What ends it, as data: when an advice fits, what to type or to change, and what that costs.

mod look;
mod queues;
mod timestamps;

pub(super) use look::*;
pub(super) use queues::*;
pub(super) use timestamps::*;

use super::facts::Facts;
use crate::model::Cause;

/// One advice.
#[derive(Debug)]
pub(super) struct Advice {
    /// Whether it fits what was read.
    pub(super) when: fn(&Facts<'_>) -> bool,
    pub(super) action: fn(&Facts<'_>) -> String,
    /// Empty where it costs nothing.
    pub(super) price: &'static str,
}

const ALWAYS: fn(&Facts<'_>) -> bool = |_| true;

fn is_on(facts: &Facts<'_>, name: &str) -> bool {
    facts.sysctl(name).is_some_and(|value| value != 0)
}

/// The old socket is a bucket: a bare ACK goes back, and the client's RST frees the port.
fn on_a_bucket(facts: &Facts<'_>) -> bool {
    matches!(facts.cause(), Some(Cause::PawsTimeWait | Cause::PawsFinWait2 | Cause::OldSequence))
}

/// `n`, where it is known.
fn known(value: Option<impl ToString>) -> String {
    value.map_or_else(|| "not known here".into(), |value| value.to_string())
}
