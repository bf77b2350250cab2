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

/// A guest that takes longer than this is stuck: everything it does takes a few minutes under emulation.
const LIMIT: Duration = Duration::from_mins(10);

/// How a guest ended.
pub(crate) struct Report {
    /// Exit status of the command; `None`: it never came.
    pub(crate) status: Option<i32>,
    /// It was stopped because it took too long.
    pub(crate) timed_out: bool,
    /// The end of the kernel's console.
    pub(crate) console: String,
    /// From start to power off.
    pub(crate) took: Duration,
}

impl Report {
    pub(crate) fn ending(&self) -> String {
        if self.timed_out {
            format!("took longer than {} minutes", LIMIT.as_secs() / 60)
        } else {
            "died without a result".into()
        }
    }
}

/// Boots and waits for the end.
///
/// # Errors
/// When QEMU cannot be started.
pub(crate) fn run(kernel: &Kernel, initramfs: &Path, line: &mut dyn FnMut(&str)) -> Result<Report> {
    let console = target("vm").join(format!("console-{}.log", kernel.release));
    let _ = fs::remove_file(&console);
    let begun = Instant::now();
    // No KVM: an ordinary guest does not boot under every host's, and QEMU does not fall back.
    let mut child = Command::new("qemu-system-x86_64")
        .args(["-accel", "tcg,thread=multi", "-machine", "q35", "-cpu", "max", "-smp", "2", "-m", "1024"])
        .args(["-nodefaults", "-no-reboot", "-display", "none"])
        .arg("-kernel")
        .arg(&kernel.vmlinuz)
        .arg("-initrd")
        .arg(initramfs)
        .args(["-append", "console=ttyS0 panic=-1 loglevel=4 noapic"])
        .arg("-serial")
        .arg(format!("file:{}", console.display()))
        .args(["-serial", "stdio"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .context("start qemu-system-x86_64")?;
    let timed_out = !follow(&mut child, begun, line)?;
    child.wait()?;
    let text = String::from_utf8_lossy(&fs::read(&console).unwrap_or_default()).into_owned();
    let tail: Vec<&str> = text.lines().rev().take(40).collect();
    Ok(Report {
        status: status_in(&text),
        timed_out,
        console: tail.into_iter().rev().collect::<Vec<_>>().join("\n"),
        took: begun.elapsed(),
    })
}

/// Passes lines on until the guest is gone; `false`: it took too long and was stopped.
fn follow(child: &mut Child, begun: Instant, line: &mut dyn FnMut(&str)) -> Result<bool> {
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
    let in_time = loop {
        match lines.recv_timeout(LIMIT.saturating_sub(begun.elapsed())) {
            Ok(text) => line(&text),
            Err(RecvTimeoutError::Disconnected) => break true,
            Err(RecvTimeoutError::Timeout) => {
                child.kill()?;
                break false;
            }
        }
    };
    let _ = reader.join();
    Ok(in_time)
}

/// The line that init writes last.
fn status_in(console: &str) -> Option<i32> {
    console.lines().rev().find_map(|line| line.trim().strip_prefix("VMRC=")?.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_result_on_the_console() {
        assert_eq!(status_in("[ 1.0] boot\nVMRC=101\r\n[ 9.0] reboot: Power down\n"), Some(101));
        assert_eq!(status_in("[ 1.0] Kernel panic\n"), None);
    }
}
