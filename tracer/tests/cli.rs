//! The built program's command line: exit statuses, and what errors say. Works with and without
//! privileges, with and without the eBPF part: every call fails, or ends by itself, before or soon after it attaches.

use std::{
    ffi::OsStr,
    fs::{self, File},
    io,
    os::unix::{ffi::OsStrExt as _, fs::PermissionsExt as _, process::CommandExt as _},
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

/// Exit statuses of the contract.
const DONE: i32 = 0;
const FAILURE: i32 = 1;
const USAGE: i32 = 2;
const UNABLE: i32 = 4;

fn program() -> Command {
    prepared(Path::new(env!("CARGO_BIN_EXE_tracer")))
}

fn prepared(path: &Path) -> Command {
    let mut command = Command::new(path);
    command.env("COLUMNS", "80").env_remove("NO_COLOR").stdin(Stdio::null());
    command
}

struct Said {
    exit: i32,
    out: String,
    err: String,
}

fn said(output: &Output) -> Said {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let said = Said {
        // A signal (an abort, too) is no exit status of ours.
        exit: output.status.code().unwrap_or(-1),
        out: text(&output.stdout),
        err: text(&output.stderr),
    };
    assert!(!said.err.contains("panicked"), "{}", said.err);
    said
}

fn run(args: &[&str]) -> Said {
    said(&program().args(args).output().expect("the program starts"))
}

/// Options of the live stream; a check that lets them pass ends after a moment.
fn live(args: &[&str]) -> Said {
    run(&[args, &["--duration", "100ms"]].concat())
}

fn is_root() -> bool {
    nix::unistd::geteuid().is_root()
}

/// A folder of its own that goes away with the test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("tracer-cli-{}-{name}", std::process::id()));
        fs::create_dir(&path).expect("a folder below the temporary one");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("its owner may");
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

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

/// What failed and why in one sentence, then what to type: nothing of it is empty.
fn assert_advice(said: &Said, exit: i32) {
    assert_eq!((said.exit, said.out.as_str()), (exit, ""), "{}", said.err);
    let (what, hint) = said.err.split_once("\n  ").unwrap_or_else(|| panic!("no advice: {}", said.err));
    assert!(what.starts_with("tracer: ") && what.len() > 20, "{}", said.err);
    assert!(!what.trim_end().ends_with(':'), "no reason: {}", said.err);
    let typed: Vec<_> = hint.split('`').skip(1).step_by(2).collect();
    assert!(typed.iter().any(|words| words.len() > 3), "nothing to type: {}", said.err);
    assert_eq!(hint.matches('`').count(), 2 * typed.len(), "{}", said.err);
    assert!(!said.err.contains("os error"), "{}", said.err);
}

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
fn a_file_that_may_not_be_written() {
    let folder = Folder::new("readonly");
    let path = folder.0.join("record.ndjson");
    fs::write(&path, "kept\n").expect("its owner may");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o444)).expect("its owner may");
    let program = readable_copy(&folder);
    let mut command = prepared(&program);
    command.args(["-d", "100ms", "-w"]).arg(&path);
    unprivileged(&mut command);
    let failed = said(&command.output().expect("the program starts"));
    assert_advice(&failed, FAILURE);
    assert!(failed.err.contains("Permission denied"), "{}", failed.err);
    assert_eq!(fs::read_to_string(&path).expect("it is there"), "kept\n");
}

#[test]
fn an_old_recording_stays_when_no_new_one_begins() {
    let folder = Folder::new("recording");
    let path = folder.0.join("record.ndjson");
    fs::write(&path, "kept\n").expect("its owner may");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o666)).expect("its owner may");
    let program = readable_copy(&folder);
    let mut command = prepared(&program);
    command.args(["-d", "100ms", "-w"]).arg(&path);
    unprivileged(&mut command);
    assert_advice(&said(&command.output().expect("the program starts")), UNABLE);
    assert_eq!(fs::read_to_string(&path).expect("it is there"), "kept\n");
}

/// The program where everyone may start it: a build folder may be root's own.
fn readable_copy(folder: &Folder) -> PathBuf {
    let path = folder.0.join("tracer");
    // By another process: a file that this one writes may be held open by a child of a test beside us for a moment,
    // and a file that is open for writing does not start.
    let copied = Command::new("cp").arg(env!("CARGO_BIN_EXE_tracer")).arg(&path).status().expect("cp starts");
    assert!(copied.success());
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("its owner may");
    path
}

/// `nobody`, without capabilities; whoever runs the tests without being root is left who they are.
fn unprivileged(command: &mut Command) {
    if is_root() {
        command.uid(65_534).gid(65_534);
    }
}

#[test]
fn without_privileges() {
    let folder = Folder::new("unprivileged");
    let program = readable_copy(&folder);
    for args in
        [&["-d", "100ms"][..], &["-d", "100ms", "--hooks", "tracepoint"], &["-d", "100ms", "-o", "json"]]
    {
        let mut command = prepared(&program);
        command.args(args);
        unprivileged(&mut command);
        let refused = said(&command.output().expect("the program starts"));
        assert_advice(&refused, UNABLE);
        // A build without the eBPF part needs that first.
        let words: &[&str] =
            if cfg!(no_ebpf) { &["cargo xtask build"] } else { &["CAP_BPF", "CAP_PERFMON", "sudo tracer"] };
        for word in words {
            assert!(refused.err.contains(word), "{args:?} does not say {word}: {}", refused.err);
        }
    }
}

/// It says what it could not look at, shows the rest, and its status is that of a run.
#[test]
fn doctor_without_privileges() {
    let folder = Folder::new("doctor");
    let program = readable_copy(&folder);
    for args in [&["doctor"][..], &["doctor", "-v"], &["doctor", "-o", "json"]] {
        let mut command = prepared(&program);
        command.args(args);
        unprivileged(&mut command);
        let looked = said(&command.output().expect("the program starts"));
        assert_eq!((looked.exit, looked.err.as_str()), (UNABLE, ""), "{args:?}: {}", looked.out);
        let words: &[&str] =
            if cfg!(no_ebpf) { &["cargo xtask build"] } else { &["CAP_BPF", "sudo tracer doctor"] };
        for word in words.iter().chain(&["whether hooks attach", "tracepoint"]) {
            assert!(looked.out.contains(word), "{args:?} does not say {word}: {}", looked.out);
        }
        assert!(
            args.len() < 3 || looked.out.starts_with("{\"type\":\"doctor\",\"schema\":1,"),
            "{}",
            looked.out
        );
    }
}

#[test]
fn a_build_without_the_ebpf_part_says_how_to_get_it() {
    if !cfg!(no_ebpf) {
        println!("SKIPPED: this build has its eBPF part");
        return;
    }
    for args in [&["-d", "100ms"][..], &["-p", "443", "-c", "1", "-d", "100ms"], &["programs"]] {
        let refused = run(args);
        assert_advice(&refused, UNABLE);
        assert!(refused.err.contains("built without its eBPF part"), "{}", refused.err);
        assert!(refused.err.contains("cargo xtask build"), "{}", refused.err);
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

#[test]
fn help_works_without_privileges() {
    let folder = Folder::new("help");
    let program = readable_copy(&folder);
    let mut command = prepared(&program);
    command.arg("--help");
    unprivileged(&mut command);
    assert_eq!(said(&command.output().expect("the program starts")).exit, DONE);
}

/// What prints without touching the kernel.
const PRINTING: [&[&str]; 9] = [
    &["--help"],
    &["--version"],
    &["man"],
    &["man", "top"],
    &["completions", "zsh"],
    &["help"],
    &["help", "demo"],
    &["help", "causes"],
    &["help", "paws-time-wait"],
];

#[test]
fn a_reader_that_went_away_is_no_error() {
    for args in PRINTING {
        let (reader, writer) = io::pipe().expect("a pipe");
        drop(reader);
        let output = program().args(args).stdout(writer).output().expect("the program starts");
        let gone = said(&output);
        assert_eq!((gone.exit, gone.err.as_str()), (DONE, ""), "{args:?}");
    }
}

#[test]
fn a_usage_error_that_nobody_reads_is_still_one() {
    let (reader, writer) = io::pipe().expect("a pipe");
    drop(reader);
    let output = program().arg("--prot").stderr(writer).output().expect("the program starts");
    assert_eq!(said(&output).exit, USAGE);
}

#[test]
fn a_full_disk_is_a_failure() {
    for args in [&["man"][..], &["completions", "bash"], &["help"], &["help", "causes"]] {
        let full = File::options().write(true).open("/dev/full").expect("Linux has it");
        let output = program().args(args).stdout(full).output().expect("the program starts");
        let failed = said(&output);
        assert_advice(&failed, FAILURE);
        assert!(failed.err.contains("No space left on device"), "{}", failed.err);
    }
}
