//! Puts the trials together, hook set by hook set, and runs them.

use std::sync::{Arc, OnceLock};

use anyhow::{Context as _, Result, bail, ensure};
use libtest_mimic::{Arguments, Completion, Failed, Trial};

use super::{
    cases::{self, Case, Lacking},
    counters,
    demo::demos,
    doctor::DOCTOR,
    family::Family,
    fate,
    filters::FILTERS,
    floods::FLOODS,
    ground::{Ground, Kernel, Set, Why},
    lab::{self, Lab},
    named::NAMED,
    readings::READINGS,
    recycle::RECYCLE,
    runs::RUNS,
    top::TOPS,
    types,
    watcher::{self, Watcher},
};

/// Most of a case is waiting; more at once than there are processors.
const THREADS: usize = 4;

/// What all cases of a hook set share.
pub(crate) struct Bench {
    pub(crate) ground: Ground,
    watcher: OnceLock<Result<Watcher, String>>,
}

impl Bench {
    fn new(ground: Ground) -> Arc<Self> {
        Arc::new(Self { ground, watcher: OnceLock::new() })
    }

    /// The one long-lived tracer, started when the first case needs it.
    pub(crate) fn watcher(&self) -> Result<&Watcher> {
        let start =
            || Watcher::start(self.ground.set.name(), &["--cause", "all"]).map_err(|why| format!("{why:#}"));
        match self.watcher.get_or_init(start) {
            Ok(watcher) => Ok(watcher),
            Err(why) => bail!("{why}"),
        }
    }
}

/// Which sets are tested, and of the others why not.
fn sets() -> Result<Vec<(Set, Option<String>)>> {
    let program = watcher::program()?;
    let wanted = std::env::var("TRACER_LIVE_SETS").ok();
    let words: Option<Vec<&str>> = wanted.as_deref().map(|list| list.split(',').collect());
    if let Some(words) = &words
        && let Some(odd) = words.iter().find(|word| Set::ALL.iter().all(|set| set.name() != **word))
    {
        bail!("TRACER_LIVE_SETS: there is no hook set {odd:?}");
    }
    let mut sets = Vec::new();
    for set in Set::ALL {
        match &words {
            // A set that is named must attach; the first case finds out.
            Some(words) if words.contains(&set.name()) => sets.push((set, None)),
            Some(_) => {}
            None => sets.push((set, watcher::attaches(&program, set.name())?.err())),
        }
    }
    ensure!(!sets.is_empty(), "no hook set to test");
    // Every kernel that can run the suite at all has tracepoints.
    if let Some((set, Some(why))) = sets.iter().find(|(set, why)| *set == Set::Tracepoint && why.is_some()) {
        bail!("the set {set} must attach: {why}");
    }
    Ok(sets)
}

/// A trial of the kernel alone, without a tracer.
type Fact = (&'static str, fn() -> Result<()>);

/// Runs everything that the arguments select; whether all of it passed.
pub(crate) fn run(arguments: &Arguments) -> Result<bool> {
    ensure!(
        nix::unistd::geteuid().is_root(),
        "the live tests need root: they load eBPF programs and make namespaces"
    );
    let kernel = Kernel::running();
    ensure!(kernel > Kernel(0, 0), "the kernel's release makes no sense");
    let mut arguments = arguments.clone();
    arguments.test_threads.get_or_insert(THREADS);
    let one_by_one = Arguments { test_threads: Some(1), ..arguments.clone() };
    let facts: [Fact; 5] = [
        ("kernel-types/offsets", types::offsets_agree),
        ("kernel-types/prototypes", types::prototypes_agree),
        ("kernel-types/names", types::names_agree),
        ("kernel-types/calibrated", types::calibrated),
        ("counters/there", counters::all_there),
    ];
    let facts = facts.map(|(name, run)| Trial::ignorable_test(name, move || told(name, run())));
    let mut passed = !libtest_mimic::run(&arguments, facts.into()).has_failed();
    for (set, skipped) in sets()? {
        if let Some(words) = &skipped {
            println!("SKIPPED set {set}: {words}");
        }
        let bench = Bench::new(Ground { kernel, set });
        for (arguments, trials) in [(&arguments, trials(&bench)), (&one_by_one, last_trials(&bench))] {
            let trials = trials.into_iter().map(|trial| trial.with_ignored_flag(skipped.is_some()));
            passed &= !libtest_mimic::run(arguments, trials.collect()).has_failed();
        }
        lab::forget_used();
    }
    Ok(passed)
}

/// The trials that may run beside each other.
fn trials(bench: &Arc<Bench>) -> Vec<Trial> {
    let mut trials = Vec::new();
    for case in cases::all() {
        for family in case.families {
            let name = format!("{}/{}/{}", bench.ground.set, case.name, family.name());
            let bench = Arc::clone(bench);
            let shown = name.clone();
            trials.push(Trial::ignorable_test(name, move || told(&shown, run_case(&bench, case, *family))));
        }
    }
    for (name, run) in FILTERS.iter().chain(RUNS).chain(READINGS).chain(DOCTOR).chain(NAMED) {
        trials.push(alone(bench.ground, name, *run));
    }
    let name = format!("{}/blind", bench.ground.set);
    let bench = Arc::clone(bench);
    trials.push(Trial::ignorable_test(name.clone(), move || told(&name, blind(&bench))));
    trials
}

/// A trial with a tracer of its own.
fn alone(ground: Ground, name: &str, run: fn(Ground) -> Result<()>) -> Trial {
    let name = format!("{}/{name}", ground.set);
    Trial::ignorable_test(name.clone(), move || told(&name, run(ground)))
}

/// The trials that come one after the other, when all others are done.
fn last_trials(bench: &Arc<Bench>) -> Vec<Trial> {
    let shared = Arc::clone(bench);
    let name = format!("{}/run/nothing-lost", bench.ground.set);
    let mut trials = vec![Trial::ignorable_test(name.clone(), move || told(&name, nothing_lost(&shared)))];
    trials.extend(FLOODS.iter().map(|(name, run)| alone(bench.ground, name, *run)));
    trials.extend(RECYCLE.iter().map(|(name, run)| alone(bench.ground, name, *run)));
    trials.extend(TOPS.iter().map(|(name, run)| alone(bench.ground, name, *run)));
    trials.extend(demos(bench.ground).into_iter().map(|(name, run)| alone(bench.ground, name, run)));
    trials
}

/// The start line: this kernel, every hook in place, nothing blind that must be seen.
fn blind(bench: &Bench) -> Result<()> {
    let start = &bench.watcher()?.start;
    let release = release()?;
    ensure!(start.kernel == release, "the kernel is {release}, not {}", start.kernel);
    ensure!(!start.hooks.attached.is_empty(), "no hooks");
    for missing in &start.hooks.missing {
        println!("{}: without {}: {}", bench.ground.set, missing.hook, missing.why);
    }
    for facts in Why::ALL.map(|why| why.facts(bench.ground.kernel)) {
        let blind = start.blind.iter().any(|cause| cause == facts.cause);
        // One cause may have several places.
        if facts.cause != "other" && bench.ground.must_see(facts.place) {
            ensure!(!blind, "{} must be seen and is said to be invisible", facts.cause);
        }
    }
    Ok(())
}

/// The shared tracer's summary: all that it printed, and nothing lost.
fn nothing_lost(bench: &Bench) -> Result<()> {
    let ended = bench.watcher()?.finish()?;
    ensure!(ended.status.code() == Some(0), "{}; it said: {}", ended.status, ended.stderr);
    let (summary, lines) = (ended.summary, ended.printed.len() as u64);
    ensure!(summary.nothing_lost(), "lost: {:?}", summary.lost);
    ensure!(summary.drops == lines, "{} drops, {lines} lines", summary.drops);
    ensure!(summary.by_cause.values().sum::<u64>() == lines, "{:?}, {lines} lines", summary.by_cause);
    Ok(())
}

fn release() -> Result<String> {
    Ok(nix::sys::utsname::uname().context("uname")?.release().to_string_lossy().into_owned())
}

fn run_case(bench: &Bench, case: &Case, family: Family) -> Result<()> {
    let watcher = bench.watcher()?;
    let mut lab = Lab::new(family)?;
    (case.run)(&mut lab)?;
    fate::judge(&mut lab, watcher, bench.ground)
}

/// A result in the words of the test runner.
fn told(name: &str, result: Result<()>) -> Result<Completion, Failed> {
    match result {
        Ok(()) => Ok(Completion::Completed),
        Err(error) => match error.downcast_ref::<Lacking>() {
            Some(lacking) => {
                println!("SKIPPED {name}: {lacking}");
                Ok(Completion::ignored_with(lacking))
            }
            None => Err(Failed::from(format!("{error:#}"))),
        },
    }
}
