//! `tracer` names every SYN the kernel drops, and why.
//!
//! Three rings: the kernel edge (`kernel`), the pure core (`decode`, `model`, `analysis`) and the shell
//! around them (`app`, `render`, `lab`). Only the first knows aya; only the last knows time and terminals.

pub mod cli;
pub mod error;
pub mod model;
pub mod netns;
