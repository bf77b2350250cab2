//! How much has to be seen before the verdict is right, and what is said meanwhile.

use tracer::{analysis::clock::Clocks, model::nat::NatVerdict};

use crate::eval::{
    host::{Conditions, Delay, Quirks, Sent},
    kind::{self, Kind},
    measure::{self, View, sample},
    mixes::together,
    path::Ports,
    plan::{Plan, Report, percent},
    random::Random,
    single::{ROWS, single},
};

/// Runs of a row in the full evaluation.
const RUNS: usize = 300;
/// SYNs that are waited for.
const PATIENCE: usize = 200;

/// Hosts, ports, the right verdict.
type Row = (&'static str, &'static [(Kind, u32)], Ports, NatVerdict);

const WAITS: [Row; 8] = [
    ("one stable host", &[(kind::LINUX, 1)], Ports::Kept, NatVerdict::SingleHost),
    ("one random host", &[(kind::APPLE, 1)], Ports::Kept, NatVerdict::PerConnection),
    ("one without timestamps", &[(kind::WINDOWS, 1)], Ports::Kept, NatVerdict::NoTimestamps),
    ("two stable hosts", &[(kind::LINUX, 2)], Ports::Random, NatVerdict::Nat),
    ("20 stable hosts", &[(kind::LINUX, 20)], Ports::Random, NatVerdict::Nat),
    ("a stable and a random one", &[(kind::LINUX, 1), (kind::APPLE, 1)], Ports::Random, NatVerdict::Nat),
    ("a random one and one without", &[(kind::APPLE, 1), (kind::WINDOWS, 1)], Ports::Random, NatVerdict::Nat),
    ("two random hosts, ports kept", &[(kind::APPLE, 2)], Ports::Kept, NatVerdict::Nat),
];

/// SYNs to the first right verdict.
pub(crate) fn evaluate(plan: &Plan, report: &mut Report) {
    if !plan.wants("first") {
        return;
    }
    report.section(
        "SYNs until the verdict is right",
        "0.1 to 5 connections a second and host, delays varying by 50 ms, 1 % lost, 5 % sent again; a verdict after every\n\
         SYN, 200 at most. Wrong before: runs in which another verdict than `undecidable` and the right one came first.",
    );
    report.head(&["hosts", "right", "#runs", "#median", "#90 %", "#never, %", "#wrong before, %", "mostly"]);
    for (name, hosts, ports, right) in WAITS {
        let runs = measure::runs(plan.share(RUNS, 10), |run| {
            let mut random = Random::of(plan.seed, &format!("first {name}"), run);
            first(&stream(hosts, ports, &mut random), right)
        });
        let mut waits: Vec<usize> = runs.iter().filter_map(|(wait, _)| *wait).collect();
        waits.sort_unstable();
        let never = runs.len() - waits.len();
        let at = |part: usize| {
            let index = (runs.len() * part).div_ceil(100).saturating_sub(1);
            waits.get(index).map_or_else(|| "–".to_owned(), ToString::to_string)
        };
        let said = |verdict: &NatVerdict| runs.iter().filter(|(_, wrong)| *wrong == Some(*verdict)).count();
        let before = NatVerdict::ALL.into_iter().max_by_key(said).filter(|verdict| said(verdict) > 0);
        report.row(&[
            name.into(),
            right.to_string(),
            runs.len().to_string(),
            at(50),
            at(90),
            percent(never, runs.len()),
            percent(runs.iter().filter(|(_, wrong)| wrong.is_some()).count(), runs.len()),
            before.map_or_else(|| "–".into(), |verdict| verdict.to_string()),
        ]);
    }
}

fn stream(hosts: &[(Kind, u32)], ports: Ports, random: &mut Random) -> Vec<Sent> {
    let rate = random.decades(0.1, 5.0);
    let count: u32 = hosts.iter().map(|(_, count)| count).sum();
    let conditions = Conditions {
        rate,
        window: 1.5 * PATIENCE as f64 / (rate * f64::from(count)),
        delay: Delay::Uniform(0.05),
        loss: 0.01,
        again: 0.05,
    };
    let quirks = Quirks { hops: 8, ..Quirks::default() };
    let kinds = hosts.iter().flat_map(|(kind, count)| (0..*count).map(|_| *kind));
    let plan: Vec<_> = kinds.map(|kind| (kind, conditions, quirks)).collect();
    together(&plan, ports, random).stream
}

/// After which SYN the verdict was right, and which other one came first.
fn first(stream: &[Sent], right: NatVerdict) -> (Option<usize>, Option<NatVerdict>) {
    let mut clocks = Clocks::default();
    let mut wrong = None;
    for (index, syn) in stream.iter().take(PATIENCE).enumerate() {
        clocks.observe(&sample(syn, View::Syns));
        match clocks.assess().verdict {
            verdict if verdict == right => return (Some(index + 1), wrong),
            NatVerdict::Undecidable => {}
            verdict => wrong = wrong.or(Some(verdict)),
        }
    }
    (None, wrong)
}

/// Single hosts that are judged after every third SYN: not once may one be a NAT.
pub(crate) fn peeking(plan: &Plan, report: &mut Report) {
    if !plan.wants("peeking") {
        return;
    }
    report.section(
        "One host, looked at again and again",
        "The single hosts of the first table under other seeds, judged after every third of their first 300 SYNs: runs in\n\
         which any of these verdicts was `nat`.",
    );
    report.head(&["host", "#runs", "#looks", "#ever nat"]);
    let (mut total, mut all_looks, mut all_ever) = (0, 0, 0);
    for row in &ROWS {
        let runs = measure::runs(plan.share(RUNS, 5), |run| {
            let single = single(row, &mut Random::of(plan.seed, &format!("peeking {}", row.name), run));
            let mut clocks = Clocks::default();
            let (mut looks, mut ever) = (0_usize, false);
            for (index, sample) in measure::seen(&single.stream, single.view).iter().take(300).enumerate() {
                clocks.observe(sample);
                if index % 3 == 2 {
                    looks += 1;
                    ever |= clocks.assess().verdict == NatVerdict::Nat;
                }
            }
            (looks, ever)
        });
        let looks: usize = runs.iter().map(|(looks, _)| looks).sum();
        let ever = runs.iter().filter(|(_, ever)| *ever).count();
        report.row(&[row.name.into(), runs.len().to_string(), looks.to_string(), ever.to_string()]);
        report.target(ever == 0, || format!("{}: {ever} of {} called nat on the way", row.name, runs.len()));
        total += runs.len();
        all_looks += looks;
        all_ever += ever;
    }
    report.row(&["**all**".into(), total.to_string(), all_looks.to_string(), all_ever.to_string()]);
}
