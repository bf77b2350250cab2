//! How many SYNs each listening address lost. Bounded; what finds no room is a number.

use std::{cmp::Reverse, collections::HashMap, net::IpAddr, sync::Arc};

use crate::model::{
    Cause, Drop,
    listener::{Listener, Served},
};

/// Addresses and ports with a row of their own.
const ROWS: usize = 4096;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Key {
    netns: Option<u32>,
    dst: IpAddr,
    dport: u16,
}

#[derive(Debug, Default)]
struct Row {
    drops: u64,
    netns_name: Option<Arc<str>>,
    listener: Option<Arc<Listener>>,
}

/// The rows.
#[derive(Debug, Default)]
pub(super) struct Listeners {
    rows: HashMap<Key, Row, ahash::RandomState>,
    all: u64,
}

impl Listeners {
    /// Counts a drop. Where nobody listens, no listener lost it.
    pub(super) fn add(&mut self, drop: &Drop) {
        if drop.cause == Cause::NoListener {
            return;
        }
        self.all += 1;
        let key = Key { netns: drop.netns, dst: drop.flow.dst, dport: drop.flow.dport };
        if self.rows.len() >= ROWS && !self.rows.contains_key(&key) {
            return;
        }
        let row = self.rows.entry(key).or_default();
        row.drops += 1;
        // Whoever listened last is looked for; a moment without an answer forgets nobody.
        if drop.listener.is_some() {
            row.listener.clone_from(&drop.listener);
        }
        if row.netns_name.is_none() {
            row.netns_name.clone_from(&drop.netns_name);
        }
    }

    /// Those with the most drops, and the drops of all others.
    pub(super) fn top(&self, most: usize) -> (Vec<Served>, u64) {
        let mut rows: Vec<_> = self.rows.iter().collect();
        rows.sort_unstable_by_key(|(key, row)| (Reverse(row.drops), **key));
        rows.truncate(most);
        let named: u64 = rows.iter().map(|(_, row)| row.drops).sum();
        let served = |(key, row): (&Key, &Row)| Served {
            netns: key.netns,
            netns_name: row.netns_name.clone(),
            dst: key.dst,
            dport: key.dport,
            listener: row.listener.clone(),
            drops: row.drops,
        };
        (rows.into_iter().map(served).collect(), self.all - named)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::any::bare;

    fn at(dport: u16, listener: Option<u32>) -> Drop {
        let listener = listener.map(|pid| {
            Arc::new(Listener { pid, comm: "web".into(), cgroup: None, processes: None, sockets: None })
        });
        let mut drop = Drop { netns: Some(7), listener, ..bare(Cause::PawsTimeWait) };
        drop.flow.dport = dport;
        drop
    }

    #[test]
    fn most_drops_first_and_the_last_listener() {
        let mut listeners = Listeners::default();
        for drop in
            [at(80, Some(1)), at(443, None), at(80, Some(2)), at(80, None), at(443, None), at(1, None)]
        {
            listeners.add(&drop);
        }
        listeners.add(&Drop { cause: Cause::NoListener, ..at(9, None) });
        let (rows, rest) = listeners.top(2);
        let rows: Vec<_> =
            rows.iter().map(|r| (r.dport, r.drops, r.listener.as_ref().map(|l| l.pid))).collect();
        assert_eq!(rows, [(80, 3, Some(2)), (443, 2, None)]);
        assert_eq!(rest, 1);
    }

    #[test]
    fn a_scan_of_all_ports_stays_within_bounds() {
        let mut listeners = Listeners::default();
        (0..=u16::MAX).for_each(|port| listeners.add(&at(port, None)));
        assert_eq!(listeners.rows.len(), ROWS);
        let (rows, rest) = listeners.top(20);
        assert_eq!((rows.len(), rest), (20, 65_536 - 20));
    }
}
