//! What ends it, as data: when an advice fits, what to type or to change, and what that costs.

mod look;
mod queues;
mod reasons;
mod timestamps;

pub(super) use look::*;
pub(super) use queues::*;
pub(super) use reasons::*;
pub(super) use timestamps::*;

use super::facts::Facts;
use crate::model::{Cause, verdict::Remedy};

/// One advice.
#[derive(Debug)]
pub(super) struct Advice {
    /// Whether it fits what was read.
    pub(super) when: fn(&Facts<'_>) -> bool,
    pub(super) action: fn(&Facts<'_>) -> String,
    /// Empty where it costs nothing.
    pub(super) price: &'static str,
}

impl Advice {
    /// The remedy, where it fits.
    pub(super) fn given(&self, facts: &Facts<'_>) -> Option<Remedy> {
        (self.when)(facts).then(|| Remedy { action: (self.action)(facts), price: self.price.to_owned() })
    }
}

const ALWAYS: fn(&Facts<'_>) -> bool = |_| true;

fn is_on(facts: &Facts<'_>, name: &str) -> bool {
    facts.sysctl(name).is_some_and(|value| value != 0)
}

/// The port was used again while a bucket still keeps it.
fn on_a_bucket(facts: &Facts<'_>) -> bool {
    matches!(facts.cause(), Some(Cause::PawsTimeWait | Cause::PawsFinWait2 | Cause::OldSequence))
}

/// A bare ACK goes back, and the client's RST to it frees the port.
fn answered_by_ack(facts: &Facts<'_>) -> bool {
    let refused_in_silence = facts.is(Cause::PawsRecycle);
    let others = [Cause::OldSequence, Cause::OutOfWindow, Cause::SynOnEstablished];
    (facts.is_paws() && !refused_in_silence) || others.into_iter().any(|cause| facts.is(cause))
}

/// The server still holds the connection open.
fn held_open(facts: &Facts<'_>) -> bool {
    matches!(facts.cause(), Some(Cause::PawsEstablished | Cause::SynOnEstablished))
}
