//! `tracer report` as a user runs it, and its page as a browser shows it: with scripts and without, on a desk, on a phone and
//! on paper, and of a recording that was made to break it.
//!
//! The browser is a real Chromium. Where there is none its tests say so and count as ignored. Pictures and prints of what
//! it showed are left below `target/report`, for a person to look at.

mod report {
    pub(crate) mod browser;
    pub(crate) mod pages;
    pub(crate) mod program;
    pub(crate) mod recording;
    pub(crate) mod shown;
}
#[path = "replay/files.rs"]
#[expect(dead_code, reason = "the captures of another suite, of which one is needed here")]
mod files;
#[path = "replay/story.rs"]
#[expect(dead_code, reason = "the story of another suite")]
mod story;

use std::process::ExitCode;

use libtest_mimic::{Arguments, Failed, Trial};

use report::{browser, pages, shown};

/// A browser has several processes of its own.
const THREADS: usize = 2;

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    arguments.test_threads.get_or_insert(THREADS);
    let chromium = browser::find();
    if chromium.is_none() && !arguments.list {
        println!("SKIPPED the tests in a browser: there is no chromium (apt-get install chromium)");
    }
    let trial = |name: &str, run: fn() -> anyhow::Result<()>| {
        Trial::test(name, move || run().map_err(|error| Failed::from(format!("{error:#}"))))
    };
    let mut trials: Vec<_> = pages::ALL.iter().map(|(name, run)| trial(name, *run)).collect();
    trials
        .extend(shown::ALL.iter().map(|(name, run)| trial(name, *run).with_ignored_flag(chromium.is_none())));
    libtest_mimic::run(&arguments, trials).exit_code()
}
