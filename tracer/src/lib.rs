//! `tracer` names every SYN the kernel drops, and why.
//!
//! Three rings: the kernel edge (`kernel`), the pure core (`decode`, `source`, `model`, `analysis`, `render`) and the
//! shell around them (`app`, `cli`, `lab`, `tui`). Only the first knows aya; only the last knows time and terminals.

pub mod analysis;
pub mod app;
pub mod cli;
pub mod decode;
pub mod error;
pub mod kernel;
pub mod keyed;
pub mod lab;
pub mod model;
mod netlink;
pub mod netns;
pub mod render;
pub mod source;
pub mod tui;
