//! The shell: owns time, signals and the terminal; moves values between the kernel edge, the core and the output.

mod debug;
pub mod demo;
pub mod doctor;
mod environment;
mod help;
mod limit;
mod listeners;
pub mod live;
mod memory;
pub mod namespaces;
pub mod page;
pub mod programs;
pub mod replay;
mod report;
pub mod request;
mod signals;
pub mod sink;
pub mod top;
pub mod tracing;
mod waiting;
mod window;

use std::{io::Write as _, process::ExitCode};

use jiff::tz::TimeZone;

use crate::{
    cli::{self, Cli, Command, When},
    error::{Exit, Failure},
    render::text::Style,
};

/// Parses the command line and runs what it says.
pub fn main() -> ExitCode {
    let cli = match cli::parse(std::env::args_os()) {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version go to standard output and are no errors; a closed pipe is none either.
            let _ = error.print();
            return if error.use_stderr() { Exit::Usage.into() } else { Exit::Done.into() };
        }
    };
    match run(cli) {
        Ok(exit) => exit.into(),
        Err(failure) => {
            note(&format!("tracer: {failure}"));
            failure.exit.into()
        }
    }
}

/// Says something on standard error. Nobody may be listening there, which is no reason to stop.
pub(crate) fn note(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

fn run(cli: Cli) -> Result<Exit, Failure> {
    match cli.command {
        None => live::trace(&cli.live, None, &mut || Ok(())),
        Some(Command::Top(args)) => top::top(&args),
        Some(Command::Demo(args)) => demo::demo(&args),
        Some(Command::Doctor(args)) => doctor::doctor(&args),
        Some(Command::Replay(args)) => replay::replay(&args),
        Some(Command::Report(args)) => page::report(&args),
        Some(Command::Programs { hooks, types }) => programs::programs(hooks, &types),
        Some(Command::Help { topic }) => help::help(topic.as_ref()),
        Some(Command::Completions { shell }) => help::completion(shell),
        Some(Command::Man { command, dir: None }) => help::page(command.as_deref()),
        Some(Command::Man { dir: Some(dir), .. }) => help::pages(&dir),
    }
}

/// How text looks on this standard output.
fn style(color: When, utc: bool, verbose: u8, terminal: bool) -> Style {
    let no_color = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    // Written to a file or a pipe, nothing needs folding before the widest screen does.
    let columns = terminal_size::terminal_size().map(|(width, _)| usize::from(width.0));
    Style {
        color: match color {
            When::Always => true,
            When::Never => false,
            When::Auto => terminal && !no_color,
        },
        zone: if utc { TimeZone::UTC } else { TimeZone::system() },
        width: columns.filter(|_| terminal).unwrap_or(100).max(80),
        verbose: verbose > 0,
    }
}
