//! Who listens: the process behind a listening socket, and how many drops its port had.

use std::{net::IpAddr, sync::Arc};

/// The process that owns the listening socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listener {
    /// Process id in the tracer's own PID namespace.
    pub pid: u32,
    /// `comm` of the process.
    pub comm: String,
    /// Control group path; it tells the container and the pod.
    pub cgroup: Option<String>,
    /// How many processes share the socket, this one included.
    pub processes: Option<u32>,
    /// How many sockets listen alike (`SO_REUSEPORT`); the process is that of the first.
    pub sockets: Option<u32>,
}

/// What was dropped at an address and port on which somebody listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Served {
    /// Network namespace, by inode.
    pub netns: Option<u32>,
    /// Its name, where it has one.
    pub netns_name: Option<Arc<str>>,
    /// Server address.
    pub dst: IpAddr,
    /// Server port.
    pub dport: u16,
    /// Who listens there, as far as it was known last.
    pub listener: Option<Arc<Listener>>,
    /// Dropped SYNs.
    pub drops: u64,
}
