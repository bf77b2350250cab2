//! Why SYNs were dropped, as bars.

use ratatui::layout::Rect;

use super::{
    super::phrases::{long, short},
    View, amounts,
    canvas::{Canvas, Ink},
};

/// Most frequent first; the last row counts those that found none.
pub(super) fn draw(view: &View<'_>, area: Rect, canvas: &mut Canvas<'_>) {
    let summary = view.summary;
    let mut causes: Vec<_> = summary.by_cause.iter().filter(|(_, n)| **n > 0).collect();
    causes.sort_by_key(|(cause, n)| (std::cmp::Reverse(**n), **cause));
    if causes.is_empty() {
        let unseen = summary.snmp.iter().any(|check| check.kernel > check.ours);
        let words =
            if unseen { "No drops seen, yet the kernel counted some." } else { "No drops seen so far." };
        canvas.put(area, 0, 0, words, Ink::Bold);
        return;
    }
    let rows = usize::from(area.height);
    let shown = if causes.len() > rows { rows.saturating_sub(1).max(1) } else { rows };
    // On a wide screen the sentence says what the words do not.
    let sentence = if area.width >= 130 { 68 } else { 0 };
    for (row, (cause, n)) in (0..).zip(causes.iter().take(shown)) {
        let ink = Ink::of(**cause);
        let row_area = Rect { y: area.y + row, height: 1, ..area };
        canvas.put(row_area, 0, 0, short(**cause), ink);
        let share = u128::from(**n) * 100 / u128::from(summary.drops.max(1));
        let tail = format!("{:>5} {:>3}%", amounts::count(**n), share);
        let Some(from) = area.width.checked_sub(10 + sentence) else { continue };
        let bar = Rect { x: area.x + 22, width: from.saturating_sub(23), ..row_area };
        canvas.bar(bar, **n, summary.drops, ink);
        canvas.put(row_area, 0, from, &tail, Ink::Plain);
        if sentence > 0 {
            canvas.put(row_area, 0, from + 12, long(**cause), Ink::Dim);
        }
    }
    let rest = causes.len().saturating_sub(shown);
    if rest > 0 && area.height > 1 {
        let n: u64 = causes[shown..].iter().fold(0, |sum, (_, n)| sum.saturating_add(**n));
        canvas.put(area, area.height - 1, 0, &format!("{rest} more causes: {n} drops"), Ink::Dim);
    }
}
