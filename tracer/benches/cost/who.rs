//! Who watches: `tracer`, programs that do nothing on the same hooks, bpftrace with the same question.

use std::{
    fmt,
    io::{BufRead as _, BufReader},
    process::{Child, Command, Stdio},
    time::Duration,
};

use anyhow::{Context as _, Result, ensure};
use aya::{Ebpf, EbpfLoader};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use tracer::kernel::{
    hooks::{HOOKS, Set},
    load::{attach_hook, trampolines},
};

use crate::{
    live::watcher::{Watcher, ended, killed},
    traffic::Traffic,
};

/// A watcher.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Who {
    Empty,
    Tracer,
    Bpftrace,
}

/// One that is at it.
pub(crate) enum Watching {
    Empty(Box<Ebpf>),
    Tracer(Box<Watcher>),
    Child(Child),
}

static EMPTY: &[u8] = aya::include_bytes_aligned!(concat!(env!("OUT_DIR"), "/empty"));

impl Who {
    pub(crate) const ALL: [Self; 3] = [Self::Empty, Self::Tracer, Self::Bpftrace];

    /// Starts watching what this traffic is about; `None` where it is not to be had.
    pub(crate) fn start(self, set: &str, traffic: Traffic) -> Result<Option<Watching>> {
        let port = traffic.port().to_string();
        match self {
            Self::Empty => empty(set).map(|ebpf| Some(Watching::Empty(Box::new(ebpf)))),
            Self::Tracer => {
                Watcher::start(set, &["-p", &port]).map(|watcher| Some(Watching::Tracer(Box::new(watcher))))
            }
            Self::Bpftrace => bpftrace(&port),
        }
    }
}

/// Attaches empty programs to the hooks of the set.
fn empty(set: &str) -> Result<Ebpf> {
    let set = Set::ALL.into_iter().find(|other| other.name() == set).context("a hook set")?;
    let mut ebpf = EbpfLoader::new().load(EMPTY).context("load the empty programs")?;
    let btf = trampolines(set);
    for hook in &HOOKS {
        // What the running tracer does without, it was refused, too.
        let _ = attach_hook(&mut ebpf, set, hook, btf.as_ref());
    }
    Ok(ebpf)
}

fn bpftrace(port: &str) -> Result<Option<Watching>> {
    let there =
        Command::new("bpftrace").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    if !there.is_ok_and(|status| status.success()) {
        return Ok(None);
    }
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/cost/syn-drops.bt");
    let mut child = Command::new("unshare")
        // tracefs, in a mount namespace of its own.
        .args([
            "-m",
            "sh",
            "-c",
            "mount -t tracefs t /sys/kernel/tracing 2>/dev/null; exec bpftrace \"$0\" \"$1\"",
        ])
        .args([script, port])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .context("start bpftrace")?;
    let mut out = BufReader::new(child.stdout.take().context("its output")?);
    let mut line = String::new();
    while !line.contains("watching") {
        line.clear();
        ensure!(out.read_line(&mut line)? > 0, "bpftrace ended before it watched");
    }
    std::thread::spawn(move || out.lines().for_each(drop));
    Ok(Some(Watching::Child(child)))
}

impl Watching {
    pub(crate) fn stop(self) -> Result<()> {
        match self {
            Self::Empty(ebpf) => drop(ebpf),
            Self::Tracer(watcher) => watcher.finish().map(drop)?,
            Self::Child(mut child) => {
                // SIGINT may be one that a shell told its children to ignore.
                kill(Pid::from_raw(i32::try_from(child.id())?), Signal::SIGTERM)?;
                if ended(&mut child, Duration::from_secs(10))?.is_none() {
                    killed(&mut child);
                }
            }
        }
        Ok(())
    }
}

impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "empty",
            Self::Tracer => "tracer",
            Self::Bpftrace => "bpftrace",
        })
    }
}
