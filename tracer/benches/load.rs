//! What watching costs those who are watched: connections per second of a web server, SYNs per second of a flood, with and
//! without somebody who watches.
//!
//! `cargo xtask bench load`: wants root, `TRACER_BIN`, and makes its own namespaces. Everybody is measured once in each
//! round, in an order that is another one each time; nobody is measured twice, which shows how much is noise. Changes within
//! a round are what counts; `--check` compares them with their bounds.

#[path = "load/case.rs"]
mod case;
#[path = "load/flood.rs"]
mod flood;
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

use anyhow::{Context as _, Result};

use self::{
    case::{Case, Rates, Stage},
    shared::arguments::Arguments,
    table::{Figure, Table},
    who::{Place, Who},
};

/// Rounds; in each everybody is measured once.
const ROUNDS: usize = 5;
/// Seconds of load; floods take a tenth of it.
const SECONDS: u32 = 4;

fn main() -> Result<()> {
    let args = Arguments::read();
    if !args.has("--bench") {
        println!("what watching costs: SKIPPED without --bench (it wants root and hooks)");
        return Ok(());
    }
    let rounds = args.number("--rounds", ROUNDS)?;
    let seconds = args.number("--seconds", SECONDS)?;
    let wished = args.who(Who::ALL);
    // Without nobody there is nothing to compare with.
    let watchers: Vec<Who> =
        Who::ALL.into_iter().filter(|who| who.is_nobody() || wished.contains(who)).collect();
    let place = Place::find(args.word("--set"))?;
    let stage = Stage::set(args.word("--nginx").unwrap_or("nginx"), seconds)?;
    let mut table = Table::new(&place, seconds);
    for case in Case::DONE {
        for round in 0..rounds {
            for at in 0..watchers.len() {
                let who = watchers[(at + round) % watchers.len()];
                let figures = measure(&stage, &place, who, case)
                    .with_context(|| format!("round {}, {case}, {who}", round + 1))?;
                if figures.is_empty() {
                    table.absent(case, who);
                }
                for (case, figure) in figures {
                    table.add(case, who, round, figure);
                }
            }
        }
    }
    print!("{}", table.text());
    if args.has("--check") { table.check() } else { Ok(()) }
}

/// One watcher, one case. Nothing: this cannot be had here.
fn measure(stage: &Stage, place: &Place, who: Who, case: Case) -> Result<Vec<(Case, Figure)>> {
    let Some(mut scene) = stage.scene(case)? else { return Ok(vec![]) };
    let Some(watching) = who.start(place, &scene)? else { return Ok(vec![]) };
    let before = watching.processor();
    let Rates { rate, work, took } = scene.run(stage.time(case))?;
    let own = before.zip(watching.processor()).map(|(before, after)| after.saturating_sub(before));
    watching.stop(case)?;
    let own = own.map(|own| own.div_duration_f64(took));
    let rates = [(case, Some(rate)), (Case::Work, work)];
    Ok(rates.into_iter().filter_map(|(case, rate)| Some((case, Figure { rate: rate?, own }))).collect())
}
