//! Options that several commands share, each declared once.
//!
//! The words that an option takes stand in its help: clap's list of values would make `--help` two screens long. Shells
//! complete them all the same.

use std::{path::PathBuf, time::Duration};

use clap::Args;
use ipnet::IpNet;

use super::{
    causes::{CauseParser, CauseWord},
    words::{Hooks, Output, Ports, When, parse_duration, parse_prefix},
};

/// Headings of the lists of options, in the order of the questions that they answer.
pub(super) const WHICH: &str = "Which SYNs";
pub(super) const SAID: &str = "What is printed";
pub(super) const ENDS: &str = "When it ends";
pub(super) const TRACED: &str = "How it is traced";

/// Sources that are told apart by default.
const SOURCES: usize = 65_536;
/// Memory for clocks by default, MiB.
const CLOCK_MIB: u16 = 12;

/// Which SYNs, and which causes.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = WHICH)]
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
    #[arg(long, value_name = "LIST", value_delimiter = ',', value_parser = CauseParser,
          hide_possible_values = true)]
    pub cause: Vec<CauseWord>,
}

/// What is watched live, and how long.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = WHICH)]
pub struct WatchArgs {
    /// Which SYNs.
    #[command(flatten)]
    pub select: SelectArgs,
    /// Only SYNs from here: the bridge, not its port.
    #[arg(short, long, value_name = "NAME")]
    pub interface: Option<String>,
    /// Only this network namespace [default: all].
    #[arg(long, value_name = "PATH|PID|INODE")]
    pub netns: Option<String>,
    /// Stop after this long: 30s, 5m, 1h.
    #[arg(short, long, value_name = "TIME", value_parser = parse_duration, help_heading = ENDS)]
    pub duration: Option<Duration>,
}

/// The form of the output.
#[derive(Args, Clone, Copy, Debug)]
#[command(next_help_heading = SAID)]
pub struct FormatArgs {
    /// What to print: text or json.
    #[arg(short, long, value_enum, default_value_t = Output::Text, value_name = "FORMAT",
          hide_possible_values = true)]
    pub output: Output,
}

/// What is kept, and of how many drops.
#[derive(Args, Clone, Debug, Default)]
pub struct RecordArgs {
    /// Record NDJSON to a file, too.
    #[arg(short, long, value_name = "FILE", help_heading = SAID, value_hint = clap::ValueHint::FilePath)]
    pub write: Option<PathBuf>,
    /// Stop after this many drops.
    #[arg(short, long, value_name = "N", help_heading = ENDS,
          value_parser = clap::value_parser!(u64).range(1..))]
    pub count: Option<u64>,
}

/// How times and colours look.
#[derive(Args, Clone, Copy, Debug)]
#[command(next_help_heading = SAID)]
pub struct LookArgs {
    /// Times in UTC instead of local time.
    #[arg(long)]
    pub utc: bool,
    /// Colours.
    #[command(flatten)]
    pub ink: ColorArgs,
}

/// Whether there are colours.
#[derive(Args, Clone, Copy, Debug)]
#[command(next_help_heading = SAID)]
pub struct ColorArgs {
    /// Colours: auto, always or never.
    #[arg(long, value_enum, default_value_t = When::Auto, value_name = "WHEN", hide_possible_values = true)]
    pub color: When,
}

/// How much is said.
#[derive(Args, Clone, Copy, Debug, Default)]
#[command(next_help_heading = SAID)]
pub struct VerboseArgs {
    /// Say more (twice: messages of the eBPF programs, too).
    #[arg(short, long, action = clap::ArgAction::Count)]
    pub verbose: u8,
}

/// The kernel's type information.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = TRACED)]
pub struct TypesArgs {
    /// Type information (BTF) from a file, where the kernel has none.
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub btf: Option<PathBuf>,
    /// Find out by trying where fields are, as where there is no BTF.
    #[arg(long, conflicts_with = "btf")]
    pub calibrate: bool,
}

/// How the kernel is traced.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = TRACED)]
pub struct KernelArgs {
    /// Force a hook set: fentry, kprobe, tracepoint or legacy.
    #[arg(long, value_enum, default_value_t = Hooks::Auto, value_name = "SET", hide_possible_values = true)]
    pub hooks: Hooks,
    /// Its types.
    #[command(flatten)]
    pub types: TypesArgs,
}

/// How much is kept in memory.
#[derive(Args, Clone, Copy, Debug)]
#[command(next_help_heading = TRACED)]
pub struct TableArgs {
    /// Sources with a row of their own.
    #[arg(long, value_name = "N", default_value_t = SOURCES,
          value_parser = clap::builder::RangedU64ValueParser::<usize>::new().range(1..=16_777_216))]
    pub max_sources: usize,
    /// Memory for all clocks, MiB.
    #[arg(long, value_name = "MIB", default_value_t = CLOCK_MIB, value_parser = clap::value_parser!(u16).range(1..))]
    pub clock_memory: u16,
}

impl Default for TableArgs {
    fn default() -> Self {
        Self { max_sources: SOURCES, clock_memory: CLOCK_MIB }
    }
}

/// What is said of drops, and where.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = SAID)]
pub struct OutputArgs {
    /// The form.
    #[command(flatten)]
    pub format: FormatArgs,
    /// What is kept.
    #[command(flatten)]
    pub record: RecordArgs,
    /// At most N lines a second; all are counted.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub rate_limit: Option<u32>,
    /// Bounds.
    #[command(flatten)]
    pub tables: TableArgs,
    /// Exit with status 3 when drops were found.
    #[arg(long, help_heading = ENDS)]
    pub fail_on_drop: bool,
    /// Times and colours.
    #[command(flatten)]
    pub look: LookArgs,
    /// How much.
    #[command(flatten)]
    pub more: VerboseArgs,
}

impl OutputArgs {
    /// What a command says that has few of these options.
    pub(super) fn plain(format: FormatArgs, record: &RecordArgs, look: LookArgs, more: VerboseArgs) -> Self {
        Self {
            format,
            record: record.clone(),
            rate_limit: None,
            tables: TableArgs::default(),
            fail_on_drop: false,
            look,
            more,
        }
    }
}
