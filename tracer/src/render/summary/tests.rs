//! The end of a run in words.

mod judged;
mod listeners;

use std::collections::BTreeMap;

use proptest::prelude::*;

use self::{judged::judged, listeners::with_listeners};
use super::{
    super::text::tests::{assert_fits, start, style, uncoloured},
    *,
};
use crate::model::{
    Nanos,
    any::any_cause,
    report::{CounterCheck, FilterWords, Missing, Source},
};

fn quiet() -> Summary {
    Summary { elapsed_ms: 30_000, syns: Some(1234), ..Summary::default() }
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
        lost: Lost {
            ring: 5,
            counted: 0,
            decode: 4,
            table: 3,
            slot: 2,
            read: 1,
            skipped: 0,
            unprinted: 9,
            undecided: 0,
        },
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
fn where_nobody_came_the_port_may_be_wrong() {
    let hint = "Is it the right port? `ss -ltn`";
    let words = FilterWords { ports: vec![(444, 444)], ..FilterWords::default() };
    for (syns, accepted, words, wrong) in [
        (Some(0), 0, &words, true),
        (None, 0, &words, true),
        (None, 1, &words, false),
        (Some(1), 0, &words, false),
        (Some(0), 0, &FilterWords::default(), false),
    ] {
        let text = style(100).summary(&start(words.clone()), &Summary { syns, accepted, ..quiet() });
        assert_eq!(text.contains(hint), wrong, "{text}");
    }
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

proptest! {
    #[test]
    fn any_numbers(
        counts in proptest::collection::btree_map(any_cause(), any::<u64>(), 0..15),
        drops: u64,
        syns: Option<u64>,
        elapsed_ms: u64,
        lost: [u64; 9],
    ) {
        let [ring, counted, decode, table, slot, read, skipped, unprinted, undecided] = lost;
        let lost = Lost { ring, counted, decode, table, slot, read, skipped, unprinted, undecided };
        let summary = Summary { by_cause: counts, drops, syns, elapsed_ms, lost, ..quiet() };
        let text = style(80).summary(&start(FilterWords::default()), &summary);
        prop_assert!(text.contains("Lost: "));
        prop_assert_eq!(text.contains("No drops seen."), drops == 0);
        if ring > counted {
            let words = format!("{} records", ring - counted);
            prop_assert!(text.contains(&words));
        }
    }

}
