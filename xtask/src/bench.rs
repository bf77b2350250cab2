//! Benchmarks: figures, not tests.

mod counted;
mod replay;
mod start;

use std::{fs, process::Command};

use anyhow::{Context as _, Result, bail};
use clap::{Args, ValueEnum};

use crate::{build, kept, packages, process::told, vm::Series, workspace};

/// Where tables are kept, a section for each benchmark on each kernel.
const FILE: &str = "tracer/COST.md";

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
#[derive(Args, Clone, Debug, Default, PartialEq)]
pub(crate) struct Wishes {
    /// Rounds; everybody is measured once in each (cost, load).
    #[arg(long)]
    rounds: Option<u32>,
    /// Seconds of each measurement of the web server, or a part of one (load).
    #[arg(long)]
    seconds: Option<f64>,
    /// Only these watchers: empty,tracer,bpftrace (cost, load), tcpdump (load); tcpdrop (cost) must be named and there.
    #[arg(long)]
    who: Option<String>,
    /// Only these cases: web,switched,cookies,queue,paws (load).
    #[arg(long)]
    case: Option<String>,
    /// The hook set (cost, load); without it the one for which the benchmark was made, with --vm every one.
    #[arg(long)]
    set: Option<String>,
    /// In this kernel of the bench, by instructions instead of time (cost).
    #[arg(long, value_enum)]
    vm: Option<Series>,
}

impl Wishes {
    /// As arguments, for a benchmark that knows these.
    fn args(&self, known: &[&str]) -> Result<Vec<String>> {
        let number = |n: Option<u32>| n.map(|n| n.to_string());
        let wishes = [
            ("--rounds", number(self.rounds)),
            ("--seconds", self.seconds.map(|seconds| seconds.to_string())),
            ("--who", self.who.clone()),
            ("--case", self.case.clone()),
            ("--set", self.set.clone()),
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
pub(crate) fn bench(which: Which, check: bool, write: bool, wishes: &Wishes) -> Result<()> {
    if let Some(series) = wishes.vm.filter(|_| which != Which::Cost) {
        bail!("only one runs in a guest; try `cargo xtask bench cost --vm {}`", series.name());
    }
    if which == Which::All {
        wishes.args(&[])?;
        for which in [Which::Attach, Which::Cost, Which::Flow, Which::Load, Which::Replay, Which::Top] {
            bench(which, check, write, wishes)?;
        }
        return Ok(());
    }
    let args = wishes.args(match which {
        Which::Load => &["--rounds", "--seconds", "--who", "--case", "--set"],
        Which::Cost => &["--rounds", "--who", "--set"],
        _ => &[],
    })?;
    let name = which.to_possible_value().context("a benchmark")?;
    let name = [&[name.get_name().to_owned()], &args[..]].concat().join(" ");
    let args: Vec<&str> = args.iter().map(String::as_str).chain(check.then_some("--check")).collect();
    let (name, table) = match wishes.vm {
        Some(series) => (format!("{name} --vm {}", series.name()), counted::count(series, &args)?),
        None => (format!("{name}, Linux {}", series_of(&release()?)), here(which, check, &args)?),
    };
    if write { keep(&name, &table) } else { Ok(()) }
}

/// One on this machine; its table, which it prints.
fn here(which: Which, check: bool, args: &[&str]) -> Result<String> {
    let machine = machine()?;
    println!("{machine}");
    let table = match which {
        Which::Attach => start::start(check),
        Which::Cost => {
            packages::ensure("the benchmark", &[("bpftrace", "bpftrace"), ("ip", "iproute2")])?;
            on_hooks("cost", args)
        }
        Which::Load => load(args),
        Which::Replay => replay::replay(check),
        Which::Flow => without_programs("flow", args),
        Which::All | Which::Top => without_programs("top", args),
    }?;
    Ok(format!("{machine}\n{table}"))
}

/// Renews a section of the file in the repository.
fn keep(name: &str, text: &str) -> Result<()> {
    let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    let section = format!("## {name}\n\n```text\n{}\n```\n", lines.join("\n"));
    kept::write(FILE, &kept::renewed(&kept::read(FILE)?, name, &section)?)?;
    println!("xtask: kept as `{name}` in {FILE}");
    Ok(())
}

/// One that needs neither root nor the eBPF object.
fn without_programs(name: &str, args: &[&str]) -> Result<String> {
    let mut cargo = Command::new("cargo");
    cargo.current_dir(workspace()).env("TRACER_EBPF", "skip");
    told(cargo.args(["bench", "--quiet", "--package", "tracer", "--bench", name, "--"]).args(args))
}

/// A benchmark that wants root, the program and its hooks.
fn on_hooks(name: &str, args: &[&str]) -> Result<String> {
    let tracer = build::build(false)?;
    let mut cargo = build::cargo("bench", false);
    cargo.args(["--quiet", "--package", "tracer", "--bench", name, "--"]).args(args);
    told(cargo.env("TRACER_BIN", tracer))
}

/// A web server and floods, on this kernel.
fn load(args: &[&str]) -> Result<String> {
    let programs = [("bpftrace", "bpftrace"), ("ip", "iproute2"), ("tcpdump", "tcpdump"), ("wrk", "wrk")];
    packages::ensure("the benchmark", &programs)?;
    let nginx = packages::unpacked("the benchmark", "nginx", &["nginx", "nginx-light", "nginx-core"])?;
    on_hooks("load", &[args, &["--nginx", &nginx]].concat())
}

/// What every table starts with: processor, cores, kernel.
fn machine() -> Result<String> {
    let cpus = fs::read_to_string("/proc/cpuinfo")?;
    let models = cpus.lines().filter_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let model = models.map(|(_, model)| model.trim()).next().unwrap_or("unknown processor");
    let cores = std::thread::available_parallelism()?;
    Ok(format!("machine: {model}, {cores} cores, Linux {}", release()?))
}

fn release() -> Result<String> {
    Ok(fs::read_to_string("/proc/sys/kernel/osrelease")?.trim().to_owned())
}

/// Of a kernel's release; point releases are not worth a section of their own.
fn series_of(release: &str) -> String {
    release.split(['.', '-']).take(2).collect::<Vec<_>>().join(".")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wishes_reach_those_who_know_them() {
        let wishes = Wishes { rounds: Some(3), who: Some("tracer".into()), ..Wishes::default() };
        assert_eq!(wishes.args(&["--rounds", "--who"]).unwrap(), ["--rounds", "3", "--who", "tracer"]);
        assert!(wishes.args(&["--who"]).unwrap_err().to_string().contains("--rounds"));
        assert!(Wishes::default().args(&[]).unwrap().is_empty());
        let vm = Wishes { vm: Some(Series::V6_1), ..Wishes::default() };
        let refused = bench(Which::Flow, false, false, &vm).unwrap_err();
        assert!(refused.to_string().contains("bench cost --vm 6.1"));
    }

    #[test]
    fn a_machine_is_named() {
        let machine = machine().unwrap();
        assert!(machine.contains(" cores, Linux ") && !machine.contains(" 0 cores"), "{machine}");
        assert_eq!(series_of("6.18.44-1-cloud"), "6.18");
        assert_eq!(series_of("7.3-rc1"), "7.3");
    }
}
