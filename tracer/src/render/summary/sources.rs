//! The sources of a run: a table, what their clocks say, what became of the clients.

use super::super::{
    phrases::{clean, millis},
    text::{Ink, Style},
};
use crate::model::{
    nat::{Nat, NatVerdict},
    report::{Retries, Source, Summary},
};

/// Sources whose evidence is told.
const TOLD: usize = 3;
/// Sentences of it.
const SENTENCES: usize = 4;

impl Style {
    pub(super) fn sources(&self, summary: &Summary) -> Vec<String> {
        if summary.sources.is_empty() {
            return Vec::new();
        }
        let shown = summary.sources.len() as u64;
        let title = if summary.sources_total > shown {
            format!("Top {shown} of {} sources:", summary.sources_total)
        } else {
            "Sources:".to_owned()
        };
        let head = format!(
            "{:>8} {:>8}  {:>10}  {:<8}  {:<16}  ADDRESS",
            "DROPS", "PAWS", "TICKS BACK", "LAST", "LOOKS LIKE"
        );
        let mut lines = vec![String::new(), self.ink(Ink::Bold, &title), self.ink(Ink::Dim, &head)];
        for source in &summary.sources {
            let back = source.max_regression.map_or("-".into(), |ticks| ticks.to_string());
            let last = self.time_of_day(source.last, "%H:%M:%S");
            let looks = source.nat.as_ref().map_or("-".into(), looks_like);
            let lead =
                format!("{:>8} {:>8}  {back:>10}  {last:<8}  {looks:<16}  ", source.all_drops(), source.paws);
            // A long IPv6 address goes below.
            lines.extend(self.fold(&lead, &source.src.to_string()));
        }
        if summary.other.drops > 0 {
            let other = &summary.other;
            let lead =
                format!("{:>8} {:>8}  {:>10}  {:<8}  {:<16}  ", other.drops, other.paws, "-", "-", "-");
            lines.extend(self.fold(&lead, "(without a row)"));
        }
        lines.extend(self.evidence(&summary.sources));
        lines.extend(clients(summary.retries).iter().flat_map(|words| self.fold("", words)));
        lines
    }

    /// Why the first sources look like more than one host.
    fn evidence(&self, sources: &[Source]) -> Vec<String> {
        let flagged = sources.iter().filter_map(|source| {
            let nat = source.nat.as_ref()?;
            is_flagged(nat).then_some((source, nat))
        });
        flagged
            .take(TOLD)
            .flat_map(|(source, nat)| {
                let mut words: Vec<_> = nat
                    .evidence
                    .iter()
                    .take(SENTENCES)
                    .map(|words| clean(words).trim().trim_end_matches('.').to_owned())
                    .filter(|words| !words.is_empty())
                    .collect();
                if nat.port_jumps > 0 {
                    words.push(format!("one port jumped between clocks ({} times in all)", nat.port_jumps));
                }
                let sure = format!("confidence {:.2}", nat.confidence.clamp(0.0, 1.0));
                words.insert(0, format!("{} ({sure})", looks_like(nat)));
                self.fold(&format!("{}: ", source.src), &format!("{}.", words.join("; ")))
            })
            .collect()
    }
}

/// Whether a finding is worth more than its name: there is more than one clock, or ports jump between clocks.
pub(in crate::render) fn is_flagged(nat: &Nat) -> bool {
    let flags = matches!(
        nat.verdict,
        NatVerdict::Nat | NatVerdict::PerConnection | NatVerdict::Reboot | NatVerdict::ClockChange
    );
    flags || nat.port_jumps > 0
}

/// What a finding is called in a few words.
pub(in crate::render) fn looks_like(nat: &Nat) -> String {
    match (nat.verdict, nat.hosts, nat.hosts_at_least) {
        (NatVerdict::SingleHost, ..) => "one host".into(),
        (NatVerdict::Nat, Some(hosts), least) if hosts == least => format!("NAT, {hosts} hosts"),
        (NatVerdict::Nat, _, least) => format!("NAT, {least}+ hosts"),
        (NatVerdict::PerConnection, ..) => "per-connection".into(),
        (NatVerdict::Reboot, ..) => "restarted".into(),
        (NatVerdict::ClockChange, ..) => "clock changed".into(),
        (NatVerdict::NoTimestamps, ..) => "no timestamps".into(),
        (NatVerdict::Undecidable, ..) => "unclear".into(),
    }
}

/// What became of the clients that were refused.
pub(in crate::render) fn clients(retries: Retries) -> Option<String> {
    let longest = millis(retries.longest_ms);
    Some(match (retries.refused, retries.got_in) {
        (0, _) => return None,
        (1, 0) => "The refused client has not got in so far.".into(),
        (refused, 0) => format!("None of {refused} refused clients got in so far."),
        (1, _) => format!("The refused client got in later, after {longest}."),
        (refused, 1) => format!("One of {refused} refused clients got in later, after {longest}."),
        (refused, n) => format!(
            "{n} of {refused} refused clients got in later, after {} on average and {longest} at most.",
            millis(retries.waited_ms / n),
        ),
    })
}
