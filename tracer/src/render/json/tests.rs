//! The contract, field by field, read back by another parser.

mod drops;
mod summary;

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::*;
use crate::model::{Cause, Nanos, any::any_word, listener::Listener, report::Limits};

fn object(line: &str) -> Map<String, Value> {
    assert!(!line.contains('\n'), "{line:?}");
    match serde_json::from_str(line) {
        Ok(Value::Object(map)) => map,
        other => panic!("no object: {other:?} in {line}"),
    }
}

/// Keys as they stand in the line, which another parser would sort.
fn keys(line: &str, of: &Map<String, Value>) -> Vec<String> {
    let mut keys: Vec<_> = of.keys().cloned().collect();
    keys.sort_by_key(|key| line.find(&format!("\"{key}\":")));
    keys
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
        types: None,
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

proptest! {
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
