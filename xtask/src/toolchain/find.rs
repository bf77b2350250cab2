//! Decides which compiler and which linker build the eBPF object; installs nothing.
//!
//! Shared by `xtask` and by `tracer/build.rs`, so that both look in the same places.

use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
};

/// A compiler that can build `core` for BPF, and the linker that fits it.
#[derive(Clone, Debug)]
pub struct Toolchain {
    /// The compiler; its library sources are installed.
    pub rustc: PathBuf,
    /// The cargo that drives it.
    pub cargo: PathBuf,
    /// `bpf-linker`.
    pub linker: PathBuf,
}

/// Where `cargo xtask` puts the tools that it builds itself.
pub fn tools_dir(workspace: &Path) -> PathBuf {
    workspace.join("target/tools")
}

fn stdout_of(command: &mut Command) -> Option<String> {
    let out = command.output().ok()?;
    out.status.success().then(|| String::from_utf8_lossy(&out.stdout).trim().to_owned())
}

/// Whether the library sources that `-Z build-std` needs are where this compiler looks for them.
fn has_library_source(rustc: &Path) -> bool {
    stdout_of(Command::new(rustc).env_remove("RUSTUP_TOOLCHAIN").args(["--print", "sysroot"]))
        .is_some_and(|root| Path::new(&root).join("lib/rustlib/src/rust/library/Cargo.lock").exists())
}

/// `EBPF_RUSTC`, else the first with library sources: rustup's nightly, the one in use, the distribution's.
pub fn rustc() -> Option<PathBuf> {
    if let Some(forced) = env::var_os("EBPF_RUSTC") {
        return Some(forced.into());
    }
    let nightly = stdout_of(Command::new("rustup").args(["which", "--toolchain", "nightly", "rustc"]));
    let in_use = stdout_of(Command::new("rustup").args(["which", "rustc"]));
    [nightly.map(PathBuf::from), in_use.map(PathBuf::from), Some("/usr/bin/rustc".into())]
        .into_iter()
        .flatten()
        .find(|rustc| has_library_source(rustc))
}

/// The linker that `cargo xtask` built, else one on `PATH` (an eBPF Rust developer's own).
pub fn linker(workspace: &Path) -> Option<PathBuf> {
    let ours = tools_dir(workspace).join("bin/bpf-linker");
    if ours.exists() {
        return Some(ours);
    }
    env::split_paths(&env::var_os("PATH")?).map(|dir| dir.join("bpf-linker")).find(|path| path.exists())
}

/// Everything, or what is missing in words.
pub fn find(workspace: &Path) -> Result<Toolchain, &'static str> {
    let rustc = rustc().ok_or("no Rust compiler with its library sources (rust-src) was found")?;
    let linker = linker(workspace).ok_or("bpf-linker was not found")?;
    // A toolchain's own cargo knows its library layout best; distributions may ship none.
    let sibling = rustc.with_file_name("cargo");
    let cargo =
        if sibling.exists() { sibling } else { env::var_os("CARGO").map_or("cargo".into(), PathBuf::from) };
    Ok(Toolchain { rustc, cargo, linker })
}
