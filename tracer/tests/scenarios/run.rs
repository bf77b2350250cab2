//! Hands a scenario's observations to the program, as the run of a trace does, and takes what it makes of them.

use std::collections::BTreeMap;

use tracer::{
    analysis::{
        engine::{Engine, Limits},
        snmp::{CHECKED, Counters, Ours, View},
        verdict::{Case, SYSCTLS, judge, speaker},
    },
    model::{
        Cause, Observation,
        environment::{Environment, OwnNat},
        report::{CounterCheck, LeftOut, Lost, Snapshot},
        verdict::Verdict,
    },
};

use super::{table::Table, words::Asked};

/// Sources that the verdict is asked over, as at the end of a run.
const JUDGED: usize = 256;

/// What came out.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) snapshot: Snapshot,
    pub(crate) rule: &'static str,
    pub(crate) verdict: Option<Verdict>,
}

/// What does not depend on any order.
pub(crate) struct Scene {
    /// Observations that were asked for, in order of time.
    pub(crate) seen: Vec<Observation>,
    environment: Environment,
    checks: Vec<CounterCheck>,
    blind: Vec<Cause>,
    lost: Lost,
    left_out: LeftOut,
    filtered: bool,
}

impl Scene {
    /// # Errors
    /// With a word of the table that means nothing.
    pub(crate) fn new(table: &Table, all: Vec<Observation>) -> Result<Self, String> {
        let asked = table.asked.clone().map_or_else(Asked::default, |asked| asked.0).0;
        let mut environment = environment(table)?;
        let lost = Lost {
            ring: table.lost.ring,
            decode: table.lost.decode,
            slot: table.lost.slot,
            read: table.lost.read,
            ..Lost::default()
        };
        let blind: Vec<Cause> = table.blind.iter().map(|cause| cause.0).collect();
        let mut checks = Vec::new();
        if let Some(counters) = &table.counters {
            let mut ours = Ours::default();
            for one in &all {
                if let Observation::Drop(drop) = one {
                    ours.add(drop.cause, drop.snmp.as_deref(), 1);
                }
            }
            let mut moved: Counters = CHECKED.iter().map(|name| ((*name).to_owned(), 0)).collect();
            if counters.agree {
                let none = ours.check(&Counters::new(), &View::default());
                moved.extend(none.into_iter().map(|check| (check.name, check.ours)));
            }
            for (name, more) in &counters.more {
                let known = moved.get_mut(name).ok_or_else(|| format!("no counter {name:?} is looked at"))?;
                *known += more;
            }
            let any = lost.ring + lost.decode + lost.slot + lost.read > 0;
            let view = View { filtered: table.filtered, blind: blind.clone(), lost: any, ..View::default() };
            checks = ours.check(&moved, &view);
            environment.counters = moved;
        }
        let mut left_out = LeftOut {
            seen: BTreeMap::new(),
            wire: 0,
            not_looked_at: [Cause::NoListener].into_iter().filter(|cause| !asked.contains(cause)).collect(),
        };
        let wanted = |one: &Observation| match one {
            Observation::Drop(drop) if !asked.contains(&drop.cause) => {
                *left_out.seen.entry(drop.cause).or_default() += 1;
                false
            }
            _ => true,
        };
        let mut seen = all;
        seen.retain(wanted);
        Ok(Self { seen, environment, checks, blind, lost, left_out, filtered: table.filtered })
    }

    /// Everything in this order, then the end of the run.
    pub(crate) fn run(&self, order: &[Observation]) -> Found {
        let mut engine = Engine::new(Limits::default());
        for one in order {
            engine.observe(one);
        }
        let snapshot = engine.snapshot(JUDGED);
        let case = Case {
            snapshot: &snapshot,
            environment: &self.environment,
            checks: &self.checks,
            blind: &self.blind,
            lost: self.lost,
            left_out: &self.left_out,
            filtered: self.filtered,
        };
        let (rule, verdict) = (speaker(&case).unwrap_or("none"), judge(&case));
        Found { snapshot, rule, verdict }
    }
}

fn environment(table: &Table) -> Result<Environment, String> {
    let read = &table.environment;
    let sysctls = read.sysctls.clone().unwrap_or_default();
    if let Some(odd) = sysctls.keys().find(|name| !SYSCTLS.contains(&name.as_str())) {
        return Err(format!("nobody reads the sysctl {odd:?}"));
    }
    Ok(Environment {
        kernel: read.kernel.clone(),
        sysctls: sysctls.into_iter().map(|(name, value)| (name, value.to_string())).collect(),
        sysctls_read: read.sysctls.is_some(),
        own_nat: read.own_nat.map(|nat| OwnNat {
            rules: nat.rules,
            random_fully: nat.random_fully,
            conntrack: true,
        }),
        counters: BTreeMap::new(),
    })
}
