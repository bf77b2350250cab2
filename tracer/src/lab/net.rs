//! The system's own tools and settings, inside the calling thread's namespace.

use std::{
    env, fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use crate::error::{Exit, Failure, words};

/// Makes sure that programs are there.
///
/// # Errors
/// Names the first that is missing and the package that brings it.
pub(super) fn needs(programs: &[(&str, &str)]) -> Result<(), Failure> {
    match programs.iter().find(|(program, _)| find(program).is_none()) {
        None => Ok(()),
        Some((program, package)) => Err(Failure::new(
            Exit::Failure,
            format!("the demonstration needs the program {program}"),
            "it is not on this machine",
            format!("install it: `apt-get install {package}` or `dnf install {package}`"),
        )),
    }
}

/// The system's folders too: they are not on the path of every user who becomes root.
fn find(program: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path)
        .chain(["/usr/sbin".into(), "/sbin".into()])
        .map(|folder| folder.join(program))
        .find(|file| file.is_file())
}

/// Runs a program and returns its output.
///
/// # Errors
/// When it fails, with its own words.
pub(super) fn command(program: &str, args: &[&str]) -> io::Result<String> {
    let out = prepared(program, args)?.stdin(Stdio::null()).output()?;
    result(program, args, &out)
}

/// Gives rules to `nft`.
///
/// # Errors
/// When it refuses them, with its own words.
pub(super) fn rules(text: &str) -> io::Result<()> {
    let args = ["-f", "-"];
    let mut child = prepared("nft", &args)?.stdin(Stdio::piped()).spawn()?;
    if let Some(mut input) = child.stdin.take() {
        input.write_all(text.as_bytes())?;
    }
    result("nft", &args, &child.wait_with_output()?).map(drop)
}

fn prepared(program: &str, args: &[&str]) -> io::Result<Command> {
    let path = find(program).ok_or_else(|| io::Error::other(format!("no {program} on this machine")))?;
    let mut command = Command::new(path);
    command.args(args).stdout(Stdio::piped()).stderr(Stdio::piped());
    Ok(command)
}

fn result(program: &str, args: &[&str], out: &Output) -> io::Result<String> {
    if out.status.success() {
        return Ok(String::from_utf8_lossy(&out.stdout).into_owned());
    }
    let said = String::from_utf8_lossy(&out.stderr).trim().replace('\n', "; ");
    Err(io::Error::other(format!("{program} {}: {}: {said}", args.join(" "), out.status)))
}

/// Whether the calling thread's namespace has a setting.
pub(super) fn has(name: &str) -> bool {
    Path::new("/proc/sys").join(name).exists()
}

/// Sets a value below `/proc/sys`, where `net` is that of the calling thread's namespace.
///
/// # Errors
/// When there is no such setting.
pub(super) fn sysctl(name: &str, value: &str) -> io::Result<()> {
    let path = Path::new("/proc/sys").join(name);
    fs::write(&path, value)
        .map_err(|error| io::Error::other(format!("{} = {value}: {}", path.display(), words(&error))))
}
