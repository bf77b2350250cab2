//! What is written reads back as it was; what is broken says where; nothing panics.

mod any;
mod faithful;
mod hostile;
mod refused;

use std::collections::BTreeMap;

use proptest::prelude::*;

use self::any::{any_ending, any_observation, any_start};
use super::*;
use crate::{
    model::{
        Answer, Drop, Evidence, Stage,
        any::bare,
        environment::{Environment, OwnNat},
        report::{CounterCheck, FilterWords, LeftOut, Limits, Lost, Missing},
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
        limits: Some(Limits::default()),
        ..Start::default()
    }
}

fn a_line() -> String {
    let mut line = String::new();
    json::drop(&bare(Cause::PawsTimeWait), &mut line);
    line
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
