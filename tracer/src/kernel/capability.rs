//! Finds out what this machine allows: privileges, lockdown, type information. Changes nothing, decides nothing.

use std::{fs, io, path::Path};

use aya::maps::MapType;
use nix::sys::resource::{RLIM_INFINITY, Resource, setrlimit};

use super::{
    btf::Btf,
    calibration::{Calibrated, calibrate, symbols::Symbols},
    load::has_programs,
    plan::{CALIBRATION, Facts, NoTypes, TypesFrom, unfit},
    types::Types,
};

/// Where the kernel shows its own BTF.
pub const KERNEL_BTF: &str = "/sys/kernel/btf/vmlinux";

/// Bits of the capability mask (`include/uapi/linux/capability.h`).
const CAP_SYS_ADMIN: u64 = 1 << 21;
const CAP_PERFMON: u64 = 1 << 38;
const CAP_BPF: u64 = 1 << 39;

/// Everything `plan` wants to know. `from` says where types are to come from; `None`: from the kernel, and by calibration where it
/// has none.
pub fn facts(from: Option<TypesFrom>) -> Facts {
    let uname = nix::sys::utsname::uname();
    let mut facts = Facts {
        kernel: uname.map(|u| u.release().to_string_lossy().into_owned()).unwrap_or_default(),
        lacking_capabilities: fs::read_to_string("/proc/self/status")
            .map_or_else(|_| Vec::new(), |s| lacking(&s)),
        ebpf: ebpf(aya::sys::is_map_supported(MapType::Array).map_err(|error| error.io_error)),
        confidential: lockdown().as_deref() == Some("confidentiality"),
        types: Err(NoTypes { path: KERNEL_BTF.into(), why: "they were not looked for".into() }),
        types_from: from.clone().unwrap_or(TypesFrom::Kernel),
        ring_buffer: ring_buffer(),
        refused: Vec::new(),
    };
    facts.types = match &facts.types_from {
        TypesFrom::Kernel => types(Path::new(KERNEL_BTF)),
        TypesFrom::File(path) => types(path),
        TypesFrom::Calibration => calibrated(&facts).map_err(|why| NoTypes { path: CALIBRATION.into(), why }),
    };
    if let (None, Err(none)) = (from, &facts.types) {
        match calibrated(&facts) {
            Ok(types) => (facts.types, facts.types_from) = (Ok(types), TypesFrom::Calibration),
            Err(why) => {
                let why = format!("{}; and calibration: {why}", none.why);
                facts.types = Err(NoTypes { path: KERNEL_BTF.into(), why });
            }
        }
    }
    facts
}

/// Types by calibration, where programs may be loaded at all.
fn calibrated(facts: &Facts) -> Result<Types, String> {
    if !facts.lacking_capabilities.is_empty()
        || facts.confidential
        || unfit(facts).is_some()
        || !has_programs()
    {
        return Err("it cannot load its programs".into());
    }
    let Calibrated { offsets, .. } = calibrate()?;
    let symbols =
        Symbols::read().map_err(|error| format!("/proc/kallsyms: {}", crate::error::words(&error)))?;
    Ok(Types::calibrated(offsets, symbols))
}

/// Whether there is a `bpf()`, from what it said to the plainest question. Whoever may not ask is told so, and nothing else.
fn ebpf(asked: io::Result<bool>) -> bool {
    !asked.is_err_and(|error| error.raw_os_error() == Some(nix::libc::ENOSYS))
}

/// Whether the kernel has ring buffers; where it does not say, it is taken for one that does.
fn ring_buffer() -> bool {
    raise_memlock();
    aya::sys::is_map_supported(MapType::RingBuf).unwrap_or(true)
}

/// The kernel's lockdown: `none`, `integrity` or `confidentiality`. `None`: the kernel has none, or does not show it.
pub fn lockdown() -> Option<String> {
    let text = fs::read_to_string("/sys/kernel/security/lockdown").ok()?;
    bracketed(&text).map(str::to_owned)
}

/// The choice in force stands in brackets: `none [integrity] confidentiality`.
fn bracketed(text: &str) -> Option<&str> {
    text.split_once('[')?.1.split_once(']').map(|(word, _)| word)
}

/// Kernels before 5.11 charge maps to the locked memory of the process, whose limit is 64 KiB by default. Where it
/// cannot be raised, creating a map says so.
pub fn raise_memlock() {
    let _ = setrlimit(Resource::RLIMIT_MEMLOCK, RLIM_INFINITY, RLIM_INFINITY);
}

/// Capabilities that are missing according to `/proc/self/status`.
fn lacking(status: &str) -> Vec<&'static str> {
    let mask = status
        .lines()
        .find_map(|line| line.strip_prefix("CapEff:"))
        .and_then(|hex| u64::from_str_radix(hex.trim(), 16).ok())
        .unwrap_or(u64::MAX);
    if mask & CAP_SYS_ADMIN != 0 {
        return Vec::new();
    }
    [(CAP_BPF, "CAP_BPF"), (CAP_PERFMON, "CAP_PERFMON")]
        .into_iter()
        .filter(|(bit, _)| mask & bit == 0)
        .map(|(_, name)| name)
        .collect()
}

fn types(path: &Path) -> Result<Types, NoTypes> {
    let none = |why: String| NoTypes { path: path.display().to_string(), why };
    let bytes = fs::read(path).map_err(|error| {
        none(match error.kind() {
            io::ErrorKind::NotFound => "there is no such file".into(),
            _ => crate::error::words(&error),
        })
    })?;
    Btf::parse(&bytes).map(|btf| Types::resolve(&btf)).map_err(|error| none(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lockdown_in_force() {
        assert_eq!(bracketed("none [integrity] confidentiality\n"), Some("integrity"));
        assert_eq!(bracketed("none integrity"), None);
    }

    #[test]
    fn a_kernel_without_ebpf() {
        let said = |errno| ebpf(Err(io::Error::from_raw_os_error(errno)));
        assert!(!said(nix::libc::ENOSYS));
        assert!(said(nix::libc::EPERM) && said(nix::libc::EINVAL) && ebpf(Ok(true)) && ebpf(Ok(false)));
        assert!(ebpf(Err(io::ErrorKind::Other.into())));
    }

    #[test]
    fn capabilities() {
        assert!(lacking("Name:\tx\nCapEff:\t000001ffffffffff\n").is_empty());
        assert!(lacking("CapEff:\t000000c000000000\n").is_empty());
        assert_eq!(lacking("CapEff:\t0000000000000000\n"), ["CAP_BPF", "CAP_PERFMON"]);
        assert_eq!(lacking("CapEff:\t0000008000000000\n"), ["CAP_PERFMON"]);
    }
}
