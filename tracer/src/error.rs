//! What "this cannot work here" says: one sentence of what failed, one of why, one of what to type.

use std::{fmt, io, process::ExitCode};

/// Exit status of the program, defined once (the output contract).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Done; also when the reader of standard output went away.
    Done = 0,
    /// Something failed while running.
    Failure = 1,
    /// The command line makes no sense.
    Usage = 2,
    /// Drops were found and `--fail-on-drop` was given.
    DropsFound = 3,
    /// A privilege or a kernel feature is missing.
    Unable = 4,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// A failure as the user reads it.
#[derive(Debug)]
pub struct Failure {
    /// Exit status that goes with it.
    pub exit: Exit,
    /// What failed.
    pub what: String,
    /// Why, with the system's own words where it said any.
    pub why: String,
    /// What to type or to change next.
    pub hint: String,
}

impl Failure {
    /// A failure with all its parts.
    pub fn new(exit: Exit, what: impl Into<String>, why: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { exit, what: what.into(), why: why.into(), hint: hint.into() }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}\n  {}", self.what, self.why, self.hint)
    }
}

impl std::error::Error for Failure {}

/// An error of the system without its number.
pub fn words(error: &io::Error) -> String {
    without_numbers(&error.to_string())
}

/// A text in which errors of the system stand, without their numbers.
pub fn without_numbers(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(" (os error ") {
        plain.push_str(before);
        rest = after.split_once(')').map_or("", |(_, behind)| behind);
    }
    plain + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_go() {
        assert_eq!(words(&io::Error::from_raw_os_error(1)), "Operation not permitted");
        assert_eq!(without_numbers("a (os error 2): b (os error 13) c"), "a: b c");
        assert_eq!(without_numbers("a (os error"), "a (os error");
    }
}
