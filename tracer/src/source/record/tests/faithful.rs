//! A replay comes to what the live run came to: the same summary and the same verdict, to the letter.

use super::*;
use crate::{
    analysis::{
        engine::Engine,
        summary::{JUDGED, sum_up},
        verdict::{Case, judge},
    },
    model::{
        Flow,
        any::bare_accepted,
        reading::{Accepted, Stack},
        report::{Summary, Unsent},
    },
};

/// What a run that sees these comes to.
fn summed_up(start: &Start, observations: &[Observation], ending: Ending) -> Summary {
    let mut engine = Engine::new(start.limits.unwrap_or_default());
    for observation in observations {
        engine.observe(observation);
    }
    sum_up(start, ending, engine.snapshot(JUDGED))
}

/// Records a run, replays the recording; both summaries.
fn both(start: &Start, observations: &[Observation], ending: Ending) -> (Summary, Summary) {
    let live = summed_up(start, observations, ending);
    let text = written(start, observations) + &json::summary(&live) + "\n";
    let mut engine = None;
    let mut head = None;
    for item in whole(&text) {
        match item {
            Item::Start(start) => {
                engine = start.limits.map(Engine::new);
                head = Some(start);
            }
            Item::Observation(observation) => engine.as_mut().unwrap().observe(&observation),
            Item::Ending(ending) => {
                let seen = engine.unwrap().snapshot(JUDGED);
                return (live, sum_up(&head.unwrap(), *ending, seen));
            }
        }
    }
    panic!("no summary in {text}");
}

fn observed(items: Vec<Item>) -> Vec<Observation> {
    let only = |item| if let Item::Observation(observation) = item { Some(observation) } else { None };
    items.into_iter().filter_map(only).collect()
}

/// Three hosts behind one address, a port that is used again, and what the server refused and took then.
fn an_incident() -> Vec<Observation> {
    let begun = a_start().time.0;
    let hosts: [u32; 3] = [900_000_000, 500_000_000, 100_000_000];
    let mut all = Vec::new();
    for n in 0..60_u32 {
        let time = begun + i64::from(n) * 250_000_000;
        let host = hosts[(n % 3) as usize];
        let flow = Flow { sport: 40_000 + u16::try_from(n % 7).unwrap(), ..bare(Cause::Other).flow };
        let ticks = host.wrapping_add(n * 250);
        if n % 5 == 4 {
            let mut drop = Drop {
                time: Nanos(time),
                flow,
                netns: Some(1),
                stage: Stage::TimeWait,
                ts_recent: Some(hosts[((n + 2) % 3) as usize].wrapping_add((n - 1) * 250)),
                ts_age_ms: Some(1000),
                answer: Some(Answer::Ack),
                snmp: Some("TcpExtPAWSTimewait".into()),
                ..bare(Cause::PawsTimeWait)
            };
            (drop.syn.seq, drop.syn.tsval, drop.syn.ttl) = (n, Some(ticks), 63);
            all.push(Observation::Drop(drop));
        } else {
            all.push(Observation::Accepted(Accepted {
                time: Nanos(time),
                flow,
                netns: Some(1),
                seq: Some(n),
                tsval: Some(ticks),
                stack: Stack { ttl: Some(63), ..Stack::default() },
                unreported: u32::from(n % 11 == 0),
                ..bare_accepted()
            }));
        }
    }
    all
}

fn an_ending() -> Ending {
    let sysctls = [("net.ipv4.tcp_tw_reuse", "2"), ("net.ipv4.tcp_timestamps", "1")];
    let counters = [("TcpExtPAWSTimewait", 12), ("TcpExtListenDrops", 300)];
    Ending {
        time: Nanos(a_start().time.0 + 15_000_000_000),
        elapsed_ms: 15_000,
        syns: Some(60),
        accepted: Some(52),
        unreported: Some(4),
        snmp: vec![CounterCheck {
            name: "TcpExtPAWSTimewait".into(),
            kernel: 13,
            ours: 12,
            remark: Some("1 more counted than seen: it counts every late segment, too".into()),
        }],
        snmp_left_out: 1,
        lost: Lost { ring: 3, counted: 2, unprinted: 7, ..Lost::default() },
        unsent: Unsent {
            by_cause: BTreeMap::from([(Cause::PawsTimeWait, 2)]),
            sources: vec![("192.0.2.9".parse().expect("an address"), 2)],
        },
        environment: Environment {
            kernel: Some("6.12.107".into()),
            sysctls: sysctls.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
            sysctls_read: true,
            own_nat: Some(OwnNat { rules: 1, random_fully: 0, conntrack: true }),
            counters: counters.map(|(name, n)| (name.to_owned(), n)).into(),
        },
        left_out: LeftOut {
            seen: BTreeMap::from([(Cause::AcceptQueueFull, 2)]),
            wire: 0,
            not_looked_at: vec![Cause::NoListener],
        },
        capture: None,
    }
}

#[test]
fn an_incident_is_judged_again_as_it_was() {
    let (live, replayed) = both(&a_start(), &an_incident(), an_ending());
    assert_eq!(live, replayed);
    assert_eq!(json::summary(&live), json::summary(&replayed));
    let verdict = live.verdict.expect("a verdict");
    assert_eq!(verdict.cause, "paws-time-wait");
    // It does rest on what only the ending tells.
    assert!(verdict.speaks_against.iter().any(|words| words.contains("accept-queue-full")), "{verdict:?}");
    for without in [
        Ending { environment: Environment::default(), ..an_ending() },
        Ending { left_out: LeftOut::default(), ..an_ending() },
        Ending { snmp: Vec::new(), ..an_ending() },
        Ending { lost: Lost::default(), ..an_ending() },
    ] {
        assert_ne!(summed_up(&a_start(), &an_incident(), without).verdict.as_ref(), Some(&verdict));
    }
}

#[test]
fn what_the_hook_set_and_the_filter_hide_stays_hidden() {
    let start = Start {
        blind: vec![Cause::AcceptQueueFull, Cause::SynQueueFull],
        filter: FilterWords {
            ports: vec![(443, 443)],
            causes: vec![Cause::PawsTimeWait],
            ..Default::default()
        },
        limits: Some(Limits { sources: 3, clock_bytes: 1 << 20 }),
        ..a_start()
    };
    let (live, replayed) = both(&start, &an_incident(), Ending { syns: None, ..an_ending() });
    assert_eq!(live, replayed);
    assert!(live.sources.iter().all(|source| source.syns.is_none()));
}

#[test]
fn a_recording_that_was_cut_is_judged_as_far_as_it_goes() {
    let text = written(&a_start(), &an_incident());
    let (items, broken, _) = read(&text.as_bytes()[..text.len() - 20]);
    assert_eq!(broken.map(|broken| broken.trouble), Some(Trouble::Cut));
    let seen = observed(items);
    assert_eq!(seen, an_incident()[..59]);
    let last = Nanos(a_start().time.0 + 14_500_000_000);
    let ending = Ending::unknown(Some(&a_start()), last, Lost { decode: 1, ..Lost::default() });
    let summary = summed_up(&a_start(), &seen, ending);
    assert_eq!((summary.elapsed_ms, summary.syns, summary.lost.decode), (14_500, None, 1));
    assert_eq!(summary.accepted, 48 + summary.unreported);
    assert!(summary.verdict.is_some());
}

proptest! {
    #[test]
    fn whatever_is_written_reads_back(
        start in any_start(), observations in proptest::collection::vec(any_observation(), 0..6),
    ) {
        let (items, broken, skipped) = read(written(&start, &observations).as_bytes());
        prop_assert_eq!((broken, skipped), (None, Skipped::default()));
        prop_assert_eq!(&items[0], &Item::Start(start.into()));
        prop_assert_eq!(observed(items), observations);
    }

    #[test]
    fn whatever_ends_reads_back(start in any_start(), ending in any_ending()) {
        let mut want = ending.clone();
        let summary = summed_up(&start, &[], ending);
        // Nothing was observed that had no room.
        want.lost.table = 0;
        prop_assert_eq!(whole(&json::summary(&summary)), [Item::Ending(want.into())]);
    }

    #[test]
    fn any_run_is_replayed_as_it_was(
        start in any_start(), observations in proptest::collection::vec(any_observation(), 0..12), ending in any_ending(),
    ) {
        // Who has no room is a matter of chance, and more than these have it.
        let limits = Some(Limits { sources: 1000, clock_bytes: 1 << 20 });
        let start = Start { limits, ..start };
        let (live, replayed) = both(&start, &observations, ending.clone());
        prop_assert_eq!(json::summary(&live), json::summary(&replayed));
        prop_assert_eq!(&live, &replayed);
        // Nothing stands between the values and the verdict.
        let mut engine = Engine::new(Limits { sources: 1000, clock_bytes: 1 << 20 });
        for observation in &observations {
            engine.observe(observation);
        }
        let mut snapshot = engine.snapshot(JUDGED);
        ending.unsent.add_to(&mut snapshot);
        snapshot.wire = snapshot.wire.saturating_add(ending.left_out.wire);
        (snapshot.accepted, snapshot.unreported) = (ending.accepted.unwrap(), ending.unreported.unwrap());
        let verdict = judge(&Case {
            snapshot: &snapshot,
            environment: &ending.environment,
            checks: &ending.snmp,
            blind: &start.blind,
            lost: Lost { table: 0, ..ending.lost },
            left_out: &ending.left_out,
            filtered: start.filter.is_narrow(),
        });
        prop_assert_eq!(replayed.verdict, verdict);
    }

    #[test]
    fn pieces_of_any_size_are_the_same(
        observations in proptest::collection::vec(any_observation(), 0..4), sizes in proptest::collection::vec(1..700_usize, 1..9),
        cut in 0..400_usize,
    ) {
        let text = written(&a_start(), &observations);
        let bytes = &text.as_bytes()[..text.len().saturating_sub(cut)];
        let mut parser = Parser::default();
        let mut items = Vec::new();
        let mut rest = bytes;
        for size in sizes.iter().cycle() {
            let (piece, more) = rest.split_at((*size).min(rest.len()));
            rest = more;
            parser.take(piece, &mut items).unwrap();
            if rest.is_empty() {
                break;
            }
        }
        let end = parser.end(&mut items);
        let (want, broken, _) = read(bytes);
        prop_assert_eq!((items, end.err()), (want, broken));
    }
}
