//! A run as one page of HTML, for the post-mortem: it is opened from anywhere, loads nothing, and shows everything with
//! scripts off.
//!
//! Decides what stands on the page and in which order. Pure: a [`View`] in, text out. Every word of a recording may be
//! hostile: it is cleaned and cut here ([`words`]), escaped by maud, and if that failed the page's own policy ([`policy`])
//! would let nothing run. However long the run was, the page stays below two megabytes.

mod clocks;
mod drops;
mod listeners;
mod machine;
mod policy;
mod remedy;
mod scatter;
mod sources;
mod timeline;
mod verdict;
mod words;

use std::net::IpAddr;

use jiff::tz::TimeZone;
use maud::{DOCTYPE, Markup, PreEscaped, html};

use self::words::{sentence, word};
use super::{
    phrases::millis,
    summary::is_flagged,
    text::{Style, filter},
};
use crate::{
    analysis::{recent::Reading, timeline::Timeline},
    model::{
        Drop, Nanos,
        report::{Source, Start, Summary},
    },
};

/// Sources that get a picture of their clocks.
const PICTURES: usize = 8;

const STYLE: &str = include_str!("html/page.css");
const SCRIPT: &str = include_str!("html/page.js");

/// What is kept of a source beside its row.
#[derive(Clone, Debug, PartialEq)]
pub struct Picture {
    /// Its address.
    pub src: IpAddr,
    /// Its last drops, newest first.
    pub drops: Vec<Drop>,
    /// Readings of its clocks.
    pub readings: Vec<Reading>,
    /// How many readings there were.
    pub read: u64,
}

/// Everything that is on the page.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    /// What was read.
    pub name: &'a str,
    /// What was traced, and how.
    pub start: &'a Start,
    /// What was seen, with every source that may be shown.
    pub summary: &'a Summary,
    /// Drops and answered SYNs over the time.
    pub timeline: &'a Timeline,
    /// Of the sources that [`pictured`] names.
    pub pictures: &'a [Picture],
    /// Why the page is of a part of what should have been read.
    pub cut: Option<&'a str>,
    /// What was passed over.
    pub remark: Option<&'a str>,
    /// The zone of the times.
    pub zone: &'a TimeZone,
}

impl View<'_> {
    fn style(&self) -> Style {
        Style { color: false, zone: self.zone.clone(), width: 100, verbose: false }
    }

    /// When something was, to the second; with the day, unless all of the run was on one.
    fn moment(&self, time: Nanos) -> String {
        let day = |time| self.style().time_of_day(time, "%Y-%m-%d");
        let one = [time, self.start.time, self.summary.time].map(day);
        let form = if one[0] == one[1] && one[1] == one[2] { "%H:%M:%S" } else { "%Y-%m-%d %H:%M:%S" };
        self.style().time_of_day(time, form)
    }
}

/// The sources that get a picture: those with more than one clock, most drops first.
pub fn pictured(summary: &Summary) -> impl Iterator<Item = &Source> {
    let flagged = |source: &&Source| source.nat.as_ref().is_some_and(is_flagged);
    summary.sources.iter().filter(flagged).take(PICTURES)
}

/// Writes the page.
pub fn page(view: &View<'_>) -> String {
    let sections = [
        ("verdict", "Verdict", verdict::section(view)),
        ("drops", "Drops", drops::section(view)),
        ("timeline", "Timeline", timeline::section(view)),
        ("sources", "Sources", sources::section(view)),
        ("clocks", "Clocks", clocks::section(view)),
        ("listeners", "Listeners", listeners::section(view)),
        ("counters", "Counters", machine::counters(view)),
        ("environment", "Environment", machine::environment(view)),
        ("lost", "Not seen", machine::not_seen(view)),
    ];
    let name = word(view.name);
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(policy::policy(STYLE, SCRIPT));
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="referrer" content="no-referrer";
                title { "SYN drops: " (name) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                header { (head(view, &name)) }
                nav aria-label="Sections" {
                    @for (id, title, _) in &sections { a href={ "#" (id) } { (title) } " " }
                }
                main { @for (id, _, section) in &sections { section id=(id) { (section) } } }
                footer {
                    p {
                        "Made by tracer " (env!("CARGO_PKG_VERSION")) ". Times are " (zone(view)) ". "
                        "The page is complete in itself: it loads nothing, and needs no scripts but to sort tables and to copy commands."
                    }
                }
                script { (PreEscaped(SCRIPT)) }
            }
        }
    };
    page.into_string()
}

fn zone(view: &View<'_>) -> String {
    view.style().time_of_day(view.start.time, "%Z")
}

/// What this is a report of, and what must be known before anything of it is believed.
fn head(view: &View<'_>, name: &str) -> Markup {
    let (start, summary) = (view.start, view.summary);
    let begin = view.style().time_of_day(start.time, "%Y-%m-%d %H:%M:%S");
    let end = view.moment(summary.time);
    let source = match &start.capture {
        Some(capture) => format!("capture ({})", word(&capture.format)),
        None => format!(
            "kernel {}, hook set {}",
            start.kernel.as_deref().map_or("?".into(), word),
            word(&start.set)
        ),
    };
    html! {
        h1 { "SYNs without a SYN/ACK" }
        p.lead {
            bdi { (name) } ": " bdi { (source) } ", " bdi { (sentence(&filter(&start.filter))) } "; "
            (begin) " to " (end) " " (zone(view)) ", " (millis(summary.elapsed_ms))
        }
        @if let Some(why) = view.cut {
            p.notice role="note" { strong { "Not the whole of it. " } bdi { (sentence(why)) } }
        }
        @if let Some(lost) = machine::missing(summary) {
            p.notice role="note" { strong { "Lost: " } (lost) }
        }
    }
}

#[cfg(test)]
mod tests;
