//! Puts the trials together, hook set by hook set, and runs them.

use std::sync::{Arc, OnceLock};

use anyhow::{Context as _, Result, bail, ensure};
use libtest_mimic::{Arguments, Completion, Failed, Trial};

use super::{
    cases::{self, Case, Lacking},
    fate,
    ground::{Ground, Kernel, Set},
    lab::{self, Family, Lab},
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
    Ok(sets)
}

/// Runs everything that the arguments select; whether all of it passed.
pub(crate) fn run(arguments: &Arguments) -> Result<bool> {
    ensure!(
        nix::unistd::geteuid().is_root(),
        "the live tests need root: they load eBPF programs and make namespaces"
    );
    let release = nix::sys::utsname::uname().context("uname")?.release().to_string_lossy().into_owned();
    let kernel = Kernel::parse(&release)?;
    let mut arguments = arguments.clone();
    arguments.test_threads.get_or_insert(THREADS);
    let mut passed = true;
    for (set, skipped) in sets()? {
        if let Some(words) = &skipped {
            println!("SKIPPED set {set}: {words}");
        }
        let bench = Bench::new(Ground { kernel, set });
        let trials = trials(&bench).into_iter().map(|trial| trial.with_ignored_flag(skipped.is_some()));
        passed &= !libtest_mimic::run(&arguments, trials.collect()).has_failed();
        lab::forget_used();
    }
    Ok(passed)
}

/// The trials that share one tracer.
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
    trials
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
