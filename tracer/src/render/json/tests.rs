//! The contract, field by field, read back by another parser.

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use std::collections::BTreeMap;

use super::*;
use crate::model::{
    Answer, Cause, Stage,
    any::{any_accepted, any_drop, any_word, bare},
    environment::{Environment, OwnNat},
    listener::{Listener, Served},
    nat::{Nat, NatVerdict},
    report::{
        Change, CounterCheck, LeftOut, Limits, Listener as FullListener, Listeners, Lost as LostCounts,
        Other, Reasons, Regressions, Retries, Source, Summary,
    },
    verdict::{Remedy, Verdict},
};

fn object(line: &str) -> Map<String, Value> {
    assert!(!line.contains('\n'), "{line:?}");
    match serde_json::from_str(line) {
        Ok(Value::Object(map)) => map,
        other => panic!("no object: {other:?} in {line}"),
    }
}

fn drop_line(value: &Drop) -> String {
    let mut line = "what stood here before".to_owned();
    drop(value, &mut line);
    line
}

/// Keys as they stand in the line, which another parser would sort.
fn keys(line: &str, of: &Map<String, Value>) -> Vec<String> {
    let mut keys: Vec<_> = of.keys().cloned().collect();
    keys.sort_by_key(|key| line.find(&format!("\"{key}\":")));
    keys
}

/// Schema 1, in the order of the contract; what this version adds stands behind it.
const DROP: [&str; 27] = [
    "type",
    "schema",
    "time",
    "family",
    "src",
    "sport",
    "dst",
    "dport",
    "netns",
    "ifname",
    "stage",
    "cause",
    "paws",
    "reason",
    "snmp",
    "seq",
    "tsval",
    "ts_recent",
    "regression",
    "ts_age_ms",
    "answer",
    "ttl",
    "mss",
    "wscale",
    "window",
    "options",
    "listener",
];
const DROP_ADDED: [&str; 6] = ["accept_queue", "syn_queue", "tsecr", "malformed", "evidence", "netns_name"];

#[test]
fn a_drop_has_every_field_of_the_contract() {
    let line = drop_line(&bare(Cause::Other));
    let keys = keys(&line, &object(&line));
    let contract: Vec<_> = keys.iter().map(String::as_str).filter(|key| !DROP_ADDED.contains(key)).collect();
    assert_eq!(contract, DROP);
    assert_eq!(keys.len(), DROP.len() + DROP_ADDED.len());
}

#[test]
fn what_is_unknown_is_null() {
    let line = drop_line(&bare(Cause::Other));
    let null: Vec<_> =
        object(&line).into_iter().filter(|(_, value)| value.is_null()).map(|(key, _)| key).collect();
    // In the order of the alphabet.
    assert_eq!(
        null,
        [
            "accept_queue",
            "answer",
            "ifname",
            "listener",
            "mss",
            "netns",
            "netns_name",
            "reason",
            "regression",
            "snmp",
            "syn_queue",
            "ts_age_ms",
            "ts_recent",
            "tsecr",
            "tsval",
            "wscale",
        ]
    );
}

fn a_listener() -> Listener {
    let cgroup = format!(
        "/kubepods.slice/kubepods-pod8f0d1c8e_6d3b_4a52_9e71_2b0c4d5e6f70.slice/cri-containerd-{}.scope",
        "0a".repeat(32)
    );
    Listener { pid: 42, comm: "nginx".into(), cgroup: Some(cgroup), processes: Some(5), sockets: Some(1) }
}

fn listener_object() -> Value {
    json!({
        "pid": 42, "comm": "nginx", "cgroup": a_listener().cgroup, "container": "0a".repeat(32),
        "pod": "8f0d1c8e-6d3b-4a52-9e71-2b0c4d5e6f70", "processes": 5, "sockets": 1,
    })
}

#[test]
fn a_drop_of_which_everything_is_known() {
    let mut known = bare(Cause::PawsTimeWait);
    known.netns = Some(4_026_531_840);
    known.ifname = Some("eth0".into());
    known.stage = Stage::TimeWait;
    known.reason = Some("TCP_RFC7323_TW_PAWS".into());
    known.snmp = Some("TcpExtPAWSTimewait".into());
    known.syn.seq = u32::MAX;
    known.syn.tsval = Some(1);
    known.syn.tsecr = Some(0);
    known.ts_recent = Some(5001);
    known.ts_age_ms = Some(12_000);
    known.answer = Some(Answer::Ack);
    known.syn.ttl = 63;
    known.syn.mss = Some(1460);
    known.syn.wscale = Some(7);
    known.syn.window = 64_240;
    for kind in [2, 4, 8, 1, 3] {
        known.syn.options.push(kind);
    }
    known.accept_queue = Some((129, 128));
    known.syn_queue = Some((3, 256));
    known.netns_name = Some("blue".into());
    known.listener = Some(a_listener().into());
    let want = json!({
        "type": "drop", "schema": 1, "time": "2023-11-14T22:13:20.123456789Z", "family": 4,
        "src": "192.0.2.1", "sport": 40_000, "dst": "198.51.100.7", "dport": 443,
        "netns": 4_026_531_840_u32, "ifname": "eth0", "stage": "time-wait", "cause": "paws-time-wait", "paws": true,
        "reason": "TCP_RFC7323_TW_PAWS", "snmp": "TcpExtPAWSTimewait", "seq": u32::MAX, "tsval": 1, "ts_recent": 5001,
        "regression": 5000, "ts_age_ms": 12_000, "answer": "ack", "ttl": 63, "mss": 1460, "wscale": 7,
        "window": 64_240, "options": "mss,sok,ts,nop,ws",
        "accept_queue": {"len": 129, "max": 128}, "syn_queue": {"len": 3, "max": 256},
        "listener": listener_object(), "tsecr": 0, "malformed": false, "evidence": "kernel", "netns_name": "blue",
    });
    assert_eq!(Value::Object(object(&drop_line(&known))), want);
    known.flow.src = "2001:db8::1".parse().unwrap();
    let six = object(&drop_line(&known));
    assert_eq!((&six["family"], &six["src"]), (&json!(6), &json!("2001:db8::1")));
}

#[test]
fn regressions_have_a_sign() {
    // (remembered, TSval, ticks that TSval stands behind)
    for (recent, tsval, want) in [
        (Some(5000), Some(1), json!(4999)),
        (Some(1), Some(5000), json!(-4999)),
        (Some(7), Some(7), json!(0)),
        (Some(1), Some(u32::MAX), json!(2)),
        (Some(0x8000_0000), Some(0), json!(i32::MIN)),
        (None, Some(1), json!(null)),
        (Some(1), None, json!(null)),
    ] {
        let mut value = bare(Cause::OldSequence);
        (value.ts_recent, value.syn.tsval) = (recent, tsval);
        assert_eq!(object(&drop_line(&value))["regression"], want, "{recent:?} {tsval:?}");
    }
}

#[test]
fn times_are_rfc_3339_with_nanoseconds() {
    for (nanos, want) in [
        (0, "1970-01-01T00:00:00.000000000Z"),
        (1, "1970-01-01T00:00:00.000000001Z"),
        (1_700_000_000_000_000_000, "2023-11-14T22:13:20.000000000Z"),
        (-1, "1969-12-31T23:59:59.999999999Z"),
        (i64::MAX, "2262-04-11T23:47:16.854775807Z"),
        (i64::MIN, "1677-09-21T00:12:43.145224192Z"),
    ] {
        assert_eq!(time(Nanos(nanos)), want);
    }
}

fn a_start() -> Start {
    Start {
        time: Nanos(0),
        version: "0.1.0".into(),
        kernel: Some("6.12.107".into()),
        set: "tracepoint".into(),
        attached: vec!["kfree_skb".into()],
        missing: vec![Missing { hook: "tcp_send_reset".into(), why: "no such \"tracepoint\"".into() }],
        blind: vec![Cause::AcceptQueueFull],
        filter: FilterWords {
            ports: vec![(80, 80), (7000, 7011)],
            family: Some(6),
            from: vec!["2001:db8::/32".into()],
            interface: Some("eth0".into()),
            netns: Some("/run/netns/a".into()),
            causes: vec![Cause::Other],
        },
        limits: Some(Limits { sources: 9, clock_bytes: 1 << 20 }),
        capture: None,
    }
}

#[test]
fn the_start() {
    let line = start(&a_start());
    let want = json!({
        "type": "start", "schema": 1, "time": "1970-01-01T00:00:00.000000000Z", "version": "0.1.0",
        "kernel": "6.12.107",
        "hooks": {
            "set": "tracepoint", "attached": ["kfree_skb"],
            "missing": [{"hook": "tcp_send_reset", "why": "no such \"tracepoint\""}],
        },
        "filter": {
            "ports": ["80", "7000-7011"], "family": 6, "from": ["2001:db8::/32"], "interface": "eth0",
            "netns": "/run/netns/a", "causes": ["other"],
        },
        "blind": ["accept-queue-full"], "limits": {"sources": 9, "clock_bytes": 1_048_576},
    });
    assert_eq!(Value::Object(object(&line)), want);
    let open = start(&Start { filter: FilterWords::default(), ..a_start() });
    let want =
        json!({"ports": [], "family": null, "from": [], "interface": null, "netns": null, "causes": []});
    assert_eq!(object(&open)["filter"], want);
}

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
        other: Other::default(),
        accepted: 0,
        served: Vec::new(),
        served_other: 0,
        retries: Retries::default(),
        unreported: 0,
        clocks_evicted: 0,
        listeners: Listeners::default(),
        reasons: Reasons::default(),
        verdict: None,
        snmp_left_out: 0,
        snmp: vec![CounterCheck {
            name: "TcpExtPAWSEstab".into(),
            kernel: 5,
            ours: 2,
            remark: Some("why".into()),
        }],
        lost: LostCounts { ring: 1, decode: 2, table: 3, slot: 4, read: 5, unprinted: 6, undecided: 7 },
        blind: vec![Cause::ListenOther],
        missing: Vec::new(),
        environment: Environment::default(),
        left_out: LeftOut::default(),
        capture: None,
    }
}

#[test]
fn the_summary() {
    let line = summary(&a_summary());
    let want = json!({
        "type": "summary", "schema": 1, "time": "1970-01-01T00:00:00.000000000Z", "elapsed_ms": 30_000,
        "syns": 100, "accepted": 0, "unreported": 0, "drops": 3, "by_cause": {"paws-time-wait": 2, "accept-queue-full": 1},
        "sources": [{
            "src": "192.0.2.1", "syns": null, "drops": 3, "paws": 2, "max_regression": 5000,
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
        "lost": {"ring": 1, "decode": 2, "table": 3, "slot": 4, "read": 5, "unprinted": 6, "undecided": 7},
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

proptest! {
    #[test]
    fn any_drop_is_one_line_that_reads_back(value in any_drop()) {
        let line = drop_line(&value);
        // No line break and no control character of ASCII stands in the line as it is.
        prop_assert!(line.bytes().all(|byte| byte >= 0x20));
        let read = object(&line);
        let word = |key: &str| read[key].as_str().map(str::to_owned);
        prop_assert_eq!(word("cause"), Some(value.cause.name().to_owned()));
        prop_assert_eq!(&read["ifname"], &json!(value.ifname.as_deref()));
        prop_assert_eq!(&read["reason"], &json!(value.reason.as_deref()));
        prop_assert_eq!(&read["snmp"], &json!(value.snmp));
        prop_assert_eq!(word("src").and_then(|text| text.parse().ok()), Some(value.flow.src));
        prop_assert_eq!(word("dst").and_then(|text| text.parse().ok()), Some(value.flow.dst));
        prop_assert_eq!(&read["tsval"], &json!(value.syn.tsval));
        prop_assert_eq!(&read["ts_age_ms"], &json!(value.ts_age_ms));
        prop_assert_eq!(&read["regression"], &json!(value.regression()));
        prop_assert_eq!(&read["paws"], &json!(value.cause.is_paws()));
        if let Some(listener) = &value.listener {
            let read = &read["listener"];
            prop_assert_eq!(&read["pid"], &json!(listener.pid));
            prop_assert_eq!(&read["comm"], &json!(listener.comm));
            prop_assert_eq!(&read["cgroup"], &json!(listener.cgroup));
            prop_assert_eq!(&read["processes"], &json!(listener.processes));
        }
        prop_assert_eq!(&read["netns_name"], &json!(value.netns_name.as_deref()));
        prop_assert!(word("time").is_some_and(|text| text.ends_with('Z') && text.len() == 30));
    }

    #[test]
    fn any_answered_syn_is_one_line_that_reads_back(value in any_accepted()) {
        let mut line = String::new();
        syn(&value, false, &mut line);
        prop_assert!(line.bytes().all(|byte| byte >= 0x20));
        let read = object(&line);
        prop_assert_eq!(&read["type"], &json!("syn"));
        prop_assert_eq!(&read["via"], &json!(value.via.name()));
        prop_assert_eq!(&read["seq"], &json!(value.seq));
        prop_assert_eq!(&read["ttl"], &json!(value.stack.ttl));
        prop_assert_eq!(&read["unreported"], &json!(value.unreported));
    }

    #[test]
    fn any_words_of_a_start_read_back(kernel in any_word(), hook in any_word(), why in any_word(), netns in any_word()) {
        let mut value = a_start();
        value.kernel = Some(kernel.clone());
        value.filter.netns = Some(netns.clone());
        value.missing = vec![Missing { hook: hook.clone(), why: why.clone() }];
        let line = start(&value);
        prop_assert!(line.bytes().all(|byte| byte >= 0x20));
        let read = object(&line);
        prop_assert_eq!(&read["kernel"], &json!(kernel));
        prop_assert_eq!(&read["filter"]["netns"], &json!(netns));
        prop_assert_eq!(&read["hooks"]["missing"], &json!([{"hook": hook, "why": why}]));
    }
}
