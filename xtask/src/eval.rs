//! How often the clocks are right, as a table in the repository: it changes only together with the code.

use std::{path::Path, process::Stdio};

use anyhow::{Context as _, Result, bail};

use crate::{build, kept, process::shown};

const FILE: &str = "tracer/ACCURACY.md";
/// The seed of that table.
const SEED: u64 = 1;
const HEAD: &str = "# How often the clocks are right\n\n\
    Written by `cargo xtask eval --write`, compared by `cargo xtask eval`. Simulated clients, each run with its own seed;\n\
    the simulation (`tracer/tests/eval/`) knows what is true, the clocks (`tracer/src/analysis/clock.rs`) see SYNs and\n\
    what a server remembered of those that it refused, and nothing else.\n\
    The rows are no population: they say how each kind is treated, not how often it is met. \"p0f-style\" is a restatement\n\
    of p0f 3's rules with every signature known, not the program.\n";

/// `cargo xtask eval`.
///
/// # Errors
/// When a target is missed, or the table is not the one in the repository.
pub(crate) fn table(quick: bool, seed: Option<u64>, captures: Option<&Path>, write: bool) -> Result<()> {
    let other = quick || seed.is_some_and(|seed| seed != SEED);
    if write && other {
        bail!("only the full evaluation with seed {SEED} is kept in the repository");
    }
    // With the eBPF programs, like every other build: without them the library would be built twice.
    let mut cargo = build::cargo("test", false);
    cargo.stderr(Stdio::inherit()).args([
        "--quiet",
        "--release",
        "--package",
        "tracer",
        "--test",
        "eval",
        "--",
    ]);
    cargo.arg(if quick { "--quick" } else { "--full" });
    cargo.args(["--seed", &seed.unwrap_or(SEED).to_string()]);
    if let Some(folder) = captures {
        let folder = folder.canonicalize().with_context(|| folder.display().to_string())?;
        cargo.arg("--captures").arg(folder);
    }
    let out = cargo.output().with_context(|| format!("run {}", shown(&cargo)))?;
    let now = format!("{HEAD}{}", String::from_utf8(out.stdout).context("the table")?);
    print!("{now}");
    if write {
        kept::write(FILE, &now)?;
    }
    if !out.status.success() {
        bail!("the evaluation failed, see above");
    }
    if other {
        println!("\nxtask: eval: every target is met");
        return Ok(());
    }
    let differ = differences(&kept::read(FILE)?, &now);
    if differ.is_empty() {
        println!("\nxtask: eval: every target is met, and the table is that of {FILE}");
        return Ok(());
    }
    bail!("{FILE} says otherwise; when this is meant: cargo xtask eval --write\n{}", differ.join("\n"));
}

/// Lines of one that are not in the same place of the other.
fn differences(then: &str, now: &str) -> Vec<String> {
    let count = then.lines().count().max(now.lines().count());
    let (mut then, mut now) = (then.lines(), now.lines());
    let mut found = Vec::new();
    for _ in 0..count {
        let (a, b) = (then.next().unwrap_or_default(), now.next().unwrap_or_default());
        if a != b {
            found.push(format!("- {a}\n+ {b}"));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_differs() {
        assert!(differences("a\nb\n", "a\nb\n").is_empty());
        assert_eq!(differences("a\nb\n", "a\nc\n"), ["- b\n+ c"]);
        assert_eq!(differences("a\n", "a\nc\n"), ["- \n+ c"]);
    }
}
