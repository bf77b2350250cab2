//! The chosen source: who is behind it and why that is thought, its clocks, its last drops.

use ratatui::layout::Rect;

use super::{
    super::{
        clocks::LINES,
        source::{deeds, evidence, title},
        summary::looks_like,
    },
    View,
    canvas::{Canvas, Ink},
    chosen, scatter,
    verdict::scrolled,
};
use crate::model::report::Source;

/// From here on the evidence stands beside the picture.
const BESIDE: u16 = 110;

/// The clocks, a word each.
fn clocks(source: &Source) -> Option<String> {
    let clocks = &source.nat.as_ref()?.clocks;
    let words: Vec<_> = (1..)
        .zip(clocks.iter().take(LINES))
        .map(|(n, clock)| format!("{n}: {:.0} Hz, {} SYNs", clock.rate_hz, clock.readings))
        .collect();
    (!words.is_empty()).then(|| format!("lines are clocks: {}", words.join("; ")))
}

/// Beside the sources.
pub(super) fn pane(view: &View<'_>, area: Rect, canvas: &mut Canvas<'_>) {
    let Some(source) = chosen(view.summary, view.state) else {
        canvas.title(area, 0, "Chosen source", "");
        canvas.put(super::top(area, 1).1, 0, 0, "None so far.", Ink::Dim);
        return;
    };
    let looks = source.nat.as_ref().map_or("?".into(), looks_like);
    canvas.title(area, 0, &format!("{}: {looks}", source.src), "");
    let (_, area) = super::top(area, 1);
    let mut words = plain(canvas.fold("", &deeds(source), area.width));
    for point in evidence(source) {
        words.extend(plain(canvas.fold("  + ", &point, area.width)));
    }
    // Half for the picture at least.
    let most = area.height / 2;
    let below = most.min(u16::try_from(words.len()).unwrap_or(most));
    let (picture, words_area) = super::bottom(area, below);
    scatter::draw(view, source, picture, canvas);
    for (row, (line, ink)) in (0..words_area.height).zip(&words) {
        canvas.put(words_area, row, 0, line, *ink);
    }
}

fn plain(lines: Vec<String>) -> Vec<(String, Ink)> {
    lines.into_iter().map(|line| (line, Ink::Plain)).collect()
}

/// A page of its own.
pub(super) fn page(view: &View<'_>, scroll: u16, area: Rect, canvas: &mut Canvas<'_>) -> u16 {
    let Some(source) = chosen(view.summary, view.state) else {
        canvas.title(area, 0, "No source so far", "Esc: back");
        return 0;
    };
    canvas.title(area, 0, &title(source), "Enter, Esc: back");
    let (_, area) = super::top(area, 1);
    if area.width >= BESIDE && area.height >= 14 {
        let (upper, lower) = super::bottom(area, (area.height / 2).min(16));
        let left = Rect { width: area.width / 2 - 1, ..upper };
        let right = Rect { x: left.right() + 2, width: upper.width - left.width - 2, ..upper };
        scatter::draw(view, source, left, canvas);
        let mut lines = Vec::new();
        told(source, right.width, canvas, &mut lines);
        scrolled(&lines, 0, right, canvas);
        let mut lines = Vec::new();
        drops(view, lower.width, canvas, &mut lines);
        return scrolled(&lines, scroll, lower, canvas);
    }
    let picture = if area.height >= 12 { (area.height / 2).min(14) } else { 0 };
    let (upper, lower) = super::top(area, picture);
    scatter::draw(view, source, upper, canvas);
    let mut lines = Vec::new();
    told(source, lower.width, canvas, &mut lines);
    drops(view, lower.width, canvas, &mut lines);
    scrolled(&lines, scroll, lower, canvas)
}

fn told(source: &Source, width: u16, canvas: &Canvas<'_>, lines: &mut Vec<(String, Ink)>) {
    lines.extend(plain(canvas.fold("", &deeds(source), width)));
    if let Some(words) = clocks(source) {
        lines.extend(canvas.fold("", &words, width).into_iter().map(|line| (line, Ink::Line)));
    }
    for point in evidence(source) {
        lines.extend(plain(canvas.fold("  + ", &point, width)));
    }
}

/// The last drops, as the stream prints them.
fn drops(view: &View<'_>, width: u16, canvas: &Canvas<'_>, lines: &mut Vec<(String, Ink)>) {
    if view.picked.drops.is_empty() {
        lines.push(("No drops of it are remembered.".into(), Ink::Dim));
        return;
    }
    let words = canvas.words(width);
    lines.push(("Its last drops, newest first:".into(), Ink::Bold));
    lines.push((super::super::columns::titles(&words), Ink::Dim));
    let mut line = String::new();
    for drop in &view.picked.drops {
        words.drop(drop, &mut line);
        lines.extend(line.lines().map(|line| (line.to_owned(), Ink::of(drop.cause))));
    }
}
