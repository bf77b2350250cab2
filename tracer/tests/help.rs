//! What the program says of itself: help against tests/help/*.txt, manual pages, and completions in real shells.
//!
//! `TRACER_HELP=write cargo test -p tracer --test help` writes the texts instead; read them before you commit.

mod help {
    mod manual;
    mod shells;
    mod texts;
}

use std::process::{Command, Stdio};

/// What the program prints at 80 columns; it must succeed and complain of nothing.
fn printed(args: &[&str]) -> String {
    let mut program = Command::new(env!("CARGO_BIN_EXE_tracer"));
    let program = program.args(args).env("COLUMNS", "80").env_remove("NO_COLOR").stdin(Stdio::null());
    let out = program.output().expect("the program starts");
    assert!(
        out.status.success() && out.stderr.is_empty(),
        "{args:?}: {}",
        String::from_utf8_lossy(&out.stderr)
    );
    String::from_utf8(out.stdout).expect("it is text")
}

/// The long options of a command, by its help.
fn options(of: &str) -> Vec<String> {
    let help = printed(&["help", of]);
    let words = help.lines().filter(|line| line.starts_with("  ")).flat_map(|line| line.split([' ', ',']));
    let mut options: Vec<_> = words
        .filter(|word| word.starts_with("--"))
        .map(|word| word.trim_end_matches('.').to_owned())
        .collect();
    options.sort();
    options.dedup();
    options
}

/// The commands that are shown.
const COMMANDS: [&str; 8] = ["top", "demo", "doctor", "replay", "report", "help", "completions", "man"];

/// Whether a program that a test needs is here; says so where it is not.
fn exists(program: &str, what_for: &str) -> bool {
    let there = Command::new("which").arg(program).stdout(Stdio::null()).stderr(Stdio::null()).status();
    let there = there.is_ok_and(|status| status.success());
    if !there {
        println!("SKIPPED: there is no {program} {what_for}");
    }
    there
}
