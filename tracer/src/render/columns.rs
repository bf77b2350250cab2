//! The line of a drop: which columns fit the terminal, and what stands in them.

use std::{
    fmt::{self, Display, Write as _},
    net::IpAddr,
};

use super::{
    phrases::{answer, cleaned, lasting, named, short},
    text::{Ink, Style},
};
use crate::model::{Cause, Drop, Evidence};

/// A column. The order is that on the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Column {
    Time,
    Why,
    Client,
    Port,
    /// By how much the timestamp went back as a span of time, or how full the queue was.
    Detail,
    Answer,
    Ticks,
    Age,
    Reason,
    Listener,
}

impl Column {
    pub(super) const ALL: [Self; 10] = [
        Self::Time,
        Self::Why,
        Self::Client,
        Self::Port,
        Self::Detail,
        Self::Answer,
        Self::Ticks,
        Self::Age,
        Self::Reason,
        Self::Listener,
    ];

    pub(super) const fn title(self) -> &'static str {
        match self {
            Self::Time => "TIME",
            Self::Why => "WHY",
            Self::Client => "CLIENT",
            Self::Port => "PORT",
            Self::Detail => "BEHIND",
            Self::Answer => "ANSWER",
            Self::Ticks => "TICKS",
            Self::Age => "AGE",
            Self::Reason => "KERNEL'S REASON",
            Self::Listener => "LISTENER",
        }
    }

    /// The first six make 80 columns with an IPv4 client.
    const fn width(self) -> usize {
        match self {
            Self::Time => 12,
            Self::Why => 20,
            Self::Client => 21,
            Self::Port => 5,
            Self::Answer => 7,
            Self::Detail | Self::Ticks => 10,
            Self::Age => 6,
            Self::Reason => 19,
            Self::Listener => 23,
        }
    }

    /// The columns that a terminal has room for.
    pub(super) fn fitting(width: usize) -> &'static [Self] {
        let mut used = 0;
        let fits = |column: &&Self| {
            used += column.width() + usize::from(used > 0);
            used <= width.max(80)
        };
        &Self::ALL[..Self::ALL.iter().take_while(fits).count()]
    }

    /// What stands there of a drop.
    pub(super) fn text(self, style: &Style, drop: &Drop) -> String {
        let mut text = String::new();
        self.write(style, drop, &mut text);
        text
    }

    /// Appends it to a line.
    fn write(self, style: &Style, drop: &Drop, line: &mut String) {
        // Nothing refuses to be written into memory.
        let _ = match self {
            Self::Time => write!(line, "{}", style.clock(drop.time)),
            Self::Why => write!(line, "{}", why(drop)),
            Self::Client => match drop.flow.src {
                IpAddr::V4(v4) => write!(line, "{v4}:{}", drop.flow.sport),
                IpAddr::V6(v6) => write!(line, "[{v6}]:{}", drop.flow.sport),
            },
            Self::Port => write!(line, "{}", drop.flow.dport),
            Self::Detail => detail(drop, line),
            Self::Answer => line.write_str(answer(drop.answer)),
            Self::Ticks => or_dash(behind(drop), line),
            Self::Age => or_dash(drop.ts_age_ms.map(age), line),
            Self::Reason => {
                let reason = drop.reason.as_deref().map(str::trim).filter(|reason| !reason.is_empty());
                or_dash(reason.map(cleaned), line)
            }
            Self::Listener => or_dash(drop.listener.as_deref().map(named), line),
        };
    }

    const fn ink(self, cause: Cause) -> Ink {
        match self {
            Self::Time => Ink::Dim,
            Self::Why => Style::ink_of(cause),
            _ => Ink::Plain,
        }
    }
}

/// The cause; with a question mark where packets alone speak for it. That a SYN got no answer is no question, nor is a RST.
fn why(drop: &Drop) -> impl Display {
    let plain = matches!(drop.cause, Cause::Other | Cause::NoListener | Cause::Repeated);
    let (words, mark) = match (drop.evidence, drop.cause) {
        (Evidence::Wire, Cause::Other) => ("no answer", ""),
        // One column shorter, for the mark.
        (Evidence::Wire, Cause::OldSequence) => ("old SYN, TIME_WAIT", "?"),
        (Evidence::Wire, cause) if !plain => (short(cause), "?"),
        (_, cause) => (short(cause), ""),
    };
    fmt::from_fn(move |f| write!(f, "{words}{mark}"))
}

fn or_dash(value: Option<impl Display>, line: &mut String) -> fmt::Result {
    match value {
        Some(value) => write!(line, "{value}"),
        None => line.write_str("-"),
    }
}

/// Ticks by which a PAWS drop was late. Where the kernel's word and its memory contradict one another, the memory is of
/// another connection by now.
fn behind(drop: &Drop) -> Option<u32> {
    drop.regression().filter(|ticks| drop.cause.is_paws() && *ticks > 0).map(i32::cast_unsigned)
}

/// The kernel keeps whole seconds.
fn age(ms: u64) -> impl Display {
    fmt::from_fn(move |f| match ms {
        0..=999 => f.write_str("<1s"),
        1000..=59_999 => write!(f, "{}s", ms / 1000),
        _ => write!(f, "{}", lasting(ms)),
    })
}

/// What says most about this cause in ten columns.
fn detail(drop: &Drop, line: &mut String) -> fmt::Result {
    match (drop.cause, drop.accept_queue, drop.syn_queue) {
        // A tick is a millisecond on Linux since 4.13, and almost everywhere else.
        (cause, ..) if cause.is_paws() => match behind(drop) {
            Some(ticks) => write!(line, "~{}", lasting(u64::from(ticks))),
            None => line.write_str("?"),
        },
        // The SYN queue's limit is the listener's backlog, too (`inet_csk_reqsk_queue_is_full`).
        (Cause::AcceptQueueFull, Some((len, max)), _)
        | (Cause::SynQueueFull, Some((_, max)), Some((len, _)))
        | (Cause::PeerNotProven, _, Some((len, max))) => write!(line, "{len} of {max}"),
        _ => line.write_str("-"),
    }
}

/// The line above the columns.
pub(super) fn titles(style: &Style) -> String {
    let columns = Column::fitting(style.width);
    let text: Vec<_> =
        columns.iter().map(|column| format!("{:<1$}", column.title(), column.width())).collect();
    text.join(" ").trim_end().to_owned()
}

/// Behind the time.
pub(super) const INDENT: usize = 13;
/// As many as stand between two columns at most.
const SPACES: &str = "                        ";
const BREAK: &str = "\n             ";
const _: () = assert!(BREAK.len() == 1 + INDENT);

/// Writes the drop's line into `line`. A client that is too long for its column (IPv6) moves the rest to the right where
/// there is room, else it stands in a line of its own below. On a terminal narrower than the columns lines are broken.
pub(super) fn line(style: &Style, columns: &[Column], drop: &Drop, line: &mut String) {
    let whole: usize = columns.iter().map(|column| column.width() + 1).sum::<usize>() - 1;
    let mut below = None;
    let (mut used, mut pad) = (0, 0);
    for column in columns {
        let gap = if used > 0 { pad + 1 } else { 0 };
        let from = line.len();
        line.push_str(&SPACES[..gap.min(SPACES.len())]);
        let mut at = line.len();
        column.write(style, drop, line);
        let mut wide = line[at..].chars().count();
        let long = wide.saturating_sub(column.width());
        if *column == Column::Client && long > 0 && whole + long > style.width {
            below = Some(*column);
            line.truncate(at);
            wide = 0;
        }
        if used > 0 && used + gap + wide > style.width {
            line.replace_range(from..at, BREAK);
            (used, at) = (INDENT, from + BREAK.len());
        } else {
            used += gap;
        }
        style.paint(column.ink(drop.cause), line, at);
        used += wide;
        pad = column.width().saturating_sub(wide);
    }
    if let Some(client) = below {
        line.push_str(BREAK);
        client.write(style, drop, line);
    }
}
