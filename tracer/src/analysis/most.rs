//! Counts by key for the keys that come most often, in bounded memory; what finds no room is counted together.
//!
//! Whoever is not known takes the place of whoever came least, so that one that comes late and often finds its place.

/// One that has a place.
#[derive(Clone, Debug)]
pub(super) struct Place<K, V> {
    pub(super) key: K,
    pub(super) count: u64,
    pub(super) of: V,
}

/// The table.
#[derive(Clone, Debug)]
pub(super) struct Most<K, V> {
    room: usize,
    places: Vec<Place<K, V>>,
    /// Counts of those that have no place.
    pub(super) beyond: u64,
}

impl<K: PartialEq, V: Default> Most<K, V> {
    /// Room for so many, one at least.
    pub(super) const fn new(room: usize) -> Self {
        Self { room, places: Vec::new(), beyond: 0 }
    }

    /// Counts one, and hands out what is kept of its key.
    pub(super) fn add(&mut self, key: K) -> &mut V {
        let known = self.places.iter().position(|place| place.key == key);
        let at = known.unwrap_or_else(|| {
            if self.places.len() >= self.room.max(1) {
                // The one that came first of those with as few.
                let least = (0..self.places.len()).min_by_key(|at| self.places[*at].count).unwrap_or(0);
                self.beyond = self.beyond.saturating_add(self.places.remove(least).count);
            }
            self.places.push(Place { key, count: 0, of: V::default() });
            self.places.len() - 1
        });
        let place = &mut self.places[at];
        place.count = place.count.saturating_add(1);
        &mut place.of
    }

    /// Those that have a place, in no order that means anything.
    pub(super) fn places(&self) -> &[Place<K, V>] {
        &self.places
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounded_and_nothing_is_lost() {
        let mut most: Most<u32, u32> = Most::new(4);
        for n in 0..1_000_u32 {
            *most.add(if n.is_multiple_of(2) { n } else { 7 }) += 1;
        }
        let sum: u64 = most.places().iter().map(|place| place.count).sum();
        assert_eq!((most.places().len(), sum + most.beyond), (4, 1_000));
        let often = most.places().iter().find(|place| place.key == 7).unwrap();
        assert_eq!((often.count, often.of), (500, 500));
    }

    #[test]
    fn late_and_often() {
        let mut most: Most<u32, ()> = Most::new(3);
        for n in [1, 1, 2, 2, 3, 3, 4, 4, 4] {
            most.add(n);
        }
        assert!(most.places().iter().any(|place| place.key == 4 && place.count == 3), "{most:?}");
    }
}
