//! How often the clocks are right, over simulated clients; `cargo xtask eval` prints the whole table.
//!
//! The simulation knows nothing of how the clocks are told apart, only what is put in and what comes out. Without
//! options of its own it is a test of a few seconds.

// Numbers made up here are small; the casts are the simulation.
#![allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)]

mod eval {
    pub(crate) mod baseline;
    pub(crate) mod calibration;
    pub(crate) mod captures;
    pub(crate) mod checks;
    pub(crate) mod cost;
    pub(crate) mod exact;
    pub(crate) mod first;
    pub(crate) mod host;
    pub(crate) mod kind;
    pub(crate) mod measure;
    pub(crate) mod mixes;
    pub(crate) mod negatives;
    pub(crate) mod path;
    pub(crate) mod plan;
    pub(crate) mod positives;
    pub(crate) mod random;
    pub(crate) mod single;
    pub(crate) mod situations;
    pub(crate) mod start;
    pub(crate) mod stress;
}

use std::process::ExitCode;

fn main() -> ExitCode {
    eval::start::main()
}
