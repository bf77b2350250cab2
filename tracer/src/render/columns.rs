//! The line of a drop: which columns fit the terminal, and what stands in them.

use std::{fmt::Write as _, net::IpAddr};

use super::{
    phrases::{answer, clean, millis, process, short},
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
    pub(super) fn fitting(width: usize) -> Vec<Self> {
        let mut used = 0;
        let fits = |column: &Self| {
            used += column.width() + usize::from(used > 0);
            used <= width.max(80)
        };
        Self::ALL.into_iter().take_while(fits).collect()
    }

    /// What stands there of a drop.
    pub(super) fn text(self, style: &Style, drop: &Drop) -> String {
        match self {
            Self::Time => style.clock(drop.time),
            Self::Why => why(drop),
            Self::Client => match drop.flow.src {
                IpAddr::V4(v4) => format!("{v4}:{}", drop.flow.sport),
                IpAddr::V6(v6) => format!("[{v6}]:{}", drop.flow.sport),
            },
            Self::Port => drop.flow.dport.to_string(),
            Self::Detail => detail(drop),
            Self::Answer => answer(drop.answer).into(),
            Self::Ticks => behind(drop).map_or("-".into(), |ticks| ticks.to_string()),
            Self::Age => drop.ts_age_ms.map_or("-".into(), age),
            Self::Reason => match drop.reason.as_deref().map(str::trim) {
                None | Some("") => "-".into(),
                Some(reason) => clean(reason),
            },
            Self::Listener => drop.listener.as_deref().map_or("-".into(), process),
        }
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
fn why(drop: &Drop) -> String {
    let plain = matches!(drop.cause, Cause::Other | Cause::NoListener | Cause::Repeated);
    match (drop.evidence, drop.cause) {
        (Evidence::Wire, Cause::Other) => "no answer".into(),
        // One column shorter, for the mark.
        (Evidence::Wire, Cause::OldSequence) => "old SYN, TIME_WAIT?".into(),
        (Evidence::Wire, cause) if !plain => format!("{}?", short(cause)),
        (_, cause) => short(cause).into(),
    }
}

/// Ticks by which a PAWS drop was late. Where the kernel's word and its memory contradict one another, the memory is of
/// another connection by now.
fn behind(drop: &Drop) -> Option<u32> {
    drop.regression().filter(|ticks| drop.cause.is_paws() && *ticks > 0).map(i32::cast_unsigned)
}

/// The kernel keeps whole seconds.
fn age(ms: u64) -> String {
    match ms {
        0..=999 => "<1s".into(),
        1000..=59_999 => format!("{}s", ms / 1000),
        _ => millis(ms),
    }
}

/// What says most about this cause in ten columns.
fn detail(drop: &Drop) -> String {
    match (drop.cause, drop.accept_queue, drop.syn_queue) {
        // A tick is a millisecond on Linux since 4.13, and almost everywhere else.
        (cause, ..) if cause.is_paws() => {
            behind(drop).map_or("?".into(), |ticks| format!("~{}", millis(u64::from(ticks))))
        }
        // The SYN queue's limit is the listener's backlog, too (`inet_csk_reqsk_queue_is_full`).
        (Cause::AcceptQueueFull, Some((len, max)), _)
        | (Cause::SynQueueFull, Some((_, max)), Some((len, _)))
        | (Cause::PeerNotProven, _, Some((len, max))) => format!("{len} of {max}"),
        _ => "-".into(),
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

/// Writes the drop's line into `line`. A client that is too long for its column (IPv6) moves the rest to the right where
/// there is room, else it stands in a line of its own below. On a terminal narrower than the columns lines are broken.
pub(super) fn line(style: &Style, columns: &[Column], drop: &Drop, line: &mut String) {
    let whole: usize = columns.iter().map(|column| column.width() + 1).sum::<usize>() - 1;
    let mut below = None;
    let (mut used, mut pad) = (0, 0);
    for column in columns {
        let mut text = column.text(style, drop);
        let long = text.chars().count().saturating_sub(column.width());
        if *column == Column::Client && long > 0 && whole + long > style.width {
            below = Some(std::mem::take(&mut text));
        }
        let wide = text.chars().count();
        if used > 0 && used + pad + 1 + wide > style.width {
            let _ = write!(line, "\n{:INDENT$}", "");
            used = INDENT;
        } else if used > 0 {
            let _ = write!(line, "{:1$}", "", pad + 1);
            used += pad + 1;
        }
        line.push_str(&style.ink(column.ink(drop.cause), &text));
        used += wide;
        pad = column.width().saturating_sub(wide);
    }
    if let Some(client) = below {
        let _ = write!(line, "\n{:INDENT$}{client}", "");
    }
}
