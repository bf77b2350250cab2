//! Fetches and unpacks the distributions' kernels, through an apt configuration of our own: the machine's sources, state
//! and caches stay untouched. Takes images from elsewhere as they are.

use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result, bail};

use super::Series;
use crate::{
    process::{output, run},
    target,
};

/// A kernel, unpacked.
pub(crate) struct Kernel {
    /// `uname -r`.
    pub(crate) release: String,
    /// The image.
    pub(crate) vmlinuz: PathBuf,
    /// The folder that holds `lib/modules`; `None` where everything is built in.
    pub(crate) root: Option<PathBuf>,
}

/// Suites that carry the bench's kernels.
const SUITES: [(&str, &str); 5] = [
    ("debian", "bullseye"),
    ("debian-security", "bullseye-security"),
    ("debian", "bookworm"),
    ("debian-security", "bookworm-security"),
    ("debian", "trixie-backports"),
];

/// Fetches a kernel, or finds the one fetched before.
///
/// # Errors
/// When the archive cannot be reached or has none of that series.
pub(crate) fn fetch(series: Series) -> Result<Kernel> {
    let root = target("vm").join(series.name());
    if let Ok(kernel) = unpacked(&root) {
        return Ok(kernel);
    }
    println!("xtask: fetching the newest {} kernel of the distribution into target/vm (once)", series.name());
    let apt = Apt::configure()?;
    let packages = packages(&apt.search()?, series)
        .with_context(|| format!("the archive has no cloud kernel of the series {}", series.name()))?;
    let staging = target("vm").join(format!("{}.part", series.name()));
    let _ = fs::remove_dir_all(&staging);
    fs::create_dir_all(&staging)?;
    for package in &packages {
        run(apt.get("apt-get").args(["-qq", "download", package]).current_dir(&staging))?;
    }
    crate::packages::unpack(&staging)?;
    // 7.x keeps everything below usr/lib.
    if staging.join("usr/lib/modules").exists() && !staging.join("lib/modules").exists() {
        fs::create_dir_all(staging.join("lib"))?;
        fs::rename(staging.join("usr/lib/modules"), staging.join("lib/modules"))?;
    }
    let kernel = unpacked(&staging)?;
    run(Command::new("depmod").arg("-b").arg(&staging).arg(&kernel.release))?;
    let _ = fs::remove_dir_all(&root);
    fs::rename(&staging, &root)?;
    unpacked(&root)
}

fn unpacked(root: &Path) -> Result<Kernel> {
    let modules = root.join("lib/modules");
    let release = fs::read_dir(&modules)?.flatten().next().context("no modules")?.file_name();
    let release = release.to_string_lossy().into_owned();
    let places = [root.join(format!("boot/vmlinuz-{release}")), modules.join(&release).join("vmlinuz")];
    let vmlinuz = places.into_iter().find(|path| path.exists()).context("no kernel image")?;
    Ok(Kernel { release, vmlinuz, root: Some(root.to_owned()) })
}

/// An image that nobody packaged.
///
/// # Errors
/// When it is none of x86.
pub(crate) fn image(vmlinuz: &Path) -> Result<Kernel> {
    let bytes = fs::read(vmlinuz).with_context(|| vmlinuz.display().to_string())?;
    let release = release(&bytes).with_context(|| format!("{} is no bzImage", vmlinuz.display()))?;
    Ok(Kernel { release, vmlinuz: vmlinuz.to_owned(), root: None })
}

/// What an image says of itself (Documentation/x86/boot.txt, `kernel_version`).
fn release(image: &[u8]) -> Option<String> {
    if image.get(0x202..0x206) != Some(b"HdrS") {
        return None;
    }
    let at = 0x200 + usize::from(u16::from_le_bytes([*image.get(0x20e)?, *image.get(0x20f)?]));
    let word = image.get(at..)?.split(|byte| matches!(byte, 0 | b' ')).next()?;
    Some(std::str::from_utf8(word).ok()?.to_owned())
}

/// apt with a configuration below `target/vm/apt`.
struct Apt(PathBuf);

impl Apt {
    fn configure() -> Result<Self> {
        let folder = target("vm/apt");
        for sub in ["state/lists/partial", "cache/archives/partial"] {
            fs::create_dir_all(folder.join(sub))?;
        }
        let mut sources = String::new();
        let keyring = "/usr/share/keyrings/debian-archive-keyring.gpg";
        for (archive, suite) in SUITES {
            let mirror = mirror(archive)?;
            writeln!(sources, "deb [signed-by={keyring}] {mirror}/{archive} {suite} main")?;
        }
        fs::write(folder.join("sources.list"), sources)?;
        let apt = Self(folder);
        run(apt.get("apt-get").args(["-qq", "update"]))?;
        Ok(apt)
    }

    fn get(&self, program: &str) -> Command {
        let folder = self.0.display();
        let mut command = Command::new(program);
        for option in [
            format!("Dir::Etc::sourcelist={folder}/sources.list"),
            "Dir::Etc::sourceparts=-".into(),
            format!("Dir::State={folder}/state"),
            "Dir::State::status=/var/lib/dpkg/status".into(),
            format!("Dir::Cache={folder}/cache"),
            "APT::Sandbox::User=root".into(),
        ] {
            command.arg("-o").arg(option);
        }
        command
    }

    fn search(&self) -> Result<String> {
        output(self.get("apt-cache").args([
            "search",
            "--names-only",
            "^linux-(image|binary|modules)-[0-9].*-cloud-amd64",
        ]))
    }
}

/// For machines whose own sources name no Debian archive.
const MIRROR: &str = "TRACER_DEBIAN_MIRROR";

/// Where an archive (`debian`, `debian-security`) is: everything before its name. The machine's own mirror, or the one
/// that the environment names.
fn mirror(archive: &str) -> Result<String> {
    if let Ok(named) = std::env::var(MIRROR) {
        return Ok(named.trim_end_matches('/').trim_end_matches("/debian").to_owned());
    }
    let mut texts = vec![fs::read_to_string("/etc/apt/sources.list").unwrap_or_default()];
    for folder in ["/etc/apt/sources.list.d", "/etc/apt/mirrors"] {
        for file in fs::read_dir(folder).into_iter().flatten().flatten() {
            texts.extend(fs::read_to_string(file.path()));
        }
    }
    let found = |archive: &str| texts.iter().find_map(|text| mirror_in(text, archive));
    match found(archive).or_else(|| found("debian")) {
        Some(mirror) => Ok(mirror),
        None => bail!(
            "no Debian archive is named in /etc/apt, and the kernels of the bench come from one; name a mirror: \
             {MIRROR}=URL cargo xtask test (without the last folder, /debian)"
        ),
    }
}

fn mirror_in(text: &str, archive: &str) -> Option<String> {
    let lines = text.lines().filter(|line| !line.trim_start().starts_with('#'));
    let mut words = lines.flat_map(str::split_whitespace);
    words.find_map(|word| {
        let (before, after) = word.trim_end_matches('/').rsplit_once('/')?;
        (after == archive && before.contains("://")).then(|| before.to_owned())
    })
}

/// Names of the packages of a series' newest kernel, from `apt-cache search`.
fn packages(search: &str, series: Series) -> Option<Vec<String>> {
    let names = search.lines().filter_map(|line| line.split_whitespace().next());
    let prefix = format!("{}.", series.name());
    let of_series: Vec<(&str, &str)> = names
        .filter_map(|name| {
            let version = ["linux-image-", "linux-binary-", "linux-modules-"]
                .iter()
                .find_map(|p| name.strip_prefix(p))?;
            let wanted = version.starts_with(&prefix) && version.ends_with("-cloud-amd64");
            wanted.then_some((name, version))
        })
        .collect();
    let newest = of_series.iter().map(|(_, version)| *version).max_by_key(|version| numbers(version))?;
    let mut of_newest: Vec<String> = of_series
        .iter()
        .filter(|(_, version)| *version == newest)
        .map(|(name, _)| (*name).to_owned())
        .collect();
    // Where the image is split, the package called image only points to the others.
    if of_newest.iter().any(|name| name.starts_with("linux-binary-")) {
        of_newest.retain(|name| !name.starts_with("linux-image-"));
    }
    of_newest.sort();
    Some(of_newest)
}

fn numbers(version: &str) -> Vec<u32> {
    version.split(|c: char| !c.is_ascii_digit()).filter_map(|n| n.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_of_a_series() {
        let search = "linux-image-5.10.0-9-cloud-amd64 - Linux\nlinux-image-5.10.0-46-cloud-amd64 - Linux\n\
                      linux-image-6.1.0-56-cloud-amd64 - Linux\nlinux-image-6.12.117+deb12-cloud-amd64 - Linux\n\
                      linux-image-5.10.0-46-cloud-amd64-unsigned - Linux\n\
                      linux-binary-7.3.4+deb13-cloud-amd64 - Linux\nlinux-modules-7.3.4+deb13-cloud-amd64 - x\n\
                      linux-image-7.3.4+deb13-cloud-amd64 - meta\nlinux-modules-7.2.1+deb13-cloud-amd64 - x\n";
        let of = |series| packages(search, series).unwrap_or_default();
        assert_eq!(of(Series::V5_10), ["linux-image-5.10.0-46-cloud-amd64"]);
        assert_eq!(of(Series::V6_1), ["linux-image-6.1.0-56-cloud-amd64"]);
        assert_eq!(of(Series::V6_12), ["linux-image-6.12.117+deb12-cloud-amd64"]);
        assert_eq!(
            of(Series::V7),
            ["linux-binary-7.3.4+deb13-cloud-amd64", "linux-modules-7.3.4+deb13-cloud-amd64"]
        );
        assert_eq!(packages("", Series::V7), None);
    }

    #[test]
    fn what_an_image_says() {
        let mut image = vec![0; 0x300];
        assert_eq!(release(&image), None);
        image[0x202..0x206].copy_from_slice(b"HdrS");
        image[0x20e] = 0x80;
        image[0x280..0x28c].copy_from_slice(b"4.9.229 (r@h");
        assert_eq!(release(&image).as_deref(), Some("4.9.229"));
    }

    #[test]
    fn mirrors() {
        assert_eq!(
            mirror_in("# http://x/debian\nURIs: http://mirror.example/debian\n", "debian"),
            Some("http://mirror.example".into())
        );
        assert_eq!(
            mirror_in("deb [a=b] http://m.example/debian/ bookworm main", "debian"),
            Some("http://m.example".into())
        );
        assert_eq!(mirror_in("deb http://m.example/ubuntu jammy main", "debian"), None);
    }
}
