//! The command line of the live stream, and of the demonstration, which is one.

use std::time::Duration;

use clap::{Args, ValueEnum};

use super::{
    options::{ENDS, FormatArgs, KernelArgs, LookArgs, OutputArgs, RecordArgs, SAID, VerboseArgs, WatchArgs},
    words::{parse_duration, parse_interval},
};
use crate::lab::Scenario;

/// Options of the live stream.
#[derive(Args, Clone, Debug)]
pub struct LiveArgs {
    /// Which SYNs, and how long.
    #[command(flatten)]
    pub watch: WatchArgs,
    /// What is said of them.
    #[command(flatten)]
    pub output: OutputArgs,
    /// Say now and then which sources changed: 10s, 1m.
    #[arg(long, value_name = "TIME", value_parser = parse_interval, help_heading = SAID)]
    pub interval: Option<Duration>,
    /// How.
    #[command(flatten)]
    pub kernel: KernelArgs,
}

/// Options of the demonstration.
#[derive(Args, Clone, Debug)]
#[command(after_help = scenarios())]
pub struct DemoArgs {
    /// Which incident to make.
    #[arg(long, value_enum, default_value_t = Scenario::Nat, value_name = "NAME", hide_possible_values = true)]
    pub scenario: Scenario,
    /// Stop after this long: 30s, 5m, 1h.
    #[arg(short, long, value_name = "TIME", value_parser = parse_duration, default_value = "10s",
          help_heading = ENDS)]
    pub duration: Duration,
    /// What to print.
    #[command(flatten)]
    pub format: FormatArgs,
    /// What to keep.
    #[command(flatten)]
    pub record: RecordArgs,
    /// How.
    #[command(flatten)]
    pub kernel: KernelArgs,
    /// Times and colours.
    #[command(flatten)]
    pub look: LookArgs,
    /// How much.
    #[command(flatten)]
    pub more: VerboseArgs,
}

/// Every scenario by name, as `--help` and the manual page list them.
fn scenarios() -> String {
    let known = Scenario::value_variants().iter().filter_map(ValueEnum::to_possible_value);
    let lines = known.map(|value| {
        let help = value.get_help().map(ToString::to_string).unwrap_or_default();
        format!("  {:<13} {help}", value.get_name())
    });
    lines.fold("Scenarios:".to_owned(), |all, line| all + "\n" + &line)
}

impl From<&DemoArgs> for LiveArgs {
    fn from(args: &DemoArgs) -> Self {
        Self {
            watch: WatchArgs { duration: Some(args.duration), ..WatchArgs::default() },
            interval: None,
            kernel: args.kernel.clone(),
            output: OutputArgs::plain(args.format, &args.record, args.look, args.more),
        }
    }
}
