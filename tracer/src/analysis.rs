//! What the facts mean. Pure: no clock, no file, no kernel; time is an argument.

pub mod cause;
pub mod clock;
pub mod firewall;
pub mod kernel;
pub mod snmp;
pub mod totals;
pub mod verdict;
