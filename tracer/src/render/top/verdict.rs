//! What it all means and what to do: a pane below, or in full.

use ratatui::layout::Rect;

use super::{
    super::text::Style,
    View,
    canvas::{Canvas, Ink, folded},
};
use crate::model::verdict::Verdict;

const NONE: &str = "nothing seen so far that could be judged";

fn title(verdict: Option<&Verdict>) -> String {
    match verdict {
        Some(verdict) => {
            let sure = verdict.confidence.clamp(0.0, 1.0);
            format!("Verdict so far: {} (confidence {sure:.2})", verdict.cause)
        }
        None => format!("Verdict: {NONE}"),
    }
}

/// The sentence, then as many remedies as fit.
pub(super) fn pane(view: &View<'_>, area: Rect, canvas: &mut Canvas<'_>) {
    if area.height == 0 {
        return;
    }
    let verdict = view.summary.verdict.as_ref();
    if area.height == 1 {
        let words = match verdict {
            Some(verdict) => format!("{} ({:.2}): {}", verdict.cause, verdict.confidence, verdict.text),
            None => NONE.to_owned(),
        };
        canvas.put(area, 0, 0, &words, Ink::Bold);
        return;
    }
    let hint = if verdict.is_some() { "v: why" } else { "" };
    canvas.title(area, 0, &title(verdict), hint);
    let Some(verdict) = verdict else { return };
    let lines = short(verdict, &canvas.words(area.width));
    let (_, area) = super::top(area, 1);
    let height = usize::from(area.height);
    let more = lines.len() > height;
    for (row, (line, ink)) in (0..area.height).zip(&lines) {
        let last = usize::from(row) + 1 == height && more;
        let line =
            if last { format!("    {} (v shows all)", canvas.sign("…", "...")) } else { line.clone() };
        canvas.put(area, row, 0, &line, if last { Ink::Dim } else { *ink });
    }
}

/// The rows that the pane could fill.
pub(super) fn height(view: &View<'_>, width: u16) -> u16 {
    let words = view.look.words(width);
    let lines = view.summary.verdict.as_ref().map_or(0, |verdict| short(verdict, &words).len());
    u16::try_from(lines + 1).unwrap_or(u16::MAX)
}

/// The sentence, and what to do.
fn short(verdict: &Verdict, words: &Style) -> Vec<(String, Ink)> {
    let mut lines: Vec<_> =
        folded(words, "", &verdict.text).into_iter().map(|line| (line, Ink::Plain)).collect();
    remedies(verdict, words, &mut lines);
    lines
}

/// What to do, the best first.
fn remedies(verdict: &Verdict, words: &Style, lines: &mut Vec<(String, Ink)>) {
    for (n, remedy) in (1..).zip(&verdict.remedy) {
        let action = folded(words, &format!("{n:>2}. "), &remedy.action);
        lines.extend(action.into_iter().map(|line| (line, Ink::Bold)));
        if !remedy.price.is_empty() {
            let price = folded(words, "    Price: ", &format!("{}.", remedy.price));
            lines.extend(price.into_iter().map(|line| (line, Ink::Dim)));
        }
    }
}

/// All of it, and everything that it rests on.
pub(super) fn page(view: &View<'_>, scroll: u16, area: Rect, canvas: &mut Canvas<'_>) -> u16 {
    let verdict = view.summary.verdict.as_ref();
    canvas.title(area, 0, &title(verdict), "Esc: back");
    let (_, area) = super::top(area, 1);
    let width = area.width;
    let mut lines = Vec::new();
    let mut say = |lead: &str, words: &str, ink, canvas: &Canvas<'_>| {
        lines.extend(canvas.fold(lead, words, width).into_iter().map(|line| (line, ink)));
    };
    if let Some(verdict) = verdict {
        say("", &verdict.text, Ink::Bold, canvas);
        for (sign, points) in [("  + ", &verdict.speaks_for), ("  - ", &verdict.speaks_against)] {
            for point in points {
                say(sign, point, Ink::Plain, canvas);
            }
        }
        if !verdict.remedy.is_empty() {
            say("", "What to do, best first (c copies it):", Ink::Bold, canvas);
        }
        remedies(verdict, &canvas.words(width), &mut lines);
    }
    let words = canvas.words(width);
    lines.push((String::new(), Ink::Plain));
    lines.extend(
        words.not_seen(&view.summary.blind, &view.summary.missing).into_iter().map(|line| (line, Ink::Dim)),
    );
    scrolled(&lines, scroll, area, canvas)
}

/// Lines from one of them on; never past the last page, whose first line is returned.
pub(super) fn scrolled(lines: &[(String, Ink)], scroll: u16, area: Rect, canvas: &mut Canvas<'_>) -> u16 {
    let height = usize::from(area.height);
    // A long text leaves its last row to what says so.
    let text = if lines.len() > height { height.saturating_sub(1) } else { height };
    let most = lines.len().saturating_sub(text);
    let from = usize::from(scroll).min(most);
    for (row, (line, ink)) in (0..area.height).zip(lines[from..].iter().take(text)) {
        canvas.put(area, row, 0, line, *ink);
    }
    if text < height {
        let below = most - from;
        let words = if below > 0 { format!("({below} more lines: down)") } else { "(the end)".to_owned() };
        canvas.put(area, area.height - 1, 0, &words, Ink::Dim);
    }
    u16::try_from(most).unwrap_or(u16::MAX)
}
