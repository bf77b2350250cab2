//! Chance that can be repeated: the same seed and words give the same numbers on every machine.

/// A stream of numbers.
pub(crate) struct Random(fastrand::Rng);

impl Random {
    /// The stream that belongs to these words.
    pub(crate) fn of(seed: u64, name: &str, run: usize) -> Self {
        let mut state = mixed(seed ^ 0x9E37_79B9_7F4A_7C15);
        for byte in name.bytes() {
            state = mixed(state ^ u64::from(byte));
        }
        Self(fastrand::Rng::with_seed(mixed(state ^ mixed(run as u64))))
    }

    /// 0 to just under 1.
    pub(crate) fn unit(&mut self) -> f64 {
        self.0.f64()
    }

    /// Any 32 bits.
    pub(crate) fn word(&mut self) -> u32 {
        self.0.u32(..)
    }

    /// 0 to just under `end`; 0 when there is nothing under it.
    pub(crate) fn below(&mut self, end: u32) -> u32 {
        if end == 0 { 0 } else { self.0.u32(..end) }
    }

    /// `from` to just under `to`.
    pub(crate) fn between(&mut self, from: f64, to: f64) -> f64 {
        from + (to - from) * self.unit()
    }

    /// The same, every decade as likely as every other.
    pub(crate) fn decades(&mut self, from: f64, to: f64) -> f64 {
        libm::exp(self.between(libm::log(from), libm::log(to)))
    }

    /// True this often.
    pub(crate) fn chance(&mut self, share: f64) -> bool {
        self.unit() < share
    }

    /// Exponential with this mean.
    pub(crate) fn exponential(&mut self, mean: f64) -> f64 {
        -mean * libm::log(1.0 - self.unit())
    }

    /// Normal around 0 (Box and Muller).
    pub(crate) fn normal(&mut self, deviation: f64) -> f64 {
        let radius = libm::sqrt(-2.0 * libm::log(1.0 - self.unit()));
        deviation * radius * libm::cos(std::f64::consts::TAU * self.unit())
    }

    /// One of them, each as likely.
    pub(crate) fn one_of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.0.usize(..choices.len())]
    }

    /// One of them, as often as its weight says.
    pub(crate) fn weighted<T: Copy>(&mut self, choices: &[(T, f64)]) -> T {
        let mut left = self.unit() * choices.iter().map(|(_, weight)| weight).sum::<f64>();
        for (choice, weight) in choices {
            left -= weight;
            if left < 0.0 {
                return *choice;
            }
        }
        choices[choices.len() - 1].0
    }
}

/// Every bit of the result depends on every bit of the word (the finalizer of SplitMix64).
pub(crate) fn mixed(word: u64) -> u64 {
    let word = word.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let word = (word ^ (word >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let word = (word ^ (word >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    word ^ (word >> 31)
}
