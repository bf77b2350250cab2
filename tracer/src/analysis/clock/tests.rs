//! Bounds and invariants of the lines; what they are worth is measured by the evaluation (`cargo xtask eval`).

use proptest::prelude::*;

use super::*;
use crate::model::OptionKinds;

const BEGIN: i64 = 1_700_000_000_000_000_000;

fn linux() -> Stack {
    let mut options = OptionKinds::default();
    for kind in [2, 4, 8, 1, 3] {
        options.push(kind);
    }
    Stack { ttl: Some(57), options: Some(options), ..Stack::default() }
}

/// A SYN after so many milliseconds.
fn sample(ms: i64, tsval: Option<u32>, sport: u16) -> Sample {
    Sample {
        time: Nanos(BEGIN + ms * 1_000_000),
        sport,
        dport: 443,
        seq: Some((ms as u32).wrapping_mul(2_654_435_761) ^ u32::from(sport)),
        tsval,
        stack: linux(),
        remembered: None,
    }
}

/// A clock's SYNs: one every `every` milliseconds.
fn host(offset: u32, rate: u32, every: i64, count: u16) -> Vec<Sample> {
    (0..count)
        .map(|n| {
            let ms = i64::from(n) * every;
            let tsval = offset.wrapping_add((ms * i64::from(rate) / 1000) as u32);
            sample(ms, Some(tsval), 40_000 + n)
        })
        .collect()
}

fn seen(samples: &[Sample]) -> Clocks {
    let mut clocks = Clocks::default();
    for sample in samples {
        clocks.observe(sample);
    }
    clocks
}

#[test]
fn every_rate_is_one_line_also_across_the_wrap() {
    for rate in RATES {
        for offset in [5, u32::MAX - 3, 0x8000_0000] {
            let clocks = seen(&host(offset, rate, 700, 40));
            assert_eq!(clocks.lines.confirmed(), 1, "{rate} Hz from {offset}");
            let on: u32 =
                clocks.lines.all().filter(|(_, line)| line.confirmed).map(|(_, line)| line.count).sum();
            assert_eq!(on, 40, "{rate} Hz from {offset}");
        }
    }
}

#[test]
fn a_syn_that_comes_again_supports_nothing() {
    let first = sample(0, Some(1000), 40_000);
    let again =
        |ms: i64| Sample { time: Nanos(BEGIN + ms * 1_000_000), tsval: Some(1000 + ms as u32), ..first };
    let clocks = seen(&[first, again(1000), again(3000), again(7000), again(15_000)]);
    assert_eq!((clocks.counts.syns, clocks.counts.repeats), (1, 4));
    assert_eq!(clocks.lines.all().map(|(_, line)| line.count).collect::<Vec<_>>(), [1]);
    // Also from another outside port, which is what a NAT does that saw the client's RST.
    let moved = |ms: i64, sport: u16| Sample { sport, ..again(ms) };
    let clocks = seen(&[first, moved(10, 40_007), moved(30, 40_011), moved(50, 40_013)]);
    assert_eq!((clocks.counts.syns, clocks.lines.confirmed()), (1, 0));
    // Nor does a port by itself, whatever its sequence numbers are.
    let port: Vec<Sample> = (0..20).map(|n| sample(n * 1000, Some(n as u32 * 1000), 40_000)).collect();
    assert_eq!(seen(&port).lines.confirmed(), 0);
}

#[test]
fn a_quiet_source_is_small() {
    let clocks = seen(&host(77, 1000, 1000, 8));
    assert!(clocks.bytes() < 1024, "{} bytes", clocks.bytes());
    let mut mixed = host(77, 1000, 1000, 4);
    mixed.extend(host(0x7000_0000, 1_000_000, 1003, 4));
    assert!(seen(&mixed).bytes() < 1024, "{} bytes", seen(&mixed).bytes());
}

#[test]
fn a_busy_source_is_bounded() {
    let mut clocks = Clocks::default();
    let mut state = 1_u64;
    for n in 0..200_000_i64 {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let random = (state >> 32) as u32;
        // Random clocks, and a thousand stable ones.
        let tsval = if n % 3 == 0 { random } else { random % 1000 * 4_000_000 + n as u32 * 5 };
        clocks.observe(&sample(n * 5, Some(tsval), (state >> 20) as u16));
        if n % 1000 == 0 {
            assert!(clocks.bytes() <= MAX_BYTES, "{} bytes after {n}", clocks.bytes());
        }
    }
    assert!(clocks.bytes() <= MAX_BYTES, "{} bytes", clocks.bytes());
    let _ = clocks.assess();
}

/// Random clocks without end never add up to hosts.
#[test]
fn a_long_run_of_random_clocks_is_nobody() {
    let mut clocks = Clocks::default();
    let mut state = 7_u64;
    for n in 0..300_000_i64 {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let tsval = (state >> 32) as u32;
        clocks.observe(&sample(n * 40, Some(tsval), (n * 7 % 60_000) as u16));
    }
    let nat = clocks.assess();
    assert_eq!(
        (nat.verdict, nat.hosts_at_least),
        (crate::model::nat::NatVerdict::PerConnection, 1),
        "{nat:?}"
    );
}

#[test]
fn a_month_is_a_new_beginning() {
    let mut clocks = seen(&host(1, 1000, 1000, 30));
    clocks.observe(&sample(40 * 86_400_000, Some(5), 1025));
    assert_eq!((clocks.counts.syns, clocks.lines.confirmed()), (1, 0));
}

fn any_sample() -> impl Strategy<Value = Sample> {
    let time = prop_oneof![any::<i64>(), (0..100_000_i64).prop_map(|ms| BEGIN + ms * 1_000_000)];
    let remembered = proptest::option::of((any::<u32>(), proptest::option::of(any::<i64>())));
    let words =
        (any::<u16>(), any::<u16>(), proptest::option::of(any::<u32>()), proptest::option::of(any::<u32>()));
    (
        time,
        words,
        proptest::option::of(any::<u8>()),
        proptest::collection::vec(any::<u8>(), 0..40),
        remembered,
    )
        .prop_map(|(time, (sport, dport, seq, tsval), ttl, kinds, remembered)| {
            let mut options = OptionKinds::default();
            for kind in kinds {
                options.push(kind);
            }
            Sample {
                time: Nanos(time),
                sport,
                dport,
                seq,
                tsval,
                stack: Stack { ttl, options: ttl.map(|_| options), ..Stack::default() },
                remembered: remembered.map(|(tsval, time)| Remembered {
                    tsval,
                    time: time.map(Nanos),
                    same_ports: true,
                }),
            }
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn anything_fits(samples in proptest::collection::vec(any_sample(), 0..600)) {
        let clocks = seen(&samples);
        prop_assert!(clocks.bytes() <= MAX_BYTES);
        let nat = clocks.assess();
        prop_assert!((0.0..=1.0).contains(&nat.confidence));
        prop_assert!(nat.hosts_at_least >= 1);
        prop_assert!(nat.hosts.is_none_or(|hosts| hosts >= nat.hosts_at_least));
        prop_assert!(!nat.evidence.is_empty());
    }

    /// The index finds what looking at every line finds.
    #[test]
    fn lines_are_found_whatever_their_number(
        offsets in proptest::collection::vec(any::<u32>(), 1..60),
        probe in any::<prop::sample::Index>(),
    ) {
        let mut samples: Vec<Sample> = Vec::new();
        for (n, offset) in (0_u16..).zip(&offsets) {
            for (k, at) in [(0_u16, 0_i64), (1, 5_000), (2, 10_000)] {
                let ms = at + i64::from(n);
                samples.push(sample(ms, Some(offset.wrapping_add(ms as u32)), 1024 + n * 3 + k));
            }
        }
        samples.sort_by_key(|sample| sample.time.0);
        let mut clocks = seen(&samples);
        let before: u32 = clocks.lines.all().map(|(_, line)| line.count).max().unwrap_or(0);
        let offset = offsets[probe.index(offsets.len())];
        clocks.observe(&sample(20_000, Some(offset.wrapping_add(20_000)), 1023));
        let on = clocks.lines.all().filter(|(_, line)| line.last.0 == 80_000).map(|(_, line)| line.count).max();
        prop_assert!(on.is_some_and(|count| count >= 4), "{on:?}, at most {before} before");
    }
}
