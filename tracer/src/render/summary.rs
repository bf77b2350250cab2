//! The end of a run, for people: totals, sources, the kernel's own counters beside ours, what was lost, the verdict.

mod capture;
mod listeners;
mod refusals;
mod sources;
mod verdict;

pub(super) use capture::{open, read};
pub(super) use listeners::{rows, whereabouts};
pub(super) use refusals::{queues, reasons};
pub(super) use sources::{clients, is_flagged, looks_like};

use super::{
    phrases::{clean, long, millis},
    text::{Ink, Style, filter},
};
use crate::model::{
    Cause,
    report::{Lost, Start, Summary},
};

impl Style {
    /// The whole summary.
    pub fn summary(&self, start: &Start, summary: &Summary) -> String {
        let mut lines = vec![String::new()];
        let (title, watched) = totals(start, summary);
        lines.extend(self.fold("", &title).iter().map(|line| self.ink(Ink::Bold, line)));
        lines.extend(watched.iter().flat_map(|words| self.fold("", words)));
        if summary.drops > 0 {
            for (cause, n) in &summary.by_cause {
                lines.extend(self.cause(*cause, *n, summary));
            }
            lines.extend(self.refusals(summary));
        }
        lines.extend(self.sources(summary));
        lines.extend(self.listeners(summary));
        lines.extend(self.counters(summary));
        lines.extend(self.capture(summary));
        lines.push(String::new());
        lines.extend(self.fold("Lost: ", &lost(summary.lost, summary.clocks_evicted)));
        lines.extend(self.not_seen(&summary.blind, &summary.missing));
        lines.extend(summary.verdict.iter().flat_map(|verdict| self.verdict(verdict)));
        lines.join("\n")
    }

    /// A cause's share; its sentence goes on under itself where there is room.
    fn cause(&self, cause: Cause, n: u64, summary: &Summary) -> Vec<String> {
        let share = u128::from(n) * 100 / u128::from(summary.drops.max(1));
        let name = format!("{:<18}", cause.name());
        let lead = format!("{n:>8} {share:>3}%  {name} ");
        let indent = if self.width >= 72 { lead.chars().count() } else { 4 };
        let mut lines = self.fold_under(indent, &lead, &meaning(cause, summary));
        lines[0] = lines[0].replacen(name.trim_end(), &self.ink(Self::ink_of(cause), name.trim_end()), 1);
        lines
    }

    fn counters(&self, summary: &Summary) -> Vec<String> {
        let left_out = not_compared(summary);
        if summary.snmp.is_empty() {
            return left_out.into_iter().collect();
        }
        let mut lines = vec![
            String::new(),
            self.ink(Ink::Bold, "The kernel's own counters over the same time:"),
            self.ink(Ink::Dim, &format!("{:<24} {:>8} {:>8}", "COUNTER", "KERNEL", "SEEN")),
        ];
        for check in &summary.snmp {
            let agree = if check.kernel == check.ours { "  agree" } else { "" };
            lines.push(format!("{:<24} {:>8} {:>8}{agree}", clean(&check.name), check.kernel, check.ours));
            lines.extend(check.remark.iter().flat_map(|remark| self.fold("    ", &clean(remark))));
        }
        lines.extend(left_out);
        lines
    }
}

/// How many were dropped, out of how much; where none was, what was watched.
pub(super) fn totals(start: &Start, summary: &Summary) -> (String, Option<String>) {
    let (took, traffic) = (millis(summary.elapsed_ms), traffic(summary));
    if summary.drops > 0 {
        let least = if summary.lost.uncounted() > 0 || summary.lost.decode > 0 { "At least " } else { "" };
        return (format!("{least}{} SYNs dropped in {took}; {traffic}.", summary.drops), None);
    }
    let unseen = summary.snmp.iter().any(|check| check.kernel > check.ours);
    let title = match &summary.capture {
        Some(capture) if capture.wire.one_way > 0 && capture.wire.answered == 0 => "No drops known.",
        _ if unseen => "No drops seen, yet the kernel counted some (below).",
        _ => "No drops seen.",
    };
    let looked = if summary.capture.is_some() { "Looked at" } else { "Watched" };
    let mut watched = format!("{looked} {} for {took}. {traffic}.", filter(&start.filter));
    let nobody = summary.capture.is_none() && summary.syns.unwrap_or(summary.accepted) == 0;
    if nobody && !unseen && !start.filter.ports.is_empty() {
        watched += " Is it the right port? `ss -ltn` lists those that are listened on.";
    }
    (title.into(), Some(watched))
}

/// What a cause means, as far as this run can know it.
pub(super) fn meaning(cause: Cause, summary: &Summary) -> String {
    match (&summary.capture, cause) {
        (Some(_), Cause::Other) => "no SYN/ACK came, and packets alone do not say why".into(),
        (Some(_), cause) if cause.is_paws() => format!("consistent with PAWS: {}", long(cause)),
        _ => long(cause).to_owned(),
    }
}

/// Namespaces whose counters are not among those that are compared.
pub(super) fn not_compared(summary: &Summary) -> Option<String> {
    match summary.snmp_left_out {
        0 => None,
        n => Some(format!("(without {n} namespaces that ended or could not be read)")),
    }
}

/// How much there was beside the drops.
fn traffic(summary: &Summary) -> String {
    if let Some(capture) = &summary.capture {
        return capture::traffic(capture);
    }
    match (summary.syns, summary.accepted) {
        (Some(1), _) => "one SYN reached a listener".into(),
        (Some(n), _) => format!("{n} SYNs reached a listener"),
        (None, 1) => "one connection was opened".into(),
        (None, n) => format!("{n} connections were opened"),
    }
}

pub(super) fn lost(lost: Lost, clocks: u64) -> String {
    let places = [
        (lost.counted, "without a line, because they came too fast (in the totals)"),
        (lost.uncounted(), "records that found no room in the ring (not in the totals)"),
        (lost.decode, "records that could not be decoded (not in the totals)"),
        (lost.slot, "begun and never finished"),
        (lost.read, "could not be read"),
        (lost.skipped, "runs of our programs skipped by the kernel, of SYNs or other packets"),
        (lost.table, "of sources beyond the table (in the totals)"),
        (clocks, "pairs of addresses whose clocks were given up for want of room"),
        (lost.undecided, "SYNs undecided (not in the totals)"),
        (lost.unprinted, "not printed because of --rate-limit (in the totals)"),
    ];
    let words: Vec<_> =
        places.iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{n} {what}")).collect();
    if words.is_empty() { "nothing.".into() } else { format!("{}.", words.join(", ")) }
}

#[cfg(test)]
mod tests;
