//! SYNs that were answered, as a recording tells of them: every one of a quiet source, exactly; of a busy one some, and the
//! rest counted; a refused one that comes back always.

use std::{fs, net::IpAddr, path::PathBuf};

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;

use super::{
    family::Family,
    fate::Fate,
    ground::{Ground, Set, Why::PawsTimeWait},
    lab::Lab,
    packet::{Segment, flag},
    peer::PORT,
    runs::{FROM_A_FILE, Run},
    syn::Syn,
    watcher::{Ended, Watcher},
};

/// Those that may run beside others.
pub(crate) const READINGS: &[Run] = &[
    ("reading/v4", |ground| exact(ground, Family::V4, &[])),
    ("reading/v6", |ground| exact(ground, Family::V6, &[])),
    ("reading/types-from-a-file", from_a_file),
    ("reading/dual-stack", dual_stack),
    ("reading/filtered", filtered),
    ("reading/sampled", sampled),
    ("reading/came-back", came_back),
];

const ISN: u32 = 3_000_000_000;
/// Close to the end of the clock's range.
const STAMP: u32 = u32::MAX - 1;

/// A line of kind `syn`.
#[derive(Debug, Deserialize)]
struct Reading {
    family: u8,
    src: IpAddr,
    sport: u16,
    dst: IpAddr,
    dport: u16,
    netns: Option<u32>,
    via: String,
    seq: Option<u32>,
    tsval: Option<u32>,
    ttl: Option<u8>,
    mss: Option<u16>,
    wscale: Option<u8>,
    window: Option<u16>,
    options: Option<String>,
    unreported: u64,
}

/// A tracer that records.
struct Recorder {
    watcher: Watcher,
    path: PathBuf,
}

impl Recorder {
    fn start(ground: Ground, lab: &Lab, more: &[&str]) -> Result<Self> {
        let path =
            std::env::temp_dir().join(format!("reading-{}-{}.ndjson", std::process::id(), lab.inode()));
        let netns = lab.netns.path().display().to_string();
        let file = path.to_string_lossy();
        let arguments = [&["--netns", &netns, "-w", &file], more].concat();
        Ok(Self { watcher: Watcher::start(ground.set.name(), &arguments)?, path })
    }

    /// Ends it; what it recorded.
    fn end(self) -> Result<(Vec<Reading>, Ended)> {
        let ended = self.watcher.finish()?;
        ensure!(ended.status.code() == Some(0), "{}; it said: {}", ended.status, ended.stderr);
        let text = fs::read_to_string(&self.path).context("the recording")?;
        fs::remove_file(&self.path)?;
        let lines = text.lines().filter(|line| line.contains("\"type\":\"syn\""));
        let readings = lines.map(|line| serde_json::from_str(line).with_context(|| line.to_owned()));
        Ok((readings.collect::<Result<_>>()?, ended))
    }
}

/// What must be told of this SYN, whose handshake was ended by a segment with the next TSval.
fn judge(ground: Ground, lab: &Lab, syn: &Syn, reading: &Reading) -> Result<()> {
    let flow = (reading.src, reading.sport, reading.dst, reading.dport);
    ensure!(flow == (syn.from.ip(), syn.from.port(), syn.to.ip(), syn.to.port()), "{reading:?}");
    ensure!(reading.family == if syn.from.is_ipv4() { 4 } else { 6 }, "{reading:?}");
    ensure!(reading.netns == Some(lab.inode()) && reading.seq == Some(syn.seq), "{reading:?}");
    ensure!(reading.unreported == 0, "{reading:?}");
    let stack = (reading.ttl, reading.mss, reading.wscale, reading.window, reading.options.as_deref());
    if ground.set == Set::Tracepoint {
        let next = syn.options.tsval.map(|tsval| tsval.wrapping_add(1));
        // The kernel's word for "none" is 0, which a clock passes once in its life.
        ensure!(
            reading.via == "handshake" && reading.tsval == next.filter(|tsval| *tsval != 0),
            "{reading:?}"
        );
        ensure!(stack == (None, None, None, None, None), "{reading:?}");
    } else {
        ensure!(reading.via == "syn" && reading.tsval == syn.options.tsval, "{reading:?}");
        let options = &syn.options;
        let sent = (Some(syn.ttl), options.mss, options.wscale, Some(syn.window), options.kinds);
        ensure!(stack == sent, "{reading:?}, not {sent:?}");
    }
    Ok(())
}

/// Three clients, one with a clock that wraps, one without timestamps.
fn exact(ground: Ground, family: Family, more: &[&str]) -> Result<()> {
    let mut lab = Lab::new(family)?;
    let _listener = lab.listen(10)?;
    let recorder = Recorder::start(ground, &lab, more)?;
    let syns = [
        lab.syn(9, 1001, ISN, Some(1_000_000_000)),
        lab.syn(10, 1001, ISN + 1, Some(STAMP)),
        lab.syn(9, 1002, u32::MAX, None),
    ];
    for syn in &syns {
        lab.connect(syn)?;
    }
    let (readings, ended) = recorder.end()?;
    ensure!(readings.len() == 3, "{readings:#?}");
    for (syn, reading) in syns.iter().zip(&readings) {
        judge(ground, &lab, syn, reading)?;
    }
    ensure!((ended.summary.accepted, ended.summary.unreported) == (3, 0), "{:?}", ended.summary);
    Ok(())
}

/// With types from a file.
fn from_a_file(ground: Ground) -> Result<()> {
    if ground.set == Set::Fentry {
        return Ok(());
    }
    exact(ground, Family::V4, FROM_A_FILE)?;
    exact(ground, Family::V6, FROM_A_FILE)
}

/// An IPv4 client of an IPv6 socket is an IPv4 client.
fn dual_stack(ground: Ground) -> Result<()> {
    let mut lab = Lab::new(Family::V4)?;
    let _listener = lab.listen_for_both(10)?;
    let recorder = Recorder::start(ground, &lab, &["-4"])?;
    let syn = lab.syn(9, 1001, ISN, Some(1_000_000_000));
    lab.connect(&syn)?;
    let (readings, _) = recorder.end()?;
    ensure!(readings.len() == 1, "{readings:#?}");
    judge(ground, &lab, &syn, &readings[0])
}

/// The filters hold for them, too.
fn filtered(ground: Ground) -> Result<()> {
    let mut lab = Lab::new(Family::V4)?;
    let _listener = lab.listen(10)?;
    let (port, other) = (PORT.to_string(), (PORT + 1).to_string());
    let tests: [(&[&str], usize); 5] = [
        (&["-p", &other], 0),
        (&["-p", &port], 1),
        (&["-6"], 0),
        (&["--from", "10.77.0.10"], 0),
        (&["--from", "10.77.0.8/30", "-4"], 1),
    ];
    for (n, (filter, seen)) in (0..).zip(tests) {
        let recorder = Recorder::start(ground, &lab, filter)?;
        let syn = lab.syn(9, 1001 + n, ISN, Some(1_000_000_000));
        lab.connect(&syn)?;
        let (readings, ended) = recorder.end()?;
        ensure!(readings.len() == seen, "{filter:?}: {readings:#?}");
        ensure!(ended.summary.accepted == seen as u64, "{filter:?}: {:?}", ended.summary);
    }
    Ok(())
}

/// Opens connections from these ports as fast as the machine allows.
fn burst(lab: &mut Lab, host: u8, ports: std::ops::Range<u16>) -> Result<()> {
    for port in ports.clone() {
        let syn = lab.syn(host, port, ISN, Some(STAMP));
        lab.send(&syn.segment())?;
    }
    let mut acks = Vec::new();
    for port in ports {
        let syn = lab.syn(host, port, ISN, Some(STAMP));
        let reply = lab.reply("SYN/ACK", |reply| reply.to == syn.from && reply.has(flag::SYN | flag::ACK))?;
        let mut ack =
            Segment::new(syn.from, syn.to, flag::ACK, ISN.wrapping_add(1), reply.seq.wrapping_add(1));
        ack.options.extend([1, 1, 8, 10]);
        ack.options.extend(STAMP.to_be_bytes());
        ack.options.extend(reply.tsval.unwrap_or(0).to_be_bytes());
        acks.push(ack);
    }
    acks.iter().try_for_each(|ack| lab.send(ack))
}

/// Of a burst only so many a second; a quiet neighbour is told of all the same.
fn sampled(ground: Ground) -> Result<()> {
    const BURST: u16 = 600;
    let mut lab = Lab::new(Family::V4)?;
    let _listener = lab.listen(1024)?;
    let recorder = Recorder::start(ground, &lab, &[])?;
    burst(&mut lab, 9, 1001..1001 + BURST)?;
    let quiet = lab.syn(10, 1001, ISN, Some(1_000_000_000));
    lab.connect(&quiet)?;
    let (readings, ended) = recorder.end()?;
    let busy: Vec<&Reading> = readings.iter().filter(|r| r.src == lab.family.host(9)).collect();
    let calm: Vec<&Reading> = readings.iter().filter(|r| r.src == lab.family.host(10)).collect();
    ensure!(calm.len() == 1, "{calm:#?}");
    judge(ground, &lab, &quiet, calm[0])?;
    let summary = &ended.summary;
    ensure!(summary.accepted == u64::from(BURST) + 1, "{summary:?}");
    ensure!(
        readings.len() as u64 + summary.unreported == summary.accepted,
        "{} lines, {summary:?}",
        readings.len()
    );
    let told: u64 = readings.iter().map(|reading| reading.unreported).sum();
    ensure!(told <= summary.unreported, "{told} told, {summary:?}");
    let most = (summary.elapsed_ms / 1000 + 2) * 64;
    let source = summary.sources.iter().find(|source| source.src == lab.family.host(9)).context("no row")?;
    // Where handshakes stand for SYNs, their number is not that of the SYNs.
    let syns = (ground.set != Set::Tracepoint).then_some(busy.len() as u64 + told);
    ensure!(source.syns == syns, "{source:?}, {} lines and {told}", busy.len());
    ensure!(busy.len() as u64 <= most, "{} readings in {} ms", busy.len(), summary.elapsed_ms);
    Ok(())
}

/// Refused, and then let in while its source has long had its share: that is told.
fn came_back(ground: Ground) -> Result<()> {
    let mut lab = Lab::new(Family::V4)?;
    let listener = lab.listen(1024)?;
    let old = lab.syn(9, 1001, 1_000_000, Some(1_000_000_000));
    let kept = lab.time_wait(&listener, &old)?.last_tsval()?;
    lab.shots.clear();
    let recorder = Recorder::start(ground, &lab, &[])?;
    let again = old.at(5_000_000).stamped(Some(kept - 7));
    let ack = lab.shoot(&again, Fate::dies_by(PawsTimeWait, kept))?.context("the bucket's ACK")?;
    burst(&mut lab, 9, 2001..2201)?;
    // The client's answer to the ACK ends the bucket.
    lab.send(&Segment::new(again.from, again.to, flag::RST, ack.ack, 0))?;
    lab.connect(&again)?;
    let (readings, _) = recorder.end()?;
    let found = readings.iter().filter(|r| r.sport == 1001).count();
    ensure!(found == 1, "{found} readings of the SYN that came back");
    Ok(())
}
