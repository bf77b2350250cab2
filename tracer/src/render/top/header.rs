//! Where, how and how long; how many a second; what the picture lacks.

use ratatui::layout::Rect;

use super::{
    super::{phrases::clean, text::filter},
    View, amounts,
    canvas::{Canvas, Ink},
};
use crate::analysis::recent::Bucket;

/// Seconds that a rate is the mean of: calm enough to be read.
const MEAN: usize = 5;

/// The first line.
pub(super) fn draw(view: &View<'_>, area: Rect, canvas: &mut Canvas<'_>) {
    let lost = lost(view);
    let state = match (view.play, view.state.paused) {
        (Some(play), _) if play.ended => "END OF RECORDING".to_owned(),
        (Some(_), true) => "PAUSED".to_owned(),
        (None, true) => "PAUSED (still counting)".to_owned(),
        (Some(play), false) if play.speed == 0 => "replay, full speed".to_owned(),
        (Some(play), false) => format!("replay {}x", play.speed),
        (None, false) => "live".to_owned(),
    };
    let secs = view.summary.elapsed_ms / 1000;
    let clock = match secs {
        ..=3599 => format!("{:02}:{:02}", secs / 60, secs % 60),
        _ => format!("{}:{:02}:{:02}", secs / 3600, secs / 60 % 60, secs % 60),
    };
    let mut right = vec![
        (state, if view.state.paused { Ink::Bold } else { Ink::Plain }),
        (clock, Ink::Plain),
        (format!("lost {}", amounts::count(lost)), if lost > 0 { Ink::Paws } else { Ink::Dim }),
    ];
    if view.writing.is_some() {
        right.insert(0, ("REC".into(), Ink::Paws));
    }
    let wide = |parts: &[String]| -> usize {
        parts.iter().map(|part| part.chars().count() + 2).sum::<usize>().saturating_sub(2)
    };
    let words: Vec<String> = right.iter().map(|(words, _)| words.clone()).collect();
    let room = usize::from(area.width).saturating_sub(wide(&words) + 2);
    // What gives way first stands last here.
    let mut parts = vec![
        (1, clean(view.host)),
        (4, filter(&view.start.filter)),
        (2, view.start.kernel.as_deref().map_or("kernel ?".into(), clean)),
        (3, format!("{} hooks", clean(&view.start.set))),
        (0, format!("tracer {}", clean(&view.start.version))),
    ];
    while wide(&parts.iter().map(|(_, part)| part.clone()).collect::<Vec<_>>()) > room && parts.len() > 1 {
        parts.pop();
    }
    parts.sort_by_key(|(place, _)| *place);
    let mut column = 0;
    for (n, (_, part)) in parts.iter().enumerate() {
        column = canvas.put(area, 0, column, part, if n == 0 { Ink::Bold } else { Ink::Plain }) + 2;
    }
    let from = usize::from(area.width).saturating_sub(wide(&words));
    let mut column = u16::try_from(from).unwrap_or(u16::MAX);
    for (words, ink) in right {
        column = canvas.put(area, 0, column, &words, ink).saturating_add(2);
    }
}

/// What is missing from the totals.
fn lost(view: &View<'_>) -> u64 {
    let lost = view.summary.lost;
    [lost.uncounted(), lost.decode, lost.slot, lost.read].into_iter().fold(0, u64::saturating_add)
}

/// SYNs and drops by the second; in one row only drops.
pub(super) fn rates(view: &View<'_>, area: Rect, canvas: &mut Canvas<'_>) {
    let drops = |bucket: &Bucket| bucket.drops;
    // Where accepted SYNs are not seen, the ends of handshakes stand for them, and drops are not among them.
    let (name, others): (_, fn(&Bucket) -> u64) = match view.summary.syns {
        Some(_) => ("SYNs", |bucket| bucket.answered.saturating_add(bucket.drops)),
        None => ("opened", |bucket| bucket.answered),
    };
    let all = view.summary.syns.unwrap_or(view.summary.accepted);
    if area.height > 1 {
        rate(view, area, 0, (name, all, Ink::Plain), others, canvas);
    }
    let row = area.height.saturating_sub(1);
    rate(view, area, row, ("drops", view.summary.drops, Ink::Paws), drops, canvas);
}

fn rate(
    view: &View<'_>,
    area: Rect,
    row: u16,
    (name, all, ink): (&str, u64, Ink),
    of: impl Fn(&Bucket) -> u64,
    canvas: &mut Canvas<'_>,
) {
    let values: Vec<u64> = view.rates.iter().map(of).collect();
    let last = &values[values.len().saturating_sub(MEAN)..];
    let mean = amounts::rate(last.iter().fold(0, |sum, n| sum.saturating_add(*n)), last.len() as u64);
    canvas.put(area, row, 0, &format!("{name:<6} {mean:>5}/s"), Ink::Bold);
    let most = values.iter().copied().max().unwrap_or(0);
    let mut tail = format!("most {:>5}/s  all {:>5}", amounts::count(most), amounts::count(all));
    if area.width < 60 {
        tail = format!("all {:>5}", amounts::count(all));
    }
    let wide = u16::try_from(tail.len()).unwrap_or(0);
    let Some(from) = area.width.checked_sub(wide) else { return };
    canvas.put(area, row, from, &tail, Ink::Plain);
    let line = Rect { x: area.x + 16, y: area.y + row, width: from.saturating_sub(18), height: 1 };
    canvas.sparkline(line, &values, if all > 0 { ink } else { Ink::Plain });
}

/// What the picture lacks, a line each; the area below them.
pub(super) fn notices(view: &View<'_>, area: Rect, canvas: &mut Canvas<'_>) -> Rect {
    let mut lines = Vec::new();
    if lost(view) > 0 {
        let lost = view.summary.lost;
        let places = [
            (lost.uncounted(), "found no room in the ring"),
            (lost.decode, "could not be decoded"),
            (lost.slot, "never finished"),
            (lost.read, "could not be read"),
        ];
        let words: Vec<_> =
            places.iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{n} {what}")).collect();
        lines.push((format!("LOST, not in the totals: {}", words.join(", ")), Ink::Paws));
    }
    let blind: Vec<_> = view.summary.blind.iter().map(|cause| cause.name()).collect();
    if !blind.is_empty() {
        let words = format!("not visible with this hook set: {}", blind.join(", "));
        let room = usize::from(area.width);
        let short = format!("{} causes are not visible with this hook set (v names them)", blind.len());
        lines.push((if words.chars().count() > room { short } else { words }, Ink::Dim));
    }
    for check in view.summary.snmp.iter().filter(|check| check.kernel > check.ours) {
        let (name, kernel, ours) = (clean(&check.name), check.kernel, check.ours);
        lines.push((format!("the kernel's {name} moved by {kernel}, seen were {ours}"), Ink::Listener));
    }
    let room = if area.height >= 30 { 4 } else { 2 };
    let shown = lines.len().min(room);
    for (row, (words, ink)) in (0..).zip(lines.iter().take(shown)) {
        canvas.put(area, row, 0, words, *ink);
    }
    super::top(area, u16::try_from(shown).unwrap_or(0)).1
}
