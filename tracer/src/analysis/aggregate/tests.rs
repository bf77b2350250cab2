//! Who keeps a row when there are too few.

use proptest::prelude::*;

use super::*;
use crate::model::{Cause, Nanos};

/// An address that is used for nothing else.
fn stranger(n: u32) -> IpAddr {
    IpAddr::from((0xcb00_7100_u32.wrapping_add(n.wrapping_mul(2_654_435_761))).to_be_bytes())
}

const NAT: IpAddr = IpAddr::V6(std::net::Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1));

fn resident(n: u32) -> IpAddr {
    IpAddr::from((0x2001_0db8_u128 << 96 | 1 << 64 | u128::from(n)).to_be_bytes())
}

fn syn(src: IpAddr, dropped: bool) -> Seen {
    let cause = dropped.then_some(Cause::AcceptQueueFull);
    Seen { src, time: Nanos(0), cause, regression: None, unreported: 0 }
}

fn has(sources: &Sources, src: IpAddr) -> bool {
    sources.rows.iter().any(|row| row.src == src)
}

/// What must hold at any moment.
fn check(sources: &Sources) -> Result<(), TestCaseError> {
    prop_assert!(sources.rows.len() <= sources.capacity);
    prop_assert_eq!(sources.index.len(), sources.rows.len());
    for (slot, row) in (0_u32..).zip(&sources.rows) {
        let hash = hash(&sources.hasher, row.src);
        let found = sources.index.find(hash, |slot| sources.rows[*slot as usize].src == row.src);
        prop_assert_eq!(found, Some(&slot));
    }
    let mut orders = sources.orders.clone();
    let mut seen = Vec::new();
    for at in [ONCE, QUIET, HURT] {
        while let Some(slot) = orders.first(at) {
            prop_assert_eq!(order(&sources.rows[slot as usize]), at);
            seen.push(slot);
            orders.remove(at, slot);
        }
    }
    seen.sort_unstable();
    prop_assert!(seen.into_iter().eq(0..u32::try_from(sources.rows.len()).unwrap()));
    Ok(())
}

proptest! {
    #[test]
    fn the_table_stays_whole(
        capacity in 0..24_usize, steps in proptest::collection::vec((0..60_u32, any::<bool>(), 0..3_u32), 0..300),
    ) {
        let mut sources = Sources::new(capacity);
        let mut syns = 0;
        for (n, dropped, unreported) in steps {
            let unreported = if dropped { 0 } else { unreported };
            let seen = Seen { unreported, ..syn(stranger(n), dropped) };
            syns += seen.syns();
            let placed = sources.add(&seen);
            prop_assert_eq!(placed.is_some(), has(&sources, seen.src));
            check(&sources)?;
            let rows: u64 = sources.rows.iter().map(Row::syns).sum();
            prop_assert_eq!(rows + sources.other().syns, syns);
        }
    }

    /// However many come, and whatever becomes of them.
    #[test]
    fn who_is_seen_once_displaces_nobody_with_drops_who_is_seen_twice(
        capacity in 1..40_usize, flood in proptest::collection::vec(any::<bool>(), 0..400),
    ) {
        let mut sources = Sources::new(capacity);
        let residents = u32::try_from(capacity).unwrap();
        for n in (0..residents).chain(0..residents) {
            sources.add(&syn(resident(n), true));
        }
        for (n, dropped) in (0..).zip(flood) {
            sources.add(&syn(stranger(n), dropped));
        }
        prop_assert!((0..residents).all(|n| has(&sources, resident(n))));
    }

    /// A server with many clients and no drops: a flood of drops takes a sixteenth of their rows.
    #[test]
    fn a_flood_of_drops_leaves_most_of_those_without(
        capacity in 16..80_usize, flood in proptest::collection::vec(0..10_u8, 0..600),
    ) {
        let mut sources = Sources::new(capacity);
        let residents = u32::try_from(capacity).unwrap();
        for n in (0..residents).chain(0..residents) {
            sources.add(&syn(resident(n), false));
        }
        for (n, dropped) in (0..).zip(flood) {
            sources.add(&syn(stranger(n), dropped > 0));
        }
        let left = (0..residents).filter(|n| has(&sources, resident(*n))).count();
        prop_assert!(left + capacity / 16 + 1 >= capacity, "{} of {}", left, capacity);
    }
}

/// A flood of sources seen once, and one among them that sends a SYN in so many. Its row and its SYNs.
fn amid(
    capacity: usize,
    flood: u32,
    one_in: u32,
    flood_drops: bool,
    drops: impl Fn(u32) -> bool,
) -> Option<(u64, u64)> {
    let mut sources = Sources::new(capacity);
    let mut sent = 0;
    for n in 0..flood {
        sources.add(&syn(stranger(n), flood_drops));
        if n % one_in == one_in - 1 {
            sources.add(&syn(NAT, drops(sent)));
            sent += 1;
        }
    }
    let (_, top) = sources.top(1).pop()?;
    check(&sources).unwrap();
    (top.src == NAT).then_some((top.syns.unwrap(), u64::from(sent)))
}

#[test]
fn a_source_with_drops_is_found_in_a_flood() {
    // As many strangers for each row as a million are for the default, and a SYN of ours less often than rows turn over.
    for flood_drops in [true, false] {
        let (found, sent) = amid(2048, 40_000, 2500, flood_drops, |_| true).expect("it stands on top");
        assert!(sent == 16 && found >= 8, "{found} of {sent}, flood dropped: {flood_drops}");
    }
}

#[test]
fn a_source_that_is_mostly_answered_is_found_in_a_flood() {
    for flood_drops in [true, false] {
        let (found, _) = amid(2048, 40_000, 500, flood_drops, |n| n % 2 == 1).expect("it stands on top");
        assert!(found >= 70, "{found} of 80, flood dropped: {flood_drops}");
    }
}

#[test]
fn a_source_with_drops_is_found_where_every_row_has_several() {
    let mut sources = Sources::new(512);
    for n in (0..512).chain(0..512) {
        sources.add(&syn(resident(n), false));
    }
    sources.add(&syn(NAT, true));
    assert!(has(&sources, NAT), "it takes the row of one without drops at once");

    // Forged addresses that come twice, all dropped: who comes more often takes a row.
    let mut sources = Sources::new(512);
    for n in 0..20_000 {
        sources.add(&syn(stranger(n), true));
        sources.add(&syn(stranger(n), true));
        if n > 1000 && n % 200 == 0 {
            sources.add(&syn(NAT, true));
        }
    }
    check(&sources).unwrap();
    let top = sources.top(1).pop().unwrap().1;
    assert_eq!(top.src, NAT);
    // Of 95; how many come before it has a row depends on where fingerprints meet.
    assert!(top.drops >= 70, "{}", top.drops);
}

#[test]
fn an_answered_stranger_takes_no_row() {
    let mut sources = Sources::new(2);
    sources.add(&syn(resident(1), false));
    sources.add(&syn(resident(2), false));
    assert!(sources.add(&syn(stranger(1), false)).is_none());
    // The second time it is none.
    let placed = sources.add(&syn(stranger(1), false)).unwrap();
    assert!(placed.new && placed.real);
    assert!(!has(&sources, resident(1)) && has(&sources, resident(2)));
    assert_eq!(sources.other().syns, 2);
}

#[test]
fn what_became_of_an_attempt_is_not_put_down_to_another_source() {
    let mut sources = Sources::new(1);
    let before = sources.add(&syn(stranger(1), true)).unwrap().owner;
    let refused = Retries { refused: 1, ..Retries::default() };
    sources.retried(before, &Retries::default(), &refused);
    assert_eq!(sources.top(1)[0].1.retries, refused);
    let after = sources.add(&syn(stranger(2), true)).unwrap().owner;
    assert_eq!((before.slot, before == after), (after.slot, false));
    sources.retried(before, &refused, &Retries { came_back: 1, ..refused });
    assert_eq!(sources.top(1)[0].1.retries, Retries::default());
}

#[test]
fn who_was_heard_is_remembered_and_who_comes_often_stays() {
    let mut heard = Heard::new(1);
    assert_eq!(heard.take(5), 0);
    heard.note(5, 1);
    heard.note(5, 1);
    assert_eq!((heard.take(5), heard.take(5)), (2, 0));
    // Another fingerprint in the same place.
    let rival = 5 | 1 << 60;
    heard.note(5, 3);
    heard.note(rival, 1);
    heard.note(rival, 1);
    assert_eq!((heard.take(rival), heard.take(5)), (0, 1));
    heard.note(5, 255);
    heard.note(5, 255);
    assert_eq!(heard.take(5), 255);
}
