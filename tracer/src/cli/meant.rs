//! What was meant by a word that is no command: an error that names it is half the way.

use std::net::IpAddr;

use clap::{
    Command,
    builder::StyledStr,
    error::{ContextKind, ContextValue, ErrorKind},
};
use ipnet::IpNet;

use super::{Ports, definition, near::near};
use crate::model::Cause;

/// The error with what to type instead, where that can be told. `words`: the whole command line.
pub(super) fn taught(mut error: clap::Error, words: &[String]) -> clap::Error {
    if let Some(meant) = meant(&error, words) {
        let tip = StyledStr::from(format!("did you mean: {meant}"));
        error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![tip]));
    }
    error
}

fn meant(error: &clap::Error, words: &[String]) -> Option<String> {
    let told = |kind| match error.get(kind) {
        Some(ContextValue::String(word)) if !word.starts_with('-') => Some(word.as_str()),
        _ => None,
    };
    let cli = definition();
    match error.kind() {
        ErrorKind::InvalidSubcommand => {
            let word = told(ContextKind::InvalidSubcommand)?;
            // clap has found some that are near; whatever it missed is looked for here.
            let is_told = error.get(ContextKind::SuggestedSubcommand).is_some();
            let command = || if is_told { None } else { command(&cli, word) };
            alone(word).or_else(command).map(|words| format!("tracer {words}"))
        }
        // Options of the live stream, then a word.
        ErrorKind::ArgumentConflict => {
            let word = told(ContextKind::InvalidSubcommand)?;
            option(&cli, word).or_else(|| behind(word, &command(&cli, word)?, words))
        }
        ErrorKind::UnknownArgument => {
            let word = told(ContextKind::InvalidArg)?;
            let used = words.get(1).and_then(|name| cli.find_subcommand(name));
            option(used.unwrap_or(&cli), word)
        }
        _ => None,
    }
}

/// A value without its option, where the command takes it.
fn option(command: &Command, word: &str) -> Option<String> {
    let (id, option) = if word.parse::<Ports>().is_ok() {
        ("port", "-p")
    } else if word.parse::<IpAddr>().is_ok() || word.parse::<IpNet>().is_ok() {
        ("from", "--from")
    } else if word == "paws" || word.parse::<Cause>().is_ok() {
        ("cause", "--cause")
    } else {
        return None;
    };
    command.get_arguments().any(|arg| arg.get_id() == id).then(|| format!("{option} {word}"))
}

/// What a word is that stands where a command belongs.
fn alone(word: &str) -> Option<String> {
    let is_capture = [".pcap", ".pcapng", ".cap", ".ndjson", ".json", ".jsonl", ".gz"];
    if is_capture.iter().any(|ending| word.ends_with(ending)) {
        return Some(format!("replay {word}"));
    }
    if matches!(word, "causes" | "options") {
        return Some(format!("help {word}"));
    }
    option(&definition(), word)
}

/// A command with a slip in it.
fn command(cli: &Command, word: &str) -> Option<String> {
    let commands = cli.get_subcommands().filter(|command| !command.is_hide_set());
    near(word, commands.map(Command::get_name)).first().map(|name| (*name).to_owned())
}

/// The same words with the command in front, where no quoting is needed to say so.
fn behind(word: &str, command: &str, words: &[String]) -> Option<String> {
    let at = words.iter().position(|other| other == word)?;
    let is_plain = |word: &String| word.chars().all(|c| c.is_ascii_alphanumeric() || "-_=./:,".contains(c));
    let rest = words.iter().enumerate().skip(1).filter(|(n, _)| *n != at).map(|(_, word)| word);
    let rest: Vec<&String> = rest.collect();
    let line = rest.iter().fold(format!("tracer {command}"), |line, word| line + " " + word);
    rest.iter().all(|word| is_plain(word)).then_some(line)
}

#[cfg(test)]
mod tests {
    use crate::cli::parse;

    fn tip(line: &str) -> Option<String> {
        let words: Vec<_> = line.split(' ').map(str::to_owned).collect();
        let error = parse(words.iter().map(Into::into)).unwrap_err().to_string();
        error.split_once("did you mean: ").map(|(_, rest)| rest.lines().next().unwrap_or_default().to_owned())
    }

    #[test]
    fn what_was_meant() {
        for (line, meant) in [
            ("tracer 443", "tracer -p 443"),
            ("tracer 80,443", "tracer -p 80,443"),
            ("tracer 192.0.2.1", "tracer --from 192.0.2.1"),
            ("tracer 2001:db8::/32", "tracer --from 2001:db8::/32"),
            ("tracer paws-time-wait", "tracer --cause paws-time-wait"),
            ("tracer causes", "tracer help causes"),
            ("tracer /tmp/a.pcap", "tracer replay /tmp/a.pcap"),
            ("tracer drops.ndjson", "tracer replay drops.ndjson"),
            ("tracer tpo", "tracer top"),
            ("tracer top 443", "-p 443"),
            ("tracer replay a.pcap 443", "-p 443"),
            ("tracer -p 443 192.0.2.1", "--from 192.0.2.1"),
            ("tracer -p 443 top", "tracer top -p 443"),
            ("tracer -p 443 tpo -4", "tracer top -p 443 -4"),
        ] {
            assert_eq!(tip(line).as_deref(), Some(meant), "{line}");
        }
        for line in ["tracer eth0", "tracer 0", "tracer 65536", "tracer doctor 443", "tracer --from a$b top"]
        {
            assert_eq!(tip(line), None, "{line}");
        }
    }
}
