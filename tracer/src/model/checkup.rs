//! What `doctor` found on a machine before anything is traced: facts, and what could not be looked at.

use std::collections::BTreeMap;

use super::{
    Cause, Nanos,
    environment::OwnNat,
    report::{Missing, Types},
};

/// Everything that was found.
#[derive(Clone, Debug, PartialEq)]
pub struct Checkup {
    /// When.
    pub time: Nanos,
    /// `uname -r`.
    pub kernel: String,
    /// This program was built without its eBPF part, and can trace nowhere.
    pub unbuilt: bool,
    /// Capabilities that tracing needs and this process lacks.
    pub lacking: Vec<String>,
    /// Where type information was looked for.
    pub types_path: String,
    /// Where it is from, if there is any.
    pub types: Option<Types>,
    /// Why there is none, or none that suffices.
    pub no_types: Option<String>,
    /// What keeps every hook set from working here, whatever the rest is: a kernel that is too old, or without eBPF.
    pub unfit: Option<String>,
    /// The kernel's lockdown: `none`, `integrity`, `confidentiality`; `None`: this kernel has none, or it cannot be read.
    pub lockdown: Option<String>,
    /// The kernel names the socket that a dropped packet was for (6.11); `None`: not known.
    pub rx_sk: Option<bool>,
    /// The kernel says why an open handshake refused a SYN (6.15); `None`: not known.
    pub check_req_reasons: Option<bool>,
    /// The hook sets, best first.
    pub sets: Vec<SetCheck>,
    /// Namespaces in which somebody listens; our own first, whether or not somebody does.
    pub places: Vec<Place>,
    /// ... and those beyond the ones that are told apart.
    pub places_left_out: u64,
    /// Source address translation in our own namespace; `None`: not known.
    pub own_nat: Option<OwnNat>,
    /// What could not be looked at, and why; one sentence each.
    pub not_looked_at: Vec<String>,
}

/// A hook set, tried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetCheck {
    /// Its name.
    pub set: String,
    /// What became of it.
    pub outcome: Outcome,
    /// Its hooks, each by itself, in the order of attachment.
    pub hooks: Vec<HookCheck>,
    /// How long that took, milliseconds.
    pub took_ms: u64,
}

/// What became of a set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It attaches, as far as it goes.
    Attaches {
        /// Hooks that it would go without.
        missing: Vec<Missing>,
        /// Causes that it would not see.
        blind: Vec<Cause>,
    },
    /// It does not, in the system's words.
    Refused(String),
    /// It could not be tried.
    NotTried(String),
}

/// A hook, tried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HookCheck {
    /// Kernel function or tracepoint.
    pub hook: String,
    /// Whether it attaches; `None`: it could not be tried.
    pub attaches: Option<bool>,
    /// Why not.
    pub why: Option<String>,
}

/// A network namespace.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// Inode.
    pub netns: u32,
    /// Name, where it has one.
    pub name: Option<String>,
    /// Sockets that listen there.
    pub listeners: u64,
    /// SNMP counters that dropped SYNs move, since the namespace is there; empty: not read.
    pub counters: BTreeMap<String, u64>,
    /// Settings that matter; one that the kernel does not have is not in it.
    pub sysctls: BTreeMap<String, String>,
}
