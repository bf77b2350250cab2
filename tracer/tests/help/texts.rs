//! Help as it stands on a terminal of 80 columns.

use std::{fs, path::PathBuf};

use tracer::model::Cause;

use crate::{COMMANDS, options, printed};

/// Lines of a terminal that leave room for the prompt behind them.
const SCREEN: usize = 23;

fn same(name: &str, text: &str) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("tests/help/{name}.txt"));
    if std::env::var_os("TRACER_HELP").is_some_and(|what| what == "write") {
        fs::write(&path, text).expect("it can be written");
    }
    let kept = fs::read_to_string(&path).unwrap_or_default();
    assert!(kept == text, "{}: TRACER_HELP=write renews it; it is now\n{text}", path.display());
}

fn assert_narrow(text: &str) {
    for line in text.lines() {
        assert!(line.chars().count() <= 80, "{} columns: {line}", line.chars().count());
        assert!(!line.contains('\x1b'), "{line:?}");
        assert_eq!(line.trim_end(), line, "blanks at its end");
    }
}

pub(crate) fn the_first_screen() {
    let text = printed(&["--help"]);
    for args in [&["-h"][..], &["help"], &["-p", "443", "--help"]] {
        assert_eq!(printed(args), text, "{args:?}");
    }
    assert!(text.lines().count() <= SCREEN, "{} lines", text.lines().count());
    assert_narrow(&text);
    let first: Vec<_> = text.lines().skip(2).take(3).collect();
    for (line, command) in first.iter().zip(["tracer -p 443 ", "tracer top -p 443 ", "tracer doctor "]) {
        assert!(line.trim_start().starts_with(command), "{line}");
    }
    for words in
        ["--port <LIST>", "--from <PREFIX>", "--cause <LIST>", "tracer help options", "tracer help causes"]
    {
        assert!(text.contains(words), "{words}");
    }
    for command in COMMANDS {
        assert!(text.contains(command), "{command}");
    }
    same("first-screen", &text);
}

pub(crate) fn every_option() {
    let text = printed(&["help", "options"]);
    assert_narrow(&text);
    let definition = tracer::cli::definition();
    for option in definition.get_arguments().filter_map(|arg| arg.get_long()) {
        assert!(text.contains(&format!("--{option}")), "{option}");
    }
    assert!(options("options").len() > 18, "{:?}", options("options"));
    same("options", &text);
}

pub(crate) fn every_command() {
    for command in COMMANDS {
        let text = printed(&["help", command]);
        assert_eq!(printed(&[command, "--help"]), text);
        assert_narrow(&text);
        same(command, &text);
    }
}

pub(crate) fn every_cause() {
    let text = printed(&["help", "causes"]);
    assert!(text.lines().all(|line| line.chars().count() <= 100), "{text}");
    let paws = printed(&["help", "paws"]);
    for cause in Cause::ALL {
        let title = format!("\n{cause} (");
        assert!(text.contains(&title), "{cause}");
        assert_eq!(paws.contains(&title), cause.is_paws(), "{cause}");
        let one = printed(&["help", cause.name()]);
        assert!(one.starts_with(&title[1..]) && one.contains("What to do"), "{one}");
    }
    same("causes", &text);
    same("accept-queue-full", &printed(&["help", "accept-queue-full"]));
}
