//! Installs packages of the distribution, saying so first; nothing when everything is there.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
    time::{Duration, SystemTime},
};

use anyhow::{Result, bail};

use crate::{
    process::{exists, run},
    target,
};

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
    let mut install = apt()?;
    run(install.args(["install", "-y", "--no-install-recommends"]).args(packages))
}

/// apt with lists that are not old: old ones name old versions, and with a compiler of half a year ago no linker fits.
fn apt() -> Result<Command> {
    let quiet = || {
        let mut command = Command::new("apt-get");
        command.env("DEBIAN_FRONTEND", "noninteractive").env("DEBCONF_NOWARNINGS", "yes");
        // What is unpacked where interests nobody; what goes wrong stands on standard error.
        command.args(["-qq", "-o", "Dpkg::Use-Pty=0"]).stdout(Stdio::null());
        command
    };
    if !fresh_lists(SystemTime::now()) {
        run(quiet().arg("update"))?;
    }
    Ok(quiet())
}

/// Where a server's program is: on this machine, or unpacked below `target` from the first of these packages that brings
/// it. It is not installed, because an installed server is started, now and whenever the machine is.
///
/// # Errors
/// When no package can be fetched or none brings it.
pub(crate) fn unpacked(what_for: &str, program: &str, packages: &[&str]) -> Result<String> {
    if exists(program) {
        return Ok(program.to_owned());
    }
    let folder = target("unpacked").join(program);
    let file = folder.join("usr/sbin").join(program);
    for package in packages {
        if file.exists() {
            break;
        }
        if !exists("apt-get") {
            bail!(
                "{what_for} needs {program}; this machine has no apt-get: install it with its package manager"
            );
        }
        println!("xtask: {what_for}: fetching {package} into {}", folder.display());
        fs::create_dir_all(&folder)?;
        run(apt()?.args(["-o", "APT::Sandbox::User=root", "download", package]).current_dir(&folder))?;
        unpack(&folder)?;
    }
    if !file.exists() {
        bail!("{what_for} needs {program}, and none of the packages {} brings it", packages.join(", "));
    }
    Ok(file.display().to_string())
}

/// Unpacks what was downloaded into this folder.
///
/// # Errors
/// When a package is broken.
pub(crate) fn unpack(folder: &Path) -> Result<()> {
    let debs = fs::read_dir(folder)?.flatten().map(|file| file.path());
    for deb in debs.filter(|path| path.extension().is_some_and(|extension| extension == "deb")) {
        run(Command::new("dpkg-deb").arg("-x").arg(&deb).arg(folder))?;
        fs::remove_file(deb)?;
    }
    Ok(())
}

/// Whether the lists of packages were fetched within a day.
fn fresh_lists(now: SystemTime) -> bool {
    // apt gives a list the time at which its archive changed; only the folder tells when it was fetched.
    let fetched = |path| fs::metadata(path).and_then(|meta| meta.modified()).ok();
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
    fs::metadata("/proc/self").is_ok_and(|meta| meta.uid() == 0)
}
