//! What each scenario consists of. Data and text; nothing happens here.

use std::time::Duration;

use super::{OUTSIDE, PORT, SERVER};
use crate::kernel::clock::Clock;

/// The incidents that can be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Scenario {
    /// Three clients with their own clocks behind one NAT address.
    Nat,
    /// One client with a clock for every connection, behind a NAT.
    OneClient,
    /// As nat, and a firewall eats the bare ACKs: nothing comes back.
    Silent,
    /// The server accepts too slowly: looks alike, and is not PAWS.
    AcceptQueue,
    /// Nothing is dropped.
    Healthy,
    /// The clients of nat, each with an address of its own: no drops.
    NoNat,
}

/// A client behind the NAT.
#[derive(Clone, Copy, Debug)]
pub(super) struct Client {
    pub(super) clock: Clock,
    /// `ip_local_port_range`.
    pub(super) ports: &'static str,
}

/// Clocks as of machines that were started at different times, in ticks of a millisecond: now, 37 hours ago, 9 days ago.
/// Ports apart from one another, so that only the NAT makes two clients meet on one.
const THREE: [Client; 3] = [
    Client { clock: Clock::Ahead(0), ports: "20000 29999" },
    Client { clock: Clock::Ahead(37 * 3_600_000), ports: "30000 39999" },
    Client { clock: Clock::Ahead(9 * 86_400_000), ports: "45000 54999" },
];

const ONE: [Client; 1] = [Client { clock: Clock::PerConnection, ports: "20000 29999" }];

impl Scenario {
    pub(super) fn clients(self) -> &'static [Client] {
        match self {
            Self::OneClient => &ONE,
            _ => &THREE,
        }
    }

    /// Connections that a client has open at once.
    pub(super) fn workers(self) -> usize {
        match self {
            Self::OneClient => 6,
            Self::Silent | Self::AcceptQueue => 4,
            Self::Nat | Self::Healthy | Self::NoNat => 2,
        }
    }

    /// Pause of the server between two accepts.
    pub(super) fn accept_every(self) -> Duration {
        match self {
            Self::AcceptQueue => Duration::from_secs(1),
            _ => Duration::ZERO,
        }
    }

    /// The server's backlog.
    pub(super) fn backlog(self) -> i32 {
        match self {
            Self::AcceptQueue => 3,
            _ => 128,
        }
    }

    /// The outside ports that the NAT lends; `None`: the client's own.
    fn outside_ports(self) -> Option<&'static str> {
        match self {
            Self::Nat | Self::OneClient => Some("40000-40023"),
            Self::Silent => Some("40000-40031"),
            Self::AcceptQueue | Self::Healthy | Self::NoNat => None,
        }
    }

    /// For `nft`, in the NAT's namespace.
    pub(super) fn rules(self) -> String {
        let ports = self.outside_ports().map_or(String::new(), |ports| format!(":{ports} fully-random"));
        let rule = if self == Self::NoNat {
            String::new()
        } else {
            format!("oifname \"out\" ip protocol tcp snat to {OUTSIDE}{ports}")
        };
        // A prerouting chain, though empty: kernels before 4.18 translate no answers without one.
        let nat = format!(
            "table ip nat {{
                chain prerouting {{ type nat hook prerouting priority -100; }}
                chain postrouting {{
                    type nat hook postrouting priority 100;
                    {rule}
                }}
            }}"
        );
        if self != Self::Silent {
            return nat;
        }
        // A connection is marked by its SYN/ACK; a bare ACK to one without the mark answers a refused SYN.
        format!(
            "{nat}
            table ip fw {{
                chain forward {{
                    type filter hook forward priority 0;
                    iifname \"out\" tcp flags & (syn|ack) == syn|ack ct mark set 1
                    iifname \"out\" tcp flags & (syn|fin|rst|ack) == ack ct mark != 1 drop
                }}
            }}"
        )
    }

    /// One sentence.
    pub(super) fn describe(self) -> String {
        let place = format!("behind {OUTSIDE}");
        let server = format!("a server on {SERVER}:{PORT}");
        match self {
            Self::Nat => format!(
                "three clients with clocks of their own {place}, a NAT that lends 24 ports in turn, {server} that closes first"
            ),
            Self::OneClient => format!(
                "one client with a clock for every connection {place}, a NAT that lends 24 ports in turn, {server} that closes first"
            ),
            Self::Silent => format!(
                "three clients with clocks of their own {place}, a NAT that lends 32 ports in turn and a firewall that eats bare ACKs, {server} that closes first"
            ),
            Self::AcceptQueue => {
                format!("three clients {place}, {server} that accepts one connection a second (backlog 3)")
            }
            Self::NoNat => format!(
                "three clients with clocks of their own at addresses of their own, no NAT, {server} that closes first"
            ),
            Self::Healthy => {
                format!("three clients {place}, every connection on a port of its own, {server}")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_silent_eats_acks() {
        assert!(Scenario::Silent.rules().contains("== ack ct mark != 1 drop"));
        for scenario in [Scenario::Nat, Scenario::OneClient, Scenario::AcceptQueue, Scenario::Healthy] {
            assert!(!scenario.rules().contains("drop"), "{scenario:?}");
        }
        assert!(!Scenario::NoNat.rules().contains("snat"));
        assert!(!Scenario::Healthy.rules().contains("10.77.0.1:"));
    }
}
