//! Formatting, clippy and the rules of the house that no compiler checks.

mod linked;

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Result, bail};

use crate::{packages, process::run, toolchain, workspace};

/// Lines without tests that a file may have.
const MAX_LINES: usize = 400;

/// `cargo xtask lint`.
///
/// # Errors
/// With everything that was found.
pub(crate) fn lint() -> Result<()> {
    let cargo = || {
        let mut cargo = Command::new("cargo");
        cargo.current_dir(workspace());
        cargo
    };
    run(cargo().args(["fmt", "--all", "--check"]))?;
    run(cargo().env("TRACER_EBPF", "skip").args([
        "clippy",
        "--quiet",
        "--workspace",
        "--all-targets",
        "--",
        "-D",
        "warnings",
    ]))?;
    clippy_for_bpf()?;
    let mut found = linked::forbidden()?;
    for file in sources(workspace()) {
        let text = fs::read_to_string(&file)?;
        let name = file.strip_prefix(workspace()).unwrap_or(&file).to_string_lossy().into_owned();
        found.extend(layers(&name, &text));
        found.extend(length(&name, &text));
    }
    if found.is_empty() {
        println!("xtask: lint: nothing found");
        return Ok(());
    }
    bail!("{}", found.join("\n"));
}

/// The eBPF crate for its own target, with a clippy that belongs to the compiler that builds it.
fn clippy_for_bpf() -> Result<()> {
    let found = toolchain::ensure()?;
    let driver = found.rustc.with_file_name("clippy-driver");
    if !driver.exists() && driver.starts_with("/usr/bin") {
        packages::install("clippy for the BPF target", &["rust-web-clippy"])?;
    }
    if !driver.exists() {
        println!(
            "xtask: lint: SKIPPED clippy for the BPF target: no clippy-driver beside {}",
            found.rustc.display()
        );
        return Ok(());
    }
    run(Command::new(&found.cargo)
        .current_dir(workspace())
        .env("RUSTC", &found.rustc)
        .env("RUSTC_WORKSPACE_WRAPPER", &driver)
        .env("RUSTC_BOOTSTRAP", "1")
        .env("CLIPPY_ARGS", "-Dwarnings__CLIPPY_HACKERY__-Aclippy::inline_always__CLIPPY_HACKERY__")
        .env("CARGO_ENCODED_RUSTFLAGS", "--cfg=bpf_target_arch=\"x86_64\"")
        .env_remove("RUSTFLAGS")
        .args(["check", "--quiet", "--package", "tracer-ebpf", "--target", "bpfel-unknown-none"])
        .args(["-Z", "build-std=core", "--target-dir", "target/ebpf-clippy"]))
}

fn sources(root: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders: Vec<PathBuf> =
        ["tracer", "tracer-common", "tracer-ebpf", "xtask"].iter().map(|name| root.join(name)).collect();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// What the rooms must not know.
fn layers(name: &str, text: &str) -> Vec<String> {
    let pure = ["decode", "source", "model", "analysis", "render"].map(|room| format!("tracer/src/{room}"));
    let mut forbidden: Vec<&str> = Vec::new();
    if name.contains("/tests") {
        return Vec::new();
    }
    if name.starts_with("tracer/src/") && !name.starts_with("tracer/src/kernel") {
        forbidden.extend(["aya::", "aya_log::"]);
    }
    // Cells are drawn in `render`; the terminal itself is for one room only.
    if name.starts_with("tracer/src/") && !name.starts_with("tracer/src/tui") {
        forbidden.push("crossterm");
    }
    if pure.iter().any(|room| name.starts_with(room.as_str())) {
        forbidden.extend([
            "std::fs",
            "std::time::Instant",
            "SystemTime",
            "tokio",
            "std::os::fd",
            "Instant::now",
        ]);
    }
    let code = text.lines().enumerate().filter(|(_, line)| !line.trim_start().starts_with("//"));
    code.flat_map(|(n, line)| {
        forbidden
            .iter()
            .filter(|word| line.contains(**word))
            .map(move |word| format!("{name}:{}: `{word}` does not belong into this room", n + 1))
            .collect::<Vec<_>>()
    })
    .collect()
}

fn length(name: &str, text: &str) -> Option<String> {
    let lines = text.lines().take_while(|line| !line.starts_with("mod tests {")).count();
    let exempt = name.contains("tests");
    (lines > MAX_LINES && !exempt)
        .then(|| format!("{name}: {lines} lines; the room is crowded, make two of it"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rooms() {
        assert_eq!(layers("tracer/src/analysis/x.rs", "use tokio::time;").len(), 1);
        assert_eq!(layers("tracer/src/app.rs", "use aya::Ebpf;").len(), 1);
        assert!(layers("tracer/src/kernel/load.rs", "use aya::Ebpf;").is_empty());
        assert_eq!(layers("tracer/src/render/top.rs", "use ratatui::crossterm::event;").len(), 1);
        assert!(layers("tracer/src/model.rs", "// nothing of tokio here").is_empty());
        assert!(length("a.rs", &"x\n".repeat(401)).is_some());
        assert!(length("a.rs", &format!("mod tests {{\n{}", "x\n".repeat(999))).is_none());
    }
}
