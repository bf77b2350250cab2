//! How often the findings about clocks are right: runs the evaluation (`tracer/tests/eval`) and keeps its table.

use std::{
    fs,
    path::PathBuf,
    process::{Command, Stdio},
};

use anyhow::{Context as _, Result, bail};

use crate::{build, process::shown, workspace};

/// The table in the repository.
const TABLE: &str = "tracer/ACCURACY.md";

/// `cargo xtask eval`. `write`: renews the table in the repository; it comes from the full evaluation with the seed that is
/// built in.
///
/// # Errors
/// When a target is missed, or the table cannot be written.
pub(crate) fn eval(write: bool, args: &[String]) -> Result<()> {
    let mut cargo = command();
    if write {
        cargo.arg("--full");
    }
    cargo.args(args).stderr(Stdio::inherit());
    let out = cargo.output().with_context(|| format!("run {}", shown(&cargo)))?;
    let table = String::from_utf8_lossy(&out.stdout);
    print!("{table}");
    if !out.status.success() {
        bail!("{}: {}", shown(&cargo), out.status);
    }
    if write {
        let path: PathBuf = workspace().join(TABLE);
        // Everything from the first heading on; what the test runner says before is none of it.
        let begin = table.find("\n## ").context("the evaluation printed no table")?;
        let head = "# How often the findings about clocks are right\n\n\
                    Made by `cargo xtask eval --write`; the same sources make the same table.\n";
        fs::write(&path, format!("{head}{}", &table[begin..])).with_context(|| path.display().to_string())?;
        println!("xtask: wrote {TABLE}");
    }
    Ok(())
}

/// The evaluation, ready for its options.
pub(crate) fn command() -> Command {
    let mut cargo = build::cargo("test", false);
    cargo.args(["--quiet", "--release", "--package", "tracer", "--test", "eval", "--"]);
    cargo
}
