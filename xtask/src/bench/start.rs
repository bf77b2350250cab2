//! What the program needs to start, to be there and to go: time to attach, time to detach, memory while nothing happens,
//! size of the file.

use std::{
    fmt::{Debug, Write as _},
    fs,
    io::{BufRead as _, BufReader, Read as _},
    path::Path,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail, ensure};

use crate::{build, process::run};

/// Runs in which times are taken, and how long each watches.
const RUNS: usize = 20;
const MOMENT: Duration = Duration::from_millis(200);
/// Runs in which the memory is looked at, and after how long.
const LONG_RUNS: usize = 3;
const IDLE: Duration = Duration::from_secs(2);

/// From the start of the program until everything is attached.
const ATTACH: Duration = Duration::from_millis(300);
/// From the signal to the end of the process.
const DETACH: Duration = Duration::from_millis(100);
/// Resident when nothing has happened yet.
const RESIDENT: Bytes = Bytes(20 << 20);
/// Of the program's file.
const FILE: Bytes = Bytes(8 << 20);

/// Shown in MiB.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Bytes(u64);

impl Debug for Bytes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{} MiB", self.0 >> 20, ((self.0 & 0xf_ffff) * 10) >> 20)
    }
}

/// One run.
struct Run {
    /// Until the start line, which is printed when everything is attached.
    attached: Duration,
    /// After the signal, until the summary was there.
    summed_up: Duration,
    /// After the signal, until the process was gone.
    gone: Duration,
    resident: Bytes,
    peak: Bytes,
}

/// `cargo xtask bench attach`; its table, which it prints.
///
/// # Errors
/// When the program does not start or end as it should, or with `check` when a median is over its budget.
pub(super) fn start(check: bool) -> Result<String> {
    let tracer = build::build(false)?;
    let short = (0..RUNS).map(|_| once(&tracer, MOMENT)).collect::<Result<Vec<_>>>()?;
    let long = (0..LONG_RUNS).map(|_| once(&tracer, IDLE)).collect::<Result<Vec<_>>>()?;
    let file = Bytes(fs::metadata(&tracer)?.len());
    let mut table = Table::default();
    table.row("load and attach", short.iter().map(|run| run.attached), Some(ATTACH));
    table.row("detach, from the signal to the end", short.iter().map(|run| run.gone), Some(DETACH));
    table.row("  of it, until the summary is there", short.iter().map(|run| run.summed_up), None);
    table.row("memory, 2 s of nothing (VmRSS)", long.iter().map(|run| run.resident), Some(RESIDENT));
    table.row("  at most since the start (VmHWM)", long.iter().map(|run| run.peak), None);
    table.row("size of the program", [file].into_iter(), Some(FILE));
    print!("{}", table.text);
    if check && !table.over.is_empty() {
        bail!("over the budget: {}", table.over.join("; "));
    }
    Ok(table.text)
}

/// Rows, and what is over its budget.
#[derive(Default)]
struct Table {
    text: String,
    over: Vec<String>,
}

impl Table {
    fn row<T: Copy + Ord + Debug>(&mut self, what: &str, values: impl Iterator<Item = T>, budget: Option<T>) {
        let mut values: Vec<T> = values.collect();
        values.sort();
        let [least, median, most] = [0, values.len() / 2, values.len() - 1].map(|at| values[at]);
        let spread = if values.len() > 1 {
            format!("({least:.1?} to {most:.1?}, {} runs)", values.len())
        } else {
            String::new()
        };
        let shown = budget.map_or_else(String::new, |budget| format!("budget {budget:?}"));
        let row = format!("{what:<38} {:>9} {spread:<36} {shown}", format!("{median:.1?}"));
        let _ = writeln!(self.text, "{}", row.trim_end());
        let over = budget.filter(|budget| median > *budget);
        self.over.extend(over.map(|budget| format!("{what}: {median:.1?} of {budget:?}")));
    }
}

/// Starts the program where nothing happens, waits, and ends it.
fn once(tracer: &Path, idle: Duration) -> Result<Run> {
    let begun = Instant::now();
    let mut child = Command::new(tracer)
        .args(["-o", "json", "-p", "1"])
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| tracer.display().to_string())?;
    let mut out = BufReader::new(child.stdout.take().context("its output")?);
    let mut text = String::new();
    out.read_line(&mut text)?;
    let attached = begun.elapsed();
    ensure!(text.contains("\"type\":\"start\""), "no start line: {text}");
    thread::sleep(idle);
    let status = fs::read_to_string(format!("/proc/{}/status", child.id()))?;
    let (resident, peak) = (memory(&status, "VmRSS:")?, memory(&status, "VmHWM:")?);
    let asked = Instant::now();
    // Not SIGINT, which background jobs are told to ignore; the program takes both alike.
    run(Command::new("kill").args(["-s", "TERM", &child.id().to_string()]))?;
    text.clear();
    out.read_line(&mut text)?;
    let summed_up = asked.elapsed();
    out.read_to_string(&mut text)?;
    let ended = child.wait()?;
    let gone = asked.elapsed();
    ensure!(ended.success() && text.contains("\"type\":\"summary\""), "{ended}, no summary: {text}");
    Ok(Run { attached, summed_up, gone, resident, peak })
}

/// A line of `/proc/PID/status` in kB.
fn memory(status: &str, name: &str) -> Result<Bytes> {
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    let kib = line.and_then(|line| line.trim().strip_suffix(" kB")).and_then(|kib| kib.parse().ok());
    Ok(Bytes(kib.map(|kib: u64| kib << 10).with_context(|| format!("no {name} in its status"))?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows() {
        let mut table = Table::default();
        table.row("x", [3, 1, 2].into_iter(), Some(2));
        table.row("y", [3, 1, 2].into_iter(), None);
        assert!(table.over.is_empty());
        table.row("z", [3, 1, 2].into_iter(), Some(1));
        assert_eq!(table.over, ["z: 2 of 1"]);
        assert_eq!(table.text.lines().count(), 3);
    }

    #[test]
    fn memory_of_a_process() {
        let status = "Name:\tx\nVmHWM:\t   31300 kB\nVmRSS:\t   20480 kB\n";
        assert_eq!(format!("{:?}", memory(status, "VmHWM:").unwrap()), "30.5 MiB");
        assert!(memory(status, "VmRSS:").unwrap() <= RESIDENT);
        assert!(memory("VmRSS:\t20481 kB", "VmRSS:").unwrap() > RESIDENT);
        assert!(memory(status, "VmPeak:").is_err());
    }
}
