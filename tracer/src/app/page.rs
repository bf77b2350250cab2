//! `tracer report`: what a replay says, as one page of HTML.
//!
//! Decides where the page goes. It is never printed to a terminal, and a file is opened before anything is read: whoever
//! waits for a long recording learns at once that its page cannot be written.

use std::io::{IsTerminal as _, stdout};

use jiff::tz::TimeZone;

use super::{
    replay::{is_same, run},
    sink::{Recording, print},
};
use crate::{
    cli::{ReplayArgs, ReportArgs},
    error::{Exit, Failure},
};

/// Where a page goes, and in which zone its times are.
pub(super) struct Sheet {
    /// `None`: to standard output.
    file: Option<Recording>,
    pub(super) zone: TimeZone,
}

impl Sheet {
    /// Writes it.
    pub(super) fn write(&mut self, page: &str) -> Result<Exit, Failure> {
        match &mut self.file {
            Some(file) => {
                file.line(page)?;
                file.flush()?;
                Ok(Exit::Done)
            }
            None => print(format!("{page}\n").as_bytes()),
        }
    }
}

/// `tracer report FILE`.
///
/// # Errors
/// What the user must know, with what to type.
pub fn report(args: &ReportArgs) -> Result<Exit, Failure> {
    let name = args.file.display();
    let page = match args.file.file_stem() {
        Some(stem) if name.to_string() != "-" => format!("{}.html", stem.to_string_lossy()),
        _ => "page.html".to_owned(),
    };
    let hint = format!("type: tracer report {name} -w {page}");
    let file = match &args.write {
        Some(file) if is_same(&args.file, file) => {
            let what = format!("cannot write the page to {}", file.display());
            return Err(Failure::new(Exit::Usage, what, "it is the file that is read", hint));
        }
        Some(file) => Some(file),
        None if stdout().is_terminal() => {
            let what = "cannot print the page";
            return Err(Failure::new(Exit::Usage, what, "a page of HTML is nothing for a terminal", hint));
        }
        None => None,
    };
    let file = file.map(|file| Recording::create(file)).transpose()?;
    let zone = if args.utc { TimeZone::UTC } else { TimeZone::system() };
    run(&ReplayArgs::from(args), None, Some(Sheet { file, zone }))
}
