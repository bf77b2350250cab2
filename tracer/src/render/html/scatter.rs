//! TSval against time: readings as dots, dropped SYNs as crosses, and the lines of the clocks that were found in them.

use std::fmt::Write as _;

use maud::{Markup, html};

use super::{Picture, View};
use crate::{
    analysis::recent::Reading,
    model::{
        Nanos,
        nat::{Clock, Nat},
        report::Source,
    },
    render::{
        amounts::ticks,
        clocks::{AROUND, LINES, at, seconds, until},
    },
};

/// Units of the picture.
const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 260.0;
/// Room for what lies on the edge.
const EDGE: f64 = 10.0;
/// Half the size of a cross.
const CROSS: f64 = 4.0;
/// How often a line may come around 2^32.
const TURNS: usize = 16;

/// From what to what the picture reaches.
#[derive(Clone, Copy, Debug)]
struct Frame {
    since: Nanos,
    end: Nanos,
    low: u32,
    high: u32,
}

impl Frame {
    fn of(readings: &[Reading]) -> Option<Self> {
        let since = readings.iter().map(|reading| reading.time).min()?;
        let end = readings.iter().map(|reading| reading.time).max()?;
        let low = readings.iter().map(|reading| reading.tsval).min()?;
        let high = readings.iter().map(|reading| reading.tsval).max()?;
        Some(Self { since, end, low, high })
    }

    fn x(&self, second: f64) -> f64 {
        EDGE + second / seconds(self.end, self.since).max(0.001) * (WIDTH - 2.0 * EDGE)
    }

    fn y(&self, tsval: f64) -> f64 {
        let part = (tsval - f64::from(self.low)) / f64::from(self.high - self.low).max(1.0);
        HEIGHT - EDGE - part * (HEIGHT - 2.0 * EDGE)
    }
}

/// The picture with its scales.
pub(super) fn figure(view: &View<'_>, n: usize, source: &Source, picture: &Picture) -> Markup {
    let readings = &picture.readings;
    let Some(frame) = Frame::of(readings) else {
        return html! { p.dim { "No timestamps of it are remembered." } };
    };
    let dropped = readings.iter().filter(|reading| reading.dropped).count();
    let form = |time| view.moment(time);
    let shown = match picture.read.saturating_sub(readings.len() as u64) {
        0 => format!("All {} readings are shown.", readings.len()),
        left => format!(
            "Of {} readings {} are shown, spread evenly over all of them, and {left} are not.",
            picture.read,
            readings.len()
        ),
    };
    html! {
        figure.scatter {
            div.scale aria-hidden="true" { span { (ticks(frame.high.into())) } span { (ticks(frame.low.into())) } }
            svg viewBox={ "0 0 " (WIDTH) " " (HEIGHT) } role="img"
                aria-labelledby={ "clocks-" (n) " clocks-" (n) "-told" } {
                title id={ "clocks-" (n) } { "TSval against time of " (source.src) }
                desc id={ "clocks-" (n) "-told" } {
                    (readings.len() - dropped) " answered and " (dropped) " dropped SYNs, TSval " (frame.low) " to " (frame.high)
                    ", from " (form(frame.since)) " to " (form(frame.end)) "."
                }
                rect.frame x="0" y="0" width=(WIDTH) height=(HEIGHT) {}
                @if let Some(nat) = &source.nat { (lines(nat, &frame)) }
                path.answered d=(dots(readings, &frame)) {}
                path.dropped d=(crosses(readings, &frame)) {}
            }
            div.axis aria-hidden="true" { span { (form(frame.since)) } span { (form(frame.end)) } }
            figcaption {
                "TSval (up) against time. " span.key.answered { "dots" } ": answered, " span.key.dropped { "crosses" }
                ": dropped, " span.key.line { "numbered lines" } ": the clocks that were found. " (shown)
            }
        }
    }
}

fn dots(readings: &[Reading], frame: &Frame) -> String {
    let mut path = String::new();
    for reading in readings.iter().filter(|reading| !reading.dropped) {
        let (x, y) = (frame.x(seconds(reading.time, frame.since)), frame.y(reading.tsval.into()));
        // A line of no length with round ends is a dot of the same size on every screen.
        let _ = write!(path, "M{x:.1} {y:.1}h0");
    }
    path
}

fn crosses(readings: &[Reading], frame: &Frame) -> String {
    let mut path = String::new();
    let (size, half) = (2.0 * CROSS, CROSS);
    for reading in readings.iter().filter(|reading| reading.dropped) {
        let (x, y) = (frame.x(seconds(reading.time, frame.since)), frame.y(reading.tsval.into()));
        let _ = write!(path, "M{:.1} {:.1}l{size} {size}m-{size} 0l{size}-{size}", x - half, y - half);
    }
    path
}

fn lines(nat: &Nat, frame: &Frame) -> Markup {
    let clocks = (1..).zip(nat.clocks.iter().take(LINES));
    let drawn: Vec<_> = clocks
        .map(|(n, clock)| {
            let parts = segments(clock, until(nat, clock, frame.end), frame);
            let mut path = String::new();
            for [(x1, y1), (x2, y2)] in &parts {
                let _ = write!(path, "M{x1:.1} {y1:.1}L{x2:.1} {y2:.1}");
            }
            (n, path, parts.last().map(|part| part[1]))
        })
        .collect();
    html! {
        @for (_, path, _) in &drawn { path.clock d=(path) {} }
        @for (n, _, end) in &drawn {
            @if let Some((x, y)) = end {
                text x=(format!("{:.1}", (x - 4.0).max(12.0))) y=(format!("{:.1}", (y - 5.0).clamp(12.0, HEIGHT - 4.0))) text-anchor="end" { (n) }
            }
        }
    }
}

/// A point of the picture.
type Point = (f64, f64);

/// The parts of a clock's line that are in the picture: TSval may come around in it.
fn segments(clock: &Clock, until: Nanos, frame: &Frame) -> Vec<[Point; 2]> {
    let last = seconds(clock.last, frame.since);
    let (from, to) = (seconds(clock.first, frame.since).max(0.0), seconds(until, frame.since));
    let to = to.min(seconds(frame.end, frame.since));
    let rate = clock.rate_hz;
    if rate.is_nan() || rate <= 0.0 || to < from {
        return Vec::new();
    }
    // TSval at `from`, and how often it comes around from there on.
    let mut begin = at(clock, last - from);
    let mut second = from;
    let mut parts = Vec::new();
    for _ in 0..TURNS {
        let turn = second + (AROUND - begin) / rate;
        let end = turn.min(to);
        // When the line enters the picture from below, and leaves it above.
        let enters = second.max(second + (f64::from(frame.low) - begin) / rate);
        let leaves = end.min(second + (f64::from(frame.high) - begin) / rate);
        if enters <= leaves {
            let point = |time: f64| (frame.x(time), frame.y(begin + (time - second) * rate));
            parts.push([point(enters), point(leaves)]);
        }
        if turn >= to {
            break;
        }
        (second, begin) = (turn, 0.0);
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: i64 = 1_000_000_000;

    fn clock(tsval: u32, first: i64, last: i64) -> Clock {
        Clock {
            rate_hz: 1000.0,
            first: Nanos(first * SECOND),
            last: Nanos(last * SECOND),
            tsval,
            readings: 2,
        }
    }

    fn frame(low: u32, high: u32) -> Frame {
        Frame { since: Nanos(0), end: Nanos(10 * SECOND), low, high }
    }

    /// In parts of the picture: from the left, from below.
    fn parts(clock: &Clock, until: i64, frame: &Frame) -> Vec<[(f64, f64); 2]> {
        let part = |(x, y): Point| {
            let part = ((x - EDGE) / (WIDTH - 2.0 * EDGE), (HEIGHT - EDGE - y) / (HEIGHT - 2.0 * EDGE));
            ((part.0 * 1e3).round() / 1e3, (part.1 * 1e3).round() / 1e3)
        };
        let drawn = segments(clock, Nanos(until * SECOND), frame);
        drawn.into_iter().map(|ends| ends.map(part)).collect()
    }

    #[test]
    fn a_line_from_corner_to_corner() {
        assert_eq!(parts(&clock(15_000, 0, 10), 10, &frame(5000, 15_000)), [[(0.0, 0.0), (1.0, 1.0)]]);
        // Found later, and not seen to the end.
        assert_eq!(parts(&clock(10_000, 2, 5), 5, &frame(5000, 15_000)), [[(0.2, 0.2), (0.5, 0.5)]]);
        // One that goes on leaves the picture at its upper edge.
        assert_eq!(parts(&clock(10_000, 0, 0), 99, &frame(9000, 15_000)), [[(0.0, 0.167), (0.5, 1.0)]]);
    }

    #[test]
    fn a_line_that_comes_around() {
        let [first, second] = parts(&clock(5000, 0, 10), 10, &frame(0, u32::MAX))[..] else {
            panic!("two parts")
        };
        assert_eq!((first[1], second[0]), ((0.5, 1.0), (0.5, 0.0)));
    }

    #[test]
    fn a_line_that_is_not_in_the_picture() {
        assert!(segments(&clock(5000, 0, 10), Nanos(10 * SECOND), &frame(50_000, 60_000)).is_empty());
        assert!(segments(&clock(5000, 20, 30), Nanos(30 * SECOND), &frame(0, 60_000)).is_empty());
        let still = Clock { rate_hz: 0.0, ..clock(5000, 0, 10) };
        assert!(segments(&still, Nanos(10 * SECOND), &frame(0, 60_000)).is_empty());
        // However long: no more parts than there is room for.
        let old = Clock { rate_hz: 1e12, ..clock(0, 0, 0) };
        assert_eq!(
            segments(&old, Nanos(i64::MAX), &Frame { end: Nanos(i64::MAX), ..frame(0, u32::MAX) }).len(),
            TURNS
        );
    }

    #[test]
    fn each_reading_is_a_dot_or_a_cross() {
        let reading = |second: i64, tsval, dropped| Reading { time: Nanos(second * SECOND), tsval, dropped };
        let readings = [reading(0, 5, false), reading(10, 15, false), reading(5, 10, true)];
        let frame = Frame::of(&readings).unwrap();
        assert_eq!(dots(&readings, &frame), "M10.0 250.0h0M710.0 10.0h0");
        assert_eq!(crosses(&readings, &frame), "M356.0 126.0l8 8m-8 0l8-8");
        assert!(Frame::of(&[]).is_none());
        // One alone has no width and no height.
        let frame = Frame::of(&readings[..1]).unwrap();
        assert_eq!(dots(&readings[..1], &frame), "M10.0 250.0h0");
    }
}
