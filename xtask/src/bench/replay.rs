//! How fast `tracer replay` reads a capture, beside tshark and p0f on the same file in the same run.

mod capture;

use std::{
    fmt::Write as _,
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};

use crate::{build, packages, process::run, target};

/// Packets of the capture.
const PACKETS: u64 = 2_000_000;
/// Each program reads it so often, in turns, so that what disturbs one disturbs all.
const RUNS: usize = 3;
/// Packets a second, as a multiple of the other program's.
const BUDGETS: [(&str, f64); 2] = [("tshark", 5.0), ("p0f", 1.0)];

/// `cargo xtask bench replay`; its table, which it prints.
///
/// # Errors
/// When a program does not run, or with `check` when a ratio is below its budget.
pub(crate) fn replay(check: bool) -> Result<String> {
    packages::ensure("the benchmark", &[("tshark", "tshark"), ("p0f", "p0f")])?;
    // A capture needs no eBPF: what is there is built.
    let mut cargo = build::cargo("build", false);
    run(cargo.env_remove("TRACER_EBPF").args(["--quiet", "--release", "--package", "tracer"]))?;
    let tracer = target("release/tracer");
    let file = target("bench/replay.pcap");
    let made = capture::write(&file, PACKETS)?;
    let mut text = format!(
        "{} packets, {} MiB: {} connections of which {} are refused at first; {RUNS} runs each, in turns\n",
        made.packets,
        made.bytes >> 20,
        made.connections,
        made.refused
    );
    let names = ["tracer", "tshark", "p0f"];
    let mut times: [Vec<Duration>; 3] = Default::default();
    for _ in 0..RUNS {
        for (name, times) in names.iter().zip(&mut times) {
            times.push(timed(command(name, &tracer, &file))?);
        }
    }
    let [ours, ..] = times.each_mut().map(|times| {
        times.sort();
        times[RUNS / 2]
    });
    let mut slow = Vec::new();
    for (name, times) in names.iter().zip(&times) {
        let median = times[RUNS / 2];
        #[expect(clippy::cast_precision_loss, reason = "a rate, not a count")]
        let rate = made.packets as f64 / median.as_secs_f64();
        let ratio = median.as_secs_f64() / ours.as_secs_f64();
        let _ = writeln!(
            text,
            "{name:<8} min {:>8.2?}  median {median:>8.2?}  max {:>8.2?}  {:>6.2} million packets/s  x{ratio:.2}",
            times[0],
            times[RUNS - 1],
            rate / 1e6,
        );
        if let Some((_, budget)) = BUDGETS.iter().find(|(other, budget)| other == name && ratio < *budget) {
            slow.push(format!("{ratio:.2} times as fast as {name}, and {budget} is the budget"));
        }
    }
    print!("{text}");
    if check && !slow.is_empty() {
        bail!("{}", slow.join("; "));
    }
    Ok(text)
}

/// What each program is asked to do with the file.
fn command(name: &str, tracer: &Path, file: &Path) -> Command {
    let mut command = Command::new(if name == "tracer" { tracer.as_os_str() } else { name.as_ref() });
    match name {
        "tracer" => command.arg("replay").arg(file),
        "tshark" => command
            .args(["-n", "-Y", "tcp.flags.syn==1", "-T", "fields", "-e", "frame.time_epoch"])
            .args(["-e", "ip.src", "-e", "tcp.srcport", "-e", "ip.dst", "-e", "tcp.dstport"])
            .args(["-e", "tcp.options.timestamp.tsval", "-r"])
            .arg(file),
        _ => command.arg("-r").arg(file),
    };
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    command
}

fn timed(mut command: Command) -> Result<Duration> {
    let begun = Instant::now();
    let out = command.output().with_context(|| format!("run {}", command.get_program().to_string_lossy()))?;
    let took = begun.elapsed();
    if !out.status.success() {
        bail!("{}: {}", command.get_program().to_string_lossy(), String::from_utf8_lossy(&out.stderr));
    }
    Ok(took)
}
