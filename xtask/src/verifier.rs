//! The verifier's work as a table in the repository: a program that suddenly costs more to verify is close to being
//! refused by some kernel.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    path::{Path, PathBuf},
};

use anyhow::{Result, bail};
use clap::Args;

use crate::{
    build, kept,
    vm::{self, Payload, Report, Series},
};

const FILE: &str = "tracer-ebpf/VERIFIER.md";
/// Growth beyond this is a failure, percent.
const GROWTH: u64 = 10;

/// Kernel, set, program; instructions verified and bytes after the kernel's rewriting.
#[derive(Default)]
pub(crate) struct Table(BTreeMap<(String, String, String), (u64, u64)>);

/// For the shell of a guest: what [`Table::take`] understands. Every set must attach there. `btf`: a file of the guest. With
/// types from a file other programs are on the tracepoints, so that the kernel's own serve as one, too.
pub(crate) fn command(sets: &[&str], btf: Option<&str>) -> String {
    let programs = |sets: &[&str], types: &str| {
        format!("for set in {}; do /tracer programs --hooks $set{types} || exit 1; done", sets.join(" "))
    };
    if let Some(file) = btf {
        return programs(sets, &format!(" --btf /{file}"));
    }
    let others: Vec<&str> =
        sets.iter().copied().filter(|set| ["kprobe", "tracepoint"].contains(set)).collect();
    let own = programs(sets, "");
    if others.is_empty() {
        return own;
    }
    format!("{own}; {}", programs(&others, " --btf /sys/kernel/btf/vmlinux"))
}

/// A kernel from elsewhere, which has no type information of its own.
#[derive(Args)]
pub(crate) struct Elsewhere {
    /// Only this image (bzImage) of a kernel before 5.8, with the hook set legacy.
    #[arg(long, requires = "btf")]
    image: Option<PathBuf>,
    /// Its type information: `pahole --btf_encode_detached FILE vmlinux`.
    #[arg(long, requires = "image")]
    btf: Option<PathBuf>,
}

/// `cargo xtask verifier`: boots every kernel of the bench only for this, or one from elsewhere.
///
/// # Errors
/// When a program grew or is not in the table, or a kernel refuses one.
pub(crate) fn table(write: bool, elsewhere: &Elsewhere) -> Result<()> {
    let tracer = build::build(true)?;
    let tracer = Payload { from: &tracer, to: "tracer" };
    let now = match (&elsewhere.image, &elsewhere.btf) {
        (Some(image), Some(btf)) => on_image(image, &[tracer, Payload { from: btf, to: "btf" }])?,
        _ => on_the_bench(&[tracer])?,
    };
    if write {
        return kept::write(FILE, &now.beside(parse(&kept::read(FILE)?)).render());
    }
    let worse = now.worse()?;
    if worse.is_empty() {
        println!("xtask: verifier: {} programs within the table", now.0.len());
        return Ok(());
    }
    bail!("{}", worse.join("\n"));
}

fn on_the_bench(payload: &[Payload<'_>]) -> Result<Table> {
    let mut now = Table::default();
    for series in Series::ALL {
        let mut other = Vec::new();
        let report = vm::boot(series, payload, &command(series.sets(), None), &mut |line| {
            if !now.take(series.name(), line) {
                other.push(line.to_owned());
            }
        })?;
        whole(series.name(), &report, &other)?;
    }
    Ok(now)
}

fn on_image(image: &Path, payload: &[Payload<'_>]) -> Result<Table> {
    let mut lines = Vec::new();
    let command = command(&["legacy"], Some("btf"));
    let (release, report) =
        vm::boot_image(image, payload, &command, &mut |line| lines.push(line.to_owned()))?;
    whole(&release, &report, &lines)?;
    // As the others are called.
    let name: Vec<&str> = release.split('.').take(2).collect();
    let mut now = Table::default();
    for line in &lines {
        now.take(&name.join("."), line);
    }
    Ok(now)
}

fn whole(kernel: &str, report: &Report, said: &[String]) -> Result<()> {
    if report.status != Some(0) {
        bail!("{kernel}: {}\n{}", said.join("\n"), report.console);
    }
    Ok(())
}

impl Table {
    /// With the rows of the kernels that are not in this one.
    fn beside(mut self, then: Self) -> Self {
        let here: BTreeSet<String> = self.0.keys().map(|(kernel, ..)| kernel.clone()).collect();
        self.0.extend(then.0.into_iter().filter(|((kernel, ..), _)| !here.contains(kernel)));
        self
    }

    /// Takes a line of the guest's output; `false` when it is something else.
    pub(crate) fn take(&mut self, kernel: &str, line: &str) -> bool {
        let Some((set, program, verified, bytes)) = row(line) else { return false };
        self.0.insert((kernel.into(), set, program), (verified, bytes));
        true
    }

    /// What is worse than in the repository's table, for the kernels that are in this one.
    ///
    /// # Errors
    /// When that table cannot be read.
    pub(crate) fn worse(&self) -> Result<Vec<String>> {
        let then = parse(&kept::read(FILE)?);
        let mut worse = compare(&then, self);
        if !worse.is_empty() {
            worse.push("when this is meant: cargo xtask verifier --write".into());
        }
        Ok(worse)
    }

    /// Number of programs.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    fn render(&self) -> String {
        let mut text = String::from(
            "# What the verifier has to do\n\n\
             Written by `cargo xtask verifier --write`, compared whenever the tests run on the bench of kernels. Instructions\n\
             verified are 0 where the kernel does not say (before 5.16); bytes are those after its rewriting (before 4.13 as it\n\
             is loaded, and 32768 are the most). A program that suddenly costs more is close to being refused by some kernel.\n\n\
             Rows of kernels that are not of the bench stay as they are: `cargo xtask verifier --image BZIMAGE --btf FILE\n\
             --write` renews one.\n\n\
             | kernel | set | program | instructions verified | bytes |\n| --- | --- | --- | ---: | ---: |\n",
        );
        for ((kernel, set, program), (verified, bytes)) in &self.0 {
            let _ = writeln!(text, "| {kernel} | {set} | {program} | {verified} | {bytes} |");
        }
        text
    }
}

fn row(line: &str) -> Option<(String, String, u64, u64)> {
    let member = |name: &str| {
        let rest = line.split_once(&format!("\"{name}\":"))?.1;
        Some(rest.split([',', '}']).next()?.trim_matches('"').to_owned())
    };
    Some((
        member("set")?,
        member("program")?,
        member("verified")?.parse().ok()?,
        member("xlated")?.parse().ok()?,
    ))
}

fn parse(text: &str) -> Table {
    let rows = text.lines().filter_map(|line| {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let [kernel, set, program, verified, bytes] = cells.as_slice() else { return None };
        let key = ((*kernel).to_owned(), (*set).to_owned(), (*program).to_owned());
        Some((key, (verified.parse().ok()?, bytes.parse().ok()?)))
    });
    Table(rows.collect())
}

fn compare(then: &Table, now: &Table) -> Vec<String> {
    let mut worse = Vec::new();
    for (key, (verified, bytes)) in &now.0 {
        let (kernel, set, program) = key;
        match then.0.get(key) {
            None => worse.push(format!("{kernel} {set} {program} is not in the table")),
            Some((before, before_bytes)) => {
                let grew = |a: u64, b: u64| b > a + a * GROWTH / 100 + 16;
                if grew(*before, *verified) || grew(*before_bytes, *bytes) {
                    worse.push(format!(
                        "{kernel} {set} {program} grew: {before} to {verified} instructions, {before_bytes} to {bytes} bytes"
                    ));
                }
            }
        }
    }
    let kernels: BTreeSet<&String> = now.0.keys().map(|(kernel, ..)| kernel).collect();
    let gone = then.0.keys().filter(|key| kernels.contains(&key.0) && !now.0.contains_key(*key));
    worse.extend(gone.map(|(k, s, p)| format!("{k} {s} {p} is gone")));
    worse
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_and_back() {
        let line = r#"{"set":"kprobe","kernel":"6.1","program":"k_validate","hook":"x","verified":321,"xlated":4000,"jited":1}"#;
        let mut table = Table::default();
        assert!(table.take("6.1", line));
        assert!(!table.take("6.1", "tracer: no"));
        assert_eq!(parse(&table.render()).0, table.0);
        assert!(compare(&table, &table).is_empty());
        let key = ("6.1".to_owned(), "kprobe".to_owned(), "k_validate".to_owned());
        assert_eq!(compare(&table, &Table([(key.clone(), (900, 4000))].into())).len(), 1);
        assert_eq!(compare(&Table::default(), &table).len(), 1);
        // What was not booted now stays in the table.
        let old = Table([(("4.9".into(), "legacy".into(), "k_validate".into()), (0, 7))].into());
        let both = Table(table.0.clone()).beside(Table(old.0.clone()));
        assert_eq!(both.0.len(), 2);
        assert_eq!(Table(table.0.clone()).beside(both).0.len(), 2);
        // A kernel that was not booted says nothing; a program that one booted kernel lacks does.
        assert!(compare(&table, &Table::default()).is_empty());
        let other = ("6.1".to_owned(), "kprobe".to_owned(), "k_other".to_owned());
        let two = Table([(key, (321, 4000)), (other, (1, 1))].into());
        assert_eq!(compare(&two, &table), ["6.1 kprobe k_other is gone"]);
    }
}
