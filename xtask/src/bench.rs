//! Benchmarks: figures, not tests.

mod replay;
mod start;

use std::{fs, process::Command};

use anyhow::{Result, bail};

use clap::{Args, ValueEnum};

use crate::{build, packages, process::run, workspace};

/// Benchmarks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Which {
    /// Every one.
    All,
    /// Time to attach and to detach, memory while nothing happens, size of the program.
    Attach,
    /// What the programs cost in the kernel, beside empty ones and bpftrace.
    Cost,
    /// How many events a second a core takes from the ring to the aggregate, and the memory of a flood.
    Flow,
    /// What watching costs a web server and a flood, beside empty programs, bpftrace and tcpdump.
    Load,
    /// How fast a capture is read, beside tshark and p0f.
    Replay,
    /// What the full screen costs at 10,000 drops a second.
    Top,
}

/// How thorough a benchmark is; each has numbers of its own.
#[derive(Args, Debug, Default, PartialEq, Eq)]
pub(crate) struct Wishes {
    /// Rounds; everybody is measured once in each (cost, load).
    #[arg(long)]
    rounds: Option<u32>,
    /// Seconds of each measurement of the web server (load).
    #[arg(long)]
    seconds: Option<u32>,
    /// Only these watchers: empty,tracer,bpftrace (cost, load), tcpdump (load).
    #[arg(long)]
    who: Option<String>,
}

impl Wishes {
    /// As arguments, for a benchmark that knows these.
    fn args(&self, known: &[&str]) -> Result<Vec<String>> {
        let number = |n: Option<u32>| n.map(|n| n.to_string());
        let wishes = [
            ("--rounds", number(self.rounds)),
            ("--seconds", number(self.seconds)),
            ("--who", self.who.clone()),
        ];
        let mut args = Vec::new();
        for (name, value) in wishes {
            let Some(value) = value else { continue };
            if !known.contains(&name) {
                bail!("this benchmark knows no {name}; try `cargo xtask bench load {name} {value}`");
            }
            args.extend([name.to_owned(), value]);
        }
        Ok(args)
    }
}

/// `cargo xtask bench`.
///
/// # Errors
/// When one cannot be run, or with `check` when one is over its budget.
pub(crate) fn bench(which: Which, check: bool, wishes: &Wishes) -> Result<()> {
    if which == Which::All {
        wishes.args(&[])?;
        for which in [Which::Attach, Which::Cost, Which::Flow, Which::Load, Which::Replay, Which::Top] {
            bench(which, check, wishes)?;
        }
        return Ok(());
    }
    let args = wishes.args(match which {
        Which::Load => &["--rounds", "--seconds", "--who"],
        Which::Cost => &["--rounds", "--who"],
        _ => &[],
    })?;
    let rest = || args.iter().map(String::as_str).chain(check.then_some("--check"));
    println!("{}", machine()?);
    match which {
        Which::Attach => start::start(check),
        Which::Cost => {
            packages::ensure("the benchmark", &[("bpftrace", "bpftrace"), ("ip", "iproute2")])?;
            on_hooks("cost", rest())
        }
        Which::Load => load(rest()),
        Which::Replay => replay::replay(check),
        Which::Flow => without_programs("flow", rest()),
        Which::All | Which::Top => without_programs("top", rest()),
    }
}

/// One that needs neither root nor the eBPF object.
fn without_programs<'a>(name: &str, args: impl Iterator<Item = &'a str>) -> Result<()> {
    let mut cargo = Command::new("cargo");
    cargo.current_dir(workspace()).env("TRACER_EBPF", "skip");
    run(cargo.args(["bench", "--quiet", "--package", "tracer", "--bench", name, "--"]).args(args))
}

/// A benchmark that wants root, the program and its hooks.
fn on_hooks<'a>(name: &str, args: impl Iterator<Item = &'a str>) -> Result<()> {
    let tracer = build::build(false)?;
    let mut cargo = build::cargo("bench", false);
    cargo.args(["--quiet", "--package", "tracer", "--bench", name, "--"]).args(args);
    run(cargo.env("TRACER_BIN", tracer))
}

/// A web server and floods, on this kernel.
fn load<'a>(args: impl Iterator<Item = &'a str>) -> Result<()> {
    let programs = [("bpftrace", "bpftrace"), ("ip", "iproute2"), ("tcpdump", "tcpdump"), ("wrk", "wrk")];
    packages::ensure("the benchmark", &programs)?;
    let nginx = packages::unpacked("the benchmark", "nginx", &["nginx", "nginx-light", "nginx-core"])?;
    let args: Vec<String> = args.map(str::to_owned).chain(["--nginx".into(), nginx]).collect();
    on_hooks("load", args.iter().map(String::as_str))
}

/// What every table starts with: processor, cores, kernel.
fn machine() -> Result<String> {
    let cpus = fs::read_to_string("/proc/cpuinfo")?;
    let models = cpus.lines().filter_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let model = models.map(|(_, model)| model.trim()).next().unwrap_or("unknown processor");
    let cores = std::thread::available_parallelism()?;
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease")?;
    Ok(format!("machine: {model}, {cores} cores, Linux {}", kernel.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wishes_reach_those_who_know_them() {
        let wishes = Wishes { rounds: Some(3), seconds: None, who: Some("tracer".into()) };
        assert_eq!(wishes.args(&["--rounds", "--who"]).unwrap(), ["--rounds", "3", "--who", "tracer"]);
        assert!(wishes.args(&["--who"]).unwrap_err().to_string().contains("--rounds"));
        assert!(Wishes::default().args(&[]).unwrap().is_empty());
    }

    #[test]
    fn a_machine_is_named() {
        let machine = machine().unwrap();
        assert!(machine.contains(" cores, Linux ") && !machine.contains(" 0 cores"), "{machine}");
    }
}
