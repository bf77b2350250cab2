//! What the clocks say of the sources that PAWS drops come from: which finding may speak for the incident.

use super::saturate;
use crate::model::{
    nat::{Nat, NatVerdict},
    report::Source,
};

/// A finding that is less sure is no ground for a sentence about who is behind an address.
const SURE: f64 = 0.9;

/// What the clocks say of the sources that most PAWS drops come from.
#[derive(Clone, Copy, Debug)]
pub(in crate::analysis::verdict) struct Finding<'a> {
    pub(in crate::analysis::verdict) verdict: NatVerdict,
    /// The source with the most PAWS drops among those that show it.
    pub(in crate::analysis::verdict) source: &'a Source,
    pub(in crate::analysis::verdict) nat: &'a Nat,
    /// Sources with this finding.
    pub(in crate::analysis::verdict) sources: usize,
    /// PAWS drops of these sources.
    pub(in crate::analysis::verdict) paws: u64,
}

/// A confidence that came from elsewhere; what is no number is none.
fn sane(confidence: f64) -> f64 {
    if confidence.is_nan() { 0.0 } else { confidence.clamp(0.0, 1.0) }
}

/// What a source's clocks say for certain.
pub(in crate::analysis::verdict) fn sure(source: &Source) -> Option<&Nat> {
    let decided = |nat: &&Nat| !matches!(nat.verdict, NatVerdict::Undecidable | NatVerdict::NoTimestamps);
    source.nat.as_ref().filter(|nat| sane(nat.confidence) >= SURE).filter(decided)
}

/// The finding of more than half of all PAWS drops, each counted for the source that it came from.
pub(super) fn finding(sources: &[Source], paws: u64) -> Option<Finding<'_>> {
    let mut found: Vec<Finding<'_>> = Vec::new();
    for source in sources.iter().filter(|source| source.paws > 0) {
        let Some(nat) = sure(source) else { continue };
        match found.iter_mut().find(|finding| finding.verdict == nat.verdict) {
            Some(finding) => {
                finding.sources += 1;
                finding.paws = finding.paws.saturating_add(source.paws);
                if source.paws > finding.source.paws {
                    (finding.source, finding.nat) = (source, nat);
                }
            }
            None => found.push(Finding { verdict: nat.verdict, source, nat, sources: 1, paws: source.paws }),
        }
    }
    // Of two with as many the one in the order of the contract.
    found.sort_by(|a, b| b.paws.cmp(&a.paws).then(a.verdict.cmp(&b.verdict)));
    found.into_iter().next().filter(|finding| finding.paws > paws.saturating_sub(finding.paws))
}

/// See [`Facts::known`](super::Facts::known).
pub(super) fn known(sources: &[Source], number: f64) -> f64 {
    let explains = |nat: &&Nat| {
        matches!(
            nat.verdict,
            NatVerdict::Nat | NatVerdict::PerConnection | NatVerdict::Reboot | NatVerdict::ClockChange
        )
    };
    let each = sources.iter().filter_map(|source| {
        let nat = source.nat.as_ref().filter(explains)?;
        Some(sane(nat.confidence) * number.min(saturate(source.paws)))
    });
    each.fold(0.0, f64::max)
}
