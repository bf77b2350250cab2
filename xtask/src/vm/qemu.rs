//! Runs a guest under software emulation and finds out how it ended.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    sync::mpsc::{self, RecvTimeoutError},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result};

use super::kernels::Kernel;
use crate::target;

/// How time goes in a guest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Clock {
    /// As it goes here; two processors.
    Ours,
    /// One processor, and a nanosecond for each of its instructions: what the kernel times is a number of instructions, and
    /// comes out the same again. While it waits, time is skipped.
    Instructions,
}

impl Clock {
    /// How long a guest may take. The suite on one kernel takes 5 to 11 minutes, as fast as the machine is.
    fn limit(self) -> Duration {
        Duration::from_mins(if self == Self::Ours { 20 } else { 30 })
    }

    /// A guest that says nothing for so long is stuck, however fast the machine: no trial takes two minutes. A benchmark is
    /// silent until it ends.
    fn patience(self) -> Duration {
        if self == Self::Ours { Duration::from_mins(5) } else { self.limit() }
    }

    fn options(self) -> impl Iterator<Item = &'static str> {
        let options = match self {
            Self::Ours => "-accel tcg,thread=multi -smp 2 -m 1024",
            Self::Instructions => {
                "-accel tcg,thread=single -icount shift=0,sleep=off -rtc clock=vm -smp 1 -m 2048"
            }
        };
        options.split(' ')
    }

    /// For the kernel's command line: the clock that goes by instructions is the processor's own, and is not to be doubted.
    fn words(self) -> &'static str {
        if self == Self::Ours { "" } else { " clocksource=tsc tsc=reliable" }
    }
}

/// Why a guest was stopped, and how long it had been given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stopped {
    /// It said nothing for so long.
    Silent(Duration),
    /// It went on for longer than that.
    Slow(Duration),
}

/// How a guest ended.
pub(crate) struct Report {
    /// Exit status of the command; `None`: it never came.
    pub(crate) status: Option<i32>,
    /// Why it was stopped, if it was.
    pub(crate) stopped: Option<Stopped>,
    /// The end of the kernel's console.
    pub(crate) console: String,
    /// From start to power off.
    pub(crate) took: Duration,
}

impl Report {
    pub(crate) fn ending(&self) -> String {
        match self.stopped {
            Some(Stopped::Slow(limit)) => format!("took longer than {} minutes", limit.as_secs() / 60),
            Some(Stopped::Silent(limit)) => format!("said nothing for {} minutes", limit.as_secs() / 60),
            None => "died without a result".into(),
        }
    }

    /// Whether a second try may end otherwise: one that was too slow will be so again.
    pub(crate) fn worth_another_try(&self) -> bool {
        self.status.is_none() && !matches!(self.stopped, Some(Stopped::Slow(_)))
    }
}

/// Boots and waits for the end.
///
/// # Errors
/// When QEMU cannot be started.
pub(crate) fn run(
    kernel: &Kernel,
    initramfs: &Path,
    clock: Clock,
    line: &mut dyn FnMut(&str),
) -> Result<Report> {
    let console = target("vm").join(format!("console-{}.log", kernel.release));
    let _ = fs::remove_file(&console);
    let begun = Instant::now();
    // No KVM: an ordinary guest does not boot under every host's, and QEMU does not fall back.
    let mut child = Command::new("qemu-system-x86_64")
        .args(clock.options())
        .args(["-machine", "q35", "-cpu", "max", "-nodefaults", "-no-reboot", "-display", "none"])
        .arg("-kernel")
        .arg(&kernel.vmlinuz)
        .arg("-initrd")
        .arg(initramfs)
        .arg("-append")
        .arg(format!("console=ttyS0 panic=-1 loglevel=4 noapic{}", clock.words()))
        .arg("-serial")
        .arg(format!("file:{}", console.display()))
        .args(["-serial", "stdio"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .context("start qemu-system-x86_64")?;
    let stopped = follow(&mut child, clock.limit(), clock.patience(), line)?;
    child.wait()?;
    let text = String::from_utf8_lossy(&fs::read(&console).unwrap_or_default()).into_owned();
    let tail: Vec<&str> = text.lines().rev().take(40).collect();
    Ok(Report {
        status: status_in(&text),
        stopped,
        console: tail.into_iter().rev().collect::<Vec<_>>().join("\n"),
        took: begun.elapsed(),
    })
}

/// Passes lines on until the guest is gone, or is stopped.
fn follow(
    child: &mut Child,
    limit: Duration,
    patience: Duration,
    line: &mut dyn FnMut(&str),
) -> Result<Option<Stopped>> {
    let out = child.stdout.take().context("the guest's output")?;
    let (sender, lines) = mpsc::channel();
    let reader = thread::spawn(move || {
        let mut out = BufReader::new(out);
        let mut bytes = Vec::new();
        while out.read_until(b'\n', &mut bytes).is_ok_and(|n| n > 0) {
            let text = String::from_utf8_lossy(&bytes).trim_end_matches(['\r', '\n']).to_owned();
            if sender.send(text).is_err() {
                return;
            }
            bytes.clear();
        }
    });
    let until = Instant::now() + limit;
    let stopped = loop {
        let left = until.saturating_duration_since(Instant::now());
        match lines.recv_timeout(left.min(patience)) {
            Ok(text) if !left.is_zero() => line(&text),
            Err(RecvTimeoutError::Disconnected) => break None,
            Ok(_) | Err(RecvTimeoutError::Timeout) => {
                child.kill()?;
                break Some(if left > patience { Stopped::Silent(patience) } else { Stopped::Slow(limit) });
            }
        }
    };
    let _ = reader.join();
    Ok(stopped)
}

/// What init writes last; a kernel may have left its own line before it without an end (4.9).
fn status_in(console: &str) -> Option<i32> {
    console.lines().rev().find_map(|line| line.rsplit_once("VMRC=")?.1.trim().parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn followed(script: &str, limit: u64, patience: u64) -> (Option<Stopped>, Vec<String>) {
        let mut child = Command::new("sh").args(["-c", script]).stdout(Stdio::piped()).spawn().unwrap();
        let [limit, patience] = [limit, patience].map(Duration::from_secs);
        let mut lines = Vec::new();
        let stopped = follow(&mut child, limit, patience, &mut |line| lines.push(line.to_owned())).unwrap();
        child.wait().unwrap();
        (stopped, lines)
    }

    #[test]
    fn a_guest_that_is_stuck_is_told_from_one_that_is_slow() {
        assert_eq!(followed("echo a; echo b", 60, 60), (None, vec!["a".into(), "b".into()]));
        let stuck = followed("echo a; exec sleep 60", 30, 1);
        assert_eq!(stuck, (Some(Stopped::Silent(Duration::from_secs(1))), vec!["a".into()]));
        // It ends with its pipe.
        let (slow, lines) = followed("while echo a; do sleep 0.1; done 2>/dev/null", 1, 30);
        assert_eq!(slow, Some(Stopped::Slow(Duration::from_secs(1))));
        assert!(!lines.is_empty());
    }

    #[test]
    fn the_result_on_the_console() {
        assert_eq!(status_in("[ 1.0] boot\nVMRC=101\r\n[ 9.0] reboot: Power down\n"), Some(101));
        assert_eq!(status_in("no mitigation available!VMRC=0\r\n"), Some(0));
        assert_eq!(status_in("[ 1.0] Kernel panic\n"), None);
    }
}
