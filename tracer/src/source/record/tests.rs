//! What is written reads back as it was; what is broken says where; nothing panics.

mod faithful;
mod hostile;

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::{
    model::{
        Answer, Drop, Evidence, Stage,
        any::{any_accepted, any_drop, any_word, bare},
        environment::{Environment, OwnNat},
        report::{Capture, CounterCheck, FilterWords, LeftOut, Limits, Lost, Missing, WireCounts},
    },
    render::json,
};

/// A recording of these, without a summary.
fn written(start: &Start, observations: &[Observation]) -> String {
    let mut text = json::start(start) + "\n";
    let mut line = String::new();
    for observation in observations {
        match observation {
            Observation::Drop(drop) => json::drop(drop, &mut line),
            Observation::Accepted(syn) => json::syn(syn, false, &mut line),
            Observation::Undecided(syn) => json::syn(syn, true, &mut line),
        }
        text.push_str(&line);
        text.push('\n');
    }
    text
}

/// Everything up to the end, or up to what is broken.
fn read(bytes: &[u8]) -> (Vec<Item>, Option<Broken>, Skipped) {
    let mut reader = Reader::new(bytes);
    let mut items = Vec::new();
    let mut broken = None;
    for item in reader.by_ref() {
        assert!(broken.is_none(), "something after an error");
        match item {
            Ok(item) => items.push(item),
            Err(error) => broken = Some(error),
        }
    }
    (items, broken, reader.skipped())
}

fn whole(text: &str) -> Vec<Item> {
    let (items, broken, skipped) = read(text.as_bytes());
    assert_eq!((broken, skipped), (None, Skipped::default()), "{text}");
    items
}

/// What is wrong with the last of these lines.
fn trouble(text: &str) -> String {
    read(text.as_bytes()).1.unwrap_or_else(|| panic!("nothing wrong with {text}")).to_string()
}

fn a_start() -> Start {
    Start {
        time: Nanos(1_700_000_000_000_000_000),
        version: "0.1.0".into(),
        kernel: Some("6.12.107".into()),
        set: "fentry".into(),
        attached: vec!["kfree_skb".into()],
        missing: Vec::new(),
        blind: Vec::new(),
        filter: FilterWords::default(),
        limits: Some(Limits::default()),
        capture: None,
    }
}

fn a_line() -> String {
    let mut line = String::new();
    json::drop(&bare(Cause::PawsTimeWait), &mut line);
    line
}

fn any_causes() -> impl Strategy<Value = Vec<Cause>> {
    proptest::collection::vec(proptest::sample::select(Cause::ALL.as_slice()), 0..4)
}

fn any_start() -> impl Strategy<Value = Start> {
    let words = || proptest::collection::vec(any_word(), 0..3);
    let ports = proptest::collection::vec(any::<(u16, u16)>(), 0..3)
        .prop_map(|all| all.into_iter().map(|(a, b)| (a.min(b), a.max(b))).collect::<Vec<_>>());
    let family = prop_oneof![Just(None), Just(Some(4)), Just(Some(6))];
    let filter = (ports, family, words(), any::<Option<u8>>(), any_word(), any_causes()).prop_map(
        |(ports, family, from, known, word, causes)| FilterWords {
            ports,
            family,
            from,
            interface: known.map(|_| word.clone()),
            netns: known.map(|_| word),
            causes,
        },
    );
    let missing = proptest::collection::vec((any_word(), any_word()), 0..3)
        .prop_map(|all| all.into_iter().map(|(hook, why)| Missing { hook, why }).collect::<Vec<_>>());
    let limits = proptest::option::of((0..=Limits::MOST.sources, 0..=Limits::MOST.clock_bytes))
        .prop_map(|limits| limits.map(|(sources, clock_bytes)| Limits { sources, clock_bytes }));
    let capture = proptest::option::of((any_word(), any_word())).prop_map(|capture| {
        capture.map(|(name, format)| Capture { name, format: format.into(), ..Capture::default() })
    });
    let kernel = proptest::option::of(any_word());
    let names = (any_word(), kernel, any_word());
    (any::<i64>(), names, words(), missing, any_causes(), filter, limits, capture).prop_map(
        |(time, (version, kernel, set), attached, missing, blind, filter, limits, capture)| Start {
            time: Nanos(time),
            version: version.into(),
            kernel,
            set: set.into(),
            attached,
            missing,
            blind,
            filter,
            limits,
            capture,
        },
    )
}

fn any_capture() -> impl Strategy<Value = Capture> {
    let words = (any_word(), any_word(), proptest::collection::vec(any_word(), 0..3));
    let counts = proptest::array::uniform8(any_count());
    let times = any::<[Option<i64>; 2]>();
    let missed = proptest::option::of(any_count());
    (words, counts, times, missed, proptest::array::uniform9(any_count())).prop_map(
        |((name, format, links), counts, [first, last], missed, syns)| Capture {
            name,
            format: format.into(),
            links,
            packets: counts[0],
            segments: counts[1],
            first: first.map(Nanos),
            last: last.map(Nanos),
            unknown_link: counts[2],
            not_tcp: counts[3],
            fragments: counts[4],
            cut: counts[5],
            malformed: counts[6],
            untimed: counts[7],
            missed,
            wire: WireCounts {
                syns: syns[0],
                answered: syns[1],
                repeated: syns[2],
                near_end: syns[3],
                one_way: syns[4],
                no_room: syns[5],
                set_back: syns[6],
                options_cut: syns[7],
                duplicates: syns[8],
            },
        },
    )
}

fn any_observation() -> impl Strategy<Value = Observation> {
    prop_oneof![
        any_drop().prop_map(Observation::Drop),
        any_accepted().prop_map(Observation::Accepted),
        any_accepted().prop_map(Observation::Undecided),
    ]
}

/// Small numbers mostly, and the largest.
fn any_count() -> impl Strategy<Value = u64> {
    prop_oneof![4 => 0..200_u64, 1 => any::<u64>(), 1 => Just(u64::MAX)]
}

fn any_environment() -> impl Strategy<Value = Environment> {
    let sysctls = proptest::option::of(proptest::collection::btree_map(any_word(), any_word(), 0..4));
    let counters = proptest::collection::btree_map(any_word(), any_count(), 0..4);
    let own_nat = proptest::option::of(any::<(u32, u32, bool)>());
    (proptest::option::of(any_word()), sysctls, own_nat, counters).prop_map(
        |(kernel, sysctls, own_nat, counters)| Environment {
            kernel,
            sysctls_read: sysctls.is_some(),
            sysctls: sysctls.unwrap_or_default(),
            own_nat: own_nat.map(|(rules, random_fully, conntrack)| OwnNat {
                rules,
                random_fully,
                conntrack,
            }),
            counters,
        },
    )
}

fn any_ending() -> impl Strategy<Value = Ending> {
    let check = (any_word(), any_count(), any_count(), proptest::option::of(any_word()))
        .prop_map(|(name, kernel, ours, remark)| CounterCheck { name, kernel, ours, remark });
    let snmp = proptest::collection::vec(check, 0..4);
    let lost = proptest::array::uniform7(any_count()).prop_map(
        |[ring, decode, table, slot, read, unprinted, undecided]| Lost {
            ring,
            decode,
            table,
            slot,
            read,
            unprinted,
            undecided,
        },
    );
    let seen =
        proptest::collection::btree_map(proptest::sample::select(Cause::ALL.as_slice()), any_count(), 0..4);
    let left_out = (seen, any_count(), any_causes()).prop_map(|(seen, wire, not_looked_at)| LeftOut {
        seen,
        wire,
        not_looked_at,
    });
    let counts = (any_count(), proptest::option::of(any_count()), any_count(), any_count(), any_count());
    let capture = proptest::option::of(any_capture().boxed()).boxed();
    // Boxed: side by side they are too large for the stack of a test's thread.
    (any::<i64>(), counts, snmp.boxed(), lost.boxed(), any_environment().boxed(), left_out.boxed(), capture)
        .prop_map(|(time, counts, snmp, lost, environment, left_out, capture)| Ending {
            time: Nanos(time),
            elapsed_ms: counts.0,
            syns: counts.1,
            accepted: Some(counts.2),
            unreported: Some(counts.3),
            snmp,
            snmp_left_out: counts.4,
            lost,
            environment,
            left_out,
            capture,
        })
}

#[test]
fn the_contract_of_schema_1_without_what_was_added() {
    let text = r#"{"type":"start","schema":1,"version":"0.1.0","time":"2023-11-14T22:13:20Z","kernel":"6.1.0","hooks":{"set":"kprobe","attached":["kfree_skb"],"missing":[{"hook":"a","why":"b"}]},"filter":{"ports":["443","7000-7011"],"causes":["paws-time-wait"]},"blind":["listen-other"]}
{"type":"drop","schema":1,"time":"2023-11-14T22:13:21.5Z","family":4,"src":"192.0.2.1","sport":40000,"dst":"198.51.100.7","dport":443,"netns":7,"ifname":"eth0","stage":"time-wait","cause":"paws-time-wait","paws":true,"reason":"TCP_RFC7323_TW_PAWS","snmp":"TcpExtNew","seq":1,"tsval":1,"ts_recent":5001,"regression":5000,"ts_age_ms":12000,"answer":"ack","ttl":63,"mss":1460,"wscale":7,"window":64240,"options":"mss,sok,ts,nop,ws","listener":{"pid":1,"comm":"nginx","cgroup":null}}

{"type":"summary","schema":1,"time":"2023-11-14T22:13:22Z","elapsed_ms":2000,"syns":null,"drops":1,"by_cause":{"paws-time-wait":1},"sources":[],"sources_total":1,"snmp":{"TcpExtPAWSTimewait":1},"lost":{"ring":1,"decode":0,"table":0},"verdict":null}
"#;
    let items = whole(text);
    let [Item::Start(start), Item::Observation(Observation::Drop(drop)), Item::Ending(ending)] = &items[..]
    else {
        panic!("{items:?}");
    };
    assert_eq!((&*start.set, start.limits), ("kprobe", None));
    assert_eq!(start.filter.ports, [(443, 443), (7000, 7011)]);
    assert_eq!((start.filter.family, &start.filter.causes[..]), (None, &[Cause::PawsTimeWait][..]));
    let mut want = Drop {
        time: Nanos(1_700_000_001_500_000_000),
        netns: Some(7),
        ifname: Some("eth0".into()),
        stage: Stage::TimeWait,
        reason: Some("TCP_RFC7323_TW_PAWS".into()),
        // A counter that this version does not know is one all the same.
        snmp: Some("TcpExtNew".into()),
        ts_recent: Some(5001),
        ts_age_ms: Some(12_000),
        answer: Some(Answer::Ack),
        listener: Some(
            crate::model::listener::Listener {
                pid: 1,
                comm: "nginx".into(),
                cgroup: None,
                processes: None,
                sockets: None,
            }
            .into(),
        ),
        evidence: Evidence::Kernel,
        ..bare(Cause::PawsTimeWait)
    };
    want.syn = crate::model::Syn {
        seq: 1,
        window: 64_240,
        ttl: 63,
        tsval: Some(1),
        mss: Some(1460),
        wscale: Some(7),
        options: "mss,sok,ts,nop,ws".parse().unwrap(),
        ..want.syn
    };
    assert_eq!(*drop, want);
    assert_eq!((ending.elapsed_ms, ending.accepted, ending.lost.ring), (2000, None, 1));
    // What it does not say is not known, but for what the start says.
    let kernel = Some("6.1.0".into());
    assert_eq!(ending.environment, Environment { kernel, ..Environment::default() });
    let left_out = LeftOut { not_looked_at: vec![Cause::NoListener], ..LeftOut::default() };
    assert_eq!(ending.left_out, left_out);
}

#[test]
fn evidence_from_packets() {
    let mut line: Value = serde_json::from_str(&a_line()).unwrap();
    line["evidence"] = "wire".into();
    let line = line.to_string();
    let items = whole(&line);
    assert!(
        matches!(&items[..], [Item::Observation(Observation::Drop(drop))] if drop.evidence == Evidence::Wire)
    );
}

#[test]
fn the_future_is_passed_over_and_counted() {
    let start = json::start(&a_start()).replacen("\"hooks\":{", "\"new\":[1],\"hooks\":{\"newer\":{},", 1);
    let drop = a_line().replacen('{', "{\"colour\":null,\"smell\":\"sweet\",", 1);
    // What `--interval` says follows from the rest: it is passed over, and not unknown.
    let source = crate::model::report::Source::new([192, 0, 2, 1].into(), Nanos(0));
    let between = json::source(Nanos(0), &crate::model::report::Change { new_drops: 1, source }, 2);
    let text = format!("{start}\n{{\"type\":\"weather\"}}\n{drop}\n{between}\n");
    let (items, broken, skipped) = read(text.as_bytes());
    assert_eq!((items.len(), broken), (2, None));
    assert_eq!(skipped, Skipped { lines: 1, fields: 4 });
}

#[test]
fn what_is_broken_says_where_and_what_to_do() {
    let start = json::start(&a_start());
    let before = format!("{start}\n{}\n", a_line());
    let second = start.len() + 1;
    // (what follows two good lines, what is said of it, bytes into the third line)
    let rows = [
        ("{\"type\":\"drop\",,\n", "it is no JSON object: key must be a string", 15),
        ("[1]\n", "it is no JSON object: invalid type: sequence, expected a map", 0),
        ("{}\n", "it has no `type`: this is no line of a recording", 0),
        ("{\"type\":\"drop\"}\n", "`schema` is missing", 0),
        ("{\"type\":\"drop\",\"schema\":1}\n", "`time` is missing", 0),
        ("{\"type\":\"drop\",\"schema\":0}\n", "`schema` cannot be 0", 0),
        ("{\"type\":\"syn\",\"schema\":\"1\"}\n", "`schema` cannot be \"1\"", 0),
        ("{\"type\":\"drop\",\"schema\":2}\n", "it is of schema 2, and this version reads schema 1", 0),
        ("{\"type\":\"weather\",\"schema\":3}\n", "it is of schema 3, and this version reads schema 1", 0),
        ("{\"type\":\"dr", "it is not complete: the recording was cut off here", 0),
    ];
    for (line, why, into) in rows {
        let (items, broken, _) = read(format!("{before}{line}").as_bytes());
        let broken = broken.unwrap_or_else(|| panic!("{line}"));
        assert_eq!(items.len(), 2, "{line}");
        assert_eq!(broken.offset, (before.len() + into) as u64, "{line}");
        assert_eq!(broken.to_string(), format!("line 3 (at byte {}): {why}", broken.offset), "{line}");
        let failure = broken.failure("a.ndjson");
        assert_eq!(failure.what, "cannot read a.ndjson to its end");
        assert!(failure.hint.len() > 10);
    }
    let again = format!("{before}{start}\n");
    assert_eq!(trouble(&again), format!("line 3 (at byte {}): another recording begins here", before.len()));
    assert_eq!(
        trouble(&format!("{start}\n{start}\n")),
        format!("line 2 (at byte {second}): another recording begins here")
    );
}

#[test]
fn fields_that_make_no_sense() {
    let line = a_line();
    for (from, to, why) in [
        ("\"sport\":40000", "\"sport\":65536", "`sport` cannot be 65536"),
        ("\"sport\":40000", "\"sport\":-1", "`sport` cannot be -1"),
        ("\"sport\":40000", "\"sport\":1.5", "`sport` cannot be 1.5"),
        ("\"sport\":40000", "\"sport\":null", "`sport` is missing"),
        ("\"seq\":0", "\"seq\":99999999999999999999", "`seq` cannot be 1e+20"),
        ("\"192.0.2.1\"", "\"192.0.2.256\"", "`src` cannot be \"192.0.2.256\""),
        ("\"192.0.2.1\"", "\"2001:db8::1\"", "`src` and `dst` are of two families"),
        ("\"family\":4", "\"family\":6", "`family` cannot be 6 here"),
        ("\"family\":4", "\"family\":\"4\"", "`family` cannot be \"4\""),
        ("\"paws-time-wait\"", "\"paws-next\"", "`cause` cannot be \"paws-next\""),
        ("\"stage\":\"none\"", "\"stage\":[]", "`stage` cannot be []"),
        ("\"options\":\"\"", "\"options\":\"mss,,\"", "`options` cannot be \"mss,,\""),
        ("\"malformed\":false", "\"malformed\":0", "`malformed` cannot be 0"),
        ("\"ifname\":null", "\"ifname\":{\"a\":1}", "`ifname` cannot be {\"a\":1}"),
        ("\"accept_queue\":null", "\"accept_queue\":{\"len\":1}", "`accept_queue.max` is missing"),
        ("\"accept_queue\":null", "\"accept_queue\":7", "`accept_queue` cannot be 7"),
        ("2023-11-14T22", "2023-11-14T25", "`time` cannot be \"2023-11-14T25:13:20.123456789Z\""),
        ("2023-11-14T22", "3023-11-14T22", "`time` cannot be \"3023-11-14T22:13:20.123456789Z\""),
        (
            "\"stage\":\"none\"",
            "\"stage\":\"\\u001b]0;\u{9b}2J\u{202e} and so on and so on and so on\"",
            "`stage` cannot be \"\\u001b]0;\\u{9b}2J\\u{202e} and so on and so on and s...",
        ),
    ] {
        assert!(line.contains(from), "{from} is not in {line}");
        assert_eq!(trouble(&line.replacen(from, to, 1)), format!("line 1 (at byte 0): {why}"));
    }
    let start = json::start(&a_start());
    for (from, to, why) in [
        ("\"ports\":[]", "\"ports\":[\"443-80\"]", "`filter.ports` cannot be \"443-80\""),
        ("\"family\":null", "\"family\":5", "`filter.family` cannot be 5"),
        ("\"sources\":65536", "\"sources\":16777217", "`limits.sources` cannot be 16777217"),
        ("\"blind\":[]", "\"blind\":[\"x\"]", "`blind` cannot be \"x\""),
        ("\"missing\":[]", "\"missing\":[{\"hook\":\"a\"}]", "`hooks.missing.why` is missing"),
    ] {
        assert!(start.contains(from), "{from} is not in {start}");
        assert_eq!(trouble(&start.replacen(from, to, 1)), format!("line 1 (at byte 0): {why}"));
    }
}

#[test]
fn a_line_without_an_end() {
    let long = vec![b' '; LONGEST + 1];
    let (items, broken, _) = read(&[a_line().as_bytes(), b"\n", &long].concat());
    assert_eq!((items.len(), broken.map(|broken| broken.trouble)), (1, Some(Trouble::Long)));
    // As long as may be, and the last line end is missing.
    let spaces = vec![b' '; LONGEST - a_line().len()];
    let (items, broken, _) = read(&[&spaces, a_line().as_bytes()].concat());
    assert_eq!((items.len(), broken), (1, None));
    let (_, broken, _) = read(&[&spaces, a_line().as_bytes(), b" \n"].concat());
    assert_eq!(broken.map(|broken| broken.trouble), Some(Trouble::Long));
}

#[test]
fn deep_nesting_is_refused() {
    let deep = format!("{{\"type\":{}", "[".repeat(100_000));
    assert!(trouble(&(deep + "\n")).contains("recursion limit exceeded"));
}

/// A pipe that gives what there is.
struct Pipe(Vec<Result<Vec<u8>, ErrorKind>>);

impl std::io::Read for Pipe {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        match self.0.pop() {
            None => Ok(0),
            Some(Err(kind)) => Err(kind.into()),
            Some(Ok(bytes)) => {
                into[..bytes.len()].copy_from_slice(&bytes);
                Ok(bytes.len())
            }
        }
    }
}

#[test]
fn a_pipe_is_read_as_it_comes() {
    let line = a_line() + "\n";
    let (first, second) = line.split_at(100);
    let pieces = [Ok(line.clone()), Ok(first.into()), Err(ErrorKind::Interrupted), Ok(second.into())];
    let mut pieces: Vec<_> = pieces.into_iter().map(|piece| piece.map(String::into_bytes)).collect();
    pieces.extend([Err(ErrorKind::TimedOut), Ok(line.into_bytes())]);
    pieces.reverse();
    let mut reader = Reader::new(std::io::BufReader::new(Pipe(pieces)));
    assert!(matches!(reader.next(), Some(Ok(_))));
    // The first line was there before anything else was asked for.
    assert_eq!(reader.input.get_ref().0.len(), 5);
    assert!(matches!(reader.next(), Some(Ok(_))));
    let Some(Err(broken)) = reader.next() else { panic!("no error") };
    assert_eq!(broken.line, 3);
    assert!(matches!(broken.trouble, Trouble::Io(_)));
    assert!(reader.next().is_none());
}

#[test]
fn times_of_a_recording() {
    let mut parser = Parser::default();
    assert_eq!(parser.span(), None);
    let late = Drop { time: Nanos(1_700_000_009_000_000_000), ..bare(Cause::Other) };
    let text = written(&a_start(), &[Observation::Drop(late.clone()), Observation::Drop(bare(Cause::Other))]);
    parser.take(text.as_bytes(), &mut Vec::new()).unwrap();
    assert_eq!(parser.span(), Some((a_start().time, late.time)));
}
