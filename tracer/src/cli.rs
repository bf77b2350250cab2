//! The command line as it is typed: which words there are and what they parse to.
//!
//! Knows nothing of the machine: whether an interface or a namespace exists is found out later. Help, manual pages and
//! completions are all made of the one [`definition`].

mod causes;
pub mod completions;
mod doctor;
pub mod help;
mod live;
pub mod manual;
mod meant;
mod near;
mod options;
mod replay;
mod report;
mod top;
mod words;

use std::{ffi::OsString, path::PathBuf};

use clap::{CommandFactory as _, FromArgMatches as _, Parser, Subcommand};

pub use causes::{CauseWord, selected};
pub use doctor::DoctorArgs;
pub use help::Topic;
pub use live::{DemoArgs, LiveArgs};
pub use options::{OutputArgs, SelectArgs, TypesArgs};
pub use replay::ReplayArgs;
pub use report::ReportArgs;
pub use top::TopArgs;
pub use words::{Hooks, Output, Ports, PortsError, When};

/// Names every SYN the kernel drops, and why.
#[derive(Debug, Parser)]
#[command(
    name = "tracer",
    version,
    about,
    args_conflicts_with_subcommands = true,
    disable_help_subcommand = true,
    max_term_width = 100
)]
pub struct Cli {
    /// What to do; without one: trace live.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// Options of the live stream.
    #[command(flatten)]
    pub live: LiveArgs,
}

/// Subcommands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Watch live on the full screen: rates, causes, sources, the verdict so far.
    Top(TopArgs),
    /// Make a NAT incident in throwaway network namespaces and trace it.
    Demo(DemoArgs),
    /// Say what this kernel lets tracer see, and which settings matter here.
    Doctor(DoctorArgs),
    /// The same from a capture (pcap, pcapng) or a recording.
    Replay(ReplayArgs),
    /// One HTML page of a recording or a capture, for the post-mortem.
    Report(ReportArgs),
    /// Explain the causes, one cause, all options, or a command.
    Help {
        /// causes, options, a cause or a command.
        #[arg(value_parser = help::TopicParser, hide_possible_values = true)]
        topic: Option<Topic>,
    },
    /// Print a completion script for a shell.
    #[command(after_help = help::COMPLETIONS)]
    Completions {
        /// bash, zsh, fish, elvish or powershell.
        #[arg(hide_possible_values = true)]
        shell: clap_complete::Shell,
    },
    /// Print a manual page (roff), or write them all.
    #[command(after_help = help::MANUAL)]
    Man {
        /// The page of this command [default: tracer itself].
        #[arg(value_parser = help::PageParser, hide_possible_values = true, conflicts_with = "dir")]
        command: Option<String>,
        /// Write every page into this folder.
        #[arg(long, value_name = "DIR", value_hint = clap::ValueHint::DirPath)]
        dir: Option<PathBuf>,
    },
    /// Attach a hook set and print what the kernel says of its programs.
    #[command(hide = true)]
    Programs {
        /// The hook set.
        #[arg(long, value_enum, default_value_t = Hooks::Auto, value_name = "SET")]
        hooks: Hooks,
        /// The kernel's type information.
        #[command(flatten)]
        types: TypesArgs,
    },
}

/// Every command and every option.
pub fn definition() -> clap::Command {
    Cli::command()
}

/// Parses the words of a command line, the program's name first.
///
/// # Errors
/// With what to print: help that was asked for, or what is wrong and what was meant, very likely.
pub fn parse(words: impl IntoIterator<Item = OsString>) -> Result<Cli, clap::Error> {
    let words: Vec<OsString> = words.into_iter().collect();
    let mut command = help::first_screen(definition());
    let matches = command.try_get_matches_from_mut(&words).map_err(|error| {
        let words: Vec<_> = words.iter().map(|word| word.to_string_lossy().into_owned()).collect();
        meant::taught(error, &words)
    })?;
    Cli::from_arg_matches(&matches).map_err(|error| error.format(&mut command))
}

#[cfg(test)]
mod tests;
