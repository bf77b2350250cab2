//! A run that was recorded, read again with options of its own: what of its first and its last line still holds.

use crate::{
    analysis::selection::Selection,
    app::{report::limits, request::in_words},
    cli::{ReplayArgs, selected},
    model::{
        Cause,
        report::{Ending, Start},
    },
};

/// Its start, as far as it is asked for now.
pub(super) fn asked_of(mut start: Start, args: &ReplayArgs) -> Start {
    let asked = in_words(&args.select);
    let filter = &mut start.filter;
    if !asked.ports.is_empty() {
        filter.ports = asked.ports;
    }
    filter.family = asked.family.or(filter.family);
    if !asked.from.is_empty() {
        filter.from = asked.from;
    }
    if !asked.causes.is_empty() {
        filter.causes = asked.causes;
    }
    start.limits = Some(limits(&args.output).or_recorded(start.limits));
    start
}

/// The causes to show: those that are asked for now, else those that it was recorded with.
pub(super) fn causes(start: &Start, args: &ReplayArgs) -> Vec<Cause> {
    match &args.select.cause[..] {
        [] if !start.filter.causes.is_empty() => start.filter.causes.clone(),
        words => selected(words),
    }
}

/// Its end. Numbers of the whole run say nothing of a part of it.
pub(super) fn of_the_part(mut ending: Ending, selection: &Selection) -> Ending {
    if selection.narrow() {
        (ending.syns, ending.accepted, ending.unreported) = (None, None, None);
        ending.snmp.clear();
        ending.environment.counters.clear();
    }
    ending
}
