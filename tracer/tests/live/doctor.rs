//! What `tracer doctor` says beforehand, beside what a run then comes to.

use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;

use super::{
    cases::Lacking,
    event::Missing,
    filters::Filter,
    ground::{Ground, Kernel, Set},
    watcher::{Watcher, attaches, calibrating, program},
};

/// All of them.
pub(crate) const DOCTOR: &[Filter] = &[("doctor/agrees", agrees)];

#[derive(Debug, Deserialize)]
struct Checkup {
    kernel: String,
    set: Option<String>,
    sets: Vec<SetCheck>,
    causes: Vec<Seen>,
    namespaces: Vec<Place>,
    advice: String,
}

#[derive(Debug, Deserialize)]
struct SetCheck {
    set: String,
    attaches: Option<bool>,
    why: Option<String>,
    hooks: Vec<Hook>,
    missing: Vec<Missing>,
    blind: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct Hook {
    hook: String,
    attaches: Option<bool>,
}

#[derive(Debug, Deserialize)]
struct Seen {
    cause: String,
    visible: Option<bool>,
    why: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Place {
    counters: Option<std::collections::BTreeMap<String, u64>>,
}

/// For this set: what the start line says. For all: whether it attaches.
fn agrees(ground: Ground) -> Result<()> {
    if calibrating(ground.set.name(), &[]).is_some() {
        return Err(Lacking("it is asked with the kernel's own types").into());
    }
    let program = program()?;
    let out = Command::new(&program)
        .args(["doctor", "-o", "json"])
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("run {}", program.display()))?;
    let said = String::from_utf8_lossy(&out.stdout).into_owned();
    ensure!(out.status.code() == Some(0), "{}: {said}{}", out.status, String::from_utf8_lossy(&out.stderr));
    let checkup: Checkup = serde_json::from_str(&said).with_context(|| said.clone())?;
    ensure!(checkup.sets.len() == Set::ALL.len(), "{said}");
    let mut best = None;
    for set in &checkup.sets {
        let really = attaches(&program, &set.set)?;
        ensure!(set.attaches == Some(really.is_ok()), "{}: {:?}, really {really:?}", set.set, set.attaches);
        ensure!(set.why.is_some() == really.is_err(), "{}: {:?}", set.set, set.why);
        if really.is_ok() {
            best = best.or(Some(set.set.clone()));
        }
    }
    ensure!(checkup.set == best, "{:?} and not {best:?}", checkup.set);
    let foretold = checkup.sets.iter().find(|set| set.set == ground.set.name()).context("this set")?;
    let start = &Watcher::start(ground.set.name(), &[])?.start;
    ensure!(checkup.kernel == start.kernel, "{} and not {}", checkup.kernel, start.kernel);
    let attached: Vec<_> = foretold.hooks.iter().filter(|hook| hook.attaches == Some(true)).collect();
    let attached: Vec<_> = attached.iter().map(|hook| hook.hook.as_str()).collect();
    ensure!(attached == start.hooks.attached, "{attached:?} and not {:?}", start.hooks.attached);
    let words = |missing: &[Missing]| -> Vec<String> {
        missing.iter().map(|missing| format!("{}: {}", missing.hook, missing.why)).collect()
    };
    let (before, then) = (words(&foretold.missing), words(&start.hooks.missing));
    ensure!(before == then, "{before:?} and not {then:?}");
    ensure!(foretold.blind == start.blind, "{:?} and not {:?}", foretold.blind, start.blind);
    if checkup.set.as_deref() == Some(ground.set.name()) {
        for cause in &checkup.causes {
            let seen = !start.blind.contains(&cause.cause)
                && (cause.cause != "paws-recycle" || ground.kernel < Kernel(4, 12));
            ensure!(cause.visible == Some(seen) && cause.why.is_some() != seen, "{cause:?}");
        }
    }
    let own = checkup.namespaces.first().context("our own namespace")?;
    ensure!(
        own.counters.as_ref().is_some_and(|counters| counters.contains_key("TcpExtListenDrops")),
        "{own:?}"
    );
    ensure!(checkup.advice.ends_with('.'), "{}", checkup.advice);
    Ok(())
}
