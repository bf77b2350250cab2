//! Exact bounds for shares (Clopper and Pearson 1934), one-sided, at 95 %.

/// The share that would give `count` or fewer in `runs` with a chance of 5 %.
pub(crate) fn at_most(count: usize, runs: usize) -> f64 {
    if count >= runs {
        return 1.0;
    }
    let (mut low, mut high) = (0.0, 1.0);
    for _ in 0..60 {
        let middle = f64::midpoint(low, high);
        if tail(count, runs, middle) > 0.05 { low = middle } else { high = middle }
    }
    high
}

/// The share that would give `count` or more in `runs` with a chance of 5 %.
pub(crate) fn at_least(count: usize, runs: usize) -> f64 {
    if count > runs { 0.0 } else { 1.0 - at_most(runs - count, runs) }
}

/// The chance of `count` or fewer.
fn tail(count: usize, runs: usize, share: f64) -> f64 {
    if share <= 0.0 || share >= 1.0 {
        return if share <= 0.0 { 1.0 } else { 0.0 };
    }
    let odds = libm::log(share) - libm::log1p(-share);
    let mut term = runs as f64 * libm::log1p(-share);
    let mut sum = libm::exp(term);
    for n in 0..count {
        term += libm::log((runs - n) as f64 / (n + 1) as f64) + odds;
        sum += libm::exp(term);
    }
    sum
}

/// Against known values: `1 - 0.05^(1/n)` for none, 21.61 % for 1 of 20, and the mirror of that.
pub(crate) fn check() -> Result<(), String> {
    let none = 1.0 - libm::exp(libm::log(0.05) / 10_000.0);
    let right = (at_most(0, 10_000) - none).abs() < 1e-9
        && (at_most(1, 20) - 0.216_106).abs() < 1e-5
        && (at_least(19, 20) - (1.0 - at_most(1, 20))).abs() < 1e-12
        && at_most(5, 5) >= 1.0;
    if right { Ok(()) } else { Err("the bounds are not those of Clopper and Pearson".into()) }
}
