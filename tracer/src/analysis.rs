//! What the facts mean. Pure: no clock, no file, no kernel; time is an argument.

mod aggregate;
pub mod cause;
pub mod checkup;
pub mod clock;
pub mod engine;
pub mod firewall;
pub mod kernel;
pub mod listening;
mod most;
mod nat;
mod order;
mod pairs;
pub mod recall;
pub mod recent;
mod refusals;
mod retry;
pub mod selection;
mod served;
pub mod snmp;
pub mod summary;
pub mod timeline;
pub mod verdict;
pub mod wire;
