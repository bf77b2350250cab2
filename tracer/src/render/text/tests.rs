//! Lines for people: what they say, how wide they are, and that nothing in them moves a cursor.

use proptest::prelude::*;

use super::*;
use crate::model::{
    Answer, Stage,
    any::{any_drop, any_word, bare},
};
use crate::render::phrases::{millis, short};

pub(in crate::render) fn style(width: usize) -> Style {
    Style { color: false, zone: TimeZone::UTC, width, verbose: false }
}

/// A text without its colours; fails where an escape is no colour.
pub(in crate::render) fn uncoloured(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('\x1b') {
        let (code, behind) = after.split_once('m').expect("a colour ends with m");
        assert!(["[0", "[1", "[2", "[31", "[33"].contains(&code), "{code:?} in {text:?}");
        plain.push_str(before);
        rest = behind;
    }
    plain + rest
}

/// Checks that no line is wider, but for one that cannot be broken: a single word behind the indent.
pub(in crate::render) fn assert_fits(text: &str, width: usize) {
    for line in uncoloured(text).lines() {
        let unbreakable = line.starts_with(' ') && !line.trim_matches(' ').contains(' ');
        assert!(
            line.chars().count() <= width || unbreakable,
            "{} of {width}: {line:?}",
            line.chars().count()
        );
        assert!(!line.chars().any(char::is_control), "{line:?}");
    }
}

fn line_of(style: &Style, drop: &Drop) -> String {
    let mut line = "what stood here before".to_owned();
    style.drop(drop, &mut line);
    line
}

fn paws() -> Drop {
    let mut drop = bare(Cause::PawsTimeWait);
    drop.stage = Stage::TimeWait;
    (drop.ts_recent, drop.syn.tsval) = (Some(193_923_705), Some(1));
    drop.ts_age_ms = Some(12_000);
    drop.answer = Some(Answer::Ack);
    drop.reason = Some("TCP_RFC7323_TW_PAWS".into());
    drop
}

#[test]
fn a_paws_drop_at_the_usual_widths() {
    assert_eq!(
        line_of(&style(80), &paws()),
        "22:13:20.123 PAWS in TIME_WAIT    192.0.2.1:40000       443   ~2d05h     ACK"
    );
    assert_eq!(
        line_of(&style(120), &paws()),
        "22:13:20.123 PAWS in TIME_WAIT    192.0.2.1:40000       443   ~2d05h     ACK     193923704  12s    \
         TCP_RFC7323_TW_PAWS"
    );
}

#[test]
fn what_each_cause_adds() {
    let with = |cause| Drop { answer: Some(Answer::None), ..bare(cause) };
    let queues = |cause| Drop { accept_queue: Some((129, 128)), syn_queue: Some((90, 256)), ..with(cause) };
    for (drop, words) in [
        (queues(Cause::AcceptQueueFull), "129 of 128 nothing"),
        (queues(Cause::SynQueueFull), "90 of 128  nothing"),
        (queues(Cause::PeerNotProven), "90 of 256  nothing"),
        (with(Cause::AcceptQueueFull), "-          nothing"),
        (Drop { stage: Stage::SynRecv, answer: Some(Answer::Rst), ..bare(Cause::Other) }, "-          RST"),
        (
            Drop { reason: Some("NETFILTER_DROP".into()), ..bare(Cause::Other) },
            "?       -          -      NETFILTER_DROP",
        ),
    ] {
        let line = line_of(&style(200), &drop);
        assert!(line.contains(words), "{words:?} in {line:?}");
    }
}

#[test]
fn packets_alone_are_marked() {
    for cause in Cause::ALL {
        let wire = Drop { evidence: crate::model::Evidence::Wire, ..bare(cause) };
        let line = line_of(&style(80), &wire);
        let why = line[13..33].trim_end();
        let plain = matches!(cause, Cause::Other | Cause::NoListener | Cause::Repeated);
        assert_eq!(why.ends_with('?'), !plain, "{line}");
        // The columns behind it stand where they always do.
        assert_eq!(&line[33..43], " 192.0.2.1", "{line}");
    }
}

#[test]
fn a_capture_has_no_hooks() {
    let capture = crate::model::report::Capture {
        name: "a\u{1b}[2J.pcap".into(),
        format: "pcap".into(),
        ..crate::model::report::Capture::default()
    };
    let start =
        Start { kernel: None, attached: Vec::new(), capture: Some(capture), ..start(FilterWords::default()) };
    let header = Style { verbose: true, ..style(80) }.header(&start, None);
    assert!(header.starts_with("tracer 0.1.0 reads a?[2J.pcap (pcap), every port\n"), "{header}");
    assert!(!header.contains("hook") && !header.contains("kernel"), "{header}");
}

#[test]
fn a_regression_that_contradicts_the_kernel_is_not_shown() {
    // The kernel said PAWS, and what stands in its memory now is another connection's.
    let mut drop = paws();
    (drop.ts_recent, drop.syn.tsval) = (Some(1), Some(5000));
    let line = line_of(&style(100), &drop);
    assert!(line.ends_with("443   ?          ACK     -          12s"), "{line}");
}

#[test]
fn a_client_with_the_longest_address() {
    let mut drop = paws();
    drop.flow.src = "2001:db8:1234:5678:9abc:def0:1234:5678".parse().unwrap();
    drop.flow.sport = 65_535;
    drop.flow.dport = 65_535;
    let line = line_of(&style(80), &drop);
    assert_fits(&line, 80);
    assert!(line.ends_with("\n             [2001:db8:1234:5678:9abc:def0:1234:5678]:65535"), "{line}");
    assert!(line.contains("65535 ~2d05h     ACK"), "{line}");
    // Where there is room it stays in one line.
    assert!(!line_of(&style(250), &drop).contains('\n'));
}

#[test]
fn verbose_lines_name_the_place() {
    let mut drop = paws();
    (drop.ifname, drop.netns) = (Some("eth\x1b[0".into()), Some(4_026_531_840));
    let wordy = Style { verbose: true, ..style(300) };
    let line = line_of(&wordy, &drop);
    for words in ["to 198.51.100.7", "TSval 1", "ttl 0 window 0 no options", "on eth?[0", "netns 4026531840"]
    {
        assert!(line.contains(words), "{words:?} in {line:?}");
    }
    assert!(!line.contains("listener"), "{line}");
    let listener =
        Listener { pid: 9, comm: "w\x1bb".into(), cgroup: None, processes: Some(2), sockets: Some(1) };
    (drop.netns_name, drop.listener) = (Some("blue".into()), Some(listener.into()));
    let line = line_of(&wordy, &drop);
    assert!(line.ends_with("netns 4026531840 (blue) listener w?b (9) and one more process"), "{line}");
    assert!(line_of(&style(144), &drop).ends_with("TCP_RFC7323_TW_PAWS w?b (9)"));
    drop.syn.tsval = None;
    assert!(line_of(&wordy, &drop).contains("no timestamp"));
    assert!(!line_of(&style(80), &drop).contains("netns"));
}

pub(in crate::render) fn start(filter: FilterWords) -> Start {
    Start {
        version: "0.1.0".into(),
        kernel: Some("6.12.107+deb13-cloud-amd64".into()),
        set: "tracepoint".into(),
        attached: vec!["kfree_skb".into(), "tcp_retransmit_synack".into(), "tcp_send_reset".into()],
        filter,
        ..Start::default()
    }
}

#[test]
fn the_header_says_what_is_traced_and_what_is_not() {
    let mut start = start(FilterWords {
        ports: vec![(80, 80), (443, 443), (7000, 7011)],
        family: Some(4),
        from: vec!["192.0.2.0/24".into(), "198.51.100.0/24".into()],
        interface: Some("eth0".into()),
        netns: Some("/run/netns/blue".into()),
        causes: vec![Cause::PawsTimeWait],
    });
    start.blind = vec![Cause::AcceptQueueFull, Cause::ListenOther];
    start.missing = vec![Missing { hook: "tcp_check_req".into(), why: "it takes 9 arguments here".into() }];
    let without = |field: &str, unknown: &str| Without { field: field.into(), unknown: unknown.into() };
    start.types = Some(Types {
        from: "calibration".into(),
        path: None,
        fields: 43,
        of: 46,
        without: vec![without("a.b", "one thing"), without("c.d", "another"), without("e.f", "one thing")],
    });
    for width in [40, 80, 100] {
        let header = style(width).header(&start, None);
        assert_fits(header.rsplit_once('\n').expect("the last line heads the columns").0, width);
        let flat = header.replace("\n    ", " ");
        for words in [
            "tracer 0.1.0 on kernel 6.12.107+deb13-cloud-amd64, hook set tracepoint (3 hooks)",
            "ports 80,443,7000-7011, IPv4 only, clients 192.0.2.0/24 198.51.100.0/24, interface eth0",
            "netns /run/netns/blue, causes paws-time-wait",
            "not visible with this hook set: accept-queue-full, listen-other",
            "not attached: tcp_check_req: it takes 9 arguments here",
            "types: by calibration, 43 of 46 fields",
            "unknown: one thing (without a.b, e.f)",
            "unknown: another (without c.d)",
        ] {
            assert!(flat.contains(words), "{width}: {words:?} in {header}");
        }
    }
    assert_fits(&style(80).header(&start, None), 80);
    let file = "a/long/path/".repeat(3) + "\x1b[2J";
    let read = style(80).header(&start, Some(&file));
    assert_fits(&read, 80);
    assert!(read.contains("recorded in a/long/path/") && !read.contains("Ctrl-C"), "{read}");
}

#[test]
fn colours_are_colours_and_nothing_else() {
    let mut start = start(FilterWords::default());
    start.blind = vec![Cause::Other];
    for width in [40, 80, 100] {
        let (plain, coloured) = (style(width), Style { color: true, ..style(width) });
        assert!(!plain.header(&start, None).contains('\x1b'));
        assert!(coloured.header(&start, None).contains("\x1b[1mtracer 0.1.0\x1b[0m"));
        assert_eq!(uncoloured(&coloured.header(&start, None)), plain.header(&start, None));
        for cause in Cause::ALL {
            let drop = Drop { cause, ..paws() };
            assert_eq!(uncoloured(&line_of(&coloured, &drop)), line_of(&plain, &drop), "{cause}");
        }
    }
}

#[test]
fn plain_words_fit_their_columns() {
    for cause in Cause::ALL {
        assert!(short(cause).chars().count() <= 20, "{cause}");
        assert!(long(cause).chars().count() <= 72 && !long(cause).is_empty(), "{cause}");
        assert!(!long(cause).ends_with('.') && !long(cause).contains("  "), "{cause}");
    }
    for (ms, want) in [
        (0, "0ms"),
        (999, "999ms"),
        (1000, "1.0s"),
        (1250, "1.2s"),
        (59_999, "59.9s"),
        (60_000, "1m00s"),
        (200_000, "3m20s"),
        (3_600_000, "1h00m"),
        (7_500_000, "2h05m"),
        (86_400_000, "1d00h"),
        (u64::MAX, "99999d"),
    ] {
        assert_eq!(millis(ms), want);
    }
}

#[test]
fn words_from_outside_are_cleaned() {
    assert_eq!(clean("eth0"), "eth0");
    assert_eq!(clean("a\x1b[2Jb\nc\rd\te\u{7f}\u{9b}f"), "a?[2Jb?c?d?e??f");
    // What turns the direction of writing, or breaks a line in an editor.
    assert_eq!(clean("\u{202e}a\u{2066}b\u{2028}c\u{200f}"), "?a?b?c?");
    assert_eq!(clean("käse-日本"), "käse-日本");
}

proptest! {
    #[test]
    fn any_drop_fits(drop in any_drop(), verbose: bool, color: bool) {
        for width in [80, 100, 132] {
            let style = Style { color, verbose, ..style(width) };
            let line = line_of(&style, &drop);
            assert_fits(&line, width);
            prop_assert!(color || !line.contains('\x1b'));
            prop_assert!(line.lines().skip(1).all(|line| uncoloured(line).starts_with("             ")));
            prop_assert!(line.lines().all(|line| line.trim_end_matches(' ') == line), "{line:?}");
        }
    }

    #[test]
    fn a_narrow_terminal_gets_what_can_be_broken(drop in any_drop()) {
        let line = line_of(&style(40), &drop);
        let mut lines = line.lines();
        // Time and cause stand in the first line.
        prop_assert!(lines.next().is_some_and(|first| first.chars().count() <= 40));
        for line in lines {
            // Behind the indent: one word, or the client and the port.
            let words = line.split(' ').filter(|word| !word.is_empty()).count();
            prop_assert!(line.chars().count() <= 40 || words == 1 || words == 2 && line.contains(':'), "{line:?}");
        }
    }

    #[test]
    fn any_words_fold(words in proptest::collection::vec("[a-z]{1,12}", 1..60), width in 20..120_usize, indent in 0..8_usize) {
        let folded = style(width).fold_under(indent, "lead: ", &words.join(" "));
        prop_assert!(folded.iter().all(|line| line.chars().count() <= width), "{folded:?}");
        let again: Vec<_> = folded.iter().flat_map(|line| line.split_whitespace()).collect();
        prop_assert_eq!(again[0], "lead:");
        prop_assert_eq!(&again[1..], &words[..]);
    }

    #[test]
    fn any_header_fits(kernel in any_word(), netns in any_word(), why in any_word(), interface in any_word()) {
        let words = FilterWords { netns: Some(netns), interface: Some(interface), ..FilterWords::default() };
        let mut start = start(words);
        start.kernel = Some(kernel);
        start.missing = vec![Missing { hook: "tcp_check_req".into(), why }];
        start.blind = Cause::ALL.to_vec();
        let header = style(80).header(&start, None);
        for line in header.lines() {
            prop_assert!(!line.chars().any(char::is_control), "{line:?}");
            // A word from outside may be wider than the line.
            let longest = line.split(' ').map(|word| word.chars().count()).max().unwrap_or(0);
            prop_assert!(line.chars().count() <= 80.max(longest + 4), "{line:?}");
        }
    }
}
