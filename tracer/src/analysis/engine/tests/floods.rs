//! Forged addresses by the thousand, and one client that suffers among them.

use super::*;

/// Scattered over all addresses (Knuth's multiplicative hash).
fn forged(n: u32) -> IpAddr {
    IpAddr::from(n.wrapping_mul(2_654_435_761).to_be_bytes())
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
            let forged = forged(n);
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
        let forged = forged(n);
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
