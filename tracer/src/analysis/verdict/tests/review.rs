//! What a second reader found: each of these fails today.

use super::*;

const LISTENER: [Cause; 4] =
    [Cause::AcceptQueueFull, Cause::SynQueueFull, Cause::PeerNotProven, Cause::ListenOther];

/// One of a thousand PAWS drops came from an address that several hosts share.
#[test]
fn a_finding_speaks_for_the_drops_that_it_explains() {
    let made = time_wait(1000).source("192.0.2.1", 999, NatVerdict::Undecidable, 0.0).source(
        "192.0.2.9",
        1,
        NatVerdict::Nat,
        0.99,
    );
    let verdict = made.verdict();
    assert!(!verdict.text.contains("Several hosts"), "{} {}", verdict.confidence, verdict.text);
}

#[test]
fn a_finding_that_is_a_guess_is_not_told_as_a_fact() {
    let verdict = time_wait(100)
        .source("192.0.2.1", 100, NatVerdict::Nat, 0.05)
        .checked("TcpExtPAWSTimewait", 100, 100)
        .verdict();
    let claims = verdict.text.contains("Several hosts share");
    assert!(!claims || verdict.confidence <= 0.06, "{} {}", verdict.confidence, verdict.text);
}

#[test]
fn sixteen_sources_are_not_three_hosts() {
    let made = (1..=16)
        .fold(time_wait(160), |made, n| made.source(&format!("192.0.2.{n}"), 10, NatVerdict::Nat, 0.99));
    let text = made.verdict().text;
    assert!(!text.contains("15 more addresses (at least 3)"), "{text}");
}

/// The kernel's counter of PAWS moved by more than was seen, and records were lost.
#[test]
fn what_was_lost_may_have_been_paws() {
    let mut made = Made::drops(&[(Cause::AcceptQueueFull, 10)])
        .checked("TcpExtListenOverflows", 10, 10)
        .checked("TcpExtPAWSTimewait", 9000, 0);
    made.lost.ring = 9000;
    let verdict = made.verdict();
    assert!(!verdict.text.contains("not to blame"), "{} {}", verdict.confidence, verdict.text);
}

#[test]
fn what_was_lost_was_dropped() {
    let mut made = Made::default().checked("TcpExtListenDrops", 0, 0);
    made.snapshot.accepted = 45;
    made.lost.ring = 10_000;
    let verdict = made.verdict();
    assert!(!verdict.text.contains("No SYN was dropped"), "{} {}", verdict.confidence, verdict.text);
}

/// `-p 443` in the tracepoint set: 10 PAWS drops there; some other listener's queue overflowed 500 times. The remark is what
/// `snmp` says of it.
#[test]
fn another_ports_counter_is_not_this_ports_cause() {
    let mut made = Made { blind: LISTENER.to_vec(), filtered: true, ..time_wait(10) };
    made.checks.push(CounterCheck {
        name: "TcpExtListenOverflows".into(),
        kernel: 500,
        ours: 0,
        remark: Some(
            "500 more counted than seen: the kernel counts SYNs that the filter leaves out, too".into(),
        ),
    });
    let verdict = made.verdict();
    assert_ne!(verdict.cause, "accept-queue-full", "{} {}", verdict.confidence, verdict.text);
}

/// `--cause paws`, and 300 SYNs died of a full accept queue: they are in `ours`, and in no total.
#[test]
fn causes_that_are_not_shown_are_no_health() {
    let mut made =
        Made::default().checked("TcpExtListenOverflows", 300, 300).checked("TcpExtListenDrops", 300, 300);
    made.snapshot.accepted = 45;
    let verdict = made.verdict();
    assert!(!verdict.text.contains("No SYN was dropped."), "{} {}", verdict.confidence, verdict.text);
}

fn not_surer(before: &Verdict, after: &Verdict) {
    let [was, is] = [before, after].map(|verdict| (verdict.confidence, &verdict.cause));
    assert!(is.0 <= was.0, "{was:?} then {is:?}");
}

#[test]
fn less_of_the_dominant_cause_never_raises_the_number() {
    let queue = |paws| Made::drops(&[(Cause::PawsTimeWait, paws), (Cause::AcceptQueueFull, 30)]).verdict();
    not_surer(&queue(50), &queue(40));
}

#[test]
fn less_of_what_was_seen_never_makes_the_unseen_surer() {
    let both = |paws| {
        let made = Made { blind: LISTENER.to_vec(), ..Made::drops(&[(Cause::PawsTimeWait, paws)]) };
        made.checked("TcpExtListenOverflows", 9, 0).verdict()
    };
    not_surer(&both(9), &both(8));
}

/// A SYN queue is full at the listener's own backlog (`inet_csk_reqsk_queue_is_full`): the sysctl does not move it.
#[test]
fn a_full_syn_queue_needs_a_longer_backlog_first() {
    let verdict = Made::drops(&[(Cause::SynQueueFull, 90)])
        .sysctl("net.ipv4.tcp_syncookies", "0")
        .sysctl("net.ipv4.tcp_max_syn_backlog", "4096")
        .sysctl("net.core.somaxconn", "128")
        .verdict();
    let at = |words: &str| verdict.remedy.iter().position(|remedy| remedy.action.contains(words));
    assert!(at("listen()") < at("tcp_max_syn_backlog="), "{}", actions(&verdict));
}

/// Each refused SYN starts the bucket's minute anew: waiting helps only those who do not try.
#[test]
fn waiting_does_not_end_it_while_clients_try() {
    let mut made = time_wait(50).source("192.0.2.1", 50, NatVerdict::Reboot, 0.99);
    made.snapshot.retries = Retries { refused: 5, came_back: 5, got_in: 0, waited_ms: 0, longest_ms: 0 };
    let verdict = made.verdict();
    assert!(!actions(&verdict).contains("ends by itself"), "{}", actions(&verdict));
}

#[test]
fn wire_recycle_is_no_fact() {
    let mut made = Made::drops(&[(Cause::PawsRecycle, 40)]);
    made.snapshot.wire = 40;
    assert!(made.verdict().text.contains("consistent"), "{}", made.verdict().text);
}
