//! One trial for each table, those of the harness itself, and one for what no table is about.

use std::process::ExitCode;

use libtest_mimic::{Arguments, Failed, Trial};

use super::{checks::CHECKS, coverage::Coverage, told};

pub(crate) fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let scenarios = match told::all() {
        Ok(scenarios) => scenarios,
        Err(why) => {
            eprintln!("scenarios: {why}");
            return ExitCode::FAILURE;
        }
    };
    let mut coverage = Coverage::default();
    let mut trials = Vec::new();
    for scenario in scenarios {
        let table = scenario.table();
        let kind = match &table {
            Ok(table) if table.known_defect.is_some() => "known defect",
            _ => "",
        };
        if let Ok(table) = table {
            coverage.add(&table);
        }
        let name = scenario.name.clone();
        trials.push(Trial::test(name, move || scenario.check().map_err(Failed::from)).with_kind(kind));
    }
    trials.extend(CHECKS.iter().map(|(name, check)| Trial::test(*name, || check().map_err(Failed::from))));
    let (missing, counts) = (coverage.missing(), coverage.to_string());
    trials.push(Trial::test("coverage", move || {
        if missing.is_empty() { Ok(()) } else { Err(Failed::from(missing.join("\n"))) }
    }));
    let listed = arguments.list;
    let conclusion = libtest_mimic::run(&arguments, trials);
    if !listed {
        println!("scenarios: {counts}");
    }
    conclusion.exit_code()
}
