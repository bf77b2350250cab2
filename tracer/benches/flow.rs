//! From the ring to the aggregate: how many events a second one core takes, beside a reader that only counts them; what
//! lines cost; and the memory that a million sources take.
//!
//! `cargo xtask bench flow`. A piece of memory stands in for the ring: records with their headers, taken out as the reader of
//! the ring does. What comes behind that is a live run without programs. Each line is a process of its own, for the memory;
//! rounds go in turns. Times are of the processor alone. Without `--bench` it runs a moment, to show that it runs.

mod shared {
    pub(crate) mod clock;
    pub(crate) mod records;
    #[allow(dead_code, reason = "the other benchmarks use more of it")]
    pub(crate) mod traffic;
}

use std::{
    env, fs,
    net::{Ipv4Addr, TcpListener},
    process::{Command, Stdio},
};

use shared::{
    clock::processor_ns,
    records::{Server, answered, dropped, kernel, write},
    traffic::client,
};
use tracer::{
    app::{namespaces::monotonic, tracing::fed::Fed},
    cli::{LiveArgs, parse},
    model::report::Start,
    netns::Netns,
};
use tracer_common::event::{SynRecord, record_len};

/// A record by its number, time, source and listener.
type Make = fn(u32, u64, std::net::IpAddr, Server) -> SynRecord;

/// What is measured.
struct Line {
    what: &'static str,
    /// The number of sources; `None`: a new one each time.
    sources: Option<u32>,
    make: Make,
    /// Options of the run; `None`: the records are only counted.
    options: Option<&'static [&'static str]>,
}

/// A second has two lines at most: what they cost does not show.
const SILENT: Option<&[&str]> = Some(&["--rate-limit", "1"]);
const RECORD: &str = "/dev/shm/tracer-bench-flow.ndjson";

const LINES: [Line; 12] = [
    Line { what: "only counted", sources: Some(1000), make: dropped, options: None },
    Line { what: "drops of one source", sources: Some(1), make: dropped, options: SILENT },
    Line { what: "drops of a thousand sources", sources: Some(1000), make: dropped, options: SILENT },
    Line { what: "drops, each of another source", sources: None, make: dropped, options: SILENT },
    Line {
        what: "answered SYNs of a thousand sources",
        sources: Some(1000),
        make: answered,
        options: SILENT,
    },
    Line { what: "answered SYNs, each of another source", sources: None, make: answered, options: SILENT },
    Line { what: "drops of sources that come again", sources: Some(ROWS), make: dropped, options: SILENT },
    Line { what: "answered SYNs of such sources", sources: Some(ROWS), make: answered, options: SILENT },
    Line { what: "drops as text", sources: Some(1000), make: dropped, options: Some(&[]) },
    Line { what: "drops as JSON", sources: Some(1000), make: dropped, options: Some(&["-o", "json"]) },
    Line {
        what: "drops, recorded",
        sources: Some(1000),
        make: dropped,
        options: Some(&["--rate-limit", "1", "-w", RECORD]),
    },
    Line {
        what: "answered SYNs, recorded",
        sources: Some(1000),
        make: answered,
        options: Some(&["--rate-limit", "1", "-w", RECORD]),
    },
];

/// Rounds; in each every line is measured once, in turns.
const ROUNDS: usize = 5;
/// Events of a line in a round.
const EVENTS: u32 = 1_000_000;
/// Bytes of what stands in for the ring, and records that are taken out at once: as the program has them.
const RING: usize = 2 << 20;
const BATCH: usize = 1024;
/// What a drop costs in the kernel in all, nanoseconds (`cargo xtask bench cost`): on the core that handles the SYNs events
/// come no faster than that.
const KERNEL_NS: f64 = 1500.0;
/// Sources that have a row (`--max-sources`): so many that come again and again take the most memory.
const ROWS: u32 = 65_536;
/// However many sources there are.
const MOST_MIB: f64 = 64.0;

fn main() {
    let whole = env::args().any(|arg| arg == "--bench");
    let events = if whole { EVENTS } else { 20_000 };
    if let Some(line) = env::var("TRACER_BENCH_LINE").ok().and_then(|line| line.parse::<usize>().ok()) {
        let (ns, mib) = measure(&LINES[line % LINES.len()], events);
        return eprintln!("{ns} {mib}");
    }
    let mut figures = vec![Vec::new(); LINES.len()];
    for _ in 0..if whole { ROUNDS } else { 1 } {
        for (line, figures) in figures.iter_mut().enumerate() {
            figures.push(again(line));
        }
    }
    let _ = fs::remove_file(RECORD);
    report(&figures);
}

/// A line, in a process of its own: nanoseconds of an event, MiB at most. Its standard output is nobody's.
fn again(line: usize) -> (f64, f64) {
    let mut again = Command::new(env::current_exe().expect("this program has a path"));
    again.args(env::args().skip(1)).env("TRACER_BENCH_LINE", line.to_string()).stdout(Stdio::null());
    let said = String::from_utf8(again.output().expect("it starts").stderr).expect("it speaks UTF-8");
    let figures =
        said.trim().split_once(' ').and_then(|(ns, mib)| Some((ns.parse().ok()?, mib.parse().ok()?)));
    figures.unwrap_or_else(|| panic!("line {line}: {said}"))
}

fn report(figures: &[Vec<(f64, f64)>]) {
    let best = |figures: &[(f64, f64)]| figures.iter().map(|(ns, _)| *ns).fold(f64::INFINITY, f64::min);
    let counted = best(&figures[0]);
    println!(
        "{:<40} {:>7} {:>8} {:>10} {:>12} {:>14} {:>10}",
        "EVENTS", "ns EACH", "SPREAD", "k A SECOND", "OF A COUNTER", "WITH KERNEL'S", "MEMORY MiB"
    );
    for (line, figures) in LINES.iter().zip(figures) {
        let (ns, most) = (best(figures), figures.iter().map(|(ns, _)| *ns).fold(0.0, f64::max));
        let memory = figures.iter().map(|(_, mib)| *mib).fold(0.0, f64::max);
        println!(
            "{:<40} {ns:>7.0} {:>6.0} % {:>10.0} {:>12.2} {:>14.2} {memory:>10.1}",
            line.what,
            (most / ns - 1.0) * 100.0,
            1e6 / ns,
            counted / ns,
            (KERNEL_NS + counted) / (KERNEL_NS + ns),
        );
    }
    println!("OF A COUNTER: events a second, beside a reader that only counts; WITH KERNEL'S: on a core");
    println!("that also handles the SYNs, {KERNEL_NS} ns each; no more than {MOST_MIB} MiB are allowed");
    if env::args().any(|arg| arg == "--check") {
        for (line, figures) in LINES.iter().zip(figures) {
            let most = figures.iter().map(|(_, mib)| *mib).fold(0.0, f64::max);
            assert!(most <= MOST_MIB, "over the budget: {}: {most:.1} MiB", line.what);
        }
    }
}

/// Nanoseconds of an event, and the most memory that the process had, MiB.
#[expect(clippy::cast_precision_loss, reason = "nanoseconds of some seconds")]
fn measure(line: &Line, events: u32) -> (f64, f64) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("there is a port");
    let to = Server {
        netns: Netns::current().expect("there is one").inode(),
        port: listener.local_addr().expect("it is bound").port(),
    };
    let mut sink = Sink::new(line.options);
    let begun = monotonic().expect("Linux has it");
    // A millisecond after the one before, from hosts with a clock of 1 kHz.
    let record = |n: u32| {
        let source = line.sources.map_or(n, |sources| n % sources);
        (line.make)(n, begun + u64::from(n) * 1_000_000, client(source), to)
    };
    let mut ring = Vec::new();
    let (mut n, mut spent) = (0, 0);
    // Everyone that will be known is.
    let warm = line.sources.unwrap_or(1).max(2000);
    while n < warm + events {
        ring.clear();
        let measured = n >= warm;
        let until = if measured { warm + events } else { warm };
        while ring.len() + 1024 < RING && n < until {
            submit(&record(n), &mut ring);
            n += 1;
        }
        let from = processor_ns();
        sink.read(&ring);
        if measured {
            spent += processor_ns() - from;
        }
        while !measured && sink.waits() {
            std::thread::sleep(std::time::Duration::from_millis(1));
        }
    }
    sink.check(n);
    (spent as f64 / f64::from(events), most_mib())
}

/// Puts a record into the ring: `BPF_RINGBUF_HDR_SZ` bytes, of which the first four are its length; to the next eight.
fn submit(record: &SynRecord, ring: &mut Vec<u8>) {
    let head = ring.len();
    ring.extend([0; 8]);
    write(record, ring);
    let len = u32::try_from(ring.len() - head - 8).unwrap_or(0);
    ring[head..head + 4].copy_from_slice(&len.to_ne_bytes());
    ring.resize(ring.len().next_multiple_of(8), 0);
}

/// Whoever takes the records.
struct Sink {
    buffer: Vec<u8>,
    taken: u64,
    run: Option<Fed>,
}

impl Sink {
    fn new(options: Option<&[&str]>) -> Self {
        let run = options.map(|options| {
            let start = Start { version: "0".into(), set: "fentry".into(), ..Start::default() };
            Fed::start(&args(options), kernel(), start).unwrap_or_else(|failure| panic!("{failure}"))
        });
        Self { buffer: Vec::new(), taken: 0, run }
    }

    /// Everything in the ring, in batches.
    fn read(&mut self, mut ring: &[u8]) {
        while !ring.is_empty() {
            self.buffer.clear();
            for _ in 0..BATCH {
                let Some((head, rest)) = ring.split_first_chunk::<8>() else { break };
                let len = u32::from_ne_bytes([head[0], head[1], head[2], head[3]]) as usize;
                let (item, _) = rest.split_at(len);
                assert!(record_len(item) == Some(item.len()), "malformed");
                self.buffer.extend_from_slice(item);
                self.taken += 1;
                ring = &rest[len.next_multiple_of(8)..];
            }
            match &mut self.run {
                Some(run) => run.take(&self.buffer).unwrap_or_else(|failure| panic!("{failure}")),
                None => _ = std::hint::black_box(&self.buffer),
            }
        }
    }

    fn waits(&mut self) -> bool {
        self.run.as_mut().is_some_and(|run| run.waits().unwrap_or_else(|failure| panic!("{failure}")))
    }

    /// Nothing was left out.
    fn check(&mut self, events: u32) {
        assert_eq!(self.taken, u64::from(events));
        if let Some(run) = &mut self.run {
            let summary = run.summary().unwrap_or_else(|failure| panic!("{failure}"));
            assert_eq!(summary.drops + summary.accepted, u64::from(events));
        }
    }
}

fn args(options: &[&str]) -> LiveArgs {
    let words = std::iter::once("tracer").chain(options.iter().copied()).map(Into::into);
    parse(words).unwrap_or_else(|error| panic!("{error}")).live
}

/// The most memory that this process had, MiB; 0 where the system does not say.
fn most_mib() -> f64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<f64>().ok());
    kib.unwrap_or(0.0) / 1024.0
}
