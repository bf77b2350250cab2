//! Words that are refused as they are read, before anything is tried: status 2, the word, and where help is.

use std::{ffi::OsStr, os::unix::ffi::OsStrExt as _};

use crate::{DONE, USAGE, program, run, said};

#[test]
fn version() {
    for flag in ["--version", "-V"] {
        let version = run(&[flag]);
        assert_eq!(version.exit, DONE);
        assert_eq!(version.out, format!("tracer {}\n", env!("CARGO_PKG_VERSION")));
    }
}

#[test]
fn usage_errors() {
    // (arguments, what the error must name)
    let rows: [(&[&str], &str); 62] = [
        // Typos are answered with the right word.
        (&["dmo"], "'demo'"),
        (&["doctr"], "'doctor'"),
        (&["completion", "bash"], "'completions'"),
        (&["--prot", "443"], "'--port'"),
        (&["--form", "192.0.2.1"], "'--from'"),
        (&["--netn", "1"], "'--netns'"),
        (&["--fail-on-drops"], "'--fail-on-drop'"),
        (&["-o", "jsn"], "'json'"),
        (&["--hooks", "kprob"], "'kprobe'"),
        (&["--color", "alway"], "'always'"),
        (&["completions", "bsh"], "'bash'"),
        (&["demo", "--scenario", "natt"], "'nat'"),
        (&["--cause", "pasw"], "`paws`"),
        (&["--cause", "paws,accept-queue"], "`accept-queue-full`"),
        (&["--cause", "paws-timewait"], "`paws-time-wait`"),
        (&["--cause", "x"], "the causes are paws, all, paws-recycle"),
        (&["--cause", "queue"], "`accept-queue-full` or `syn-queue-full`"),
        (&["help", "pawss"], "`paws`"),
        (&["help", "tpo"], "`top`"),
        (&["help", "nonsense"], "`tracer help causes`"),
        (&["man", "topp"], "`top`"),
        (&["man", "nonsense"], "`tracer man`"),
        (&["tpo"], "tracer top"),
        // What stands alone is told its option, what stands in the wrong place its place.
        (&["443"], "tracer -p 443"),
        (&["80,443"], "tracer -p 80,443"),
        (&["top", "443"], "-p 443"),
        (&["192.0.2.1"], "tracer --from 192.0.2.1"),
        (&["paws-time-wait"], "tracer --cause paws-time-wait"),
        (&["file.pcap"], "tracer replay file.pcap"),
        (&["-p", "443", "top"], "tracer top -p 443"),
        // Values that make no sense.
        (&["-p", ""], "empty entry"),
        (&["-p", "80,,443"], "empty entry"),
        (&["-p", "0"], "numbers from 1 to 65535"),
        (&["-p", "65536"], "numbers from 1 to 65535"),
        (&["-p", "https"], "numbers from 1 to 65535"),
        (&["-p", "90-80"], "did you mean 80-90"),
        (&["-p", "80-"], "numbers from 1 to 65535"),
        (&["-p"], "--port <LIST>"),
        (&["--from", "300.1.1.1"], "192.0.2.7, 198.51.100.0/24 or 2001:db8::/32"),
        (&["--from", "192.0.2.0/33"], "192.0.2.7, 198.51.100.0/24 or 2001:db8::/32"),
        (&["--from", "example.org"], "192.0.2.7, 198.51.100.0/24 or 2001:db8::/32"),
        (&["--duration", "soon"], "30s, 5m, 1h or 500ms"),
        (&["--duration", "0s"], "30s, 5m or 1h"),
        (&["--interval", "10ms"], "write 1s, 10s or 1m"),
        (&["--count", "0"], "--count <N>"),
        (&["--rate-limit", "-1"], "-1"),
        (&["--max-sources", "0"], "1..=16777216"),
        (&["--max-sources", "16777217"], "1..=16777216"),
        (&["--clock-memory", "0"], "1..=65535"),
        (&["--clock-memory", "1G"], "--clock-memory <MIB>"),
        // Contradictions.
        (&["-4", "-6"], "'-4' cannot be used with '-6'"),
        (&["-p", "443", "demo"], "demo"),
        (&["man", "top", "--dir", "."], "--dir"),
        (&["man", "--dir"], "--dir <DIR>"),
        (&["completions"], "<SHELL>"),
        (&["replay"], "<FILE|->"),
        (&["nonsense"], "tracer <COMMAND>"),
        (&["--nonsense"], "'--nonsense'"),
        (&["replay", "file", "--netns", "1"], "'--netns'"),
        (&["top", "--replay", "file", "-p", "443"], "'--port <LIST>'"),
        (&["top", "--speed", "10"], "--replay <FILE>"),
        (&["top", "--replay", "file", "--speed", "fast"], "--speed <N>"),
    ];
    for (args, word) in rows {
        let usage = run(args);
        assert_eq!((usage.exit, usage.out.as_str()), (USAGE, ""), "{args:?}: {}", usage.err);
        assert!(usage.err.contains(word), "{args:?} does not say {word}: {}", usage.err);
        assert!(usage.err.contains("--help"), "{args:?}: {}", usage.err);
    }
}

#[test]
fn words_that_are_no_text() {
    let broken = OsStr::from_bytes(b"\xff\xfe");
    for option in ["--interface", "--netns", "--port", "--cause"] {
        let usage = said(&program().arg(option).arg(broken).output().expect("the program starts"));
        assert_eq!(usage.exit, USAGE, "{option}: {}", usage.err);
    }
}
