//! Running the program, and files that go away with the test.

use std::{
    path::Path,
    process::{Command, Output, Stdio},
};

use anyhow::{Result, ensure};

use crate::files::File;

/// A test and its name.
pub(crate) type Test = (&'static str, fn() -> Result<()>);

/// The program, about to run a command.
pub(crate) fn program(command: &str) -> Command {
    let mut program = Command::new(env!("CARGO_BIN_EXE_tracer"));
    program.env("TZ", "UTC").env_remove("NO_COLOR").arg(command).stdin(Stdio::null());
    program
}

/// What it printed; its exit status must be this one.
pub(crate) fn run(command: &mut Command, exit: i32) -> Result<(String, String)> {
    let Output { status, stdout, stderr } = command.output()?;
    let (out, err) = (String::from_utf8(stdout)?, String::from_utf8(stderr)?);
    ensure!(status.code() == Some(exit), "{status}, not {exit}: {err}");
    ensure!(!err.contains("panicked"), "{err}");
    Ok((out, err))
}

/// The page of what a file of this name would hold.
pub(crate) fn page(name: &str, recording: &str) -> Result<String> {
    let file = File::new(name, recording.as_bytes());
    Ok(run(program("report").arg(file.name()), 0)?.0)
}

/// A page as a file for a browser, and its address.
pub(crate) fn file(name: &str, page: &str) -> (File, String) {
    let file = File::new(&format!("{name}.html"), page.as_bytes());
    let address = format!("file://{}", file.name());
    (file, address)
}

/// Where pictures are left.
pub(crate) fn pictures() -> Result<std::path::PathBuf> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("report");
    std::fs::create_dir_all(&folder)?;
    Ok(folder)
}
