//! The command line of `tracer replay`.

use std::path::PathBuf;

use clap::Args;

use super::options::{OutputArgs, SelectArgs};

/// Options of `replay`.
#[derive(Args, Clone, Debug)]
#[command(after_help = LIVE)]
pub struct ReplayArgs {
    /// A capture (pcap, pcapng) or a recording (-w), also packed by gzip; `-`: standard input.
    #[arg(value_name = "FILE|-", value_hint = clap::ValueHint::FilePath)]
    pub file: PathBuf,
    /// Which SYNs.
    #[command(flatten)]
    pub select: SelectArgs,
    /// What is said of them.
    #[command(flatten)]
    pub output: OutputArgs,
}

const LIVE: &str = "\
A live look on kernels without eBPF (-U: every packet at once):
  tcpdump -U -i any -w - 'tcp port 443' | tracer replay -";
