//! The full-screen view's edge: the terminal, its keys, and what they do.
//!
//! Knows nothing of where observations come from; what is drawn is decided in `render::top`.

mod clipboard;
pub mod screen;
pub mod ui;
pub mod update;
