//! The contract between the eBPF programs and the program that loads them.
//!
//! Plain numbers with a fixed layout and nothing else: no meaning is decided here. Both sides are always
//! built from the same sources, so there is no version field; a layout change is a compile-time matter.
#![no_std]

pub mod calibration;
pub mod config;
pub mod counters;
pub mod event;
pub mod facts;
pub mod legacy;
pub mod offsets;
