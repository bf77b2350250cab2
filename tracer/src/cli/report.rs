//! The command line of `tracer report`.

use std::path::PathBuf;

use clap::Args;

use super::{
    OutputArgs, ReplayArgs, SelectArgs,
    options::{ColorArgs, FormatArgs, LookArgs, RecordArgs, SAID, TableArgs, VerboseArgs},
    words::{Output, When},
};

const REPORT: &str = "\
To a file, or to wherever it is read:
  tracer report run.ndjson -w run.html
  tracer report capture.pcap | ssh host 'cat > incident.html'
The page is one file: it loads nothing when it is opened, and prints well.";

/// Options of `report`.
#[derive(Args, Clone, Debug)]
#[command(after_help = REPORT)]
pub struct ReportArgs {
    /// A recording (-w) or a capture (pcap, pcapng), also packed by gzip; `-`: standard input.
    #[arg(value_name = "FILE|-", value_hint = clap::ValueHint::FilePath)]
    pub file: PathBuf,
    /// Write the page to a file [default: to standard output].
    #[arg(short, long, value_name = "PAGE", help_heading = SAID, value_hint = clap::ValueHint::FilePath)]
    pub write: Option<PathBuf>,
    /// Which SYNs.
    #[command(flatten)]
    pub select: SelectArgs,
    /// Bounds of the analysis.
    #[command(flatten)]
    pub tables: TableArgs,
    /// Times in UTC instead of local time.
    #[arg(long, help_heading = SAID)]
    pub utc: bool,
}

/// The page says what a replay says.
impl From<&ReportArgs> for ReplayArgs {
    fn from(args: &ReportArgs) -> Self {
        Self {
            file: args.file.clone(),
            select: args.select.clone(),
            output: OutputArgs {
                tables: args.tables,
                ..OutputArgs::plain(
                    FormatArgs { output: Output::Text },
                    &RecordArgs::default(),
                    LookArgs { utc: args.utc, ink: ColorArgs { color: When::Never } },
                    VerboseArgs::default(),
                )
            },
        }
    }
}
