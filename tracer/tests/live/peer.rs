//! Both ends of a connection: listening sockets inside the laboratory, and a client made of crafted segments.

use std::{
    io,
    net::{Ipv6Addr, SocketAddr, TcpListener, TcpStream},
    os::fd::{AsRawFd as _, OwnedFd},
};

use anyhow::{Context as _, Result, bail};
use nix::{
    errno::Errno,
    fcntl::{FcntlArg, OFlag, fcntl},
    sys::socket::{
        Backlog, SockaddrStorage, bind, connect, listen, setsockopt,
        sockopt::{IpTransparent, ReuseAddr},
    },
};

use super::{
    fate::Fate,
    lab::Lab,
    packet::{Reply, Segment, flag},
    syn::Syn,
    sys,
};

/// Where servers listen.
pub(crate) const PORT: u16 = 7000;
/// `IPPROTO_MPTCP`.
const MPTCP: i32 = 262;

/// The client's side of an open connection.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    pub(crate) from: SocketAddr,
    pub(crate) to: SocketAddr,
    /// Next sequence number to send.
    pub(crate) next: u32,
    /// Next sequence number expected.
    pub(crate) expected: u32,
    /// Last TSval sent.
    pub(crate) tsval: Option<u32>,
    /// Last TSval seen.
    pub(crate) echo: u32,
}

impl Client {
    /// A segment of this connection, a tick later than the one before.
    fn segment(&mut self, flags: u8) -> Segment {
        let mut segment = Segment::new(self.from, self.to, flags, self.next, self.expected);
        self.tsval = self.tsval.map(|tsval| tsval.wrapping_add(1));
        if let Some(tsval) = self.tsval {
            segment.options.extend([1, 1, 8, 10]);
            segment.options.extend(tsval.to_be_bytes());
            segment.options.extend(self.echo.to_be_bytes());
        }
        segment
    }

    /// The last TSval that the server has seen.
    pub(crate) fn last_tsval(&self) -> Result<u32> {
        self.tsval.context("a connection with timestamps")
    }
}

impl Lab {
    /// The address of the server's port.
    pub(crate) fn server_at(&self, port: u16) -> SocketAddr {
        SocketAddr::new(self.server(), port)
    }

    /// A SYN of client `host` from source port `sport`.
    pub(crate) fn syn(&self, host: u8, sport: u16, seq: u32, tsval: Option<u32>) -> Syn {
        Syn::new(SocketAddr::new(self.family.host(host), sport), self.server_at(PORT), seq, tsval)
    }

    /// Listens at [`PORT`] with this backlog; nobody accepts by himself.
    pub(crate) fn listen(&self, backlog: i32) -> Result<TcpListener> {
        self.listen_at(self.server_at(PORT), backlog, 0)
    }

    /// Listens for both families on one socket.
    pub(crate) fn listen_for_both(&self, backlog: i32) -> Result<TcpListener> {
        self.listen_at(SocketAddr::from((Ipv6Addr::UNSPECIFIED, PORT)), backlog, 0)
    }

    /// Listens with MPTCP; `None`: this kernel has none.
    pub(crate) fn listen_mptcp(&self, backlog: i32) -> Result<Option<TcpListener>> {
        match self.listen_at(self.server_at(PORT), backlog, MPTCP) {
            Ok(listener) => Ok(Some(listener)),
            Err(error) => match error.downcast_ref::<io::Error>().and_then(io::Error::raw_os_error) {
                Some(nix::libc::EPROTONOSUPPORT | nix::libc::ENOPROTOOPT | nix::libc::EINVAL) => Ok(None),
                _ => Err(error),
            },
        }
    }

    /// Listens at this port, where the packet filter may give it SYNs to others (`tproxy`).
    pub(crate) fn listen_for_others(&self, port: u16, backlog: i32) -> Result<TcpListener> {
        let listener = self.listen_at(self.server_at(port), backlog, 0)?;
        setsockopt(&listener, IpTransparent, &true).context("IP_TRANSPARENT")?;
        Ok(listener)
    }

    fn listen_at(&self, address: SocketAddr, backlog: i32, protocol: i32) -> Result<TcpListener> {
        let open = || -> io::Result<TcpListener> {
            let socket = sys::stream_socket(address.is_ipv6(), protocol)?;
            setsockopt(&socket, ReuseAddr, &true)?;
            bind(socket.as_raw_fd(), &SockaddrStorage::from(address))?;
            listen(&socket, Backlog::new(backlog)?)?;
            Ok(TcpListener::from(socket))
        };
        let listener = self.netns.run(open).with_context(|| format!("listen at {address}"))?;
        listener.set_nonblocking(true)?;
        Ok(listener)
    }

    /// A socket of the server's side that connects to a client, and does not wait for it.
    pub(crate) fn connects(&self, to: SocketAddr) -> Result<OwnedFd> {
        let open = || -> io::Result<OwnedFd> {
            let socket = sys::stream_socket(to.is_ipv6(), 0)?;
            fcntl(&socket, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
            let from = SocketAddr::new(self.server(), PORT);
            bind(socket.as_raw_fd(), &SockaddrStorage::from(from))?;
            match connect(socket.as_raw_fd(), &SockaddrStorage::from(to)) {
                // The second: its first SYN was refused on the way out.
                Ok(()) | Err(Errno::EINPROGRESS | Errno::EPERM) => Ok(socket),
                Err(error) => Err(error.into()),
            }
        };
        self.netns.run(open).with_context(|| format!("connect to {to}"))
    }

    /// Opens a connection: SYN, SYN/ACK, ACK.
    pub(crate) fn connect(&mut self, syn: &Syn) -> Result<Client> {
        let Some(synack) = self.shoot(syn, Fate::Accepted)? else { bail!("no SYN/ACK") };
        let mut client = Client {
            from: syn.from,
            to: syn.to,
            next: syn.seq.wrapping_add(1),
            expected: synack.seq.wrapping_add(1),
            tsval: syn.options.tsval,
            echo: synack.tsval.unwrap_or(0),
        };
        let ack = client.segment(flag::ACK);
        self.send(&ack)?;
        Ok(client)
    }

    /// Opens a connection and takes it from the accept queue.
    pub(crate) fn established(&mut self, listener: &TcpListener, syn: &Syn) -> Result<(Client, TcpStream)> {
        let client = self.connect(syn)?;
        let (stream, from) = listener.accept().context("take the connection")?;
        if from != client.from && from.port() != client.from.port() {
            bail!("accepted {from}, not {}", client.from);
        }
        Ok((client, stream))
    }

    /// Opens a connection that the server closes and the client does not: an orphaned FIN_WAIT2, which the kernel shrinks
    /// to a bucket at once because `tcp_fin_timeout` is not longer than TIME_WAIT.
    pub(crate) fn fin_wait2(&mut self, listener: &TcpListener, syn: &Syn) -> Result<Client> {
        self.sysctl("ipv4/tcp_fin_timeout", "60")?;
        let (mut client, stream) = self.established(listener, syn)?;
        self.server_closes(&mut client, stream)?;
        let ack = client.segment(flag::ACK);
        self.send(&ack)?;
        Ok(client)
    }

    /// Opens a connection that the server closes first: TIME_WAIT.
    pub(crate) fn time_wait(&mut self, listener: &TcpListener, syn: &Syn) -> Result<Client> {
        let (mut client, stream) = self.established(listener, syn)?;
        self.server_closes(&mut client, stream)?;
        self.client_closes(&mut client)?;
        Ok(client)
    }

    /// The server closes; its FIN is awaited.
    pub(crate) fn server_closes(&mut self, client: &mut Client, stream: TcpStream) -> Result<()> {
        drop(stream);
        let to = client.from;
        let fin = self.reply("FIN", |reply| reply.to == to && reply.has(flag::FIN))?;
        client.expected = fin.seq.wrapping_add(1);
        client.echo = fin.tsval.unwrap_or(0);
        Ok(())
    }

    /// The client sends its FIN; the ACK of it is awaited.
    pub(crate) fn client_closes(&mut self, client: &mut Client) -> Result<Reply> {
        let fin = client.segment(flag::FIN | flag::ACK);
        self.send(&fin)?;
        client.next = client.next.wrapping_add(1);
        let (to, next) = (client.from, client.next);
        self.reply("ACK of the FIN", |reply| reply.to == to && reply.has(flag::ACK) && reply.ack == next)
    }

    /// The client acknowledges what it has seen.
    pub(crate) fn client_acknowledges(&mut self, client: &mut Client) -> Result<()> {
        let ack = client.segment(flag::ACK);
        self.send(&ack)
    }
}
