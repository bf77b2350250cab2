//! One header, then one line a drop, for someone who has an incident in hand. 80 columns suffice for IPv4.

use std::fmt::Write as _;

use jiff::{Timestamp, tz::TimeZone};

use super::{
    json::ports,
    phrases::{answer, clean, long, millis, short},
};
use crate::model::{
    Cause, Drop, Nanos,
    report::{FilterWords, Missing, Start},
};

/// Columns before what goes on in a further line of a drop: those of the time.
const INDENT: usize = 13;

/// How the text looks.
#[derive(Clone, Debug)]
pub struct Style {
    /// ANSI colours.
    pub color: bool,
    /// The zone of the times.
    pub zone: TimeZone,
    /// Columns of the terminal; lines are folded to it.
    pub width: usize,
    /// Names of the hooks, namespaces and interfaces, too.
    pub verbose: bool,
}

#[derive(Clone, Copy)]
pub(super) enum Ink {
    Paws,
    Listener,
    Plain,
    Dim,
    Bold,
}

impl Style {
    pub(super) fn ink(&self, ink: Ink, text: &str) -> String {
        let code = match ink {
            _ if !self.color => return text.to_owned(),
            Ink::Paws => "31",
            Ink::Listener => "33",
            Ink::Plain => return text.to_owned(),
            Ink::Dim => "2",
            Ink::Bold => "1",
        };
        format!("\x1b[{code}m{text}\x1b[0m")
    }

    pub(super) fn ink_of(cause: Cause) -> Ink {
        match cause {
            _ if cause.is_paws() => Ink::Paws,
            Cause::AcceptQueueFull | Cause::SynQueueFull | Cause::PeerNotProven | Cause::ListenOther => {
                Ink::Listener
            }
            Cause::NoListener | Cause::Repeated => Ink::Dim,
            _ => Ink::Plain,
        }
    }

    /// Time of day with milliseconds.
    pub(super) fn clock(&self, time: Nanos) -> String {
        self.time_of_day(time, "%H:%M:%S%.3f")
    }

    /// Time of day in the form of `strftime`.
    pub(super) fn time_of_day(&self, time: Nanos, form: &str) -> String {
        match Timestamp::from_nanosecond(i128::from(time.0)) {
            Ok(time) => time.to_zoned(self.zone.clone()).strftime(form).to_string(),
            Err(_) => "?".into(),
        }
    }

    /// What is traced, how, and what stays invisible.
    pub fn header(&self, start: &Start) -> String {
        let name = format!("tracer {}", start.version);
        let what = format!(
            "on kernel {}, hook set {} ({} hooks), {}",
            clean(&start.kernel),
            start.set,
            start.attached.len(),
            filter(&start.filter),
        );
        let mut lines = self.fold(&format!("{name} "), &what);
        lines[0] = lines[0].replacen(&name, &self.ink(Ink::Bold, &name), 1);
        if self.verbose {
            lines.extend(self.fold("hooks: ", &start.attached.join(" ")));
        }
        lines.extend(self.not_seen(&start.blind, &start.missing));
        let advice = "Every SYN that gets no SYN/ACK, one a line; Ctrl-C ends with the summary.";
        lines.extend(self.fold("", advice).iter().map(|line| self.ink(Ink::Dim, line)));
        lines.push(self.ink(
            Ink::Dim,
            &format!("{:<12} {:<20} {:<22} {}", "TIME", "WHY", "CLIENT", "PORT  WHAT IS KNOWN"),
        ));
        lines.join("\n")
    }

    /// Causes that cannot be seen and hooks that are missing, in words.
    pub(super) fn not_seen(&self, blind: &[Cause], missing: &[Missing]) -> Vec<String> {
        let mut lines = Vec::new();
        if !blind.is_empty() {
            let names: Vec<_> = blind.iter().map(|cause| cause.name()).collect();
            lines.extend(self.fold("not visible with this hook set: ", &names.join(", ")));
        }
        for hook in missing {
            lines.extend(self.fold(&format!("not attached: {}: ", hook.hook), &clean(&hook.why)));
        }
        lines
    }

    /// Breaks a text at spaces; further lines are indented.
    pub(super) fn fold(&self, lead: &str, text: &str) -> Vec<String> {
        self.fold_under(4, lead, text)
    }

    /// The same with the indent of further lines. A word that is wider than the line keeps it to itself.
    pub(super) fn fold_under(&self, indent: usize, lead: &str, text: &str) -> Vec<String> {
        let mut lines = Vec::new();
        let mut line = lead.to_owned();
        let mut column = lead.chars().count();
        for word in text.split(' ').filter(|word| !word.is_empty()) {
            let wide = word.chars().count();
            let gap = usize::from(!line.is_empty() && !line.ends_with(' '));
            if column + gap + wide > self.width && !line.trim().is_empty() {
                lines.push(line.trim_end().to_owned());
                line = " ".repeat(indent);
                column = indent;
            } else if gap == 1 {
                line.push(' ');
                column += 1;
            }
            line.push_str(word);
            column += wide;
        }
        lines.push(line);
        lines
    }

    /// A drop, in place of what `line` held. Long ones go on in an indented line.
    pub fn drop(&self, drop: &Drop, line: &mut String) {
        line.clear();
        let client = match drop.flow.src {
            std::net::IpAddr::V4(v4) => format!("{v4}:{}", drop.flow.sport),
            std::net::IpAddr::V6(v6) => format!("[{v6}]:{}", drop.flow.sport),
        };
        line.push_str(&self.ink(Ink::Dim, &self.clock(drop.time)));
        line.push(' ');
        let why = short(drop.cause);
        line.push_str(&self.ink(Self::ink_of(drop.cause), why));
        line.extend(std::iter::repeat_n(' ', 20_usize.saturating_sub(why.chars().count())));
        let mut column = 12 + 1 + 20;
        self.append(line, &mut column, &format!("{client:<22} :{:<5}", drop.flow.dport));
        for fact in self.facts(drop) {
            // What fits no line whole is broken at its spaces.
            if INDENT + fact.chars().count() > self.width {
                for word in fact.split(' ') {
                    self.append(line, &mut column, word);
                }
            } else {
                self.append(line, &mut column, &fact);
            }
        }
    }

    /// Puts something behind what is there, or into an indented line of its own.
    fn append(&self, line: &mut String, column: &mut usize, what: &str) {
        if *column + 1 + what.trim_end().chars().count() > self.width {
            line.truncate(line.trim_end().len());
            let _ = write!(line, "\n{:INDENT$}", "");
            *column = INDENT;
        } else {
            line.push(' ');
            *column += 1;
        }
        line.push_str(what);
        *column += what.chars().count();
    }

    /// What is known, most telling first.
    fn facts(&self, drop: &Drop) -> Vec<String> {
        let mut facts = Vec::new();
        if drop.cause.is_paws()
            && let Some(ticks) = drop.regression().filter(|ticks| *ticks > 0)
        {
            facts.push(format!("-{ticks}"));
            let mut words = format!("ticks ({} at 1 kHz)", millis(u64::from(ticks.cast_unsigned())));
            if let Some(age) = drop.ts_age_ms {
                let _ = write!(words, " behind the clock of {} ago", millis(age));
            }
            facts.push(words);
        }
        match (drop.cause, drop.accept_queue, drop.syn_queue) {
            (Cause::AcceptQueueFull, Some((len, max)), _) => facts.push(format!("{len} wait, limit {max}")),
            (Cause::SynQueueFull | Cause::PeerNotProven, Some((_, limit)), Some((len, max))) => {
                facts.push(format!("{len} open, backlog {limit}, tcp_max_syn_backlog {max}"));
            }
            _ => {}
        }
        facts.push(answer(drop.answer).into());
        if let Some(reason) = &drop.reason {
            facts.push(clean(reason));
        }
        if drop.cause == Cause::Other && drop.reason.is_none() {
            facts.push(format!("at stage {}", drop.stage));
        }
        if self.verbose || self.width > 120 {
            facts.push(format!("to {}", drop.flow.dst));
            facts.push(match drop.syn.tsval {
                Some(tsval) => format!("TSval {tsval}"),
                None => "no timestamp".into(),
            });
            facts.push(format!("ttl {}", drop.syn.ttl));
            facts.push(match drop.syn.options.as_slice() {
                [] => "no options".into(),
                _ => format!("options {}", drop.syn.options),
            });
            if let Some(ifname) = &drop.ifname {
                facts.push(format!("on {}", clean(ifname)));
            }
            if let Some(netns) = drop.netns {
                facts.push(format!("netns {netns}"));
            }
        }
        facts
    }

    /// One sentence on a cause.
    pub fn explain(cause: Cause) -> &'static str {
        long(cause)
    }
}

/// The filter in words.
pub(super) fn filter(words: &FilterWords) -> String {
    let mut parts = vec![match ports(words).as_slice() {
        [] => "every port".to_owned(),
        [one] => format!("port {one}"),
        more => format!("ports {}", more.join(",")),
    }];
    parts.extend(words.family.map(|family| format!("IPv{family} only")));
    if !words.from.is_empty() {
        parts.push(format!("clients {}", words.from.join(" ")));
    }
    parts.extend(words.interface.as_ref().map(|name| format!("interface {}", clean(name))));
    parts.extend(words.netns.as_ref().map(|netns| format!("netns {}", clean(netns))));
    if !words.causes.is_empty() {
        parts.push(format!("causes {}", words.causes.join(",")));
    }
    parts.join(", ")
}

#[cfg(test)]
pub(super) mod tests;
