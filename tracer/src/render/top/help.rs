//! The keys, and how to read the picture.

use ratatui::layout::Rect;

use super::{
    View,
    canvas::{Canvas, Ink},
    verdict::scrolled,
};

const KEYS: [(&str, &str); 15] = [
    ("up, down (j, k)", "choose a source; in a long text, scroll"),
    ("page up/down, home, end", "the same in larger steps"),
    ("Enter", "everything about the chosen source; Esc: back"),
    ("v", "the verdict in full: what speaks for it and against it"),
    ("s, S", "sort by the next column, the one before"),
    ("/", "only sources with this in their row: 192.0, NAT, queue"),
    ("p, space", "hold the picture or the recording; live, it counts on"),
    ("w", "record to a file from now on; again: stop"),
    ("c", "copy what to do (OSC 52); it is printed at the end, too"),
    ("+, -", "a recording faster, slower"),
    ("Ctrl-L", "draw everything anew"),
    ("Ctrl-Z", "suspend; fg comes back"),
    ("?", "this page"),
    ("Esc", "back; on the first page: the first row, no filter"),
    ("q, Ctrl-C", "quit, with the summary on the normal screen"),
];

const READING: [(&str, &str); 6] = [
    ("TICKS, BACK", "the worst regression that PAWS refused, and as time"),
    ("CLKS", "clocks found behind the address"),
    ("LOOKS LIKE, SURE", "who is behind the address; how sure that is, 0 to 1"),
    ("SEEN", "how long ago"),
    ("?", "not known, or not visible with this hook set"),
    ("lost", "what is missing from the totals"),
];

pub(super) fn draw(view: &View<'_>, scroll: u16, area: Rect, canvas: &mut Canvas<'_>) -> u16 {
    canvas.title(area, 0, &format!("tracer {}: keys", view.start.version), "Esc: back");
    let (_, area) = super::top(area, 1);
    let mut lines = Vec::new();
    let indent = if area.width >= 70 { 25 } else { 4 };
    for (key, what) in KEYS {
        lines.extend(said(key, what, indent, area.width, canvas));
    }
    if usize::from(area.height) > lines.len() + READING.len() {
        lines.push((String::new(), Ink::Plain));
    }
    for (key, what) in READING {
        lines.extend(said(key, what, indent, area.width, canvas));
    }
    scrolled(&lines, scroll, area, canvas)
}

fn said(key: &str, what: &str, indent: usize, width: u16, canvas: &Canvas<'_>) -> Vec<(String, Ink)> {
    let lead = format!("{key:<indent$}");
    let lead = if lead.ends_with(' ') { lead } else { lead + " " };
    let lines = canvas.words(width).fold_under(indent, &lead, what);
    lines.into_iter().map(|line| (line, Ink::Plain)).collect()
}
