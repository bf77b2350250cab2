//! Running the program, and what it said.

use std::process::{Command, Output, Stdio};

use serde_json::Value;

pub(crate) struct Said {
    pub(crate) exit: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

pub(crate) fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tracer"));
    command.env("COLUMNS", "100").env("TZ", "UTC").env_remove("NO_COLOR").arg("replay").stdin(Stdio::null());
    command
}

pub(crate) fn said(output: &Output) -> Said {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let said = Said {
        // A signal is no exit status of ours.
        exit: output.status.code().unwrap_or(-1),
        out: text(&output.stdout),
        err: text(&output.stderr),
    };
    assert!(!said.err.contains("panicked"), "{}", said.err);
    said
}

pub(crate) fn run(args: &[&str]) -> Said {
    said(&program().args(args).output().expect("the program starts"))
}

/// Every line of JSON.
pub(crate) fn lines(text: &str) -> Vec<Value> {
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect()
}
