//! The totals beside a slow count without bounds: exact in any order, and bounded.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::model::any::bare;

/// Drops of a few sources, so that sources come again.
fn drops() -> impl Strategy<Value = Vec<Drop>> {
    let cause = proptest::sample::select(Cause::ALL.as_slice());
    let clocks = (any::<Option<u32>>(), any::<Option<u32>>());
    let one = (cause, 0..12_u8, any::<i64>(), clocks).prop_map(|(cause, host, time, (recent, tsval))| {
        let mut drop = Drop { time: Nanos(time), ts_recent: recent, ..bare(cause) };
        drop.syn.tsval = tsval;
        drop.flow.src = if host < 8 {
            IpAddr::from([192, 0, 2, host])
        } else {
            IpAddr::from([0x2001, 0xdb8, 0, 0, 0, 0, 0, u16::from(host)])
        };
        drop
    });
    proptest::collection::vec(one, 0..80)
}

fn counted(capacity: usize, drops: &[Drop]) -> Totals {
    let mut totals = Totals::new(capacity);
    for drop in drops {
        totals.add(drop);
    }
    totals
}

/// What one source's row must be.
fn by_hand(src: IpAddr, drops: &[Drop]) -> Source {
    let own: Vec<_> = drops.iter().filter(|drop| drop.flow.src == src).collect();
    let paws = || own.iter().filter(|drop| drop.cause.is_paws());
    Source {
        drops: own.len() as u64,
        paws: paws().count() as u64,
        max_regression: paws().filter_map(|drop| drop.regression()).max(),
        first: own.iter().map(|drop| drop.time).min().unwrap(),
        last: own.iter().map(|drop| drop.time).max().unwrap(),
        ..Source::new(src, Nanos(0))
    }
}

proptest! {
    #[test]
    fn exact_in_any_order(drops in drops(), shuffled in Just(()).prop_perturb(|(), rng| rng)) {
        let totals = counted(MAX_SOURCES, &drops);
        let mut other = drops.clone();
        let mut rng = shuffled;
        for n in (1..other.len()).rev() {
            other.swap(n, (rng.next_u32() as usize) % (n + 1));
        }
        let again = counted(MAX_SOURCES, &other);
        prop_assert_eq!(totals.by_cause(), again.by_cause());
        prop_assert_eq!(totals.top(usize::MAX), again.top(usize::MAX));
        prop_assert_eq!((totals.drops(), totals.sources(), totals.last()), (again.drops(), again.sources(), again.last()));
        prop_assert_eq!(totals.without_room(), 0);
    }

    #[test]
    fn the_same_as_counted_by_hand(drops in drops()) {
        let totals = counted(MAX_SOURCES, &drops);
        let sources: BTreeSet<_> = drops.iter().map(|drop| drop.flow.src).collect();
        prop_assert_eq!(totals.sources(), sources.len() as u64);
        prop_assert_eq!(totals.drops(), drops.len() as u64);
        for cause in Cause::ALL {
            let own = drops.iter().filter(|drop| drop.cause == cause).count() as u64;
            prop_assert_eq!(totals.by_cause().get(&cause).copied(), (own > 0).then_some(own));
        }
        for source in totals.top(usize::MAX) {
            let want = by_hand(source.src, &drops);
            prop_assert_eq!(source, want);
        }
    }

    #[test]
    fn a_full_table_counts_the_rest(drops in drops(), capacity in 0..12_usize) {
        let totals = counted(capacity, &drops);
        prop_assert!(totals.sources() <= capacity as u64);
        // Whoever came first has a row; everyone else is in the totals, and in the number of the rest.
        let mut first = Vec::new();
        for drop in &drops {
            if first.len() < capacity && !first.contains(&drop.flow.src) {
                first.push(drop.flow.src);
            }
        }
        let rest = drops.iter().filter(|drop| !first.contains(&drop.flow.src)).count() as u64;
        prop_assert_eq!(totals.without_room(), rest);
        prop_assert_eq!(totals.drops(), drops.len() as u64);
        prop_assert_eq!(totals.by_cause().values().sum::<u64>(), drops.len() as u64);
        let rows: u64 = totals.top(usize::MAX).iter().map(|source| source.drops).sum();
        prop_assert_eq!(rows + rest, drops.len() as u64);
    }

    #[test]
    fn the_top_is_the_front_of_the_order(drops in drops(), n in 0..20_usize) {
        let totals = counted(MAX_SOURCES, &drops);
        let all = totals.top(usize::MAX);
        let key = |source: &Source| (u64::MAX - source.drops, source.src);
        prop_assert!(all.is_sorted_by_key(key));
        let front = &all[..n.min(all.len())];
        prop_assert_eq!(totals.top(n), front);
    }
}

#[test]
fn nothing_seen() {
    let totals = Totals::new(10);
    assert_eq!((totals.drops(), totals.sources(), totals.without_room()), (0, 0, 0));
    assert_eq!((totals.last(), totals.top(10).len(), totals.by_cause().len()), (None, 0, 0));
}

#[test]
fn the_largest_regression_is_that_of_a_paws_drop() {
    let mut old = bare(Cause::PawsTimeWait);
    (old.ts_recent, old.syn.tsval) = (Some(5000), Some(1000));
    let mut unknown = bare(Cause::PawsEstablished);
    unknown.reason = Some("TCP_RFC7323_PAWS".into());
    let mut further = bare(Cause::OldSequence);
    (further.ts_recent, further.syn.tsval) = (Some(90_000), Some(1));
    let totals = counted(10, &[unknown, old, further]);
    let source = totals.top(1).remove(0);
    assert_eq!((source.drops, source.paws, source.max_regression), (3, 2, Some(4000)));
}
