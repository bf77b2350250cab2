//! Everything that is done to `tracer` rather than by it: building, testing, booting kernels.

mod bench;
mod build;
mod eval;
mod kept;
mod lint;
mod packages;
mod pictures;
mod process;
mod test;
mod toolchain;
mod verifier;
mod vm;

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::Result;
use clap::{Parser, Subcommand};

/// Builds, tests and demonstrates tracer.
#[derive(Parser)]
#[command(name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Build target/release/tracer; gets a compiler for eBPF where there is none.
    Build {
        /// One static binary, for machines with another C library.
        #[arg(long = "static")]
        static_binary: bool,
    },
    /// Build, make an incident in throwaway namespaces and trace it.
    Demo {
        /// Options of `tracer demo`.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<String>,
    },
    /// Run the tests; without a word all of them.
    Test {
        /// Which part.
        #[arg(value_enum, default_value_t = test::Part::All)]
        part: test::Part,
        /// Only live tests whose name contains this.
        #[arg(long)]
        only: Option<String>,
        /// Only these kernels of the bench.
        #[arg(long, value_delimiter = ',')]
        kernel: Vec<vm::Series>,
    },
    /// Boot a kernel and run a command in it (without one: `tracer programs` for every hook set).
    Vm {
        #[command(flatten)]
        which: vm::Which,
        /// A file to take along; it stands in the root folder.
        #[arg(long)]
        with: Vec<PathBuf>,
        /// The command, run by a shell; /tracer and /live are there.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        command: Vec<String>,
    },
    /// Formatting, clippy for both targets, and the rules of the house.
    Lint,
    /// Compare the verifier's work with the table in the repository.
    Verifier {
        /// Write the table instead.
        #[arg(long)]
        write: bool,
        #[command(flatten)]
        elsewhere: verifier::Elsewhere,
    },
    /// Evaluate how often the clocks are right, and compare with the table in the repository.
    Eval {
        /// A tenth of the runs, under a minute; compares nothing.
        #[arg(long)]
        quick: bool,
        /// Another seed than the table's; compares nothing.
        #[arg(long)]
        seed: Option<u64>,
        /// A folder of captures: what is said of them goes to the screen only.
        #[arg(long)]
        captures: Option<PathBuf>,
        /// Write the table instead of comparing.
        #[arg(long)]
        write: bool,
    },
    /// Draw the README's pictures anew, of a real terminal and a real incident.
    Pictures,
    /// Benchmarks; without a word all of them.
    Bench {
        /// Which one.
        #[arg(value_enum, default_value_t = bench::Which::All)]
        which: bench::Which,
        /// Fail when a budget is exceeded.
        #[arg(long)]
        check: bool,
        /// Keep the table in the repository.
        #[arg(long)]
        write: bool,
        #[command(flatten)]
        wishes: bench::Wishes,
    },
}

fn main() -> ExitCode {
    match run(Cli::parse().task) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(task: Task) -> Result<()> {
    match task {
        Task::Build { static_binary } => {
            build::build(static_binary).map(|path| println!("{}", path.display()))
        }
        Task::Demo { args } => build::demo(&args),
        Task::Test { part, only, kernel } => test::test(part, only.as_deref(), &kernel),
        Task::Vm { which, with, command } => vm::command(&which, &with, &command.join(" ")),
        Task::Lint => lint::lint(),
        Task::Verifier { write, elsewhere } => verifier::table(write, &elsewhere),
        Task::Eval { quick, seed, captures, write } => eval::table(quick, seed, captures.as_deref(), write),
        Task::Pictures => pictures::pictures(),
        Task::Bench { which, check, write, wishes } => bench::bench(which, check, write, &wishes),
    }
}

/// The repository.
fn workspace() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new("."))
}

/// A place below `target/`.
fn target(path: &str) -> PathBuf {
    workspace().join("target").join(path)
}
