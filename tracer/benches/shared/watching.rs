//! Those who watch: programs that do nothing on the tracer's hooks, bpftrace with the tracer's question, any process.

use std::{
    fs,
    io::{BufRead as _, BufReader, Read},
    process::{Child, Command, ExitStatus, Stdio},
    time::Duration,
};

use anyhow::{Context as _, Result, ensure};
use aya::{Btf, Ebpf, EbpfLoader};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use tracer::kernel::{
    hooks::{HOOKS, Set},
    load::attach_hook,
};

use crate::live::watcher::{ended, killed};

/// What bpftrace is asked. It stands in the program, which may be taken to where there is no repository.
const SCRIPT: &str = include_str!("syn-drops.bt");
/// tracefs, in a mount namespace of its own. Before 5.17 nobody says a reason: the second script. On 5.10 bpftrace does not find
/// the kernel's types by itself.
const BPFTRACE: &str = "mount -t tracefs t /sys/kernel/tracing 2>/dev/null
export BPFTRACE_BTF=/sys/kernel/btf/vmlinux
grep -q reason /sys/kernel/tracing/events/skb/kfree_skb/format || exec bpftrace -e \"$1\" \"$2\" 2>&1
exec bpftrace -e \"$0\" \"$2\" 2>&1";

static EMPTY: &[u8] = aya::include_bytes_aligned!(concat!(env!("OUT_DIR"), "/empty"));

/// Attaches empty programs to the hooks of the set; they stay as long as what is returned.
pub(crate) fn empty(set: &str) -> Result<Ebpf> {
    let set = Set::ALL.into_iter().find(|other| other.name() == set).context("a hook set")?;
    let mut ebpf = EbpfLoader::new().load(EMPTY).context("load the empty programs")?;
    let own = Btf::from_sys_fs().ok();
    for hook in &HOOKS {
        // What the running tracer does without, it was refused, too.
        let _ = attach_hook(&mut ebpf, set, hook, hook.name, own.as_ref());
    }
    Ok(ebpf)
}

/// Whoever is asked to end has this long.
const TO_END: Duration = Duration::from_secs(10);

/// A process that watches; it is killed when nobody holds it any more.
pub(crate) struct Process(Child);

impl Process {
    /// Starts bpftrace and waits until it watches; `None`: there is none.
    pub(crate) fn bpftrace(port: u16) -> Result<Option<Self>> {
        if !is_there("bpftrace") {
            return Ok(None);
        }
        let unreasoned = SCRIPT.replace("args->reason", "0");
        let mut unshare = Command::new("unshare");
        unshare.args(["-m", "sh", "-c", BPFTRACE, SCRIPT, &unreasoned, &port.to_string()]);
        Self::started(&mut unshare, "watching").context("bpftrace").map(Some)
    }

    /// The same with bcc's tcpdrop, which compiles itself with the kernel's headers and knows no ports.
    #[allow(dead_code, reason = "the benchmark of what watching costs has no use for it")]
    pub(crate) fn tcpdrop() -> Result<Option<Self>> {
        if !is_there("tcpdrop-bpfcc") {
            return Ok(None);
        }
        let mut tcpdrop = Command::new("tcpdrop-bpfcc");
        Self::started(tcpdrop.env("PYTHONUNBUFFERED", "1"), "SADDR:SPORT").context("tcpdrop").map(Some)
    }

    /// Starts a program and waits until it says that it watches.
    fn started(command: &mut Command, word: &str) -> Result<Self> {
        let mut this = Self::start(command.stdout(Stdio::piped()))?;
        await_word(this.0.stdout.take().context("its output")?, word)?;
        Ok(this)
    }

    /// Starts a program that reads nothing.
    pub(crate) fn start(command: &mut Command) -> Result<Self> {
        let name = command.get_program().to_string_lossy().into_owned();
        command.stdin(Stdio::null()).spawn().map(Self).with_context(|| format!("start {name}"))
    }

    pub(crate) fn id(&self) -> u32 {
        self.0.id()
    }

    /// Time of the processor that its threads have taken.
    #[allow(dead_code, reason = "the benchmark of what the programs cost has no use for it")]
    pub(crate) fn processor(&self) -> Option<Duration> {
        let threads = fs::read_dir(format!("/proc/{}/task", self.id())).ok()?;
        let nanos = threads.flatten().filter_map(|thread| {
            let text = fs::read_to_string(thread.path().join("schedstat")).ok()?;
            text.split(' ').next()?.parse::<u64>().ok()
        });
        Some(Duration::from_nanos(nanos.sum()))
    }

    /// One of its streams, where it was asked for.
    #[allow(dead_code, reason = "the benchmark of what the programs cost has no use for it")]
    pub(crate) fn stderr(&mut self) -> Result<impl Read + Send + use<>> {
        self.0.stderr.take().context("its messages")
    }

    /// Asks it to end and waits for that.
    ///
    /// # Errors
    /// When it does not end in time.
    #[allow(dead_code, reason = "the benchmark of what the programs cost has no use for it")]
    pub(crate) fn stop(mut self) -> Result<ExitStatus> {
        self.asked()?.context("it does not end")
    }

    /// The same for one of whom nothing is wanted but that it goes: who does not listen is killed.
    pub(crate) fn away(mut self) -> Result<()> {
        if self.asked()?.is_none() {
            eprintln!("process {} does not end within {} s: killed", self.id(), TO_END.as_secs());
            ensure!(killed(&mut self.0), "it cannot be killed");
        }
        Ok(())
    }

    fn asked(&mut self) -> Result<Option<ExitStatus>> {
        // SIGINT may be one that a shell told its children to ignore.
        kill(Pid::from_raw(i32::try_from(self.id())?), Signal::SIGTERM)?;
        ended(&mut self.0, TO_END)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        killed(&mut self.0);
    }
}

/// Waits until a process has written a word, and forgets what it writes from then on.
pub(crate) fn await_word(stream: impl Read + Send + 'static, word: &str) -> Result<()> {
    let mut stream = BufReader::new(stream);
    let (mut line, mut all) = (String::new(), String::new());
    while !line.contains(word) {
        line.clear();
        ensure!(stream.read_line(&mut line)? > 0, "it ended before it said `{word}`: {all}");
        all.push_str(&line);
    }
    std::thread::spawn(move || stream.lines().for_each(drop));
    Ok(())
}

/// Whether a program can be run, whatever it thinks of what it is asked.
pub(crate) fn is_there(program: &str) -> bool {
    let mut version = Command::new(program);
    version.arg("--version").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    version.status().is_ok()
}
