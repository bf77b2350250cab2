//! A bench of real kernels: the distributions' own, or an image from elsewhere, booted in QEMU with a static program as
//! the payload.

mod initramfs;
mod kernels;
mod qemu;

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use clap::{Args, ValueEnum};

use kernels::Kernel;
pub(crate) use qemu::{Clock, Report};

use crate::{build, packages};

/// A kernel of the bench; the newest point release that the archive has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(crate) enum Series {
    /// Debian 11: fentry, no drop reasons.
    #[value(name = "5.10")]
    V5_10,
    /// Debian 12: drop reasons.
    #[value(name = "6.1")]
    V6_1,
    /// Debian 12's newest security kernel: the receiving socket in `skb:kfree_skb`.
    #[value(name = "6.12")]
    V6_12,
    /// The newest that is packaged.
    #[value(name = "7")]
    V7,
}

impl Series {
    pub(crate) const ALL: [Self; 4] = [Self::V5_10, Self::V6_1, Self::V6_12, Self::V7];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::V5_10 => "5.10",
            Self::V6_1 => "6.1",
            Self::V6_12 => "6.12",
            Self::V7 => "7",
        }
    }

    /// The hook sets that it must attach. The one for kernels that no distribution has any more runs on one of the others, so
    /// that it runs at all.
    pub(crate) const fn sets(self) -> &'static [&'static str] {
        match self {
            Self::V6_1 => &["fentry", "kprobe", "tracepoint", "legacy"],
            _ => &["fentry", "kprobe", "tracepoint"],
        }
    }

    /// The same by the guests that the live suite takes: each has ten minutes.
    pub(crate) fn guests(self) -> impl Iterator<Item = &'static [&'static str]> {
        let (one, other) = self.sets().split_at(3);
        [one, other].into_iter().filter(|sets| !sets.is_empty())
    }
}

/// Which kernel `cargo xtask vm` boots.
#[derive(Args)]
#[group(required = true, multiple = false)]
pub(crate) struct Which {
    /// A kernel of the bench.
    #[arg(long, value_enum)]
    kernel: Option<Series>,
    /// An image (bzImage) with everything built in that is in use here.
    #[arg(long)]
    image: Option<PathBuf>,
}

impl Which {
    fn fetch(&self) -> Result<Kernel> {
        match (&self.image, self.kernel) {
            (Some(image), _) => kernels::image(image),
            (None, Some(series)) => kernels::fetch(series),
            (None, None) => bail!("no kernel is named: --kernel or --image"),
        }
    }
}

/// The line that stands between a first try and the second: what the first one counted is void.
pub(crate) const AGAIN: &str = "xtask: once more";

/// A file of ours inside the machine.
pub(crate) struct Payload<'a> {
    /// Where it is here.
    pub(crate) from: &'a Path,
    /// Where it is there.
    pub(crate) to: &'a str,
}

/// What is done in a guest.
pub(crate) struct Job<'a> {
    pub(crate) payload: &'a [Payload<'a>],
    /// Programs of this machine that go along, with their libraries.
    pub(crate) programs: &'a [&'a str],
    /// For the shell.
    pub(crate) command: &'a str,
    pub(crate) clock: Clock,
}

/// Boots a kernel and runs a shell command in it; what it prints goes to `line`, line by line.
///
/// # Errors
/// When something cannot be fetched, or the machine dies without a result twice.
pub(crate) fn boot(
    series: Series,
    payload: &[Payload<'_>],
    command: &str,
    line: &mut dyn FnMut(&str),
) -> Result<Report> {
    job(series, &Job { payload, programs: &[], command, clock: Clock::Ours }, line)
}

/// The same for a job of any kind.
///
/// # Errors
/// As [`boot`].
pub(crate) fn job(series: Series, job: &Job<'_>, line: &mut dyn FnMut(&str)) -> Result<Report> {
    tools()?;
    run(&kernels::fetch(series)?, job, line)
}

/// The same on an image from elsewhere.
///
/// # Errors
/// As [`boot`].
pub(crate) fn boot_image(
    image: &Path,
    payload: &[Payload<'_>],
    command: &str,
    line: &mut dyn FnMut(&str),
) -> Result<(String, Report)> {
    tools()?;
    let kernel = kernels::image(image)?;
    let job = Job { payload, programs: &[], command, clock: Clock::Ours };
    Ok((kernel.release.clone(), run(&kernel, &job, line)?))
}

fn tools() -> Result<()> {
    packages::ensure(
        "the bench of kernels",
        &[
            ("/usr/share/keyrings/debian-archive-keyring.gpg", "debian-archive-keyring"),
            ("qemu-system-x86_64", "qemu-system-x86"),
            ("modprobe", "kmod"),
            ("cpio", "cpio"),
            ("/bin/busybox", "busybox-static"),
            ("nft", "nftables"),
            ("ip", "iproute2"),
            ("/bin/dash", "dash"),
            ("unxz", "xz-utils"),
        ],
    )
}

fn run(kernel: &Kernel, job: &Job<'_>, line: &mut dyn FnMut(&str)) -> Result<Report> {
    let initramfs = initramfs::build(kernel, job)?;
    let first = qemu::run(kernel, &initramfs, job.clock, line)?;
    if !first.worth_another_try() {
        return Ok(first);
    }
    println!(
        "xtask: the guest ({}) {}; once more. Its console:\n{}",
        kernel.release,
        first.ending(),
        first.console
    );
    line(AGAIN);
    qemu::run(kernel, &initramfs, job.clock, line)
}

/// `cargo xtask vm`; files of `with` are put beside `/tracer`.
///
/// # Errors
/// When the machine or the command in it fails.
pub(crate) fn command(which: &Which, with: &[PathBuf], command: &str) -> Result<()> {
    tools()?;
    let kernel = which.fetch()?;
    let tracer = build::build(true)?;
    let command = if command.is_empty() {
        "for set in fentry kprobe tracepoint; do /tracer programs --hooks $set; done"
    } else {
        command
    };
    let live = crate::test::live_binary(true).ok();
    let mut payload = vec![Payload { from: &tracer, to: "tracer" }];
    payload.extend(live.as_deref().map(|from| Payload { from, to: "live" }));
    for from in with {
        let name = from.file_name().and_then(|name| name.to_str());
        payload.push(Payload { from, to: name.with_context(|| from.display().to_string())? });
    }
    let job = Job { payload: &payload, programs: &[], command, clock: Clock::Ours };
    let report = run(&kernel, &job, &mut |line| println!("{line}"))?;
    match report.status {
        Some(0) => Ok(()),
        Some(status) => bail!("exit status {status} on {}", kernel.release),
        None => bail!("the guest ({}) {}; its console:\n{}", kernel.release, report.ending(), report.console),
    }
}
