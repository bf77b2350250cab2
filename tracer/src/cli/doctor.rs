//! The command line of `tracer doctor`.

use clap::Args;

use super::options::{ColorArgs, FormatArgs, SAID, TypesArgs};

/// Options of `doctor`.
#[derive(Args, Clone, Debug)]
pub struct DoctorArgs {
    /// What to print.
    #[command(flatten)]
    pub format: FormatArgs,
    /// The kernel's types.
    #[command(flatten)]
    pub types: TypesArgs,
    /// Colours.
    #[command(flatten)]
    pub ink: ColorArgs,
    /// A line for everything: each hook, each cause, each setting, each namespace.
    #[arg(short, long, action = clap::ArgAction::Count, help_heading = SAID)]
    pub verbose: u8,
}
