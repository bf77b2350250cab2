//! Whatever comes, in whatever order: exact beside a slow count without bounds, and what finds no room is a number.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::model::{
    any::{any_cause, any_drop},
    report::{Other, Regressions},
};

/// Observations of a few sources, so that sources come again; with times from these.
fn observations(hosts: u8, times: impl Strategy<Value = i64>) -> impl Strategy<Value = Vec<Observation>> {
    let place = (0..hosts, 0..3_u8, 40_000..40_003_u16, 1..3_u32);
    let drop = (any_cause(), proptest::sample::select(Evidence::ALL.as_slice()), any::<Option<u32>>());
    // Some are answered.
    let what = (0..3_u8, drop, prop_oneof![Just(0), any::<u32>()]);
    let one = (place, times, what, 0..3_u32, any::<Option<u32>>()).prop_map(
        |((client, server, sport, netns), time, (answered, drop, unreported), seq, tsval)| {
            let flow =
                Flow { src: host(client), sport, dst: IpAddr::from([198, 51, 100, server]), dport: 443 };
            if answered == 0 {
                return Observation::Accepted(Accepted {
                    time: Nanos(time),
                    flow,
                    netns: Some(netns),
                    seq: Some(seq),
                    tsval,
                    unreported,
                    ..bare_accepted()
                });
            }
            let (cause, evidence, ts_recent) = drop;
            let mut drop = Drop {
                evidence,
                time: Nanos(time),
                flow,
                netns: Some(netns),
                ts_recent,
                ts_age_ms: Some(7000),
                ..bare(cause)
            };
            (drop.syn.seq, drop.syn.tsval) = (seq, tsval);
            Observation::Drop(drop)
        },
    );
    proptest::collection::vec(one, 0..100)
}

fn drops(observations: &[Observation]) -> impl Iterator<Item = &Drop> {
    observations.iter().filter_map(|observation| match observation {
        Observation::Drop(drop) => Some(drop),
        Observation::Accepted(_) | Observation::Undecided(_) => None,
    })
}

fn answers(observations: &[Observation]) -> impl Iterator<Item = &Accepted> {
    observations.iter().filter_map(|observation| match observation {
        Observation::Drop(_) | Observation::Undecided(_) => None,
        Observation::Accepted(accepted) => Some(accepted),
    })
}

fn src(observation: &Observation) -> IpAddr {
    match observation {
        Observation::Drop(drop) => drop.flow.src,
        Observation::Accepted(syn) | Observation::Undecided(syn) => syn.flow.src,
    }
}

/// What one source's row must be, but for its attempts.
fn by_hand(src: IpAddr, all: &[Observation]) -> Source {
    let own: Vec<_> = drops(all).filter(|drop| drop.flow.src == src).collect();
    let paws: Vec<_> = own.iter().filter(|drop| drop.cause.is_paws()).collect();
    let answered = || answers(all).filter(|accepted| accepted.flow.src == src);
    let times = || own.iter().map(|drop| drop.time).chain(answered().map(|accepted| accepted.time));
    let mut row = Source::new(src, times().min().unwrap());
    row.last = times().max().unwrap();
    row.drops = own.len() as u64;
    row.paws = paws.len() as u64;
    row.syns = Some(row.drops + answered().map(|accepted| 1 + u64::from(accepted.unreported)).sum::<u64>());
    let mut latest = None;
    let mut histogram = Regressions::default();
    for drop in paws {
        let Some(ticks) = drop.regression() else { continue };
        row.max_regression = row.max_regression.max(Some(ticks));
        latest = latest.max(Some((drop.time, ticks)));
        if let Some(n) = (0..31).rev().find(|n| ticks >= 1 << n) {
            histogram.0[n] += 1;
        }
    }
    row.last_regression = latest.map(|(_, ticks)| ticks);
    row.regressions = histogram;
    for drop in own {
        *row.by_cause.entry(drop.cause).or_default() += 1;
    }
    row
}

fn shuffled(observations: &[Observation], seed: u64) -> Vec<Observation> {
    let mut observations = observations.to_vec();
    let mut state = seed | 1;
    for n in (1..observations.len()).rev() {
        // xorshift64 (Marsaglia 2003).
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        observations.swap(n, usize::try_from(state % (n as u64 + 1)).unwrap());
    }
    observations
}

proptest! {
    #[test]
    fn exact_in_any_order(observations in observations(12, any::<i64>()), seed in any::<u64>()) {
        let [once, again] = [observations.clone(), shuffled(&observations, seed)].map(|observations| {
            let mut snapshot = counted(100, &observations);
            // Years apart they are other attempts.
            snapshot.retries = Retries::default();
            snapshot.sources.iter_mut().for_each(|source| source.retries = Retries::default());
            snapshot
        });
        prop_assert_eq!(&once.other, &Other::default());
        prop_assert_eq!(once, again);
    }

    #[test]
    fn attempts_are_the_same_in_any_order(
        observations in observations(3, 0..100_000_000_000_i64), seed in any::<u64>(),
    ) {
        let [once, again] = [observations.clone(), shuffled(&observations, seed)].map(|observations| {
            counted(100, &observations)
        });
        prop_assert_eq!(once, again);
    }

    #[test]
    fn the_same_as_counted_by_hand(
        observations in observations(12, prop_oneof![any::<i64>(), 0..100_000_000_000_i64]),
    ) {
        let snapshot = counted(100, &observations);
        let sources: BTreeSet<_> = observations.iter().map(src).collect();
        prop_assert_eq!(snapshot.sources_total, sources.len() as u64);
        prop_assert_eq!(snapshot.sources.len(), sources.len());
        prop_assert_eq!(snapshot.drops, drops(&observations).count() as u64);
        prop_assert_eq!(snapshot.wire, drops(&observations).filter(|d| d.evidence == Evidence::Wire).count() as u64);
        let unreported: u64 = answers(&observations).map(|accepted| u64::from(accepted.unreported)).sum();
        prop_assert_eq!(snapshot.unreported, unreported);
        prop_assert_eq!(snapshot.accepted, unreported + answers(&observations).count() as u64);
        for cause in Cause::ALL {
            let own = drops(&observations).filter(|drop| drop.cause == cause).count() as u64;
            prop_assert_eq!(snapshot.by_cause.get(&cause).copied(), (own > 0).then_some(own));
        }
        let of_all = |of: fn(&Retries) -> u64| snapshot.sources.iter().map(|source| of(&source.retries)).sum();
        prop_assert_eq!(snapshot.retries, Retries {
            refused: of_all(|retries| retries.refused),
            came_back: of_all(|retries| retries.came_back),
            got_in: of_all(|retries| retries.got_in),
            waited_ms: of_all(|retries| retries.waited_ms),
            longest_ms: snapshot.sources.iter().map(|source| source.retries.longest_ms).max().unwrap_or(0),
        });
        for mut source in snapshot.sources {
            source.retries = Retries::default();
            prop_assert_eq!(&source, &by_hand(source.src, &observations));
        }
    }

    #[test]
    fn rows_and_the_rest_are_what_was_seen(
        observations in observations(40, 0..1_000_000_000_000_i64), capacity in 0..20_usize,
    ) {
        let snapshot = counted(capacity, &observations);
        prop_assert!(snapshot.sources.len() <= capacity);
        prop_assert_eq!(snapshot.sources_total, snapshot.sources.len() as u64);
        let sum = |of: &dyn Fn(&Source) -> u64| snapshot.sources.iter().map(of).sum::<u64>();
        let (all, other) = (drops(&observations).count() as u64, &snapshot.other);
        prop_assert_eq!(sum(&|s| s.drops) + other.drops, all);
        prop_assert_eq!(snapshot.drops, all);
        prop_assert_eq!(sum(&|s| s.syns.unwrap()) + other.syns, all + snapshot.accepted);
        let paws = drops(&observations).filter(|drop| drop.cause.is_paws()).count() as u64;
        prop_assert_eq!(sum(&|s| s.paws) + other.paws, paws);
        for cause in Cause::ALL {
            let of = |map: &std::collections::BTreeMap<_, u64>| map.get(&cause).copied().unwrap_or(0);
            prop_assert_eq!(sum(&|s| of(&s.by_cause)) + of(&other.by_cause), of(&snapshot.by_cause));
        }
        // A row holds no more than its source did, and whoever found no room did not do more than he did.
        for source in &snapshot.sources {
            let whole = by_hand(source.src, &observations);
            prop_assert!(source.drops <= whole.drops && source.syns <= whole.syns);
            prop_assert!(source.first >= whole.first && source.last <= whole.last);
            let retries = source.retries;
            prop_assert!(retries.got_in <= retries.came_back && retries.came_back <= retries.refused);
            prop_assert!(retries.refused <= source.drops);
        }
    }

    #[test]
    fn the_top_is_the_front_of_the_order(observations in observations(12, any::<i64>()), n in 0..20_usize) {
        let all = counted(100, &observations).sources;
        prop_assert!(all.is_sorted_by_key(|s| ([s.drops, s.paws, s.syns.unwrap()].map(|n| u64::MAX - n), s.src)));
        let mut top = engine(100, &observations).snapshot(n);
        top.sources.iter_mut().for_each(|source| source.nat = None);
        prop_assert_eq!(top.sources, &all[..n.min(all.len())]);
        prop_assert_eq!(top.sources_total, all.len() as u64);
    }

    #[test]
    fn changes_add_up_to_the_whole(
        looks in proptest::collection::vec(observations(12, any::<i64>()), 1..4), top in 0..15_usize,
    ) {
        let mut engine = Engine::new(Limits::default());
        let mut new = std::collections::BTreeMap::<IpAddr, u64>::new();
        for seen in &looks {
            for observation in seen {
                engine.observe(observation);
            }
            let changed: BTreeSet<_> = seen.iter().map(src).collect();
            // The order of what is asked for does not change what is told later.
            let changes = engine.changes(if top == 0 { 0 } else { 100 });
            prop_assert_eq!(changes.total, changed.len() as u64);
            prop_assert_eq!(changes.left_out(), if top == 0 { changes.total } else { 0 });
            for change in changes.sources {
                prop_assert!(changed.contains(&change.source.src));
                let here = drops(seen).filter(|drop| drop.flow.src == change.source.src).count() as u64;
                prop_assert_eq!(change.new_drops, here);
                let sum = new.entry(change.source.src).or_default();
                *sum += here;
                prop_assert_eq!(*sum, change.source.drops);
            }
            prop_assert_eq!(engine.changes(100), Changes::default());
        }
    }

    #[test]
    fn anything_is_taken(
        drops in proptest::collection::vec(any_drop(), 0..20), sources in 0..4_usize, clock_bytes in 0..4000_usize,
    ) {
        let mut engine = Engine::new(Limits { sources, clock_bytes });
        for drop in &drops {
            engine.observe(&Observation::Drop(drop.clone()));
        }
        prop_assert_eq!(engine.drops(), drops.len() as u64);
        prop_assert_eq!(engine.snapshot(1).drops, drops.len() as u64);
    }
}
