//! The command line of `tracer top`.

use std::{path::PathBuf, time::Duration};

use clap::Args;

use super::{
    CLOCK_MIB, Hooks, LiveArgs, Output, OutputArgs, SOURCES, SelectArgs, When, words::parse_duration,
};

/// Options of the full screen.
#[derive(Args, Clone, Debug)]
#[command(after_help = "On the screen, ? shows the keys and q quits with the summary.")]
pub struct TopArgs {
    /// Play a recording (of -w) instead of watching live; needs no privileges.
    #[arg(long, value_name = "FILE", conflicts_with_all = LIVE_ONLY)]
    pub replay: Option<PathBuf>,
    /// Play so many times as fast as it happened; 0: as fast as it can be read.
    #[arg(long, value_name = "N", default_value_t = 1, requires = "replay",
          value_parser = clap::value_parser!(u32).range(..=100_000))]
    pub speed: u32,
    /// Which SYNs.
    #[command(flatten)]
    pub select: SelectArgs,
    /// Only SYNs that arrived on this interface, as IP sees it: the bridge, not its port.
    #[arg(short, long, value_name = "NAME")]
    pub interface: Option<String>,
    /// Only this network namespace [default: all of them].
    #[arg(long, value_name = "PATH|PID|INODE")]
    pub netns: Option<String>,
    /// Record NDJSON to a file, too.
    #[arg(short, long, value_name = "FILE")]
    pub write: Option<PathBuf>,
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
    /// Sources with a row of their own.
    #[arg(long, value_name = "N", default_value_t = SOURCES,
          value_parser = clap::builder::RangedU64ValueParser::<usize>::new().range(1..=16_777_216))]
    pub max_sources: usize,
    /// Memory for all clocks, MiB.
    #[arg(long, value_name = "MIB", default_value_t = CLOCK_MIB, value_parser = clap::value_parser!(u16).range(1..))]
    pub clock_memory: u16,
    /// Times in UTC instead of local time.
    #[arg(long)]
    pub utc: bool,
    /// When to use colour: auto, always or never (NO_COLOR is honoured).
    #[arg(long, value_enum, default_value_t = When::Auto, value_name = "WHEN", hide_possible_values = true)]
    pub color: When,
}

/// What makes no sense for a recording.
const LIVE_ONLY: [&str; 12] = [
    "port",
    "ipv4",
    "ipv6",
    "from",
    "interface",
    "netns",
    "cause",
    "write",
    "duration",
    "count",
    "hooks",
    "btf",
];

impl From<&TopArgs> for LiveArgs {
    fn from(args: &TopArgs) -> Self {
        Self {
            select: args.select.clone(),
            interface: args.interface.clone(),
            netns: args.netns.clone(),
            interval: None,
            duration: args.duration,
            hooks: args.hooks,
            btf: args.btf.clone(),
            output: OutputArgs {
                output: Output::Text,
                write: args.write.clone(),
                count: args.count,
                rate_limit: None,
                max_sources: args.max_sources,
                clock_memory: args.clock_memory,
                fail_on_drop: false,
                utc: args.utc,
                color: args.color,
                verbose: 0,
            },
        }
    }
}
