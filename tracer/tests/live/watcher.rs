//! A running `tracer`: started, its lines collected, stopped, its end told.

use std::{
    collections::HashMap,
    io::{BufReader, Read as _},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail, ensure};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use super::event::{self, Event, Line, Start, Summary};

/// Longer than anything takes under software emulation.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

/// What has been read so far.
#[derive(Debug, Default)]
struct Read {
    start: Option<Start>,
    drops: HashMap<u32, Vec<Event>>,
    /// Drop lines as printed, in order; only those of one's own runs are few enough to keep.
    printed: Vec<String>,
    summary: Option<Summary>,
    /// Lines that break the contract, and why.
    broken: Vec<String>,
    ended: bool,
}

/// How a run ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) status: ExitStatus,
    pub(crate) summary: Summary,
    /// Every drop line, as printed.
    pub(crate) printed: Vec<String>,
    pub(crate) stderr: String,
}

/// A running tracer.
pub(crate) struct Watcher {
    child: Mutex<Child>,
    read: Arc<(Mutex<Read>, Condvar)>,
    readers: Mutex<Vec<JoinHandle<()>>>,
    stderr: Arc<Mutex<String>>,
    pub(crate) start: Start,
}

/// The program under test.
pub(crate) fn program() -> Result<PathBuf> {
    let path =
        std::env::var_os("TRACER_BIN").context("TRACER_BIN is not set: it must name the program to test")?;
    Ok(PathBuf::from(path))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// With `TRACER_LIVE_CALIBRATE`, the whole suite runs on fields that were found by trying, where a set can do with them.
pub(crate) fn calibrating(set: &str, arguments: &[&str]) -> Option<&'static str> {
    let asked = std::env::var_os("TRACER_LIVE_CALIBRATE").is_some();
    let named = arguments.iter().any(|argument| matches!(*argument, "--btf" | "--calibrate"));
    (asked && set == "legacy" && !named).then_some("--calibrate")
}

impl Watcher {
    /// Starts `tracer --hooks SET -o json ARGUMENTS` and waits for its start line.
    pub(crate) fn start(set: &str, arguments: &[&str]) -> Result<Self> {
        Self::started(&[], set, arguments)
    }

    /// The same for `tracer demo`.
    pub(crate) fn demo(set: &str, arguments: &[&str]) -> Result<Self> {
        Self::started(&["demo"], set, arguments)
    }

    fn started(command: &[&str], set: &str, arguments: &[&str]) -> Result<Self> {
        let program = program()?;
        let mut child = Command::new(&program)
            .args(command)
            .args(["--hooks", set, "-o", "json"])
            .args(calibrating(set, arguments))
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .with_context(|| format!("start {}", program.display()))?;
        let read = Arc::new((Mutex::new(Read::default()), Condvar::new()));
        let stderr = Arc::new(Mutex::new(String::new()));
        let out = child.stdout.take().context("its output")?;
        let err = child.stderr.take().context("its messages")?;
        let (to, words) = (Arc::clone(&read), Arc::clone(&stderr));
        let readers = vec![
            thread::spawn(move || follow(BufReader::new(out), &to)),
            thread::spawn(move || {
                let mut text = String::new();
                let _ = BufReader::new(err).read_to_string(&mut text);
                *lock(&words) = text;
            }),
        ];
        let mut watcher = Self {
            child: Mutex::new(child),
            read,
            readers: Mutex::new(readers),
            stderr,
            start: Start {
                kernel: String::new(),
                hooks: event::Hooks { set: String::new(), attached: vec![], missing: vec![] },
                blind: vec![],
            },
        };
        let started = watcher.wait(PATIENCE, |read| read.start.clone());
        match started {
            Some(start) => watcher.start = start,
            None => bail!("tracer {arguments:?} printed no start line; it said: {}", watcher.stop_and_hear()),
        }
        ensure!(watcher.start.hooks.set == set, "asked for {set}, got {}", watcher.start.hooks.set);
        Ok(watcher)
    }

    /// Waits until `wanted` finds what it looks for in what was read, or the program ends, or time is up.
    fn wait<T>(&self, limit: Duration, mut wanted: impl FnMut(&Read) -> Option<T>) -> Option<T> {
        let (mutex, changed) = &*self.read;
        let end = Instant::now() + limit;
        let mut read = lock(mutex);
        loop {
            if let Some(found) = wanted(&read) {
                return Some(found);
            }
            let left = end.saturating_duration_since(Instant::now());
            if read.ended || left.is_zero() {
                return None;
            }
            read = changed.wait_timeout(read, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Waits for an event of this namespace from this source port, and returns all of that namespace up to now.
    pub(crate) fn events_until(&self, netns: u32, sport: u16) -> Result<Vec<Event>> {
        let found = self.wait(PATIENCE, |read| {
            let events = read.drops.get(&netns)?;
            events.iter().any(|event| event.sport == sport).then(|| events.clone())
        });
        match found {
            Some(events) => Ok(events),
            None => bail!(
                "the fence (source port {sport}) was never reported; of this namespace: {:#?}; broken lines: {:?}",
                lock(&self.read.0).drops.get(&netns),
                lock(&self.read.0).broken
            ),
        }
    }

    /// The events of a namespace up to now.
    pub(crate) fn events_of(&self, netns: u32) -> Vec<Event> {
        lock(&self.read.0).drops.get(&netns).cloned().unwrap_or_default()
    }

    /// Every event up to now.
    pub(crate) fn events(&self) -> Vec<Event> {
        lock(&self.read.0).drops.values().flatten().cloned().collect()
    }

    /// Process id.
    pub(crate) fn pid(&self) -> u32 {
        lock(&self.child).id()
    }

    /// Sends a signal.
    /// Memory that it has in use, KiB (`VmRSS`).
    pub(crate) fn resident_kib(&self) -> Result<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS")?;
        line.trim().trim_end_matches(" kB").parse().context("KiB")
    }

    pub(crate) fn signal(&self, signal: Signal) -> Result<()> {
        let pid = i32::try_from(self.pid())?;
        kill(Pid::from_raw(pid), signal).with_context(|| format!("send {signal}"))
    }

    /// Waits until the program ends by itself.
    pub(crate) fn end(&self) -> Result<Ended> {
        if self.wait(PATIENCE, |read| read.ended.then_some(())).is_none() {
            bail!("tracer did not end within {} s; it said: {}", PATIENCE.as_secs(), self.stop_and_hear());
        }
        let status = self.reap()?;
        for reader in lock(&self.readers).drain(..) {
            let _ = reader.join();
        }
        let stderr = lock(&self.stderr).clone();
        let read = lock(&self.read.0);
        ensure!(read.broken.is_empty(), "lines that break the contract: {:?}", read.broken);
        let summary =
            read.summary.clone().with_context(|| format!("no summary ({status}); it said: {stderr}"))?;
        Ok(Ended { status, summary, printed: read.printed.clone(), stderr })
    }

    /// The exit status of a program that has closed its output.
    fn reap(&self) -> Result<ExitStatus> {
        match ended(&mut lock(&self.child), PATIENCE)? {
            Some(status) => Ok(status),
            None => bail!("tracer closed its output and lives on; it said: {}", self.stop_and_hear()),
        }
    }

    /// Asks the program to end and waits for it.
    pub(crate) fn finish(&self) -> Result<Ended> {
        self.signal(Signal::SIGTERM)?;
        self.end()
    }

    /// Kills the program and returns what it said.
    fn stop_and_hear(&self) -> String {
        if !killed(&mut lock(&self.child)) {
            return "nothing, and it cannot be killed".into();
        }
        for reader in lock(&self.readers).drain(..) {
            let _ = reader.join();
        }
        lock(&self.stderr).clone()
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        killed(&mut lock(&self.child));
    }
}

/// Waits for the end of a process, but not for ever.
pub(crate) fn ended(child: &mut Child, limit: Duration) -> Result<Option<ExitStatus>> {
    let begun = Instant::now();
    loop {
        let status = child.try_wait()?;
        if status.is_some() || begun.elapsed() > limit {
            return Ok(status);
        }
        thread::sleep(Duration::from_millis(5));
    }
}

/// Kills a process that may have ended before; whether it is gone.
pub(crate) fn killed(child: &mut Child) -> bool {
    let _ = child.kill();
    ended(child, PATIENCE).is_ok_and(|status| status.is_some())
}

/// Reads lines until the program ends.
fn follow(out: impl std::io::BufRead, to: &(Mutex<Read>, Condvar)) {
    for text in out.lines().map_while(Result::ok) {
        let parsed = event::line(&text);
        let mut read = lock(&to.0);
        match parsed {
            Ok(Line::Start(start)) if read.start.is_none() => read.start = Some(start),
            Ok(Line::Drop(drop)) => {
                read.printed.push(text);
                read.drops.entry(drop.netns.unwrap_or(0)).or_default().push(*drop);
            }
            Ok(Line::Summary(summary)) if read.summary.is_none() => read.summary = Some(*summary),
            Ok(_) => read.broken.push(format!("a second one: {text}")),
            Err(why) => read.broken.push(format!("{why:#}: {text}")),
        }
        to.1.notify_all();
    }
    lock(&to.0).ended = true;
    to.1.notify_all();
}

/// Whether a set attaches here; otherwise the program's words.
pub(crate) fn attaches(program: &Path, set: &str) -> Result<Result<(), String>> {
    let out = Command::new(program)
        .args(["programs", "--hooks", set])
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("run {}", program.display()))?;
    if out.status.success() {
        return Ok(Ok(()));
    }
    let words = String::from_utf8_lossy(&out.stderr);
    // 4 is "this kernel does not allow it"; anything else is a fault of the program.
    ensure!(out.status.code() == Some(4), "tracer programs --hooks {set}: {}: {words}", out.status);
    Ok(Err(words.lines().next().unwrap_or("it said nothing").to_owned()))
}
