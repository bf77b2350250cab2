//! Runs the tests: pure ones anywhere, live ones on this kernel and on every kernel of the bench.

use std::{fmt, path::PathBuf, process::Command};

use anyhow::{Result, bail};
use clap::ValueEnum;

use crate::{
    build, packages,
    process::{exists, lines},
    verifier::{self, Table},
    vm::{self, Payload, Series},
    workspace,
};

/// Parts of the tests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Part {
    /// Everything.
    All,
    /// What needs no kernel: no privileges, no BPF toolchain.
    Pure,
    /// The live suite on this kernel.
    Live,
    /// The live suite on every kernel of the bench.
    Vm,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Counts {
    passed: u64,
    failed: u64,
    skipped: u64,
}

impl Counts {
    fn add(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }

    /// From a `test result:` line.
    fn of(line: &str) -> Option<Self> {
        let (_, numbers) = line.trim().strip_prefix("test result:")?.split_once(". ")?;
        let count = |word: &str| {
            numbers.split(';').find_map(|part| part.trim().strip_suffix(word)?.trim().parse().ok())
        };
        Some(Self { passed: count("passed")?, failed: count("failed")?, skipped: count("ignored")? })
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed, {} SKIPPED", self.passed, self.failed, self.skipped)
    }
}

/// Results by part.
#[derive(Default)]
struct Tally {
    rows: Vec<(String, Counts)>,
    broken: Vec<String>,
}

impl Tally {
    fn row(&mut self, name: &str, counts: Counts, succeeded: bool) {
        if !succeeded || counts.failed > 0 {
            self.broken.push(name.to_owned());
        } else if counts.passed == 0 {
            // A run of nothing proves nothing.
            self.broken.push(format!("{name} (no test ran)"));
        }
        self.rows.push((name.to_owned(), counts));
    }
}

/// `cargo xtask test`.
///
/// # Errors
/// When a test fails, or something that it needs is missing.
pub(crate) fn test(part: Part, only: Option<&str>, kernels: &[Series]) -> Result<()> {
    let mut tally = Tally::default();
    if matches!(part, Part::All | Part::Pure) {
        pure(&mut tally)?;
    }
    if matches!(part, Part::All | Part::Live) {
        here(&mut tally, only)?;
    }
    if matches!(part, Part::All | Part::Vm) {
        let kernels = if kernels.is_empty() { &Series::ALL } else { kernels };
        let mut verifier = Table::default();
        for series in kernels {
            bench(&mut tally, &mut verifier, *series, only)?;
        }
        let worse = verifier.worse().unwrap_or_else(|error| vec![format!("{error:#}")]);
        for line in &worse {
            println!("xtask: verifier: {line}");
        }
        let (passed, failed) = if worse.is_empty() { (verifier.len() as u64, 0) } else { (0, 1) };
        tally.row("the verifier's work", Counts { passed, failed, skipped: 0 }, worse.is_empty());
    }
    println!();
    let mut total = Counts::default();
    for (name, counts) in &tally.rows {
        println!("{name:<28} {counts}");
        total.add(*counts);
    }
    println!("{:<28} {total}", "total");
    if !tally.broken.is_empty() {
        bail!("failed: {}", tally.broken.join(", "));
    }
    Ok(())
}

/// Runs a program, passing its output on, and counts its `test result:` lines.
fn counted(command: &mut Command) -> Result<(Counts, bool)> {
    let mut counts = Counts::default();
    let status = lines(command, &mut |line| counts.add(Counts::of(line).unwrap_or_default()))?;
    Ok((counts, status.success()))
}

fn pure(tally: &mut Tally) -> Result<()> {
    browser();
    println!("xtask: pure tests");
    // The shells in which the Tab key is pressed, and what reads manual pages. Without them those tests say SKIPPED.
    if packages::is_root() && exists("apt-get") {
        let mandoc = ("mandoc", "mandoc");
        packages::ensure(
            "the tests of help",
            &[("zsh", "zsh"), ("fish", "fish"), ("groff", "groff-base"), mandoc],
        )?;
    }
    let mut cargo = Command::new("cargo");
    cargo.current_dir(workspace()).args(["test", "--quiet", "--workspace", "--exclude", "tracer-ebpf"]);
    cargo.args(["--lib", "--bins"]);
    for name in ["cli", "eval", "help", "replay", "report", "scenarios", "screens"] {
        cargo.args(["--test", name]);
    }
    let (counts, succeeded) = counted(&mut cargo)?;
    tally.row("pure", counts, succeeded);
    Ok(())
}

/// The page of `tracer report` is tested in a browser; where none can be had, those tests say that they are skipped.
fn browser() {
    // As tracer/tests/report/browser.rs looks for it.
    if ["chromium", "chromium-browser", "google-chrome"].into_iter().any(exists) {
        return;
    }
    if let Err(error) = packages::install("the tests in a browser", &["chromium"]) {
        println!("xtask: {error:#}");
    }
}

/// Builds the live suite and says where it is.
///
/// # Errors
/// When it does not build.
pub(crate) fn live_binary(static_binary: bool) -> Result<PathBuf> {
    build::runnable("--test", "live", static_binary)
}

fn live_command(only: Option<&str>) -> Vec<String> {
    only.map(str::to_owned).into_iter().collect()
}

fn here(tally: &mut Tally, only: Option<&str>) -> Result<()> {
    if !packages::is_root() {
        bail!("the live tests need root: they load eBPF programs and make network namespaces");
    }
    packages::ensure("the live tests", &[("ip", "iproute2"), ("nft", "nftables"), ("tmux", "tmux")])?;
    let tracer = build::build(false)?;
    let live = live_binary(false)?;
    println!("xtask: live tests on this kernel");
    let (counts, succeeded) = counted(Command::new(live).env("TRACER_BIN", tracer).args(live_command(only)))?;
    tally.row("live, this kernel", counts, succeeded);
    Ok(())
}

fn bench(tally: &mut Tally, verifier: &mut Table, series: Series, only: Option<&str>) -> Result<()> {
    let tracer = build::build(true)?;
    let live = live_binary(true)?;
    let payload = [Payload { from: &tracer, to: "tracer" }, Payload { from: &live, to: "live" }];
    for sets in series.guests() {
        guest(tally, verifier, series, sets, &payload, only)?;
    }
    Ok(())
}

fn guest(
    tally: &mut Tally,
    verifier: &mut Table,
    series: Series,
    sets: &[&str],
    payload: &[Payload<'_>],
    only: Option<&str>,
) -> Result<()> {
    let (name, sets_named) = (series.name(), sets.join(","));
    println!("xtask: live tests on {name}, {sets_named}");
    let command = format!(
        "{}; TRACER_BIN=/tracer TRACER_LIVE_SETS={sets_named} /live {}",
        verifier::command(sets, None),
        live_command(only).join(" ")
    );
    let mut counts = Counts::default();
    let report = vm::boot(series, payload, &command, &mut |line| {
        if line == vm::AGAIN {
            counts = Counts::default();
        }
        if verifier.take(name, line) {
            return;
        }
        println!("  {name} | {line}");
        counts.add(Counts::of(line).unwrap_or_default());
    })?;
    if report.status.is_none() {
        println!("xtask: the guest ({name}) {}; its console:\n{}", report.ending(), report.console);
    }
    println!("xtask: {name} took {} s", report.took.as_secs());
    tally.row(&format!("live, {name}, {sets_named}"), counts, report.status == Some(0));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn result_lines() {
        let line =
            "test result: ok. 12 passed; 1 failed; 3 ignored; 0 measured; 0 filtered out; finished in 0.1s";
        assert_eq!(Counts::of(line), Some(Counts { passed: 12, failed: 1, skipped: 3 }));
        assert_eq!(Counts::of("test x ... ok"), None);
    }

    #[test]
    fn a_run_of_nothing_is_a_failure() {
        let mut tally = Tally::default();
        tally.row("a", Counts::default(), true);
        tally.row("b", Counts { passed: 1, ..Counts::default() }, true);
        tally.row("c", Counts { passed: 1, ..Counts::default() }, false);
        assert_eq!(tally.broken, ["a (no test ran)", "c"]);
    }
}
