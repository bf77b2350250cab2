//! A source address in words: who is behind it and why that is thought, what it did.

use super::{
    phrases::{clean, millis},
    summary::looks_like,
};
use crate::model::{nat::Nat, report::Source};

/// Its address, and what it looks like.
pub(super) fn title(source: &Source) -> String {
    let looks = source.nat.as_ref().map_or("no room for its clocks".into(), |nat| {
        format!("{} (confidence {:.2})", looks_like(nat), nat.confidence.clamp(0.0, 1.0))
    });
    format!("{}: {looks}", source.src)
}

/// What it did, in a line or two.
pub(super) fn deeds(source: &Source) -> String {
    let mut words = vec![
        source.syns.map_or("SYNs ?".into(), |n| format!("{n} SYNs")),
        format!("{} drops", source.all_drops()),
        format!("{} by PAWS", source.paws),
    ];
    if let Some((ticks, ms)) = worst(source) {
        let time = ms.map_or("time ?".into(), |ms| format!("~{}", millis(ms)));
        words.push(format!("worst {ticks} ticks back ({time})"));
    }
    let retries = source.retries;
    if retries.refused > 0 {
        let waited = if retries.got_in > 0 {
            format!(", after {} at most", millis(retries.longest_ms))
        } else {
            String::new()
        };
        words.push(format!("{} of {} refused clients got in later{waited}", retries.got_in, retries.refused));
    }
    words.join(", ")
}

/// The finding's sentences.
pub(super) fn evidence(source: &Source) -> Vec<String> {
    let Some(nat) = &source.nat else { return Vec::new() };
    let mut points: Vec<_> = nat.evidence.iter().map(|words| clean(words).trim().to_owned()).collect();
    if nat.port_jumps > 0 {
        points.push(format!("one port jumped between clocks ({} times in all)", nat.port_jumps));
    }
    points.retain(|words| !words.is_empty());
    points
}

/// The rate of a source's clocks, Hz, where they run alike.
fn hertz(nat: &Nat) -> Option<f64> {
    let first = nat.clocks.first()?.rate_hz;
    let alike = nat.clocks.iter().all(|clock| (clock.rate_hz / first - 1.0).abs() < 0.1);
    (alike && first.is_finite() && first > 0.0).then_some(first)
}

/// A span of ticks of such a clock, milliseconds.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a float saturates, and ticks are positive"
)]
fn ticks_ms(ticks: i32, hertz: f64) -> u64 {
    (f64::from(ticks.max(0)) * 1000.0 / hertz) as u64
}

/// The worst regression of a source: ticks, and milliseconds where its clocks' rate is known.
pub(super) fn worst(source: &Source) -> Option<(u64, Option<u64>)> {
    let back = source.max_regression?;
    let ms = source.nat.as_ref().and_then(hertz).map(|hertz| ticks_ms(back, hertz));
    Some((u64::try_from(back).unwrap_or(0), ms))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_of_ticks() {
        assert_eq!(ticks_ms(250, 250.0), 1000);
    }
}
