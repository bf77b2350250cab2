//! Where clocks are known to fail, and where they must not: reported, and the few promises kept.

use tracer::model::nat::NatVerdict;

use crate::eval::{
    measure::{self, Outcome, View},
    mixes::{Mixed, Truth},
    plan::{Plan, Report, percent},
    random::Random,
    situations::{Promise, SITUATIONS, Situation},
};

struct Run {
    truth: Truth,
    outcome: Outcome,
}

/// Every situation.
pub(crate) fn evaluate(plan: &Plan, report: &mut Report) {
    report.section(
        "Hard cases",
        "Percent of runs by verdict; the mean of `hosts_at_least` and of the hosts that are there; runs in which a port was\n\
         seen to jump between clocks. Rows with a promise fail when it is broken: jumps and `per-connection-timestamps`\n\
         of one host whose NAT gives out ports again within a minute, `nat` and jumps of two such, neither where there\n\
         is one clock, never `nat` of one host; `single-host` where all is on one clock, `nat` where only the server's\n\
         memory shows the other host, `undecidable` where TSval stands still.",
    );
    let mut head = vec!["situation".to_owned(), "#runs".into()];
    head.extend(NatVerdict::ALL.iter().map(|verdict| format!("#{verdict}")));
    head.extend(["#at least", "#there", "#jumps, %"].map(str::to_owned));
    head.extend(measure::OTHERS.iter().map(|other| format!("#{other}")));
    report.head(&head.iter().map(String::as_str).collect::<Vec<_>>());
    for situation in SITUATIONS.iter().filter(|situation| plan.wants(situation.name)) {
        let runs = measure::runs(plan.share(situation.runs, 5), |run| {
            let mut random = Random::of(plan.seed, situation.name, run);
            let Mixed { stream, truth } = (situation.make)(&mut random);
            Run { truth, outcome: measure::judge(&stream, View::Syns) }
        });
        report.row(&row(situation, &runs));
        promises(situation, &runs, report);
    }
}

fn row(situation: &Situation, runs: &[Run]) -> Vec<String> {
    let mut cells = vec![situation.name.to_owned(), runs.len().to_string()];
    let part = |what: &dyn Fn(&Run) -> bool| percent(runs.iter().filter(|run| what(run)).count(), runs.len());
    cells.extend(NatVerdict::ALL.iter().map(|verdict| part(&|run| run.outcome.verdict == *verdict)));
    let average = |what: &dyn Fn(&Run) -> u32| {
        let sum: u64 = runs.iter().map(|run| u64::from(what(run))).sum();
        format!("{:.1}", sum as f64 / runs.len().max(1) as f64)
    };
    cells.push(average(&|run| run.outcome.at_least));
    cells.push(average(&|run| run.truth.present));
    cells.push(part(&|run| run.outcome.jumps > 0));
    cells.extend((0..measure::OTHERS.len()).map(|other| part(&|run| run.outcome.others[other])));
    cells
}

fn promises(situation: &Situation, runs: &[Run], report: &mut Report) {
    let telling: Vec<&Run> = runs.iter().filter(|run| run.outcome.connections >= 20).collect();
    let mut promise = |what: &dyn Fn(&Outcome) -> bool, wanted: f64, words: &str| {
        let kept = telling.iter().filter(|run| what(&run.outcome)).count();
        if wanted < 1.0 {
            report.at_least(kept, telling.len(), wanted, || format!("{}: {words}", situation.name));
        } else {
            report.target(kept == telling.len(), || {
                format!("{}: {words} in {kept} of {} only", situation.name, telling.len())
            });
        }
    };
    match situation.promise {
        Promise::None => {}
        Promise::NeverNat => {
            promise(&|outcome| !outcome.is_nat(), 1.0, "no nat");
        }
        Promise::Translated => {
            promise(&|outcome| !outcome.is_nat(), 1.0, "no nat");
            promise(&|outcome| outcome.jumps > 0, 1.0, "jumps");
            promise(
                &|outcome| outcome.verdict == NatVerdict::PerConnection,
                0.95,
                "per-connection-timestamps",
            );
        }
        Promise::OneClock => {
            promise(&|outcome| !outcome.is_nat(), 1.0, "no nat");
            promise(&|outcome| outcome.jumps == 0, 1.0, "no jumps");
        }
        Promise::Single => {
            promise(&|outcome| !outcome.is_nat(), 1.0, "no nat");
            promise(&|outcome| outcome.jumps == 0, 1.0, "no jumps");
            promise(&|outcome| outcome.verdict == NatVerdict::SingleHost, 0.95, "single-host");
        }
        // Nobody is behind a packet that was crafted; there may be any number of hosts beside it.
        Promise::NoClock => {
            promise(&|outcome| outcome.verdict == NatVerdict::Undecidable, 1.0, "undecidable");
        }
        Promise::Nat => promise(&Outcome::is_nat, 0.95, "nat"),
        Promise::Several => {
            promise(&Outcome::is_nat, 0.95, "nat");
            promise(&|outcome| outcome.jumps > 0, 0.95, "jumps");
        }
    }
}
