//! Builds the program, and shows it.

use std::{
    os::unix::process::CommandExt as _,
    path::PathBuf,
    process::{Command, Stdio},
};

use anyhow::{Context as _, Result, bail};

use crate::{
    process::{run, shown},
    target, toolchain, workspace,
};

/// The host triple for static binaries; glibc, because musl does not link here.
pub(crate) const STATIC_TARGET: &str = "x86_64-unknown-linux-gnu";

/// Builds the release program and returns where it is.
///
/// # Errors
/// When the toolchain or the build fails.
pub(crate) fn build(static_binary: bool) -> Result<PathBuf> {
    toolchain::ensure()?;
    let mut cargo = cargo("build", static_binary);
    run(cargo.args(["--quiet", "--release", "--package", "tracer"]))?;
    Ok(target(&format!("{}release/tracer", folder(static_binary))))
}

/// A cargo that must find a BPF toolchain.
pub(crate) fn cargo(verb: &str, static_binary: bool) -> Command {
    let mut cargo = Command::new("cargo");
    // Whatever target folder the developer's own settings name: here it is known where the program is.
    cargo.current_dir(workspace()).env("TRACER_EBPF", "require").env_remove("CARGO_BUILD_TARGET").arg(verb);
    cargo.arg("--target-dir").arg(workspace().join("target"));
    if static_binary {
        cargo.env("RUSTFLAGS", "-C target-feature=+crt-static").args(["--target", STATIC_TARGET]);
    }
    cargo
}

/// Builds a test or a benchmark, which has a `main` of its own, and says where it is.
///
/// # Errors
/// When it does not build.
pub(crate) fn runnable(kind: &str, name: &str, static_binary: bool) -> Result<PathBuf> {
    let mut cargo = cargo("test", static_binary);
    cargo.args(["--quiet", "--release", "--package", "tracer", kind, name, "--no-run"]);
    cargo.args(["--message-format", "json"]).stderr(Stdio::inherit());
    let out = cargo.output().with_context(|| format!("run {}", shown(&cargo)))?;
    if !out.status.success() {
        bail!("{}: {}", shown(&cargo), out.status);
    }
    let text = String::from_utf8_lossy(&out.stdout);
    let name = format!("\"name\":\"{name}\"");
    let path = text.lines().filter(|line| line.contains(&name)).find_map(executable);
    path.map(PathBuf::from).context("cargo named no binary")
}

/// The member `executable` of one of cargo's messages.
fn executable(line: &str) -> Option<&str> {
    line.split_once("\"executable\":\"")?.1.split('"').next()
}

fn folder(static_binary: bool) -> String {
    if static_binary { format!("{STATIC_TARGET}/") } else { String::new() }
}

/// Builds and runs `tracer demo` in this process's place, so that signals and the exit status are its own.
///
/// # Errors
/// When the build fails or the program cannot be started.
pub(crate) fn demo(args: &[String]) -> Result<()> {
    let program = build(false)?;
    let mut demo = Command::new(&program);
    demo.arg("demo").args(args);
    println!("xtask: {}", shown(&demo));
    Err(demo.exec()).with_context(|| format!("start {}", program.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cargo_messages() {
        assert_eq!(executable(r#"{"name":"live","executable":"/t/live-1","fresh":true}"#), Some("/t/live-1"));
        assert_eq!(executable(r#"{"executable":null}"#), None);
    }
}
