//! One header, then one line a drop, for someone who has an incident in hand. 80 columns suffice for IPv4.

use std::fmt::{self, Display};

use jiff::{Timestamp, tz::TimeZone};

use super::{
    columns::{self, Column, INDENT},
    json::ports,
    phrases::{clean, long, process, short_id},
};
use crate::{
    decode::cgroup,
    model::{
        Cause, Drop, Nanos,
        listener::Listener,
        report::{FilterWords, Missing, Start, Types, Without},
    },
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
        let mut text = text.to_owned();
        self.paint(ink, &mut text, 0);
        text
    }

    /// Colours what stands in a line from this byte on.
    pub(super) fn paint(&self, ink: Ink, line: &mut String, from: usize) {
        let code = match ink {
            _ if !self.color => return,
            Ink::Paws => "\x1b[31m",
            Ink::Listener => "\x1b[33m",
            Ink::Plain => return,
            Ink::Dim => "\x1b[2m",
            Ink::Bold => "\x1b[1m",
        };
        line.insert_str(from, code);
        line.push_str("\x1b[0m");
    }

    pub(super) const fn ink_of(cause: Cause) -> Ink {
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
    pub(super) fn clock(&self, time: Nanos) -> impl Display {
        self.moment(time, "%H:%M:%S%.3f")
    }

    /// Time of day in the form of `strftime`.
    pub(super) fn time_of_day(&self, time: Nanos, form: &str) -> String {
        self.moment(time, form).to_string()
    }

    fn moment(&self, time: Nanos, form: &str) -> impl Display {
        fmt::from_fn(move |f| match Timestamp::from_nanosecond(i128::from(time.0)) {
            Ok(time) => write!(f, "{}", time.to_zoned(self.zone.clone()).strftime(form)),
            Err(_) => f.write_str("?"),
        })
    }

    /// What is traced, how, and what stays invisible; `recorded`: the file that all of it is read from.
    pub fn header(&self, start: &Start, recorded: Option<&str>) -> String {
        let name = format!("tracer {}", clean(&start.version));
        let what = match &start.capture {
            Some(capture) => {
                let (name, format) = (clean(&capture.name), clean(&capture.format));
                format!("reads {name} ({format}), {}", filter(&start.filter))
            }
            None => format!(
                "on kernel {}, hook set {} ({} hooks), {}",
                start.kernel.as_deref().map_or("?".into(), clean),
                clean(&start.set),
                start.attached.len(),
                filter(&start.filter),
            ),
        };
        let mut lines = self.fold(&format!("{name} "), &what);
        lines[0] = lines[0].replacen(&name, &self.ink(Ink::Bold, &name), 1);
        if self.verbose && !start.attached.is_empty() {
            lines.extend(self.fold("hooks: ", &clean(&start.attached.join(" "))));
        }
        if let Some(file) = recorded {
            let when = self.time_of_day(start.time, "%Y-%m-%d %H:%M:%S %Z");
            lines.extend(self.fold("", &format!("recorded in {} from {when} on", clean(file))));
        }
        lines.extend(start.types.iter().flat_map(|types| self.types(types)));
        lines.extend(self.not_seen(&start.blind, &start.missing));
        let advice = match start.capture {
            Some(_) => "Every SYN without a SYN/ACK, one a line; `?`: what the packets are consistent with.",
            None if recorded.is_some() => "Every SYN that got no SYN/ACK, one a line.",
            None => "Every SYN that gets no SYN/ACK, one a line; Ctrl-C ends with the summary.",
        };
        lines.extend(self.fold("", advice).iter().map(|line| self.ink(Ink::Dim, line)));
        lines.push(self.ink(Ink::Dim, &columns::titles(self)));
        lines.join("\n")
    }

    /// Where fields are known from, where that is not the kernel itself, and what is unknown for want of some.
    pub(super) fn types(&self, types: &Types) -> Vec<String> {
        let mut lines = match (types.from.as_ref(), &types.path) {
            ("kernel", _) => Vec::new(),
            (_, Some(path)) => self.fold("types: ", &clean(path)),
            (from, None) => {
                let Types { fields, of, .. } = types;
                self.fold("types: ", &format!("by {}, {fields} of {of} fields", clean(from)))
            }
        };
        lines.extend(unknown(types).iter().flat_map(|words| self.fold("unknown: ", words)));
        lines
    }

    /// Causes that cannot be seen and hooks that are missing, in words.
    pub(super) fn not_seen(&self, blind: &[Cause], missing: &[Missing]) -> Vec<String> {
        let mut lines = Vec::new();
        if !blind.is_empty() {
            let names: Vec<_> = blind.iter().map(|cause| cause.name()).collect();
            lines.extend(self.fold("not visible with this hook set: ", &names.join(", ")));
        }
        for hook in missing {
            lines.extend(self.fold(&format!("not attached: {}: ", clean(&hook.hook)), &clean(&hook.why)));
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

    /// A drop, in place of what `line` held: one line; with `-v` a second one of everything else that is known.
    pub fn drop(&self, drop: &Drop, line: &mut String) {
        line.clear();
        columns::line(self, Column::fitting(self.width), drop, line);
        if self.verbose {
            for more in self.fold_under(INDENT, &" ".repeat(INDENT), &more(drop)) {
                line.push('\n');
                line.push_str(&self.ink(Ink::Dim, &more));
            }
        }
    }

    /// One sentence on a cause.
    pub fn explain(cause: Cause) -> &'static str {
        long(cause)
    }
}

/// What the columns do not hold.
fn more(drop: &Drop) -> String {
    let known = |name: &str, value: Option<u32>| match value {
        Some(value) => format!("{name} {value}"),
        None => format!("{name} ?"),
    };
    let mut facts = vec![
        format!("to {} stage {}", drop.flow.dst, drop.stage),
        match drop.syn.tsval {
            Some(tsval) => format!("TSval {tsval}"),
            None => "no timestamp".into(),
        },
        known("ts_recent", drop.ts_recent),
        format!("seq {} ttl {} window {}", drop.syn.seq, drop.syn.ttl, drop.syn.window),
        match drop.syn.options.as_slice() {
            [] => "no options".into(),
            _ => format!("options {}", drop.syn.options),
        },
    ];
    if drop.syn.malformed {
        facts.push("(malformed)".into());
    }
    facts.extend(drop.reason.as_deref().map(|reason| format!("reason {}", clean(reason))));
    facts.extend(drop.snmp.as_deref().map(|counter| format!("counter {}", clean(counter))));
    facts.extend(drop.ifname.as_deref().map(|name| format!("on {}", clean(name))));
    facts.extend(drop.netns.map(|netns| format!("netns {netns}")));
    facts.extend(drop.netns_name.as_deref().map(|name| format!("({})", clean(name))));
    facts.extend(drop.listener.as_deref().map(|listener| format!("listener {}", process(listener))));
    facts.extend(drop.listener.as_deref().map(place).filter(|place| !place.is_empty()));
    facts.join(" ")
}

/// How many listen beside a process, and where it runs.
pub(super) fn place(listener: &Listener) -> String {
    let cgroup = listener.cgroup.as_deref();
    let place = cgroup.map(cgroup::place).unwrap_or_default();
    let more = listener.processes.map_or(0, |n| n.saturating_sub(1));
    let mut facts = Vec::new();
    match more {
        0 => {}
        1 => facts.push("and one more process".to_owned()),
        n => facts.push(format!("and {n} more processes")),
    }
    facts.extend(listener.sockets.filter(|n| *n > 1).map(|n| format!("{n} sockets")));
    facts.extend(place.container.map(|id| format!("container {}", short_id(id))));
    facts.extend(place.pod.map(|uid| format!("pod {}", cgroup::uid(uid))));
    if place.container.is_none() {
        // The last part is the service; all of it would fill the line.
        let service = cgroup.and_then(|path| path.rsplit('/').find(|part| !part.is_empty()));
        facts.extend(service.map(|service| format!("in {}", clean(service))));
    }
    facts.join(", ")
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
        parts.push(format!("clients {}", clean(&words.from.join(" "))));
    }
    parts.extend(words.interface.as_ref().map(|name| format!("interface {}", clean(name))));
    parts.extend(words.netns.as_ref().map(|netns| format!("netns {}", clean(netns))));
    if !words.causes.is_empty() {
        let names: Vec<_> = words.causes.iter().map(|cause| cause.name()).collect();
        parts.push(format!("causes {}", names.join(",")));
    }
    parts.join(", ")
}

#[cfg(test)]
pub(super) mod tests;
/// What is unknown for want of fields, each with those.
pub(super) fn unknown(types: &Types) -> Vec<String> {
    let mut all: Vec<(&str, Vec<String>)> = Vec::new();
    for Without { field, unknown } in &types.without {
        match all.iter_mut().find(|(words, _)| words == unknown) {
            Some((_, fields)) => fields.push(clean(field)),
            None => all.push((unknown, vec![clean(field)])),
        }
    }
    all.into_iter()
        .map(|(words, fields)| format!("{} (without {})", clean(words), fields.join(", ")))
        .collect()
}
