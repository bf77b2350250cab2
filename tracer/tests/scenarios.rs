//! Scenario tables: what was observed goes in, what the analysis must make of it comes out.
//!
//! Each `tests/scenarios/*.toml` is one incident, written from what the kernel and the clients' stacks do and not from what
//! the program says. Its shape is in `table.rs` and `expect.rs`; a new file there is a new test.

// The numbers of a table are small; the casts are the simulation.
#![allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)]

mod scenarios {
    pub(crate) mod checks;
    pub(crate) mod compare;
    pub(crate) mod coverage;
    pub(crate) mod expect;
    pub(crate) mod hosts;
    pub(crate) mod order;
    pub(crate) mod refusals;
    pub(crate) mod run;
    pub(crate) mod start;
    pub(crate) mod table;
    pub(crate) mod told;
    pub(crate) mod words;
}

use std::process::ExitCode;

fn main() -> ExitCode {
    scenarios::start::main()
}
