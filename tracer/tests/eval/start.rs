//! The command line: without options of its own this is a test like any other.

use std::{path::PathBuf, process::ExitCode};

use clap::{CommandFactory as _, Parser};
use libtest_mimic::{Arguments, Failed, Trial};

use crate::eval::{
    calibration, captures,
    checks::CHECKS,
    cost, first, negatives,
    plan::{FULL, Plan, QUICK, Report, SMOKE},
    positives, stress,
};

/// The seed of the table in the repository.
const SEED: u64 = 1;

/// How often the clocks behind an address are told right, over simulated clients.
#[derive(Parser)]
#[command(name = "eval")]
struct Options {
    /// Everything: 10,000 single hosts of every kind (the default).
    #[arg(long)]
    full: bool,
    /// A tenth of it.
    #[arg(long, conflicts_with = "full")]
    quick: bool,
    /// Single hosts of every kind; everything else is in proportion.
    #[arg(long, conflicts_with_all = ["full", "quick"])]
    runs: Option<usize>,
    /// Everything follows from it.
    #[arg(long, default_value_t = SEED)]
    seed: u64,
    /// Only rows whose name has this word.
    #[arg(long)]
    only: Option<String>,
    /// Real captures too: a folder of pcap and pcapng files; to standard error.
    #[arg(long)]
    captures: Option<PathBuf>,
    /// Only time and memory.
    #[arg(long)]
    cost: bool,
}

/// A part of the evaluation.
type Part = fn(&Plan, &mut Report);
const PARTS: [(&str, Part); 7] = [
    ("one_host", negatives::evaluate),
    ("peeking", first::peeking),
    ("several_hosts", positives::evaluate),
    ("confidence", calibration::evaluate),
    ("first", first::evaluate),
    ("hard_cases", stress::evaluate),
    ("memory", memory),
];

/// Runs what the command line asks for.
pub(crate) fn main() -> ExitCode {
    let command = Options::command();
    let ours = |word: &str| {
        let name = word.strip_prefix("--").map(|word| word.split('=').next().unwrap_or(word));
        name.is_some_and(|name| command.get_arguments().any(|argument| argument.get_long() == Some(name)))
    };
    if std::env::args().skip(1).any(|word| ours(&word)) { table(Options::parse()) } else { smoke() }
}

/// The tables to standard output; what is for the screen alone and missed targets to standard error.
fn table(options: Options) -> ExitCode {
    let runs = options.runs.unwrap_or(if options.quick { QUICK } else { FULL });
    let plan = Plan { seed: options.seed, runs, only: options.only };
    let mut report = Report::default();
    if options.cost {
        cost::bytes(plan.seed, 100_000.0, &mut report);
        cost::time(plan.seed, &mut report);
    } else {
        for (_, part) in PARTS {
            part(&plan, &mut report);
        }
    }
    if let Some(folder) = options.captures {
        let mut screen = Report::default();
        if let Err(error) = captures::evaluate(&folder, &mut screen) {
            eprintln!("eval: {error}");
            return ExitCode::FAILURE;
        }
        eprint!("{}", screen.finish().0);
    }
    let (text, missed) = report.finish();
    println!("{}", text.trim_end());
    for target in &missed {
        eprintln!("eval: missed: {target}");
    }
    if missed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn memory(plan: &Plan, report: &mut Report) {
    if plan.wants("memory") {
        cost::bytes(plan.seed, (10 * plan.runs) as f64, report);
    }
}

/// A few seconds of it, as tests.
fn smoke() -> ExitCode {
    let mut trials: Vec<Trial> = PARTS
        .iter()
        .map(|(name, part)| {
            Trial::test(*name, move || {
                let mut report = Report::default();
                part(&Plan { seed: SEED, runs: SMOKE, only: None }, &mut report);
                let missed = report.finish().1;
                if missed.is_empty() {
                    return Ok(());
                }
                let missed = missed.join("\n");
                Err(Failed::from(format!("{missed}\nthe tables: -- --runs {SMOKE}")))
            })
        })
        .collect();
    let checks = CHECKS.iter().map(|(name, check)| Trial::test(*name, || check().map_err(Failed::from)));
    trials.extend(checks);
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}
