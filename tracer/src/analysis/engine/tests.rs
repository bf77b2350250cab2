//! The engine beside a slow count without bounds: exact in any order, and bounded.

use std::{collections::BTreeSet, net::IpAddr};

use proptest::prelude::*;

use super::*;
use crate::model::{
    Cause, Flow,
    any::{any_drop, bare},
    nat::NatVerdict,
    reading::Via,
    report::{Other, Regressions, Source},
};

fn host(n: u8) -> IpAddr {
    if n < 8 {
        IpAddr::from([192, 0, 2, n])
    } else {
        IpAddr::from([0x2001, 0xdb8, 0, 0, 0, 0, 0, u16::from(n)])
    }
}

/// Observations of a few sources, so that sources come again; with times from these.
fn observations(hosts: u8, times: impl Strategy<Value = i64>) -> impl Strategy<Value = Vec<Observation>> {
    let place = (0..hosts, 0..3_u8, 40_000..40_003_u16, 1..3_u32);
    let drop = (
        proptest::sample::select(Cause::ALL.as_slice()),
        proptest::sample::select(Evidence::ALL.as_slice()),
        any::<Option<u32>>(),
    );
    // Some are answered.
    let what = (0..3_u8, drop, prop_oneof![Just(0), any::<u32>()]);
    let one = (place, times, what, 0..3_u32, any::<Option<u32>>()).prop_map(
        |((client, server, sport, netns), time, (answered, drop, unreported), seq, tsval)| {
            let flow =
                Flow { src: host(client), sport, dst: IpAddr::from([198, 51, 100, server]), dport: 443 };
            if answered == 0 {
                let (stack, via) = (Stack::default(), Via::Syn);
                let (time, netns, seq) = (Nanos(time), Some(netns), Some(seq));
                return Observation::Accepted(Accepted {
                    time,
                    flow,
                    netns,
                    seq,
                    tsval,
                    stack,
                    via,
                    unreported,
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

fn engine(sources: usize, observations: &[Observation]) -> Engine {
    let mut engine = Engine::new(Limits { sources, ..Limits::default() });
    for observation in observations {
        engine.observe(observation);
    }
    engine
}

/// Everything that does not depend on what clocks make of it.
fn counted(sources: usize, observations: &[Observation]) -> Snapshot {
    let mut snapshot = engine(sources, observations).snapshot(usize::MAX);
    snapshot.sources.iter_mut().for_each(|source| source.nat = None);
    snapshot
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

fn addresses(changes: &Changes) -> Vec<(IpAddr, u64)> {
    changes.sources.iter().map(|change| (change.source.src, change.new_drops)).collect()
}

#[test]
fn what_changed_since() {
    let of = |n: u8, time: i64, answered: bool| {
        let flow = Flow { src: host(n), ..bare(Cause::Other).flow };
        let time = Nanos(time * 1_000_000_000);
        if answered {
            let (stack, via) = (Stack::default(), Via::Syn);
            let (netns, seq, tsval, unreported) = (None, Some(0), None, 0);
            return Observation::Accepted(Accepted { time, flow, netns, seq, tsval, stack, via, unreported });
        }
        Observation::Drop(Drop { time, flow, ..bare(Cause::PawsTimeWait) })
    };
    let mut engine = Engine::new(Limits::default());
    assert_eq!(engine.changes(10), Changes::default());
    for observation in [of(1, 0, false), of(1, 1, false), of(2, 0, false), of(3, 0, true)] {
        engine.observe(&observation);
    }
    let changes = engine.changes(10);
    assert_eq!(addresses(&changes), [(host(1), 2), (host(2), 1), (host(3), 0)]);
    assert_eq!((changes.total, changes.with_drops, changes.left_out()), (3, 2, 0));
    assert_eq!(engine.changes(10), Changes::default());
    // Who suffers now comes before who suffered more. One that gets in has changed, too.
    for observation in [of(2, 2, false), of(1, 3, true), of(3, 3, true)] {
        engine.observe(&observation);
    }
    let changes = engine.changes(2);
    assert_eq!(addresses(&changes), [(host(2), 1), (host(1), 0)]);
    assert_eq!((changes.total, changes.with_drops, changes.left_out()), (3, 2, 1));
    // All that is known of it, as the summary would have it.
    let whole = engine.snapshot(10).sources;
    assert_eq!(changes.sources[1].source, whole[1 - usize::from(whole[0].src == host(1))]);
    assert_eq!(changes.sources[1].source.retries.got_in, 1);
    // What was left out then is not told later.
    assert_eq!(engine.changes(10), Changes::default());
    engine.observe(&of(3, 4, true));
    assert_eq!(addresses(&engine.changes(10)), [(host(3), 0)]);
}

#[test]
fn nothing_seen() {
    let snapshot = Engine::new(Limits::default()).snapshot(10);
    assert_eq!(snapshot, Snapshot::default());
}

#[test]
fn the_largest_regression_is_that_of_a_paws_drop() {
    let mut old = bare(Cause::PawsTimeWait);
    (old.ts_recent, old.syn.tsval) = (Some(5000), Some(1000));
    let mut unknown = bare(Cause::PawsEstablished);
    unknown.reason = Some("TCP_RFC7323_PAWS".into());
    let mut further = bare(Cause::OldSequence);
    (further.ts_recent, further.syn.tsval) = (Some(90_000), Some(1));
    let snapshot = engine(10, &[unknown, old, further].map(Observation::Drop)).snapshot(1);
    let source = &snapshot.sources[0];
    assert_eq!((source.drops, source.paws, source.max_regression), (3, 2, Some(4000)));
    assert_eq!(source.last_regression, Some(4000));
    assert_eq!((source.regressions.0[11], source.regressions.0.iter().sum::<u32>()), (1, 1));
}

#[test]
fn regressions_by_size() {
    // (ticks back, where it counts)
    for (ticks, at) in
        [(1, Some(0)), (2, Some(1)), (3, Some(1)), (4, Some(2)), (i32::MAX, Some(30)), (0, None), (-5, None)]
    {
        let mut drop = bare(Cause::PawsSynRecv);
        (drop.ts_recent, drop.syn.tsval) = (Some(ticks.cast_unsigned()), Some(0));
        let snapshot = engine(1, &[Observation::Drop(drop)]).snapshot(1);
        let source = &snapshot.sources[0];
        let counted: Vec<_> = (0..31).filter(|n| source.regressions.0[*n] > 0).collect();
        assert_eq!(counted, Vec::from_iter(at), "{ticks}");
        assert_eq!((source.last_regression, source.max_regression), (Some(ticks), Some(ticks)));
    }
}

#[test]
fn what_the_kernel_remembered_and_when() {
    let mut drop = bare(Cause::PawsTimeWait);
    assert_eq!(remembered(&drop), None);
    drop.ts_recent = Some(9);
    assert_eq!(remembered(&drop), Some(Remembered { tsval: 9, time: None, same_ports: true }));
    drop.ts_age_ms = Some(2000);
    let before = Nanos(drop.time.0 - 2_000_000_000);
    assert_eq!(remembered(&drop), Some(Remembered { tsval: 9, time: Some(before), same_ports: true }));
    drop.ts_age_ms = Some(u64::MAX);
    drop.time = Nanos(i64::MIN);
    assert_eq!(
        remembered(&drop),
        Some(Remembered { tsval: 9, time: Some(Nanos(i64::MIN)), same_ports: true })
    );
}

#[test]
fn the_cache_of_an_address_is_of_no_port() {
    let mut drop = Drop { ts_recent: Some(9), ..bare(Cause::PawsRecycle) };
    assert_eq!(remembered(&drop).map(|remembered| remembered.same_ports), Some(false));
    drop.cause = Cause::PawsTimeWait;
    assert_eq!(remembered(&drop).map(|remembered| remembered.same_ports), Some(true));
}

/// A SYN of this client that is refused at this time, in seconds.
fn refused(client: IpAddr, sport: u16, seq: u32, time: i64) -> Observation {
    let mut drop = Drop { time: Nanos(time * 1_000_000_000), netns: Some(1), ..bare(Cause::PawsTimeWait) };
    (drop.flow.src, drop.flow.sport, drop.syn.seq) = (client, sport, seq);
    Observation::Drop(drop)
}

fn answered(client: IpAddr, sport: u16, seq: u32, time: i64) -> Observation {
    let flow = Flow { src: client, sport, ..bare(Cause::Other).flow };
    Observation::Accepted(Accepted {
        time: Nanos(time * 1_000_000_000),
        flow,
        netns: Some(1),
        seq: Some(seq),
        tsval: Some(1),
        stack: Stack::default(),
        via: Via::Syn,
        unreported: 0,
    })
}

#[test]
fn clients_that_come_back_are_counted_for_their_source_and_for_all() {
    let (one, two) = (host(1), host(2));
    let snapshot = counted(
        10,
        &[
            refused(one, 1, 7, 0),
            refused(one, 1, 7, 1),
            answered(one, 1, 7, 3),
            refused(one, 2, 8, 3),
            refused(two, 1, 7, 3),
            refused(two, 1, 7, 4),
            answered(two, 5, 9, 5),
        ],
    );
    let first = Retries { refused: 2, came_back: 1, got_in: 1, waited_ms: 3000, longest_ms: 3000 };
    let second = Retries { refused: 1, came_back: 1, ..Retries::default() };
    assert_eq!(snapshot.sources.iter().map(|s| s.retries).collect::<Vec<_>>(), [first, second]);
    assert_eq!(snapshot.retries, Retries { refused: 3, came_back: 2, ..first });

    // It got in within the same millisecond.
    let quick = [refused(one, 1, 7, 0), refused(one, 1, 7, 0), answered(one, 1, 7, 0)];
    let quick = counted(10, &quick);
    assert_eq!(quick.retries, Retries { refused: 1, came_back: 1, got_in: 1, ..Retries::default() });
    assert_eq!(quick.sources[0].retries, quick.retries);
}

#[test]
fn the_kernel_is_silent_to_a_client_that_is_in() {
    let again = Drop { time: Nanos(1_000_000), netns: Some(1), ..bare(Cause::Repeated) };
    let (client, sport) = (again.flow.src, again.flow.sport);
    let seen = [answered(client, sport, again.syn.seq, 0), Observation::Drop(again)];
    let snapshot = counted(10, &seen);
    assert_eq!((snapshot.drops, snapshot.retries), (1, Retries::default()));
}

/// One drop of one client, for what its own connection had left, is worth more than any number of forged addresses.
#[test]
fn a_single_drop_outlives_a_flood_of_forged_addresses() {
    for cause in Cause::ALL.into_iter().filter(|cause| cause.needs_connection()) {
        let client = host(9);
        let mut engine = Engine::new(Limits { sources: 1024, ..Limits::default() });
        let mut drop = Drop { time: Nanos(0), netns: Some(1), ..bare(cause) };
        (drop.flow.src, drop.flow.sport, drop.syn.seq) = (client, 7, 7);
        engine.observe(&Observation::Drop(drop));
        for n in 0..30_000_u32 {
            let forged = IpAddr::from(n.wrapping_mul(2_654_435_761).to_be_bytes());
            let mut drop = Drop { time: Nanos(1), netns: Some(1), ..bare(Cause::SynQueueFull) };
            (drop.flow.src, drop.syn.seq) = (forged, n);
            engine.observe(&Observation::Drop(drop));
        }
        engine.observe(&answered(client, 7, 7, 3));
        let snapshot = engine.snapshot(1024);
        assert_eq!(
            snapshot.retries,
            Retries { refused: 30_001, came_back: 1, got_in: 1, waited_ms: 3000, longest_ms: 3000 }
        );
        let source = snapshot.sources.iter().find(|source| source.src == client).unwrap();
        assert_eq!((source.drops, source.retries.longest_ms), (1, 3000), "{cause}");
    }
}

#[test]
fn every_row_says_who_is_behind_it_while_there_is_room() {
    let seen = [refused(host(1), 1, 7, 0), answered(host(2), 1, 7, 0), answered(host(2), 2, 9, 1)];
    let snapshot = engine(10, &seen).snapshot(10);
    assert_eq!(snapshot.sources.len(), 2);
    assert!(snapshot.sources.iter().all(|source| source.nat.is_some()), "{:?}", snapshot.sources);
    assert_eq!(snapshot.clocks_evicted, 0);

    let mut narrow = Engine::new(Limits { clock_bytes: 0, ..Limits::default() });
    for observation in &seen {
        narrow.observe(observation);
    }
    let snapshot = narrow.snapshot(10);
    assert!(snapshot.sources.iter().all(|source| source.nat.is_none()), "{:?}", snapshot.sources);
    assert_eq!(snapshot.clocks_evicted, 3);
}

#[test]
fn a_source_that_takes_a_row_does_not_inherit_its_clocks() {
    let mut engine = Engine::new(Limits { sources: 1, ..Limits::default() });
    engine.observe(&answered(host(1), 1, 7, 0));
    engine.observe(&refused(host(2), 1, 7, 0));
    engine.observe(&refused(host(2), 2, 8, 1));
    let snapshot = engine.snapshot(10);
    assert_eq!((snapshot.sources.len(), snapshot.sources[0].src, snapshot.other.syns), (1, host(2), 1));
    // One pair of its own, and none of the one before.
    assert_eq!(engine.pairs.pairs_of(0), 1);
    // That one had a single SYN, and so no clocks.
    assert_eq!(snapshot.clocks_evicted, 0);
}

#[test]
fn an_incident_amid_a_flood_of_forged_addresses() {
    let mut engine = Engine::new(Limits { sources: 1024, clock_bytes: 1 << 20 });
    let client = host(9);
    let (mut sport, mut connections) = (1024, 0);
    for n in 0..60_000_u32 {
        let forged = IpAddr::from(n.wrapping_mul(2_654_435_761).to_be_bytes());
        // A few thousand a second.
        let second = i64::from(n / 4000);
        engine.observe(&if n % 3 == 0 {
            answered(forged, 1, n, second)
        } else {
            refused(forged, 1, n, second)
        });
        // A connection that is refused, tries again and gets in.
        match n % 1500 {
            500 | 900 => engine.observe(&refused(client, sport, n / 1500, second)),
            1400 => {
                engine.observe(&answered(client, sport, n / 1500, second));
                (sport, connections) = (sport + 1, connections + 1);
            }
            _ => {}
        }
    }
    let snapshot = engine.snapshot(1);
    let source = &snapshot.sources[0];
    assert_eq!(source.src, client);
    let [syns, drops] = [source.syns.unwrap(), source.drops];
    assert!(syns + 4 >= 3 * connections && drops + 4 >= 2 * connections, "{source:?}");
    assert!(source.nat.is_some());
    // The first one or two may have come before it had a row.
    assert!(source.retries.got_in + 2 >= connections, "{:?}", source.retries);
    assert_eq!(snapshot.sources_total, 1024);
    assert_eq!(snapshot.drops, 40_000 + 2 * connections);
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

/// Lines at different addresses of ours are no hosts: offsets are per pair of addresses.
#[test]
fn a_clock_for_each_of_our_addresses() {
    let mut engine = Engine::new(Limits::default());
    for (n, sport) in (0..60_u32).zip(40_000..) {
        let mut one = accepted(host(1), i64::from(n) * 300_000_000, 0, 0);
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

/// The longest queue counts, with the limit that it had then.
#[test]
fn the_queues_that_were_full() {
    let mut engine = Engine::new(Limits::default());
    let queue =
        |cause, accept_queue, syn_queue| Observation::Drop(Drop { accept_queue, syn_queue, ..bare(cause) });
    engine.observe(&queue(Cause::AcceptQueueFull, Some((129, 128)), Some((900, 1000))));
    engine.observe(&queue(Cause::AcceptQueueFull, Some((4, 3)), None));
    let queues = |engine: &Engine| {
        let seen = engine.snapshot(0).listeners;
        assert!(seen.full.len() == 1 && seen.beyond == 0, "{seen:?}");
        (seen.full[0].accept_queue, seen.full[0].syn_queue, seen.full[0].beside_syn_queue)
    };
    assert_eq!(queues(&engine), (Some((129, 128)), None, None));
    engine.observe(&queue(Cause::SynQueueFull, Some((2, 128)), Some((128, 256))));
    engine.observe(&queue(Cause::SynQueueFull, Some((100, 100)), Some((100, 256))));
    // The limit of the longest SYN queue is its own listener's.
    assert_eq!(queues(&engine), (Some((129, 128)), Some((128, 256)), Some((2, 128))));
}

/// Each listener has its own, and what nobody told apart is counted all the same.
#[test]
fn listeners_and_reasons_are_bounded() {
    let mut engine = Engine::new(Limits::default());
    let mut drop = |cause, dport, netns, reason: Option<String>| {
        let flow = Flow { dport, ..bare(cause).flow };
        let reason = reason.map(Into::into);
        engine.observe(&Observation::Drop(Drop {
            flow,
            netns,
            reason,
            accept_queue: Some((6, 5)),
            ..bare(cause)
        }));
    };
    for n in 0..500_u16 {
        drop(Cause::AcceptQueueFull, 1024 + n, None, None);
        drop(Cause::AcceptQueueFull, 443, Some(u32::from(n % 2)), None);
        drop(Cause::Other, 443, None, Some(format!("REASON_{n}")));
        drop(Cause::Other, 443, None, Some("TCP_CSUM".into()));
        drop(Cause::Other, 443, None, None);
    }
    let Snapshot { listeners, reasons, .. } = engine.snapshot(0);
    assert_eq!(listeners.full.len(), 64);
    let kept: u64 = listeners.full.iter().map(crate::model::report::Listener::drops).sum();
    assert_eq!(kept + listeners.beyond, 1_000);
    assert!(listeners.full[..2].iter().all(|one| (one.dport, one.drops()) == (443, 250)), "{listeners:?}");
    assert_eq!((reasons.named.len(), &*reasons.named[0].0, reasons.named[0].1), (16, "TCP_CSUM", 500));
    let kept: u64 = reasons.named.iter().map(|(_, n)| n).sum();
    assert_eq!((kept + reasons.beyond, reasons.none), (1_000, 500));
}
