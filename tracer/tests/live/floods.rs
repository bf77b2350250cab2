//! Floods: more drops than user space takes, from one address and from ever new ones. Totals stay exact, memory stays small,
//! and a real NAT under the flood is still found.

use std::{
    fs,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    time::Instant,
};

use anyhow::{Context as _, Result, ensure};
use nix::sys::signal::Signal;

use super::{
    event::Summary,
    family::Family,
    ground::{Ground, Place},
    lab::Lab,
    peer::PORT,
    runs::{Run, code, watch},
    syn::Syn,
};

/// They come when all others are done.
pub(crate) const FLOODS: &[Run] = &[
    ("flood/nobody-reads", nobody_reads),
    ("flood/spoofed-while-nobody-reads", spoofed_and_stopped),
    ("flood/a-million-sources", a_million),
    ("flood/a-full-table", a_full_table),
];

const ISN: u32 = 1_000_000;
const STAMP: u32 = 1_000_000_000;

/// Under software emulation everything takes fifty times as long, and fewer must do.
fn as_many(here: u32, emulated: u32) -> u32 {
    let cpus = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    if cpus.contains("QEMU") { emulated } else { here }
}

/// A NAT with three hosts behind it, whose port a TIME_WAIT bucket holds.
struct Nat {
    syn: Syn,
    begun: Instant,
    sent: u32,
}

impl Nat {
    fn new(lab: &mut Lab) -> Result<Self> {
        let listener = lab.listen(16)?;
        let syn = lab.syn(9, 1001, ISN, Some(STAMP));
        lab.time_wait(&listener, &syn)?;
        // The port is not listened on any more: the bucket alone answers.
        Ok(Self { syn, begun: Instant::now(), sent: 0 })
    }

    /// A SYN of the next host, older than what the bucket remembers: PAWS refuses it.
    fn refused(&mut self, lab: &mut Lab) -> Result<()> {
        let clock = STAMP - 100_000_000 * (1 + self.sent % 3);
        let ticks = u32::try_from(self.begun.elapsed().as_millis())?;
        let syn = self.syn.clone().at(ISN + 5_000_000 + self.sent * 1000).stamped(Some(clock + ticks));
        self.sent += 1;
        lab.send(&syn.segment())
    }
}

/// A SYN with a wrong checksum from an address that nobody has.
fn spoofed(lab: &Lab, n: u32) -> Syn {
    let mut syn = lab.syn(9, 1 + u16::try_from(n % 60_000).unwrap_or(0), n, Some(n));
    let address = Ipv4Addr::from(u32::from(Ipv4Addr::new(100, 64, 0, 0)) + n);
    syn.from = SocketAddr::new(IpAddr::V4(address), syn.from.port());
    syn.sound = false;
    syn
}

/// Totals by cause, where this set names the causes on this kernel; the sum everywhere.
fn exact(ground: Ground, summary: &Summary, wrong: u32, refused: u32) -> Result<()> {
    let by = |cause: &str| summary.by_cause.get(cause).copied().unwrap_or(0);
    let lost = |place: &str| summary.lost.get(place).copied().unwrap_or(0);
    ensure!(lost("decode") + lost("slot") + lost("read") == 0, "{:?}", summary.lost);
    // What is in no total is said to be missing there, to the last one.
    let unknown = lost("ring") - lost("counted");
    ensure!(unknown == 0 || !ground.counts_unsent(), "{:?}", summary.lost);
    ensure!(
        summary.drops + unknown == u64::from(wrong + refused),
        "{} drops and {unknown}, not {wrong} + {refused}",
        summary.drops
    );
    ensure!(summary.by_cause.values().sum::<u64>() == summary.drops, "{:?}", summary.by_cause);
    if ground.must_see(Place::Bucket) {
        let (ours, whole) = (by("paws-time-wait"), u64::from(refused));
        ensure!(ours <= whole && ours + unknown >= whole, "{:?}, not {refused}", summary.by_cause);
        let check = summary.snmp_check.iter().find(|check| check.counter.starts_with("TcpExtPAWS"));
        let check = check.context("no counter of PAWS")?;
        ensure!((check.kernel, check.ours) == (whole, ours), "{check:?}");
        let explained = check.remark.as_ref().is_some_and(|words| words.contains("records were lost"));
        ensure!(ours == whole || explained, "{check:?}");
    }
    Ok(())
}

/// One address sends more than the ring holds while nobody reads: what has no line is in the totals by its cause, and the
/// kernel's own counters agree.
fn nobody_reads(ground: Ground) -> Result<()> {
    const REFUSED: u32 = 12_000;
    const CLOSED: u32 = 12_000;
    let mut lab = Lab::new(Family::V4)?;
    let mut nat = Nat::new(&mut lab)?;
    let watcher = watch(ground, &lab, &[])?;
    watcher.signal(Signal::SIGSTOP)?;
    for n in 0..REFUSED.max(CLOSED) {
        nat.refused(&mut lab)?;
        let mut syn = lab.syn(9, 2000, n, Some(STAMP));
        syn.to.set_port(PORT + 1);
        lab.send(&syn.segment())?;
    }
    watcher.signal(Signal::SIGCONT)?;
    let ended = watcher.finish()?;
    code(ended.status, 0, &ended.stderr)?;
    let (summary, lines) = (&ended.summary, ended.printed.len() as u64);
    exact(ground, summary, CLOSED, REFUSED)?;
    if ground.must_see(Place::Nobody) && ground.counts_unsent() {
        ensure!(summary.by_cause.get("no-listener") == Some(&CLOSED.into()), "{:?}", summary.by_cause);
    }
    let unsent = *summary.lost.get("ring").context("lost.ring")?;
    ensure!(
        unsent > 5_000 && lines + unsent == u64::from(CLOSED + REFUSED),
        "{lines} lines and {unsent} of {}",
        summary.drops
    );
    let source = summary.sources.first().context("no source")?;
    ensure!(source.drops + source.unsent == summary.drops, "{source:?} of {} drops", summary.drops);
    Ok(())
}

/// Ever new addresses fill the ring while nobody reads; a NAT under them is still reported.
fn spoofed_and_stopped(ground: Ground) -> Result<()> {
    let spoofs = as_many(100_000, 24_000);
    let (ended, refused) = under_a_flood(ground, spoofs, spoofs / 200, Watched::Stopped)?;
    let unsent = *ended.summary.lost.get("ring").context("lost.ring")?;
    ensure!(unsent > 5_000, "only {unsent} have no line");
    let nat = format!("\"src\":\"{}\",", Family::V4.host(9));
    let lines = ended.printed.iter().filter(|line| line.contains(&nat)).count();
    // A source that comes again has its share every second, however full of others the ring is.
    let least = if ground.counts_unsent() { 64 } else { 3 };
    ensure!(lines >= least && u32::try_from(lines)? <= refused, "{lines} lines of {refused}");
    Ok(())
}

/// A million addresses while it is read: memory stays in its bounds.
fn a_million(ground: Ground) -> Result<()> {
    under_a_flood(ground, as_many(1_000_000, 30_000), 300, Watched::Read).map(drop)
}

/// Half of them fill a table that is small: memory stays where it is.
fn a_full_table(ground: Ground) -> Result<()> {
    under_a_flood(ground, as_many(1_000_000, 30_000), 300, Watched::ByFew).map(drop)
}

/// How the flood is watched.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Watched {
    /// Nobody reads.
    Stopped,
    Read,
    /// With a small table.
    ByFew,
}

/// So many spoofed SYNs, and SYNs of a NAT among them.
fn under_a_flood(
    ground: Ground,
    spoofs: u32,
    refused: u32,
    manner: Watched,
) -> Result<(super::watcher::Ended, u32)> {
    const LONG: u32 = 1_000_000;
    // With a small table half of it must do.
    let most_kib: u64 = if manner == Watched::ByFew { 32 << 10 } else { 64 << 10 };
    let stopped = manner == Watched::Stopped;
    let mut lab = Lab::new(Family::V4)?;
    let mut nat = Nat::new(&mut lab)?;
    let how: &[&str] = match manner {
        Watched::Stopped => &[],
        Watched::Read => &["--rate-limit", "10"],
        // No more records a second than that are sure to come.
        Watched::ByFew => &["--rate-limit", "10", "--max-sources", "4096"],
    };
    let watcher = watch(ground, &lab, how)?;
    if stopped {
        watcher.signal(Signal::SIGSTOP)?;
    }
    let mut half = 0;
    for n in 0..spoofs {
        if n % (spoofs / refused) == 0 && nat.sent < refused {
            nat.refused(&mut lab)?;
        }
        if n == spoofs / 2 {
            half = watcher.resident_kib()?;
        }
        lab.send(&spoofed(&lab, n).segment())?;
    }
    let whole = watcher.resident_kib()?;
    if stopped {
        watcher.signal(Signal::SIGCONT)?;
    }
    let refused = nat.sent;
    let ended = watcher.finish()?;
    code(ended.status, 0, &ended.stderr)?;
    exact(ground, &ended.summary, spoofs, refused)?;
    ensure!(whole < most_kib, "{whole} KiB after {spoofs} addresses");
    // Where the flood is long enough for all tables to fill.
    ensure!(
        manner != Watched::ByFew || spoofs < LONG || whole <= half + half / 8,
        "{half} KiB after half of them, {whole} KiB after all"
    );
    let address = nat.syn.from.ip();
    let source = ended.summary.sources.iter().find(|source| source.src == address);
    let source = source.with_context(|| format!("{address} is not among {:?}", ended.summary.sources))?;
    let told = source.drops + source.unsent;
    let all = u64::from(refused);
    // Its first one without a line is forgotten where a spoofed address took the place before the second came.
    let exact = told <= all && told + 2 >= all;
    ensure!(exact || told < all && !ground.counts_unsent(), "{source:?}, not {refused}");
    if ground.must_see(Place::Bucket) {
        let found = source.nat.as_ref().context("no finding")?;
        ensure!(found.verdict == "nat" && found.hosts_at_least >= 3, "{found:?}");
    }
    Ok((ended, refused))
}
