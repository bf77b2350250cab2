//! The last line: what was just said, what is being typed, or the keys that matter here.

use ratatui::layout::Rect;

use super::{
    View,
    canvas::{Canvas, Ink},
    state::Mode,
};

const OVERVIEW: [(&str, &str); 9] = [
    ("q", "quit"),
    ("Enter", "details"),
    ("?", "help"),
    ("v", "verdict"),
    ("/", "filter"),
    ("s", "sort"),
    ("p", "pause"),
    ("w", "record"),
    ("c", "copy remedy"),
];
const PAGE: [(&str, &str); 4] = [("Esc", "back"), ("up/down", "scroll"), ("c", "copy remedy"), ("q", "quit")];
const DETAILS: [(&str, &str); 5] = [
    ("Esc", "back"),
    ("left/right", "other sources"),
    ("up/down", "scroll"),
    ("v", "verdict"),
    ("q", "quit"),
];

pub(super) fn draw(view: &View<'_>, area: Rect, canvas: &mut Canvas<'_>) {
    if let Mode::Filter { typed } | Mode::Save { typed } = &view.state.mode {
        let what = match view.state.mode {
            Mode::Save { .. } => "record to file: ",
            _ => "filter: ",
        };
        let column = canvas.put(area, 0, 0, what, Ink::Bold);
        // The end of what is typed stays in sight.
        let room = usize::from(area.width.saturating_sub(column + 1));
        let hidden = typed.chars().count().saturating_sub(room);
        let column = canvas.put(area, 0, column, &typed.chars().skip(hidden).collect::<String>(), Ink::Plain);
        canvas.put(area, 0, column, "_", Ink::Plain);
        canvas.put(area, 0, column + 3, "Enter: take it  Esc: leave it", Ink::Dim);
        return;
    }
    if let Some(note) = view.note {
        canvas.put(area, 0, 0, note, Ink::Bold);
        return;
    }
    let keys: &[(&str, &str)] = match view.state.mode {
        Mode::Help { .. } | Mode::Verdict { .. } => &PAGE,
        Mode::Details { .. } => &DETAILS,
        _ => &OVERVIEW,
    };
    let mut column = 0;
    let speed = [("+/-", "speed")];
    for (key, what) in keys.iter().chain(speed.iter().filter(|_| view.play.is_some())) {
        let wide = u16::try_from(key.len() + 1 + what.len()).unwrap_or(0);
        if column + wide > area.width {
            break;
        }
        column = canvas.put(area, 0, column, key, Ink::Bold) + 1;
        column = canvas.put(area, 0, column, what, Ink::Dim) + 2;
    }
}
