//! The full screen: one picture of a run at a moment, for someone who has an incident in hand.
//!
//! Decides what stands where, and what gives way on a small screen. Pure: a [`View`] in, cells out; no terminal, no clock.
//! The order is that of five seconds' reading: is it dropping, why, whose SYNs, what to do.

mod canvas;
mod causes;
mod details;
mod header;
mod help;
mod keys;
mod scatter;
mod sources;
mod state;
mod verdict;

use std::net::IpAddr;

use jiff::tz::TimeZone;
use ratatui::{buffer::Buffer, layout::Rect};

pub use state::{Mode, Sort, State, rows};

use self::canvas::Canvas;
use super::amounts;
use crate::{
    analysis::recent::{Bucket, Reading, Recent},
    model::{
        Drop, Nanos,
        report::{Source, Start, Summary},
    },
};

/// What the terminal can show.
#[derive(Clone, Debug)]
pub struct Look {
    /// Colours; bold, dim and reverse remain without them.
    pub color: bool,
    /// More than ASCII.
    pub unicode: bool,
    /// The zone of the times.
    pub zone: TimeZone,
}

/// Where a recording that is played has got to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Play {
    /// So many times as fast as it happened; 0: as fast as it can be read.
    pub speed: u32,
    /// There is nothing more.
    pub ended: bool,
}

/// What is known of the chosen source beside its row.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Picked {
    /// Its last drops, newest first.
    pub drops: Vec<Drop>,
    /// Readings of its clocks.
    pub readings: Vec<Reading>,
}

impl Picked {
    /// What is kept of it; `None`: nobody is chosen.
    pub fn of(recent: &Recent, src: Option<IpAddr>) -> Self {
        src.map_or_else(Self::default, |src| Self {
            drops: recent.drops(src).cloned().collect(),
            readings: recent.readings(src).collect(),
        })
    }
}

/// Everything that is on the screen.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    /// Name of the machine.
    pub host: &'a str,
    /// What is traced, and how.
    pub start: &'a Start,
    /// What was seen so far, with every source that may be shown.
    pub summary: &'a Summary,
    /// The last seconds, oldest first.
    pub rates: &'a [Bucket],
    /// The chosen source.
    pub picked: &'a Picked,
    /// The moment that is shown.
    pub now: Nanos,
    /// What was typed so far.
    pub state: &'a State,
    /// Of a recording only.
    pub play: Option<Play>,
    /// The file that is being written.
    pub writing: Option<&'a str>,
    /// What was last said to whoever typed.
    pub note: Option<&'a str>,
    /// The terminal.
    pub look: &'a Look,
}

/// Nothing sensible fits on less.
const LEAST: (u16, u16) = (30, 6);
/// From here on there is room beside the sources for the chosen one.
const WIDE: (u16, u16) = (120, 24);

/// Draws all of it; how far what is shown can be scrolled.
pub fn draw(view: &View<'_>, buffer: &mut Buffer) -> u16 {
    let area = buffer.area;
    let mut canvas = Canvas::new(buffer, view.look);
    if area.width < LEAST.0 || area.height < LEAST.1 {
        let words = format!("tracer: {} drops; too small a screen", view.summary.drops);
        canvas.line(area, 0, &words);
        return 0;
    }
    let (body, foot) = bottom(area, 1);
    let most = match &view.state.mode {
        Mode::Help { scroll } => help::draw(view, *scroll, body, &mut canvas),
        Mode::Details { scroll } => details::page(view, *scroll, body, &mut canvas),
        Mode::Verdict { scroll } => verdict::page(view, *scroll, body, &mut canvas),
        Mode::Overview | Mode::Filter { .. } | Mode::Save { .. } => {
            overview(view, body, &mut canvas);
            0
        }
    };
    keys::draw(view, foot, &mut canvas);
    most
}

/// How the rows below rates and notices are shared out.
struct Heights {
    causes: u16,
    verdict: u16,
}

impl Heights {
    /// The sources get half of what is left, and what they do not need goes to the verdict, as far as that needs it; on a
    /// small screen the verdict keeps its headline and no more.
    fn of(rest: Rect, body: Rect, view: &View<'_>) -> Self {
        let rows = |n: usize| u16::try_from(n).unwrap_or(u16::MAX);
        let most = if body.height >= 30 { 8 } else { (rest.height / 4).clamp(1, 5) };
        let causes = rows(view.summary.by_cause.len().max(1)).min(most);
        let left = rest.height.saturating_sub(causes);
        let half = match left {
            ..=4 => 0,
            5..=8 => 1,
            9..=13 => left / 3,
            _ => left / 2,
        };
        if half <= 1 {
            return Self { causes, verdict: half };
        }
        // A title, the columns, a row to grow into; on a wide screen the picture of the chosen source beside them.
        let least = if is_wide(body) { 16 } else { 6 };
        let sources = rows(view.summary.sources.len()).saturating_add(3).max(least);
        let verdict = half.max(left.saturating_sub(sources));
        // Even when nothing is known it is a place that does not jump about.
        Self { causes, verdict: verdict.min(verdict::height(view, body.width).max(6)) }
    }
}

fn is_wide(body: Rect) -> bool {
    body.width >= WIDE.0 && body.height >= WIDE.1
}

fn overview(view: &View<'_>, body: Rect, canvas: &mut Canvas<'_>) {
    let (head, rest) = top(body, 1);
    header::draw(view, head, canvas);
    let (rates, rest) = top(rest, if body.height >= 14 { 2 } else { 1 });
    header::rates(view, rates, canvas);
    let rest = if body.height >= 20 { header::notices(view, rest, canvas) } else { rest };
    let heights = Heights::of(rest, body, view);
    let (causes, rest) = top(rest, heights.causes);
    causes::draw(view, causes, canvas);
    let (middle, verdict) = bottom(rest, heights.verdict);
    if is_wide(body) {
        let wide = (body.width - 82).clamp(38, 70);
        let left = Rect { width: middle.width - wide - 2, ..middle };
        sources::draw(view, left, canvas);
        let right = Rect { x: left.right() + 2, width: wide, ..middle };
        details::pane(view, right, canvas);
    } else {
        sources::draw(view, middle, canvas);
    }
    verdict::pane(view, verdict, canvas);
}

/// The source that is chosen: the one that was, while it is shown; else the first.
pub fn chosen<'a>(summary: &'a Summary, state: &State) -> Option<&'a Source> {
    let rows = rows(&summary.sources, state);
    let same = rows.iter().find(|source| Some(source.src) == state.chosen);
    same.or(rows.first()).copied()
}

/// The upper rows, and the others.
fn top(area: Rect, rows: u16) -> (Rect, Rect) {
    let rows = rows.min(area.height);
    let upper = Rect { height: rows, ..area };
    (upper, Rect { y: area.y + rows, height: area.height - rows, ..area })
}

/// The others, and the lower rows.
fn bottom(area: Rect, rows: u16) -> (Rect, Rect) {
    top(area, area.height.saturating_sub(rows))
}
