//! The lines that sum up: the last one, and what changed in between.

use std::collections::BTreeMap;

use super::*;
use crate::model::{
    environment::{Environment, OwnNat},
    listener::Served,
    nat::{Nat, NatVerdict},
    report::{
        Change, CounterCheck, LeftOut, Listener as FullListener, Listeners, Lost as LostCounts, Other,
        Reasons, Regressions, Retries, Source, Summary, Unsent,
    },
    verdict::{Remedy, Verdict},
};

fn a_summary() -> Summary {
    Summary {
        time: Nanos(0),
        elapsed_ms: 30_000,
        syns: Some(100),
        drops: 3,
        by_cause: BTreeMap::from([(Cause::PawsTimeWait, 2), (Cause::AcceptQueueFull, 1)]),
        sources: vec![Source {
            drops: 3,
            paws: 2,
            max_regression: Some(5000),
            first: Nanos(1),
            last: Nanos(2),
            ..Source::new("192.0.2.1".parse().unwrap(), Nanos(0))
        }],
        sources_total: 1,
        snmp: vec![CounterCheck {
            name: "TcpExtPAWSEstab".into(),
            kernel: 5,
            ours: 2,
            remark: Some("why".into()),
        }],
        lost: LostCounts {
            ring: 1,
            counted: 0,
            decode: 2,
            table: 3,
            slot: 4,
            read: 5,
            skipped: 8,
            unprinted: 6,
            undecided: 7,
        },
        unsent: Unsent {
            by_cause: BTreeMap::from([(Cause::PawsTimeWait, 2)]),
            sources: vec![("192.0.2.9".parse().unwrap(), 2)],
        },
        blind: vec![Cause::ListenOther],
        ..Summary::default()
    }
}

#[test]
fn the_summary() {
    let line = summary(&a_summary());
    let want = json!({
        "type": "summary", "schema": 1, "time": "1970-01-01T00:00:00.000000000Z", "elapsed_ms": 30_000,
        "syns": 100, "accepted": 0, "unreported": 0, "drops": 3, "by_cause": {"paws-time-wait": 2, "accept-queue-full": 1},
        "sources": [{
            "src": "192.0.2.1", "syns": null, "drops": 3, "unsent": 0, "paws": 2, "max_regression": 5000,
            "first": "1970-01-01T00:00:00.000000001Z", "last": "1970-01-01T00:00:00.000000002Z", "nat": null,
            "by_cause": {}, "last_regression": null, "regressions": {},
            "retries": {"refused": 0, "came_back": 0, "got_in": 0, "waited_ms": 0, "longest_ms": 0},
        }],
        "retries": {"refused": 0, "came_back": 0, "got_in": 0, "waited_ms": 0, "longest_ms": 0},
        "other": {"syns": 0, "drops": 0, "paws": 0, "by_cause": {}}, "clocks_evicted": 0,
        "by_reason": {}, "by_reason_other": 0, "by_reason_none": 0, "listeners": [], "listeners_other": 0,
        "sources_total": 1, "snmp": {"TcpExtPAWSEstab": 5},
        "snmp_check": [{"counter": "TcpExtPAWSEstab", "kernel": 5, "ours": 2, "remark": "why"}],
        "snmp_left_out": 0,
        "unsent": {"by_cause": {"paws-time-wait": 2}, "sources": [{"src": "192.0.2.9", "drops": 2}]},
        "lost": {"ring": 1, "counted": 0, "decode": 2, "table": 3, "slot": 4, "read": 5, "skipped": 8, "unprinted": 6, "undecided": 7},
        "blind": ["listen-other"], "missing": [], "verdict": null,
        "environment": {"kernel": null, "sysctls": null, "own_nat": null, "counters": null},
        "left_out": {"seen": {}, "wire": 0, "not_looked_at": []}, "by_listener": [], "by_listener_other": 0,
    });
    assert_eq!(Value::Object(object(&line)), want);
    let blind = Summary { syns: None, ..a_summary() };
    assert_eq!(object(&summary(&blind))["syns"], Value::Null);
}

#[test]
fn who_lost_how_many() {
    let known = Served {
        netns: Some(7),
        netns_name: Some("blue".into()),
        dst: "198.51.100.7".parse().unwrap(),
        dport: 443,
        listener: Some(a_listener().into()),
        drops: 2,
    };
    let unknown =
        Served { netns: None, netns_name: None, dport: 80, listener: None, drops: 1, ..known.clone() };
    let read = object(&summary(&Summary { served: vec![known, unknown], served_other: 3, ..a_summary() }));
    let want = json!([
        {"netns": 7, "netns_name": "blue", "dst": "198.51.100.7", "dport": 443, "listener": listener_object(), "drops": 2},
        {"netns": null, "netns_name": null, "dst": "198.51.100.7", "dport": 80, "listener": null, "drops": 1},
    ]);
    assert_eq!((&read["by_listener"], &read["by_listener_other"]), (&want, &json!(3)));
}

#[test]
fn a_source_that_changed() {
    let value = a_summary();
    let change = Change { new_drops: 2, source: value.sources[0].clone() };
    let line = source(Nanos(0), &change, 7);
    let mut read = object(&line);
    assert_eq!(keys(&line, &read)[..4], ["type", "schema", "time", "src"]);
    assert_eq!((read.remove("type"), read.remove("schema")), (Some(json!("source")), Some(json!(1))));
    assert_eq!(read.remove("time"), Some(json!("1970-01-01T00:00:00.000000000Z")));
    assert_eq!((read.remove("new_drops"), read.remove("left_out")), (Some(json!(2)), Some(json!(7))));
    // The rest is what the summary says of a source.
    assert_eq!(Value::Object(read), object(&summary(&value))["sources"][0]);
}

#[test]
fn what_the_verdict_rests_on() {
    let environment = Environment {
        kernel: Some("6.12.107".into()),
        sysctls: BTreeMap::from([("net.ipv4.tcp_tw_reuse".into(), "2".into())]),
        sysctls_read: true,
        own_nat: Some(OwnNat { rules: 2, random_fully: 1, conntrack: true }),
        counters: BTreeMap::from([("TcpExtListenDrops".into(), 0)]),
    };
    let left_out = LeftOut {
        seen: BTreeMap::from([(Cause::AcceptQueueFull, 7)]),
        wire: 3,
        not_looked_at: vec![Cause::NoListener],
    };
    let read = object(&summary(&Summary { environment, left_out, ..a_summary() }));
    let want = json!({
        "kernel": "6.12.107", "sysctls": {"net.ipv4.tcp_tw_reuse": "2"},
        "own_nat": {"rules": 2, "random_fully": 1, "conntrack": true}, "counters": {"TcpExtListenDrops": 0},
    });
    assert_eq!(read["environment"], want);
    let want = json!({"seen": {"accept-queue-full": 7}, "wire": 3, "not_looked_at": ["no-listener"]});
    assert_eq!(read["left_out"], want);
    // Read, and none of them there: that is known.
    let environment = Environment { sysctls_read: true, ..Environment::default() };
    let read = object(&summary(&Summary { environment, ..a_summary() }));
    assert_eq!(read["environment"]["sysctls"], json!({}));
}

#[test]
fn what_the_analysis_found() {
    let mut value = a_summary();
    let retries = Retries { refused: 9, came_back: 8, got_in: 7, waited_ms: 700, longest_ms: 300 };
    value.retries = retries;
    value.other = Other {
        syns: 9,
        drops: 5,
        paws: 4,
        by_cause: BTreeMap::from([(Cause::PawsTimeWait, 4), (Cause::Other, 1)]),
    };
    value.clocks_evicted = 2;
    value.reasons =
        Reasons { named: vec![("TCP_CSUM".into(), 3), ("SOCKET_FILTER".into(), 1)], beyond: 5, none: 6 };
    value.listeners = Listeners {
        full: vec![FullListener {
            netns: Some(7),
            dst: "192.0.2.9".parse().unwrap(),
            dport: 443,
            by_cause: BTreeMap::from([(Cause::AcceptQueueFull, 2), (Cause::SynQueueFull, 1)]),
            accept_queue: Some((129, 128)),
            syn_queue: None,
            beside_syn_queue: None,
        }],
        beyond: 4,
    };
    let source = &mut value.sources[0];
    source.by_cause = BTreeMap::from([(Cause::PawsTimeWait, 2)]);
    source.last_regression = Some(4096);
    let mut classes = [0; 31];
    (classes[0], classes[12], classes[30]) = (1, 2, u32::MAX);
    source.regressions = Regressions(classes);
    source.retries = retries;
    source.nat = Some(Nat {
        verdict: NatVerdict::Nat,
        hosts: Some(4),
        hosts_at_least: 3,
        confidence: 0.987_654_3,
        evidence: vec!["3 clocks".into()],
        port_jumps: 5,
        clocks: Vec::new(),
    });
    let remedy = |action: &str, price: &str| Remedy { action: action.into(), price: price.into() };
    value.verdict = Some(Verdict {
        cause: "paws-time-wait".into(),
        confidence: 0.95,
        text: "Several hosts.".into(),
        speaks_for: vec!["this".into()],
        speaks_against: vec!["that".into()],
        remedy: vec![remedy("do", "much"), remedy("ss -ltn", "")],
    });
    let read = object(&summary(&value));
    let retries = json!({"refused": 9, "came_back": 8, "got_in": 7, "waited_ms": 700, "longest_ms": 300});
    assert_eq!(read["retries"], retries);
    let row = &read["sources"][0];
    assert_eq!(row["retries"], retries);
    assert_eq!(row["by_cause"], json!({"paws-time-wait": 2}));
    assert_eq!(row["last_regression"], json!(4096));
    assert_eq!(row["regressions"], json!({"1": 1, "4096": 2, "1073741824": u32::MAX}));
    let nat = json!({
        "verdict": "nat", "hosts": 4, "hosts_at_least": 3, "confidence": 0.988, "evidence": ["3 clocks"], "port_jumps": 5,
    });
    assert_eq!(row["nat"], nat);
    let other = json!({"syns": 9, "drops": 5, "paws": 4, "by_cause": {"paws-time-wait": 4, "other": 1}});
    assert_eq!((&read["other"], &read["clocks_evicted"]), (&other, &json!(2)));
    assert_eq!(read["by_reason"], json!({"TCP_CSUM": 3, "SOCKET_FILTER": 1}));
    assert_eq!((&read["by_reason_other"], &read["by_reason_none"]), (&json!(5), &json!(6)));
    let listener = json!({
        "netns": 7, "dst": "192.0.2.9", "dport": 443, "drops": 3,
        "by_cause": {"accept-queue-full": 2, "syn-queue-full": 1},
        "accept_queue": {"len": 129, "max": 128}, "syn_queue": null, "beside_syn_queue": null,
    });
    assert_eq!((&read["listeners"], &read["listeners_other"]), (&json!([listener]), &json!(4)));
    let verdict = json!({
        "cause": "paws-time-wait", "confidence": 0.95, "text": "Several hosts.", "remedy": ["do", "ss -ltn"],
        "remedy_prices": ["much", ""], "for": ["this"], "against": ["that"],
    });
    assert_eq!(read["verdict"], verdict);
    // What is no number is not known.
    value.verdict.as_mut().unwrap().confidence = f64::NAN;
    value.sources[0].nat.as_mut().unwrap().confidence = f64::INFINITY;
    let read = object(&summary(&value));
    assert_eq!(read["verdict"]["confidence"], Value::Null);
    assert_eq!(read["sources"][0]["nat"]["confidence"], Value::Null);
}
