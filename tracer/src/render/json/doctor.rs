//! The one line of `doctor -o json`.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{MissingHook, SCHEMA, TypesUsed, missing, text, time};
use crate::{
    analysis::checkup::{Meaning, Sight, advice, chosen, nat, setting, sight},
    model::{
        Cause,
        checkup::{Checkup, HookCheck, Outcome, Place, SetCheck},
    },
};

#[derive(Serialize)]
struct DoctorLine<'a> {
    r#type: &'static str,
    schema: u32,
    time: String,
    version: &'static str,
    kernel: &'a str,
    lacking: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    types: Option<TypesUsed<'a>>,
    btf: Btf<'a>,
    lockdown: Option<&'a str>,
    unfit: Option<&'a str>,
    /// The set that tracing uses.
    set: Option<&'a str>,
    sets: Vec<TriedSet<'a>>,
    causes: Vec<CauseRow>,
    sysctls: Vec<Sysctl<'a>>,
    nat: Nat,
    namespaces: Vec<Namespace<'a>>,
    namespaces_left_out: u64,
    not_looked_at: &'a [String],
    advice: String,
}

#[derive(Serialize)]
struct Btf<'a> {
    path: &'a str,
    why: Option<&'a str>,
}

#[derive(Serialize)]
struct TriedSet<'a> {
    set: &'a str,
    attaches: Option<bool>,
    why: Option<&'a str>,
    hooks: Vec<TriedHook<'a>>,
    missing: Vec<MissingHook<'a>>,
    blind: Vec<&'static str>,
    took_ms: u64,
}

#[derive(Serialize)]
struct TriedHook<'a> {
    hook: &'a str,
    attaches: Option<bool>,
    why: Option<&'a str>,
}

#[derive(Serialize)]
struct CauseRow {
    cause: &'static str,
    visible: Option<bool>,
    why: Option<String>,
}

#[derive(Serialize)]
struct Sysctl<'a> {
    name: &'a str,
    value: &'a str,
    meaning: String,
    remarkable: bool,
}

#[derive(Serialize)]
struct Nat {
    rules: Option<u32>,
    random_fully: Option<u32>,
    conntrack: Option<bool>,
    meaning: String,
    remarkable: bool,
}

#[derive(Serialize)]
struct Namespace<'a> {
    netns: u32,
    netns_name: Option<&'a str>,
    listeners: u64,
    counters: Option<&'a BTreeMap<String, u64>>,
    sysctls: Option<&'a BTreeMap<String, String>>,
}

/// Everything that `doctor` found.
pub fn doctor(checkup: &Checkup) -> String {
    let own_nat = checkup.own_nat.as_ref();
    let sysctl = |(name, value)| {
        let Meaning { text, remarkable } = setting(name, value, own_nat);
        Sysctl { name, value, meaning: text, remarkable }
    };
    let own = checkup.places.first();
    let Meaning { text: meaning, remarkable } = nat(own_nat);
    text(&DoctorLine {
        r#type: "doctor",
        schema: SCHEMA,
        time: time(checkup.time),
        version: env!("CARGO_PKG_VERSION"),
        kernel: &checkup.kernel,
        lacking: &checkup.lacking,
        types: checkup.types.as_ref().map(Into::into),
        btf: Btf { path: &checkup.types_path, why: checkup.no_types.as_deref() },
        lockdown: checkup.lockdown.as_deref(),
        unfit: checkup.unfit.as_deref(),
        set: chosen(checkup).map(|set| set.set.as_str()),
        sets: checkup.sets.iter().map(TriedSet::from).collect(),
        causes: sight(checkup).into_iter().map(CauseRow::from).collect(),
        sysctls: own
            .into_iter()
            .flat_map(|place| &place.sysctls)
            .map(|(name, value)| sysctl((name.as_str(), value.as_str())))
            .collect(),
        nat: Nat {
            rules: own_nat.map(|nat| nat.rules),
            random_fully: own_nat.map(|nat| nat.random_fully),
            conntrack: own_nat.map(|nat| nat.conntrack),
            meaning,
            remarkable,
        },
        namespaces: checkup.places.iter().map(Namespace::from).collect(),
        namespaces_left_out: checkup.places_left_out,
        not_looked_at: &checkup.not_looked_at,
        advice: advice(checkup),
    })
}

impl<'a> From<&'a SetCheck> for TriedSet<'a> {
    fn from(set: &'a SetCheck) -> Self {
        let (attaches, why, lacking, blind): (_, _, _, &[Cause]) = match &set.outcome {
            Outcome::Attaches { missing: lacking, blind } => (Some(true), None, missing(lacking), blind),
            Outcome::Refused(why) => (Some(false), Some(why.as_str()), Vec::new(), &[]),
            Outcome::NotTried(why) => (None, Some(why.as_str()), Vec::new(), &[]),
        };
        Self {
            set: &set.set,
            attaches,
            why,
            hooks: set.hooks.iter().map(TriedHook::from).collect(),
            missing: lacking,
            blind: blind.iter().map(|cause| cause.name()).collect(),
            took_ms: set.took_ms,
        }
    }
}

impl<'a> From<&'a HookCheck> for TriedHook<'a> {
    fn from(hook: &'a HookCheck) -> Self {
        Self { hook: &hook.hook, attaches: hook.attaches, why: hook.why.as_deref() }
    }
}

impl From<(Cause, Sight)> for CauseRow {
    fn from((cause, sight): (Cause, Sight)) -> Self {
        let (visible, why) = match sight {
            Sight::Visible => (Some(true), None),
            Sight::Blind(why) => (Some(false), Some(why)),
            Sight::Unknown(why) => (None, Some(why)),
        };
        Self { cause: cause.name(), visible, why }
    }
}

impl<'a> From<&'a Place> for Namespace<'a> {
    fn from(place: &'a Place) -> Self {
        Self {
            netns: place.netns,
            netns_name: place.name.as_deref(),
            listeners: place.listeners,
            counters: Some(&place.counters).filter(|counters| !counters.is_empty()),
            sysctls: Some(&place.sysctls).filter(|sysctls| !sysctls.is_empty()),
        }
    }
}
