//! Remedies fit what was read of the machine.

use super::*;
use crate::model::environment::OwnNat;

fn nat(cause: Cause) -> Made {
    Made::drops(&[(cause, 100)]).source("192.0.2.1", 100, NatVerdict::Nat, 0.99)
}

#[test]
fn no_setting_is_changed_that_was_not_read() {
    // But for advice that names the machine it is for, as it is not this one.
    let elsewhere = ["On Linux clients", "As the last resort"];
    for cause in Cause::ALL {
        for verdict in [Made::drops(&[(cause, 100)]).verdict(), nat(cause).verdict()] {
            for remedy in verdict.remedy {
                let named = elsewhere.iter().any(|words| remedy.action.starts_with(words));
                assert!(named || !remedy.action.contains("sysctl -w"), "{cause}: {}", remedy.action);
            }
        }
    }
}

#[test]
fn recycle_is_turned_off_only_where_it_is_on() {
    let command = "sysctl -w net.ipv4.tcp_tw_recycle=0";
    for (value, want) in [(Some("1"), true), (Some("0"), false), (None, false)] {
        for cause in [Cause::PawsTimeWait, Cause::PawsRecycle] {
            let made = nat(cause);
            let made = value.map_or(made.clone(), |value| made.sysctl("net.ipv4.tcp_tw_recycle", value));
            let given = made.verdict().remedy.iter().any(|remedy| remedy.action == command);
            assert_eq!(given, want, "{cause} {value:?}");
        }
    }
}

#[test]
fn a_setting_that_only_the_first_namespace_shows() {
    // Until 4.11 it holds in all of them, so that it is not there says nothing.
    let mut made = Made::drops(&[(Cause::PawsRecycle, 40)]).sysctl("net.ipv4.tcp_timestamps", "1");
    made.environment.kernel = Some("4.9.229".into());
    let verdict = made.verdict();
    assert!(verdict.remedy[0].action.starts_with("Read `sysctl net.ipv4.tcp_tw_recycle`"), "{verdict:?}");
    assert!(verdict.remedy[1].action.ends_with("Kernels from 4.12 on do not have it."), "{verdict:?}");
    assert!(verdict.speaks_against.iter().any(|words| words.contains("not known: net.ipv4.tcp_tw_recycle")));
    assert!(!verdict.speaks_against.iter().any(|words| words.contains("any more")), "{verdict:?}");
}

#[test]
fn a_server_that_ignores_resets() {
    let verdict = nat(Cause::PawsTimeWait).sysctl("net.ipv4.tcp_rfc1337", "1").verdict();
    assert_eq!(verdict.remedy[0].action, "sysctl -w net.ipv4.tcp_rfc1337=0");
    assert!(verdict.remedy[0].price.contains("134 s"));
    let off = nat(Cause::PawsTimeWait).sysctl("net.ipv4.tcp_rfc1337", "0").verdict();
    assert!(!actions(&off).contains("rfc1337"));
}

#[test]
fn a_firewall_that_eats_acks() {
    let slow = Retries { refused: 9, came_back: 9, got_in: 9, waited_ms: 90_000, longest_ms: 15_000 };
    let quick = Retries { longest_ms: 13, waited_ms: 99, ..slow };
    let stuck = Retries { refused: 9, came_back: 9, ..Retries::default() };
    for (retries, want) in [(slow, true), (quick, false), (stuck, true), (Retries::default(), false)] {
        let mut made = nat(Cause::PawsTimeWait);
        made.snapshot.retries = retries;
        let verdict = made.verdict();
        assert_eq!(actions(&verdict).contains("bare ACK"), want, "{retries:?}");
        // A listener that is full sends none.
        let mut made = Made::drops(&[(Cause::AcceptQueueFull, 9)]);
        made.snapshot.retries = retries;
        assert!(!actions(&made.verdict()).contains("bare ACK"));
    }
    let mut made = nat(Cause::PawsTimeWait);
    made.snapshot.retries = slow;
    let said = "9 of 9 refused clients got in later, the slowest after 15.0 s.".to_owned();
    assert!(made.verdict().speaks_for.contains(&said));
}

#[test]
fn the_nat_is_this_machine() {
    let mut made = nat(Cause::PawsTimeWait);
    made.environment.own_nat = Some(OwnNat { rules: 3, random_fully: 2, conntrack: true });
    let verdict = made.clone().sysctl("net.netfilter.nf_conntrack_tcp_timeout_time_wait", "1").verdict();
    let first = &verdict.remedy[0].action;
    assert!(first.starts_with("Take random-fully off this machine's own SNAT (2 of 3 rules)"), "{first}");
    assert!(first.contains("nft list ruleset | grep -n fully-random"), "{first}");
    let advice = actions(&verdict);
    assert!(advice.contains("nf_conntrack_tcp_timeout_time_wait=120"), "{advice}");
    assert_eq!(advice.matches("random-fully off").count(), 1);
    // Looked at, and it is another machine.
    made.environment.own_nat = Some(OwnNat::default());
    let advice = actions(&made.verdict());
    assert!(advice.contains("clients, take random-fully off") && !advice.contains("this machine's"));
}

#[test]
fn the_last_resort_comes_last_and_only_where_it_changes_something() {
    let verdict = nat(Cause::PawsTimeWait).sysctl("net.ipv4.tcp_timestamps", "1").verdict();
    let n = verdict.remedy.len();
    assert!(verdict.remedy[n - 2].action.contains("tcp_timestamps=0"), "{}", actions(&verdict));
    assert!(!verdict.remedy[n - 2].price.is_empty());
    assert!(verdict.remedy[n - 1].action.contains("tcp_tw_reuse"));
    let off = nat(Cause::PawsTimeWait).sysctl("net.ipv4.tcp_timestamps", "0").verdict();
    assert!(!actions(&off).contains("tcp_timestamps=0"));
    assert!(off.speaks_against.iter().any(|words| words.contains("does not fit")));
    let old = Made::drops(&[(Cause::OldSequence, 9)]).sysctl("net.ipv4.tcp_timestamps", "0").verdict();
    assert_eq!(old.remedy[0].action, "sysctl -w net.ipv4.tcp_timestamps=1");
}

#[test]
fn the_backlog_with_its_numbers() {
    let mut made = Made::drops(&[(Cause::AcceptQueueFull, 90)]).sysctl("net.core.somaxconn", "4096");
    made.listener(443, Cause::AcceptQueueFull, 90, (129, 128), None);
    let verdict = made.verdict();
    let advice = actions(&verdict);
    assert!(advice.contains("it is 128, and net.core.somaxconn allows 4096"), "{advice}");
    assert!(!advice.contains("sysctl -w"), "{advice}");
    assert!(verdict.speaks_for.contains(&"The accept queue held 129, and its limit is 128.".to_owned()));
    // Where the sysctl is what caps it, the sysctl goes first.
    let capped = made.sysctl("net.core.somaxconn", "128").verdict();
    let advice = actions(&capped);
    assert!(
        advice.contains("sysctl -w net.core.somaxconn=4096") && !advice.contains("Raise the backlog"),
        "{advice}"
    );
}

#[test]
fn syn_cookies() {
    let made = Made::drops(&[(Cause::SynQueueFull, 90)]).sysctl("net.ipv4.tcp_max_syn_backlog", "4096");
    let off = made.clone().sysctl("net.ipv4.tcp_syncookies", "0").verdict();
    assert_eq!(off.remedy[0].action, "sysctl -w net.ipv4.tcp_syncookies=1");
    assert!(actions(&off).contains("tcp_max_syn_backlog=8192"));
    assert!(off.speaks_for.iter().any(|words| words.contains("net.ipv4.tcp_syncookies is 0")));
    let on = made.sysctl("net.ipv4.tcp_syncookies", "1").verdict();
    assert!(!actions(&on).contains("syncookies"));
    assert!(on.speaks_against.iter().any(|words| words.contains("tcp_syncookies is on by now")));
}

#[test]
fn cookies_that_may_be_on_are_not_turned_on() {
    let made = Made::drops(&[(Cause::SynQueueFull, 90)]);
    let verdict = made.verdict();
    assert!(
        verdict.remedy[0].action.starts_with("Read `sysctl net.ipv4.tcp_syncookies`"),
        "{}",
        actions(&verdict)
    );
    // What stands in the table and was not read is not known.
    let mut unread = made.sysctl("net.ipv4.tcp_syncookies", "0");
    unread.environment.sysctls_read = false;
    assert_eq!(unread.verdict(), verdict);
    let said = "Settings of the server that are not known: net.ipv4.tcp_syncookies, net.core.somaxconn, \
                net.ipv4.tcp_max_syn_backlog.";
    assert!(verdict.speaks_against.iter().any(|words| words == said), "{:?}", verdict.speaks_against);
}

#[test]
fn a_setting_that_the_kernel_does_not_have() {
    let made = Made::drops(&[(Cause::PawsRecycle, 40)]).sysctl("net.ipv4.tcp_timestamps", "1");
    let verdict = made.verdict();
    assert!(!actions(&verdict).contains("Read `sysctl net.ipv4.tcp_tw_recycle`"), "{}", actions(&verdict));
    assert!(verdict.speaks_against.iter().any(|words| words.contains("no tcp_tw_recycle any more")));
    assert!(!verdict.speaks_against.iter().any(|words| words.contains("not known")));
    // One that cannot be understood may be anything.
    let odd = made.sysctl("net.ipv4.tcp_rfc1337", "nonsense").verdict();
    assert!(
        odd.speaks_against
            .contains(&"Settings of the server that are not known: net.ipv4.tcp_rfc1337.".to_owned())
    );
}

#[test]
fn a_full_syn_queue_with_its_numbers() {
    let mut made = Made::drops(&[(Cause::SynQueueFull, 90)])
        .sysctl("net.ipv4.tcp_max_syn_backlog", "4096")
        .sysctl("net.core.somaxconn", "4096");
    made.listener(443, Cause::SynQueueFull, 90, (3, 128), Some((129, 4096)));
    let verdict = made.verdict();
    assert!(
        verdict
            .text
            .starts_with("The SYN queue is full (129 at a listener's backlog of 128), and no SYN cookies")
    );
    let said = "The SYN queue held 129, and the listener's backlog, its limit, is 128 (tcp_max_syn_backlog is 4096; the accept \
                queue held 3).";
    assert!(verdict.speaks_for.iter().any(|words| words == said), "{:?}", verdict.speaks_for);
    let at = |words: &str| verdict.remedy.iter().position(|remedy| remedy.action.contains(words));
    let backlog = at(
        "at which its SYN queue ends, too, and restart it: it is 128, and net.core.somaxconn allows 4096.",
    );
    assert!(backlog.is_some() && backlog < at("tcp_max_syn_backlog=8192"), "{}", actions(&verdict));
    let capped = made.sysctl("net.core.somaxconn", "128").verdict();
    let at = |words: &str| capped.remedy.iter().position(|remedy| remedy.action.contains(words));
    assert!(at("somaxconn=4096").is_some() && at("somaxconn=4096") < at("tcp_max_syn_backlog=8192"));
}

#[test]
fn a_port_in_use_is_another_matter_than_one_in_time_wait() {
    let bucket = ["within 60 s of its close", "Let the client close first", "tcp_tw_reuse"];
    for (cause, in_bucket, keepalive) in [
        (Cause::PawsTimeWait, true, false),
        (Cause::PawsFinWait2, true, false),
        (Cause::PawsSynRecv, false, false),
        (Cause::PawsEstablished, false, true),
    ] {
        for finding in [NatVerdict::Nat, NatVerdict::PerConnection, NatVerdict::Undecidable] {
            let made = Made::drops(&[(cause, 50)]).source("192.0.2.1", 50, finding, 0.9);
            let advice = actions(&made.sysctl("net.ipv4.tcp_rfc1337", "1").verdict());
            for words in bucket {
                assert_eq!(advice.contains(words), in_bucket, "{cause} {finding}: {advice}");
            }
            assert_eq!(advice.contains("tcp_rfc1337=0"), in_bucket, "{cause} {finding}: {advice}");
            assert_eq!(advice.contains("SO_KEEPALIVE"), keepalive, "{cause} {finding}: {advice}");
            assert_eq!(
                advice.contains("lends a port a second time"),
                !in_bucket,
                "{cause} {finding}: {advice}"
            );
        }
    }
}

#[test]
fn packets_alone_send_one_to_the_server() {
    let mut made = nat(Cause::PawsTimeWait);
    made.snapshot.wire = made.snapshot.drops;
    assert!(made.verdict().remedy[0].action.starts_with("Run tracer on the server"));
    assert!(!actions(&nat(Cause::PawsTimeWait).verdict()).contains("Run tracer on the server"));
}

#[test]
fn each_reason_of_the_kernels_has_its_own_remedy() {
    for (reason, words) in [
        ("NETFILTER_DROP", "nft list ruleset"),
        ("TCP_CSUM", "ethtool -K DEV rx off"),
        ("SOCKET_FILTER", "ss -ltnpb"),
        ("TCP_MINTTL", "IP_MINTTL"),
        ("TCP_AOKEYNOTFOUND", "TCP-AO keys"),
        ("XFRM_POLICY", "ip xfrm policy"),
        ("SECURITY_HOOK", "ausearch"),
        ("TCP_FLAGS", "crafted or broken"),
        ("BRAND. NEW", "Look BRANDNEW up"),
    ] {
        let mut made = Made::drops(&[(Cause::Other, 9)]);
        made.snapshot.reasons.named = vec![(reason.into(), 9)];
        let verdict = made.verdict();
        assert!(verdict.remedy[0].action.contains(words), "{reason}: {}", actions(&verdict));
        let firewall = actions(&verdict).contains("nft list ruleset");
        assert_eq!(firewall, reason == "NETFILTER_DROP", "{reason}: {}", actions(&verdict));
    }
    // Where the kernel named none, the firewall is the likeliest.
    assert!(actions(&Made::drops(&[(Cause::Other, 9)]).verdict()).contains("nft list ruleset"));
}

#[test]
fn advice_for_the_listener_with_the_most_drops() {
    let mut made = Made::drops(&[(Cause::AcceptQueueFull, 90)]).sysctl("net.core.somaxconn", "4096");
    made.listener(443, Cause::AcceptQueueFull, 4, (4097, 4096), None);
    made.listener(8080, Cause::AcceptQueueFull, 86, (6, 5), None);
    let advice = actions(&made.verdict());
    assert!(advice.contains("the application at 198.51.100.7:8080 gives to listen()"), "{advice}");
    assert!(!advice.contains("sysctl -w"), "{advice}");
    // Two that drop about as many: one at its own limit, one at the system's.
    made.snapshot.listeners.full[0].by_cause.insert(Cause::AcceptQueueFull, 80);
    let advice = actions(&made.verdict());
    assert!(advice.contains("it is 5, and") && advice.contains("somaxconn=8192"), "{advice}");
}
