//! Installs packages of the distribution, saying so first; nothing when everything is there.

use std::{
    path::Path,
    process::{Command, Stdio},
    time::{Duration, SystemTime},
};

use anyhow::{Result, bail};

use crate::process::{exists, run};

/// Makes sure that files or programs are there. Each entry: what shows that it is there, and the package that brings
/// it.
///
/// # Errors
/// When something is missing and cannot be installed; the message names the command to type.
pub(crate) fn ensure(what_for: &str, wanted: &[(&str, &str)]) -> Result<()> {
    let there = |mark: &str| if mark.starts_with('/') { Path::new(mark).exists() } else { exists(mark) };
    let missing: Vec<&str> =
        wanted.iter().filter(|(mark, _)| !there(mark)).map(|(_, package)| *package).collect();
    install(what_for, &missing)
}

/// Installs packages.
///
/// # Errors
/// As [`ensure`].
pub(crate) fn install(what_for: &str, packages: &[&str]) -> Result<()> {
    if packages.is_empty() {
        return Ok(());
    }
    let list = packages.join(" ");
    let by_hand = format!("apt-get update && apt-get install -y --no-install-recommends {list}");
    if !exists("apt-get") {
        bail!(
            "{what_for} needs {list}; this machine has no apt-get: install them with its own package manager"
        );
    }
    if !is_root() {
        bail!("{what_for} needs {list}; as root, type: {by_hand}");
    }
    println!("xtask: {what_for}: installing {list}");
    let apt = |args: &[&str]| {
        let mut command = Command::new("apt-get");
        command.env("DEBIAN_FRONTEND", "noninteractive").env("DEBCONF_NOWARNINGS", "yes");
        // What is unpacked where interests nobody; what goes wrong stands on standard error.
        run(command.args(["-qq", "-o", "Dpkg::Use-Pty=0"]).args(args).stdout(Stdio::null()))
    };
    // Old lists name old versions: with a compiler of half a year ago no linker fits.
    if !fresh_lists(SystemTime::now()) {
        apt(&["update"])?;
    }
    let mut args = vec!["install", "-y", "--no-install-recommends"];
    args.extend(packages);
    apt(&args)
}

/// Whether the lists of packages were fetched within a day.
fn fresh_lists(now: SystemTime) -> bool {
    // apt gives a list the time at which its archive changed; only the folder tells when it was fetched.
    let fetched = |path| std::fs::metadata(path).and_then(|meta| meta.modified()).ok();
    let Some(time) = fetched("/var/lib/apt/periodic/update-success-stamp")
        .max(fetched("/var/lib/apt/lists/partial"))
        .filter(|_| Path::new("/var/lib/apt/lists").exists())
    else {
        return false;
    };
    now.duration_since(time).is_ok_and(|age| age < Duration::from_hours(24))
}

/// Whether we are root, without a library for it.
pub(crate) fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt as _;
    std::fs::metadata("/proc/self").is_ok_and(|meta| meta.uid() == 0)
}
