//! A namespace of our own with one device, and the clients behind it, which are made of crafted segments.

use std::{
    collections::VecDeque,
    fs,
    hash::BuildHasher as _,
    io,
    net::{IpAddr, Ipv6Addr, SocketAddr},
    time::Duration,
};

use nix::sched::{CloneFlags, unshare};

use super::{
    device::{Device, raise},
    segment::{self, Reply, Segment, flag, frame, reply},
};
use crate::{error::words, keyed::Keyed, netns::Netns};

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_millis(500);
/// Answers that are kept until somebody asks for them.
const KEPT: usize = 256;
/// By how much a timestamp is older that is to be refused: more than may be out of order.
const OLD: u32 = 100_000_000;

/// Numbers that nobody guesses.
pub(super) struct Random(Keyed, u64);

impl Random {
    pub(super) fn new() -> Self {
        Self(Keyed::default(), 0)
    }

    pub(super) fn word(&mut self) -> u64 {
        self.1 += 1;
        self.0.hash_one(self.1)
    }

    pub(super) fn half(&mut self) -> u32 {
        (self.word() >> 32) as u32
    }

    /// A number of this range.
    pub(super) fn within(&mut self, from: u32, to: u32) -> u32 {
        from + self.half() % (to - from + 1)
    }

    /// A port of which the two bytes differ.
    pub(super) fn port(&mut self) -> u16 {
        let [.., low, high] = self.half().to_be_bytes();
        u16::from_be_bytes([100 + high % 100, 1 + low % 99])
    }

    /// An address that begins as this one does.
    fn beside(&mut self, address: IpAddr) -> IpAddr {
        match address {
            IpAddr::V4(address) => {
                let [_, b, c, d] = self.half().to_be_bytes();
                [address.octets()[0], b, c, d.clamp(1, 254)].into()
            }
            IpAddr::V6(address) => {
                let mut octets = (u128::from(self.word()) << 64 | u128::from(self.word())).to_be_bytes();
                octets[0] = address.octets()[0];
                octets.into()
            }
        }
    }
}

/// A client's side of a connection.
#[derive(Clone, Debug)]
pub(super) struct Client {
    pub(super) from: SocketAddr,
    pub(super) to: SocketAddr,
    /// Next sequence number to send.
    pub(super) next: u32,
    /// Next sequence number expected.
    pub(super) expected: u32,
    /// Last TSval sent, and the last that was seen.
    pub(super) tsval: u32,
    pub(super) echo: u32,
}

impl Client {
    fn segment(&self, flags: u8) -> Segment {
        Segment {
            from: self.from,
            to: self.to,
            flags,
            seq: self.next,
            ack: if flags & flag::ACK == 0 { 0 } else { self.expected },
            timestamps: (self.tsval, self.echo),
            payload: Vec::new(),
            padding: 0,
        }
    }

    /// A segment with a later timestamp.
    pub(super) fn later(&mut self, flags: u8) -> Segment {
        self.tsval = self.tsval.wrapping_add(1001);
        self.segment(flags)
    }

    /// A segment with a timestamp that is refused.
    pub(super) fn old(&self, flags: u8) -> Segment {
        let mut segment = self.segment(flags);
        segment.timestamps.0 = self.tsval.wrapping_sub(OLD);
        segment
    }

    /// The SYN once more.
    pub(super) fn old_syn(&self) -> Segment {
        Segment { seq: self.next.wrapping_sub(1), ..self.old(flag::SYN) }
    }
}

/// The namespace that the thread is in.
pub(super) struct Scene {
    pub(super) device: Device,
    /// Our addresses, one for each family that the kernel has.
    pub(super) servers: Vec<IpAddr>,
    /// Its inode.
    pub(super) inode: u32,
    pub(super) random: Random,
    /// Who asks at a closed port, and how often it did.
    fence: Client,
    fences: u32,
    /// What the kernel sent meanwhile.
    replies: VecDeque<Reply>,
}

impl Scene {
    /// Makes a new namespace, and moves the calling thread there.
    pub(super) fn enter() -> io::Result<Self> {
        unshare(CloneFlags::CLONE_NEWNET).map_err(|error| naming("a network namespace", &error.into()))?;
        let inode = Netns::current()?.inode();
        let mut random = Random::new();
        // No address of IPv6 waits until it is known to be nobody else's; segments are refused without a pause between.
        // Where a setting is the whole machine's, it does not show here.
        for (name, value) in [
            ("ipv6/conf/default/accept_dad", "0"),
            ("ipv6/conf/default/router_solicitations", "0"),
            ("ipv4/tcp_timestamps", "1"),
            ("ipv4/tcp_fin_timeout", "60"),
            ("ipv4/tcp_syncookies", "1"),
            ("ipv4/tcp_invalid_ratelimit", "0"),
        ] {
            let _ = setting(name, value);
        }
        raise("lo", nix::libc::IFF_UP)?;
        let device = Device::create("calibration", random.within(0x1000_0000, 0x7fff_fff0))
            .map_err(|error| naming("/dev/net/tun", &error))?;
        device.up()?;
        let four = random.beside(IpAddr::from([10, 0, 0, 0]));
        device.address(four)?;
        let mut servers = vec![four];
        let six = random.beside(IpAddr::V6(Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, 0)));
        if device.address(six).is_ok() {
            servers.push(six);
        }
        let [from, to] = [random.beside(four), four].map(|ip| SocketAddr::new(ip, random.port()));
        let fence = Client { from, to, next: 0, expected: 0, tsval: 1, echo: 0 };
        Ok(Self { device, servers, inode, random, fence, fences: 0, replies: VecDeque::new() })
    }

    /// A client that has sent nothing yet.
    pub(super) fn client(&mut self, to: SocketAddr) -> Client {
        let from = SocketAddr::new(self.random.beside(to.ip()), self.random.port());
        // Timestamps in the upper half of their range: none is 0, none is older than the one that is refused.
        let tsval = self.random.within(0x2000_0000, 0x6fff_ffff);
        Client { from, to, next: self.random.half(), expected: 0, tsval, echo: 0 }
    }

    /// Hands a segment to the kernel, and waits until it is done with it.
    pub(super) fn send(&mut self, segment: &Segment) -> io::Result<()> {
        let (packet, _) = segment.packet();
        let frame = frame(self.device.mac, &packet);
        self.write(&frame)
    }

    /// The same of a frame. Usually it is done when the write returns; on a busy machine, before 4.15, another thread does it
    /// later. Behind it a fence is sent, a SYN to a closed port: when that is answered, all before it is done.
    pub(super) fn write(&mut self, frame: &[u8]) -> io::Result<()> {
        self.device.write(frame)?;
        self.fences = self.fences.wrapping_add(1);
        let fence = Client { next: self.fences, ..self.fence.clone() };
        let (packet, _) = fence.segment(flag::SYN).packet();
        self.device.write(&segment::frame(self.device.mac, &packet))?;
        let (kept, end) = (&mut self.replies, self.fences.wrapping_add(1));
        let over = |frame: &[u8]| {
            let reply = reply(frame)?;
            if reply.to == fence.from {
                return (reply.ack == end).then_some(());
            }
            if kept.len() >= KEPT {
                kept.pop_front();
            }
            kept.push_back(reply);
            None
        };
        let found = self.device.read(PATIENCE, over)?;
        found.ok_or_else(|| io::Error::other("the kernel does not answer for a closed port"))
    }

    /// Waits for an answer with these flags.
    pub(super) fn answer(&mut self, client: &Client, flags: u8) -> io::Result<Reply> {
        let wanted = |reply: &Reply| reply.to == client.from && reply.flags & flags == flags;
        if let Some(at) = self.replies.iter().position(wanted)
            && let Some(reply) = self.replies.remove(at)
        {
            return Ok(reply);
        }
        let found = self.device.read(PATIENCE, |frame| reply(frame).filter(wanted))?;
        found.ok_or_else(|| io::Error::other(format!("the kernel did not answer {}", client.from)))
    }

    /// Waits so long until each of these has got a SYN/ACK.
    pub(super) fn wait_for_synacks(
        &mut self,
        mut clients: Vec<&Client>,
        patience: Duration,
    ) -> io::Result<()> {
        let mut all = |reply: Reply| {
            if reply.flags & flag::SYN != 0 {
                clients.retain(|client| client.from != reply.to);
            }
            clients.is_empty().then_some(())
        };
        // A slow machine has sent them by now.
        if self.replies.drain(..).find_map(&mut all).is_some() {
            return Ok(());
        }
        let found = self.device.read(patience, |frame| all(reply(frame)?))?;
        found.ok_or_else(|| io::Error::other("the kernel does not send SYN/ACKs again"))
    }

    /// SYN, and the answer to it.
    pub(super) fn open(&mut self, client: &mut Client) -> io::Result<()> {
        let syn = client.segment(flag::SYN);
        self.send(&syn)?;
        client.next = client.next.wrapping_add(1);
        let reply = self.answer(client, flag::SYN | flag::ACK)?;
        (client.expected, client.echo) = (reply.seq.wrapping_add(1), reply.tsval);
        Ok(())
    }

    /// A whole handshake.
    pub(super) fn connect(&mut self, to: SocketAddr) -> io::Result<Client> {
        let mut client = self.client(to);
        self.open(&mut client)?;
        let ack = client.later(flag::ACK);
        self.send(&ack)?;
        Ok(client)
    }
}

/// The same error with what it is about.
fn naming(what: &str, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{what}: {}", words(error)))
}

/// Sets a value in the namespace of the calling thread.
pub(super) fn setting(name: &str, value: &str) -> io::Result<()> {
    fs::write(format!("/proc/sys/net/{name}"), value)
}
