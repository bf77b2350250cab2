//! Whole runs: how they end, what they sum up, what they record, what they leave behind. Each has a tracer of its own.

use std::{collections::BTreeMap, fs, process::ExitStatus, time::Duration};

use anyhow::{Context as _, Result, ensure};
use nix::sys::signal::Signal;

use super::{
    event::Event,
    family::Family,
    fate::{Fate, judge},
    ground::{
        Ground, Place, Set,
        Why::{AcceptQueueFull, NoListener, PawsTimeWait},
    },
    lab::Lab,
    peer::PORT,
    programs::Programs,
    watcher::Watcher,
};

/// A run's case.
pub(crate) type Run = (&'static str, fn(Ground) -> Result<()>);

/// Those that may run beside others.
pub(crate) const RUNS: &[Run] = &[
    ("run/summary-and-write", |ground| summary(ground, &[])),
    ("run/types-from-a-file", from_a_file),
    ("run/types-by-calibration", calibrated),
    ("run/count", count),
    ("run/duration", duration),
    ("run/sigterm", sigterm),
    ("run/sigint-and-fail-on-drop", sigint),
    ("run/rate-limit", rate_limit),
    ("run/memory", memory),
];

const ISN: u32 = 1_000_000;
const STAMP: u32 = 1_000_000_000;

/// Watches one laboratory for every cause.
pub(crate) fn watch(ground: Ground, lab: &Lab, more: &[&str]) -> Result<Watcher> {
    let path = lab.netns.path().display().to_string();
    Watcher::start(ground.set.name(), &[&["--cause", "all", "--netns", &path], more].concat())
}

/// This many SYNs to a closed port, each with its fence: twice as many drops.
fn knock(lab: &mut Lab, times: u16) -> Result<()> {
    for sport in 0..times {
        let mut syn = lab.syn(9, 1001 + sport, ISN, Some(STAMP));
        syn.to.set_port(PORT + 1);
        lab.shoot(&syn, Fate::dies(NoListener))?;
    }
    Ok(())
}

pub(crate) fn code(status: ExitStatus, wanted: i32, stderr: &str) -> Result<()> {
    ensure!(status.code() == Some(wanted), "{status}, not exit status {wanted}; it said: {stderr}");
    Ok(())
}

/// Fields that the user names a file for; then the kernel vouches for no types, and other programs are on its tracepoints.
pub(crate) const FROM_A_FILE: &[&str] = &["--btf", "/sys/kernel/btf/vmlinux"];

/// The same with types from a file; trampolines have no use for it.
fn from_a_file(ground: Ground) -> Result<()> {
    if ground.set != Set::Fentry {
        return summary(ground, FROM_A_FILE);
    }
    let refused = Watcher::start(ground.set.name(), FROM_A_FILE).err().context("it started")?;
    ensure!(format!("{refused:#}").contains("--btf FILE serves the other sets"), "{refused:#}");
    Ok(())
}

/// The same with fields that are found by trying, which does for one set alone.
fn calibrated(ground: Ground) -> Result<()> {
    if ground.set == Set::Legacy {
        return summary(ground, &["--calibrate"]);
    }
    let refused = Watcher::start(ground.set.name(), &["--calibrate"]).err().context("it started")?;
    let refused = format!("{refused:#}");
    let words = ["calibration serves the set legacy alone", "calibration does not work on this kernel"];
    ensure!(words.iter().any(|words| refused.contains(words)), "{refused}");
    Ok(())
}

/// What the summary says is what was printed, and recorded, and what the kernel counted.
fn summary(ground: Ground, more: &[&str]) -> Result<()> {
    let mut lab = Lab::new(Family::V4)?;
    let listener = lab.listen(1)?;
    let old = lab.syn(9, 1001, ISN, Some(STAMP));
    let kept = lab.time_wait(&listener, &old)?.last_tsval()?;
    for sport in [1002, 1003] {
        lab.connect(&lab.syn(9, sport, ISN, Some(STAMP)))?;
    }
    lab.shots.clear();
    let unwatched = lab.fences;
    let path = std::env::temp_dir().join(format!("live-{}-{}.ndjson", std::process::id(), lab.inode()));
    let watcher = watch(ground, &lab, &[&["-w", &path.to_string_lossy()], more].concat())?;
    let before = lab.counters()?;
    knock(&mut lab, 2)?;
    if ground.must_see(Place::Bucket) {
        let syn = old.at(ISN + 5_000_000);
        let dies = Fate::dies_by(PawsTimeWait, kept);
        lab.shoot(&syn.clone().stamped(Some(kept - 7)), dies)?;
        lab.shoot(&syn.clone().stamped(Some(kept - 70)), dies.silently())?;
        lab.shoot(&syn.stamped(Some(kept - 1)), dies.silently())?;
    }
    if ground.must_see(Place::Listener) {
        let syn = lab.syn(9, 1004, ISN, Some(STAMP));
        lab.shoot(&syn, Fate::dies(AcceptQueueFull))?;
        lab.shoot(&syn, Fate::dies(AcceptQueueFull))?;
    }
    let shots = lab.shots.len() as u64;
    judge(&mut lab, &watcher, ground)?;
    let after = lab.counters()?;
    let events = watcher.events_of(lab.inode());
    let ended = watcher.finish()?;
    let text = fs::read_to_string(&path).context("the recording")?;
    fs::remove_file(&path)?;
    code(ended.status, 0, &ended.stderr)?;
    let recorded: Vec<&str> = text.lines().filter(|line| line.contains("\"type\":\"drop\"")).collect();
    ensure!(recorded == ended.printed, "recorded {recorded:#?}, printed {:#?}", ended.printed);
    let summary = ended.summary;

    let fences = u64::from(lab.fences - unwatched);
    ensure!(summary.drops == shots + fences, "{} drops, not {shots} and {fences} fences", summary.drops);
    ensure!(events.len() as u64 == summary.drops, "{} lines", events.len());
    let mut by_cause = BTreeMap::<String, u64>::new();
    for event in &events {
        *by_cause.entry(event.cause.clone()).or_default() += 1;
    }
    ensure!(summary.by_cause == by_cause, "by cause: {:?}, not {by_cause:?}", summary.by_cause);
    ensure!(summary.nothing_lost(), "lost: {:?}", summary.lost);

    ensure!(summary.sources_total == 2, "{} sources", summary.sources_total);
    let ours = |event: &&Event| event.src == lab.family.host(9);
    let source =
        summary.sources.iter().find(|source| source.src == lab.family.host(9)).context("our source")?;
    ensure!(source.drops == shots, "{source:?}");
    ensure!(source.syns.is_none_or(|syns| syns >= shots), "{source:?}");
    ensure!(
        source.paws == events.iter().filter(ours).filter(|event| event.paws).count() as u64,
        "{source:?}"
    );
    let worst = events.iter().filter(|event| event.paws).filter_map(|event| event.regression).max();
    ensure!(source.max_regression == worst, "{source:?}, not {worst:?}");

    for (name, delta) in &summary.snmp {
        let moved =
            after.since(&before, name).with_context(|| format!("this kernel has no counter {name}"))?;
        ensure!(moved == *delta, "{name} moved by {moved}, the summary says {delta}");
    }
    let named: Vec<&String> = events.iter().filter_map(|event| event.snmp.as_ref()).collect();
    for name in named {
        ensure!(name == "TcpOutRsts" || summary.snmp.contains_key(name), "no {name} in {:?}", summary.snmp);
    }
    let remarks: Vec<_> = summary.snmp_check.iter().filter(|check| check.remark.is_some()).collect();
    ensure!(
        summary.snmp_check.iter().all(|check| summary.snmp.contains_key(&check.counter)),
        "{:?}",
        summary.snmp
    );
    ensure!(remarks.is_empty(), "remarks on a run without loss: {remarks:?}");
    Ok(())
}

/// Five are asked for, more come.
fn count(ground: Ground) -> Result<()> {
    let mut lab = Lab::new(Family::V4)?;
    let watcher = watch(ground, &lab, &["-c", "5"])?;
    knock(&mut lab, 8)?;
    let ended = watcher.end()?;
    code(ended.status, 0, &ended.stderr)?;
    ensure!(ended.printed.len() == 5, "{} lines", ended.printed.len());
    ensure!(ended.summary.drops == 5, "{} drops", ended.summary.drops);
    Ok(())
}

/// By itself, with nothing found.
fn duration(ground: Ground) -> Result<()> {
    let lab = Lab::new(Family::V4)?;
    let watcher = watch(ground, &lab, &["-d", "1500ms", "--fail-on-drop"])?;
    let ended = watcher.end()?;
    code(ended.status, 0, &ended.stderr)?;
    ensure!(ended.summary.elapsed_ms >= 1500, "it ended after {} ms", ended.summary.elapsed_ms);
    ensure!(ended.summary.drops == 0 && ended.printed.is_empty(), "{:?}", ended.summary);
    Ok(())
}

/// Nothing of it is left in the kernel.
fn sigterm(ground: Ground) -> Result<()> {
    let mut lab = Lab::new(Family::V4)?;
    let watcher = watch(ground, &lab, &[])?;
    let programs = Programs::of(&watcher)?;
    stop(&mut lab, &watcher, Signal::SIGTERM, 0)?;
    programs.are_gone()
}

fn sigint(ground: Ground) -> Result<()> {
    let mut lab = Lab::new(Family::V6)?;
    let watcher = watch(ground, &lab, &["--fail-on-drop"])?;
    stop(&mut lab, &watcher, Signal::SIGINT, 3)
}

/// Four drops, and the signal at once: what the kernel has handed over by then is told all the same. It comes twice, as from
/// `timeout`, which is one wish and no reason to hurry.
fn stop(lab: &mut Lab, watcher: &Watcher, signal: Signal, status: i32) -> Result<()> {
    knock(lab, 2)?;
    watcher.signal(signal)?;
    // The first may have been enough.
    let _ = watcher.signal(signal);
    let ended = watcher.end()?;
    code(ended.status, status, &ended.stderr)?;
    ensure!(ended.summary.drops == 4, "{} drops, not 4", ended.summary.drops);
    ensure!(ended.printed.len() == 4, "{} lines, not 4", ended.printed.len());
    Ok(())
}

fn rate_limit(ground: Ground) -> Result<()> {
    let mut lab = Lab::new(Family::V4)?;
    let watcher = watch(ground, &lab, &["--rate-limit", "1"])?;
    knock(&mut lab, 15)?;
    let ended = watcher.finish()?;
    code(ended.status, 0, &ended.stderr)?;
    ensure!(ended.summary.drops == 30, "{} drops, not 30", ended.summary.drops);
    // What was in the ring at the end is printed after the time was taken, and may be in a second of its own.
    let most = Duration::from_millis(ended.summary.elapsed_ms).as_secs() + 2;
    let lines = ended.printed.len() as u64;
    ensure!((1..=most).contains(&lines), "{lines} lines in {} ms", ended.summary.elapsed_ms);
    Ok(())
}

/// Attaching reads the types of the whole kernel; that memory is not kept.
fn memory(ground: Ground) -> Result<()> {
    const MOST_KIB: u64 = 20 << 10;
    let watcher = Watcher::start(ground.set.name(), &["-p", &PORT.to_string()])?;
    let kib = watcher.resident_kib()?;
    ensure!(kib <= MOST_KIB, "{kib} KiB are resident, not at most {MOST_KIB}");
    watcher.finish().map(drop)
}
