//! Puts words and bars into cells; whatever does not fit is cut off, and nothing is ever written outside.

use std::borrow::Cow;

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    style::{Color, Modifier, Style},
};

use super::{
    super::{phrases::clean, text},
    Look,
};
use crate::model::Cause;

/// How words look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ink {
    Plain,
    Bold,
    Dim,
    /// PAWS, and what is wrong.
    Paws,
    /// The listener's queues.
    Listener,
    /// Fitted lines.
    Line,
}

impl Ink {
    /// The colours of the stream.
    pub(super) const fn of(cause: Cause) -> Self {
        match text::Style::ink_of(cause) {
            text::Ink::Paws => Self::Paws,
            text::Ink::Listener => Self::Listener,
            text::Ink::Dim => Self::Dim,
            text::Ink::Bold => Self::Bold,
            text::Ink::Plain => Self::Plain,
        }
    }
}

/// A buffer, and what may be put into it.
pub(super) struct Canvas<'a> {
    buffer: &'a mut Buffer,
    look: &'a Look,
}

/// Heights of a bar of one column.
const STEPS: [&str; 9] = [" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"];
const ASCII_STEPS: [&str; 9] = [" ", "_", ".", ".", ":", ":", "|", "|", "#"];

impl<'a> Canvas<'a> {
    pub(super) fn new(buffer: &'a mut Buffer, look: &'a Look) -> Self {
        Self { buffer, look }
    }

    pub(super) fn style(&self, ink: Ink) -> Style {
        let color = |color, modifier| {
            if self.look.color { Style::new().fg(color) } else { Style::new().add_modifier(modifier) }
        };
        match ink {
            Ink::Plain => Style::new(),
            Ink::Bold => Style::new().add_modifier(Modifier::BOLD),
            Ink::Dim => Style::new().add_modifier(Modifier::DIM),
            Ink::Paws => color(Color::Red, Modifier::BOLD),
            Ink::Listener => color(Color::Yellow, Modifier::BOLD),
            Ink::Line => color(Color::Cyan, Modifier::DIM),
        }
    }

    /// The sign, or what stands for it where there is only ASCII.
    pub(super) fn sign<'s>(&self, unicode: &'s str, ascii: &'s str) -> &'s str {
        if self.look.unicode { unicode } else { ascii }
    }

    /// Writes from a column of a row of the area on; the column behind it.
    pub(super) fn put(&mut self, area: Rect, row: u16, column: u16, words: &str, ink: Ink) -> u16 {
        if row >= area.height || column >= area.width {
            return column;
        }
        let words = self.fit(words);
        let style = self.style(ink);
        let room = usize::from(area.width - column);
        let area = area.intersection(self.buffer.area);
        if row >= area.height || column >= area.width {
            return column;
        }
        let (end, _) = self.buffer.set_stringn(area.x + column, area.y + row, words, room, style);
        end - area.x
    }

    /// Words as this terminal can show them.
    fn fit<'w>(&self, words: &'w str) -> Cow<'w, str> {
        if words.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
            Cow::Borrowed(words)
        } else if self.look.unicode {
            Cow::Owned(clean(words))
        } else {
            Cow::Owned(clean(words).chars().map(|c| if c.is_ascii() { c } else { '?' }).collect())
        }
    }

    /// One of our own signs, one column wide.
    pub(super) fn dot(&mut self, area: Rect, row: u16, column: u16, sign: &str, ink: Ink) {
        let style = self.style(ink);
        if row < area.height
            && column < area.width
            && let Some(cell) = self.buffer.cell_mut((area.x + column, area.y + row))
        {
            cell.set_symbol(sign).set_style(style);
        }
    }

    /// A plain line.
    pub(super) fn line(&mut self, area: Rect, row: u16, words: &str) {
        self.put(area, row, 0, words, Ink::Plain);
    }

    /// A title in a rule over the whole width, and a hint at its end where there is room.
    pub(super) fn title(&mut self, area: Rect, row: u16, title: &str, hint: &str) {
        let dash = self.sign("─", "-").to_owned();
        self.put(area, row, 0, &dash.repeat(area.width.into()), Ink::Dim);
        let end = self.put(area, row, 2, &format!(" {title} "), Ink::Bold);
        let wide = u16::try_from(hint.chars().count()).unwrap_or(u16::MAX).saturating_add(4);
        if !hint.is_empty() && end.saturating_add(wide) < area.width {
            self.put(area, row, area.width - wide, &format!(" {hint} "), Ink::Dim);
        }
    }

    /// Columns as high as their share of the highest, the last ones where not all fit.
    pub(super) fn sparkline(&mut self, area: Rect, values: &[u64], ink: Ink) {
        let wide = usize::from(area.width);
        let shown = &values[values.len().saturating_sub(wide)..];
        let most = shown.iter().copied().max().unwrap_or(0).max(1);
        let from = u16::try_from(wide - shown.len()).unwrap_or(0);
        let steps = if self.look.unicode { STEPS } else { ASCII_STEPS };
        for (column, value) in (from..).zip(shown) {
            // One is not nothing.
            let step = (u128::from(*value) * 8).div_ceil(u128::from(most));
            self.dot(area, 0, column, steps[usize::try_from(step).unwrap_or(8).min(8)], ink);
        }
    }

    /// A bar that is `share` of `whole` of the area's width.
    pub(super) fn bar(&mut self, area: Rect, share: u64, whole: u64, ink: Ink) {
        const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
        let eighths = u128::from(share) * 8 * u128::from(area.width) / u128::from(whole.max(1));
        let eighths = usize::try_from(eighths).unwrap_or(usize::MAX).max(usize::from(share > 0));
        let full = (eighths / 8).min(area.width.into());
        let text = if self.look.unicode {
            "█".repeat(full) + EIGHTHS[eighths % 8]
        } else {
            "#".repeat(full.max(usize::from(share > 0)))
        };
        self.put(area, 0, 0, &text, ink);
    }

    /// Marks the row of the area that is chosen.
    pub(super) fn choose(&mut self, area: Rect, row: u16) {
        if row < area.height {
            let row = Rect { y: area.y.saturating_add(row), height: 1, ..area };
            self.buffer.set_style(row, Style::new().add_modifier(Modifier::REVERSED));
        }
    }

    /// Words folded at spaces.
    pub(super) fn fold(&self, lead: &str, words: &str, width: u16) -> Vec<String> {
        folded(&self.words(width), lead, words)
    }

    /// The stream's way with words, without its colours.
    pub(super) fn words(&self, width: u16) -> text::Style {
        self.look.words(width)
    }
}

impl Look {
    /// The stream's way with words, without its colours.
    pub(super) fn words(&self, width: u16) -> text::Style {
        text::Style { color: false, zone: self.zone.clone(), width: width.into(), verbose: false }
    }
}

/// Words folded at spaces under the end of what leads them.
pub(super) fn folded(style: &text::Style, lead: &str, words: &str) -> Vec<String> {
    style.fold_under(lead.chars().count(), lead, &clean(words))
}
