//! What is kept of one client address, of what changed, and of those that found no room.

use std::{collections::BTreeMap, net::IpAddr};

use crate::model::{Cause, Nanos, nat::Nat};

/// What a source address did.
#[derive(Clone, Debug, PartialEq)]
pub struct Source {
    /// Client address.
    pub src: IpAddr,
    /// SYNs seen from it, dropped ones included; `None` where the hook set does not see accepted SYNs.
    pub syns: Option<u64>,
    /// Dropped SYNs, each of them observed.
    pub drops: u64,
    /// More that are only counted (see [`Unsent`](super::Unsent)).
    pub unsent: u64,
    /// ... of `drops`, by PAWS.
    pub paws: u64,
    /// `drops` by cause.
    pub by_cause: BTreeMap<Cause, u64>,
    /// Timestamp regression of the last PAWS drop, ticks.
    pub last_regression: Option<i32>,
    /// Largest timestamp regression of a PAWS drop, ticks.
    pub max_regression: Option<i32>,
    /// How far back the timestamps of PAWS drops were.
    pub regressions: Regressions,
    /// What became of the clients that were refused.
    pub retries: Retries,
    /// First SYN.
    pub first: Nanos,
    /// Last SYN.
    pub last: Nanos,
    /// Who is behind it; `None`: there was no room for its clocks.
    pub nat: Option<Nat>,
}

impl Source {
    /// Dropped SYNs, also those that are only counted.
    pub fn all_drops(&self) -> u64 {
        self.drops.saturating_add(self.unsent)
    }

    /// One SYN seen at this time, nothing else known.
    pub fn new(src: IpAddr, time: Nanos) -> Self {
        Self {
            src,
            syns: None,
            drops: 0,
            unsent: 0,
            paws: 0,
            by_cause: BTreeMap::new(),
            last_regression: None,
            max_regression: None,
            regressions: Regressions::default(),
            retries: Retries::default(),
            first: time,
            last: time,
            nat: None,
        }
    }
}

/// Regressions by size: element `n` counts those of 2^n to 2^(n+1)-1 ticks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Regressions(pub [u32; 31]);

/// Clients that were refused: a client is one connection attempt, its SYN and the same SYN again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Retries {
    /// Attempts that were refused at least once.
    pub refused: u64,
    /// ... and came again.
    pub came_back: u64,
    /// ... and got in.
    pub got_in: u64,
    /// How long those waited altogether, milliseconds.
    pub waited_ms: u64,
    /// The longest of them, milliseconds.
    pub longest_ms: u64,
}

/// A source that changed since it was last looked at: a SYN of it came, or one of its clients got in.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// Drops since then.
    pub new_drops: u64,
    /// All that is known of it.
    pub source: Source,
}

/// The sources that changed since they were last looked at.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Changes {
    /// Most drops since then first; no more than were asked for.
    pub sources: Vec<Change>,
    /// How many changed.
    pub total: u64,
    /// ... of those, with drops at any time.
    pub with_drops: u64,
}

impl Changes {
    /// Those that changed and are not among `sources`.
    pub fn left_out(&self) -> u64 {
        self.total.saturating_sub(self.sources.len() as u64)
    }
}

/// What of the sources found no room in the table, exactly.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Other {
    /// SYNs.
    pub syns: u64,
    /// Drops.
    pub drops: u64,
    /// ... of those, by PAWS.
    pub paws: u64,
    /// Drops by cause.
    pub by_cause: BTreeMap<Cause, u64>,
}
