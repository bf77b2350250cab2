//! Tries a hook set for real and takes it off again: what tracing would come to, and what every single hook would.

use super::{
    hooks::Set,
    load::{KernelFilter, Settings, attach, attach_hook, load, own_types},
    plan::{Facts, Plan, Wish, hooks_of, survey, unfit},
};
use crate::error::Failure;

/// What became of a set.
#[derive(Debug)]
pub struct Trial {
    /// What tracing with it would attach; or why it would not.
    pub outcome: Result<Plan, Failure>,
    /// Every hook of the set by itself: in place, or why not.
    pub hooks: Vec<(&'static str, Result<(), String>)>,
}

/// Tries. Nothing stays attached.
pub fn try_out(facts: &Facts, set: Set, filter: &KernelFilter, settings: Settings) -> Trial {
    // What one set is refused says nothing of another.
    let mut facts = Facts { refused: Vec::new(), ..facts.clone() };
    match attach(&mut facts, Wish::Only(set), filter, settings) {
        Ok(mut attached) => {
            attached.detach();
            let plan = attached.plan;
            // Those that this kernel has no use for are neither.
            let hook = |name: &'static str| match plan.missing.iter().find(|missing| missing.hook == name) {
                Some(missing) => Some((name, Err(missing.why.clone()))),
                None => plan.hooks.iter().any(|hook| hook.name == name).then_some((name, Ok(()))),
            };
            let hooks = hooks_of(set).filter_map(|h| hook(h.name)).collect();
            Trial { outcome: Ok(plan), hooks }
        }
        Err(failure) => {
            let hooks = one_by_one(&facts, set, filter, settings, &failure);
            Trial { outcome: Err(failure), hooks }
        }
    }
}

/// Every hook of a set that does not attach as a whole. Where not even that can be tried, `failure` is the reason for all.
fn one_by_one(
    facts: &Facts,
    set: Set,
    filter: &KernelFilter,
    settings: Settings,
    failure: &Failure,
) -> Vec<(&'static str, Result<(), String>)> {
    let all_the_same = |why: &str| hooks_of(set).map(|hook| (hook.name, Err(why.to_owned()))).collect();
    let types = match &facts.types {
        Ok(types)
            if facts.lacking_capabilities.is_empty() && !facts.confidential && unfit(facts).is_none() =>
        {
            types
        }
        _ => return all_the_same(&failure.why),
    };
    let (plan, _) = survey(facts, types, set);
    let mut ebpf = match load(&plan, types, filter, settings) {
        Ok(ebpf) => ebpf,
        Err(failure) => return all_the_same(&failure.why),
    };
    let own = own_types(facts);
    let mut result = |name: &'static str| {
        if let Some(missing) = plan.missing.iter().find(|missing| missing.hook == name) {
            return Some((name, Err(missing.why.clone())));
        }
        let hook = plan.hooks.iter().find(|hook| hook.name == name)?;
        Some((name, attach_hook(&mut ebpf, set, hook, types.target(hook), own.as_ref())))
    };
    hooks_of(set).filter_map(|hook| result(hook.name)).collect()
}
