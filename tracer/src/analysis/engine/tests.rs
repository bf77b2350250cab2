//! What is known of a few observations, one question at a time.

mod attempts;
mod floods;
mod properties;

use std::net::IpAddr;

use super::*;
use crate::model::{
    Cause, Flow,
    any::{bare, bare_accepted},
    nat::NatVerdict,
};

fn host(n: u8) -> IpAddr {
    if n < 8 {
        IpAddr::from([192, 0, 2, n])
    } else {
        IpAddr::from([0x2001, 0xdb8, 0, 0, 0, 0, 0, u16::from(n)])
    }
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
        ..bare_accepted()
    })
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
            return Observation::Accepted(Accepted { time, flow, seq: Some(0), ..bare_accepted() });
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

/// Lines at different addresses of ours are no hosts: offsets are per pair of addresses.
#[test]
fn a_clock_for_each_of_our_addresses() {
    let mut engine = Engine::new(Limits::default());
    for (n, sport) in (0..60_u32).zip(40_000..) {
        let to = n % 3;
        let dst = IpAddr::from([198, 51, 100, 7 + to as u8]);
        engine.observe(&Observation::Accepted(Accepted {
            time: Nanos(i64::from(n) * 300_000_000),
            flow: Flow { src: host(1), sport, dst, dport: 443 },
            seq: Some(n),
            tsval: Some((n * 300).wrapping_add(to * 900_000_000)),
            ..bare_accepted()
        }));
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
