//! `--rate-limit`: how many drop lines may be printed in a second.

use std::time::{Duration, Instant};

/// Lines printed in the running second, and those held back in all.
pub(super) struct Limit {
    per_second: Option<u32>,
    second: Instant,
    printed: u32,
    held_back: u64,
}

impl Limit {
    /// `None`: no limit.
    pub(super) fn new(per_second: Option<u32>, now: Instant) -> Self {
        Self { per_second, second: now, printed: 0, held_back: 0 }
    }

    /// Whether one more line may be printed.
    pub(super) fn allows(&mut self, now: Instant) -> bool {
        let Some(most) = self.per_second else { return true };
        if now.duration_since(self.second) >= Duration::from_secs(1) {
            self.second = now;
            self.printed = 0;
        }
        let allowed = self.printed < most;
        if allowed {
            self.printed += 1;
        } else {
            self.held_back += 1;
        }
        allowed
    }

    /// Lines that were not printed.
    pub(super) fn held_back(&self) -> u64 {
        self.held_back
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so_many_a_second() {
        let begun = Instant::now();
        let at = |ms| begun + Duration::from_millis(ms);
        let mut limit = Limit::new(Some(2), begun);
        let allowed: Vec<bool> = [0, 1, 2, 999, 1000, 1001, 1002].map(|ms| limit.allows(at(ms))).into();
        assert_eq!(allowed, [true, true, false, false, true, true, false]);
        assert_eq!(limit.held_back(), 3);
        assert!((0..1000).all(|_| Limit::new(None, begun).allows(begun)));
    }
}
