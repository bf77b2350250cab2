//! Memory, and what is given up for it.

use super::*;
use crate::{
    analysis::clock::Sample,
    model::{Nanos, reading::Stack},
};

fn sample(n: u32) -> Sample {
    Sample {
        time: Nanos(i64::from(n) * 50_000_000),
        sport: u16::try_from(n % 65_536).unwrap(),
        dport: 443,
        seq: Some(n),
        tsval: Some(n.wrapping_mul(2_654_435_761)),
        stack: Stack::default(),
        remembered: None,
    }
}

fn here() -> IpAddr {
    IpAddr::from([198, 51, 100, 7])
}

#[test]
fn the_limit_holds_and_what_tells_most_stays() {
    const LIMIT: usize = 1 << 20;
    let mut pairs = Pairs::new(LIMIT);
    for n in 0..20_u32 {
        pairs.observe((0, None, here()), &sample(n), |source| source == 0);
    }
    for n in 0..60_000_u32 {
        pairs.observe((1 + n % 20_000, None, here()), &sample(n), |source| source == 0);
        assert!(pairs.bytes() <= LIMIT + (64 << 10), "{} bytes after {n}", pairs.bytes());
    }
    assert!(pairs.given_up() > 0);
    assert!(pairs.assess(0).is_some(), "the one with drops was given up");
    assert!((1..20_001).any(|source| pairs.assess(source).is_none()), "nobody was given up");
}

#[test]
fn one_syn_costs_next_to_nothing() {
    let mut pairs = Pairs::new(64 << 20);
    for source in 0..10_000 {
        pairs.observe((source, None, here()), &sample(source), |_| false);
    }
    assert!(pairs.bytes() < 10_000 * 320, "{} bytes", pairs.bytes());
}

#[test]
fn a_source_that_lost_its_place_is_forgotten() {
    let mut pairs = Pairs::new(64 << 20);
    for n in 0..10 {
        pairs.observe((3, None, here()), &sample(n), |_| false);
        pairs.observe((4, None, here()), &sample(n), |_| false);
    }
    pairs.forget(3);
    assert_eq!((pairs.assess(3).is_none(), pairs.assess(4).is_some(), pairs.given_up()), (true, true, 1));
    let before = pairs.bytes();
    pairs.observe((3, None, here()), &sample(1), |_| false);
    assert!(pairs.bytes() >= before && pairs.assess(3).is_some());
}
