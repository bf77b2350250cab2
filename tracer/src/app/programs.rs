//! `tracer programs`: loads and attaches a set, and prints what the kernel says about its programs.

use super::{
    live::SETTINGS,
    request::{types_from, wish},
    sink::Sink,
};
use crate::{
    cli::{Hooks, TypesArgs},
    error::{Exit, Failure},
    kernel::{
        capability,
        load::{KernelFilter, attach},
    },
    render::json,
};

/// One line a program.
///
/// # Errors
/// As [`super::live::trace`].
pub fn programs(hooks: Hooks, types: &TypesArgs) -> Result<Exit, Failure> {
    let mut facts = capability::facts(types_from(types));
    capability::raise_memlock();
    let filter = KernelFilter {
        words: tracer_common::config::Filter { no_listener: 1, ..Default::default() },
        ports: Box::new([0; tracer_common::config::PORT_WORDS]),
        prefixes: Vec::new(),
    };
    let attached = attach(&mut facts, wish(hooks), &filter, SETTINGS)?;
    let mut sink = Sink::stdout();
    for p in attached.programs() {
        sink.line(&json::program(attached.plan.set.name(), &facts.kernel, &p))?;
    }
    sink.flush()?;
    Ok(Exit::Done)
}
