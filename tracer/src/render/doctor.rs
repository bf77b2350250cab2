//! `doctor` for people: one screen. What is fine takes one line, what is not says why; with `-v` everything has a line.

use super::{
    phrases::{clean, count},
    text::{Ink, Style, unknown},
};
use crate::{
    analysis::checkup::{Sight, advice, chosen, moved, nat, setting, sight},
    model::{
        checkup::{Checkup, Outcome, Place, SetCheck},
        report::Types,
    },
};

/// What a line says at its beginning.
#[derive(Clone, Copy)]
enum Mark {
    Fine,
    Bad,
    Look,
    Unknown,
}

const INDENT: usize = 6;

impl Style {
    /// All that `doctor` found.
    pub fn doctor(&self, checkup: &Checkup) -> String {
        let title =
            format!("tracer {} doctor on kernel {}", env!("CARGO_PKG_VERSION"), clean(&checkup.kernel));
        let mut lines: Vec<_> = self.fold("", &title).iter().map(|line| self.ink(Ink::Bold, line)).collect();
        lines.extend(self.grounds(checkup));
        for set in &checkup.sets {
            lines.extend(self.set(checkup, set));
        }
        lines.extend(self.causes(checkup));
        lines.extend(self.settings(checkup));
        lines.extend(self.places(checkup));
        for words in &checkup.not_looked_at {
            lines.extend(self.item(Mark::Unknown, &format!("not looked at: {}", clean(words))));
        }
        lines.push(String::new());
        lines.extend(self.fold("", &clean(&advice(checkup))).iter().map(|line| self.ink(Ink::Bold, line)));
        lines.join("\n")
    }

    fn item(&self, mark: Mark, text: &str) -> Vec<String> {
        let (word, ink) = match mark {
            Mark::Fine => ("ok", Ink::Dim),
            Mark::Bad => ("no", Ink::Paws),
            Mark::Look => ("look", Ink::Listener),
            Mark::Unknown => ("?", Ink::Listener),
        };
        let mut lines = self.fold_under(INDENT, &format!("{word:<INDENT$}"), text);
        lines[0] = lines[0].replacen(word, &self.ink(ink, word), 1);
        lines
    }

    /// Under an item.
    fn detail(&self, text: &str) -> Vec<String> {
        let lines = self.fold_under(INDENT + 4, &" ".repeat(INDENT + 2), text);
        lines.iter().map(|line| self.ink(Ink::Dim, line)).collect()
    }

    /// Privileges, types, lockdown.
    fn grounds(&self, checkup: &Checkup) -> Vec<String> {
        let mut fine = Vec::new();
        let mut lines = Vec::new();
        if checkup.lacking.is_empty() {
            fine.push("CAP_BPF and CAP_PERFMON".to_owned());
        } else {
            lines.extend(self.item(Mark::Bad, &format!("{} missing", checkup.lacking.join(" and "))));
        }
        if let Some(why) = &checkup.unfit {
            lines.extend(self.item(Mark::Bad, &clean(why)));
        }
        match (&checkup.no_types, &checkup.types) {
            (None, Some(types)) if types.from == "calibration" => {
                let Types { fields, of, .. } = types;
                fine.push(format!("{fields} of {of} fields found by calibration"));
                let unknown = unknown(types).into_iter().map(|words| format!("unknown: {words}"));
                lines.extend(unknown.flat_map(|words| self.item(Mark::Look, &words)));
            }
            (None, _) => fine.push(format!("BTF ({})", clean(&checkup.types_path))),
            (Some(why), _) => lines.extend(
                self.item(Mark::Bad, &format!("BTF: {}: {}", clean(&checkup.types_path), clean(why))),
            ),
        }
        match checkup.lockdown.as_deref() {
            Some("confidentiality") => {
                lines.extend(self.item(Mark::Bad, "lockdown confidentiality forbids reading kernel memory"));
            }
            Some(other) => fine.push(format!("lockdown {}", clean(other))),
            None => fine.push("no lockdown".to_owned()),
        }
        if !fine.is_empty() {
            lines.splice(0..0, self.item(Mark::Fine, &fine.join(", ")));
        }
        lines
    }

    fn set(&self, checkup: &Checkup, set: &SetCheck) -> Vec<String> {
        let name = format!("hook set {}", clean(&set.set));
        let attaching = set.hooks.iter().filter(|hook| hook.attaches == Some(true)).count();
        let all = set.hooks.len();
        let mut lines = match &set.outcome {
            Outcome::Attaches { missing, .. } => {
                let used = if chosen(checkup) == Some(set) { ", and tracer uses it" } else { "" };
                let mut lines =
                    self.item(Mark::Fine, &format!("{name}: {attaching} of {all} hooks attach{used}"));
                if !self.verbose {
                    for hook in missing {
                        lines.extend(self.detail(&format!("{}: {}", clean(&hook.hook), clean(&hook.why))));
                    }
                }
                lines
            }
            Outcome::Refused(why) => {
                // The name of the set stands in front already.
                let why = why.strip_prefix(&format!("{}: ", set.set)).unwrap_or(why);
                self.item(Mark::Bad, &format!("{name}: {} ({attaching} of {all} hooks attach)", clean(why)))
            }
            Outcome::NotTried(_) => self.item(Mark::Unknown, &format!("{name}: not tried")),
        };
        if self.verbose {
            for hook in &set.hooks {
                let words = match (&hook.attaches, &hook.why) {
                    (Some(true), _) => "attaches".to_owned(),
                    (_, Some(why)) => clean(why),
                    (_, None) => "not tried".to_owned(),
                };
                lines.extend(self.detail(&format!("{}: {words}", clean(&hook.hook))));
            }
        }
        lines
    }

    /// Visible ones in one line, the others by the reason why they are not.
    fn causes(&self, checkup: &Checkup) -> Vec<String> {
        let mut visible = Vec::new();
        let mut others: Vec<(Mark, String, Vec<&str>)> = Vec::new();
        for (cause, sight) in sight(checkup) {
            let (mark, why) = match sight {
                Sight::Visible => {
                    visible.push(cause.name());
                    continue;
                }
                Sight::Blind(why) => (Mark::Bad, why),
                Sight::Unknown(why) => (Mark::Unknown, why),
            };
            match others.iter_mut().find(|(_, other, _)| *other == why) {
                Some((.., causes)) => causes.push(cause.name()),
                None => others.push((mark, why, vec![cause.name()])),
            }
        }
        let mut lines = Vec::new();
        match visible.as_slice() {
            [] => {}
            some if self.verbose => {
                lines.extend(self.item(Mark::Fine, &format!("visible: {}", some.join(", "))));
            }
            some => lines.extend(self.item(Mark::Fine, &format!("{} causes are visible", some.len()))),
        }
        for (mark, why, causes) in others {
            // What no kernel of today can do is no finding.
            if causes == ["paws-recycle"] && !self.verbose {
                continue;
            }
            let what = if matches!(mark, Mark::Unknown) { "not known" } else { "not visible" };
            let causes = match causes.len() {
                n if n > 7 && !self.verbose => format!("{n} causes"),
                _ => causes.join(", "),
            };
            lines.extend(self.item(mark, &format!("{what}: {causes}: {}", clean(&why))));
        }
        lines
    }

    /// Settings and translation of our own namespace.
    fn settings(&self, checkup: &Checkup) -> Vec<String> {
        let mut lines = Vec::new();
        let mut fine = 0;
        for (name, value) in checkup.places.first().into_iter().flat_map(|place| &place.sysctls) {
            let meaning = setting(name, value, checkup.own_nat.as_ref());
            let text = format!("{}={}: {}", clean(name), clean(value), meaning.text);
            match (meaning.remarkable, self.verbose) {
                (true, _) => lines.extend(self.item(Mark::Look, &text)),
                (false, true) => lines.extend(self.item(Mark::Fine, &text)),
                (false, false) => fine += 1,
            }
        }
        match (fine, lines.is_empty()) {
            (0, _) => {}
            (n, true) => lines.extend(self.item(Mark::Fine, &format!("{n} settings do no harm"))),
            (n, false) => lines.extend(self.item(Mark::Fine, &format!("{n} other settings do no harm"))),
        }
        // What is not known of it stands among what was not looked at.
        if checkup.own_nat.is_some() {
            let translation = nat(checkup.own_nat.as_ref());
            let mark = if translation.remarkable { Mark::Look } else { Mark::Fine };
            lines.extend(self.item(mark, &format!("NAT on this machine: {}", translation.text)));
        }
        lines
    }

    /// Where somebody listens, and what the kernel counted there.
    fn places(&self, checkup: &Checkup) -> Vec<String> {
        /// Lines without `-v`.
        const SHOWN: usize = 3;
        let own = checkup.places.first();
        let with_counts = checkup.places.iter().filter(|place| !moved(place).is_empty());
        let mut lines: Vec<_> = with_counts
            .clone()
            .take(if self.verbose { usize::MAX } else { SHOWN })
            .flat_map(|place| self.item(Mark::Look, &counted(place, own)))
            .collect();
        let rest = with_counts.count().saturating_sub(SHOWN);
        if rest > 0 && !self.verbose {
            lines.extend(
                self.item(Mark::Look, &format!("{rest} other namespaces with such counts; -v shows them")),
            );
        }
        let quiet = checkup.places.iter().filter(|place| moved(place).is_empty());
        if self.verbose {
            for place in quiet {
                lines.extend(self.item(quiet_mark(place), &counted(place, own)));
            }
        } else {
            // No counts are no news where none could be read.
            let (unread, read): (Vec<_>, Vec<_>) = quiet.partition(|place| place.counters.is_empty());
            for (mark, what, places) in [
                (Mark::Fine, "no SYN counted as dropped in", read),
                (Mark::Unknown, "the kernel's counters could not be read in", unread),
            ] {
                if !places.is_empty() {
                    let listeners =
                        places.iter().fold(0u64, |sum, place| sum.saturating_add(place.listeners));
                    let listeners = count(listeners, "listener", "listeners");
                    let places = count(places.len() as u64, "namespace", "namespaces");
                    lines.extend(self.item(mark, &format!("{what} {places} ({listeners})")));
                }
            }
        }
        for place in checkup.places.iter().skip(1) {
            lines.extend(self.differs(place, own));
        }
        if checkup.places_left_out > 0 {
            let text = format!("{} more namespaces with listeners", checkup.places_left_out);
            lines.extend(self.item(Mark::Unknown, &text));
        }
        lines
    }

    /// Settings of a namespace that are worth a look and not those of our own.
    fn differs(&self, place: &Place, own: Option<&Place>) -> Vec<String> {
        let mut lines = Vec::new();
        for (name, value) in &place.sysctls {
            let meaning = setting(name, value, None);
            if meaning.remarkable && own.and_then(|own| own.sysctls.get(name)) != Some(value) {
                let text = format!(
                    "netns {}: {}={}: {}",
                    called(place, None),
                    clean(name),
                    clean(value),
                    meaning.text
                );
                lines.extend(self.item(Mark::Look, &text));
            }
        }
        lines
    }
}

fn called(place: &Place, own: Option<&Place>) -> String {
    let name = place.name.as_deref().map_or_else(|| place.netns.to_string(), clean);
    if own.is_some_and(|own| own.netns == place.netns) { format!("{name} (this one)") } else { name }
}

/// A namespace without counts is fine if they were read.
fn quiet_mark(place: &Place) -> Mark {
    if place.counters.is_empty() { Mark::Unknown } else { Mark::Fine }
}

fn counted(place: &Place, own: Option<&Place>) -> String {
    let listeners = count(place.listeners, "listener", "listeners");
    let counts: Vec<_> = moved(place).iter().map(|(name, n)| format!("{name} {n}")).collect();
    let counts = match counts.as_slice() {
        [] if place.counters.is_empty() => "counters not read".to_owned(),
        [] => "no SYN counted as dropped".to_owned(),
        some => some.join(", "),
    };
    format!("netns {}, {listeners}: {counts}", called(place, own))
}

#[cfg(test)]
mod tests;
