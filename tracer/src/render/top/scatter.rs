//! TSval against time: the readings of one source, and the lines of the clocks that were found in them.
//!
//! One host's readings lie on one line; behind a NAT there are several; a clock for every connection makes dust.

use ratatui::layout::Rect;

use super::{
    super::clocks::{LINES, at, seconds, until},
    View, amounts,
    canvas::{Canvas, Ink},
};
use crate::model::{Nanos, nat::Clock, report::Source};

/// Columns of the scale.
const SCALE: u16 = 7;

/// From what to what the picture reaches.
struct Frame {
    from: f64,
    span: f64,
    low: f64,
    height: f64,
    area: Rect,
}

impl Frame {
    /// The column of a moment, in cells from the left; `None`: outside.
    fn column(&self, time: f64) -> Option<f64> {
        let at = (time - self.from) / self.span * f64::from(self.area.width.saturating_sub(1));
        (at >= 0.0 && at < f64::from(self.area.width)).then_some(at)
    }

    /// The row of a TSval, in cells from the top.
    fn row(&self, tsval: f64) -> Option<f64> {
        let most = f64::from(self.area.height.saturating_sub(1));
        let at = most - (tsval - self.low) / self.height * most;
        (at >= -0.5 && at < most + 0.5).then_some(at.max(0.0))
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "they lie in the area")]
fn cell(at: f64) -> u16 {
    at.round() as u16
}

/// Draws it, with the scale at the left and the times below.
pub(super) fn draw(view: &View<'_>, source: &Source, area: Rect, canvas: &mut Canvas<'_>) {
    let readings = &view.picked.readings;
    if area.height < 4 || area.width < SCALE + 10 {
        return;
    }
    if readings.is_empty() {
        canvas.put(area, 0, 0, "No timestamps of it are remembered.", Ink::Dim);
        return;
    }
    let since = readings.iter().map(|reading| reading.time).min().unwrap_or_default();
    let end = readings.iter().map(|reading| reading.time).max().unwrap_or_default();
    let low = readings.iter().map(|reading| reading.tsval).min().unwrap_or(0);
    let high = readings.iter().map(|reading| reading.tsval).max().unwrap_or(0);
    let words = if area.width >= 44 { "TSval against time" } else { "TSval" };
    let (dot, cross) = (canvas.sign("•", "o"), canvas.sign("×", "x"));
    let legend = format!("{words}  {dot} answered  {cross} dropped");
    canvas.put(area, 0, 0, &legend, Ink::Dim);
    // A line of its own for the legend and for the times.
    let plot = Rect { x: area.x + SCALE, y: area.y + 1, width: area.width - SCALE, height: area.height - 2 };
    let frame = Frame {
        from: 0.0,
        span: seconds(end, since).max(0.001),
        low: f64::from(low),
        height: f64::from(high - low).max(1.0),
        area: plot,
    };
    scale((low, high), (since, end), area, canvas);
    if let Some(nat) = &source.nat {
        for (n, clock) in (1..).zip(nat.clocks.iter().take(LINES)) {
            line(clock, n, (since, until(nat, clock, end)), &frame, canvas);
        }
    }
    // The dropped ones are on top: they are what it is about.
    let mut sorted: Vec<_> = readings.iter().collect();
    sorted.sort_by_key(|reading| reading.dropped);
    for reading in sorted {
        let place = (frame.column(seconds(reading.time, since)), frame.row(reading.tsval.into()));
        let (Some(column), Some(row)) = place else { continue };
        let (sign, ink) = if reading.dropped { (("×", "x"), Ink::Paws) } else { (("•", "o"), Ink::Plain) };
        let sign = canvas.sign(sign.0, sign.1).to_owned();
        canvas.dot(plot, cell(row), cell(column), &sign, ink);
    }
}

fn scale((low, high): (u32, u32), (since, until): (Nanos, Nanos), area: Rect, canvas: &mut Canvas<'_>) {
    for (row, value) in [(1, high), (area.height - 2, low)] {
        canvas.put(area, row, 0, &format!("{:>6}", amounts::ticks(value.into())), Ink::Dim);
    }
    let bar = canvas.sign("│", "|").to_owned();
    for row in 1..area.height - 1 {
        canvas.dot(area, row, SCALE - 1, &bar, Ink::Dim);
    }
    let words = canvas.words(area.width);
    let form = |time| words.time_of_day(time, "%H:%M:%S");
    let last = area.height - 1;
    canvas.put(area, last, SCALE, &form(since), Ink::Dim);
    let until = form(until);
    let wide = u16::try_from(until.len()).unwrap_or(0);
    if area.width > SCALE + 2 * wide {
        canvas.put(area, last, area.width - wide, &until, Ink::Dim);
    }
}

/// A clock's line as thin as it gets, and its number at the right end.
fn line(clock: &Clock, n: u16, (since, until): (Nanos, Nanos), frame: &Frame, canvas: &mut Canvas<'_>) {
    let last = seconds(clock.last, since);
    let (first, until) = (seconds(clock.first, since), seconds(until, since));
    let plot = frame.area;
    let mut end = None;
    for column in 0..plot.width {
        // Two dots a cell, four rows of them.
        let mut dots = [0_u8; 2];
        let mut row_of = None;
        for (half, dot) in dots.iter_mut().enumerate() {
            let place = f64::from(column) + if half == 0 { -0.25 } else { 0.25 };
            let time = frame.from + place / f64::from(plot.width.saturating_sub(1).max(1)) * frame.span;
            // From its first reading to its last one, and the width of a cell beyond.
            let margin = frame.span / f64::from(plot.width.max(1));
            if time < first - margin || time > until + margin {
                continue;
            }
            let Some(row) = frame.row(at(clock, last - time)) else { continue };
            if *row_of.get_or_insert(cell(row)) == cell(row) {
                *dot = 1 + quarter(row);
            }
        }
        let Some(row) = row_of else { continue };
        let sign = if canvas.sign("u", "a") == "u" { braille(dots) } else { "-".to_owned() };
        canvas.dot(plot, row, column, &sign, Ink::Line);
        end = Some((row, column));
    }
    if let Some((row, column)) = end {
        canvas.dot(plot, row, column, &n.to_string(), Ink::Line);
    }
}

/// Which quarter of its cell a row is in, from the top.
fn quarter(row: f64) -> u8 {
    let part = row + 0.5 - (row + 0.5).floor();
    match part {
        ..0.25 => 0,
        ..0.5 => 1,
        ..0.75 => 2,
        _ => 3,
    }
}

/// The sign with one dot in each half: 0 is none, else a row from the top, from 1 on.
fn braille(dots: [u8; 2]) -> String {
    const LEFT: [u32; 5] = [0, 0x01, 0x02, 0x04, 0x40];
    const RIGHT: [u32; 5] = [0, 0x08, 0x10, 0x20, 0x80];
    let pattern = LEFT[usize::from(dots[0].min(4))] | RIGHT[usize::from(dots[1].min(4))];
    char::from_u32(0x2800 + pattern).unwrap_or('-').to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dots() {
        assert_eq!(braille([1, 4]), "⢁");
        assert_eq!((quarter(3.0), quarter(2.6), quarter(3.4)), (2, 0, 3));
    }
}
