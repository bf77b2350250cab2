//! What the program says of itself: help against tests/help/*.txt, manual pages, and completions in real shells.
//!
//! A shell, or a program that reads manual pages, that is not here: its tests say so and count as ignored.
//! `TRACER_HELP=write cargo test -p tracer --test help` writes the texts instead; read them before you commit.

mod help {
    pub(crate) mod manual;
    pub(crate) mod shells;
    pub(crate) mod texts;
}

use std::process::{Command, ExitCode, Stdio};

use libtest_mimic::{Arguments, Trial};

use help::{manual, shells, texts};

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

fn exists(program: &str) -> bool {
    let there = Command::new("which").arg(program).stdout(Stdio::null()).stderr(Stdio::null()).status();
    there.is_ok_and(|status| status.success())
}

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let everywhere: [(&str, fn()); 8] = [
        ("texts/first-screen", texts::the_first_screen),
        ("texts/options", texts::every_option),
        ("texts/commands", texts::every_command),
        ("texts/causes", texts::every_cause),
        ("manual/main-page", manual::the_main_page_says_everything),
        ("manual/commands", manual::every_command_has_a_page),
        ("manual/folder", manual::all_pages_in_a_folder),
        ("shells/words", shells::they_know_every_option_command_and_cause),
    ];
    let trial = |name: String, run: Box<dyn FnOnce() + Send>| {
        Trial::test(name, move || {
            run();
            Ok(())
        })
    };
    let mut trials: Vec<_> = everywhere.map(|(name, run)| trial(name.to_owned(), Box::new(run))).into();
    let mut with = |program: &'static str, name: &str, run: Box<dyn FnOnce() + Send>| {
        let there = exists(program);
        if !there && !arguments.list {
            println!("SKIPPED {name}/{program}: there is no {program} here");
        }
        trials.push(trial(format!("{name}/{program}"), run).with_ignored_flag(!there));
    };
    with("groff", "manual/clean", Box::new(manual::clean_for_groff));
    with("mandoc", "manual/clean", Box::new(manual::clean_for_mandoc));
    for shell in shells::SHELLS {
        with(shell, "shells/script", Box::new(move || shells::it_is_a_script(shell)));
        with(shell, "shells/tab", Box::new(move || shells::the_tab_key(shell)));
    }
    libtest_mimic::run(&arguments, trials).exit_code()
}
