//! The verifier's work as a table in the repository: a program that suddenly costs more to verify is close to being
//! refused by some kernel.

use std::{collections::BTreeMap, fmt::Write as _, fs};

use anyhow::{Result, bail};

use crate::{
    build,
    vm::{self, Payload, Series},
    workspace,
};

const FILE: &str = "tracer-ebpf/VERIFIER.md";
/// Growth beyond this is a failure, percent.
const GROWTH: u64 = 10;

/// Kernel, set, program; instructions verified and bytes after the kernel's rewriting.
type Table = BTreeMap<(String, String, String), (u64, u64)>;

/// `cargo xtask verifier`.
///
/// # Errors
/// When a program grew or is not in the table, or a kernel of the bench refuses one.
pub(crate) fn table(write: bool) -> Result<()> {
    let tracer = build::build(true)?;
    let mut now = Table::new();
    for series in Series::ALL {
        let payload = [Payload { from: &tracer, to: "tracer" }];
        let command = "for set in fentry kprobe tracepoint; do /tracer programs --hooks $set || exit 1; done";
        let mut refused = Vec::new();
        let report = vm::boot(series, &payload, command, &mut |line| match row(line) {
            Some((set, program, verified, bytes)) => {
                now.insert((series.name().into(), set, program), (verified, bytes));
            }
            None => refused.push(line.to_owned()),
        })?;
        if report.status != Some(0) {
            bail!("{}: {}\n{}", series.name(), refused.join("\n"), report.console);
        }
    }
    let path = workspace().join(FILE);
    if write {
        fs::write(path, render(&now))?;
        return Ok(());
    }
    let worse = compare(&parse(&fs::read_to_string(path)?), &now);
    if worse.is_empty() {
        println!("xtask: verifier: {} programs within the table", now.len());
        return Ok(());
    }
    bail!("{}\nwhen this is meant: cargo xtask verifier --write", worse.join("\n"));
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

fn render(table: &Table) -> String {
    let mut text = String::from(
        "# What the verifier has to do\n\n\
         Written by `cargo xtask verifier --write`, compared in every run of the gate. Instructions verified are 0 where\n\
         the kernel does not say (before 5.16); bytes are those after its rewriting.\n\n\
         | kernel | set | program | instructions verified | bytes |\n| --- | --- | --- | ---: | ---: |\n",
    );
    for ((kernel, set, program), (verified, bytes)) in table {
        let _ = writeln!(text, "| {kernel} | {set} | {program} | {verified} | {bytes} |");
    }
    text
}

fn parse(text: &str) -> Table {
    text.lines()
        .filter_map(|line| {
            let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
            let [kernel, set, program, verified, bytes] = cells.as_slice() else { return None };
            let key = ((*kernel).to_owned(), (*set).to_owned(), (*program).to_owned());
            Some((key, (verified.parse().ok()?, bytes.parse().ok()?)))
        })
        .collect()
}

fn compare(then: &Table, now: &Table) -> Vec<String> {
    let mut worse = Vec::new();
    for (key, (verified, bytes)) in now {
        let (kernel, set, program) = key;
        match then.get(key) {
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
    worse.extend(
        then.keys().filter(|key| !now.contains_key(*key)).map(|(k, s, p)| format!("{k} {s} {p} is gone")),
    );
    worse
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_and_back() {
        let line = r#"{"set":"kprobe","kernel":"6.1","program":"k_validate","hook":"x","verified":321,"xlated":4000,"jited":1}"#;
        let (set, program, verified, bytes) = row(line).unwrap_or_default();
        let table = Table::from([(("6.1".to_owned(), set, program), (verified, bytes))]);
        assert_eq!(parse(&render(&table)), table);
        assert!(compare(&table, &table).is_empty());
        let key = ("6.1".to_owned(), "kprobe".to_owned(), "k_validate".to_owned());
        assert_eq!(compare(&table, &Table::from([(key, (900, 4000))])).len(), 1);
        assert_eq!(compare(&table, &Table::new()).len(), 1);
        assert_eq!(compare(&Table::new(), &table).len(), 1);
        assert!(row("tracer: no").is_none());
    }
}
