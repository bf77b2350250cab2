//! Observations that do not come from the kernel.
//!
//! Decides how what was written down becomes values again, and nothing of what they mean.

pub mod record;
