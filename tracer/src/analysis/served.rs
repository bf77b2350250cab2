//! How many SYNs each listening address lost, and to whom they were addressed.

use std::{cmp::Reverse, net::IpAddr, sync::Arc};

use super::most::Most;
use crate::model::{
    Cause, Drop,
    listener::{self, Listener},
};

/// Addresses and ports that are told apart.
const ROOM: usize = 64;

/// Network namespace, address, port.
type Key = (Option<u32>, IpAddr, u16);

#[derive(Clone, Debug, Default)]
struct Row {
    netns_name: Option<Arc<str>>,
    listener: Option<Arc<Listener>>,
}

/// The table.
#[derive(Clone, Debug)]
pub(super) struct Served(Most<Key, Row>);

impl Served {
    pub(super) const fn new() -> Self {
        Self(Most::new(ROOM))
    }

    /// Counts a drop. Where nobody listens, no listener lost it.
    pub(super) fn add(&mut self, drop: &Drop) {
        if drop.cause == Cause::NoListener {
            return;
        }
        let row = self.0.add((drop.netns, drop.flow.dst, drop.flow.dport));
        // Whoever listened last is looked for; a moment without an answer forgets nobody.
        if drop.listener.is_some() {
            row.listener.clone_from(&drop.listener);
        }
        if row.netns_name.is_none() {
            row.netns_name.clone_from(&drop.netns_name);
        }
    }

    /// Those with the most drops, most first, and the drops of all others.
    pub(super) fn top(&self, most: usize) -> (Vec<listener::Served>, u64) {
        let mut places: Vec<_> = self.0.places().iter().collect();
        places.sort_unstable_by_key(|place| (Reverse(place.count), place.key));
        let others =
            places.iter().skip(most).fold(self.0.beyond, |sum, place| sum.saturating_add(place.count));
        places.truncate(most);
        let served = places.into_iter().map(|place| {
            let (netns, dst, dport) = place.key;
            let Row { netns_name, listener } = place.of.clone();
            listener::Served { netns, netns_name, dst, dport, listener, drops: place.count }
        });
        (served.collect(), others)
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
        let mut served = Served::new();
        for drop in
            [at(80, Some(1)), at(443, None), at(80, Some(2)), at(80, None), at(443, None), at(1, None)]
        {
            served.add(&drop);
        }
        served.add(&Drop { cause: Cause::NoListener, ..at(9, None) });
        let (rows, rest) = served.top(2);
        let rows: Vec<_> =
            rows.iter().map(|r| (r.dport, r.drops, r.listener.as_ref().map(|l| l.pid))).collect();
        assert_eq!(rows, [(80, 3, Some(2)), (443, 2, None)]);
        assert_eq!(rest, 1);
    }

    #[test]
    fn a_scan_of_all_ports_loses_nothing() {
        let mut served = Served::new();
        for port in 0..=u16::MAX {
            served.add(&at(port, None));
            // Whoever comes often keeps its place.
            if port.is_multiple_of(16) {
                served.add(&at(443, Some(1)));
            }
        }
        let (rows, rest) = served.top(20);
        assert_eq!((rows.len(), rows[0].dport, rows[0].drops), (20, 443, 4097));
        assert!(rows[0].listener.is_some());
        assert_eq!(rows.iter().map(|row| row.drops).sum::<u64>() + rest, 65_536 + 4096);
    }
}
