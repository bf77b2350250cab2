//! What the kernel's counters say of drops that were not seen.

use super::Case;
use crate::{analysis::snmp::CHECKED, model::Cause};

/// Drops that only a counter of the kernel's shows.
#[derive(Clone, Copy, Debug)]
pub(in crate::analysis::verdict) struct Unseen {
    pub(in crate::analysis::verdict) counter: &'static str,
    /// The one cause that moves it. None under a filter: what moved it may have been left out.
    pub(in crate::analysis::verdict) cause: Option<Cause>,
    pub(in crate::analysis::verdict) drops: u64,
}

/// Counters that one cause moves.
const OF_ONE_CAUSE: [(&str, Cause); 3] = [
    ("TcpExtListenOverflows", Cause::AcceptQueueFull),
    ("TcpExtTCPReqQFullDrop", Cause::SynQueueFull),
    ("TcpExtPAWSPassive", Cause::PawsRecycle),
];

/// Counters that more than one cause moves, or more than SYNs.
const OF_MORE: [(&str, &[Cause]); 3] = [
    ("TcpExtListenDrops", &[Cause::PeerNotProven, Cause::ListenOther]),
    ("TcpExtPAWSTimewait", &[Cause::PawsTimeWait]),
    ("TcpExtPAWSEstab", &[Cause::PawsTimeWait, Cause::PawsSynRecv, Cause::PawsEstablished]),
];

/// Counters that the timestamp test moves.
const OF_PAWS: [&str; 3] = ["TcpExtPAWSPassive", "TcpExtPAWSTimewait", "TcpExtPAWSEstab"];

/// By how much a counter moved more than our drops explain.
fn excess(case: &Case<'_>, counter: &str) -> u64 {
    let causes = || case.snapshot.by_cause.values().chain(case.left_out.seen.values());
    let none = case.snapshot.drops == 0 && causes().all(|n| *n == 0);
    match case.checks.iter().find(|check| check.name == counter) {
        // Where no drop is known, none explains a counter.
        Some(check) if none => check.kernel,
        Some(check) => check.kernel.saturating_sub(check.ours),
        None => case.environment.counters.get(counter).copied().unwrap_or(0),
    }
}

fn most(counters: &[&'static str], case: &Case<'_>) -> Option<(&'static str, u64)> {
    let moved = counters.iter().map(|name| (*name, excess(case, name)));
    moved.filter(|(_, n)| *n > 0).max_by_key(|(_, n)| *n)
}

/// The counter that moved most beyond what our drops explain.
pub(super) fn moved(case: &Case<'_>) -> Option<(&'static str, u64)> {
    most(&CHECKED, case)
}

/// ... of those that the timestamp test moves.
pub(super) fn paws_moved(case: &Case<'_>) -> Option<(&'static str, u64)> {
    most(&OF_PAWS, case)
}

/// Counters of one cause that is invisible here, and moved.
pub(super) fn of_one_cause(case: &Case<'_>) -> impl Iterator<Item = Unseen> {
    let blind = OF_ONE_CAUSE.iter().filter(|(_, cause)| case.blind.contains(cause));
    blind
        .map(|(counter, cause)| Unseen {
            counter,
            cause: (!case.filtered).then_some(*cause),
            drops: excess(case, counter),
        })
        .filter(|unseen| unseen.drops > 0)
}

/// Counters of several causes, one of which is invisible here.
pub(super) fn of_more(case: &Case<'_>) -> impl Iterator<Item = Unseen> {
    let blind = OF_MORE.iter().filter(|(_, causes)| causes.iter().any(|cause| case.blind.contains(cause)));
    blind
        .map(|(counter, _)| Unseen { counter, cause: None, drops: excess(case, counter) })
        .filter(|unseen| unseen.drops > 0)
}

/// The largest movement of a counter whose causes are invisible; where there is none that tells the cause, one that
/// tells of several.
pub(super) fn unseen(case: &Case<'_>) -> Option<Unseen> {
    of_one_cause(case).max_by_key(|unseen| unseen.drops).or_else(|| of_more(case).next())
}
