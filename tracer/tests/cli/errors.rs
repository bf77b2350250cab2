//! What fails once it is tried: a sentence of what and why, and something to type.

use std::fs;

use crate::{
    FAILURE, Folder, UNABLE, USAGE, assert_advice, is_root, live, prepared, readable_copy, run, said,
    unprivileged,
};

#[test]
fn things_that_are_not_there() {
    let nowhere = "/nonexistent/netns";
    let rows: [(&[&str], &[&str]); 6] = [
        (&["-i", "nosuchdev0"], &["no interface nosuchdev0", "No such device", "ip -br link"]),
        (&["--netns", nowhere], &[nowhere, "No such file or directory", "/run/netns/NAME"]),
        // Above the largest process id (4194304), and no inode of a namespace.
        (&["--netns", "4194305"], &["no network namespace 4194305", "lsns -t net"]),
        (&["--netns", "nosuchname"], &["nosuchname", "ip netns list"]),
        (&["-w", "/dev/null/x"], &["cannot write to /dev/null/x", "Not a directory", "-w"]),
        (&["-w", "/"], &["cannot write to /", "Is a directory", "-w"]),
    ];
    for (args, words) in rows {
        let failed = live(args);
        assert_advice(&failed, FAILURE);
        for word in words {
            assert!(failed.err.contains(word), "{args:?} does not say {word}: {}", failed.err);
        }
    }
}

/// Whatever else fails where everybody can make it fail.
#[test]
fn every_error_ends_in_something_to_type() {
    let folder = Folder::new("errors");
    let file = |name: &str, bytes: &[u8]| {
        let path = folder.0.join(name);
        fs::write(&path, bytes).expect("it can be written");
        path.display().to_string()
    };
    let start = r#"{"type":"start","schema":1,"version":"0.1.0","kernel":"6.1.0","hooks":{"set":"fentry","attached":[],"missing":[]},"filter":{},"blind":[]}"#;
    let missing = folder.0.join("missing").display().to_string();
    let empty = file("empty", b"");
    let odd = file("odd", b"neither of them");
    let packed = file("packed.zst", &[0x28, 0xb5, 0x2f, 0xfd, 0, 0, 0, 0]);
    let gzip = file("broken.gz", &[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 0xff, 0xff, 0xff]);
    let capture = file(
        "cut.pcap",
        &[&[0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0][..], &[0; 8], &[0xff, 0xff, 0, 0, 1, 0, 0, 0, 1]].concat(),
    );
    let recording = file("cut.ndjson", format!("{start}\n{{\"type\":\"drop\"").as_bytes());
    let newer = file("newer.ndjson", start.replace("\"schema\":1", "\"schema\":99").as_bytes());
    let here = folder.0.display().to_string();
    let prefixes: Vec<_> =
        (0..2000).flat_map(|n| ["--from".to_owned(), format!("10.{}.{}.1", n / 200, n % 200)]).collect();
    let prefixes: Vec<_> = prefixes.iter().map(String::as_str).chain(["-d", "100ms"]).collect();
    let rows: [(&[&str], i32, &str); 15] = [
        (&["replay", &missing], FAILURE, "a recording"),
        (&["replay", &here], FAILURE, "directory"),
        (&["replay", &empty], FAILURE, "it is empty"),
        (&["replay", &odd], FAILURE, "neither a capture"),
        (&["replay", &packed], FAILURE, "zstdcat"),
        (&["replay", &gzip], FAILURE, "gzip"),
        (&["replay", &newer], FAILURE, "tracer --version"),
        (&["replay", &capture, "-w", &capture], USAGE, "the file that is read"),
        (&["replay", &capture, "-w", "/dev/null/x"], FAILURE, "Not a directory"),
        (&["replay", &capture], FAILURE, "is broken at byte"),
        (&["replay", &recording], FAILURE, "is broken at byte"),
        (&["man", "--dir", "/dev/null/x"], FAILURE, "Not a directory"),
        (&["man", "--dir", &odd], FAILURE, "File exists"),
        (&["top", "--replay", &missing], FAILURE, "tracer -w FILE"),
        (&prefixes, USAGE, "too many prefixes"),
    ];
    for (args, exit, word) in rows {
        let mut failed = run(args);
        // What could be read before stands on standard output.
        failed.out.clear();
        assert_advice(&failed, exit);
        assert!(failed.err.contains(word), "{:?} does not say {word}: {}", &args[..2], failed.err);
    }
    let program = readable_copy(&folder);
    let mut demo = prepared(&program);
    unprivileged(demo.arg("demo"));
    assert_advice(
        &said(&demo.output().expect("the program starts")),
        if is_root() { UNABLE } else { FAILURE },
    );
}

/// Without a terminal it says what else there is, before it attaches or plays anything.
#[test]
fn a_full_screen_needs_a_terminal() {
    let folder = Folder::new("top");
    let empty = folder.0.join("empty.ndjson");
    fs::write(&empty, "").expect("it can be written");
    let empty = empty.display().to_string();
    for args in [&["top"][..], &["top", "--replay", &empty]] {
        let refused = run(args);
        assert_advice(&refused, USAGE);
        assert!(refused.err.contains("standard output is no terminal"), "{args:?}: {}", refused.err);
    }
    let missing = run(&["top", "--replay", "/nonexistent/file"]);
    assert_advice(&missing, FAILURE);
    assert!(missing.err.contains("cannot read /nonexistent/file"), "{}", missing.err);
    fs::write(&empty, "no recording\n").expect("it can be written");
    let odd = run(&["top", "--replay", &empty]);
    assert_advice(&odd, FAILURE);
    assert!(odd.err.contains("cannot play"), "{}", odd.err);
}

#[test]
#[cfg_attr(not(no_ebpf), ignore = "this build has its eBPF part")]
fn a_build_without_the_ebpf_part_says_how_to_get_it() {
    for args in [&["-d", "100ms"][..], &["-p", "443", "-c", "1", "-d", "100ms"], &["programs"]] {
        let refused = run(args);
        assert_advice(&refused, UNABLE);
        assert!(refused.err.contains("built without its eBPF part"), "{}", refused.err);
        assert!(refused.err.contains("cargo xtask build"), "{}", refused.err);
    }
}

#[test]
fn types_come_from_one_place() {
    let refused = live(&["--calibrate", "--btf", "/dev/null"]);
    assert_eq!(refused.exit, 2);
    assert!(refused.err.contains("--calibrate") && refused.err.contains("--btf"), "{}", refused.err);
    // What a kernel without probes says to it.
    if is_root() && !cfg!(no_ebpf) && !std::path::Path::new("/sys/bus/event_source/devices/kprobe").exists() {
        let refused = live(&["--calibrate"]);
        assert_advice(&refused, UNABLE);
        assert!(refused.err.contains("calibration"), "{}", refused.err);
    }
}

#[test]
fn type_information_that_is_none() {
    // Whatever stands in the way first (privileges, a build without its eBPF part, the file), it is named.
    for file in ["/dev/null", "/proc/self/exe", "/nonexistent/vmlinux", "/"] {
        let refused = live(&["--btf", file]);
        assert_advice(&refused, UNABLE);
        if is_root() && !cfg!(no_ebpf) {
            assert!(refused.err.contains(file) && refused.err.contains("--btf FILE"), "{}", refused.err);
        }
    }
}
