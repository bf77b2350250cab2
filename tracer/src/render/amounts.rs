//! Numbers in few columns.

const UNITS: [&str; 7] = ["", "k", "M", "G", "T", "P", "E"];

/// A count in five columns: exact up to 99999, then three places.
pub(super) fn count(n: u64) -> String {
    if n < 100_000 { n.to_string() } else { places(n, 3) }
}

/// Ticks in six columns: exact up to 999999, then four places.
pub(super) fn ticks(n: u64) -> String {
    if n < 1_000_000 { n.to_string() } else { places(n, 4) }
}

fn places(n: u64, places: usize) -> String {
    let (mut whole, mut part, mut unit) = (n, 0, 0);
    while whole >= 1000 && unit + 1 < UNITS.len() {
        (whole, part, unit) = (whole / 1000, whole % 1000, unit + 1);
    }
    let digits = places.saturating_sub(whole.to_string().len()).min(3);
    let fraction = &format!("{part:03}")[..digits];
    let point = if fraction.is_empty() { "" } else { "." };
    format!("{whole}{point}{fraction}{}", UNITS[unit])
}

/// So many a second, over this many seconds.
pub(super) fn rate(sum: u64, seconds: u64) -> String {
    let seconds = seconds.max(1);
    if sum / seconds >= 10 || sum.is_multiple_of(seconds) {
        return count(sum / seconds);
    }
    let tenths = sum * 10 / seconds;
    format!("{}.{}", tenths / 10, tenths % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_columns() {
        for (n, want) in [
            (0, "0"),
            (99_999, "99999"),
            (100_000, "100k"),
            (1_234_567, "1.23M"),
            (12_345_678, "12.3M"),
            (u64::MAX, "18.4E"),
        ] {
            assert_eq!(count(n), want);
        }
        assert_eq!(ticks(777_599_713), "777.5M");
        assert_eq!(ticks(i32::MAX.cast_unsigned().into()), "2.147G");
        assert_eq!(
            (rate(0, 5), rate(7, 5), rate(50, 5), rate(51, 5)),
            ("0".into(), "1.4".into(), "10".into(), "10".into())
        );
    }
}
