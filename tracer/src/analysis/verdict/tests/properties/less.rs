//! The same case with less that speaks for it, or more that speaks against it; and what has to hold then.

use proptest::prelude::*;

use super::*;

/// The same case with drops of a cause taken away, and from the sources that they came from. One drop that matters is
/// always left: without any, there is another question to answer.
pub(super) fn fewer(made: &Made, cause: Cause, taken: u64) -> Made {
    let mut made = made.clone();
    let all = made.case();
    let facts = Facts::of(&all);
    let last = facts.groups.len() < 2;
    // Where the total says another thing than its parts, what is taken from one may turn up as another.
    let counted = made.snapshot.by_cause.values().fold(0u64, |sum, n| sum.saturating_add(*n));
    if !facts.groups.iter().any(|leader| leader.group == Group::of(cause)) || counted == u64::MAX {
        return made;
    }
    let mut taken = taken;
    if let Some(n) = made.snapshot.by_cause.get_mut(&cause) {
        let part = taken.min(n.saturating_sub(u64::from(last)));
        *n -= part;
        made.snapshot.drops = made.snapshot.drops.saturating_sub(part);
        let mut left = if cause.is_paws() { part } else { 0 };
        for source in &mut made.snapshot.sources {
            let part = source.paws.min(left);
            (source.paws, source.drops) = (source.paws - part, source.drops - part);
            left -= part;
        }
        taken -= part;
    }
    if let Some(n) = made.left_out.seen.get_mut(&cause) {
        *n -= taken.min(n.saturating_sub(u64::from(last)));
    }
    made
}

/// The same case with the cause that leads cut down.
pub(super) fn fewer_of_the_leader(made: &Made, taken: u64) -> Made {
    match Facts::of(&made.case()).cause() {
        Some(cause) => fewer(made, cause, taken),
        None => made.clone(),
    }
}

pub(super) fn without_counters(made: &Made, only: Option<&str>) -> Made {
    let mut made = made.clone();
    let goes = |name: &str| only.is_none_or(|only| only == name);
    made.checks.retain(|check| !goes(&check.name));
    made.environment.counters.retain(|name, _| !goes(name));
    made
}

pub(super) fn without_clocks(made: &Made, which: [bool; 5]) -> Made {
    let mut made = made.clone();
    for (source, forget) in made.snapshot.sources.iter_mut().zip(which) {
        if forget {
            source.nat = None;
        }
    }
    made
}

pub(super) fn without_settings(made: &Made) -> Made {
    let mut made = made.clone();
    made.environment = Environment { counters: made.environment.counters, ..Environment::default() };
    made
}

pub(super) fn with_losses(made: &Made, more: Lost) -> Made {
    let mut made = made.clone();
    let Lost { ring, decode, slot, read, .. } = &mut made.lost;
    for (sum, more) in [(ring, more.ring), (decode, more.decode), (slot, more.slot), (read, more.read)] {
        *sum = sum.saturating_add(more);
    }
    made
}

pub(super) fn with_more_from_packets_alone(made: &Made, more: u64) -> Made {
    let mut made = made.clone();
    made.snapshot.wire = made.snapshot.wire.saturating_add(more);
    made
}

/// Whichever rule speaks then.
pub(super) fn not_surer(before: &Made, after: &Made) -> Result<(), TestCaseError> {
    if let (Some(before), Some(after)) = (judge(&before.case()), judge(&after.case())) {
        let (before_was, after_is) = (before.confidence, after.confidence);
        prop_assert!(after_is <= before_was + 1e-12, "{before_was} {before:?}\nthen {after_is} {after:?}");
    }
    Ok(())
}
