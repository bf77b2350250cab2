//! The sources: who is dropped, by how much their clocks went back, who is behind the address.

use ratatui::layout::Rect;

use super::{
    super::{
        phrases::{millis, short},
        source::worst,
        summary::looks_like,
    },
    View, amounts,
    canvas::{Canvas, Ink},
    chosen, rows,
    state::Sort,
};
use crate::model::report::Source;

/// A column, in the order on the screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Column {
    Address,
    Syns,
    Drops,
    Paws,
    Ticks,
    Back,
    Clocks,
    Looks,
    Sure,
    Last,
    Why,
}

impl Column {
    /// Those that a narrow screen keeps first.
    const BY_WORTH: [Self; 11] = [
        Self::Address,
        Self::Drops,
        Self::Looks,
        Self::Back,
        Self::Last,
        Self::Paws,
        Self::Syns,
        Self::Sure,
        Self::Ticks,
        Self::Clocks,
        Self::Why,
    ];

    const fn title(self) -> &'static str {
        match self {
            Self::Address => "ADDRESS",
            Self::Syns => "SYNS",
            Self::Drops => "DROPS",
            Self::Paws => "PAWS",
            Self::Ticks => "TICKS",
            Self::Back => "BACK",
            Self::Clocks => "CLKS",
            Self::Looks => "LOOKS LIKE",
            Self::Sure => "SURE",
            Self::Last => "SEEN",
            Self::Why => "MOSTLY",
        }
    }

    const fn width(self) -> u16 {
        match self {
            Self::Address => 15,
            Self::Syns | Self::Drops | Self::Paws | Self::Last => 5,
            Self::Ticks | Self::Back => 6,
            Self::Clocks | Self::Sure => 4,
            Self::Looks => 14,
            Self::Why => 20,
        }
    }

    const fn sorts(self) -> Option<Sort> {
        match self {
            Self::Address => Some(Sort::Address),
            Self::Syns => Some(Sort::Syns),
            Self::Drops => Some(Sort::Drops),
            Self::Paws => Some(Sort::Paws),
            Self::Ticks | Self::Back => Some(Sort::Worst),
            Self::Last => Some(Sort::Last),
            _ => None,
        }
    }

    const fn is_number(self) -> bool {
        !matches!(self, Self::Address | Self::Looks | Self::Why)
    }

    fn text(self, source: &Source, view: &View<'_>) -> String {
        let nat = source.nat.as_ref();
        match self {
            Self::Address => source.src.to_string(),
            Self::Syns => source.syns.map_or("?".into(), amounts::count),
            Self::Drops => amounts::count(source.all_drops()),
            Self::Paws => amounts::count(source.paws),
            Self::Ticks => worst(source).map_or("-".into(), |(ticks, _)| amounts::ticks(ticks)),
            Self::Back => match worst(source) {
                None => "-".into(),
                Some((_, ms)) => ms.map_or("?".into(), millis),
            },
            Self::Clocks => nat.map_or("?".into(), |nat| nat.clocks.len().to_string()),
            Self::Looks => nat.map_or("?".into(), looks_like),
            Self::Sure => nat.map_or("?".into(), |nat| format!("{:.2}", nat.confidence.clamp(0.0, 1.0))),
            Self::Last => {
                let ago = view.now.0.saturating_sub(source.last.0) / 1_000_000;
                match u64::try_from(ago) {
                    Ok(ms @ 1000..) if ms < 60_000 => format!("{}s", ms / 1000),
                    Ok(ms @ 60_000..) => millis(ms),
                    _ => "now".into(),
                }
            }
            Self::Why => {
                let most = source.by_cause.iter().max_by_key(|(cause, n)| (**n, std::cmp::Reverse(**cause)));
                most.map_or("-".into(), |(cause, _)| short(*cause).into())
            }
        }
    }
}

/// The columns that fit, with their widths.
fn fitting(width: u16, longest: u16) -> Vec<(Column, u16)> {
    // One for the mark of the chosen row.
    let mut left = width.saturating_sub(1);
    let mut columns = Vec::new();
    for column in Column::BY_WORTH {
        let wide = column.width() + u16::from(!columns.is_empty());
        if wide > left {
            break;
        }
        left -= wide;
        columns.push((column, column.width()));
    }
    // What is left is for long addresses.
    if let Some((Column::Address, wide)) = columns.first_mut() {
        *wide += left.min(longest.saturating_sub(*wide));
    }
    columns.sort_unstable();
    columns
}

/// The table, scrolled so far that the chosen row is in it.
pub(super) fn draw(view: &View<'_>, area: Rect, canvas: &mut Canvas<'_>) {
    let all = rows(&view.summary.sources, view.state);
    let mut title = match (view.summary.sources_total, all.len() as u64) {
        (total, shown) if total > shown => format!("Sources: {shown} of {total}"),
        (total, _) => format!("Sources: {total}"),
    };
    if !view.state.filter().is_empty() {
        title = format!("{title}, with \"{}\"", view.state.filter());
    }
    // On a small screen every row counts.
    let rule = u16::from(area.height >= 6);
    let chosen = chosen(view.summary, view.state).map(|source| source.src);
    let at = all.iter().position(|source| Some(source.src) == chosen).unwrap_or(0);
    let height = usize::from(area.height.saturating_sub(rule + 1));
    // The first page as long as the chosen row is on it.
    let from = if at < height { 0 } else { at + 1 - height };
    let below = all.len().saturating_sub(from + height);
    let hint = match below {
        0 => format!("by {}", view.state.sort),
        _ => format!("by {}, {below} more below", view.state.sort),
    };
    if rule > 0 {
        canvas.title(area, 0, &title, &hint);
    }
    let (_, area) = super::top(area, rule);
    let longest = all.iter().map(|source| source.src.to_string().len()).max().unwrap_or(0);
    let columns = fitting(area.width, u16::try_from(longest).unwrap_or(u16::MAX));
    let mut column = 1;
    for (kind, wide) in &columns {
        let title = aligned(*kind, kind.title(), *wide);
        let ink = if kind.sorts() == Some(view.state.sort) { Ink::Bold } else { Ink::Dim };
        canvas.put(area, 0, column, &title, ink);
        column += wide + 1;
    }
    let (_, area) = super::top(area, 1);
    if all.is_empty() {
        let words =
            if view.state.filter().is_empty() { "None so far." } else { "None that has this in its row." };
        canvas.put(area, 0, 1, words, Ink::Dim);
        return;
    }
    for (row, source) in (0..area.height).zip(&all[from..]) {
        draw_row(view, source, &columns, area, row, canvas);
        if Some(source.src) == chosen {
            canvas.put(area, row, 0, ">", Ink::Bold);
            canvas.choose(area, row);
        }
    }
}

fn draw_row(
    view: &View<'_>,
    source: &Source,
    columns: &[(Column, u16)],
    area: Rect,
    row: u16,
    canvas: &mut Canvas<'_>,
) {
    let mut column = 1;
    for (kind, wide) in columns {
        let text = shortened(kind.text(source, view), *wide, canvas.sign("…", "~"));
        let ink = match kind {
            Column::Drops | Column::Paws if source.paws > 0 => Ink::Paws,
            Column::Drops if source.drops > 0 => Ink::Bold,
            _ => Ink::Plain,
        };
        canvas.put(area, row, column, &aligned(*kind, &text, *wide), ink);
        column += wide + 1;
    }
}

fn aligned(kind: Column, text: &str, wide: u16) -> String {
    let wide = usize::from(wide);
    if kind.is_number() { format!("{text:>wide$}") } else { format!("{text:<wide$}") }
}

/// Of a long word the beginning and the end: what tells addresses apart stands at both.
fn shortened(text: String, wide: u16, gap: &str) -> String {
    let wide = usize::from(wide);
    let chars: Vec<char> = text.chars().collect();
    if chars.len() <= wide || wide < 3 {
        return text;
    }
    let head = (wide - 1).div_ceil(2);
    let tail = wide - 1 - head;
    let (head, tail) = (&chars[..head], &chars[chars.len() - tail..]);
    head.iter().collect::<String>() + gap + &tail.iter().collect::<String>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_that_fit() {
        let names = |width, longest| -> Vec<_> {
            fitting(width, longest).iter().map(|(column, wide)| (column.title(), *wide)).collect()
        };
        assert_eq!(names(40, 15), [("ADDRESS", 15), ("DROPS", 5), ("LOOKS LIKE", 14)]);
        let at_80 = names(80, 39);
        assert_eq!(at_80.len(), 10);
        assert_eq!(at_80.iter().map(|(_, wide)| wide + 1).sum::<u16>(), 80);
        assert_eq!(names(130, 39)[0], ("ADDRESS", 39));
        assert_eq!(names(10, 15), []);
    }

    #[test]
    fn both_ends_of_a_long_word() {
        assert_eq!(shortened("2001:db8::1".into(), 15, "…"), "2001:db8::1");
        assert_eq!(shortened("2001:db8:1234:5678::42".into(), 11, "~"), "2001:~8::42");
    }
}
