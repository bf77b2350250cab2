//! What the findings at several of our addresses say of one source together.
//!
//! One host has another clock for each of our addresses: different clocks at different addresses are no evidence of
//! several hosts, so the findings are never added up. The one that says most stands for the source, and is believed the
//! less the more were looked at that do not say the same: chance had as many tries (Bonferroni's bound).

use std::{cmp::Reverse, net::IpAddr};

use crate::model::nat::{Nat, NatVerdict};

/// How much a finding says.
fn rank(nat: &Nat) -> u8 {
    match nat.verdict {
        NatVerdict::Nat => 6,
        // Translation in the path is certain.
        NatVerdict::PerConnection if nat.port_jumps > 0 => 5,
        NatVerdict::ClockChange | NatVerdict::Reboot => 4,
        NatVerdict::PerConnection => 3,
        NatVerdict::SingleHost => 2,
        // Where another address of ours was asked with timestamps, "none" is wrong.
        NatVerdict::Undecidable => 1,
        NatVerdict::NoTimestamps => 0,
    }
}

/// Findings from this rank on are decided.
const DECIDED: u8 = 2;
/// Findings above this rank are picked because they stand out.
const RARE: u8 = 3;

/// The finding that says most, with the jumps of all; `all` is the number of our addresses, looked at or not.
pub(super) fn strongest(findings: impl Iterator<Item = (IpAddr, Nat)>, all: usize) -> Option<Nat> {
    let mut jumps = 0_u64;
    let mut looked_at = 0_usize;
    let key = |dst: IpAddr, nat: &Nat| {
        (rank(nat), nat.hosts_at_least, nat.confidence.to_bits(), nat.hosts, Reverse(dst))
    };
    let mut alike = [0_u32; 7];
    let mut best: Option<(IpAddr, Nat)> = None;
    for (dst, nat) in findings {
        alike[usize::from(rank(&nat))] += 1;
        jumps = jumps.saturating_add(nat.port_jumps);
        looked_at += 1;
        if best.as_ref().is_none_or(|(other, most)| key(dst, &nat) > key(*other, most)) {
            best = Some((dst, nat));
        }
    }
    let (dst, mut nat) = best?;
    if rank(&nat) > RARE {
        // Where nothing could be said, nothing wrong could be said either.
        let tries: u32 = alike[usize::from(DECIDED)..].iter().sum();
        let tries = f64::from(tries) / f64::from(alike[usize::from(rank(&nat))]);
        nat.confidence = (1.0 - (1.0 - nat.confidence) * tries).max(0.0);
    }
    nat.port_jumps = jumps;
    if all > 1 {
        let of_all = if looked_at < all { format!("{looked_at} of {all}") } else { format!("{all}") };
        nat.evidence.push(format!(
            "seen from {dst}; {of_all} addresses of ours were looked at, each alone, for a host has another clock for each"
        ));
    }
    Some(nat)
}
