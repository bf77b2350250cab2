//! Hashing of what clients choose: with keys that they cannot know, and fast.
//!
//! The keys are from the standard library's. ahash asks the system for its own with a `getrandom` that waits until there is
//! entropy (before 5.6), which on a server that has just started, or in a small guest, may take for ever; the standard
//! library takes what there is.

use std::hash::{BuildHasher, RandomState};

/// The hasher of every table whose keys come from outside.
#[derive(Clone, Debug)]
pub struct Keyed(ahash::RandomState);

impl Default for Keyed {
    fn default() -> Self {
        let keys = RandomState::new();
        let [a, b, c, d] = [0_u8, 1, 2, 3].map(|n| keys.hash_one(n));
        Self(ahash::RandomState::with_seeds(a, b, c, d))
    }
}

impl BuildHasher for Keyed {
    type Hasher = ahash::AHasher;

    #[inline]
    fn build_hasher(&self) -> Self::Hasher {
        self.0.build_hasher()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_table_has_keys_of_its_own() {
        let (one, other) = (Keyed::default(), Keyed::default());
        assert_eq!(one.hash_one(7), one.clone().hash_one(7));
        assert_ne!(one.hash_one(7), other.hash_one(7));
        assert_ne!(one.hash_one(7), one.hash_one(8));
    }
}
