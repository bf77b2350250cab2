//! One screen, and everything with `-v`.

use super::{
    super::text::tests::{assert_fits, style, uncoloured},
    *,
};
use crate::{
    analysis::checkup::tests::{healthy, locked_down, recycling},
    model::environment::OwnNat,
};

#[test]
fn a_machine_without_a_finding() {
    assert_eq!(
        style(80).doctor(&healthy()),
        format!(
            "tracer {} doctor on kernel 6.12.107
ok    CAP_BPF and CAP_PERFMON, BTF (/sys/kernel/btf/vmlinux), lockdown none
ok    hook set fentry: 1 of 1 hooks attach, and tracer uses it
ok    hook set kprobe: 1 of 1 hooks attach
ok    hook set tracepoint: 1 of 1 hooks attach
ok    14 causes are visible
ok    2 settings do no harm
ok    NAT on this machine: no source addresses are translated here
ok    no SYN counted as dropped in one namespace (3 listeners)

Run `tracer -p PORT` while clients fail.",
            env!("CARGO_PKG_VERSION")
        )
    );
}

/// Much that is wrong, and words from outside that would like to move the cursor.
fn worst() -> Checkup {
    let mut worst = locked_down();
    worst.lacking = vec!["CAP_BPF".into(), "CAP_PERFMON".into()];
    worst.no_types = Some("there is no\x1b[2J such file".into());
    worst.unfit = Some("this kernel runs no eBPF programs: the system call bpf() is\x07 not there".into());
    worst.lockdown = None;
    worst.own_nat = Some(OwnNat { rules: 9, random_fully: 9, conntrack: true });
    worst.not_looked_at = vec!["12 other network namespaces: Operation not permitted".into()];
    worst.places_left_out = 3;
    let place = worst.places[0].clone();
    for netns in 8..40 {
        let mut place = Place { netns, name: Some(format!("blue\x1b{netns}")), ..place.clone() };
        place.counters.insert("TcpExtPAWSTimewait".into(), u64::from(netns) % 3);
        worst.places.push(place);
    }
    worst.places[1].sysctls.insert("net.ipv4.tcp_rfc1337".into(), "1".into());
    worst
}

#[test]
fn it_is_one_screen() {
    for (checkup, most) in [(healthy(), 24), (locked_down(), 24), (worst(), 32)] {
        let text = style(80).doctor(&checkup);
        assert!(text.lines().count() <= most, "{} lines:\n{text}", text.lines().count());
        assert_fits(&text, 80);
        assert_fits(&style(100).doctor(&checkup), 100);
        let coloured = Style { color: true, ..style(80) }.doctor(&checkup);
        assert_eq!(uncoloured(&coloured), text);
    }
}

#[test]
fn what_is_not_fine_says_why() {
    let text = style(80).doctor(&locked_down()).replace("\n      ", " ");
    for words in [
        "no    hook set fentry: tcp_make_synack: loading it: Operation not permitted (1 of 1 hooks attach)",
        "ok    hook set tracepoint: 1 of 1 hooks attach, and tracer uses it",
        "no    not visible: accept-queue-full, syn-queue-full, peer-not-proven, listen-other: no tracepoint shows",
        "no    not visible: paws-syn-recv, out-of-window, repeated: before 6.15",
    ] {
        assert!(text.contains(words), "{words:?} in {text}");
    }
    let text = style(80).doctor(&worst()).replace("\n      ", " ");
    for words in [
        "no    CAP_BPF and CAP_PERFMON missing",
        "no    this kernel runs no eBPF programs: the system call bpf() is? not there",
        "no    BTF: /sys/kernel/btf/vmlinux: there is no?[2J such file",
        "look  NAT on this machine: 9 of 9 SNAT rules use random-fully",
        "look  netns blue?8, 3 listeners: TcpExtPAWSTimewait 2",
        "other namespaces with such counts; -v shows them",
        "look  netns blue?8: net.ipv4.tcp_rfc1337=1: no RST ends TIME_WAIT",
        "?     3 more namespaces with listeners",
        "?     not looked at: 12 other network namespaces",
    ] {
        assert!(text.contains(words), "{words:?} in {text}");
    }
}

#[test]
fn verbose_has_a_line_for_everything() {
    let wordy = Style { verbose: true, ..style(80) };
    let text = wordy.doctor(&worst());
    assert_fits(&text, 80);
    let flat = text.replace("\n      ", " ");
    for words in [
        "kfree_skb: attaches",
        "visible: paws-time-wait, ",
        "not visible: paws-recycle: needs tcp_tw_recycle",
        "net.ipv4.tcp_timestamps=1: PAWS is in force",
        "netns 7 (this one), 3 listeners: no SYN counted as dropped",
        "netns blue?39, 3 listeners: no SYN counted",
    ] {
        assert!(flat.contains(words), "{words:?} in {text}");
    }
}

#[test]
fn recycling_has_its_remedy_beside_it() {
    let text = style(100).doctor(&recycling());
    assert_fits(&text, 100);
    let line = "look  net.ipv4.tcp_tw_recycle=1: refuses clients behind NATs; off: `sysctl -w net.ipv4.tcp_tw_recycle=0`";
    assert!(text.replace("\n      ", " ").contains(line), "{text}");
    assert!(text.contains("ok    hook set legacy"), "{text}");
}

#[test]
fn counters_that_were_not_read_are_no_good_news() {
    let mut checkup = healthy();
    let unread = Place {
        netns: 9,
        counters: std::collections::BTreeMap::new(),
        listeners: 1,
        ..checkup.places[0].clone()
    };
    checkup.places.push(unread);
    let text = style(80).doctor(&checkup);
    assert!(text.contains("ok    no SYN counted as dropped in one namespace (3 listeners)"), "{text}");
    assert!(
        text.contains("?     the kernel's counters could not be read in one namespace (one listener)"),
        "{text}"
    );
    let text = Style { verbose: true, ..style(80) }.doctor(&checkup);
    assert!(text.contains("?     netns 9, one listener: counters not read"), "{text}");
}
