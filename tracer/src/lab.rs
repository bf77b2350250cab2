//! Makes an incident on this machine: a server, a NAT and the clients behind it, in network namespaces that nobody else
//! sees. `tracer demo` and the live tests use it.
//!
//! Nothing is left behind, however the program ends: the namespaces have no name, so the kernel removes them with their
//! links, rules and programs when the last descriptor and thread of this process is gone. The host's own namespaces,
//! addresses and rules are never touched.

mod net;
mod scenario;
mod traffic;

use std::{io, sync::Arc};

pub use scenario::Scenario;
pub use traffic::Heard;

use self::{
    net::{command, has, rules, sysctl},
    traffic::{Pace, Traffic},
};
use crate::{
    error::{Exit, Failure},
    kernel::clock::{self, Clocked},
    netns::Netns,
};

/// The server's address behind the NAT.
pub const SERVER: &str = "10.77.0.2";
/// The address that the server sees.
pub const OUTSIDE: &str = "10.77.0.1";
/// The server's port.
pub const PORT: u16 = 443;

/// The laboratory: it lives until it is dropped.
pub struct Lab {
    scenario: Scenario,
    server: Arc<Netns>,
    nat: Arc<Netns>,
    clients: Vec<Arc<Netns>>,
    traffic: Option<Traffic>,
    clocks: Vec<Clocked>,
}

impl Lab {
    /// Makes the namespaces, links, rules and clocks. No packet flows yet.
    ///
    /// # Errors
    /// Without privileges, without `ip` or `nft`, or where the kernel refuses a part.
    pub fn build(scenario: Scenario) -> Result<Self, Failure> {
        net::needs(&[("ip", "iproute2"), ("nft", "nftables")])?;
        let new = || Netns::create().map(Arc::new).map_err(|error| no_namespace(&error));
        let mut lab = Self {
            scenario,
            server: new()?,
            nat: new()?,
            clients: Vec::new(),
            traffic: None,
            clocks: Vec::new(),
        };
        for _ in scenario.clients() {
            lab.clients.push(new()?);
        }
        lab.wire().map_err(|error| {
            Failure::new(
                Exit::Failure,
                "cannot make the demonstration's network",
                super::error::words(&error),
                "it needs the kernel's veth, nf_tables, nf_nat and cls_bpf; see what is loaded: `lsmod`",
            )
        })?;
        Ok(lab)
    }

    /// The server's namespace, where the drops happen.
    pub fn server(&self) -> Arc<Netns> {
        Arc::clone(&self.server)
    }

    /// One sentence on what was made.
    pub fn describe(&self) -> String {
        self.scenario.describe()
    }

    /// Starts the server and the clients.
    ///
    /// # Errors
    /// When a socket or a thread cannot be made.
    pub fn start(&mut self) -> Result<(), Failure> {
        let pace = Pace {
            workers: self.scenario.workers(),
            accept_every: self.scenario.accept_every(),
            backlog: self.scenario.backlog(),
        };
        let traffic = Traffic::start(&self.server, &self.clients, pace).map_err(|error| {
            Failure::new(
                Exit::Failure,
                "cannot start the demonstration's server and clients",
                super::error::words(&error),
                "see the limits on threads and files: `ulimit -a`",
            )
        })?;
        self.traffic = Some(traffic);
        Ok(())
    }

    /// What the clients have seen until now.
    pub fn heard(&self) -> Heard {
        self.traffic.as_ref().map(Traffic::heard).unwrap_or_default()
    }

    fn wire(&mut self) -> io::Result<()> {
        let (nat, server) = (Arc::clone(&self.nat), Arc::clone(&self.server));
        link(&nat, "out", &format!("{OUTSIDE}/24"), &server, &format!("{SERVER}/24"))?;
        nat.run(|| {
            sysctl("net/ipv4/ip_forward", "1")?;
            rules(&self.scenario.rules())?;
            // The NAT forgets a closed connection at once and lends its port to the next client; the server does not.
            for (name, seconds) in [("time_wait", "1"), ("close", "1"), ("syn_sent", "5"), ("last_ack", "2")]
            {
                sysctl(&format!("net/netfilter/nf_conntrack_tcp_timeout_{name}"), seconds)?;
            }
            Ok(())
        })?;
        server.run(|| command("ip", &["route", "add", "default", "via", OUTSIDE]).map(drop))?;
        for (n, (client, set_up)) in (1_usize..).zip(self.clients.iter().zip(self.scenario.clients())) {
            let gateway = format!("10.77.{n}.1");
            link(&nat, &format!("in{n}"), &format!("{gateway}/24"), client, &format!("10.77.{n}.2/24"))?;
            self.clocks.push(client.run(|| {
                command("ip", &["route", "add", "default", "via", &gateway])?;
                // One clock for all connections, the machine's; `clock` makes it another. Before 4.10 there is no other, and a
                // new namespace has no such setting.
                if has("net/ipv4/tcp_timestamps") {
                    sysctl("net/ipv4/tcp_timestamps", "2")?;
                }
                sysctl("net/ipv4/ip_local_port_range", set_up.ports)?;
                clock::shift("eth0", set_up.clock)
            })?);
        }
        Ok(())
    }
}

/// A pair of devices: `name` in the NAT, `eth0` at the other end.
fn link(nat: &Netns, name: &str, address: &str, other: &Netns, other_address: &str) -> io::Result<()> {
    let path = other.path().to_string_lossy().into_owned();
    nat.run(|| {
        let words = ["link", "add", name, "type", "veth", "peer", "name", "eth0", "netns", &path];
        command("ip", &words)?;
        up(name, address)
    })?;
    other.run(|| up("eth0", other_address))
}

fn up(device: &str, address: &str) -> io::Result<()> {
    // Neighbours of IPv6 would only add packets; a kernel without IPv6 has no such setting.
    let _ = sysctl(&format!("net/ipv6/conf/{device}/disable_ipv6"), "1");
    command("ip", &["addr", "add", address, "dev", device])?;
    command("ip", &["link", "set", device, "up"])?;
    command("ip", &["link", "set", "lo", "up"]).map(drop)
}

fn no_namespace(error: &io::Error) -> Failure {
    Failure::new(
        Exit::Unable,
        "cannot make a network namespace",
        super::error::words(error),
        "it takes root (CAP_SYS_ADMIN): `sudo tracer demo`",
    )
}
