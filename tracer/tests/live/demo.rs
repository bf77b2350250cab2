//! `tracer demo`: each scenario makes the incident that it names, with real sockets behind a real NAT, and leaves nothing
//! behind.

use std::{collections::HashMap, fs, path::Path, process::Command};

use anyhow::{Context as _, Result, ensure};
use nix::sys::signal::Signal;

use super::{
    event::{Event, Nat, Verdict},
    ground::{Ground, Place, Set},
    programs::Programs,
    runs::Run,
    watcher::{Ended, Watcher},
};

/// One after the other: they measure what clients wait for. The first for every set, the others once a kernel.
pub(crate) fn demos(ground: Ground) -> Vec<Run> {
    let mut demos: Vec<Run> = vec![("demo/nat", nat)];
    if ground.set == Set::Kprobe || ground.set == Set::Tracepoint {
        demos.push(("demo/accept-queue", accept_queue));
    }
    if ground.set == Set::Kprobe || ground.set == Set::Tracepoint && ground.must_see(Place::Bucket) {
        demos.extend([("demo/one-client", one_client as fn(Ground) -> Result<()>), ("demo/silent", silent)]);
    }
    if ground.set == Set::Fentry || ground.set == Set::Tracepoint {
        demos.extend([
            ("demo/healthy", healthy as fn(Ground) -> Result<()>),
            ("demo/sigterm", sigterm),
            ("demo/no-nat", no_nat),
        ]);
    }
    demos
}

/// What of the machine a demonstration must leave as it was.
#[derive(Debug, PartialEq, Eq)]
struct Machine {
    links: String,
    addresses: String,
    rules: String,
    named: Vec<String>,
    forwarding: String,
}

impl Machine {
    fn look() -> Result<Self> {
        let output = |program: &str, args: &[&str]| -> Result<String> {
            let out = Command::new(program).args(args).output().with_context(|| program.to_owned())?;
            Ok(String::from_utf8_lossy(&out.stdout).into_owned())
        };
        let mut named: Vec<String> = fs::read_dir("/run/netns")
            .into_iter()
            .flatten()
            .flatten()
            .map(|entry| entry.file_name().to_string_lossy().into_owned())
            .collect();
        named.sort();
        Ok(Self {
            links: output("ip", &["-br", "link"])?,
            addresses: output("ip", &["-br", "addr"])?,
            rules: output("nft", &["list", "ruleset"])?,
            named,
            forwarding: fs::read_to_string(Path::new("/proc/sys/net/ipv4/ip_forward"))?,
        })
    }
}

/// Everything comes from one address; the finding about it.
fn behind(ended: &Ended) -> Result<&Nat> {
    let source = ended.summary.sources.iter().find(|source| source.src.to_string() == "10.77.0.1");
    source.and_then(|source| source.nat.as_ref()).with_context(|| format!("no finding: {:?}", ended.summary))
}

/// The verdict, which must speak of this cause and give something to do.
fn verdict<'a>(ended: &'a Ended, cause: &str) -> Result<&'a Verdict> {
    let verdict = ended.summary.verdict.as_ref().context("no verdict")?;
    ensure!(verdict.cause == cause, "{verdict:?}, not {cause}");
    ensure!((0.0..=1.0).contains(&verdict.confidence), "{verdict:?}");
    Ok(verdict)
}

fn run(ground: Ground, scenario: &str, duration: &str) -> Result<(Vec<Event>, Ended)> {
    let before = Machine::look()?;
    let watcher = Watcher::demo(ground.set.name(), &["--scenario", scenario, "-d", duration])?;
    let programs = Programs::of(&watcher)?;
    let ended = watcher.end()?;
    ensure!(ended.status.code() == Some(0), "{}; it said: {}", ended.status, ended.stderr);
    ensure!(ended.stderr.contains("demo: the clients got "), "it said: {}", ended.stderr);
    ensure!(ended.summary.nothing_lost(), "lost: {:?}", ended.summary.lost);
    programs.are_gone()?;
    let after = Machine::look()?;
    ensure!(before == after, "before {before:#?}, after {after:#?}");
    let events = watcher.events();
    ensure!(events.len() as u64 == ended.summary.drops, "{} lines, {:?}", events.len(), ended.summary);
    ensure!(events.iter().all(|event| event.src.to_string() == "10.77.0.1"), "another source: {events:#?}");
    Ok((events, ended))
}

/// Every drop is the one that the scenario makes, or has no name where this set cannot name it.
fn all_paws(ground: Ground, events: &[Event]) -> Result<()> {
    ensure!(!events.is_empty(), "nothing was dropped");
    let wanted = if ground.must_see(Place::Bucket) { "paws-time-wait" } else { "other" };
    let odd: Vec<_> = events.iter().filter(|event| event.cause != wanted).collect();
    ensure!(odd.is_empty(), "not {wanted}: {odd:#?}");
    if ground.must_see(Place::Bucket) {
        ensure!(events.iter().all(|event| event.regression.is_some_and(|ticks| ticks > 0)), "{events:#?}");
    }
    Ok(())
}

/// Three clocks, so three distances; each drop stands that far back, give or take the time of the run.
fn nat(ground: Ground) -> Result<()> {
    let (events, ended) = run(ground, "nat", "7s")?;
    all_paws(ground, &events)?;
    let nat = behind(&ended)?;
    ensure!(nat.verdict == "nat" && nat.hosts == Some(3) && nat.hosts_at_least == 3, "{nat:?}");
    ensure!(nat.confidence >= 0.99 && !nat.evidence.is_empty(), "{nat:?}");
    if ground.must_see(Place::Bucket) {
        let verdict = verdict(&ended, "paws-time-wait")?;
        ensure!(verdict.text.contains("Several hosts share 10.77.0.1"), "{verdict:?}");
        ensure!(verdict.remedy.iter().any(|remedy| remedy.contains("60 s")), "{verdict:?}");
        ensure!(nat.port_jumps > 0, "{nat:?}");
    }
    let (near, far) = (37 * 3_600_000_i64, 9 * 86_400_000_i64);
    let distances = [near, far, far - near];
    for event in events.iter().filter(|event| event.paws) {
        let back = event.regression.context("a regression")?;
        let fits = distances.iter().any(|distance| (distance - back).abs() < 120_000);
        ensure!(fits, "{back} ticks are none of {distances:?}: {event:#?}");
    }
    Ok(())
}

/// A clock for every connection: distances without a pattern, and no second host.
fn one_client(ground: Ground) -> Result<()> {
    let (events, ended) = run(ground, "one-client", "6s")?;
    all_paws(ground, &events)?;
    let nat = behind(&ended)?;
    ensure!(nat.verdict == "per-connection-timestamps" && nat.hosts.is_none(), "{nat:?}");
    ensure!(nat.port_jumps > 0, "{nat:?}");
    let verdict = verdict(&ended, "paws-time-wait")?;
    ensure!(verdict.text.contains("One client"), "{verdict:?}");
    ensure!(verdict.remedy.iter().any(|remedy| remedy.contains("tcp_timestamps=2")), "{verdict:?}");
    let mut hours: Vec<_> = events.iter().filter_map(|event| Some(event.regression? / 3_600_000)).collect();
    hours.sort_unstable();
    hours.dedup();
    ensure!(hours.len() > 2 || events.len() < 4, "always the same distances: {hours:?}");
    Ok(())
}

/// The client hears nothing and sends its SYN again and again.
fn silent(ground: Ground) -> Result<()> {
    let (events, ended) = run(ground, "silent", "8s")?;
    all_paws(ground, &events)?;
    let mut times = HashMap::new();
    for event in &events {
        *times.entry((event.sport, event.seq)).or_insert(0_u32) += 1;
    }
    ensure!(times.values().any(|n| *n > 2), "no SYN came again: {times:?}");
    ensure!(!ended.stderr.contains("gave up 0 "), "it said: {}", ended.stderr);
    Ok(())
}

fn accept_queue(ground: Ground) -> Result<()> {
    let (events, ended) = run(ground, "accept-queue", "6s")?;
    let summary = ended.summary;
    if ground.must_see(Place::Listener) {
        ensure!(!events.is_empty(), "nothing was dropped");
        let fits =
            |event: &&Event| event.cause == "accept-queue-full" && event.answer.as_deref() == Some("none");
        let odd: Vec<_> = events.iter().filter(|event| !fits(event)).collect();
        ensure!(odd.is_empty(), "{odd:#?}");
        return Ok(());
    }
    ensure!(events.is_empty(), "{events:#?}");
    // Blind, and it says so.
    ensure!(summary.snmp.get("TcpExtListenOverflows").is_some_and(|n| *n > 0), "{:?}", summary.snmp);
    let remark = summary.snmp_check.iter().find(|check| check.counter == "TcpExtListenOverflows");
    let remark = remark.and_then(|check| check.remark.clone()).unwrap_or_default();
    ensure!(remark.contains("does not see accept-queue-full"), "{remark:?}");
    Ok(())
}

fn healthy(ground: Ground) -> Result<()> {
    let (events, ended) = run(ground, "healthy", "5s")?;
    ensure!(events.is_empty(), "{events:#?}");
    ensure!(ended.summary.snmp.values().all(|n| *n == 0), "{:?}", ended.summary.snmp);
    ensure!(!ended.stderr.contains("got 0 connections"), "no traffic: {}", ended.stderr);
    let healthy = verdict(&ended, "healthy")?;
    // Where their drops could not be told from others, nobody may say so.
    let cleared = healthy.text.contains("timestamps are not to blame");
    let all = [Place::Bucket, Place::Request, Place::Full].iter().all(|place| ground.must_see(*place));
    ensure!(cleared == all, "{healthy:?}");
    Ok(())
}

/// The clients of `nat` at addresses of their own: each one host, nobody is flagged.
fn no_nat(ground: Ground) -> Result<()> {
    let watcher = Watcher::demo(ground.set.name(), &["--scenario", "no-nat", "-d", "6s"])?;
    let ended = watcher.end()?;
    ensure!(ended.status.code() == Some(0), "{}; it said: {}", ended.status, ended.stderr);
    let sources = &ended.summary.sources;
    ensure!(sources.len() == 3 && ended.summary.drops == 0, "{:?}", ended.summary);
    for source in sources {
        let nat = source.nat.as_ref().context("no finding")?;
        ensure!(nat.verdict == "single-host" && nat.hosts == Some(1), "{source:?}");
    }
    verdict(&ended, "healthy").map(drop)
}

/// Asked to end in the middle, it ends in order.
fn sigterm(ground: Ground) -> Result<()> {
    let before = Machine::look()?;
    let watcher = Watcher::demo(ground.set.name(), &["-d", "60s"])?;
    let programs = Programs::of(&watcher)?;
    watcher.signal(Signal::SIGTERM)?;
    let ended = watcher.end()?;
    ensure!(ended.status.code() == Some(0), "{}; it said: {}", ended.status, ended.stderr);
    ensure!(ended.summary.elapsed_ms < 50_000, "it went on for {} ms", ended.summary.elapsed_ms);
    programs.are_gone()?;
    ensure!(before == Machine::look()?, "it left something behind");
    Ok(())
}
