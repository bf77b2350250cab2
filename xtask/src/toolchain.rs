//! Makes sure that something builds eBPF: what a Rust eBPF developer has, or the distribution's packages.

#[allow(dead_code, unreachable_pub, reason = "shared with tracer/build.rs, which uses the rest")]
pub(crate) mod find;

use std::{path::Path, process::Command};

use anyhow::{Context as _, Result, ensure};

use crate::{
    packages,
    process::{output, run},
    workspace,
};

/// The linker's version; a newer one wants a newer LLVM than the distribution's compiler.
const BPF_LINKER: &str = "0.13.0";
/// The oldest LLVM that it is built for.
const OLDEST_LLVM: u32 = 21;

/// For machines whose distribution has no such packages.
const BY_HAND: &str = "eBPF needs a Rust compiler with its library sources, and bpf-linker; with rustup, type: \
                       rustup toolchain install nightly --component rust-src && cargo install bpf-linker";

/// Finds or installs compiler and linker.
///
/// # Errors
/// When something is missing and cannot be installed.
pub(crate) fn ensure() -> Result<find::Toolchain> {
    let there = find::linker(workspace()).is_some();
    // A compiler that is too old may be an earlier version of the package.
    let fits = |rustc: &Path| there || llvm(rustc).is_ok_and(|major| major >= OLDEST_LLVM);
    if !find::rustc().is_some_and(|rustc| fits(&rustc)) {
        // Compiler and library sources of one version; rustup's own need a component that may be out of reach.
        packages::install(
            "building eBPF (a compiler with its library sources)",
            &["rustc-web", "rust-web-src"],
        )
        .context(BY_HAND)?;
    }
    if !there {
        linker()?;
    }
    find::find(workspace()).map_err(|why| anyhow::anyhow!("building eBPF: {why}"))
}

fn linker() -> Result<()> {
    let rustc = find::rustc().context("no compiler with its library sources was found")?;
    let major = llvm(&rustc)?;
    ensure!(
        major >= OLDEST_LLVM,
        "{} is made with LLVM {major}; bpf-linker {BPF_LINKER} wants {OLDEST_LLVM} or newer. {BY_HAND}",
        rustc.display()
    );
    let prefix = format!("/usr/lib/llvm-{major}");
    if !Path::new(&prefix).join("include").exists() {
        packages::install("building bpf-linker", &[&format!("llvm-{major}-dev")]).context(BY_HAND)?;
    }
    println!(
        "xtask: building bpf-linker {BPF_LINKER} for LLVM {major} into target/tools (once, 1 to 2 minutes)"
    );
    run(Command::new("cargo")
        .env("LLVM_PREFIX", &prefix)
        .env_remove("RUSTFLAGS")
        .args([
            "install",
            "--quiet",
            "bpf-linker",
            "--version",
            BPF_LINKER,
            "--locked",
            "--no-default-features",
        ])
        .args(["--features", &format!("llvm-{major}"), "--root"])
        .arg(find::tools_dir(workspace()))
        .arg("--target-dir")
        .arg(crate::target("tools/build")))
}

/// The LLVM that a compiler is made with.
fn llvm(rustc: &Path) -> Result<u32> {
    llvm_major(&output(Command::new(rustc).env_remove("RUSTUP_TOOLCHAIN").arg("-vV"))?)
        .context("rustc -vV names no LLVM version")
}

/// From `rustc -vV`.
fn llvm_major(text: &str) -> Option<u32> {
    let version = text.lines().find_map(|line| line.strip_prefix("LLVM version: "))?;
    version.split('.').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn llvm_of_a_compiler() {
        assert_eq!(llvm_major("rustc 1.96.0\nrelease: 1.96.0\nLLVM version: 22.1.2\n"), Some(22));
        assert_eq!(llvm_major("rustc 1.96.0\n"), None);
    }
}
