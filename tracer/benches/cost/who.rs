//! Who watches: `tracer`, programs that do nothing on the same hooks, bpftrace with the same question, bcc's
//! tcpdrop.

use std::fmt;

use anyhow::Result;
use aya::Ebpf;

use crate::{
    live::watcher::Watcher,
    shared::watching::{Process, empty},
    traffic::Traffic,
};

/// In place of the hook set of peers.
pub(crate) const ANY: &str = "-";

/// A watcher.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Who {
    Empty,
    Tracer,
    Bpftrace,
    Tcpdrop,
}

/// One that is at it.
pub(crate) enum Watching {
    Empty(Box<Ebpf>),
    Tracer(Box<Watcher>),
    Process(Process),
}

impl Who {
    pub(crate) const ALL: [Self; 4] = [Self::Empty, Self::Tracer, Self::Bpftrace, Self::Tcpdrop];
    /// Those who need not be named. bcc's compiler takes minutes in a guest.
    pub(crate) const USUAL: [Self; 3] = [Self::Empty, Self::Tracer, Self::Bpftrace];

    /// Whether it knows nothing of hook sets.
    pub(crate) fn is_peer(self) -> bool {
        matches!(self, Self::Bpftrace | Self::Tcpdrop)
    }

    /// Starts watching what this traffic is about; `None` where it is not to be had.
    pub(crate) fn start(self, set: &str, traffic: Traffic) -> Result<Option<Watching>> {
        let port = traffic.port();
        Ok(match self {
            Self::Empty => Some(Watching::Empty(Box::new(empty(set)?))),
            Self::Tracer => {
                let watcher = Watcher::start(set, &["-p", &port.to_string()])?;
                Some(Watching::Tracer(Box::new(watcher)))
            }
            Self::Bpftrace => Process::bpftrace(port)?.map(Watching::Process),
            Self::Tcpdrop => Process::tcpdrop()?.map(Watching::Process),
        })
    }
}

impl Watching {
    pub(crate) fn stop(self) -> Result<()> {
        match self {
            Self::Empty(ebpf) => drop(ebpf),
            Self::Tracer(watcher) => watcher.finish().map(drop)?,
            Self::Process(process) => process.away()?,
        }
        Ok(())
    }
}

impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "empty",
            Self::Tracer => "tracer",
            Self::Bpftrace => "bpftrace",
            Self::Tcpdrop => "tcpdrop",
        })
    }
}
