//! A line of a SYN: a drop, an answer.

use proptest::prelude::*;

use super::*;
use crate::model::{
    Answer, Stage,
    any::{any_accepted, any_drop, bare},
};

fn drop_line(value: &Drop) -> String {
    let mut line = "what stood here before".to_owned();
    drop(value, &mut line);
    line
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
}
