//! What `doctor` makes of machines, one row each.

use std::collections::BTreeMap;

use super::*;
use crate::model::{Nanos, checkup::HookCheck, environment::OwnNat, report::Missing};

fn set(name: &str, outcome: Outcome) -> SetCheck {
    let hook = HookCheck { hook: "kfree_skb".into(), attaches: Some(true), why: None };
    SetCheck { set: name.into(), outcome, hooks: vec![hook], took_ms: 9 }
}

fn attaches(blind: &[Cause]) -> Outcome {
    Outcome::Attaches { missing: Vec::new(), blind: blind.to_vec() }
}

/// A machine on which everything attaches and nothing happened.
pub(crate) fn healthy() -> Checkup {
    let sysctls = [("net.ipv4.tcp_timestamps", "1"), ("net.ipv4.tcp_syncookies", "1")];
    Checkup {
        time: Nanos(0),
        kernel: "6.12.107".into(),
        unbuilt: false,
        lacking: Vec::new(),
        types_path: "/sys/kernel/btf/vmlinux".into(),
        types: None,
        no_types: None,
        unfit: None,
        lockdown: Some("none".into()),
        rx_sk: Some(true),
        check_req_reasons: Some(false),
        sets: vec![
            set("fentry", attaches(&[])),
            set("kprobe", attaches(&[])),
            set("tracepoint", attaches(&[])),
        ],
        places: vec![Place {
            netns: 7,
            name: None,
            listeners: 3,
            counters: BTreeMap::from([("TcpExtListenDrops".into(), 0)]),
            sysctls: sysctls.map(|(name, value)| (name.into(), value.into())).into(),
        }],
        places_left_out: 0,
        own_nat: Some(OwnNat::default()),
        not_looked_at: Vec::new(),
    }
}

/// The sets of a machine that refuses function hooks.
pub(crate) fn locked_down() -> Checkup {
    let refused = || Outcome::Refused("fentry: tcp_make_synack: loading it: Operation not permitted".into());
    let listener = [Cause::AcceptQueueFull, Cause::SynQueueFull, Cause::PeerNotProven, Cause::ListenOther];
    let blind = [&listener[..], &[Cause::PawsSynRecv, Cause::OutOfWindow, Cause::Repeated]].concat();
    let sets = vec![set("fentry", refused()), set("kprobe", refused()), set("tracepoint", attaches(&blind))];
    Checkup { sets, ..healthy() }
}

#[test]
fn the_best_set_that_attaches_is_chosen() {
    assert_eq!(chosen(&healthy()).map(|set| &*set.set), Some("fentry"));
    assert_eq!(chosen(&locked_down()).map(|set| &*set.set), Some("tracepoint"));
    let none = Checkup { sets: vec![set("fentry", Outcome::Refused(String::new()))], ..healthy() };
    assert!(chosen(&none).is_none() && !can_trace(&none));
}

#[test]
fn every_cause_is_visible_or_there_is_a_reason() {
    let all = sight(&healthy());
    assert_eq!(all.len(), Cause::ALL.len());
    let unseen: Vec<_> = all.iter().filter(|(_, sight)| *sight != Sight::Visible).map(|(c, _)| *c).collect();
    assert_eq!(unseen, [Cause::PawsRecycle]);
    let words = |checkup: &Checkup, cause: Cause| match sight_of(checkup, cause) {
        Sight::Blind(why) => why,
        other => panic!("{cause}: {other:?}"),
    };
    let old = Checkup { rx_sk: Some(false), ..locked_down() };
    for (checkup, cause, want) in [
        (&old, Cause::AcceptQueueFull, "no tracepoint"),
        (&old, Cause::OutOfWindow, "before 6.15"),
        (&locked_down(), Cause::PawsSynRecv, "before 6.15"),
    ] {
        assert!(words(checkup, cause).contains(want), "{cause}");
    }
    let blind = attaches(&[Cause::PawsTimeWait, Cause::PawsEstablished]);
    let old = Checkup { sets: vec![set("tracepoint", blind)], ..old };
    for cause in [Cause::PawsTimeWait, Cause::PawsEstablished] {
        assert!(words(&old, cause).contains("before 6.11"));
    }
    // A hook that is missing is the reason, whatever the set.
    let missing = vec![Missing { hook: "tcp_check_req".into(), why: "it takes 9 arguments here".into() }];
    let outcome = Outcome::Attaches { missing, blind: vec![Cause::PawsSynRecv] };
    let checkup = Checkup { sets: vec![set("kprobe", outcome)], ..healthy() };
    assert_eq!(
        words(&checkup, Cause::PawsSynRecv),
        "tcp_check_req is not attached: it takes 9 arguments here"
    );
}

#[test]
fn what_could_not_be_tried_is_not_known() {
    let not_tried = || Outcome::NotTried("this process lacks CAP_BPF".into());
    let sets = vec![set("fentry", not_tried()), set("tracepoint", not_tried())];
    let checkup = Checkup { sets, lacking: vec!["CAP_BPF".into()], ..healthy() };
    assert!(matches!(sight_of(&checkup, Cause::PawsTimeWait), Sight::Unknown(_)));
    assert!(advice(&checkup).starts_with("Run it as root"), "{}", advice(&checkup));
}

#[test]
fn one_sentence_at_the_end() {
    let none = || vec![set("tracepoint", Outcome::Refused("x".into()))];
    let mut counted = healthy();
    counted.places[0].counters.insert("TcpExtPAWSTimewait".into(), 12);
    let mut rfc1337 = healthy();
    rfc1337.places[0].sysctls.insert("net.ipv4.tcp_rfc1337".into(), "1".into());
    let random = OwnNat { rules: 2, random_fully: 1, conntrack: true };
    for (checkup, start, words) in [
        (healthy(), "Run `tracer -p PORT` while clients fail.", ""),
        (counted, "Run `tracer -p PORT`", "the kernel has counted drops before"),
        (locked_down(), "Run `tracer -p PORT`", "what stays invisible"),
        (rfc1337, "Run `tracer -p PORT`", "first look at net.ipv4.tcp_rfc1337=1."),
        (Checkup { own_nat: Some(random), ..healthy() }, "Run", "first look at this machine's own NAT"),
        (
            Checkup { sets: none(), unbuilt: true, lacking: vec!["CAP_BPF".into()], ..healthy() },
            "Build it",
            "cargo xtask build",
        ),
        (
            Checkup { sets: none(), ..healthy() },
            "No hook set attaches",
            "`tcpdump -w - tcp | tracer replay -`.",
        ),
        (
            Checkup {
                sets: none(),
                unfit: Some("this kernel is too old".into()),
                no_types: Some("no".into()),
                ..healthy()
            },
            "Packets alone say much here",
            "`tcpdump -w - tcp | tracer replay -`.",
        ),
        (
            Checkup { sets: none(), no_types: Some("there is no such file".into()), ..healthy() },
            "Use a kernel",
            "--btf FILE",
        ),
        (
            Checkup { sets: none(), lockdown: Some("confidentiality".into()), ..healthy() },
            "Boot with lockdown=integrity",
            "",
        ),
    ] {
        let text = advice(&checkup);
        assert!(text.starts_with(start) && text.contains(words) && text.ends_with('.'), "{text}");
        assert!(!text.contains(". "), "one sentence: {text}");
    }
}

#[test]
fn settings_and_what_they_mean() {
    let nat = OwnNat { rules: 1, random_fully: 0, conntrack: true };
    for (name, value, remarkable) in [
        ("net.ipv4.tcp_tw_recycle", "0", false),
        ("net.ipv4.tcp_tw_recycle", "1", true),
        ("net.ipv4.tcp_timestamps", "0", true),
        ("net.ipv4.tcp_timestamps", "1", false),
        ("net.ipv4.tcp_timestamps", "2", false),
        ("net.ipv4.tcp_tw_reuse", "2", false),
        ("net.ipv4.tcp_rfc1337", "0", false),
        ("net.ipv4.tcp_rfc1337", "1", true),
        ("net.ipv4.tcp_max_tw_buckets", "131072", false),
        ("net.ipv4.tcp_syncookies", "0", true),
        ("net.ipv4.tcp_syncookies", "1", false),
        ("net.ipv4.tcp_syncookies", "2", true),
        ("net.ipv4.tcp_max_syn_backlog", "512", false),
        ("net.ipv4.tcp_invalid_ratelimit", "0", false),
        ("net.ipv4.tcp_invalid_ratelimit", "500", false),
        ("net.ipv4.tcp_invalid_ratelimit", "5000", true),
        ("net.ipv4.tcp_abort_on_overflow", "0", false),
        ("net.ipv4.tcp_abort_on_overflow", "1", true),
        ("net.core.somaxconn", "128", true),
        ("net.core.somaxconn", "4096", false),
        ("net.netfilter.nf_conntrack_tcp_timeout_time_wait", "120", false),
        ("net.netfilter.nf_conntrack_tcp_timeout_time_wait", "30", true),
        ("net.ipv4.tcp_timestamps", "?", false),
    ] {
        let meaning = setting(name, value, Some(&nat));
        assert_eq!(meaning.remarkable, remarkable, "{name}={value}");
        assert!(!meaning.text.is_empty() && meaning.text.len() < 80, "{name}={value}: {}", meaning.text);
    }
    // The whole remedy, and nothing that has to be looked up.
    let recycle = setting("net.ipv4.tcp_tw_recycle", "1", None).text;
    assert!(recycle.ends_with("`sysctl -w net.ipv4.tcp_tw_recycle=0`"), "{recycle}");
    // Whoever translates nothing lends no ports.
    assert!(!setting("net.netfilter.nf_conntrack_tcp_timeout_time_wait", "30", None).remarkable);
    // Every setting that is read has a meaning.
    for name in crate::analysis::verdict::SYSCTLS {
        assert!(!setting(name, "1", None).text.is_empty(), "{name}");
    }
}

/// A kernel of the days of `tcp_tw_recycle`, on which it is on and nothing happened yet.
pub(crate) fn recycling() -> Checkup {
    let mut checkup = Checkup {
        kernel: "4.9.229".into(),
        sets: vec![
            set(
                "fentry",
                Outcome::Refused("fentry: tcp_make_synack: this kernel has no ring buffer (5.8)".into()),
            ),
            set("legacy", attaches(&[])),
        ],
        ..healthy()
    };
    for (name, value) in [("net.core.somaxconn", "128"), ("net.ipv4.tcp_tw_recycle", "1")] {
        checkup.places[0].sysctls.insert(name.into(), value.into());
    }
    checkup
}

#[test]
fn recycling_is_told_before_anything_is_dropped() {
    let checkup = recycling();
    assert_eq!(moved(&checkup.places[0]), []);
    assert!(can_trace(&checkup));
    assert_eq!(
        advice(&checkup),
        "Run `tracer -p PORT` while clients fail; first look at net.ipv4.tcp_tw_recycle=1."
    );
    assert_eq!(sight_of(&checkup, Cause::PawsRecycle), Sight::Visible);
    let mut off = checkup;
    off.places[0].sysctls.insert("net.ipv4.tcp_tw_recycle".into(), "0".into());
    assert_eq!(
        advice(&off),
        "Run `tracer -p PORT` while clients fail; first look at net.core.somaxconn=128."
    );
}

#[test]
fn translation_on_this_machine() {
    let of = |rules, random_fully, conntrack| nat(Some(&OwnNat { rules, random_fully, conntrack }));
    for (meaning, remarkable, words) in [
        (nat(None), false, "not known"),
        (of(0, 0, true), false, "no source addresses"),
        (of(3, 0, true), false, "3 SNAT rules, none of them with random-fully"),
        (of(3, 0, false), false, "no connection tracked"),
        (of(3, 2, true), true, "2 of 3 SNAT rules"),
    ] {
        assert!(meaning.text.contains(words), "{words}: {}", meaning.text);
        assert_eq!(meaning.remarkable, remarkable, "{words}");
    }
}
