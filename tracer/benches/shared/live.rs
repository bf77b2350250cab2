//! The laboratory of the live tests.

#![allow(dead_code, reason = "the live tests use more of it")]

#[path = "../../tests/live/counters.rs"]
pub(crate) mod counters;
#[path = "../../tests/live/event.rs"]
pub(crate) mod event;
#[path = "../../tests/live/family.rs"]
pub(crate) mod family;
#[path = "../../tests/live/fate.rs"]
pub(crate) mod fate;
#[path = "../../tests/live/ground.rs"]
pub(crate) mod ground;
#[path = "../../tests/live/lab.rs"]
pub(crate) mod lab;
#[path = "../../tests/live/packet.rs"]
pub(crate) mod packet;
#[path = "../../tests/live/peer.rs"]
pub(crate) mod peer;
#[path = "../../tests/live/syn.rs"]
pub(crate) mod syn;
#[path = "../../tests/live/sys.rs"]
pub(crate) mod sys;
#[path = "../../tests/live/watcher.rs"]
pub(crate) mod watcher;
