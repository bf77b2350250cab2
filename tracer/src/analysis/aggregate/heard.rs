//! Who was heard before among those that have no row: a small table of fingerprints, right most of the time.

/// Bits of a fingerprint's count.
const COUNT_BITS: u32 = 8;
/// Fingerprints for each row of the table that this stands beside.
const PER_ROW: usize = 8;
/// Fingerprints at least and at most: 4 KiB, 16 MiB.
const LEAST: usize = 1 << 10;
const MOST: usize = 1 << 22;

/// For each place one fingerprint of 24 bits and how often it was heard. Another one in the same place takes one off the
/// count, or takes the place of a count of one: what comes often stays.
#[derive(Clone, Debug)]
pub(super) struct Heard {
    places: Vec<u32>,
    wanted: usize,
}

impl Heard {
    /// For a table of so many rows; takes no memory before someone is heard.
    pub(super) fn new(rows: usize) -> Self {
        let wanted = rows.saturating_mul(PER_ROW).clamp(LEAST, MOST).next_power_of_two();
        Self { places: Vec::new(), wanted }
    }

    /// From other bits than the fingerprint: there are at most 2^22 places.
    fn place(&self, hash: u64) -> usize {
        usize::try_from(hash & 0xffff_ffff).unwrap_or(0) & (self.wanted - 1)
    }

    /// So many SYNs more of the source with this hash.
    pub(super) fn note(&mut self, hash: u64, syns: u8) {
        if self.places.is_empty() {
            self.places = vec![0; self.wanted];
        }
        let at = self.place(hash);
        let (own, count) = parts(self.places[at]);
        let (print, count) = if own == fingerprint(hash) {
            (own, count.saturating_add(syns))
        } else if count > syns {
            (own, count - syns)
        } else {
            (fingerprint(hash), syns)
        };
        self.places[at] = print << COUNT_BITS | u32::from(count);
    }

    /// How many SYNs of it are remembered; forgets them.
    pub(super) fn take(&mut self, hash: u64) -> u8 {
        let at = self.place(hash);
        match self.places.get_mut(at) {
            Some(place) if parts(*place).0 == fingerprint(hash) => parts(std::mem::take(place)).1,
            _ => 0,
        }
    }
}

fn fingerprint(hash: u64) -> u32 {
    (hash >> (32 + COUNT_BITS)) as u32
}

fn parts(place: u32) -> (u32, u8) {
    (place >> COUNT_BITS, (place & 0xff) as u8)
}
