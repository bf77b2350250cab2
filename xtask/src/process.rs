//! Runs other programs and says what failed.

use std::{
    io::{BufRead as _, BufReader},
    process::{Command, ExitStatus, Stdio},
};

use anyhow::{Context as _, Result, bail};

/// Runs it with our own output; an exit status other than 0 is an error.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| format!("run {}", shown(command)))?;
    if !status.success() {
        bail!("{}: {status}", shown(command));
    }
    Ok(())
}

/// Runs it and returns its standard output.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let out = command.stderr(Stdio::piped()).output().with_context(|| format!("run {}", shown(command)))?;
    if !out.status.success() {
        bail!("{}: {}\n{}", shown(command), out.status, String::from_utf8_lossy(&out.stderr).trim());
    }
    Ok(String::from_utf8_lossy(&out.stdout).into_owned())
}

/// Runs it, passes its standard output on, and hands every line of it to `line`; says how it ended.
///
/// # Errors
/// When it does not start, or its output cannot be read.
pub(crate) fn lines(command: &mut Command, line: &mut dyn FnMut(&str)) -> Result<ExitStatus> {
    let mut child =
        command.stdout(Stdio::piped()).spawn().with_context(|| format!("run {}", shown(command)))?;
    for text in BufReader::new(child.stdout.take().context("its output")?).lines() {
        let text = text?;
        println!("{text}");
        line(&text);
    }
    Ok(child.wait()?)
}

/// Runs it, passes its standard output on line by line, and returns it.
///
/// # Errors
/// An exit status other than 0.
pub(crate) fn told(command: &mut Command) -> Result<String> {
    let mut text = String::new();
    let status = lines(command, &mut |line| {
        text.push_str(line);
        text.push('\n');
    })?;
    if !status.success() {
        bail!("{}: {status}", shown(command));
    }
    Ok(text)
}

/// Program and arguments as one would type them.
pub(crate) fn shown(command: &Command) -> String {
    std::iter::once(command.get_program())
        .chain(command.get_args())
        .map(|w| w.to_string_lossy())
        .collect::<Vec<_>>()
        .join(" ")
}

/// Whether a program is on the path.
pub(crate) fn exists(program: &str) -> bool {
    let Some(path) = std::env::var_os("PATH") else { return false };
    std::env::split_paths(&path)
        .chain(["/usr/sbin".into(), "/sbin".into()])
        .any(|folder| folder.join(program).is_file())
}
