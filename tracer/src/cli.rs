//! The command line as it is typed: which words there are and what they parse to.
//!
//! Knows nothing of the machine: whether an interface or a namespace exists is found out later.

use std::{num::ParseIntError, path::PathBuf, str::FromStr, time::Duration};

use clap::{Args, Parser, Subcommand, ValueEnum};
use ipnet::IpNet;

use crate::{lab::Scenario, model::Cause};

/// Names every SYN the kernel drops, and why.
#[derive(Debug, Parser)]
#[command(name = "tracer", version, about, after_help = EXAMPLES, args_conflicts_with_subcommands = true,
          max_term_width = 100)]
pub struct Cli {
    /// What to do; without one: trace live.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// Options of the live stream.
    #[command(flatten)]
    pub live: LiveArgs,
}

const EXAMPLES: &str = "\
Three commands to start with (as root):
  tracer -p 443            every SYN to port 443 that gets no SYN/ACK, and why
  tracer -p 443 -o json    the same for scripts, one JSON object a line
  tracer demo              a NAT incident in throwaway namespaces, traced";

/// Sources that are told apart by default.
const SOURCES: usize = 65_536;
/// Memory for clocks by default, MiB.
const CLOCK_MIB: u16 = 64;

/// Subcommands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make a NAT incident in throwaway network namespaces and trace it.
    Demo(DemoArgs),
    /// Say what this kernel lets tracer see, and which settings matter here.
    Doctor(DoctorArgs),
    /// Print a completion script for a shell.
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
    /// Print the manual page (roff).
    Man,
    /// Attach a hook set and print what the kernel says of its programs.
    #[command(hide = true)]
    Programs {
        /// The hook set.
        #[arg(long, value_enum, default_value_t = Hooks::Auto, value_name = "SET")]
        hooks: Hooks,
    },
}

/// Options of the live stream.
// The words that an option takes stand in its help: clap's list of values would make `--help` two screens long.
#[derive(Args, Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "one for each switch of the command line")]
pub struct LiveArgs {
    /// Server (local) ports: 443, 80,443 or 7000-7011 [default: every port].
    #[arg(short, long, value_name = "LIST")]
    pub port: Option<Ports>,
    /// IPv4 only.
    #[arg(short = '4', conflicts_with = "ipv6")]
    pub ipv4: bool,
    /// IPv6 only.
    #[arg(short = '6')]
    pub ipv6: bool,
    /// Only this client address or prefix; may repeat.
    #[arg(long, value_name = "PREFIX", value_parser = parse_prefix)]
    pub from: Vec<IpNet>,
    /// Only SYNs that arrived on this interface, as IP sees it: the bridge, not its port.
    #[arg(short, long, value_name = "NAME")]
    pub interface: Option<String>,
    /// Only this network namespace [default: all of them].
    #[arg(long, value_name = "PATH|PID|INODE")]
    pub netns: Option<String>,
    /// Only these causes; `paws` for the timestamp group, `all` for every one.
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    pub cause: Vec<CauseWord>,
    /// What to print: text or json.
    #[arg(short, long, value_enum, default_value_t = Output::Text, value_name = "FORMAT",
          hide_possible_values = true)]
    pub output: Output,
    /// Record NDJSON to a file, too.
    #[arg(short, long, value_name = "FILE")]
    pub write: Option<PathBuf>,
    /// Say now and then which sources changed: 10s, 1m.
    #[arg(long, value_name = "TIME", value_parser = parse_interval)]
    pub interval: Option<Duration>,
    /// Stop after this long: 30s, 5m, 1h.
    #[arg(short, long, value_name = "TIME", value_parser = parse_duration)]
    pub duration: Option<Duration>,
    /// Stop after this many drops.
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub count: Option<u64>,
    /// Force a hook set: fentry, kprobe or tracepoint; one that cannot attach is an error.
    #[arg(long, value_enum, default_value_t = Hooks::Auto, value_name = "SET", hide_possible_values = true)]
    pub hooks: Hooks,
    /// Type information (BTF) from a file, where the kernel has none.
    #[arg(long, value_name = "FILE")]
    pub btf: Option<PathBuf>,
    /// At most N drop lines a second (all are still counted).
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub rate_limit: Option<u32>,
    /// Sources with a row of their own.
    #[arg(long, value_name = "N", default_value_t = SOURCES,
          value_parser = clap::builder::RangedU64ValueParser::<usize>::new().range(1..=16_777_216))]
    pub max_sources: usize,
    /// Memory for all clocks, MiB.
    #[arg(long, value_name = "MIB", default_value_t = CLOCK_MIB, value_parser = clap::value_parser!(u16).range(1..))]
    pub clock_memory: u16,
    /// Exit with status 3 when drops were found.
    #[arg(long)]
    pub fail_on_drop: bool,
    /// Times in UTC instead of local time.
    #[arg(long)]
    pub utc: bool,
    /// When to use colour: auto, always or never (NO_COLOR is honoured).
    #[arg(long, value_enum, default_value_t = When::Auto, value_name = "WHEN", hide_possible_values = true)]
    pub color: When,
    /// Say more (twice: messages of the eBPF programs, too).
    #[arg(short, long, action = clap::ArgAction::Count)]
    pub verbose: u8,
}

/// Options of the demonstration.
#[derive(Args, Clone, Debug)]
pub struct DemoArgs {
    /// Which incident to make.
    #[arg(long, value_enum, default_value_t = Scenario::Nat)]
    pub scenario: Scenario,
    /// How to trace it.
    #[command(flatten)]
    pub live: DemoLiveArgs,
}

/// The options of the live stream that make sense for the demonstration.
#[derive(Args, Clone, Debug)]
pub struct DemoLiveArgs {
    /// What to print.
    #[arg(short, long, value_enum, default_value_t = Output::Text, value_name = "FORMAT")]
    pub output: Output,
    /// Record NDJSON to a file, too.
    #[arg(short, long, value_name = "FILE")]
    pub write: Option<PathBuf>,
    /// Stop after this long.
    #[arg(short, long, value_name = "TIME", value_parser = parse_duration, default_value = "10s")]
    pub duration: Duration,
    /// Stop after this many drops.
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub count: Option<u64>,
    /// Force a hook set; one that cannot attach is an error.
    #[arg(long, value_enum, default_value_t = Hooks::Auto, value_name = "SET")]
    pub hooks: Hooks,
    /// Times in UTC instead of local time.
    #[arg(long)]
    pub utc: bool,
    /// When to use colour (NO_COLOR is honoured).
    #[arg(long, value_enum, default_value_t = When::Auto, value_name = "WHEN")]
    pub color: When,
    /// Say more (twice: messages of the eBPF programs, too).
    #[arg(short, long, action = clap::ArgAction::Count)]
    pub verbose: u8,
}

/// Options of `doctor`.
#[derive(Args, Clone, Debug)]
pub struct DoctorArgs {
    /// What to print.
    #[arg(short, long, value_enum, default_value_t = Output::Text, value_name = "FORMAT")]
    pub output: Output,
    /// Type information (BTF) from a file, where the kernel has none.
    #[arg(long, value_name = "FILE")]
    pub btf: Option<PathBuf>,
    /// When to use colour (NO_COLOR is honoured).
    #[arg(long, value_enum, default_value_t = When::Auto, value_name = "WHEN")]
    pub color: When,
    /// A line for everything: each hook, each cause, each setting, each namespace.
    #[arg(short, long, action = clap::ArgAction::Count)]
    pub verbose: u8,
}

impl From<&DemoLiveArgs> for LiveArgs {
    fn from(args: &DemoLiveArgs) -> Self {
        Self {
            port: None,
            ipv4: false,
            ipv6: false,
            from: Vec::new(),
            interface: None,
            netns: None,
            cause: Vec::new(),
            output: args.output,
            write: args.write.clone(),
            interval: None,
            duration: Some(args.duration),
            count: args.count,
            hooks: args.hooks,
            btf: None,
            rate_limit: None,
            max_sources: SOURCES,
            clock_memory: CLOCK_MIB,
            fail_on_drop: false,
            utc: args.utc,
            color: args.color,
            verbose: args.verbose,
        }
    }
}

/// Hook sets on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Hooks {
    /// The best that attaches.
    Auto,
    /// BTF trampolines.
    Fentry,
    /// Kernel probes.
    Kprobe,
    /// Tracepoints only.
    Tracepoint,
}

/// Output formats.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// One line a drop, for people.
    Text,
    /// NDJSON, schema 1.
    Json,
}

/// When to use colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum When {
    /// On a terminal.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// A port list: inclusive ranges, sorted, merged, never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ports(pub Vec<(u16, u16)>);

/// Why a port list makes no sense.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum PortsError {
    /// Nothing between two commas, or nothing at all.
    #[error("there is an empty entry in the list; write 443, 80,443 or 7000-7011")]
    Empty,
    /// Not a number from 1 to 65535.
    #[error("{0:?} is not a port; ports are numbers from 1 to 65535")]
    NotAPort(String),
    /// The range runs downwards.
    #[error("{0}-{1} runs downwards; did you mean {1}-{0}?")]
    Backwards(u16, u16),
}

impl FromStr for Ports {
    type Err = PortsError;

    fn from_str(text: &str) -> Result<Self, PortsError> {
        let port = |word: &str| {
            let bad = |_: ParseIntError| PortsError::NotAPort(word.to_owned());
            // `parse` takes a sign; a port has none.
            let number = if word.starts_with('+') { 0 } else { word.parse::<u16>().map_err(bad)? };
            if number == 0 { Err(PortsError::NotAPort(word.to_owned())) } else { Ok(number) }
        };
        let mut ranges = Vec::new();
        for entry in text.split(',').map(str::trim) {
            if entry.is_empty() {
                return Err(PortsError::Empty);
            }
            let (first, last) = match entry.split_once('-') {
                Some((first, last)) => (port(first.trim())?, port(last.trim())?),
                None => (port(entry)?, port(entry)?),
            };
            if first > last {
                return Err(PortsError::Backwards(first, last));
            }
            ranges.push((first, last));
        }
        ranges.sort_unstable();
        let mut merged: Vec<(u16, u16)> = Vec::new();
        for (first, last) in ranges {
            match merged.last_mut() {
                Some(previous) if first <= previous.1.saturating_add(1) => previous.1 = previous.1.max(last),
                _ => merged.push((first, last)),
            }
        }
        Ok(Self(merged))
    }
}

/// A word of `--cause`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CauseWord {
    /// One cause.
    One(Cause),
    /// The timestamp group.
    Paws,
    /// Every cause.
    All,
}

impl FromStr for CauseWord {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "paws" => Ok(Self::Paws),
            "all" => Ok(Self::All),
            name => name.parse().map(Self::One).map_err(|_| unknown_cause(name)),
        }
    }
}

fn unknown_cause(word: &str) -> String {
    let names = || ["paws", "all"].into_iter().chain(Cause::ALL.iter().map(|c| c.name()));
    // Shared letters in order, over the longer word: enough to tell a typo from another word.
    let score = |name: &str| {
        let mut letters = name.chars();
        let common =
            word.chars().filter(|c| letters.clone().any(|l| l == *c) && letters.any(|l| l == *c)).count();
        common * 100 / name.len().max(word.len()).max(1)
    };
    match names().max_by_key(|name| score(name)).filter(|name| score(name) >= 60) {
        Some(close) => format!("there is no such cause; did you mean `{close}`?"),
        None => format!("there is no such cause; the causes are {}", names().collect::<Vec<_>>().join(", ")),
    }
}

/// The causes selected by `--cause`, in the order of the contract.
pub fn selected(words: &[CauseWord]) -> Vec<Cause> {
    let wanted = |cause: &Cause| match words {
        [] => !matches!(cause, Cause::NoListener | Cause::Repeated),
        words => words.iter().any(|word| match word {
            CauseWord::One(one) => one == cause,
            CauseWord::Paws => cause.is_paws(),
            CauseWord::All => true,
        }),
    };
    Cause::ALL.into_iter().filter(wanted).collect()
}

fn parse_prefix(text: &str) -> Result<IpNet, String> {
    let address = text.parse::<std::net::IpAddr>().map(IpNet::from).ok();
    address.or_else(|| text.parse().ok()).ok_or_else(|| {
        "not an address or prefix; write 192.0.2.7, 198.51.100.0/24 or 2001:db8::/32".to_owned()
    })
}

fn parse_duration(text: &str) -> Result<Duration, String> {
    let advice = "not a time; write 30s, 5m, 1h or 500ms";
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let number: u64 = number.parse().map_err(|_| advice.to_owned())?;
    let millis = match unit {
        "ms" => Some(number),
        "" | "s" => number.checked_mul(1_000),
        "m" => number.checked_mul(60_000),
        "h" => number.checked_mul(3_600_000),
        _ => None,
    };
    match millis {
        Some(0) => Err("a duration of zero sees nothing; write 30s, 5m or 1h".to_owned()),
        // A year: longer is a typo, and far from any overflow.
        Some(ms) if ms <= 31_536_000_000 => Ok(Duration::from_millis(ms)),
        _ => Err(advice.to_owned()),
    }
}

/// A second at least: sooner nobody reads it, and every source is looked at each time.
fn parse_interval(text: &str) -> Result<Duration, String> {
    let period = parse_duration(text)?;
    if period < Duration::from_secs(1) {
        return Err("an interval is a second or more; write 1s, 10s or 1m".to_owned());
    }
    Ok(period)
}

#[cfg(test)]
mod tests;
