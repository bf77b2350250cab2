//! Several hosts: how often each method finds them, and how far our count is off.

use crate::eval::{
    host::{Conditions, Delay, Quirks},
    kind,
    measure::{self, Outcome, View},
    mixes::{MIXES, Mixed, Truth, mixed, together},
    path::Ports,
    plan::{Plan, Report, average, mean, percent},
    random::Random,
};

/// A run of several hosts.
struct Run {
    truth: Truth,
    outcome: Outcome,
}

/// Runs of a cell in the full evaluation.
const RUNS: usize = 600;

/// All mixes, then the grid of hosts that differ in nothing but their clocks.
pub(crate) fn evaluate(plan: &Plan, report: &mut Report) {
    report.section(
        "Several hosts behind the address",
        "0.05 to 5 connections a second and host, for a minute to an hour (at most 2,500), half of the runs with Zipf's\n\
         shares, a third with hosts that come and go. A host is resolvable when all its connections share a clock, at\n\
         least three of them were seen and no other clock of its rate is within 3 s; a run is resolvable when at least\n\
         two such hosts take turns A, B, A. Recall in percent of resolvable runs, ours also of all runs that two hosts\n\
         or more were seen in. Error: how far the count (`hosts`, without it `hosts_at_least`) is below the resolvable\n\
         hosts or above those that are there, percent of the resolvable ones. Over: runs whose `hosts_at_least` is more\n\
         than there are.",
    );
    head("mix", report);
    let mut found = Vec::new();
    for mix in MIXES.iter().filter(|mix| plan.wants(mix.name)) {
        for hosts in [2, 3, 5, 10, 50] {
            let name = format!("{} {hosts}", mix.name);
            let runs = measure::runs(plan.share(RUNS, 6), |run| {
                judged(&mixed(mix, hosts, &mut Random::of(plan.seed, &name, run)))
            });
            report.row(&row(mix.name, &hosts.to_string(), &runs));
            found.extend(runs);
        }
    }
    summary("all mixes", &found, report);
    if plan.wants("one stack, only clocks differ") {
        grid(plan, report);
    }
}

/// The columns of `row`, behind what the runs have in common.
fn head(what: &str, report: &mut Report) {
    report.head(&[
        what,
        "#hosts",
        "#runs",
        "#resolvable",
        "#recall",
        "#of all",
        "#error",
        "#over",
        "#naive",
        "#naive, 300",
        "#p0f-style",
        "#greedy",
    ]);
}

/// Linux machines that differ in nothing but their offsets, a delay of up to 200 ms.
fn grid(plan: &Plan, report: &mut Report) {
    report.section(
        "Hosts that differ in nothing but their clocks",
        "Linux with an offset per pair, delays varying by 200 ms, ports rewritten at random in every second run; at most\n\
         2,500 SYNs or 15 a host. Columns as above; resolvable runs have two resolvable hosts or more.",
    );
    head("rate and window", report);
    let mut found = Vec::new();
    for (rate, window) in [(0.01, 60.0), (0.01, 600.0), (0.1, 60.0), (0.1, 600.0), (1.0, 60.0), (1.0, 600.0)]
    {
        for hosts in [2_u32, 3, 5, 10, 50, 200] {
            let name = format!("{rate} a second, {window} s");
            let runs = measure::runs(plan.share(200, 3), |run| {
                let mut random = Random::of(plan.seed, &format!("{name} {hosts}"), run);
                judged(&alike(rate, window, hosts, &mut random))
            });
            report.row(&row(&name, &hosts.to_string(), &runs));
            found.extend(runs);
        }
    }
    summary("one stack", &found, report);
}

fn alike(rate: f64, window: f64, hosts: u32, random: &mut Random) -> Mixed {
    let most = 2_500.0_f64.max(15.0 * f64::from(hosts));
    let conditions = Conditions {
        rate,
        window: window.min(most / (rate * f64::from(hosts))),
        delay: Delay::Uniform(0.2),
        loss: 0.01,
        again: 0.05,
    };
    let plan = vec![(kind::LINUX, conditions, Quirks::default()); hosts as usize];
    let ports = random.one_of(&[Ports::Kept, Ports::Random]);
    together(&plan, ports, random)
}

fn judged(mixed: &Mixed) -> Run {
    Run { truth: mixed.truth, outcome: measure::judge(&mixed.stream, View::Syns) }
}

/// Recall and error by the number of resolvable hosts, with the targets.
fn summary(name: &str, runs: &[Run], report: &mut Report) {
    for (words, from, to, wanted) in
        [("2 resolvable", 2, 2, 0.95), ("3 or 4", 3, 4, 0.95), ("5 or more", 5, u32::MAX, 0.99)]
    {
        let these: Vec<&Run> = runs
            .iter()
            .filter(|run| run.truth.interleaved && (from..=to).contains(&run.truth.resolvable))
            .collect();
        report.row(&row(&format!("**{name}**"), words, these.iter().copied()));
        let hits = these.iter().filter(|run| run.outcome.is_nat()).count();
        report.at_least(hits, these.len(), wanted, || format!("{name}, {words}: recall"));
        let errors: Vec<f64> = these.iter().map(|run| run.truth.error(run.outcome.hosts)).collect();
        // Of a few runs one says little.
        let most = if these.len() < 200 { 0.10 } else { 0.05 };
        report.target(average(&errors) <= most, || {
            format!("{name}, {words}: the count is off by {} %, not {:.0}", mean(&errors), 100.0 * most)
        });
    }
    let bounded = runs.iter().filter(|run| run.outcome.at_least <= run.truth.present.max(1)).count();
    report.at_least(bounded, runs.len(), 0.99, || format!("{name}: no more hosts than there are"));
}

fn row<'a>(name: &str, hosts: &str, runs: impl IntoIterator<Item = &'a Run>) -> Vec<String> {
    let runs: Vec<&Run> = runs.into_iter().collect();
    let several: Vec<&&Run> = runs.iter().filter(|run| run.truth.present >= 2).collect();
    let these: Vec<&&Run> = runs.iter().filter(|run| run.truth.interleaved).collect();
    let recall = |says: &dyn Fn(&Outcome) -> bool| {
        percent(these.iter().filter(|run| says(&run.outcome)).count(), these.len())
    };
    let errors: Vec<f64> = these.iter().map(|run| run.truth.error(run.outcome.hosts)).collect();
    let over = runs.iter().filter(|run| run.outcome.at_least > run.truth.present.max(1)).count();
    let mut cells = vec![
        name.to_owned(),
        hosts.to_owned(),
        runs.len().to_string(),
        these.len().to_string(),
        recall(&Outcome::is_nat),
        percent(several.iter().filter(|run| run.outcome.is_nat()).count(), several.len()),
        mean(&errors),
        over.to_string(),
    ];
    let others = 0..measure::OTHERS.len();
    cells.extend(others.map(|other| recall(&|outcome| outcome.others[other])));
    cells
}
