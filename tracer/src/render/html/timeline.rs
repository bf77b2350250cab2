//! Drops over the time, a strip for each cause: names and numbers stand beside the strips, so that colour says nothing that
//! is not also said in words. Strips have one time axis and each a scale of its own.

use std::fmt::Write as _;

use maud::{Markup, html};

use super::{View, drops::by_drops};
use crate::{
    analysis::timeline::Bar,
    model::{Cause, Nanos},
    render::phrases::{millis, short},
};

/// Units of a strip's picture.
const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 48.0;
/// Nothing that came is too little to be seen.
const LEAST: f64 = 2.0;
/// Parts of the time axis.
const PARTS: usize = 4;

/// A strip.
struct Strip {
    name: String,
    words: &'static str,
    class: &'static str,
    /// What stands behind its sum.
    counted: &'static str,
    values: Vec<u64>,
}

pub(super) fn section(view: &View<'_>) -> Markup {
    let bars = view.timeline.bars();
    let length = millis(view.timeline.length_ms());
    html! {
        h2 { "Timeline" }
        @if bars.is_empty() {
            p { "Nothing was seen that has a time." }
        } @else {
            figure.strips {
                @for (n, strip) in strips(view, &bars).iter().enumerate() { (drawn(view, n, strip, &bars)) }
                (axis(view, &bars))
                figcaption {
                    "Each bar is " (length) "; strips have scales of their own, up to the number that stands beside them. "
                    "Times are " (super::zone(view)) "."
                }
            }
        }
    }
}

fn strips(view: &View<'_>, bars: &[(Nanos, Bar)]) -> Vec<Strip> {
    let values = |of: &dyn Fn(&Bar) -> u64| bars.iter().map(|(_, bar)| of(bar)).collect::<Vec<_>>();
    let causes = by_drops(view.summary);
    let mut strips = Vec::new();
    if causes.len() > 1 {
        let values = values(&Bar::drops);
        strips.push(Strip { name: "all drops".into(), words: "", class: "all", counted: " drops", values });
    }
    strips.extend(causes.into_iter().map(|(cause, _)| Strip {
        name: cause.name().into(),
        words: if cause.name() == short(cause) { "" } else { short(cause) },
        class: class(cause),
        counted: " drops",
        values: values(&|bar| bar.dropped(cause)),
    }));
    let answered = values(&|bar| bar.answered);
    if answered.iter().any(|n| *n > 0) {
        let name = if view.summary.syns.is_some() { "answered SYNs" } else { "opened connections" };
        strips.push(Strip { name: name.into(), words: "", class: "answered", counted: "", values: answered });
    }
    strips
}

const fn class(cause: Cause) -> &'static str {
    match cause {
        _ if cause.is_paws() => "paws",
        Cause::AcceptQueueFull | Cause::SynQueueFull | Cause::PeerNotProven | Cause::ListenOther => {
            "listener"
        }
        _ => "plain",
    }
}

fn drawn(view: &View<'_>, n: usize, strip: &Strip, bars: &[(Nanos, Bar)]) -> Markup {
    let sum = strip.values.iter().fold(0_u64, |sum, n| sum.saturating_add(*n));
    let most = strip.values.iter().copied().max().unwrap_or(0);
    let at = strip.values.iter().position(|n| *n == most).unwrap_or(0);
    let length = millis(view.timeline.length_ms());
    let most_words = format!("at most {most} in {length}");
    let told = format!("{sum} in all, {most_words}, at {}", clock(view, bars[at].0));
    html! {
        div.strip {
            p {
                b { (strip.name) } " "
                @if !strip.words.is_empty() { span.dim { (strip.words) } " " }
                span.count { (sum) (strip.counted) ", " (most_words) }
            }
            svg.(strip.class) viewBox={ "0 0 " (WIDTH) " " (HEIGHT) } preserveAspectRatio="none" role="img"
                aria-labelledby={ "strip-" (n) " strip-" (n) "-told" } {
                title id={ "strip-" (n) } { (strip.name) " over the time" }
                desc id={ "strip-" (n) "-told" } { (told) }
                (grid())
                @for (at, value) in strip.values.iter().enumerate().filter(|(_, value)| **value > 0) {
                    (bar(at, bars.len(), *value, most, &format!("{}: {value}", clock(view, bars[at].0))))
                }
            }
        }
    }
}

/// The base line, and a line at each part of the axis.
fn grid() -> Markup {
    let mut path = format!("M0 {HEIGHT}H{WIDTH}");
    for part in 0..=PARTS {
        let _ = write!(path, "M{} 0V{HEIGHT}", place(part, PARTS));
    }
    html! { path.grid d=(path) {} }
}

#[expect(clippy::cast_precision_loss, reason = "some hundred bars")]
fn place(at: usize, of: usize) -> f64 {
    WIDTH * at as f64 / of.max(1) as f64
}

#[expect(clippy::cast_precision_loss, reason = "heights are no counts")]
fn bar(at: usize, of: usize, value: u64, most: u64, told: &str) -> Markup {
    let (from, to) = (place(at, of), place(at + 1, of));
    let height = (value as f64 / most.max(1) as f64 * HEIGHT).max(LEAST);
    // Neighbours must not run into one another, and a thin one must not vanish.
    let width = ((to - from) * 0.85).max(1.0);
    html! {
        rect x=(format!("{from:.1}")) y=(format!("{:.1}", HEIGHT - height)) width=(format!("{width:.1}"))
            height=(format!("{height:.1}")) { title { (told) } }
    }
}

/// The time of a bar: as much of it as bars differ in.
fn clock(view: &View<'_>, time: Nanos) -> String {
    let form = match view.timeline.length_ms() {
        ..1000 => "%H:%M:%S%.1f",
        1000..60_000 => "%H:%M:%S",
        60_000..3_600_000 => "%m-%d %H:%M",
        3_600_000..86_400_000 => "%m-%d %H:00",
        _ => "%Y-%m-%d",
    };
    view.style().time_of_day(time, form)
}

fn axis(view: &View<'_>, bars: &[(Nanos, Bar)]) -> Markup {
    let (begin, last) = (bars[0].0.0, bars[bars.len() - 1].0.0);
    let bar = i64::try_from(view.timeline.length_ms()).unwrap_or(0).saturating_mul(1_000_000);
    let span = last.saturating_sub(begin).saturating_add(bar);
    let parts = i64::try_from(PARTS).unwrap_or(1);
    html! {
        div.axis aria-hidden="true" {
            @for part in 0..=parts {
                span { (clock(view, Nanos(begin.saturating_add(span / parts * part)))) }
            }
        }
    }
}
