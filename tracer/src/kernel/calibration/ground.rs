//! What is no connection: other kinds of sockets, other kinds of packets, the device, the namespace and its settings.

use std::{io, net::UdpSocket};

use nix::sys::socket::{AddressFamily, SockFlag, SockProtocol, SockType, socket};
use tracer_common::calibration::{CHUNK, CHUNKS, call};

use super::{
    evidence::field,
    known::{Wants, addresses},
    round::Stage,
    scene::setting,
    search::{Want, find_pointer},
    segment::arp,
};

/// Bytes of a device and of a namespace that are looked at.
const DEVICE: usize = 4096;
const NAMESPACE: usize = 2 * CHUNK * CHUNKS;
/// `TCP_CLOSE`: a socket of UDP or of no protocol.
const CLOSE: u64 = 7;
/// `SOCK_DGRAM`, `SOCK_RAW`.
const DATAGRAM: u64 = 2;
const RAW: u64 = 3;
/// Ticks a second that kernels for x86 have.
const HZ: [u64; 4] = [100, 250, 300, 1000];

impl Stage<'_> {
    /// All of it.
    pub(super) fn ground(&mut self) -> io::Result<()> {
        self.routes()?;
        self.other_sockets()?;
        self.other_packets()?;
        self.device()?;
        self.namespace()
    }

    fn other_sockets(&mut self) -> io::Result<()> {
        let datagrams = UdpSocket::bind((self.scene.servers[0], self.scene.random.port()))?;
        let raw =
            socket(AddressFamily::Inet, SockType::Raw, SockFlag::SOCK_CLOEXEC, Some(SockProtocol::Icmp))?;
        let port = Want::number(2, datagrams.local_addr()?.port().into());
        let address = self.reader.socket(&datagrams)?;
        self.other_socket(address, DATAGRAM, vec![(field!(sk_num), port)])?;
        let address = self.reader.socket(&raw)?;
        self.other_socket(address, RAW, Vec::new())
    }

    fn other_socket(&mut self, address: u64, kind: u64, mut wants: Wants) -> io::Result<()> {
        // No more of it: a structure that is smaller than TCP's.
        let memory = self.reader.read(address, 3 * CHUNK)?;
        wants.extend([
            (field!(sk_type), Want::number(2, kind)),
            (field!(sk_state), Want::number(1, CLOSE)),
            (field!(sk_family), Want::number(2, 2)),
        ]);
        self.round.add(memory, wants);
        Ok(())
    }

    /// Packets of no protocol that TCP knows, to us, to all, to a group, to another.
    fn other_packets(&mut self) -> io::Result<()> {
        let to = [self.scene.device.mac, [0xff; 6], [1, 0, 0x5e, 0, 0, 1], [2, 0, 0, 0, 0, 2]];
        for n in [0, 1, 2, 3, 2, 0, 3, 1, 0, 3, 1, 2] {
            let (to, kind) = (to[n], n as u64);
            self.reader.await_call(call::PACKET, self.round.device)?;
            self.scene.write(&arp(to))?;
            let called = self.called(call::PACKET)?;
            let protocol = Want::number(2, 0x0806_u16.to_be().into());
            let kind = Want::Number { bytes: 1, mask: 7, any_of: vec![kind..=kind] };
            let index = Want::Rare(self.scene.device.index.to_ne_bytes().to_vec());
            let device = Want::Rare(self.round.device.to_ne_bytes().to_vec());
            let wants = vec![
                (field!(skb_protocol), protocol),
                (field!(skb_pkt_type), kind),
                (field!(skb_iif), index),
                (field!(skb_dev), device),
            ];
            self.round.add(called.memory, wants);
        }
        Ok(())
    }

    fn device(&mut self) -> io::Result<()> {
        let memory = self.reader.read(self.round.device, DEVICE)?;
        let index = Want::Rare(self.scene.device.index.to_ne_bytes().to_vec());
        // What a socket has in common with the device it sends by.
        let shared: Vec<u64> =
            self.round.sockets.iter().flat_map(|s| addresses(&s.memory)).map(|(_, a)| a).collect();
        let pointing = self.pointing(memory.clone(), |address| shared.contains(&address))?;
        self.round.devices.push(pointing);
        self.round.add(memory, vec![(field!(dev_ifindex), index)]);
        Ok(())
    }

    /// The namespace, with unusual settings one after the other.
    fn namespace(&mut self) -> io::Result<()> {
        let sockets = &self.round.sockets;
        let Some((at, _)) = find_pointer(sockets, sockets) else { return Ok(()) };
        let found =
            sockets.iter().flat_map(|socket| addresses(&socket.memory)).find(|(place, _)| *place == at);
        let Some((_, address)) = found else { return Ok(()) };
        // Often: a byte of the other settings, which are random, may by chance be the same.
        for cookies in [0, 2, 1, 2, 0, 1, 0, 1, 2, 1] {
            let backlog = u64::from(self.scene.random.within(5_000, 60_000));
            let seconds = u64::from(self.scene.random.within(40, 600));
            let any_of = HZ.iter().map(|hz| hz * seconds..=hz * seconds).collect();
            let set = [
                (field!(net_syncookies), "ipv4/tcp_syncookies", cookies, Want::number(1, cookies)),
                (field!(net_max_syn_backlog), "ipv4/tcp_max_syn_backlog", backlog, Want::number(4, backlog)),
                (
                    field!(net_invalid_ratelimit),
                    "ipv4/tcp_invalid_ratelimit",
                    seconds * 1000,
                    Want::Number { bytes: 4, mask: u64::MAX, any_of },
                ),
            ];
            let mut wants = Vec::new();
            for (field, name, value, want) in set {
                // Before 4.11, 4.20 and 4.6 these are the whole machine's, and not here.
                if setting(name, &value.to_string()).is_ok() {
                    wants.push((field, want));
                }
            }
            let memory = self.reader.read(address, NAMESPACE)?;
            self.round.add(memory, wants);
        }
        let _ = setting("ipv4/tcp_invalid_ratelimit", "0");
        Ok(())
    }
}
