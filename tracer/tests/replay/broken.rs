//! Files that were cut or damaged: what can be read is told, then what is wrong and where.

use super::{
    files::{File, USUAL, gzip},
    said::{lines, run},
    story::story,
};
use tracer::{
    analysis::selection::Selection,
    model::Observation,
    source::{Reader as _, capture::Capture},
};

/// What becomes of a file in memory; whether all of it could be read.
fn read(bytes: &[u8]) -> (Vec<Observation>, u64, bool) {
    let mut capture = Capture::new("memory", Selection::default());
    let mut out = Vec::new();
    let taken = capture.take(bytes, &mut out);
    let ended = capture.end(&mut out);
    let Some(facts) = capture.opening().and_then(|opening| opening.capture) else {
        assert!(out.is_empty() && ended.is_err());
        return (out, 0, false);
    };
    let told = out.len() as u64;
    assert_eq!(facts.wire.syns, told + facts.wire.repeated, "{facts:?}");
    (out, facts.packets, taken.is_ok() && ended.is_ok())
}

fn files() -> [Vec<u8>; 2] {
    [USUAL.pcap(1, &story(false), false, 9999), USUAL.pcapng(113, &story(true))]
}

#[test]
fn cut_at_every_byte() {
    for file in files() {
        let mut before = 0;
        for end in 0..file.len() {
            let (_, packets, whole) = read(&file[..end]);
            assert!(packets == before || packets == before + 1, "cut to {end}");
            before = packets;
            assert!(whole || end < file.len());
        }
        assert_eq!(before + 1, read(&file).1);
    }
}

#[test]
fn damaged_at_random() {
    let mut random = fastrand::Rng::with_seed(7);
    for file in files() {
        for _ in 0..3000 {
            let mut bytes = file.clone();
            for _ in 0..random.usize(1..20) {
                let at = random.usize(..bytes.len());
                match random.u8(..3) {
                    0 => bytes[at] = random.u8(..),
                    1 => bytes.truncate(at.max(1)),
                    _ => bytes.insert(at, random.u8(..)),
                }
            }
            read(&bytes);
        }
    }
}

#[test]
fn what_was_read_is_told_and_then_the_error() {
    let whole = USUAL.pcap(1, &story(false), false, 9999);
    let (all, last) = (69, whole.len() - 30);
    let mut damaged = whole.clone();
    // The length of the last SYN.
    let lengths = [70_u32.to_le_bytes(), 70_u32.to_le_bytes()].concat();
    let at = damaged.windows(8).rposition(|bytes| bytes == lengths).expect("a SYN");
    damaged[at + 3] = 0xff;
    let packed = gzip(&whole);
    for (name, bytes, words) in [
        ("cut", whole[..last].to_vec(), vec!["is broken at byte", "ends in the middle of a packet"]),
        ("damaged", damaged, vec!["is broken at byte", "no packet of this file is that long"]),
        (
            "cut.gz",
            packed[..packed.len() - 20].to_vec(),
            vec!["after byte", "(unpacked)", "in the middle of what gzip"],
        ),
        (
            "damaged.gz",
            [&packed[..packed.len() - 6], &[1; 6]].concat(),
            vec!["after byte", "gzip cannot unpack it"],
        ),
    ] {
        let file = File::new(name, &bytes);
        let said = run(&[file.name(), "-o", "json"]);
        assert_eq!(said.exit, 1, "{name}: {}", said.err);
        for word in [words, vec!["tracer: ", file.name(), "what came before is told above"]].concat() {
            assert!(said.err.contains(word), "{name} does not say {word:?}: {}", said.err);
        }
        assert!(!said.err.contains("os error"), "{name}: {}", said.err);
        let lines = lines(&said.out);
        let summary = lines.last().expect("a summary");
        assert_eq!(
            (&summary["type"], lines[0]["type"].as_str()),
            (&"summary".into(), Some("start")),
            "{name}"
        );
        let packets = summary["capture"]["packets"].as_u64().expect("a number");
        assert!(packets > 30 && packets <= all, "{name}: {packets}");
        assert!(lines.iter().any(|line| line["cause"] == "paws-time-wait"), "{name}");
    }
}

#[test]
fn things_that_are_no_captures() {
    let cut = &USUAL.pcap(1, &story(false), false, 9999)[..20];
    for (name, bytes, words) in [
        ("empty", &b""[..], "it is empty"),
        ("text", b"#!/bin/sh\necho no capture\n", "neither a capture"),
        ("short", b"\xd4\xc3", "neither a capture"),
        ("record", b"{\"type\":\"start\",\"schema\":1}\n", "line 1"),
        ("xz", b"\xfd7zXZ\0 and more", "xzcat"),
        ("zst", b"\x28\xb5\x2f\xfd and more", "zstdcat"),
        ("header", cut, "in the middle of its header"),
    ] {
        let file = File::new(&format!("no-{name}"), bytes);
        for args in [&[file.name()][..], &[file.name(), "-o", "json"]] {
            let said = run(args);
            assert_eq!((said.exit, said.out.as_str()), (1, ""), "{name}");
            assert!(said.err.contains(words), "{name} does not say {words:?}: {}", said.err);
            assert!(said.err.contains("\n  "), "{name}: no advice in {}", said.err);
        }
    }
    for (path, words) in [("/nonexistent/x", "No such file"), ("/", "directory")] {
        let said = run(&[path]);
        assert_eq!((said.exit, said.out.as_str()), (1, ""));
        assert!(said.err.contains(words) && said.err.contains(path), "{}", said.err);
    }
}
