//! Puts together what a guest boots into: a base with shell, tools and modules, made once for a kernel, and our files.

use std::{
    collections::BTreeSet,
    fs,
    os::unix::fs::{PermissionsExt as _, symlink},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context as _, Result, bail};

use super::{Job, Payload, kernels::Kernel};
use crate::{
    process::{output, run},
    target,
};

/// Modules that the tests and the laboratory need; what depends on the configuration may be built in.
const MODULES: [&str; 27] = [
    "veth",
    "tun",
    "dummy",
    "nf_tables",
    "nft_chain_nat",
    "nft_nat",
    "nft_masq",
    "nft_ct",
    "nft_compat",
    "nft_limit",
    "nf_nat",
    "nf_conntrack",
    "ip_tables",
    "iptable_nat",
    "iptable_filter",
    "x_tables",
    "xt_MASQUERADE",
    "xt_conntrack",
    "xt_tcpudp",
    "tcp_diag",
    "inet_diag",
    "cls_bpf",
    "sch_ingress",
    "act_bpf",
    "nft_reject_inet",
    "nft_fib_inet",
    "nft_tproxy",
];

/// Programs of the host that go along, with their libraries. busybox's own `ip` is too small.
const PROGRAMS: [&str; 4] = ["/bin/dash", "ip", "nft", "modprobe"];

/// Changes whenever the base must be made anew.
const BASE_VERSION: u32 = 5;

/// Console: kernel messages and the result. Second port: what the command prints.
const INIT: &str = "#!/bin/sh
export PATH=/usr/sbin:/usr/bin:/sbin:/bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t tracefs tracefs /sys/kernel/tracing 2>/dev/null
mount -t devtmpfs devtmpfs /dev
mount -t tmpfs tmpfs /tmp
mount -t tmpfs tmpfs /run
mkdir -p /dev/net /run/netns
[ -c /dev/net/tun ] || mknod /dev/net/tun c 10 200
ip link set lo up
for module in $(cat /modules); do modprobe -q $module; done
stty -F /dev/ttyS1 raw -echo 2>/dev/null
sh /job </dev/null >/dev/ttyS1 2>&1
echo \"VMRC=$?\" >/dev/ttyS0
sync
poweroff -f
";

/// Returns the image for this kernel and job.
///
/// # Errors
/// When a tool or a file is missing.
pub(crate) fn build(kernel: &Kernel, job: &Job<'_>) -> Result<PathBuf> {
    let base = base(kernel)?;
    let stage = fresh(&target("vm").join(format!("overlay-{}", kernel.release)))?;
    for Payload { from, to } in job.payload {
        fs::copy(from, stage.join(to)).with_context(|| from.display().to_string())?;
    }
    for program in job.programs {
        add_program(&stage, program)?;
    }
    fs::write(stage.join("job"), format!("{}\n", job.command))?;
    let image = target("vm").join(format!("initramfs-{}.cpio", kernel.release));
    let overlay = cpio(&stage)?;
    let mut bytes = fs::read(base)?;
    bytes.extend(overlay);
    fs::write(&image, bytes)?;
    Ok(image)
}

fn fresh(folder: &Path) -> Result<PathBuf> {
    let _ = fs::remove_dir_all(folder);
    fs::create_dir_all(folder)?;
    Ok(folder.to_owned())
}

fn base(kernel: &Kernel) -> Result<PathBuf> {
    let kind = if kernel.root.is_some() { "" } else { "-image" };
    let image = target("vm").join(format!("base-{}{kind}-{BASE_VERSION}.cpio", kernel.release));
    if image.exists() {
        return Ok(image);
    }
    let stage = fresh(&target("vm").join(format!("base-{}", kernel.release)))?;
    for folder in ["bin", "sbin", "dev", "proc", "sys", "tmp", "run", "etc", "usr/bin", "usr/sbin"] {
        fs::create_dir_all(stage.join(folder))?;
    }
    fs::copy("/bin/busybox", stage.join("bin/busybox"))?;
    for applet in output(Command::new("/bin/busybox").arg("--list"))?.lines() {
        if !matches!(applet, "busybox" | "ip" | "sh" | "modprobe") {
            let _ = symlink("/bin/busybox", stage.join("bin").join(applet));
        }
    }
    for program in PROGRAMS {
        add_program(&stage, program)?;
    }
    symlink("/bin/dash", stage.join("bin/sh"))?;
    let modules = kernel.root.as_deref().map_or(Ok(Vec::new()), |root| add_modules(&stage, kernel, root))?;
    fs::write(stage.join("modules"), modules.join("\n"))?;
    fs::write(stage.join("init"), INIT)?;
    fs::set_permissions(stage.join("init"), fs::Permissions::from_mode(0o755))?;
    // Whole or not at all: what is half written would be taken for good.
    let part = image.with_extension("part");
    fs::write(&part, cpio(&stage)?)?;
    fs::rename(&part, &image)?;
    fs::remove_dir_all(&stage)?;
    Ok(image)
}

/// Copies a program and the libraries that `ldd` names.
fn add_program(stage: &Path, program: &str) -> Result<()> {
    let path = if program.starts_with('/') {
        PathBuf::from(program)
    } else {
        ["/usr/sbin", "/usr/bin", "/sbin", "/bin"]
            .iter()
            .map(|folder| Path::new(folder).join(program))
            .find(|path| path.exists())
            .with_context(|| format!("no {program} on this machine"))?
    };
    fs::create_dir_all(stage.join("sbin"))?;
    fs::copy(&path, stage.join("sbin").join(path.file_name().context("a file name")?))?;
    if program == "/bin/dash" {
        fs::copy(&path, stage.join("bin/dash"))?;
    }
    for library in libraries(&output(Command::new("ldd").arg(&path))?) {
        let to = stage.join(library.trim_start_matches('/'));
        if !to.exists() {
            fs::create_dir_all(to.parent().context("a folder")?)?;
            fs::copy(&library, &to).with_context(|| library.clone())?;
        }
    }
    Ok(())
}

/// Absolute paths in the output of `ldd`.
fn libraries(ldd: &str) -> Vec<String> {
    ldd.lines()
        .filter_map(|line| line.split_whitespace().find(|word| word.starts_with('/')))
        .map(str::to_owned)
        .collect()
}

/// Copies the modules with everything they depend on, uncompressed, and says which to load.
fn add_modules(stage: &Path, kernel: &Kernel, root: &Path) -> Result<Vec<&'static str>> {
    let mut files = BTreeSet::new();
    let mut found = Vec::new();
    for module in MODULES {
        let shown = Command::new("modprobe")
            .args(["-S", &kernel.release, "-d"])
            .arg(root)
            .args(["--show-depends", module])
            .stderr(Stdio::null())
            .output()?;
        // Not there: built in, or this kernel has no such thing.
        if shown.status.success() {
            files.extend(insmods(&String::from_utf8_lossy(&shown.stdout)));
            found.push(module);
        }
    }
    if !found.contains(&"veth") || !found.contains(&"tun") {
        bail!("the kernel {} lacks the module veth or tun", kernel.release);
    }
    let modules = Path::new("lib/modules").join(&kernel.release);
    for file in files {
        let inside = Path::new(&file).strip_prefix(root).unwrap_or(Path::new(&file)).to_owned();
        let to = stage.join(inside.to_string_lossy().trim_start_matches('/'));
        fs::create_dir_all(to.parent().context("a folder")?)?;
        fs::copy(&file, &to)?;
        if to.extension().is_some_and(|extension| extension == "xz") {
            run(Command::new("unxz").arg("-f").arg(&to))?;
        }
    }
    for list in ["modules.builtin", "modules.order", "modules.builtin.modinfo"] {
        let _ = fs::copy(root.join(&modules).join(list), stage.join(&modules).join(list));
    }
    run(Command::new("depmod").arg("-b").arg(stage).arg(&kernel.release))?;
    Ok(found)
}

/// Files in the output of `modprobe --show-depends`.
fn insmods(text: &str) -> Vec<String> {
    text.lines()
        .filter_map(|line| line.strip_prefix("insmod ")?.split_whitespace().next())
        .map(str::to_owned)
        .collect()
}

fn cpio(folder: &Path) -> Result<Vec<u8>> {
    let out = Command::new("sh")
        .args(["-c", "find . | sort | cpio -o -H newc --quiet -R 0:0"])
        .current_dir(folder)
        .output()
        .context("run cpio")?;
    if !out.status.success() {
        bail!("cpio: {}", String::from_utf8_lossy(&out.stderr));
    }
    Ok(out.stdout)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outputs_of_tools() {
        let ldd = "\tlinux-vdso.so.1 (0x1)\n\tlibc.so.6 => /lib/x/libc.so.6 (0x2)\n\t/lib64/ld-linux-x86-64.so.2 (0x3)\n";
        assert_eq!(libraries(ldd), ["/lib/x/libc.so.6", "/lib64/ld-linux-x86-64.so.2"]);
        assert_eq!(insmods("insmod /a/b.ko \nbuiltin x\ninsmod /c.ko.xz opt=1\n"), ["/a/b.ko", "/c.ko.xz"]);
    }
}
