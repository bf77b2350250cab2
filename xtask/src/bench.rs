//! Benchmarks: figures, not tests.

mod replay;

use std::{
    io::{BufRead as _, BufReader},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};

use clap::ValueEnum;

use crate::{build, packages, process::run, workspace};

/// Benchmarks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Which {
    /// Every one.
    All,
    /// Time to load and attach.
    Attach,
    /// What the programs cost in the kernel, beside empty ones and bpftrace.
    Cost,
    /// How many events a second a core takes from the ring to the aggregate, and the memory of a flood.
    Flow,
    /// How fast a capture is read, beside tshark and p0f.
    Replay,
    /// What the full screen costs at 10,000 drops a second.
    Top,
}

/// `cargo xtask bench`.
///
/// # Errors
/// When one cannot be run, or with `check` when one is over its budget.
pub(crate) fn bench(which: Which, check: bool) -> Result<()> {
    if matches!(which, Which::All | Which::Attach) {
        attach(check)?;
    }
    if matches!(which, Which::All | Which::Cost) {
        cost(check)?;
    }
    if matches!(which, Which::All | Which::Replay) {
        replay::replay(check)?;
    }
    for (one, name) in [(Which::Flow, "flow"), (Which::Top, "top")] {
        if which == Which::All || which == one {
            without_programs(name, check)?;
        }
    }
    Ok(())
}

/// One that needs neither root nor the eBPF object.
fn without_programs(name: &str, check: bool) -> Result<()> {
    let mut cargo = Command::new("cargo");
    cargo.current_dir(workspace()).env("TRACER_EBPF", "skip");
    cargo.args(["bench", "--quiet", "--package", "tracer", "--bench", name, "--"]);
    run(cargo.args(check.then_some("--check")))
}

/// On this kernel, in the set that attaches here.
fn cost(check: bool) -> Result<()> {
    packages::ensure("the benchmark", &[("bpftrace", "bpftrace"), ("ip", "iproute2")])?;
    let tracer = build::build(false)?;
    let mut cargo = build::cargo("bench", false);
    cargo.args(["--quiet", "--package", "tracer", "--bench", "cost", "--"]).args(check.then_some("--check"));
    run(cargo.env("TRACER_BIN", tracer))
}

const RUNS: usize = 20;
/// From the start of the program until everything is attached.
const BUDGET: Duration = Duration::from_millis(300);

/// Time from the start of the program to its start line, which it prints when everything is attached.
///
/// # Errors
/// When the program does not start, or with `check` when the median is over the budget.
fn attach(check: bool) -> Result<()> {
    let tracer = build::build(false)?;
    let mut times = Vec::new();
    for _ in 0..RUNS {
        let begun = Instant::now();
        let mut child = Command::new(&tracer)
            .args(["-o", "json", "-d", "50ms", "-p", "1"])
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| tracer.display().to_string())?;
        let mut line = String::new();
        BufReader::new(child.stdout.take().context("its output")?).read_line(&mut line)?;
        times.push(begun.elapsed());
        child.wait()?;
        if !line.contains("\"type\":\"start\"") {
            bail!("no start line: {line}");
        }
    }
    times.sort();
    let (min, median, max) = (times[0], times[RUNS / 2], times[RUNS - 1]);
    println!(
        "load and attach, {RUNS} runs: min {min:.1?}, median {median:.1?}, max {max:.1?} (budget {BUDGET:?})"
    );
    if check && median > BUDGET {
        bail!("the median is over the budget");
    }
    Ok(())
}
