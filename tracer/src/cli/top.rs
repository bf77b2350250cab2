//! The command line of `tracer top`.

use std::path::PathBuf;

use clap::Args;

use super::{
    LiveArgs,
    options::{FormatArgs, KernelArgs, LookArgs, OutputArgs, RecordArgs, TableArgs, VerboseArgs, WatchArgs},
    words::Output,
};

/// Options of the full screen.
#[derive(Args, Clone, Debug)]
#[command(after_help = "On the screen, ? shows the keys and q quits with the summary.")]
pub struct TopArgs {
    /// Play a recording (of -w) instead of watching live; needs no privileges.
    #[arg(long, value_name = "FILE", conflicts_with_all = LIVE_ONLY, value_hint = clap::ValueHint::FilePath)]
    pub replay: Option<PathBuf>,
    /// Play so many times as fast as it happened; 0: as fast as it can be read.
    #[arg(long, value_name = "N", default_value_t = 1, requires = "replay",
          value_parser = clap::value_parser!(u32).range(..=100_000))]
    pub speed: u32,
    /// Which SYNs, and how long.
    #[command(flatten)]
    pub watch: WatchArgs,
    /// What is kept.
    #[command(flatten)]
    pub record: RecordArgs,
    /// How.
    #[command(flatten)]
    pub kernel: KernelArgs,
    /// Bounds.
    #[command(flatten)]
    pub tables: TableArgs,
    /// Times and colours.
    #[command(flatten)]
    pub look: LookArgs,
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
        let format = FormatArgs { output: Output::Text };
        Self {
            watch: args.watch.clone(),
            interval: None,
            kernel: args.kernel.clone(),
            output: OutputArgs {
                tables: args.tables,
                ..OutputArgs::plain(format, &args.record, args.look, VerboseArgs::default())
            },
        }
    }
}
