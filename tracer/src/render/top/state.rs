//! What whoever looks on has chosen: the order, the filter, the source, the page.

use std::net::IpAddr;

use super::super::{source::worst, summary::looks_like};
use crate::model::{named, report::Source};

named! {
    /// The order of the sources.
    Sort {
        /// Most drops first.
        Drops = "drops",
        /// Most drops by PAWS.
        Paws = "PAWS drops",
        /// Most SYNs.
        Syns = "SYNs",
        /// The worst regression.
        Worst = "worst regression",
        /// The last seen first.
        Last = "last seen",
        /// By address.
        Address = "address",
    }
}

/// What is on the screen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// All in one.
    #[default]
    Overview,
    /// The chosen source.
    Details {
        /// Lines that were scrolled past.
        scroll: u16,
    },
    /// The verdict in full.
    Verdict {
        /// Lines that were scrolled past.
        scroll: u16,
    },
    /// The keys.
    Help {
        /// Lines that were scrolled past.
        scroll: u16,
    },
    /// A filter is being typed.
    Filter {
        /// So far.
        typed: String,
    },
    /// The name of a file to record to is being typed.
    Save {
        /// So far.
        typed: String,
    },
}

/// All that keys change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    /// The page.
    pub mode: Mode,
    /// The order.
    pub sort: Sort,
    /// Only sources that have this in their row; empty: all.
    pub filter: String,
    /// The chosen source; `None`: the first, whichever it is.
    pub chosen: Option<IpAddr>,
    /// The picture stands still.
    pub paused: bool,
}

impl Default for State {
    fn default() -> Self {
        Self { mode: Mode::Overview, sort: Sort::Drops, filter: String::new(), chosen: None, paused: false }
    }
}

impl State {
    /// How far a long text was scrolled, where there is one.
    pub fn scroll(&mut self) -> Option<&mut u16> {
        match &mut self.mode {
            Mode::Details { scroll } | Mode::Verdict { scroll } | Mode::Help { scroll } => Some(scroll),
            _ => None,
        }
    }

    /// The filter in force: while one is typed, that one.
    pub fn filter(&self) -> &str {
        match &self.mode {
            Mode::Filter { typed } => typed,
            _ => &self.filter,
        }
    }
}

/// The sources that are shown, in their order.
pub fn rows<'a>(sources: &'a [Source], state: &State) -> Vec<&'a Source> {
    let filter = state.filter().trim().to_lowercase();
    let fits = |source: &&Source| {
        filter.is_empty()
            || source.src.to_string().contains(&filter)
            || source.nat.as_ref().is_some_and(|nat| looks_like(nat).to_lowercase().contains(&filter))
            || source.by_cause.keys().any(|cause| cause.name().contains(&filter))
    };
    let mut rows: Vec<&Source> = sources.iter().filter(fits).collect();
    // They come with most drops first, and equals keep that order.
    match state.sort {
        Sort::Drops => {}
        Sort::Paws => rows.sort_by_key(|source| std::cmp::Reverse(source.paws)),
        Sort::Syns => rows.sort_by_key(|source| std::cmp::Reverse(source.syns)),
        Sort::Worst => rows.sort_by_key(|source| std::cmp::Reverse(worst(source).map(|(ticks, _)| ticks))),
        Sort::Last => rows.sort_by_key(|source| std::cmp::Reverse(source.last)),
        Sort::Address => rows.sort_by_key(|source| source.src),
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Cause, Nanos};

    #[test]
    fn orders_and_filters() {
        let source = |src: &str, drops, paws, last, back| Source {
            drops,
            paws,
            max_regression: back,
            by_cause: [(Cause::AcceptQueueFull, drops)].into(),
            ..Source::new(src.parse().unwrap(), Nanos(last))
        };
        let sources = [
            source("192.0.2.9", 9, 0, 1, None),
            source("192.0.2.1", 5, 2, 3, Some(4)),
            source("10.0.0.5", 1, 1, 2, Some(9)),
        ];
        let order = |sort, filter: &str| -> Vec<u64> {
            let state = State { sort, filter: filter.into(), ..State::default() };
            rows(&sources, &state).iter().map(|source| source.drops).collect()
        };
        assert_eq!(order(Sort::Drops, ""), [9, 5, 1]);
        assert_eq!(order(Sort::Paws, ""), [5, 1, 9]);
        assert_eq!(order(Sort::Worst, ""), [1, 5, 9]);
        assert_eq!(order(Sort::Last, ""), [5, 1, 9]);
        assert_eq!(order(Sort::Address, ""), [1, 5, 9]);
        assert_eq!(order(Sort::Drops, "192.0"), [9, 5]);
        assert_eq!(order(Sort::Drops, " ACCEPT "), [9, 5, 1]);
        assert!(order(Sort::Drops, "nobody").is_empty());
    }
}
