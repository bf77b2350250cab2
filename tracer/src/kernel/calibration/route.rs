//! Routes: those to clients behind the device, and those to ourselves.

use std::{
    fs, io,
    net::{IpAddr, TcpListener, TcpStream, UdpSocket},
};

use tracer_common::calibration::{CHUNK, call};

use super::{
    evidence::field,
    reader::Called,
    round::{Stage, Wants},
    scene::setting,
    search::Want,
};

/// Bytes of a route that are looked at.
const ROUTE: usize = 2 * CHUNK;
/// `RTN_UNICAST` and `RTN_LOCAL` (`include/uapi/linux/rtnetlink.h`).
const UNICAST: u64 = 1;
const LOCAL: u64 = 2;
/// `RTF_UP`, and `RTF_LOCAL | RTF_ANYCAST` (`include/uapi/linux/ipv6_route.h`).
const UP: u64 = 1;
const HERE: u64 = 0x8000_0000;
const ANYCAST: u64 = 0x0010_0000;
/// `DST_NOXFRM`, `DST_NOPOLICY` (`include/net/dst.h`), and the settings of a device that set them.
const FLAGS: [(u64, &str); 2] = [(2, "disable_xfrm"), (4, "disable_policy")];

impl Stage<'_> {
    /// All of them.
    pub(super) fn routes(&mut self) -> io::Result<()> {
        for server in self.scene.servers.clone() {
            let listener = TcpListener::bind((server, self.scene.random.port()))?;
            for flags in [0, 2, 4, 6] {
                for (flag, name) in FLAGS {
                    let value = if flags & flag == 0 { "0" } else { "1" };
                    setting(&format!("ipv4/conf/{}/{name}", self.scene.device.name), value)?;
                }
                let mut client = self.scene.client(listener.local_addr()?);
                let device = self.round.device;
                self.answered(server, [UNICAST, UP], device, flags, |stage| stage.scene.open(&mut client))?;
            }
            let set = |(flag, name): &(u64, &str)| {
                let value = fs::read_to_string(format!("/proc/sys/net/ipv4/conf/lo/{name}")).ok()?;
                Some(if value.trim() == "0" { 0 } else { *flag })
            };
            let flags = FLAGS.iter().filter_map(set).sum();
            let to = listener.local_addr()?;
            let loopback = self.round.loopback;
            let connect = |_: &mut Self| TcpStream::connect(to).map(drop);
            self.answered(server, [LOCAL, UP | HERE], loopback, flags, connect)?;
        }
        Ok(())
    }

    /// Where the kernel has the loopback device: a packet to ourselves passes it.
    pub(super) fn loopback(&mut self) -> io::Result<()> {
        let own = UdpSocket::bind((self.scene.servers[0], self.scene.random.port()))?;
        self.reader.await_call(call::PACKET)?;
        own.send_to(&[0; 4], own.local_addr()?)?;
        let Called { args: [_, device, ..], .. } = self.called(call::PACKET)?;
        self.round.loopback = device;
        Ok(())
    }

    /// The route by which a SYN is answered.
    fn answered(
        &mut self,
        server: IpAddr,
        [kind, flags6]: [u64; 2],
        device: u64,
        flags: u64,
        ask: impl FnOnce(&mut Self) -> io::Result<()>,
    ) -> io::Result<()> {
        self.reader.await_call(call::ANSWER)?;
        ask(self)?;
        let Called { args: [_, route, ..], .. } = self.called(call::ANSWER)?;
        let memory = self.reader.read(route, ROUTE)?;
        let bits = |bytes, mask, value| Want::Number { bytes, mask, any_of: vec![value..=value] };
        let wants: Wants = if server.is_ipv4() {
            vec![
                (field!(dst_dev), Want::Rare(device.to_ne_bytes().to_vec())),
                (field!(dst_flags), bits(2, 6, flags)),
                (field!(rt_type), Want::number(2, kind)),
            ]
        } else {
            vec![(field!(rt6_flags), bits(4, UP | HERE | ANYCAST, flags6))]
        };
        self.round.add(memory, wants);
        Ok(())
    }
}
