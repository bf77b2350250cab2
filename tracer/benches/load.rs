//! What watching costs those who are watched: connections per second of a web server, SYNs per second of a flood, with and
//! without somebody who watches.
//!
//! `cargo xtask bench load`: wants root, `TRACER_BIN`, and makes its own namespaces. Everybody is measured once in each
//! round, in an order that is another one each time, and nobody before and after everybody: what counts is how a rate
//! differs from the mean of its two neighbours, since a load drifts by more than what is looked for. Nobody is also measured
//! as if somebody watched, which shows how much is noise. `--check` compares changes with their bounds.

#[path = "load/case.rs"]
mod case;
#[path = "load/flood.rs"]
mod flood;
#[path = "load/stay.rs"]
mod stay;
#[path = "load/switch.rs"]
mod switch;
#[path = "load/table.rs"]
mod table;
#[path = "load/web.rs"]
mod web;
#[path = "load/who.rs"]
mod who;

#[path = "shared/live.rs"]
mod live;
#[path = "shared"]
mod shared {
    pub(crate) mod arguments;
    pub(crate) mod clock;
    pub(crate) mod spread;
    pub(crate) mod watching;
}

use std::{collections::BTreeMap, time::Duration};

use anyhow::{Context as _, Result};

use self::{
    case::{By, Case, Rates, Scene, Stage},
    shared::arguments::Arguments,
    table::{Figure, Table},
    who::{Place, Watching, Who},
};

/// Rounds; in each everybody is measured once.
const ROUNDS: usize = 15;
/// Seconds of connections.
const SECONDS: f64 = 1.0;

fn main() -> Result<()> {
    let args = Arguments::read();
    if !args.has("--bench") {
        println!("what watching costs: SKIPPED without --bench (it wants root and hooks)");
        return Ok(());
    }
    let rounds = args.number("--rounds", ROUNDS)?;
    let seconds = args.number("--seconds", SECONDS)?;
    let wished = args.only("--who", Who::ALL, Who::to_string)?;
    // Without noise nothing says what a change means.
    let watchers: Vec<Who> =
        Who::ALL.into_iter().filter(|who| *who == Who::Again || wished.contains(who)).collect();
    let cases = args.only("--case", Case::ALL, |case| case.name().to_owned())?;
    let place = Place::find(args.word("--set"))?;
    let time = Duration::try_from_secs_f64(seconds).context("--seconds")?;
    let stage = Stage::set(args.word("--nginx").unwrap_or("nginx"), time)?;
    let mut table = Table::new(&place, &stage);
    for case in cases {
        measure_all(&stage, &place, case, &watchers, case.rounds(rounds), &mut table)?;
    }
    print!("{}", table.text());
    if args.has("--check") { table.check() } else { Ok(()) }
}

/// Everybody in one case: nobody, a watcher, nobody, the next one, nobody.
fn measure_all(
    stage: &Stage,
    place: &Place,
    case: Case,
    watchers: &[Who],
    rounds: usize,
    table: &mut Table,
) -> Result<()> {
    let mut switches = BTreeMap::new();
    let mut watchers = watchers.to_vec();
    if case == Case::Switched {
        for who in &watchers {
            switches.extend(who.switch(place)?.map(|switch| (*who, switch)));
        }
        // Of the others the programs alone do nothing.
        watchers.retain(|who| *who == Who::Again || switches.contains_key(who));
    }
    let nobody = || measure(stage, case, Who::Nobody, |_| Ok(Some(Watching::Nobody)));
    let mut before = nobody()?;
    for round in 0..rounds {
        for at in 0..watchers.len() {
            let who = watchers[(at + round) % watchers.len()];
            let start = |scene: &Scene<'_>| match switches.get_mut(&who) {
                Some(switch) => Ok(Some(Watching::On(switch.on()?))),
                None => who.start(place, scene),
            };
            let figures = measure(stage, case, who, start)
                .with_context(|| format!("round {}, {case}, {who}", round + 1))?;
            if figures.is_empty() {
                table.absent(case, who);
                continue;
            }
            let after = nobody()?;
            for ((figure, before), after) in figures.iter().zip(&before).zip(&after) {
                table.add(*figure, f64::midpoint(before.rate, after.rate));
            }
            before = after;
        }
    }
    Ok(())
}

/// One watcher, one case. Nothing: this cannot be had here.
fn measure(
    stage: &Stage,
    case: Case,
    who: Who,
    start: impl FnOnce(&Scene<'_>) -> Result<Option<Watching>>,
) -> Result<Vec<Figure>> {
    let Some(mut scene) = stage.scene(case)? else { return Ok(vec![]) };
    let Some(watching) = start(&scene)? else { return Ok(vec![]) };
    let before = watching.processor();
    let Rates { rate, work, took } = scene.run(stage.time(case))?;
    let own = before.zip(watching.processor()).map(|(before, after)| after.saturating_sub(before));
    watching.stop(case)?;
    let own = own.map(|own| own.div_duration_f64(took));
    let rates = [(By::Time, Some(rate)), (By::Work, work)];
    Ok(rates.into_iter().filter_map(|(by, rate)| Some(Figure { case, by, who, rate: rate?, own })).collect())
}
