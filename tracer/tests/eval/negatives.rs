//! Single hosts: how often each method calls them a NAT, and what else we say of them.

use tracer::model::nat::NatVerdict;

use crate::eval::{
    exact, measure,
    path::Ports,
    plan::{Plan, Report, percent},
    random::Random,
    single::{Expected, ROWS, Row, Single, single},
};

/// What a run of single hosts came to.
struct Run {
    outcome: measure::Outcome,
    /// It had enough connections for the verdict that is expected.
    telling: bool,
    /// A jump between clocks was claimed where no port was translated.
    jumped: bool,
}

/// Columns of verdicts, in the contract's order.
const SHORT: [&str; 7] =
    ["single-host", "nat", "per-connection", "reboot", "clock-change", "no-timestamps", "undecidable"];

/// All kinds.
pub(crate) fn evaluate(plan: &Plan, report: &mut Report) {
    report.section(
        "One host behind the address",
        "Every run has its own seed and conditions: 0.01 to 100 connections a second, seen for 30 s to an hour (at most\n\
         1,500 of them), delays varying by 0, 50 or 200 ms with 2 in 1,000 up to 2 s, 0 to 10 % lost, 0 to 30 % sent\n\
         again, ports as the host chooses them or given out by a NAT at random or in turn; one run in ten sees\n\
         handshakes instead of SYNs, or of some. Percent of runs that are called a NAT: by us with the exact upper bound (95 %),\n\
         by any regression, by any of more than 300 ticks, by p0f's rules, by greedy matching.",
    );
    report.head(&["host", "#runs", "#nat", "#at most", "#naive", "#naive, 300", "#p0f-style", "#greedy"]);
    let mut all: Vec<(&Row, Vec<Run>)> = Vec::new();
    for row in ROWS.iter().filter(|row| plan.wants(row.name)) {
        let runs = measure::runs(plan.runs, |run| one(row, plan.seed, run));
        let nat = count(&runs, |run| run.outcome.is_nat());
        report.target(nat == 0, || {
            let which =
                runs.iter().enumerate().filter(|(_, run)| run.outcome.is_nat()).map(|(index, _)| index);
            let which: Vec<_> = which.take(5).map(|index| index.to_string()).collect();
            format!("{}: {nat} of {} called nat, runs {}", row.name, runs.len(), which.join(", "))
        });
        report.row(&line(row.name, &runs));
        all.push((row, runs));
    }
    let total: usize = all.iter().map(|(_, runs)| runs.len()).sum();
    let nat: usize = all.iter().map(|(_, runs)| count(runs, |run| run.outcome.is_nat())).sum();
    let mut total_row = vec![
        "**all**".into(),
        total.to_string(),
        percent(nat, total),
        format!("{:.4}", 100.0 * exact::at_most(nat, total)),
    ];
    total_row.extend(others(total, all.iter().flat_map(|(_, runs)| runs)));
    report.row(&total_row);
    verdicts(&all, report);
}

fn verdicts(all: &[(&Row, Vec<Run>)], report: &mut Report) {
    report.section(
        "What is said of one host instead",
        "Percent of all runs by verdict, and of the telling ones the share with the verdict that is right: `single-host`\n\
         from 8 connections on, `per-connection-timestamps` from 10 on, `reboot` or `clock-change` with at least 4 before\n\
         and after, `no-timestamps` from 4 on. Targets: 95 %, after reboots 80 %. Jumps: runs in which a port was said to\n\
         jump between clocks although none was translated, possible only where a host itself has several clocks.",
    );
    let mut head = vec!["host"];
    let columns: Vec<String> = SHORT.iter().map(|name| format!("#{name}")).collect();
    head.extend(columns.iter().map(String::as_str));
    head.extend(["#telling", "#right", "#jumps"]);
    report.head(&head);
    for (row, runs) in all {
        let mut cells = vec![row.name.to_owned()];
        let by = |verdict| count(runs, |run| run.outcome.verdict == verdict);
        cells.extend(NatVerdict::ALL.iter().map(|verdict| percent(by(*verdict), runs.len())));
        let telling = count(runs, |run| run.telling);
        let right = count(runs, |run| run.telling && is_right(row.expected, run.outcome.verdict));
        let jumped = count(runs, |run| run.jumped);
        cells.extend([telling.to_string(), percent(right, telling), jumped.to_string()]);
        report.row(&cells);
        let wanted = if row.expected == Expected::Change { 0.80 } else { 0.95 };
        report.at_least(right, telling, wanted, || format!("{}: right", row.name));
        if row.expected == Expected::Single {
            report.target(jumped == 0, || {
                format!("{}: {jumped} runs with jumps of untranslated ports", row.name)
            });
        }
    }
}

fn one(row: &Row, seed: u64, run: usize) -> Run {
    let single = single(row, &mut Random::of(seed, row.name, run));
    let outcome = measure::judge(&single.stream, single.view);
    let enough = match row.expected {
        Expected::Single => outcome.connections >= 8,
        Expected::PerConnection => outcome.connections >= 10,
        Expected::NoTimestamps => outcome.connections >= 4,
        Expected::Change => halves(&single).is_some_and(|(before, after)| before >= 4 && after >= 4),
    };
    let jumped = single.ports == Ports::Kept && outcome.jumps > 0;
    Run { telling: enough, jumped, outcome }
}

/// Connections before and after the reboot.
fn halves(single: &Single) -> Option<(usize, usize)> {
    let reboot = single.reboot?;
    let mut sorted: Vec<_> = single.stream.clone();
    sorted.retain(|syn| syn.at < reboot);
    let before = measure::connections(&sorted);
    Some((before, measure::connections(&single.stream).saturating_sub(before)))
}

fn is_right(expected: Expected, verdict: NatVerdict) -> bool {
    match expected {
        Expected::Single => verdict == NatVerdict::SingleHost,
        Expected::PerConnection => verdict == NatVerdict::PerConnection,
        Expected::Change => matches!(verdict, NatVerdict::Reboot | NatVerdict::ClockChange),
        Expected::NoTimestamps => verdict == NatVerdict::NoTimestamps,
    }
}

fn line(name: &str, runs: &[Run]) -> Vec<String> {
    let nat = count(runs, |run| run.outcome.is_nat());
    let mut cells = vec![
        name.to_owned(),
        runs.len().to_string(),
        percent(nat, runs.len()),
        format!("{:.4}", 100.0 * exact::at_most(nat, runs.len())),
    ];
    cells.extend(others(runs.len(), runs));
    cells
}

fn count(runs: &[Run], what: impl Fn(&Run) -> bool) -> usize {
    runs.iter().filter(|run| what(run)).count()
}

fn others<'a>(total: usize, runs: impl IntoIterator<Item = &'a Run>) -> Vec<String> {
    let mut found = [0; measure::OTHERS.len()];
    for run in runs {
        for (count, says) in found.iter_mut().zip(run.outcome.others) {
            *count += usize::from(says);
        }
    }
    found.iter().map(|count| percent(*count, total)).collect()
}
