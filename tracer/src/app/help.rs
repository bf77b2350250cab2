//! Help, completions and manual pages: prints them, or writes them where they belong.

use std::{fs, io, io::IsTerminal as _, path::Path};

use clap::builder::StyledStr;

use super::sink::print;
use crate::{
    analysis::verdict::remedies,
    cli::{Topic, When, completions, help as say, manual},
    error::{Exit, Failure, words},
    model::environment::Environment,
    render::text::Style,
};

/// `tracer help [TOPIC]`.
///
/// # Errors
/// When standard output cannot be written.
pub(super) fn help(topic: Option<&Topic>) -> Result<Exit, Failure> {
    let style = super::style(When::Auto, false, 0, io::stdout().is_terminal());
    let text = match topic {
        None => inked(&style, &say::screen()),
        Some(Topic::Options) => inked(&style, &say::options()),
        Some(Topic::Command(name)) => inked(&style, &say::command(name)),
        Some(Topic::Causes(causes)) => style.explain_causes(causes) + "\n",
        Some(Topic::Cause(cause)) => {
            style.explain_cause(*cause, &remedies(*cause, &Environment::default())) + "\n"
        }
    };
    print(text.as_bytes())
}

fn inked(style: &Style, text: &StyledStr) -> String {
    if style.color { text.ansi().to_string() } else { text.to_string() }
}

/// `tracer completions SHELL`.
///
/// # Errors
/// When standard output cannot be written.
pub(super) fn completion(shell: clap_complete::Shell) -> Result<Exit, Failure> {
    print(&completions::script(shell))
}

/// `tracer man [COMMAND]`.
///
/// # Errors
/// When standard output cannot be written.
pub(super) fn page(command: Option<&str>) -> Result<Exit, Failure> {
    let page = manual::page(command).map_err(|error| failed(Path::new("standard output"), &error))?;
    print(&page)
}

/// `tracer man --dir DIR`.
///
/// # Errors
/// When the folder cannot be made or a page cannot be written.
pub(super) fn pages(folder: &Path) -> Result<Exit, Failure> {
    fs::create_dir_all(folder).map_err(|error| failed(folder, &error))?;
    for (name, page) in manual::pages().map_err(|error| failed(folder, &error))? {
        let path = folder.join(name);
        fs::write(&path, page).map_err(|error| failed(&path, &error))?;
    }
    Ok(Exit::Done)
}

fn failed(place: &Path, error: &io::Error) -> Failure {
    Failure::new(
        Exit::Failure,
        format!("cannot write to {}", place.display()),
        words(error),
        "name a folder that may be written and has room: `tracer man --dir DIR`; or read the page: `tracer man | man -l -`",
    )
}
