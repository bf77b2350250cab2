//! Routes: those to clients behind the device, and those to ourselves.

use std::{
    fs, io,
    net::{IpAddr, Ipv6Addr, SocketAddr, TcpListener, TcpStream, UdpSocket},
    thread,
    time::Duration,
};

use tracer_common::calibration::{CHUNK, call};

use super::{
    evidence::field, known::Wants, reader::Called, round::Stage, scene::setting, search::Want, segment::arp,
};

/// Bytes of a route that are looked at.
const ROUTE: usize = 2 * CHUNK;
/// `RTN_UNICAST` and `RTN_LOCAL` (`include/uapi/linux/rtnetlink.h`).
const UNICAST: u64 = 1;
const LOCAL: u64 = 2;
/// `RTF_PCPU | RTF_CACHE` (`include/uapi/linux/ipv6_route.h`): copies of a route have them, the route itself has not.
const COPY: u64 = 0x4000_0000 | 0x0100_0000;
/// `DST_NOXFRM` and `DST_METADATA` (`include/net/dst.h`); a setting of the device makes the former, the latter no route has.
const NOXFRM: u64 = 0x0002;
const METADATA: u64 = 0x0080;
/// How long a packet to ourselves may take; how often one is sent until our thread handles it, and how long it waits then.
const PATIENCE: Duration = Duration::from_millis(500);
const TRIES: usize = 100;
const PAUSE: Duration = Duration::from_millis(1);
const LOCAL_PATIENCE: Duration = Duration::from_millis(50);
/// Routes that are made for it.
const SHUFFLED: usize = 24;

impl Stage<'_> {
    /// All of them.
    pub(super) fn routes(&mut self) -> io::Result<()> {
        for server in self.scene.servers.clone() {
            let listener = TcpListener::bind((server, self.scene.random.port()))?;
            let to = listener.local_addr()?;
            let sock = self.reader.socket(&listener)?;
            let mut local = true;
            for n in 0..if server.is_ipv4() { SHUFFLED } else { 2 } {
                // Both of them, and then as chance has it. A change makes all routes new.
                let set = if n < 2 { n == 1 } else { self.scene.random.word() & 1 == 1 };
                let name = format!("ipv4/conf/{}/disable_xfrm", self.scene.device.name);
                setting(&name, if set { "1" } else { "0" })?;
                let mut client = self.scene.client(to);
                self.reader.await_call(call::ANSWER, sock)?;
                self.scene.open(&mut client)?;
                let memory = self.answer()?;
                let flags = if set { NOXFRM } else { 0 };
                self.route(memory, server, self.round.device, UNICAST, Some(flags));
                // In turns: behind a route in memory is another.
                local = local && self.local(sock, to)?;
            }
        }
        Ok(())
    }

    /// The route to ourselves, if a connection comes about: with `tcp_tw_recycle` the kernel refuses some. Whether it did.
    fn local(&mut self, sock: u64, to: SocketAddr) -> io::Result<bool> {
        self.reader.await_call(call::ANSWER, sock)?;
        if let Err(error) = TcpStream::connect_timeout(&to, LOCAL_PATIENCE) {
            log::debug!("calibration: no connection to ourselves: {error}");
            return Ok(false);
        }
        let memory = self.answer()?;
        self.route(memory, to.ip(), self.round.loopback, LOCAL, None);
        Ok(true)
    }

    /// Where the kernel has the loopback device and ours: packets pass them. Which device that is, only their thread tells; on
    /// a busy machine it may be another thread that handles them.
    pub(super) fn devices(&mut self) -> io::Result<()> {
        let own = UdpSocket::bind((self.scene.servers[0], self.scene.random.port()))?;
        own.set_read_timeout(Some(PATIENCE))?;
        let to = own.local_addr()?;
        self.round.loopback = self.passed(|_| {
            own.send_to(&[0; 4], to)?;
            own.recv(&mut [0; 4]).map(drop)
        })?;
        let mac = self.scene.device.mac;
        self.round.device = self.passed(|stage| stage.scene.write(&arp(mac)))?;
        Ok(())
    }

    /// The device that a packet passes.
    fn passed(&mut self, mut send: impl FnMut(&mut Self) -> io::Result<()>) -> io::Result<u64> {
        for _ in 0..TRIES {
            self.reader.await_call(call::PACKET, 0)?;
            send(self)?;
            if let Some(Called { args: [_, device, ..], .. }) = self.reader.called(call::PACKET)? {
                return Ok(device);
            }
            thread::sleep(PAUSE);
        }
        Err(io::Error::other("no packet is handled by the thread that sends it"))
    }

    /// The route by which a SYN is answered.
    fn answer(&mut self) -> io::Result<Vec<u8>> {
        let Called { args: [_, route, ..], .. } = self.called(call::ANSWER)?;
        self.reader.read(route, ROUTE)
    }

    /// What must stand in it.
    fn route(&mut self, memory: Vec<u8>, server: IpAddr, device: u64, kind: u64, flags: Option<u64>) {
        let bits = |bytes, mask, value| Want::Number { bytes, mask, any_of: vec![value..=value] };
        let wants: Wants = match server {
            IpAddr::V4(_) => {
                let flags = flags.map(|flags| (field!(dst_flags), bits(2, NOXFRM | METADATA, flags)));
                let others = [
                    (field!(dst_dev), Want::Rare(device.to_ne_bytes().to_vec())),
                    (field!(rt_type), Want::number(2, kind)),
                ];
                others.into_iter().chain(flags).collect()
            }
            IpAddr::V6(address) => {
                let prefix = if kind == LOCAL { 128 } else { 8 };
                let flags = flags_in(&fs::read_to_string(ROUTES).unwrap_or_default(), address, prefix);
                flags.map(|flags| (field!(rt6_flags), bits(4, !COPY, flags))).into_iter().collect()
            }
        };
        self.round.add(memory, wants);
    }
}

/// The routes of IPv6 in the namespace of the calling thread.
const ROUTES: &str = "/proc/thread-self/net/ipv6_route";

/// Flags of the route to the prefix of this length that holds an address. In a line: destination, its length, source, its
/// length, next hop, metric, references, uses, flags, device; all in hexadecimal digits.
fn flags_in(routes: &str, address: Ipv6Addr, prefix: u32) -> Option<u64> {
    let kept = u128::MAX.checked_shl(128 - prefix).unwrap_or(0);
    let wanted = (format!("{:032x}", u128::from(address) & kept), format!("{prefix:02x}"));
    let flags = |line: &str| {
        let words: Vec<&str> = line.split_ascii_whitespace().collect();
        let &[to, len, _, _, _, _, _, _, flags, _] = words.as_slice() else { return None };
        (to == wanted.0 && len == wanted.1).then(|| u64::from_str_radix(flags, 16).ok())?
    };
    routes.lines().find_map(flags)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_of_a_route() {
        let zeros = "00000000000000000000000000000000";
        let line = |to: &str, len: &str, flags: &str| {
            format!("{to} {len} {zeros} 00 {zeros} 00000100 00000001 00000000 {flags} calibra\n")
        };
        let own: Ipv6Addr = "fd01::2".parse().unwrap();
        let all = [
            line(zeros, "00", "00200200"),
            line("fd000000000000000000000000000000", "08", "00000001"),
            line("fd010000000000000000000000000002", "80", "80200001"),
        ]
        .concat();
        assert_eq!(flags_in(&all, own, 128), Some(0x8020_0001));
        assert_eq!(flags_in(&all, own, 8), Some(1));
        assert_eq!(flags_in(&all, "fd01::3".parse().unwrap(), 128), None);
        assert_eq!(flags_in("fd01 80 broken\n", own, 128), None);
    }
}
