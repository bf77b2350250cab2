//! What the programs cost inside the kernel: runs per SYN and nanoseconds per run, by the kernel's own statistics, beside
//! programs that do nothing on the same hooks and beside bpftrace.
//!
//! `cargo xtask bench cost`: wants root, `TRACER_BIN`, and makes its own namespaces. Ratios within one run are what counts;
//! `--check` compares them with their bounds.

#[path = "cost/report.rs"]
mod report;
#[path = "cost/stats.rs"]
mod stats;
#[path = "cost/traffic.rs"]
mod traffic;
#[path = "cost/who.rs"]
mod who;

/// The laboratory of the live tests.
#[allow(dead_code, reason = "the live tests use more of it")]
#[path = "../tests/live"]
mod live {
    pub(crate) mod counters;
    pub(crate) mod event;
    pub(crate) mod family;
    pub(crate) mod fate;
    pub(crate) mod ground;
    pub(crate) mod lab;
    pub(crate) mod packet;
    pub(crate) mod peer;
    pub(crate) mod syn;
    pub(crate) mod sys;
    pub(crate) mod watcher;
}

use anyhow::{Context as _, Result, bail};

use self::{report::Table, stats::Statistics, traffic::Traffic, who::Who};

/// Rounds; in each everybody is measured once, in turns.
const ROUNDS: u32 = 5;
/// SYNs of a case in a round.
const SYNS: u32 = 4_000;

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    if !args.iter().any(|arg| arg == "--bench") {
        println!("what the programs cost: SKIPPED without --bench (it wants root and hooks)");
        return Ok(());
    }
    let word = |name: &str| args.iter().position(|arg| arg == name).and_then(|at| args.get(at + 1));
    let number = |name: &str, otherwise: u32| -> Result<u32> {
        word(name).map_or(Ok(otherwise), |n| n.parse().with_context(|| format!("{name} N, and not {n}")))
    };
    let set = word("--set").map_or("tracepoint", String::as_str);
    // Only these: names, divided by commas.
    let watchers: Vec<Who> = Who::ALL
        .into_iter()
        .filter(|who| word("--who").is_none_or(|only| only.split(',').any(|name| name == who.to_string())))
        .collect();
    let rounds = number("--rounds", ROUNDS)?;
    let syns = number("--syns", SYNS)?;
    let statistics = Statistics::on()?;
    let mut table = Table::new(set, syns);
    for round in 0..rounds {
        for traffic in Traffic::ALL {
            for who in watchers.iter().copied() {
                match measure(&statistics, set, who, traffic, syns) {
                    Ok(Some(figures)) => table.add(traffic, who, figures),
                    Ok(None) => table.absent(who),
                    Err(error) => bail!("round {round}, {traffic}, {who}: {error:#}"),
                }
            }
        }
    }
    print!("{}", table.text());
    if args.iter().any(|arg| arg == "--check") {
        table.check()?;
    }
    Ok(())
}

/// One watcher, one kind of traffic. `None`: this watcher cannot run here.
fn measure(
    statistics: &Statistics,
    set: &str,
    who: Who,
    traffic: Traffic,
    syns: u32,
) -> Result<Option<stats::Figures>> {
    let mut scene = traffic.prepare()?;
    let before = statistics.read();
    let Some(watching) = who.start(set, traffic)? else { return Ok(None) };
    let ours = statistics.since(&before);
    scene.run(syns)?;
    let figures = statistics.of(&ours)?;
    watching.stop()?;
    Ok(Some(figures))
}
