//! What a run rests on: the kernel's words, what is attached, what stays invisible.

use super::time_of_day;
use crate::{
    analysis::kernel::Kernel,
    error::Failure,
    kernel::{
        load::{Attached, Counts, Kinds},
        plan::Facts,
    },
    model::report::{FilterWords, Start},
};

/// Known before the first record comes.
pub(in crate::app) struct Ground<'a> {
    pub(super) kernel: Kernel,
    pub(super) start: Start,
    /// The kernel side's counts when everything was in place.
    pub(super) counts: Counts,
    /// Reads what the kernel side counted of drops without a record.
    pub(super) unsent: &'a dyn Fn() -> Result<Kinds, Failure>,
}

impl<'a> Ground<'a> {
    /// Of programs that are in place.
    pub(in crate::app) fn of(
        facts: &Facts,
        attached: &Attached,
        filter: &FilterWords,
        unsent: &'a dyn Fn() -> Result<Kinds, Failure>,
    ) -> Result<Self, Failure> {
        let plan = &attached.plan;
        let types = facts.types.as_ref().ok();
        let mut kernel = Kernel::new(
            &facts.kernel,
            types.map_or(&[], |types| &types.reasons),
            types.map_or(&[], |types| &types.timewait_verdicts),
        );
        kernel.function_hooks = plan.set.hooks_functions();
        kernel.rx_sk = types.is_some_and(|t| t.kfree_rx_sk);
        kernel.check_req_reasons = types.is_some_and(|t| t.args("tcp_check_req") >= 6);
        let start = Start {
            time: time_of_day()?,
            version: env!("CARGO_PKG_VERSION").into(),
            kernel: Some(facts.kernel.clone()),
            set: plan.set.name().into(),
            attached: plan.hooks.iter().map(|hook| hook.name.to_owned()).collect(),
            missing: plan.missing.clone(),
            types: facts.types_used(),
            blind: plan.blind.clone(),
            filter: filter.clone(),
            limits: None,
            capture: None,
        };
        Ok(Self { kernel, start, counts: attached.counts()?, unsent })
    }
}
