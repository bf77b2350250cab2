//! What `--help` shows first, and what else there is to ask for.
//!
//! The first screen is for whoever has an incident in hand: three commands, then the few options that narrow it down, then
//! where the rest is. Decides words and their order; what each option means stands where it is declared.

use std::{ffi::OsStr, str::FromStr};

use clap::{
    Command,
    builder::{PossibleValue, StringValueParser, StyledStr, TypedValueParser},
};

use super::{definition, near::did_you_mean};
use crate::{model::Cause, render::causes::short};

/// Options of the first screen.
const FIRST: [&str; 6] = ["port", "from", "cause", "duration", "output", "write"];
/// Commands that the first screen names elsewhere.
const ELSEWHERE: [&str; 5] = ["top", "doctor", "help", "completions", "man"];

const FIRST_SCREEN: &str = "\
{about}

  tracer -p 443          every SYN to port 443 that gets no SYN/ACK, one a line
  tracer top -p 443      the same on the full screen, with the verdict so far
  tracer doctor          what this kernel lets tracer see, and what to look at

Other commands:
{subcommands}

Options:
{options}

  tracer help causes     each cause: what happens, how to confirm and to end it
  tracer help options    every option; those of a command: tracer help COMMAND
  tracer man | man -l -  all of it; for the Tab key: tracer completions SHELL
";

/// How completions are installed.
pub(super) const COMPLETIONS: &str = "\
Where shells look for them:
  tracer completions bash > /usr/local/share/bash-completion/completions/tracer
  tracer completions zsh > /usr/local/share/zsh/site-functions/_tracer
  tracer completions fish > ~/.config/fish/completions/tracer.fish";

/// How manual pages are read and installed.
pub(super) const MANUAL: &str = "\
Read them, or install them:
  tracer man | man -l -
  tracer man top | man -l -
  tracer man --dir /usr/local/share/man/man1";

/// The definition with one screen of help; everything that it takes it takes still.
pub(super) fn first_screen(mut command: Command) -> Command {
    // So that `--help` and `--version` are among the options that are not shown.
    command.build();
    command
        .mut_args(|arg| {
            let first = FIRST.contains(&arg.get_id().as_str());
            arg.help_heading(None::<&str>).hide(!first)
        })
        .mut_subcommands(|command| {
            let hidden = command.is_hide_set() || ELSEWHERE.contains(&command.get_name());
            command.hide(hidden)
        })
        .help_template(FIRST_SCREEN)
}

/// Something to explain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Topic {
    /// Several causes.
    Causes(Vec<Cause>),
    /// Every option of the live stream.
    Options,
    /// One cause.
    Cause(Cause),
    /// A command.
    Command(String),
}

impl FromStr for Topic {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        if let Ok(cause) = word.parse() {
            return Ok(Self::Cause(cause));
        }
        match word {
            "causes" => Ok(Self::Causes(Cause::ALL.to_vec())),
            "paws" => Ok(Self::Causes(Cause::ALL.into_iter().filter(|cause| cause.is_paws()).collect())),
            "options" => Ok(Self::Options),
            name if definition().find_subcommand(name).is_some() => Ok(Self::Command(name.into())),
            other => Err(unknown(other)),
        }
    }
}

fn unknown(word: &str) -> String {
    let topics: Vec<_> = topics().into_iter().map(|(name, _)| name).collect();
    match did_you_mean(word, topics.iter().map(String::as_str)) {
        Some(words) => format!("there is no help on that; {words}"),
        None => "there is no help on that; type `tracer help causes`, `tracer help options`, or the name of a cause or a command"
            .into(),
    }
}

/// What can be asked for, each in a few words.
fn topics() -> Vec<(String, String)> {
    let mut all = vec![
        ("causes".to_owned(), "every cause in three lines".to_owned()),
        ("paws".to_owned(), "the causes of the timestamp test".to_owned()),
        ("options".to_owned(), "every option of the live stream".to_owned()),
    ];
    all.extend(commands());
    all.extend(Cause::ALL.map(|cause| (cause.name().to_owned(), short(cause).to_owned())));
    all
}

/// Every command that is shown.
fn commands() -> Vec<(String, String)> {
    let cli = definition();
    let shown = cli.get_subcommands().filter(|command| !command.is_hide_set());
    let about = |command: &Command| command.get_about().map(ToString::to_string).unwrap_or_default();
    shown.map(|command| (command.get_name().to_owned(), about(command))).collect()
}

fn values(words: Vec<(String, String)>) -> Box<dyn Iterator<Item = PossibleValue>> {
    Box::new(words.into_iter().map(|(name, help)| PossibleValue::new(name).help(help)))
}

/// Parses a topic of `help`, and knows them all.
#[derive(Clone, Debug)]
pub(super) struct TopicParser;

impl TypedValueParser for TopicParser {
    type Value = Topic;

    fn parse_ref(
        &self,
        command: &Command,
        arg: Option<&clap::Arg>,
        value: &OsStr,
    ) -> Result<Topic, clap::Error> {
        StringValueParser::new().try_map(|word| word.parse::<Topic>()).parse_ref(command, arg, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(values(topics()))
    }
}

/// Parses the name of a manual page, and knows them all.
#[derive(Clone, Debug)]
pub(super) struct PageParser;

impl TypedValueParser for PageParser {
    type Value = String;

    fn parse_ref(
        &self,
        command: &Command,
        arg: Option<&clap::Arg>,
        value: &OsStr,
    ) -> Result<String, clap::Error> {
        let known = |word: String| {
            let names: Vec<_> = commands().into_iter().map(|(name, _)| name).collect();
            let wanted = word.strip_prefix("tracer-").unwrap_or(&word);
            if names.iter().any(|name| name == wanted) {
                return Ok(wanted.to_owned());
            }
            let near = did_you_mean(wanted, names.iter().map(String::as_str));
            let others =
                || format!("the pages are those of {} (`tracer man`: the main one)", names.join(", "));
            Err(format!("there is no such page; {}", near.unwrap_or_else(others)))
        };
        StringValueParser::new().try_map(known).parse_ref(command, arg, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(values(commands()))
    }
}

/// The first screen.
pub fn screen() -> StyledStr {
    first_screen(definition()).render_help()
}

/// Every option of the live stream.
pub fn options() -> StyledStr {
    let mut command = definition();
    command.build();
    command
        .mut_args(|arg| if arg.get_help_heading().is_none() { arg.help_heading("Also") } else { arg })
        .mut_subcommands(|command| command.hide(true))
        .help_template("{usage-heading} {usage}\n\n{all-args}")
        .render_help()
}

/// A command with its options; nothing where there is no such command.
pub fn command(name: &str) -> StyledStr {
    let mut cli = definition();
    cli.build();
    cli.find_subcommand_mut(name).map(Command::render_help).unwrap_or_default()
}
