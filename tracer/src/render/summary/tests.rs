//! The end of a run in words.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::{
    super::text::tests::{assert_fits, start, style, uncoloured},
    *,
};
use crate::model::{
    Nanos,
    any::any_word,
    environment::Environment,
    listener::{Listener, Served},
    nat::{Nat, NatVerdict},
    report::{
        CounterCheck, FilterWords, LeftOut, Listener as FullListener, Listeners, Missing, Other, Reasons,
        Retries, Source,
    },
    verdict::{Remedy, Verdict},
};

fn quiet() -> Summary {
    Summary {
        time: Nanos(0),
        elapsed_ms: 30_000,
        syns: Some(1234),
        drops: 0,
        by_cause: BTreeMap::new(),
        sources: Vec::new(),
        sources_total: 0,
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
        snmp: Vec::new(),
        lost: Lost::default(),
        blind: Vec::new(),
        missing: Vec::new(),
        environment: Environment::default(),
        left_out: LeftOut::default(),
        capture: None,
    }
}

fn source(src: &str, drops: u64) -> Source {
    Source {
        drops,
        paws: drops / 2,
        max_regression: (drops > 1).then_some(i32::MAX),
        first: Nanos(0),
        last: Nanos(1_700_000_000_999_999_999),
        ..Source::new(src.parse().unwrap(), Nanos(0))
    }
}

fn busy() -> Summary {
    let by_cause: BTreeMap<_, _> = Cause::ALL.into_iter().zip((1..).map(|n| n * 1000)).collect();
    Summary {
        drops: by_cause.values().sum(),
        by_cause,
        sources: vec![
            source("192.0.2.1", 70_000),
            source("2001:db8:1234:5678:9abc:def0:1234:5678", 99_999_999),
            source("2001:db8::1", 1),
        ],
        sources_total: 4711,
        snmp: vec![
            CounterCheck { name: "TcpExtPAWSEstab".into(), kernel: 12, ours: 12, remark: None },
            CounterCheck {
                name: "TcpExtListenOverflows".into(),
                kernel: 20,
                ours: 12,
                remark: Some(
                    "8 more counted than seen: this hook set does not see the listener; it counts final ACKs"
                        .into(),
                ),
            },
        ],
        lost: Lost { ring: 5, decode: 4, table: 3, slot: 2, read: 1, unprinted: 9, undecided: 0 },
        blind: vec![Cause::AcceptQueueFull],
        missing: vec![Missing { hook: "tcp_check_req".into(), why: "Operation not permitted".into() }],
        ..quiet()
    }
}

#[test]
fn no_drops_and_what_was_covered() {
    let words = FilterWords { ports: vec![(443, 443)], ..FilterWords::default() };
    assert_eq!(
        style(80).summary(&start(words.clone()), &quiet()),
        "\nNo drops seen.\nWatched port 443 for 30.0s. 1234 SYNs reached a listener.\n\nLost: nothing."
    );
    let blind = Summary {
        syns: None,
        accepted: 45,
        blind: vec![Cause::AcceptQueueFull, Cause::ListenOther],
        ..quiet()
    };
    assert_eq!(
        style(80).summary(&start(words), &blind),
        "\nNo drops seen.\nWatched port 443 for 30.0s. 45 connections were opened.\n\nLost: nothing.\n\
         not visible with this hook set: accept-queue-full, listen-other"
    );
}

#[test]
fn many_drops() {
    let text = style(80).summary(&start(FilterWords::default()), &busy());
    for words in [
        "At least 120000 SYNs dropped in 30.0s; 1234 SYNs reached a listener.",
        "    2000   1%  paws-time-wait     timestamp older than the one the closed",
        "Top 3 of 4711 sources:",
        "   70000    35000  2147483647  22:13:20  -                 192.0.2.1",
        "99999999 49999999  2147483647  22:13:20  -\n    2001:db8:1234:5678:9abc:def0:1234:5678",
        "       1        0           -  22:13:20  -                 2001:db8::1",
        "TcpExtPAWSEstab                12       12  agree",
        "TcpExtListenOverflows          20       12\n    8 more counted than seen:",
        "Lost: 5 records that found no room in the ring (not in the totals), 4 records",
        "9 not printed because of --rate-limit",
        "not visible with this hook set: accept-queue-full",
        "not attached: tcp_check_req: Operation not permitted",
    ] {
        let flat = text.replace("\n    printed", " printed");
        assert!(flat.contains(words), "{words:?} in {text}");
    }
    for cause in Cause::ALL {
        assert!(text.contains(cause.name()), "{cause} in {text}");
    }
    let shown = Summary { sources_total: 3, syns: None, accepted: 1, ..busy() };
    let text = style(80).summary(&start(FilterWords::default()), &shown);
    assert!(
        text.contains("\nSources:\n")
            && text.contains("At least 120000 SYNs dropped in 30.0s; one connection was opened.\n"),
        "{text}"
    );
}

fn nat(verdict: NatVerdict, hosts: Option<u32>, hosts_at_least: u32) -> Nat {
    Nat {
        verdict,
        hosts,
        hosts_at_least,
        confidence: 0.987,
        evidence: vec!["3 clocks ran at once.".into(), "each of 1000 Hz".into()],
        port_jumps: 0,
        clocks: Vec::new(),
    }
}

fn judged() -> Summary {
    let mut summary = Summary { sources_total: 7, ..busy() };
    summary.sources = [
        nat(NatVerdict::Nat, Some(3), 3),
        nat(NatVerdict::PerConnection, None, 1),
        nat(NatVerdict::Nat, None, u32::MAX),
        nat(NatVerdict::SingleHost, Some(1), 1),
        nat(NatVerdict::ClockChange, None, 1),
        nat(NatVerdict::Undecidable, None, 1),
    ]
    .into_iter()
    .zip(1..)
    .map(|(nat, n)| Source { nat: Some(nat), ..source(&format!("192.0.2.{n}"), 10 - n) })
    .collect();
    summary.sources[1].nat.as_mut().unwrap().port_jumps = 7;
    summary.sources[4].src = "2001:db8:1234:5678:9abc:def0:1234:5678".parse().unwrap();
    summary.other = Other { syns: 9, drops: 6, paws: 4, by_cause: BTreeMap::new() };
    summary.retries = Retries { refused: 9, came_back: 9, got_in: 8, waited_ms: 8800, longest_ms: 3100 };
    summary.clocks_evicted = 12;
    summary.verdict = Some(Verdict {
        cause: "paws-time-wait".into(),
        confidence: 0.954,
        text: "Several hosts share 192.0.2.1 (at least 3), each with a clock of its own. One of them got a port on which \
               the server still remembers a newer timestamp: PAWS refused it."
            .into(),
        speaks_for: vec!["Every drop that counts: 45 paws-time-wait, all of them in TIME_WAIT and none of them elsewhere.".into()],
        speaks_against: vec!["5 records were lost on the way.".into()],
        remedy: vec![
            Remedy {
                action: "sysctl -w net.ipv4.tcp_rfc1337=0".into(),
                price: "an old RST can end a TIME_WAIT early again, and more words than fit a line of a terminal".into(),
            },
            Remedy { action: "ss -ltn".into(), price: String::new() },
        ],
    });
    summary
}

#[test]
fn sources_and_what_their_clocks_say() {
    let text = style(80).summary(&start(FilterWords::default()), &judged());
    for words in [
        "Top 6 of 7 sources:",
        "   DROPS     PAWS  TICKS BACK  LAST      LOOKS LIKE        ADDRESS\n",
        "       9        4  2147483647  22:13:20  NAT, 3 hosts      192.0.2.1\n",
        "       8        4  2147483647  22:13:20  per-connection    192.0.2.2\n",
        "  NAT, 4294967295+ hosts  192.0.2.3\n",
        "  one host          192.0.2.4\n",
        "  clock changed\n    2001:db8:1234:5678:9abc:def0:1234:5678\n",
        "  unclear           192.0.2.6\n",
        "       6        4           -  -         -                 (without a row)\n",
        "192.0.2.1: NAT, 3 hosts (confidence 0.99); 3 clocks ran at once; each of 1000\n    Hz.\n",
        "192.0.2.2: per-connection (confidence 0.99); 3 clocks ran at once; each of 1000\n    Hz; one port jumped",
        "8 of 9 refused clients got in later, after 1.1s on average and 3.1s at most.",
        "12 pairs of addresses whose clocks were given up",
    ] {
        assert!(text.replace("\n    of addresses", " of addresses").contains(words), "{words:?} in {text}");
    }
    // Three are told, the rest is in the table.
    assert_eq!(text.matches("(confidence 0.99)").count(), 3);
}

fn served(dst: &str, dport: u16, drops: u64, listener: Option<Listener>) -> Served {
    let dst = dst.parse().unwrap();
    Served {
        netns: Some(4_026_532_000),
        netns_name: None,
        dst,
        dport,
        listener: listener.map(Into::into),
        drops,
    }
}

/// A pod's, a prefork server's that listens on all addresses, and nobody's.
fn with_listeners() -> Summary {
    let id = "0123456789abcdef".repeat(4);
    let cgroup = format!("/kubepods/burstable/pod8f0d1c8e-6d3b-4a52-9e71-2b0c4d5e6f70/{id}");
    let pod = Listener {
        pid: 4_194_304,
        comm: "fifteen-letters".into(),
        cgroup: Some(cgroup),
        processes: Some(1),
        sockets: Some(4),
    };
    let web = Listener {
        pid: 812,
        comm: "ng\x1binx".into(),
        cgroup: Some("/system.slice/nginx.service".into()),
        processes: Some(5),
        sockets: Some(1),
    };
    let mut rows = vec![
        served("198.51.100.7", 443, 40, Some(web.clone())),
        served("198.51.100.7", 8080, 30, Some(pod)),
        served("2001:db8::7", 443, 2, Some(web)),
        served("198.51.100.7", 22, 1, None),
    ];
    rows[1].netns_name = Some("cni-1234".into());
    Summary { served: rows, served_other: 9, ..busy() }
}

#[test]
fn who_lost_how_many() {
    let text = style(80).summary(&start(FilterWords::default()), &with_listeners());
    let (_, rest) = text.split_once("\nListeners:\n").unwrap();
    let (table, _) = rest.split_once("\n\n").unwrap();
    assert_eq!(
        table,
        "   DROPS  PORT   PROCESS             WHERE
      42  443    ng?inx (812)        and 4 more processes, in nginx.service,
                                     netns 4026532000
      30  8080   fifteen-letters (4194304)  4 sockets, container 0123456789ab,
                                     pod 8f0d1c8e-6d3b-4a52-9e71-2b0c4d5e6f70,
                                     netns cni-1234
       1  22     ?                   to 198.51.100.7, netns 4026532000
       9  (at other listeners)"
    );
    let unknown = Summary { served: vec![served("198.51.100.7", 22, 1, None)], ..busy() };
    assert!(!style(80).summary(&start(FilterWords::default()), &unknown).contains("Listeners"));
}

#[test]
fn clients_that_were_refused() {
    for (refused, got_in, want) in [
        (1, 0, "The refused client has not got in so far."),
        (9, 0, "None of 9 refused clients got in so far."),
        (1, 1, "The refused client got in later, after 3.1s."),
        (9, 1, "One of 9 refused clients got in later, after 3.1s."),
    ] {
        let retries = Retries { refused, came_back: got_in, got_in, waited_ms: 3100, longest_ms: 3100 };
        let text = style(80).summary(&start(FilterWords::default()), &Summary { retries, ..judged() });
        assert!(text.contains(want), "{want:?} in {text}");
    }
}

#[test]
fn the_verdict_stands_at_the_very_end() {
    let text = style(80).summary(&start(FilterWords::default()), &judged());
    let (_, end) = text.split_once("\nVerdict: ").unwrap();
    assert_eq!(
        end,
        "paws-time-wait (confidence 0.95)\n\
         Several hosts share 192.0.2.1 (at least 3), each with a clock of its own. One of\n\
         them got a port on which the server still remembers a newer timestamp: PAWS\n\
         refused it.\n  \
         + Every drop that counts: 45 paws-time-wait, all of them in TIME_WAIT and none\n    of them elsewhere.\n  \
         - 5 records were lost on the way.\n\
         What to do, best first:\n \
         1. sysctl -w net.ipv4.tcp_rfc1337=0\n    \
         Price: an old RST can end a TIME_WAIT early again, and more words than fit a\n    line of a terminal.\n \
         2. ss -ltn"
    );
    let none = style(80).summary(&start(FilterWords::default()), &quiet());
    assert!(!none.contains("Verdict"));
}

#[test]
fn the_width_of_the_terminal() {
    for width in [80, 100, 132] {
        assert_fits(&style(width).summary(&start(FilterWords::default()), &busy()), width);
        assert_fits(&style(width).summary(&start(FilterWords::default()), &judged()), width);
        assert_fits(&style(width).summary(&start(FilterWords::default()), &with_listeners()), width);
        assert_fits(&style(width).summary(&start(FilterWords::default()), &quiet()), width);
    }
    // Narrower than a table: every sentence still is.
    let text = style(40).summary(&start(FilterWords::default()), &busy());
    let tables =
        |line: &&str| line.contains("  ") && line.trim_start().starts_with(|c: char| c.is_ascii_digit());
    let heads = |line: &&str| line.trim_start().starts_with(['D', 'C', 'T']) && line.contains("  ");
    for line in text.lines().filter(|line| !tables(line) && !heads(line)) {
        assert!(line.chars().count() <= 45, "{line:?}");
    }
}

#[test]
fn colours_are_colours_and_nothing_else() {
    for summary in [quiet(), busy(), judged()] {
        let start = start(FilterWords::default());
        let plain = style(80).summary(&start, &summary);
        let coloured = Style { color: true, ..style(80) }.summary(&start, &summary);
        assert!(!plain.contains('\x1b') && coloured.contains('\x1b'));
        assert_eq!(uncoloured(&coloured), plain);
    }
}

#[test]
fn reasons_and_full_queues() {
    let listener = |dport, drops| FullListener {
        netns: None,
        dst: "2001:db8::7".parse().unwrap(),
        dport,
        by_cause: BTreeMap::from([(Cause::AcceptQueueFull, drops)]),
        accept_queue: Some((6, 5)),
        syn_queue: None,
        beside_syn_queue: None,
    };
    let mut summary = busy();
    assert!(!style(80).summary(&start(FilterWords::default()), &summary).contains("Full queues"));
    summary.reasons = Reasons { named: vec![("TCP_CSUM".into(), 8)], beyond: 2, none: 1 };
    summary.listeners = Listeners { full: (0..5).map(|n| listener(443 + n, 9)).collect(), beyond: 4 };
    let text = style(400).summary(&start(FilterWords::default()), &summary);
    assert!(text.contains("\nOther reasons: 8 TCP_CSUM, 2 of others, 1 without.\n"), "{text}");
    let queues =
        "\nFull queues: [2001:db8::7]:443 dropped 9 (accept queue 6, its limit 5); [2001:db8::7]:444";
    assert!(text.contains(queues) && text.contains("; 22 drops of others.\n"), "{text}");
    assert_fits(&style(80).summary(&start(FilterWords::default()), &summary), 80);
}

proptest! {
    #[test]
    fn any_numbers(
        counts in proptest::collection::btree_map(proptest::sample::select(Cause::ALL.as_slice()), any::<u64>(), 0..15),
        drops: u64,
        syns: Option<u64>,
        elapsed_ms: u64,
        lost: [u64; 7],
    ) {
        let [ring, decode, table, slot, read, unprinted, undecided] = lost;
        let lost = Lost { ring, decode, table, slot, read, unprinted, undecided };
        let summary = Summary { by_cause: counts, drops, syns, elapsed_ms, lost, ..quiet() };
        let text = style(80).summary(&start(FilterWords::default()), &summary);
        prop_assert!(text.contains("Lost: "));
        prop_assert_eq!(text.contains("No drops seen."), drops == 0);
        if ring > 0 {
            let words = format!("{ring} records");
            prop_assert!(text.contains(&words));
        }
    }

    #[test]
    fn any_verdict_fits(
        cause in any_word(),
        text in any_word(),
        points in proptest::collection::vec(any_word(), 0..4),
        action in any_word(),
        price in any_word(),
        numbers: [u64; 5],
        hosts: Option<u32>,
        least: u32,
        confidence: f64,
    ) {
        let [refused, came_back, got_in, waited_ms, longest_ms] = numbers;
        let mut summary = judged();
        summary.retries = Retries { refused, came_back, got_in, waited_ms, longest_ms };
        for source in &mut summary.sources {
            let nat = source.nat.as_mut().unwrap();
            (nat.hosts, nat.hosts_at_least, nat.confidence) = (hosts, least, confidence);
            nat.evidence.clone_from(&points);
        }
        let short = |words: &String| words.chars().take(30).collect::<String>();
        summary.verdict = Some(Verdict {
            cause: short(&cause),
            confidence,
            text: text.clone(),
            speaks_for: points.clone(),
            speaks_against: points.clone(),
            remedy: vec![Remedy { action, price }],
        });
        let printed = style(80).summary(&start(FilterWords::default()), &summary);
        prop_assert!(printed.contains("\nVerdict: "));
        prop_assert!(printed.lines().all(|line| !line.chars().any(char::is_control)), "{printed:?}");
    }
}
