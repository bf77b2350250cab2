//! The command line of `tracer report`.

use std::path::PathBuf;

use clap::Args;

use super::{CLOCK_MIB, Output, OutputArgs, ReplayArgs, SOURCES, SelectArgs, When};

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
    #[arg(value_name = "FILE|-")]
    pub file: PathBuf,
    /// Write the page to a file [default: to standard output].
    #[arg(short, long, value_name = "PAGE")]
    pub write: Option<PathBuf>,
    /// Which SYNs.
    #[command(flatten)]
    pub select: SelectArgs,
    /// Sources with a row of their own in the analysis.
    #[arg(long, value_name = "N", default_value_t = SOURCES,
          value_parser = clap::builder::RangedU64ValueParser::<usize>::new().range(1..=16_777_216))]
    pub max_sources: usize,
    /// Memory for all clocks, MiB.
    #[arg(long, value_name = "MIB", default_value_t = CLOCK_MIB, value_parser = clap::value_parser!(u16).range(1..))]
    pub clock_memory: u16,
    /// Times in UTC instead of local time.
    #[arg(long)]
    pub utc: bool,
}

/// The page says what a replay says.
impl From<&ReportArgs> for ReplayArgs {
    fn from(args: &ReportArgs) -> Self {
        Self {
            file: args.file.clone(),
            select: args.select.clone(),
            output: OutputArgs {
                output: Output::Text,
                write: None,
                count: None,
                rate_limit: None,
                max_sources: args.max_sources,
                clock_memory: args.clock_memory,
                fail_on_drop: false,
                utc: args.utc,
                color: When::Never,
                verbose: 0,
            },
        }
    }
}
