//! The traffic: packets through a TUN device of a namespace, each of which the kernel is done with when the next is sent.

use std::{
    fmt, io,
    net::{SocketAddr, TcpListener, UdpSocket},
    os::fd::AsFd as _,
};

use anyhow::{Context as _, Result};
use nix::sys::socket::{setsockopt, sockopt};

use crate::live::{
    family::Family,
    lab::Lab,
    packet::{Ip, Segment, flag, ip},
    peer::PORT,
};

/// What comes in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Traffic {
    /// SYN, SYN/ACK, ACK, and the server closes: the port is watched.
    Accepted,
    /// The same, and another port is watched.
    OtherPort,
    /// SYNs that PAWS refuses in TIME_WAIT.
    Dropped,
    /// Datagrams to a socket that is full.
    Foreign,
}

impl Traffic {
    pub(crate) const ALL: [Self; 4] = [Self::Accepted, Self::OtherPort, Self::Dropped, Self::Foreign];

    /// The port to be watched.
    pub(crate) fn port(self) -> u16 {
        if self == Self::OtherPort { 1 } else { PORT }
    }

    /// Everything in place but the packets.
    pub(crate) fn prepare(self) -> Result<Scene> {
        let mut lab = Lab::new(Family::V4)?;
        let listener = lab.listen(1024)?;
        let mut old = Vec::new();
        let mut full = None;
        match self {
            Self::Accepted | Self::OtherPort => {}
            Self::Dropped => {
                for host in 0..BUCKETS {
                    let syn = lab.syn(host + 2, 40_000, 1, Some(NEWER));
                    lab.time_wait(&listener, &syn)?;
                    let mut syn = lab.syn(host + 2, 40_000, 1_000_000, Some(OLDER));
                    syn.window = 1024;
                    old.push(syn.segment().bytes());
                }
            }
            Self::Foreign => {
                let address = SocketAddr::new(lab.server(), PORT);
                let socket = lab.netns.run(|| UdpSocket::bind(address)).context("bind a UDP socket")?;
                // The least that the kernel allows; nobody reads.
                setsockopt(&socket.as_fd(), sockopt::RcvBuf, &1)?;
                full = Some(socket);
            }
        }
        Ok(Scene { traffic: self, lab, listener, old, _full: full })
    }
}

impl fmt::Display for Traffic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Accepted => "SYN accepted and observed",
            Self::OtherPort => "SYN to another port",
            Self::Dropped => "SYN dropped and reported",
            Self::Foreign => "UDP drop",
        })
    }
}

/// Clients whose SYNs are refused.
const BUCKETS: u8 = 8;
/// Timestamps, and one that is older.
const NEWER: u32 = 2_000_000_000;
const OLDER: u32 = 1_000_000_000;

/// A namespace in which it happens.
pub(crate) struct Scene {
    traffic: Traffic,
    lab: Lab,
    listener: TcpListener,
    /// SYNs to be refused.
    old: Vec<Vec<u8>>,
    _full: Option<UdpSocket>,
}

impl Scene {
    /// So many SYNs, or datagrams.
    pub(crate) fn run(&mut self, syns: u32) -> Result<()> {
        match self.traffic {
            Traffic::Accepted | Traffic::OtherPort => (0..syns).try_for_each(|n| self.connection(n)),
            Traffic::Dropped => (0..syns as usize).try_for_each(|n| {
                let packet = &self.old[n % self.old.len()];
                self.lab.write(0, packet)?;
                self.lab.drain()
            }),
            Traffic::Foreign => {
                let to = self.lab.server();
                let from = self.lab.family.host(2);
                let udp = [0x9c, 0x40, 0x1b, 0x58, 0, 16, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8];
                let header = Ip { from, to, protocol: 17, ttl: 64, fragment: 0, extra: &[] };
                let packet = ip(header, &udp);
                (0..syns).try_for_each(|_| self.lab.write(0, &packet))
            }
        }
    }

    fn connection(&mut self, n: u32) -> Result<()> {
        // Many clients, so that the sampling of each source is what it is in life.
        let host = u8::try_from(2 + n % 200)?;
        let sport = u16::try_from(1024 + n / 200 % 40_000)?;
        let syn = self.lab.syn(host, sport, n, Some(n));
        self.lab.send(&syn.segment())?;
        let from = syn.from;
        let synack = self.lab.reply("SYN/ACK", |reply| reply.to == from && reply.has(flag::SYN))?;
        let mut ack =
            Segment::new(syn.from, syn.to, flag::ACK, n.wrapping_add(1), synack.seq.wrapping_add(1));
        ack.options.extend([1, 1, 8, 10]);
        ack.options.extend(n.to_be_bytes());
        ack.options.extend(synack.tsval.unwrap_or(0).to_be_bytes());
        self.lab.send(&ack)?;
        let (stream, _) = self.listener.accept().context("take the connection")?;
        // A reset: nothing is left of it.
        setsockopt(&stream.as_fd(), sockopt::Linger, &nix::libc::linger { l_onoff: 1, l_linger: 0 })
            .map_err(io::Error::from)?;
        drop(stream);
        self.lab.drain()
    }
}
