//! What holds for any facts.

use proptest::prelude::*;

use super::*;
use crate::kernel::btf::Prototype;

const RELEASES: [&str; 13] =
    ["4.4", "4.9", "4.19", "5.10", "5.15", "5.17", "5.19", "6.1", "6.4", "6.12", "6.16", "6.18", "7.3"];

fn any_hook() -> impl Strategy<Value = &'static str> {
    proptest::sample::select(HOOKS.iter().map(|hook| hook.name).collect::<Vec<_>>())
}

fn any_set() -> impl Strategy<Value = Set> {
    proptest::sample::select(Set::ALL.as_slice())
}

fn any_wish() -> impl Strategy<Value = Wish> {
    prop_oneof![Just(Wish::Auto), any_set().prop_map(Wish::Only)]
}

fn any_source() -> impl Strategy<Value = TypesFrom> {
    prop_oneof![Just(TypesFrom::Kernel), Just(TypesFrom::File("x".into())), Just(TypesFrom::Calibration)]
}

/// A kernel with a few changes: functions that take other numbers of arguments, hooks that are gone or refused.
fn any_facts() -> impl Strategy<Value = Facts> {
    let changed = proptest::collection::vec((any_hook(), 0..8_u32, any::<bool>()), 0..3);
    let gone = proptest::collection::vec(any_hook(), 0..3);
    let refused = proptest::collection::vec((any_set(), any_hook()), 0..6);
    (proptest::sample::select(RELEASES.as_slice()), changed, gone, refused, any::<[bool; 2]>(), any_source())
        .prop_map(|(release, changed, gone, refused, [reason, rx_sk], types_from)| {
            let mut facts = kernels::with(facts(release), |types| {
                for (name, args, returns) in changed {
                    if let Some(found) = types.functions.get_mut(name) {
                        *found = Prototype { args, returns };
                    }
                }
                types.functions.retain(|name, _| !gone.contains(name));
                types.tracepoints.retain(|name| !gone.contains(name));
                types.kfree_reason &= reason;
                types.kfree_rx_sk &= rx_sk;
            });
            for (set, hook) in refused {
                facts = refuse(facts, set, hook, "no");
            }
            Facts { types_from, ..facts }
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    #[test]
    fn a_plan_is_whole(facts in any_facts(), wish in any_wish()) {
        let plan = match plan(&facts, wish) {
            Ok(plan) => plan,
            Err(Refusal::Sets(asked, refused)) => {
                prop_assert_eq!(asked, wish);
                let tried: Vec<_> = refused.iter().map(|refused| refused.set).collect();
                prop_assert_eq!(tried, match wish { Wish::Auto => Set::ALL.to_vec(), Wish::Only(set) => vec![set] });
                prop_assert!(refused.iter().all(|refused| !refused.why.is_empty()));
                return Ok(());
            }
            Err(other) => return Err(TestCaseError::fail(format!("{other:?}"))),
        };
        if let Wish::Only(set) = wish {
            prop_assert_eq!(plan.set, set);
        }
        prop_assert!(facts.types_from == TypesFrom::Kernel || plan.set != Set::Fentry);
        prop_assert!(facts.types_from != TypesFrom::Calibration || plan.set == Set::Legacy);
        // Every hook of the set that the kernel has a use for is attached or said to be missing, and none twice.
        let recycles = facts.types.as_ref().is_ok_and(Types::recycles);
        prop_assert_eq!(plan.hooks.len() + plan.missing.len(), whole(plan.set, recycles));
        for missing in &plan.missing {
            prop_assert!(!missing.why.is_empty());
            prop_assert!(plan.hooks.iter().all(|hook| hook.name != missing.hook));
            let hook = hooks_of(plan.set).find(|hook| hook.name == missing.hook).expect("a hook of the set");
            prop_assert!(hook.need != Need::Set);
            let useless = |cause: &Cause| *cause == Cause::PawsRecycle && !recycles;
            prop_assert!(hook.sees.iter().all(|cause| plan.blind.contains(cause) != useless(cause)));
        }
        for refused in facts.refused.iter().filter(|refused| refused.set == plan.set) {
            prop_assert!(plan.hooks.iter().all(|hook| hook.name != refused.hook), "{}", refused.hook);
        }
        prop_assert!(plan.blind.is_sorted());
        prop_assert!(plan.blind.windows(2).all(|pair| pair[0] != pair[1]));
    }

    #[test]
    fn more_refusals_never_show_more(facts in any_facts(), wish in any_wish(), hook in any_hook()) {
        let Ok(before) = plan(&facts, wish) else { return Ok(()) };
        let after = plan(&refuse(facts, before.set, hook, "no"), Wish::Only(before.set));
        if let Ok(after) = after {
            prop_assert!(before.blind.iter().all(|cause| after.blind.contains(cause)));
        }
    }

    #[test]
    fn every_refusal_has_its_words(facts in any_facts(), wish in any_wish()) {
        if let Err(refusal) = plan(&facts, wish) {
            let failure = Failure::from(refusal);
            prop_assert!(!failure.what.is_empty() && !failure.why.is_empty() && !failure.hint.is_empty());
        }
    }
}
