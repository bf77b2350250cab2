//! What was seen on each pair of endpoints: who closed first, the last timestamps, the next sequence numbers.
//!
//! Keeps facts and decides nothing. Bounded: two generations of half the room each. Whatever is touched moves into the
//! younger one, and when that is full the older one is forgotten.

use std::hash::BuildHasher as _;
use std::net::IpAddr;

use hashbrown::{HashTable, hash_table::Entry};

use super::queue::NONE;
use crate::{
    keyed::Keyed,
    model::{Flow, Nanos},
};

/// Two endpoints, whichever sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Key {
    low: u128,
    high: u128,
    ports: u32,
}

/// One of the two ways between two endpoints.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    /// From the lower endpoint.
    Low,
    /// From the higher one.
    High,
}

impl Side {
    pub(super) const fn other(self) -> Self {
        match self {
            Self::Low => Self::High,
            Self::High => Self::Low,
        }
    }
}

fn number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(v4) => v4.to_ipv6_mapped().to_bits(),
        IpAddr::V6(v6) => v6.to_bits(),
    }
}

/// The endpoints of a segment, and which of them sent it.
pub(super) fn key(flow: &Flow) -> (Key, Side) {
    let (src, dst) = ((number(flow.src), flow.sport), (number(flow.dst), flow.dport));
    let (low, high, side) = if src <= dst { (src, dst, Side::Low) } else { (dst, src, Side::High) };
    (Key { low: low.0, high: high.0, ports: u32::from(low.1) << 16 | u32::from(high.1) }, side)
}

/// What one side has sent on the connection that was seen last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub(super) struct Way {
    /// Its newest TSval, and when it was sent last.
    pub(super) ts: Option<(u32, Nanos)>,
    /// The sequence number behind everything that it has sent.
    pub(super) next: Option<u32>,
    /// Sequence number of its SYN that was answered.
    pub(super) isn: Option<u32>,
    /// The last SYN/ACK.
    pub(super) syn_ack: Option<Nanos>,
    /// A SYN.
    pub(super) asked: bool,
    /// Anything but a SYN.
    pub(super) spoke: bool,
    /// An acknowledgement that is no SYN/ACK.
    pub(super) acked: bool,
    pub(super) fin: bool,
    /// The other side has acknowledged it.
    pub(super) fin_acked: bool,
    /// When it sent its FIN, it had not seen one: it keeps the tuple in TIME_WAIT.
    pub(super) closed_first: bool,
}

impl Way {
    /// Whether anything was captured on it.
    pub(super) const fn is_seen(&self) -> bool {
        self.asked || self.spoke
    }
}

/// Two endpoints and what they did.
#[derive(Clone, Debug)]
pub(super) struct Tuple {
    key: Key,
    ways: [Way; 2],
    /// The last segment, either way.
    pub(super) last: Nanos,
    /// The newest SYN that waits for its answer.
    pub(super) waiting: u64,
    /// One of the two has reset the connection.
    pub(super) reset: bool,
    /// When a bare ACK last answered a SYN.
    pub(super) refused: Option<Nanos>,
    /// Both sides were seen here, one of them with more than a SYN.
    pub(super) two_way: bool,
}

impl Tuple {
    fn new(key: Key) -> Self {
        Self {
            key,
            ways: [Way::default(); 2],
            last: Nanos(0),
            waiting: NONE,
            reset: false,
            refused: None,
            two_way: false,
        }
    }

    pub(super) fn way(&self, side: Side) -> &Way {
        &self.ways[side as usize]
    }

    pub(super) fn way_mut(&mut self, side: Side) -> &mut Way {
        &mut self.ways[side as usize]
    }

    /// A new connection begins: nothing of the old one counts any more.
    pub(super) fn begin(&mut self, client: Side, way: Way, server: Way) {
        *self.way_mut(client) = way;
        *self.way_mut(client.other()) = server;
        self.reset = false;
        self.refused = None;
    }
}

/// The tuples that are remembered.
#[derive(Debug)]
pub(super) struct Tuples {
    hasher: Keyed,
    room: usize,
    young: HashTable<Tuple>,
    old: HashTable<Tuple>,
}

impl Tuples {
    pub(super) fn new(room: usize) -> Self {
        Self { hasher: Keyed::default(), room, young: HashTable::new(), old: HashTable::new() }
    }

    /// Everything that is known of two endpoints. `forget` is called for each of those that go to make room.
    pub(super) fn get(&mut self, key: Key, forget: impl FnMut(&Tuple)) -> &mut Tuple {
        if self.young.len() >= self.room / 2 {
            self.old.iter().for_each(forget);
            // Its room is kept: it will be needed again.
            self.old.clear();
            std::mem::swap(&mut self.old, &mut self.young);
        }
        let hasher = &self.hasher;
        let hash = hasher.hash_one(key);
        match self.young.entry(hash, |tuple| tuple.key == key, |tuple| hasher.hash_one(tuple.key)) {
            Entry::Occupied(found) => found.into_mut(),
            Entry::Vacant(place) => {
                let known = self.old.find_entry(hash, |tuple| tuple.key == key).ok();
                place.insert(known.map_or_else(|| Tuple::new(key), |found| found.remove().0)).into_mut()
            }
        }
    }

    /// The same without remembering it any longer for it.
    pub(super) fn look(&self, key: Key) -> Option<&Tuple> {
        let hash = self.hasher.hash_one(key);
        let find = |table| HashTable::find(table, hash, |tuple: &Tuple| tuple.key == key);
        find(&self.young).or_else(|| find(&self.old))
    }
}
