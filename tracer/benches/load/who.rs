//! Who watches: nobody, programs that do nothing on the tracer's hooks, `tracer`, bpftrace and tcpdump with the same
//! question.

use std::{
    fmt, fs, io,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail, ensure};
use aya::Ebpf;
use tracer::kernel::hooks::Set;

use crate::{
    case::{Case, Scene},
    live::{
        peer::PORT,
        watcher::{PATIENCE, Watcher, attaches, program},
    },
    shared::watching::{Process, await_word, empty, is_there},
    switch::{Link, Switch},
};

/// A watcher.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Who {
    /// Before and after everybody.
    Nobody,
    /// Nobody in the place of a watcher.
    Again,
    Empty,
    Tracer,
    Bpftrace,
    Tcpdump,
}

impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Nobody | Self::Again => "nobody",
            Self::Empty => "empty",
            Self::Tracer => "tracer",
            Self::Bpftrace => "bpftrace",
            Self::Tcpdump => "tcpdump",
        })
    }
}

/// What the tracer does on this kernel.
pub(crate) struct Place {
    /// The hook set.
    pub(crate) set: &'static str,
    /// Links that it holds when everything is attached: its start line goes to `/dev/null`.
    links: usize,
}

impl Place {
    /// With this set, or the best that attaches.
    pub(crate) fn find(set: Option<&str>) -> Result<Self> {
        let program = program()?;
        let mut why = String::new();
        for this in Set::ALL.map(Set::name) {
            if set.is_some_and(|set| set != this) {
                continue;
            }
            match attaches(&program, this)? {
                Ok(()) => {
                    let watcher = Watcher::start(this, &["-p", "1"])?;
                    let links = links(watcher.pid());
                    watcher.finish()?;
                    ensure!(links > 0, "a tracer that runs holds no links");
                    return Ok(Self { set: this, links });
                }
                Err(words) => why = words,
            }
        }
        bail!("no hook set attaches here: {why}")
    }
}

/// Attached programs that a process holds.
fn links(pid: u32) -> usize {
    let files = fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
    let names = files.filter_map(|file| fs::read_link(file.path()).ok());
    names
        .filter(|name| ["bpf_link", "perf_event"].iter().any(|link| name.to_string_lossy().contains(link)))
        .count()
}

/// One that is at it.
pub(crate) enum Watching {
    Nobody,
    Empty(#[expect(dead_code, reason = "it is held, not used")] Box<Ebpf>),
    Tracer(Process),
    Other(Process),
    /// Programs alone.
    On(#[expect(dead_code, reason = "they are held, not used")] Vec<Link>),
}

impl Who {
    /// Those who take turns.
    pub(crate) const ALL: [Self; 5] = [Self::Again, Self::Tracer, Self::Empty, Self::Bpftrace, Self::Tcpdump];

    /// What is to be switched on and off; `None` where there is nothing.
    pub(crate) fn switch(self, place: &Place) -> Result<Option<Switch>> {
        match self {
            Self::Empty => {
                let _programs = empty(place.set)?;
                Switch::of(std::process::id())
            }
            Self::Tracer => {
                let tracer = tracer(place)?;
                let switch = Switch::of(tracer.id())?;
                tracer.stop()?;
                Ok(switch)
            }
            Self::Nobody | Self::Again | Self::Bpftrace | Self::Tcpdump => Ok(None),
        }
    }

    /// Starts watching; `None` where it is not to be had.
    pub(crate) fn start(self, place: &Place, scene: &Scene<'_>) -> Result<Option<Watching>> {
        Ok(match self {
            Self::Nobody | Self::Again => Some(Watching::Nobody),
            Self::Empty => Some(Watching::Empty(Box::new(empty(place.set)?))),
            Self::Tracer => Some(Watching::Tracer(tracer(place)?)),
            Self::Bpftrace => Process::bpftrace(PORT)?.map(Watching::Other),
            Self::Tcpdump => tcpdump(scene)?.map(Watching::Other),
        })
    }
}

fn tracer(place: &Place) -> Result<Process> {
    let mut command = Command::new(program()?);
    command.args(["--hooks", place.set, "-p", &PORT.to_string(), "-o", "json", "--fail-on-drop"]);
    let tracer = Process::start(command.stdout(Stdio::null()))?;
    let begun = Instant::now();
    while links(tracer.id()) < place.links {
        ensure!(begun.elapsed() < PATIENCE, "tracer does not attach");
        thread::sleep(Duration::from_millis(5));
    }
    // What remains until it waits for records.
    thread::sleep(Duration::from_millis(50));
    Ok(tracer)
}

fn tcpdump(scene: &Scene<'_>) -> Result<Option<Process>> {
    if !is_there("tcpdump") {
        return Ok(None);
    }
    let filter = format!("tcp dst port {PORT} and tcp[tcpflags] & (tcp-syn|tcp-ack) == tcp-syn");
    let mut command = Command::new("tcpdump");
    command.args(["-i", "any", "-Z", "root", "-w", "/dev/null", &filter]).stderr(Stdio::piped());
    let start = || Process::start(&mut command).map_err(io::Error::other);
    let mut tcpdump = scene.server().netns.run(start)?;
    await_word(tcpdump.stderr()?, "listening on").context("tcpdump")?;
    Ok(Some(tcpdump))
}

impl Watching {
    /// Time that its own threads took, where it has any.
    pub(crate) fn processor(&self) -> Option<Duration> {
        let (Self::Tracer(process) | Self::Other(process)) = self else { return None };
        process.processor()
    }

    /// Ends it. A tracer must have seen what there was.
    pub(crate) fn stop(self, case: Case) -> Result<()> {
        match self {
            Self::Nobody | Self::Empty(_) | Self::On(_) => {}
            Self::Tracer(process) => {
                // 3: drops were found.
                let seen = process.stop()?.code();
                let wanted: &[i32] = match case {
                    Case::Answered => &[0],
                    Case::Paws => &[3],
                    _ => &[0, 3],
                };
                ensure!(seen.is_some_and(|code| wanted.contains(&code)), "tracer ended with {seen:?}");
            }
            Self::Other(process) => process.away()?,
        }
        Ok(())
    }
}
