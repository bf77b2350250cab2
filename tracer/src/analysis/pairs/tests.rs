//! Which clocks are kept, and what several findings say together.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::model::{Nanos, nat::NatVerdict, reading::Stack};

impl Pairs {
    /// How many pairs a source has.
    pub(in crate::analysis) fn pairs_of(&self, source: u32) -> usize {
        let mut at = self.heads.get(source as usize).copied().unwrap_or(NONE);
        let mut n = 0;
        while let Some(pair) = self.all.get(at as usize) {
            assert_eq!(pair.source, source);
            (n, at) = (n + 1, pair.next);
            assert!(n <= self.all.len(), "a circle");
        }
        n
    }
}

fn server(n: u8) -> IpAddr {
    IpAddr::from([198, 51, 100, n])
}

/// The `n`th SYN of a host with a clock of 1 kHz.
fn sample(n: u32) -> Sample {
    Sample {
        time: Nanos(i64::from(n) * 1_000_000_000),
        sport: 40_000 + u16::try_from(n % 20_000).unwrap(),
        dport: 443,
        seq: Some(n),
        tsval: Some(n * 1000),
        stack: Stack::default(),
        remembered: None,
    }
}

fn check(pairs: &Pairs) -> Result<(), TestCaseError> {
    let live: Vec<_> = pairs.all.iter().filter(|pair| !matches!(pair.held, Held::Nothing)).collect();
    prop_assert_eq!(live.len(), pairs.index.len());
    let (mut at, mut free) = (pairs.free, 0);
    while let Some(pair) = pairs.all.get(at as usize) {
        (at, free) = (pair.next, free + 1);
        prop_assert!(matches!(pair.held, Held::Nothing) && free <= pairs.all.len());
    }
    prop_assert_eq!(live.len() + free, pairs.all.len());
    prop_assert_eq!(live.iter().map(|pair| pair.held.bytes() as usize).sum::<usize>(), pairs.held);
    let chained: usize =
        (0..u32::try_from(pairs.heads.len()).unwrap()).map(|source| pairs.pairs_of(source)).sum();
    prop_assert_eq!(chained, live.len());
    Ok(())
}

proptest! {
    #[test]
    fn the_table_stays_whole_and_within_its_bound(
        limit in 0..20_000_usize,
        steps in proptest::collection::vec((0..20_u32, 0..4_u8, any::<bool>(), 0..12_u8), 0..400),
    ) {
        let mut pairs = Pairs::new(limit);
        for (n, (source, dst, netns, what)) in (0..).zip(steps) {
            if what == 0 {
                pairs.forget(source);
                prop_assert_eq!(pairs.pairs_of(source), 0);
            } else {
                pairs.observe((source, netns.then_some(7), server(dst)), &sample(n), |source| source % 2 == 0);
            }
            check(&pairs)?;
            prop_assert!(pairs.bytes() <= limit || pairs.index.is_empty(), "{} of {}", pairs.bytes(), limit);
        }
    }

    #[test]
    fn with_room_nothing_is_given_up(steps in proptest::collection::vec((0..20_u32, 0..4_u8), 0..200)) {
        let mut pairs = Pairs::new(64 << 20);
        let mut counts = BTreeMap::new();
        for (n, (source, dst)) in (0..).zip(&steps) {
            pairs.observe((*source, None, server(*dst)), &sample(n), |_| false);
            *counts.entry(*source).or_insert_with(BTreeMap::new).entry(*dst).or_insert(0) += 1;
        }
        prop_assert_eq!(pairs.given_up(), 0);
        for source in 0..20 {
            let own = counts.get(&source);
            prop_assert_eq!(pairs.pairs_of(source), own.map_or(0, BTreeMap::len));
            prop_assert_eq!(pairs.assess(source).is_some(), own.is_some());
        }
    }
}

#[test]
fn the_least_telling_goes_first_and_who_has_no_drops() {
    let mut pairs = Pairs::new(100_000);
    let hurt = |source| source == 1 || source >= 1000;
    // One with drops and one without, well known; then many of one SYN each.
    for n in 0..40 {
        for source in [1, 2] {
            pairs.observe((source, None, server(1)), &sample(n), hurt);
        }
    }
    for n in 0..5000 {
        pairs.observe((10 + n % 900, None, server(u8::try_from(n / 900).unwrap())), &sample(n), hurt);
    }
    check(&pairs).unwrap();
    assert!(pairs.given_up() > 3000, "{}", pairs.given_up());
    assert!(pairs.assess(1).is_some() && pairs.assess(2).is_some(), "nobody is better known than these");
    for n in 0..5000 {
        pairs.observe((1000 + n, None, server(1)), &sample(n), hurt);
    }
    check(&pairs).unwrap();
    assert!(pairs.assess(1).is_some());
    assert!(pairs.assess(2).is_none(), "it has no drops, all others have");
}

#[test]
fn what_is_given_up_is_counted() {
    let mut pairs = Pairs::new(1 << 20);
    pairs.observe((0, None, server(1)), &sample(0), |_| true);
    pairs.forget(0);
    assert_eq!(pairs.given_up(), 0, "one SYN is no clock");
    for n in 0..2 {
        pairs.observe((0, None, server(1)), &sample(n), |_| true);
        pairs.observe((0, Some(1), server(1)), &sample(n), |_| true);
    }
    pairs.forget(0);
    pairs.forget(5);
    assert_eq!((pairs.given_up(), pairs.assess(0)), (2, None));
}

#[test]
fn one_syn_costs_next_to_nothing() {
    let mut pairs = Pairs::new(64 << 20);
    for n in 0..10_000 {
        pairs.observe((n, None, server(1)), &sample(n), |_| true);
    }
    let each = pairs.bytes() / 10_000;
    assert!(each <= 300, "{each} bytes");
}

fn finding(verdict: NatVerdict, hosts_at_least: u32, port_jumps: u64) -> Nat {
    let (hosts, confidence) = (Some(hosts_at_least), 0.9);
    let evidence = vec!["a reason".to_owned()];
    Nat { verdict, hosts, hosts_at_least, confidence, evidence, port_jumps, clocks: Vec::new() }
}

#[test]
fn the_finding_that_says_most() {
    use NatVerdict::{ClockChange, NoTimestamps, PerConnection, Reboot, SingleHost, Undecidable};
    // The first of each row, whatever stands beside it and wherever.
    let rows = [
        vec![finding(NatVerdict::Nat, 3, 0), finding(NatVerdict::Nat, 2, 0), finding(PerConnection, 1, 9)],
        vec![finding(PerConnection, 1, 2), finding(ClockChange, 2, 1), finding(Reboot, 1, 0)],
        vec![finding(Reboot, 1, 0), finding(PerConnection, 1, 0), finding(SingleHost, 1, 0)],
        vec![finding(ClockChange, 1, 0), finding(PerConnection, 1, 0)],
        vec![finding(PerConnection, 1, 0), finding(SingleHost, 1, 0), finding(NoTimestamps, 1, 0)],
        vec![finding(SingleHost, 1, 0), finding(Undecidable, 1, 0), finding(NoTimestamps, 1, 0)],
        vec![finding(Undecidable, 1, 0), finding(NoTimestamps, 1, 0)],
    ];
    for row in rows {
        let jumps: u64 = row.iter().map(|nat| nat.port_jumps).sum();
        for turn in 0..row.len() {
            let mut turned = row.clone();
            turned.rotate_left(turn);
            let place = (row.len() - turn) % row.len();
            let best = finding::strongest((1..).map(server).zip(turned), row.len()).unwrap();
            assert_eq!(
                (best.verdict, best.hosts_at_least),
                (row[0].verdict, row[0].hosts_at_least),
                "{row:?}"
            );
            assert_eq!(best.port_jumps, jumps);
            let at = server(u8::try_from(place + 1).unwrap()).to_string();
            assert!(best.evidence[0] == "a reason" && best.evidence[1].contains(&at), "{:?}", best.evidence);
        }
    }
}

#[test]
fn one_of_many_is_believed_less_than_one_alone() {
    let confidence = |several: usize, others: usize| {
        let row = std::iter::repeat_n(finding(NatVerdict::Nat, 2, 0), several)
            .chain(std::iter::repeat_n(finding(NatVerdict::SingleHost, 1, 0), others));
        let best = finding::strongest((1..).map(server).zip(row), several + others).unwrap();
        format!("{:.2}", best.confidence)
    };
    assert_eq!(
        [confidence(1, 0), confidence(3, 0), confidence(1, 1), confidence(4, 1)],
        ["0.90", "0.90", "0.80", "0.88"]
    );
    assert_eq!([confidence(1, 8), confidence(1, 60)], ["0.10", "0.00"]);
}

#[test]
fn one_address_of_ours_needs_no_word() {
    let alone = finding(NatVerdict::SingleHost, 1, 0);
    assert_eq!(finding::strongest([(server(1), alone.clone())].into_iter(), 1), Some(alone));
    assert_eq!(finding::strongest(std::iter::empty(), 0), None);
}

#[test]
fn clocks_at_several_addresses_are_never_several_hosts() {
    // One host with another offset at each of many addresses of ours, more than are looked at.
    let mut pairs = Pairs::new(64 << 20);
    for n in 0..20 {
        for dst in 0..100_u8 {
            let offset = u32::from(dst).wrapping_mul(2_654_435_761);
            let tsval = sample(n).tsval.map(|tsval| tsval.wrapping_add(offset));
            pairs.observe((0, None, server(dst)), &Sample { tsval, ..sample(n) }, |_| true);
        }
    }
    let nat = pairs.assess(0).unwrap();
    assert_ne!(nat.verdict, NatVerdict::Nat);
    assert_eq!(nat.hosts_at_least, 1);
    assert!(nat.evidence.last().unwrap().contains("64 of 100"), "{:?}", nat.evidence);
}
