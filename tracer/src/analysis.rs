//! What the facts mean. Pure: no clock, no file, no kernel; time is an argument.

mod aggregate;
pub mod cause;
pub mod clock;
pub mod engine;
pub mod firewall;
pub mod kernel;
mod most;
mod nat;
mod order;
mod pairs;
pub mod recent;
mod refusals;
mod retry;
pub mod selection;
pub mod snmp;
pub mod summary;
pub mod verdict;
pub mod wire;
