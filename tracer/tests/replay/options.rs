//! The options: those of the live stream that make sense here, and those that cannot.

use super::{
    files::{File, USUAL},
    said::{lines, run},
    story::{assert_told, story},
};

fn file(name: &str) -> File {
    File::new(name, &USUAL.pcap(1, &story(false), false, 9999))
}

#[test]
fn text_for_people() {
    let file = file("text");
    let said = run(&[file.name(), "--utc", "--color", "never"]);
    assert_eq!((said.exit, said.err.as_str()), (0, ""));
    let flat = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    for words in [
        &format!("reads {} (pcap), every port", file.name()),
        "22:13:23.000 PAWS in TIME_WAIT?   192.0.2.1:40003       443   ~8m00s     ACK     480311     2s",
        "22:13:24.000 no answer            192.0.2.1:50000       443   -          nothing -          -",
        "2 SYNs dropped in 8.0s; 15 SYNs in the capture, 11 answered.",
        "consistent with PAWS: timestamp older than the one the closed connection left",
        "no SYN/ACK came, and packets alone do not say why",
        "8.0s from 2023-11-14 22:13:20 UTC, link layer ethernet.",
        "One SYN undecided: less than 3 s before the end of the capture.",
        "known from packets alone: the kernel was not asked.",
    ] {
        assert!(flat(&said.out).contains(&flat(words)), "{words:?} in {}", said.out);
    }
    assert!(!said.out.contains("hook"), "{}", said.out);
}

#[test]
fn filters() {
    let file = file("filters");
    let drops = |args: &[&str]| {
        let said = run(&[&[file.name(), "-o", "json"], args].concat());
        assert_eq!(said.exit, 0, "{args:?}: {}", said.err);
        let summary = lines(&said.out).pop().expect("a summary");
        (summary["drops"].as_u64(), summary["syns"].as_u64())
    };
    assert_eq!(drops(&[]), (Some(2), Some(15)));
    assert_eq!(drops(&["-p", "443,8000-8010"]), (Some(2), Some(15)));
    assert_eq!(drops(&["-p", "80"]), (Some(0), Some(0)));
    assert_eq!(drops(&["-4"]), (Some(2), Some(15)));
    assert_eq!(drops(&["-6"]), (Some(0), Some(0)));
    assert_eq!(drops(&["--from", "192.0.2.0/24"]), (Some(2), Some(15)));
    assert_eq!(drops(&["--from", "192.0.3.0/24", "--from", "2001:db8::/32"]), (Some(0), Some(0)));
    assert_eq!(drops(&["--cause", "paws"]), (Some(1), Some(15)));
    assert_eq!(drops(&["--cause", "all"]), (Some(3), Some(15)));
    assert_eq!(drops(&["--cause", "no-listener"]), (Some(1), Some(15)));
    assert_eq!(drops(&["-c", "1"]).0, Some(1));
    assert_eq!(drops(&["--max-sources", "1", "--clock-memory", "1"]), (Some(2), Some(15)));
}

/// The verdict knows of what `--cause` leaves out.
#[test]
fn what_nobody_asked_for_is_judged() {
    let file = file("left-out");
    let said = run(&[file.name(), "--cause", "old-sequence"]);
    assert!(said.out.contains("Counted in here, though --cause leaves them out"), "{}", said.out);
    assert!(said.out.contains("known from packets alone"), "{}", said.out);
}

#[test]
fn the_exit_status() {
    let file = file("status");
    assert_eq!(run(&[file.name(), "--fail-on-drop"]).exit, 3);
    assert_eq!(run(&[file.name(), "--fail-on-drop", "-p", "80"]).exit, 0);
    for args in [
        &["-i", "eth0"][..],
        &["--netns", "1"],
        &["--hooks", "kprobe"],
        &["--btf", "x"],
        &["--calibrate"],
        &["-d", "3s"],
        &["second-file"],
        &["-4", "-6"],
        &["-p", "0"],
    ] {
        let said = run(&[&[file.name()], args].concat());
        assert_eq!((said.exit, said.out.as_str()), (2, ""), "{args:?}: {}", said.err);
        assert!(said.err.contains("--help"), "{args:?}: {}", said.err);
    }
    let none = run(&[]);
    assert_eq!(none.exit, 2);
    assert!(none.err.contains("<FILE|->"), "{}", none.err);
}

#[test]
fn lines_that_are_held_back_are_counted() {
    let mut packets = Vec::new();
    for n in 0..20 {
        // 20 SYNs within a second of capture time, whatever time it is now.
        let mut silent = story(false).into_iter().rev().nth(3).expect("the one without an answer");
        silent.at += n * 1_000_000;
        silent.bytes[20..22].copy_from_slice(&(50_100 + u16::try_from(n).expect("few")).to_be_bytes());
        packets.push(silent);
    }
    let mut all = story(false);
    all.truncate(all.len() - 4);
    all.extend(packets);
    let last = story(false).pop().expect("the last");
    all.push(last);
    let file = File::new("rate", &USUAL.pcap(1, &all, false, 9999));
    let said = run(&[file.name(), "-o", "json", "--rate-limit", "3"]);
    let lines = lines(&said.out);
    let summary = lines.last().expect("a summary");
    assert_eq!((&summary["drops"], &summary["lost"]["unprinted"]), (&21.into(), &17.into()), "{summary}");
    assert_eq!(lines.len(), 1 + 4 + 1);
}

#[test]
fn a_record_beside_it() {
    let file = file("recorded");
    let record = File::new("record.ndjson", b"old and longer than what comes now");
    let said = run(&[file.name(), "-w", record.name(), "-o", "json"]);
    assert_eq!(said.exit, 0, "{}", said.err);
    let text = std::fs::read_to_string(record.name()).expect("it was written");
    let all = lines(&text);
    assert_told(&all, "the record");
    let syns: Vec<_> = all.iter().filter(|line| line["type"] == "syn").collect();
    assert_eq!((syns.len(), syns.iter().filter(|line| line["undecided"] == true).count()), (12, 1));
    // Read again, it is the same story with the same end.
    let again = run(&[record.name(), "-o", "json"]);
    assert_eq!((again.exit, again.err.as_str(), &again.out), (0, "", &said.out));
    let text = |file: &File| run(&[file.name(), "--utc"]).out;
    let (first, second) = (text(&file), text(&record));
    let (_, told) = first.split_once("TIME").expect("titles");
    assert!(second.ends_with(told) && second.contains(&format!("recorded in {}", record.name())), "{second}");
    // Onto itself: what is read would be gone.
    let said = run(&[file.name(), "-w", file.name()]);
    assert_eq!(said.exit, 2, "{}", said.err);
    assert_eq!(run(&[file.name()]).exit, 0);
}

#[test]
fn a_capture_of_one_way() {
    let packets: Vec<_> =
        story(false).into_iter().filter(|p| p.bytes[22..24] == 443_u16.to_be_bytes()).collect();
    let syns: Vec<_> = packets.iter().filter(|p| p.bytes[33] == 2).cloned().collect();
    let file = File::new("one-way", &USUAL.pcap(1, &syns, false, 9999));
    let said = run(&[file.name()]);
    let flat = said.out.replace("\n    ", " ");
    assert!(flat.contains("No drops known."), "{}", said.out);
    assert!(flat.contains("This capture cannot tell which SYNs were dropped"), "{}", said.out);
    assert!(flat.contains("Verdict: blind") && flat.contains("but 15 SYNs are undecided"), "{}", said.out);
    // With their ACKs it is known at least who got in.
    let file = File::new("one-way-acks", &USUAL.pcap(1, &packets, false, 9999));
    let said = run(&[file.name(), "-o", "json"]);
    let summary = lines(&said.out).pop().expect("a summary");
    assert_eq!((&summary["accepted"], &summary["drops"]), (&10.into(), &0.into()));
    assert_eq!(summary["capture"]["syns"]["one_way"], 5);
}

/// A part of a recording: numbers of the whole run say nothing of it.
#[test]
fn a_part_of_a_record() {
    let file = file("part");
    let record = File::new("part.ndjson", b"");
    assert_eq!(run(&[file.name(), "-w", record.name(), "-o", "json"]).exit, 0);
    let of = |args: &[&str]| {
        let said = run(&[&[record.name(), "-o", "json"], args].concat());
        assert_eq!(said.exit, 0, "{args:?}: {}", said.err);
        let mut all = lines(&said.out);
        (all.pop().expect("a summary"), all.len() - 1)
    };
    let (summary, drops) = of(&["--cause", "paws"]);
    assert_eq!((drops, &summary["drops"], &summary["syns"]), (1, &1.into(), &15.into()));
    assert_eq!(summary["left_out"]["seen"]["other"], 1);
    let (summary, drops) = of(&["-p", "80"]);
    assert_eq!((drops, &summary["drops"], &summary["syns"]), (0, &0.into(), &serde_json::Value::Null));
    let (_, drops) = of(&["-c", "1"]);
    assert_eq!(drops, 1);

    // Cut in the middle of its last line, and without its first.
    let text = std::fs::read_to_string(record.name()).expect("it was written");
    let cut = File::new("cut.ndjson", &text.as_bytes()[..text.len() - 20]);
    let said = run(&[cut.name(), "-o", "json"]);
    assert_eq!((said.exit, lines(&said.out).len()), (1, 4), "{}", said.out);
    assert!(said.err.contains("cut off") && said.err.contains("broken at byte"), "{}", said.err);
    let (_, picked) = text.split_once('\n').expect("several lines");
    let picked = File::new("picked.ndjson", picked.as_bytes());
    let said = run(&[picked.name(), "-o", "json"]);
    let all = lines(&said.out);
    assert_eq!((said.exit, all.len(), &all[0]["hooks"]["set"]), (0, 4, &"recording".into()), "{}", said.err);
}
