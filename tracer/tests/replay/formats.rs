//! One story in every kind of file: the same is said of it.

use super::{
    files::{File, Form, LINKS, USUAL, gzip},
    said::{lines, run},
    story::{assert_told, story},
};

fn assert_read(name: &str, bytes: &[u8]) -> serde_json::Value {
    let file = File::new(name, bytes);
    let said = run(&[file.name(), "-o", "json"]);
    assert_eq!((said.exit, said.err.as_str()), (0, ""), "{name}: {}", said.out);
    let lines = lines(&said.out);
    assert_eq!(lines[0]["type"], "start", "{name}");
    assert_eq!(lines[0]["hooks"]["set"], "capture", "{name}");
    assert!(lines[0]["kernel"].is_null(), "{name}");
    assert_told(&lines, name);
    lines.last().expect("a summary")["capture"].clone()
}

#[test]
fn every_link_layer_and_family() {
    for link in LINKS {
        for six in [false, true] {
            if matches!((link, six), (228, true) | (229, false)) {
                continue;
            }
            let capture =
                assert_read(&format!("link-{link}-{six}"), &USUAL.pcap(link, &story(six), false, 9999));
            assert_eq!(capture["segments"], capture["packets"]);
            assert_eq!(capture["format"], "pcap");
        }
    }
    assert_read("vlan", &USUAL.pcap(1, &story(true), true, 9999));
}

#[test]
fn every_order_and_resolution() {
    for big in [false, true] {
        for nanos in [false, true] {
            let form = Form { big, nanos };
            assert_read(&format!("form-{big}-{nanos}"), &form.pcap(1, &story(false), false, 9999));
        }
        let capture =
            assert_read(&format!("ng-{big}"), &Form { big, nanos: false }.pcapng(276, &story(true)));
        assert_eq!((&capture["format"], &capture["links"][0]), (&"pcapng".into(), &"linux-sll2".into()));
    }
}

#[test]
fn packed() {
    for (name, bytes) in [
        ("pcap.gz", USUAL.pcap(1, &story(false), false, 9999)),
        ("pcapng.gz", USUAL.pcapng(1, &story(false))),
    ] {
        assert_read(name, &gzip(&bytes));
        // Packed in two parts, as `cat one.gz two.gz` makes them.
        let (first, second) = bytes.split_at(bytes.len() / 3);
        assert_read(&format!("two-{name}"), &[gzip(first), gzip(second)].concat());
    }
}

/// `tcpdump -s`: enough for every header, and too little.
#[test]
fn captured_in_part() {
    // 14 of Ethernet, 20 of IP, 20 of TCP, 4 of the MSS, 10 of the timestamps.
    assert_read("snap-68", &USUAL.pcap(1, &story(false), false, 68));
    let file = File::new("snap-54", &USUAL.pcap(1, &story(false), false, 54));
    let said = run(&[file.name(), "-o", "json"]);
    let summary = lines(&said.out).pop().expect("a summary");
    assert_eq!((said.exit, &summary["capture"]["syns"]["options_cut"]), (0, &15.into()));
    assert_eq!(summary["drops"], 2);
    let file = File::new("snap-40", &USUAL.pcap(1, &story(false), false, 40));
    let said = run(&[file.name(), "-o", "json", "--fail-on-drop"]);
    let summary = lines(&said.out).pop().expect("a summary");
    assert_eq!(
        (&summary["capture"]["cut"], &summary["capture"]["segments"]),
        (&summary["capture"]["packets"], &0.into())
    );
    // Each may have been a drop.
    assert_eq!((said.exit, &summary["lost"]["decode"]), (3, &summary["capture"]["packets"]));
}

#[test]
fn what_is_no_tcp_is_counted() {
    let mut packets = story(false);
    let mut other = packets[0].clone();
    other.bytes[9] = 17;
    packets.insert(0, other);
    let capture = assert_read("udp", &USUAL.pcap(1, &packets, false, 9999));
    assert_eq!(capture["not_tcp"], 1);
    let file = File::new("wifi", &USUAL.pcap(105, &story(false), false, 9999));
    let said = run(&[file.name()]);
    assert_eq!(said.exit, 0, "{}", said.err);
    for words in ["No drops seen.", "with a link layer that is not understood", "link layer 105"] {
        assert!(said.out.replace("\n    ", " ").contains(words), "{words}: {}", said.out);
    }
}
