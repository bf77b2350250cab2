//! What comes out is what went in, whatever the order and however little room there is.

use std::{collections::BTreeMap, net::IpAddr};

use proptest::prelude::*;

use super::*;
use crate::model::{
    Cause, Flow,
    any::{any_drop, bare},
    nat::NatVerdict,
    reading::Via,
};

/// A source of a small number of them.
fn source(n: u8) -> IpAddr {
    IpAddr::from([192, 0, 2, n])
}

fn accepted(src: IpAddr, time: i64, tsval: u32, unreported: u32) -> Accepted {
    Accepted {
        time: Nanos(time),
        flow: Flow { src, sport: 40_000, dst: IpAddr::from([198, 51, 100, 7]), dport: 443 },
        netns: None,
        seq: Some(tsval),
        tsval: Some(tsval),
        stack: Stack::default(),
        via: Via::Syn,
        unreported,
    }
}

fn any_observation() -> impl Strategy<Value = Observation> {
    let dropped = (any_drop(), 0..12_u8, 0..1_000_000_i64).prop_map(|(mut drop, n, time)| {
        drop.flow.src = source(n);
        drop.time = Nanos(time);
        Observation::Drop(drop)
    });
    let answered = (0..12_u8, 0..1_000_000_i64, any::<u32>(), 0..5_u32)
        .prop_map(|(n, time, tsval, more)| Observation::Accepted(accepted(source(n), time, tsval, more)));
    prop_oneof![dropped, answered]
}

fn seen(limits: Limits, observations: &[Observation]) -> Snapshot {
    let mut engine = Engine::new(limits);
    for observation in observations {
        engine.observe(observation);
    }
    engine.snapshot(1000)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Rows and the rest are all that was observed, also where there is room for three sources.
    #[test]
    fn sums_are_exact(
        observations in proptest::collection::vec(any_observation(), 0..200),
        sources in prop_oneof![Just(3_usize), Just(65_536)],
    ) {
        let snapshot = seen(Limits { sources, ..Limits::default() }, &observations);
        let (mut drops, mut accepted, mut by_cause) = (0, 0, BTreeMap::new());
        for observation in &observations {
            match observation {
                Observation::Drop(drop) => {
                    drops += 1;
                    *by_cause.entry(drop.cause).or_insert(0) += 1;
                }
                Observation::Accepted(one) => accepted += 1 + u64::from(one.unreported),
            }
        }
        prop_assert_eq!((snapshot.drops, snapshot.accepted), (drops, accepted));
        prop_assert_eq!(&snapshot.by_cause, &by_cause);
        let rows = &snapshot.sources;
        prop_assert!(rows.len() <= sources && rows.len() as u64 == snapshot.sources_total);
        let other = &snapshot.other;
        prop_assert_eq!(rows.iter().map(|row| row.drops).sum::<u64>() + other.drops, drops);
        let syns = rows.iter().map(|row| row.syns.unwrap_or(0)).sum::<u64>() + other.syns;
        prop_assert_eq!(syns, drops + accepted);
        prop_assert_eq!(
            rows.iter().map(|row| row.paws).sum::<u64>() + other.paws,
            by_cause.iter().filter(|(cause, _)| cause.is_paws()).map(|(_, n)| n).sum::<u64>()
        );
        for cause in Cause::ALL {
            let of = |map: &BTreeMap<Cause, u64>| map.get(&cause).copied().unwrap_or(0);
            let sum = rows.iter().map(|row| of(&row.by_cause)).sum::<u64>() + of(&other.by_cause);
            prop_assert_eq!(sum, of(&by_cause), "{}", cause);
        }
    }

    /// Where there is room, the order changes nothing but the clocks, which are read in time.
    #[test]
    fn the_order_does_not_matter(
        observations in proptest::collection::vec(any_observation(), 0..100),
        swaps in proptest::collection::vec(any::<(prop::sample::Index, prop::sample::Index)>(), 0..100),
    ) {
        let rows = |observations: &[Observation]| {
            let mut snapshot = seen(Limits::default(), observations);
            for row in &mut snapshot.sources {
                row.nat = None;
            }
            snapshot.clocks_evicted = 0;
            snapshot
        };
        let mut shuffled = observations.clone();
        if !shuffled.is_empty() {
            for (a, b) in &swaps {
                shuffled.swap(a.index(observations.len()), b.index(observations.len()));
            }
        }
        prop_assert_eq!(rows(&observations), rows(&shuffled));
    }
}

/// The one source that loses SYNs again and again is found under a flood of addresses that are seen once.
#[test]
fn a_real_source_under_a_flood() {
    let limits = Limits { sources: 1000, clock_bytes: 1 << 20 };
    let mut engine = Engine::new(limits);
    let victim = source(9);
    for n in 0..300_000_u32 {
        let src = IpAddr::from(n.wrapping_mul(2_654_435_761).to_be_bytes());
        if src != victim {
            let mut flood = Drop { time: Nanos(i64::from(n)), ..bare(Cause::SynQueueFull) };
            flood.flow.src = src;
            engine.observe(&Observation::Drop(flood));
        }
        if n % 100 == 0 {
            let mut drop = Drop { time: Nanos(i64::from(n)), ..bare(Cause::PawsTimeWait) };
            drop.flow.src = victim;
            drop.syn.seq = n;
            engine.observe(&Observation::Drop(drop));
        }
    }
    let snapshot = engine.snapshot(3);
    assert_eq!(snapshot.sources[0].src, victim);
    assert!(snapshot.sources[0].drops >= 2_900, "{:?}", snapshot.sources[0]);
    assert_eq!(snapshot.sources_total, 1000);
}

/// Lines at different addresses of ours are no hosts: offsets are per pair of addresses.
#[test]
fn a_clock_for_each_of_our_addresses() {
    let mut engine = Engine::new(Limits::default());
    for (n, sport) in (0..60_u32).zip(40_000..) {
        let mut one = accepted(source(1), i64::from(n) * 300_000_000, 0, 0);
        let to = n % 3;
        one.flow.dst = IpAddr::from([198, 51, 100, 7 + to as u8]);
        one.flow.sport = sport;
        one.seq = Some(n);
        one.tsval = Some((n * 300).wrapping_add(to * 900_000_000));
        engine.observe(&Observation::Accepted(one));
    }
    let nat = engine.snapshot(1).sources[0].nat.clone().unwrap();
    assert_eq!((nat.verdict, nat.hosts), (NatVerdict::SingleHost, Some(1)), "{nat:?}");
}

/// Refused, then let in: how long it waited.
#[test]
fn a_client_that_came_back() {
    let mut engine = Engine::new(Limits::default());
    let mut drop = Drop { time: Nanos(0), ..bare(Cause::PawsTimeWait) };
    drop.syn.seq = 7;
    for ms in [0, 1000, 3000] {
        drop.time = Nanos(ms * 1_000_000);
        engine.observe(&Observation::Drop(drop.clone()));
    }
    let mut back = accepted(drop.flow.src, 7_000_000_000, 7, 0);
    back.flow = drop.flow;
    engine.observe(&Observation::Accepted(back));
    let retries = Retries { refused: 1, came_back: 1, got_in: 1, waited_ms: 7000, longest_ms: 7000 };
    let snapshot = engine.snapshot(1);
    assert_eq!((snapshot.retries, snapshot.sources[0].retries), (retries, retries));
}

/// The longest queue counts, with the limit that it had then.
#[test]
fn the_queues_that_were_full() {
    let mut engine = Engine::new(Limits::default());
    let queue =
        |cause, accept_queue, syn_queue| Observation::Drop(Drop { accept_queue, syn_queue, ..bare(cause) });
    engine.observe(&queue(Cause::AcceptQueueFull, Some((129, 128)), Some((900, 1000))));
    engine.observe(&queue(Cause::AcceptQueueFull, Some((4, 3)), None));
    let queues = |engine: &Engine| {
        let seen = engine.snapshot(0);
        (seen.accept_queue, seen.syn_queue, seen.syn_queue_listener)
    };
    assert_eq!(queues(&engine), (Some((129, 128)), None, None));
    engine.observe(&queue(Cause::SynQueueFull, Some((2, 128)), Some((128, 256))));
    engine.observe(&queue(Cause::SynQueueFull, Some((100, 100)), Some((100, 256))));
    // The limit of the longest SYN queue is its own listener's.
    assert_eq!(queues(&engine), (Some((129, 128)), Some((128, 256)), Some((2, 128))));
}
