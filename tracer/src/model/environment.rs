//! What was read of the machine that dropped the SYNs: what a remedy must fit.
//!
//! Everything may be unknown (a capture tells nothing of it), and unknown is never taken for a default.

use std::collections::BTreeMap;

/// The machine.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Environment {
    /// `uname -r`.
    pub kernel: Option<String>,
    /// Sysctls by name (`net.ipv4.tcp_timestamps`), as read in the namespace with the most drops; one that the kernel
    /// does not have is not in it.
    pub sysctls: BTreeMap<String, String>,
    /// Whether `sysctls` was read at all: without, an absent one says nothing.
    pub sysctls_read: bool,
    /// Network address translation on this machine itself; `None`: not looked at.
    pub own_nat: Option<OwnNat>,
    /// Movement of the kernel's SNMP counters that dropped SYNs move, during the run, by name (`TcpExtListenDrops`);
    /// empty: not read.
    pub counters: BTreeMap<String, u64>,
}

/// Source NAT that this machine does, for clients behind it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OwnNat {
    /// SNAT or MASQUERADE rules.
    pub rules: u32,
    /// ... of those, with `random-fully` (`fully-random` in nft).
    pub random_fully: u32,
    /// Connection tracking is in use.
    pub conntrack: bool,
}
