//! Whether a confidence means what it says.

use tracer::model::nat::NatVerdict;

use crate::eval::{
    exact,
    host::Sent,
    kind::Kind,
    measure::{self, Outcome, View},
    mixes::{MIXES, mixed_of},
    plan::{Plan, Report, average, percent, share},
    random::Random,
    single::{ROWS, single},
};

/// Runs in the full evaluation.
const RUNS: usize = 20_000;
/// Lower edges of the classes of confidence.
const EDGES: [f64; 7] = [0.0, 0.5, 0.8, 0.9, 0.95, 0.98, 0.99];
/// What the table says of, beside everything.
const SHOWN: [NatVerdict; 4] =
    [NatVerdict::SingleHost, NatVerdict::Nat, NatVerdict::PerConnection, NatVerdict::ClockChange];

struct Run {
    outcome: Outcome,
    right: bool,
}

/// The mixture, by class of confidence.
pub(crate) fn evaluate(plan: &Plan, report: &mut Report) {
    if !plan.wants("confidence") {
        return;
    }
    report.section(
        "Confidence",
        "Half of the runs are single hosts, every kind as often; half are mixes of 2, 3, 5, 10 or 50 hosts, every mix and\n\
         number as often. `single-host` is right of one host with one clock, `nat` of two hosts or more,\n\
         `per-connection-timestamps` where there are random hosts and no host with one clock made three connections,\n\
         `reboot` of a host that did, `clock-change` of that or of two hosts or more, `no-timestamps` where there are\n\
         none; `undecidable` claims nothing and is left out. Target: in no class is the share that is right below the\n\
         mean confidence (in the last one below 0.99), nor that of a verdict below the class, by more than chance explains.",
    );
    let runs = measure::runs(plan.share(RUNS, 120), |run| one(plan.seed, run));
    let claims: Vec<&Run> =
        runs.iter().filter(|run| run.outcome.verdict != NatVerdict::Undecidable).collect();
    let mut head = vec!["confidence from".to_owned(), "#verdicts".into(), "#right".into(), "#mean".into()];
    head.extend(SHOWN.iter().map(|verdict| format!("#{verdict}")));
    report.head(&head.iter().map(String::as_str).collect::<Vec<_>>());
    for (index, edge) in EDGES.iter().enumerate() {
        let end = EDGES.get(index + 1).copied().unwrap_or(f64::INFINITY);
        let class = |run: &&&Run| run.outcome.confidence >= *edge && run.outcome.confidence < end;
        let these: Vec<&Run> = claims.iter().filter(class).copied().collect();
        let right = these.iter().filter(|run| run.right).count();
        let confidence: Vec<f64> = these.iter().map(|run| run.outcome.confidence).collect();
        let mut cells = vec![format!("{edge:.2}"), these.len().to_string(), percent(right, these.len())];
        cells.push(if these.is_empty() { "–".into() } else { format!("{:.4}", average(&confidence)) });
        for verdict in SHOWN {
            let (right, all) = of(&these, verdict);
            cells.push(if all == 0 { "–".into() } else { format!("{right} of {all}") });
            report.target(exact::at_most(right, all) >= *edge, || {
                format!("confidence from {edge}: {verdict} right in {right} of {all}")
            });
        }
        report.row(&cells);
        let promised = average(&confidence).min(0.99);
        report.target(exact::at_most(right, these.len()) >= promised, || {
            format!("confidence from {edge}: {} % right, {promised:.3} promised", percent(right, these.len()))
        });
    }
    let outside = runs.iter().filter(|run| !(0.0..=1.0).contains(&run.outcome.confidence)).count();
    report.target(outside == 0, || format!("{outside} confidences that are no share"));
    let sure = claims.iter().filter(|run| run.outcome.confidence >= 0.95).count();
    report.target(share(sure, runs.len()) >= 0.5, || {
        format!("confidence of 0.95 or more in {} % of the runs only", percent(sure, runs.len()))
    });
}

/// Verdicts of a kind: right ones, all.
fn of(runs: &[&Run], verdict: NatVerdict) -> (usize, usize) {
    let these = runs.iter().filter(|run| run.outcome.verdict == verdict);
    these.fold((0, 0), |(right, all), run| (right + usize::from(run.right), all + 1))
}

fn one(seed: u64, run: usize) -> Run {
    let mut random = Random::of(seed, "confidence", run);
    if random.chance(0.5) {
        let row = random.one_of(&ROWS);
        let single = single(&row, &mut random);
        let outcome = measure::judge(&single.stream, single.view);
        let changed = single.reboot.is_some_and(|reboot| {
            single.stream.iter().any(|syn| syn.at < reboot)
                && single.stream.iter().any(|syn| syn.at >= reboot)
        });
        let right = is_right(outcome.verdict, &single.stream, &[row.kind], changed);
        return Run { outcome, right };
    }
    let mix = &MIXES[random.below(MIXES.len() as u32) as usize];
    let hosts = random.one_of(&[2, 3, 5, 10, 50]);
    let (mixed, kinds) = mixed_of(mix, hosts, &mut random);
    let outcome = measure::judge(&mixed.stream, View::Syns);
    let right = is_right(outcome.verdict, &mixed.stream, &kinds, false);
    Run { outcome, right }
}

/// Whether a verdict is true of these hosts, of which some may not have been seen.
fn is_right(verdict: NatVerdict, stream: &[Sent], kinds: &[Kind], changed: bool) -> bool {
    let count = |host: usize| {
        let theirs: Vec<Sent> = stream.iter().filter(|syn| syn.host as usize == host).copied().collect();
        measure::connections(&theirs)
    };
    let seen: Vec<(Kind, usize)> = kinds.iter().enumerate().map(|(id, kind)| (*kind, count(id))).collect();
    let present: Vec<&(Kind, usize)> = seen.iter().filter(|(_, connections)| *connections > 0).collect();
    match verdict {
        NatVerdict::SingleHost => present.len() == 1 && present.iter().all(|(kind, _)| kind.is_stable()),
        NatVerdict::Nat => present.len() >= 2,
        NatVerdict::PerConnection => {
            present.iter().any(|(kind, _)| kind.is_random())
                && !present.iter().any(|(kind, connections)| kind.is_stable() && *connections >= 3)
        }
        NatVerdict::Reboot => changed,
        NatVerdict::ClockChange => changed || present.len() >= 2,
        NatVerdict::NoTimestamps => stream.iter().all(|syn| syn.tsval.is_none()),
        NatVerdict::Undecidable => true,
    }
}
