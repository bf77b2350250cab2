//! Sources and what their clocks say, who got in later, and the verdict.

use proptest::prelude::*;

use super::*;
use crate::model::{
    any::any_word,
    nat::{Nat, NatVerdict},
    report::{Other, Retries},
    verdict::{Remedy, Verdict},
};

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

pub(super) fn judged() -> Summary {
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

proptest! {
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
