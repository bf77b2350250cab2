//! The end of a run: puts what was observed beside what only the end tells, and has it judged.
//!
//! The same for a run that ends now and for one that was recorded: given the same start, observations and ending, the
//! summary is the same.

use super::verdict::{Case, judge};
use crate::model::report::{Ending, Snapshot, Start, Summary};

/// Sources in the summary.
pub const TOP: usize = 10;
/// Sources that a snapshot for [`sum_up`] has: the verdict must know of most drops where they came from.
pub const JUDGED: usize = 256;

/// Sums up. `seen` is the [snapshot](super::engine::Engine::snapshot) of everything observed, with [`JUDGED`] sources.
pub fn sum_up(start: &Start, ending: Ending, seen: Snapshot) -> Summary {
    let mut summary = so_far(start, ending, seen);
    summary.sources.truncate(TOP);
    summary
}

/// The same of a run that goes on, with all the sources of `seen`.
pub fn so_far(start: &Start, ending: Ending, mut seen: Snapshot) -> Summary {
    if let Some(accepted) = ending.accepted {
        seen.accepted = accepted;
    }
    if let Some(unreported) = ending.unreported {
        seen.unreported = unreported;
    }
    if ending.syns.is_none() {
        // What was seen of the others are handshakes that ended, or nothing.
        seen.sources.iter_mut().for_each(|source| source.syns = None);
    }
    ending.unsent.add_to(&mut seen);
    seen.wire = seen.wire.saturating_add(ending.left_out.wire);
    let mut lost = ending.lost;
    lost.table = seen.other.drops;
    let verdict = judge(&Case {
        snapshot: &seen,
        environment: &ending.environment,
        checks: &ending.snmp,
        blind: &start.blind,
        lost,
        left_out: &ending.left_out,
        filtered: start.filter.is_narrow(),
    });
    Summary {
        time: ending.time,
        elapsed_ms: ending.elapsed_ms,
        syns: ending.syns,
        accepted: seen.accepted,
        drops: seen.drops,
        by_cause: seen.by_cause,
        sources: seen.sources,
        sources_total: seen.sources_total,
        other: seen.other,
        served: seen.served,
        served_other: seen.served_other,
        retries: seen.retries,
        unreported: seen.unreported,
        clocks_evicted: seen.clocks_evicted,
        listeners: seen.listeners,
        reasons: seen.reasons,
        verdict,
        snmp: ending.snmp,
        snmp_left_out: ending.snmp_left_out,
        lost,
        unsent: ending.unsent,
        blind: start.blind.clone(),
        missing: start.missing.clone(),
        environment: ending.environment,
        left_out: ending.left_out,
        capture: ending.capture,
    }
}
