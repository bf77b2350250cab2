//! Builds the eBPF objects once, in a target folder of their own, and hands them to `include_bytes!`.
//!
//! Without a BPF toolchain (or with `TRACER_EBPF=skip`) empty stubs take their place: `cargo check`, clippy
//! and the pure tests need none, and the program then says how to get one. `TRACER_EBPF=require` makes a
//! missing toolchain an error. The folder below `target/` is shared by all profiles and host targets, because
//! compiling `core` for BPF is the expensive part.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result, bail};
use object::{
    build::elf::{Builder, SectionData},
    elf::SHT_STRTAB,
};

#[allow(dead_code, unreachable_pub, reason = "shared with xtask, which uses more of it")]
#[path = "../xtask/src/toolchain/find.rs"]
mod find;

/// The objects: the tracer's programs, the same for old kernels, those that find out where fields are, the client clocks of
/// the lab, and programs that do nothing, for the benchmark.
const OBJECTS: [&str; 5] = ["tracer", LEGACY[0], LEGACY[1], LEGACY[2], "empty"];
/// Made of the instructions of old kernels, which had no loops and no calls. Their own, and not `RUSTFLAGS`: with those `core`
/// would be compiled again.
const LEGACY: [&str; 3] = ["legacy", "calibration", "lab"];
const LEGACY_FLAGS: [&str; 3] = ["-Ctarget-cpu=v1", "-Cdebuginfo=0", "-Clink-arg=--unroll-loops"];

fn main() -> Result<()> {
    let manifest = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?);
    let workspace = manifest.parent().context("the crate stands inside the workspace")?;
    let out = PathBuf::from(env::var("OUT_DIR")?);
    for input in ["tracer-ebpf", "tracer-common", "Cargo.lock", "xtask/src/toolchain/find.rs"] {
        println!("cargo::rerun-if-changed={}", workspace.join(input).display());
    }
    for variable in ["EBPF_RUSTC", "TRACER_EBPF", "PATH"] {
        println!("cargo::rerun-if-env-changed={variable}");
    }
    println!("cargo::rustc-check-cfg=cfg(no_ebpf)");

    let wish = env::var("TRACER_EBPF").unwrap_or_default();
    let toolchain = if wish == "skip" { Err("TRACER_EBPF=skip") } else { find::find(workspace) };
    match toolchain {
        Ok(toolchain) => {
            // Only what is there: a file that is missing would make every build a new one.
            println!("cargo::rerun-if-changed={}", toolchain.linker.display());
            build(&toolchain, workspace, &out)
        }
        Err(why) if wish == "require" => {
            bail!("the eBPF programs cannot be built: {why}; try `cargo xtask build`")
        }
        Err(why) => stub(why, &out),
    }
}

fn stub(why: &str, out: &Path) -> Result<()> {
    if why != "TRACER_EBPF=skip" {
        println!(
            "cargo::warning=built without the eBPF programs ({why}); `cargo xtask build` gets what is missing"
        );
    }
    println!("cargo::rustc-cfg=no_ebpf");
    for object in OBJECTS {
        fs::write(out.join(object), [])?;
    }
    Ok(())
}

fn build(toolchain: &find::Toolchain, workspace: &Path, out: &Path) -> Result<()> {
    let arch = env::var("CARGO_CFG_TARGET_ARCH")?;
    let big = env::var("CARGO_CFG_TARGET_ENDIAN")? == "big";
    let target = if big { "bpfeb-unknown-none" } else { "bpfel-unknown-none" };
    let target_dir = workspace.join("target/ebpf");
    let flags = [
        format!("--cfg=bpf_target_arch=\"{arch}\""),
        "-Cdebuginfo=2".into(),
        "-Clink-arg=--btf".into(),
        // What it would leave for later it leaves as calls of functions that go byte by byte.
        "-Clink-arg=--disable-expand-memcpy-in-order".into(),
        format!("-Clinker={}", toolchain.linker.display()),
    ];
    let cargo = |what: &str| {
        let mut cargo = Command::new(&toolchain.cargo);
        // Only the inner build sees these: a stable compiler may use -Z there, and nowhere else.
        cargo
            .env("RUSTC", &toolchain.rustc)
            .env("RUSTC_BOOTSTRAP", "1")
            .env("CARGO_ENCODED_RUSTFLAGS", flags.join("\x1f"))
            .env_remove("RUSTC_WORKSPACE_WRAPPER") // clippy-driver
            .env_remove("RUSTFLAGS")
            .env_remove("RUSTUP_TOOLCHAIN")
            .env_remove("CARGO_TARGET_DIR")
            .env_remove("CARGO_BUILD_TARGET")
            .current_dir(workspace)
            .args([what, "--release", "--package", "tracer-ebpf", "--target", target])
            .args(["-Z", "build-std=core", "--target-dir"])
            .arg(&target_dir);
        cargo
    };
    let mut all = cargo("build");
    for object in OBJECTS.into_iter().filter(|object| !LEGACY.contains(object)) {
        all.args(["--bin", object]);
    }
    let legacy = LEGACY.map(|object| {
        let mut legacy = cargo("rustc");
        legacy.args(["--bin", object, "--"]).args(LEGACY_FLAGS);
        legacy
    });
    for mut cargo in std::iter::once(all).chain(legacy) {
        let status = cargo.status().with_context(|| format!("run {cargo:?}"))?;
        if !status.success() {
            bail!("{cargo:?}: {status}");
        }
    }
    for object in OBJECTS {
        let from = target_dir.join(target).join("release").join(object);
        let whole = fs::read(&from).with_context(|| from.display().to_string())?;
        let bare = without_debug(&whole).with_context(|| from.display().to_string())?;
        fs::write(out.join(object), bare)?;
    }
    Ok(())
}

/// Leaves out what the linker made the types (BTF) from: three quarters of an object that no kernel looks at.
fn without_debug(object: &[u8]) -> Result<Vec<u8>> {
    let mut elf = Builder::read(object)?;
    for section in &mut elf.sections {
        let name = section.name.as_slice();
        section.delete = name.starts_with(b".debug_") || name.starts_with(b".rel.debug_");
    }
    elf.delete_orphans();
    // LLVM keeps the names of sections among those of symbols; here they stand by themselves.
    let names = elf.sections.add();
    names.name = b".shstrtab"[..].into();
    names.sh_type = SHT_STRTAB;
    names.sh_addralign = 1;
    names.data = SectionData::SectionString;
    let mut bare = Vec::new();
    elf.write(&mut bare)?;
    Ok(bare)
}
