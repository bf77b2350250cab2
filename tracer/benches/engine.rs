//! What an observation costs: of a source that is known, and of a million forged ones; and the memory of the latter.
//!
//! `cargo bench -p tracer --bench engine`. Without `--bench` (as `cargo test` starts it) it runs a moment, to show that it
//! runs. Times are of the processor alone, whatever else the machine does. Each line is a process of its own, for the memory.
//! `1000 IN ms` is the longest that a thousand observations in a row took.

mod shared {
    pub(crate) mod clock;
    pub(crate) mod traffic;
}

use std::{env, fs, hint::black_box, process::Command};

use shared::{
    clock::processor_ns,
    traffic::{client, flow, options, refused},
};
use tracer::{
    analysis::engine::{Engine, Limits},
    model::{
        Flow, Nanos, Observation,
        reading::{Accepted, Stack, Via},
    },
};

/// What is measured: a name, the number of sources (`None`: a new one each time), of addresses of ours that they speak to,
/// and what becomes of their SYNs.
type Line = (&'static str, Option<u32>, u32, fn(u32, Flow) -> Observation);

const LINES: [Line; 8] = [
    ("one source, dropped", Some(1), 1, drop),
    ("one source, answered", Some(1), 1, answered),
    ("a thousand sources in turn, dropped", Some(1000), 1, drop),
    ("a thousand sources in turn, answered", Some(1000), 1, answered),
    ("sixty thousand sources in turn, dropped", Some(60_000), 1, drop),
    ("sixty thousand to sixteen of ours, dropped", Some(60_000), 16, drop),
    ("as many sources as observations, dropped", None, 1, drop),
    ("as many sources as observations, answered", None, 1, answered),
];

fn main() {
    let whole = env::args().any(|arg| arg == "--bench");
    let n = if whole { 1_000_000 } else { 10_000 };
    if let Some(line) = env::var("TRACER_BENCH_LINE").ok().and_then(|line| line.parse::<usize>().ok()) {
        return measure(&LINES[line % LINES.len()], n);
    }
    let title = format!("{n} OBSERVATIONS");
    println!(
        "{title:<42} {:>8} {:>10} {:>10} {:>6} {:>11}",
        "ns EACH", "1000 IN ms", "MEMORY MiB", "ROWS", "SNAPSHOT ms"
    );
    for line in 0..LINES.len() {
        let mut again = Command::new(env::current_exe().expect("this program has a path"));
        let status = again.args(env::args().skip(1)).env("TRACER_BENCH_LINE", line.to_string()).status();
        assert!(status.expect("it starts").success());
    }
}

/// In portions that are made beforehand, so that the making is not measured.
fn measure((what, sources, servers, make): &Line, n: u32) {
    let one = |at: u32| {
        let (turn, source) = sources.map_or((0, at), |sources| (at / sources, at % sources));
        make(at, flow(at, client(source), turn % servers))
    };
    let before = resident_mib();
    let mut engine = Engine::new(Limits::default());
    // Everyone that will be known is.
    for at in 0..sources.unwrap_or(0) {
        engine.observe(&one(at));
    }
    let (mut spent, mut longest) = (0, 0);
    for portion in 1..=n / 1000 {
        let observations: Vec<_> = (0..1000).map(|at| one(portion * 1000 + at)).collect();
        let begun = processor_ns();
        for observation in &observations {
            engine.observe(black_box(observation));
        }
        let took = processor_ns() - begun;
        (spent, longest) = (spent + took, longest.max(took / 1_000_000));
    }
    let memory = resident_mib() - before;
    let begun = processor_ns();
    let rows = engine.snapshot(10).sources_total;
    let snapshot = (processor_ns() - begun) / 1_000_000;
    let each = spent / i64::from(n);
    println!("{what:<42} {each:>8} {longest:>10} {memory:>10} {rows:>6} {snapshot:>11}");
}

/// A millisecond after the one before, from a host with a clock of 1 kHz.
fn drop(n: u32, flow: Flow) -> Observation {
    Observation::Drop(refused(n, Nanos(i64::from(n) * 1_000_000), flow, n))
}

fn answered(n: u32, flow: Flow) -> Observation {
    Observation::Accepted(Accepted {
        time: Nanos(i64::from(n) * 1_000_000),
        flow,
        netns: Some(1),
        seq: Some(n),
        tsval: Some(n),
        stack: Stack {
            ttl: Some(63),
            window: Some(64_240),
            mss: Some(1460),
            wscale: Some(7),
            options: Some(options()),
        },
        via: Via::Syn,
        unreported: 0,
    })
}

/// Memory of this process that is in use, MiB; 0 where the system does not say.
fn resident_mib() -> i64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<i64>().ok());
    kib.unwrap_or(0) / 1024
}
