//! What the programs cost inside the kernel: runs per SYN and nanoseconds per run, by the kernel's own statistics, beside
//! programs that do nothing on the same hooks and beside bpftrace.
//!
//! `cargo xtask bench cost`: wants root, `TRACER_BIN`, and makes its own namespaces. Ratios within one run are what counts;
//! `--check` compares them with their bounds. With `--vm` it runs where each instruction takes a nanosecond, and says
//! `--instructions`.

#[path = "cost/report.rs"]
mod report;
#[path = "cost/stats.rs"]
mod stats;
#[path = "cost/traffic.rs"]
mod traffic;
#[path = "cost/who.rs"]
mod who;

#[path = "shared/live.rs"]
mod live;
#[path = "shared"]
mod shared {
    pub(crate) mod arguments;
    pub(crate) mod spread;
    pub(crate) mod watching;
}

use anyhow::{Result, bail};

use self::{
    report::Table,
    shared::arguments::Arguments,
    stats::Statistics,
    traffic::Traffic,
    who::{ANY, Who},
};

/// Rounds; in each everybody is measured once, in turns.
const ROUNDS: u32 = 5;
/// SYNs of a case in a round.
const SYNS: u32 = 4_000;

fn main() -> Result<()> {
    let args = Arguments::read();
    if !args.has("--bench") {
        println!("what the programs cost: SKIPPED without --bench (it wants root and hooks)");
        return Ok(());
    }
    let sets: Vec<&str> = args.word("--set").unwrap_or("tracepoint").split(',').collect();
    let watchers: Vec<(Who, &str)> = args
        .only(
            "--who",
            if args.has("--who") { &Who::ALL[..] } else { &Who::USUAL }.iter().copied(),
            Who::to_string,
        )?
        .into_iter()
        .flat_map(|who| if who.is_peer() { &[ANY] } else { &sets[..] }.iter().map(move |set| (who, *set)))
        .collect();
    let rounds = args.number("--rounds", ROUNDS)?;
    let syns = args.number("--syns", SYNS)?;
    let statistics = Statistics::on()?;
    let unit = if args.has("--instructions") { "instructions" } else { "ns" };
    let mut table = Table::new(syns, unit);
    for round in 0..rounds {
        for traffic in Traffic::ALL {
            for (who, set) in watchers.iter().copied() {
                match measure(&statistics, set, who, traffic, syns) {
                    Ok(Some(figures)) => table.add(traffic, set, who, figures),
                    Ok(None) => table.absent(who),
                    Err(error) => bail!("round {round}, {traffic}, {set}, {who}: {error:#}"),
                }
            }
        }
    }
    print!("{}", table.text());
    if args.has("--check") {
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
