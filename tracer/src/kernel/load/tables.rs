//! The kernel side's tables of drops without a record, as bytes.

use std::{collections::BTreeMap, hash::Hash};

use aya::{
    Pod,
    maps::{HashMap, MapData, PerCpuHashMap},
};
use tracer_common::facts::{FACTS_LEN, SHARE, SOURCE_LEN};

use super::{Attached, load_failure};
use crate::{error::Failure, kernel::hooks::Set};

/// Keys and how many drops each stands for.
#[derive(Clone, Debug)]
pub struct Table<const N: usize>(BTreeMap<[u8; N], u64>);

/// By what they were (`tracer_common::facts::Facts`).
pub type Kinds = Table<FACTS_LEN>;
/// By whose they were (`tracer_common::facts::Source`).
pub type Sources = Table<SOURCE_LEN>;

impl<const N: usize> Default for Table<N> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<const N: usize> Table<N> {
    /// Every key.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8; N], &u64)> {
        self.0.iter()
    }

    /// All drops.
    pub fn total(&self) -> u64 {
        self.0.values().sum()
    }

    /// What was added since an earlier reading.
    #[must_use]
    pub fn since(mut self, earlier: &Self) -> Self {
        for (key, n) in &mut self.0 {
            *n = n.saturating_sub(earlier.0.get(key).copied().unwrap_or(0));
        }
        self.0.retain(|_, n| *n > 0);
        self
    }
}

impl Attached {
    /// What the drops without a record were; the set for old kernels knows only how many.
    ///
    /// # Errors
    /// When the map cannot be read.
    pub fn unsent_kinds(&self) -> Result<Kinds, Failure> {
        if self.plan.set == Set::Legacy {
            return Ok(Table::default());
        }
        let map = self.ebpf.map("UNSENT").ok_or_else(missing)?;
        let map: PerCpuHashMap<&MapData, [u8; FACTS_LEN], u64> =
            PerCpuHashMap::try_from(map).map_err(|error| load_failure(&error))?;
        let entries = map.iter().map(|entry| entry.map(|(key, values)| (key, values.iter().sum())));
        table(entries)
    }

    /// Whose they were, as far as the table reaches.
    ///
    /// # Errors
    /// When the map cannot be read.
    pub fn unsent_sources(&self) -> Result<Sources, Failure> {
        if self.plan.set == Set::Legacy {
            return Ok(Table::default());
        }
        let map = self.ebpf.map("SHARES").ok_or_else(missing)?;
        let map: HashMap<&MapData, [u8; SOURCE_LEN], [u64; SHARE.0]> =
            HashMap::try_from(map).map_err(|error| load_failure(&error))?;
        let unsent = map.iter().map(|entry| entry.map(|(key, share)| (key, share[SHARE.1])));
        table(unsent.filter(|entry| !matches!(entry, Ok((_, 0)))))
    }
}

fn missing() -> Failure {
    load_failure(&aya::maps::MapError::ElementNotFound)
}

fn table<const N: usize>(
    entries: impl Iterator<Item = Result<([u8; N], u64), aya::maps::MapError>>,
) -> Result<Table<N>, Failure>
where
    [u8; N]: Pod + Hash,
{
    // One that went while the table was read has no value any more.
    let there = entries.filter(|entry| !matches!(entry, Err(aya::maps::MapError::KeyNotFound)));
    there.collect::<Result<_, _>>().map(Table).map_err(|error| load_failure(&error))
}
