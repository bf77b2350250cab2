//! What a SYN and a source cost: nanoseconds to the screen only, bytes with their bounds.

use std::time::Instant;

use tracer::{
    analysis::clock::{Clocks, Remembered, Sample},
    model::Nanos,
};

use crate::eval::{
    host::{Conditions, Delay, Quirks},
    kind::{self, Kind},
    measure::{self, View},
    mixes::together,
    path::Ports,
    plan::Report,
    random::Random,
};

/// Most nanoseconds that a SYN may take.
const MOST_NANOS: f64 = 2_000.0;
/// Most bytes of a source that sent 8 SYNs: just under 1 KiB.
const QUIET: usize = 1_023;
/// Most bytes of any source.
const WORST: usize = 64 * 1024;

/// SYNs of so many hosts of these kinds.
fn samples(kinds: &[Kind], hosts: u32, syns: f64, random: &mut Random) -> Vec<Sample> {
    let rate = 20.0 / f64::from(hosts);
    let conditions =
        Conditions { rate, window: syns / 20.0, delay: Delay::Uniform(0.05), loss: 0.0, again: 0.05 };
    let quirks = Quirks { hops: 8, ..Quirks::default() };
    let plan: Vec<_> =
        (0..hosts).map(|host| (kinds[host as usize % kinds.len()], conditions, quirks)).collect();
    measure::seen(&together(&plan, Ports::Random, random).stream, View::Syns)
}

/// Sources that want memory: name, samples.
fn greedy(seed: u64, syns: f64) -> Vec<(&'static str, Vec<Sample>)> {
    let mut random = Random::of(seed, "bytes", 0);
    let everything = [
        kind::LINUX,
        kind::ANDROID,
        kind::APPLE,
        kind::WINDOWS,
        kind::FREEBSD,
        kind::EMBEDDED,
        kind::MICROSECONDS,
        kind::LINUX_100,
        kind::APPLE_OLD,
    ];
    vec![
        ("random", samples(&[kind::APPLE], 1, syns, &mut random)),
        ("200 stable", samples(&[kind::LINUX], 200, syns, &mut random)),
        ("5,000 stable", samples(&[kind::LINUX], 5_000, syns, &mut random)),
        ("1,000 at 1 MHz", samples(&[kind::MICROSECONDS], 1_000, syns, &mut random)),
        ("2,000 of everything", samples(&everything, 2_000, syns, &mut random)),
    ]
}

/// What a server holds that refuses this SYN: a newer timestamp, recorded 5 s before, of a connection of the same ports.
fn newer(sample: &Sample) -> Remembered {
    let tsval = sample.tsval.unwrap_or(0).wrapping_add(90_000_000);
    let time = Nanos(sample.time.0.saturating_sub(5_000_000_000));
    Remembered { tsval, time: Some(time), same_ports: true }
}

/// Memory: the same on every machine.
pub(crate) fn bytes(seed: u64, syns: f64, report: &mut Report) {
    report.section(
        "Memory",
        "Bytes after the SYNs, and the most they ever were. At most 1 KiB after 8 SYNs, 64 KiB ever.",
    );
    report.head(&["source", "#SYNs", "#bytes", "#most"]);
    for (name, kind, refused) in [
        ("quiet, stable", kind::LINUX, false),
        ("quiet, random", kind::APPLE, false),
        ("quiet, random, refused", kind::APPLE, true),
    ] {
        let mut clocks = Clocks::default();
        let mut random = Random::of(seed, name, 0);
        let quiet = samples(&[kind], 1, 40.0, &mut random);
        for sample in quiet.iter().take(8) {
            clocks.observe(&Sample { remembered: refused.then(|| newer(sample)), ..*sample });
        }
        let bytes = clocks.bytes();
        report.row(&[name.into(), "8".into(), bytes.to_string(), bytes.to_string()]);
        report.target(bytes <= QUIET, || format!("{name}: {bytes} bytes after 8 SYNs"));
    }
    for (name, samples) in greedy(seed, syns) {
        let mut clocks = Clocks::default();
        let mut most = 0;
        for sample in &samples {
            clocks.observe(sample);
            most = most.max(clocks.bytes());
        }
        let cells = [name.into(), samples.len().to_string(), clocks.bytes().to_string(), most.to_string()];
        report.row(&cells);
        report.target(most <= WORST, || format!("{name}: {most} bytes"));
    }
}

/// Time: the best of five rounds, because others use the machine, too.
pub(crate) fn time(seed: u64, report: &mut Report) {
    report.section("Time", "Nanoseconds for a SYN (at most 2,000) and for a verdict, best of five.");
    report.head(&["source", "#SYNs", "#per SYN", "#per verdict"]);
    let mut random = Random::of(seed, "time", 0);
    for (name, kind, hosts, syns) in [
        ("1 stable host", kind::LINUX, 1, 20_000.0),
        ("10 stable hosts", kind::LINUX, 10, 20_000.0),
        ("200 stable hosts", kind::LINUX, 200, 40_000.0),
        ("1 random host", kind::APPLE, 1, 20_000.0),
        ("200 hosts at 1 MHz", kind::MICROSECONDS, 200, 40_000.0),
    ] {
        let samples = samples(&[kind], hosts, syns, &mut random);
        let (mut best, mut verdict) = (f64::INFINITY, f64::INFINITY);
        for _ in 0..5 {
            let mut clocks = Clocks::default();
            let start = Instant::now();
            for sample in &samples {
                clocks.observe(std::hint::black_box(sample));
            }
            best = best.min(start.elapsed().as_nanos() as f64 / samples.len().max(1) as f64);
            let start = Instant::now();
            std::hint::black_box(clocks.assess());
            verdict = verdict.min(start.elapsed().as_nanos() as f64);
        }
        let cells = [name.into(), samples.len().to_string(), format!("{best:.0}"), format!("{verdict:.0}")];
        report.row(&cells);
        report.target(best <= MOST_NANOS, || format!("{name}: {best:.0} ns for a SYN"));
    }
}
