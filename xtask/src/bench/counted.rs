//! What the programs cost in instructions: the benchmark `cost` in a guest whose clock goes by them. Emulated nanoseconds say
//! nothing; these come out the same on every machine.

use anyhow::{Result, bail};

use crate::{
    build, packages,
    vm::{self, Clock, Job, Payload, Series},
};

/// Few: what is measured hardly varies. So many SYNs that each refused one of a round is still reported by itself.
const ROUNDS: &str = "2";
const SYNS: &str = "500";

/// The benchmark's table, which it prints; of every hook set, unless `--set` names some.
///
/// # Errors
/// When the guest or the benchmark in it fails, or with `--check` when a set is over a bound.
pub(super) fn count(series: Series, args: &[&str]) -> Result<String> {
    packages::ensure("the benchmark", &[("bpftrace", "bpftrace")])?;
    let tracer = build::build(true)?;
    let cost = build::runnable("--bench", "cost", true)?;
    // The first of two numbers counts: what was asked for stands before our own.
    let command = format!(
        "echo \"machine: emulated, an instruction takes 1 ns, Linux $(uname -r)\"\n\
         TRACER_BIN=/tracer /cost --bench --instructions {} --set {} --rounds {ROUNDS} --syns {SYNS} \
         2>/dev/ttyS0",
        args.join(" "),
        series.sets().join(",")
    );
    let job = Job {
        payload: &[Payload { from: &tracer, to: "tracer" }, Payload { from: &cost, to: "cost" }],
        programs: &["bpftrace"],
        command: &command,
        clock: Clock::Instructions,
    };
    let mut table = String::new();
    let report = vm::job(series, &job, &mut |line| {
        if line == vm::AGAIN {
            table.clear();
            return;
        }
        println!("{line}");
        table.push_str(line);
        table.push('\n');
    })?;
    println!("xtask: {} took {} s", series.name(), report.took.as_secs());
    match report.status {
        Some(0) => Ok(table),
        Some(status) => {
            bail!("{}: exit status {status}; its console:\n{}", series.name(), report.console)
        }
        None => bail!("the guest ({}) {}; its console:\n{}", series.name(), report.ending(), report.console),
    }
}
