//! The command line as it is typed: which words there are and what they parse to.
//!
//! Knows nothing of the machine: whether an interface or a namespace exists is found out later.

mod report;
mod top;
mod words;

use std::{path::PathBuf, time::Duration};

use clap::{Args, Parser, Subcommand, ValueEnum};
use ipnet::IpNet;

use crate::lab::Scenario;

pub use report::ReportArgs;
pub use top::TopArgs;
pub use words::{CauseWord, Ports, PortsError, selected};
use words::{parse_duration, parse_interval, parse_prefix};

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
Commands to start with (as root):
  tracer -p 443            every SYN to port 443 that gets no SYN/ACK, and why
  tracer -p 443 -o json    the same for scripts, one JSON object a line
  tracer top -p 443        the same on the full screen, with the verdict so far
  tracer demo              a NAT incident in throwaway namespaces, traced";

/// Sources that are told apart by default.
const SOURCES: usize = 65_536;
/// Memory for clocks by default, MiB.
const CLOCK_MIB: u16 = 64;

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

/// Which SYNs, and which causes.
#[derive(Args, Clone, Debug, Default)]
pub struct SelectArgs {
    /// Server ports: 443 or 80,443 or 7000-7011.
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
    /// Only these; paws: the timestamp group; or all.
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    pub cause: Vec<CauseWord>,
}

/// What is said of them, and where.
// The words that an option takes stand in its help: clap's list of values would make `--help` two screens long.
#[derive(Args, Clone, Debug)]
pub struct OutputArgs {
    /// What to print: text or json.
    #[arg(short, long, value_enum, default_value_t = Output::Text, value_name = "FORMAT",
          hide_possible_values = true)]
    pub output: Output,
    /// Record NDJSON to a file, too.
    #[arg(short, long, value_name = "FILE")]
    pub write: Option<PathBuf>,
    /// Stop after this many drops.
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub count: Option<u64>,
    /// At most N lines a second; all are counted.
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
    /// Colours: auto, always or never.
    #[arg(long, value_enum, default_value_t = When::Auto, value_name = "WHEN", hide_possible_values = true)]
    pub color: When,
    /// Say more (twice: messages of the eBPF programs, too).
    #[arg(short, long, action = clap::ArgAction::Count)]
    pub verbose: u8,
}

/// Options of the live stream.
#[derive(Args, Clone, Debug)]
pub struct LiveArgs {
    /// Which SYNs.
    #[command(flatten)]
    pub select: SelectArgs,
    /// Only SYNs from here: the bridge, not its port.
    #[arg(short, long, value_name = "NAME")]
    pub interface: Option<String>,
    /// Only this network namespace [default: all].
    #[arg(long, value_name = "PATH|PID|INODE")]
    pub netns: Option<String>,
    /// Say now and then which sources changed: 10s, 1m.
    #[arg(long, value_name = "TIME", value_parser = parse_interval)]
    pub interval: Option<Duration>,
    /// Stop after this long: 30s, 5m, 1h.
    #[arg(short, long, value_name = "TIME", value_parser = parse_duration)]
    pub duration: Option<Duration>,
    /// Force a hook set: fentry, kprobe or tracepoint.
    #[arg(long, value_enum, default_value_t = Hooks::Auto, value_name = "SET", hide_possible_values = true)]
    pub hooks: Hooks,
    /// Type information (BTF) from a file, where the kernel has none.
    #[arg(long, value_name = "FILE")]
    pub btf: Option<PathBuf>,
    /// What is said of them.
    #[command(flatten)]
    pub output: OutputArgs,
}

/// Options of `replay`.
#[derive(Args, Clone, Debug)]
#[command(after_help = REPLAY)]
pub struct ReplayArgs {
    /// A capture (pcap, pcapng) or a recording (-w), also packed by gzip; `-`: standard input.
    #[arg(value_name = "FILE|-")]
    pub file: PathBuf,
    /// Which SYNs.
    #[command(flatten)]
    pub select: SelectArgs,
    /// What is said of them.
    #[command(flatten)]
    pub output: OutputArgs,
}

const REPLAY: &str = "\
A live look on kernels without eBPF (-U: every packet at once):
  tcpdump -U -i any -w - 'tcp port 443' | tracer replay -";

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
            select: SelectArgs::default(),
            interface: None,
            netns: None,
            interval: None,
            duration: Some(args.duration),
            hooks: args.hooks,
            btf: None,
            output: OutputArgs {
                output: args.output,
                write: args.write.clone(),
                count: args.count,
                rate_limit: None,
                max_sources: SOURCES,
                clock_memory: CLOCK_MIB,
                fail_on_drop: false,
                utc: args.utc,
                color: args.color,
                verbose: args.verbose,
            },
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

#[cfg(test)]
mod tests;
