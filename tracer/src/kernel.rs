//! The kernel edge: the only room that knows aya, BTF and file descriptors of the kernel.

pub mod btf;
pub mod calibration;
pub mod capability;
pub mod clock;
pub mod hooks;
pub mod load;
pub mod plan;
pub mod ring;
mod told;
pub mod trial;
pub mod types;
