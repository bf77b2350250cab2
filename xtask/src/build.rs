//! Builds the program, and shows it.

use std::{os::unix::process::CommandExt as _, path::PathBuf, process::Command};

use anyhow::{Context as _, Result};

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
