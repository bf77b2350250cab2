//! One header, then one line a drop, for someone who has an incident in hand. 80 columns suffice for IPv4.

use std::fmt::Write as _;

use jiff::{Timestamp, tz::TimeZone};

pub use super::phrases::millis;
use super::{
    json::ports,
    phrases::{answer, clean, long, short},
};
use crate::model::{
    Cause, Drop, Nanos,
    report::{FilterWords, Missing, Start},
};

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
        match Timestamp::from_nanosecond(i128::from(time.0)) {
            Ok(time) => time.to_zoned(self.zone.clone()).strftime("%H:%M:%S%.3f").to_string(),
            Err(_) => "?".into(),
        }
    }

    /// What is traced, how, and what stays invisible.
    pub fn header(&self, start: &Start) -> String {
        let mut lines = vec![format!(
            "{} on kernel {}, hook set {} ({} hooks), {}",
            self.ink(Ink::Bold, &format!("tracer {}", start.version)),
            clean(&start.kernel),
            start.set,
            start.attached.len(),
            filter(&start.filter),
        )];
        if self.verbose {
            lines.extend(self.fold("hooks: ", &start.attached.join(" ")));
        }
        lines.extend(self.not_seen(&start.blind, &start.missing));
        lines.push(
            self.ink(Ink::Dim, "Every SYN that gets no SYN/ACK, one a line; Ctrl-C ends with the summary."),
        );
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
        let mut lines = Vec::new();
        let mut line = lead.to_owned();
        let mut empty = true;
        for word in text.split(' ') {
            if !empty && line.chars().count() + 1 + word.chars().count() > self.width {
                lines.push(std::mem::replace(&mut line, "    ".into()));
                empty = true;
            }
            if !empty {
                line.push(' ');
            }
            line.push_str(word);
            empty = false;
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
        let head = format!(
            "{} {} {:<22} :{:<5}",
            self.ink(Ink::Dim, &self.clock(drop.time)),
            self.ink(Self::ink_of(drop.cause), &format!("{:<20}", short(drop.cause))),
            client,
            drop.flow.dport,
        );
        let used = 12 + 1 + 20 + 1 + client.chars().count().max(22) + 1 + 6;
        line.push_str(&head);
        let mut column = used;
        for fact in self.facts(drop) {
            let wide = fact.chars().count();
            if column + 1 + wide > self.width {
                line.push_str("\n             ");
                column = 13;
            } else {
                line.push(' ');
                column += 1;
            }
            line.push_str(&fact);
            column += wide;
        }
    }

    /// What is known, most telling first.
    fn facts(&self, drop: &Drop) -> Vec<String> {
        let mut facts = Vec::new();
        if drop.cause.is_paws()
            && let Some(ticks) = drop.regression()
        {
            facts.push(format!("-{ticks}"));
            let mut words = format!("ticks ({} at 1 kHz)", millis(u64::from(ticks.unsigned_abs())));
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
            facts.push(format!("ttl {} options {}", drop.syn.ttl, drop.syn.options));
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
