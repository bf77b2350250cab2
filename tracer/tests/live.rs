//! The live suite: crafted SYNs against real kernels, and what `tracer` says of each.
//!
//! Written against the contract and the notes on the kernel, not against the program. Wants root and `TRACER_BIN`.
//! `TRACER_LIVE_SETS=fentry,kprobe` names hook sets that must attach; without it the sets that this kernel allows are
//! tested and the others are said to be skipped.

mod live {
    pub(crate) mod cases;
    pub(crate) mod counters;
    pub(crate) mod demo;
    pub(crate) mod doctor;
    pub(crate) mod event;
    pub(crate) mod family;
    pub(crate) mod fate;
    pub(crate) mod filters;
    pub(crate) mod floods;
    pub(crate) mod ground;
    pub(crate) mod lab;
    pub(crate) mod named;
    pub(crate) mod packet;
    pub(crate) mod peer;
    pub(crate) mod programs;
    pub(crate) mod readings;
    pub(crate) mod recycle;
    pub(crate) mod runs;
    pub(crate) mod suite;
    pub(crate) mod syn;
    pub(crate) mod sys;
    pub(crate) mod top;
    pub(crate) mod types;
    pub(crate) mod watcher;
}

use std::process::ExitCode;

use libtest_mimic::Arguments;

fn main() -> ExitCode {
    if std::env::args().nth(1).as_deref() == Some(live::top::PANIC) {
        live::top::panic_on_screen();
    }
    match live::suite::run(&Arguments::from_args()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(101),
        Err(error) => {
            eprintln!("live: {error:#}");
            ExitCode::FAILURE
        }
    }
}
