//! Who is behind an address decides the words: hosts are claimed where clocks show them, and nowhere else.

use super::*;

#[test]
fn several_hosts_behind_one_address() {
    let made = time_wait(100)
        .source("192.0.2.1", 100, NatVerdict::Nat, 0.99)
        .checked("TcpExtPAWSTimewait", 100, 100)
        .sysctl("net.ipv4.tcp_timestamps", "1");
    let verdict = made.verdict();
    assert_eq!((made.rule(), verdict.cause.as_str()), ("paws-nat", "paws-time-wait"));
    assert_eq!(
        verdict.text,
        "Several hosts share 192.0.2.1 (at least 3), each with a clock of its own. One of them got a port on which \
         the server still remembers a newer timestamp: PAWS refused it."
    );
    assert!(verdict.confidence > 0.95, "{}", verdict.confidence);
    assert_eq!(
        verdict.speaks_for,
        [
            "Every drop that counts: 100 paws-time-wait.",
            "The kernel's own TcpExtPAWSTimewait moved by just as much.",
            "192.0.2.1 is nat: 3 clocks at once; 1000 Hz each.",
        ]
    );
    assert!(verdict.speaks_against.is_empty(), "{:?}", verdict.speaks_against);
    // Uptime clocks of several machines look older than one another: that would not help here.
    assert!(!actions(&verdict).contains("tcp_timestamps=2"));
}

#[test]
fn a_clock_for_every_connection_needs_one_client_only() {
    let made = time_wait(56).source("192.0.2.1", 56, NatVerdict::PerConnection, 0.95);
    let verdict = made.verdict();
    assert_eq!(made.rule(), "paws-per-connection");
    assert!(verdict.text.contains("One client behind a port-translating NAT is enough"), "{}", verdict.text);
    assert!(actions(&verdict).contains("sysctl -w net.ipv4.tcp_timestamps=2"), "{}", actions(&verdict));
    let all = format!("{verdict:?}").to_lowercase();
    assert!(!all.contains("several hosts") && !all.contains("hosts behind"), "{all}");
}

#[test]
fn restarts_and_what_may_be_one() {
    for (finding, rule, words) in [
        (NatVerdict::Reboot, "paws-reboot", "began anew: a restart"),
        (NatVerdict::ClockChange, "paws-clock-change", "a restart, or the address changed hands"),
    ] {
        let made = time_wait(8).source("2001:db8::1", 8, finding, 0.9);
        let verdict = made.verdict();
        assert_eq!(made.rule(), rule);
        assert!(verdict.text.contains(words), "{}", verdict.text);
        assert!(actions(&verdict).contains("Let the clients be quiet for a minute"));
    }
}

#[test]
fn what_cannot_be_told_is_not_told() {
    for finding in [NatVerdict::Undecidable, NatVerdict::SingleHost, NatVerdict::NoTimestamps] {
        let made = time_wait(50).source("192.0.2.1", 50, finding, 0.99);
        let verdict = made.verdict();
        assert_eq!(made.rule(), "paws-time-wait");
        let words = match finding {
            NatVerdict::SingleHost => "The address shows one clock, which does not explain it yet.",
            _ => "Who is behind the address cannot be told yet.",
        };
        assert!(verdict.text.contains(words), "{finding}: {}", verdict.text);
        assert!(verdict.remedy[0].action.starts_with("Let tracer run longer"), "{finding}");
        assert!(verdict.speaks_against.iter().any(|words| words.starts_with("One source ")), "{verdict:?}");
        let sure = time_wait(50).source("192.0.2.1", 50, NatVerdict::Nat, 0.99).verdict();
        assert!(verdict.confidence < sure.confidence);
    }
}

#[test]
fn the_finding_behind_most_drops_speaks() {
    let made = time_wait(110)
        .source("192.0.2.1", 10, NatVerdict::Nat, 0.99)
        .source("192.0.2.2", 60, NatVerdict::PerConnection, 0.9)
        .source("192.0.2.3", 40, NatVerdict::PerConnection, 0.9);
    let verdict = made.verdict();
    assert_eq!(made.rule(), "paws-per-connection");
    assert!(verdict.text.contains("192.0.2.2 and one more address"), "{}", verdict.text);
    assert!(
        verdict.speaks_against.iter().any(|words| words.contains("tells another story")),
        "{:?}",
        verdict.speaks_against
    );
    // Sources without a PAWS drop have no say, however sure they are.
    let mut made = time_wait(10).source("192.0.2.1", 0, NatVerdict::Nat, 1.0);
    made.snapshot.sources[0].drops = 500;
    assert_eq!(made.rule(), "paws-time-wait");
}

#[test]
fn a_port_that_jumped_is_proof_of_translation() {
    let mut made = time_wait(50).source("192.0.2.1", 50, NatVerdict::PerConnection, 0.9);
    made.snapshot.sources[0].nat.as_mut().unwrap().port_jumps = 7;
    let all = made.verdict().speaks_for.join(" ");
    assert!(all.contains("jumped from one clock to another, 7 times"), "{all}");
}

#[test]
fn recycle_needs_no_port_twice() {
    let made = Made::drops(&[(Cause::PawsRecycle, 40)]);
    let verdict = made.clone().sysctl("net.ipv4.tcp_tw_recycle", "1").verdict();
    assert_eq!(verdict.remedy[0].action, "sysctl -w net.ipv4.tcp_tw_recycle=0");
    assert!(verdict.remedy[0].price.ends_with("costs little; nothing else is needed"), "{verdict:?}");
    assert_eq!(verdict.remedy.len(), 1, "{verdict:?}");
    assert!(verdict.speaks_for.iter().any(|words| words == "net.ipv4.tcp_tw_recycle is 1."));
    let unread = actions(&made.verdict());
    assert!(
        !unread.contains("sysctl -w net.ipv4.tcp_tw_recycle") && unread.contains("where it is 1"),
        "{unread}"
    );
    let behind = made.source("192.0.2.1", 40, NatVerdict::Nat, 0.95);
    assert_eq!(behind.rule(), "recycle-nat");
    assert!(behind.verdict().text.starts_with("Several hosts share 192.0.2.1 (at least 3)"));
}

#[test]
fn the_number_of_hosts_belongs_to_one_address() {
    let two = time_wait(30).source("192.0.2.1", 10, NatVerdict::Nat, 0.99).source(
        "192.0.2.2",
        20,
        NatVerdict::Nat,
        0.99,
    );
    let text = two.verdict().text;
    assert!(
        text.starts_with("Several hosts share each of 2 addresses (at least 3 behind 192.0.2.2), each with"),
        "{text}"
    );
}

#[test]
fn what_a_verdict_of_packets_says_of_recycle() {
    let mut made = Made::drops(&[(Cause::PawsRecycle, 40)]).source("192.0.2.1", 40, NatVerdict::Nat, 0.99);
    made.snapshot.wire = 40;
    let text = made.verdict().text;
    assert!(text.contains("consistent with tcp_tw_recycle") && !text.contains("dropped"), "{text}");
}
