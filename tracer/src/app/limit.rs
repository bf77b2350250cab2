//! `--rate-limit`: how many drop lines may be printed in a second.

/// Nanoseconds of a second.
const SECOND: u64 = 1_000_000_000;

/// Lines printed in the running second, and those held back in all.
pub(super) struct Limit {
    per_second: Option<u32>,
    /// When the second began, nanoseconds of the clock that the caller goes by.
    second: Option<i64>,
    printed: u32,
    held_back: u64,
}

impl Limit {
    /// `None`: no limit.
    pub(super) fn new(per_second: Option<u32>) -> Self {
        Self { per_second, second: None, printed: 0, held_back: 0 }
    }

    /// Whether one more line may be printed.
    pub(super) fn allows(&mut self, now: i64) -> bool {
        let Some(most) = self.per_second else { return true };
        if self.second.is_none_or(|second| now.abs_diff(second) >= SECOND) {
            self.second = Some(now);
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
        let mut limit = Limit::new(Some(2));
        let mut at = |ms: i64| limit.allows(ms * 1_000_000);
        assert_eq!(
            [0, 1, 2, 999, 1000, 1001, 1002].map(&mut at),
            [true, true, false, false, true, true, false]
        );
        // A clock that was set back begins a new second, too.
        assert_eq!([-5000, -4999, -4998].map(&mut at), [true, true, false]);
        assert_eq!(limit.held_back(), 4);
        assert!((0..1000).all(|n| Limit::new(None).allows(n)));
    }
}
