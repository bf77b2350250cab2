//! Puts tc programs on an interface of kernels before 4.12, where aya's socket asks for more than there is
//! (`NETLINK_EXT_ACK`). They go with the interface.

use std::{
    io,
    os::fd::{AsRawFd as _, BorrowedFd},
};

use neli::{
    consts::{
        nl::NlmF,
        rtnl::{RtaType, Tca},
        socket::NlFamily,
    },
    rtnl::{Rtattr, RtattrBuilder, TcmsgBuilder},
    types::{Buffer, RtBuffer},
};
use nix::{
    libc::{ETH_P_ALL, RTM_NEWQDISC, RTM_NEWTFILTER},
    net::if_::if_nametoindex,
};

use crate::{
    decode::netlink::{done, request},
    netlink::Netlink,
};

/// `TC_H_CLSACT`, and below it the two directions (`include/uapi/linux/pkt_sched.h`).
const CLSACT: u32 = 0xffff_fff1;
/// Of the packets that come.
pub(super) const INGRESS: u32 = 0xffff_fff2;
/// Of the packets that go.
pub(super) const EGRESS: u32 = 0xffff_fff3;
/// `TC_H_MAKE(TC_H_CLSACT, 0)`.
const HANDLE: u32 = 0xffff_0000;

/// `TCA_BPF_FD`, `TCA_BPF_NAME`, `TCA_BPF_FLAGS`, `TCA_BPF_FLAG_ACT_DIRECT` (`include/uapi/linux/pkt_cls.h`).
const FD: u16 = 6;
const NAME: u16 = 7;
const FLAGS: u16 = 8;
const ACT_DIRECT: u32 = 1;

/// An interface with a place for programs, in the calling thread's namespace.
pub(super) struct Interface {
    socket: Netlink,
    index: i32,
}

impl Interface {
    /// Makes the place.
    ///
    /// # Errors
    /// What the kernel says.
    pub(super) fn prepare(interface: &str) -> io::Result<Self> {
        let index = if_nametoindex(interface)?.cast_signed();
        let socket = Netlink::open(NlFamily::Route)?;
        let mut interface = Self { socket, index };
        interface.make(RTM_NEWQDISC, (HANDLE, CLSACT, 0), || {
            Some([attribute(Tca::Kind, b"clsact\0")?].into_iter().collect())
        })?;
        Ok(interface)
    }

    /// Attaches a program to one direction.
    ///
    /// # Errors
    /// What the kernel says.
    pub(super) fn attach(&mut self, direction: u32, program: BorrowedFd<'_>, name: &str) -> io::Result<()> {
        // Of every protocol; the kernel chooses the priority.
        let info = u32::from(u16::try_from(ETH_P_ALL).unwrap_or(0).to_be());
        self.make(RTM_NEWTFILTER, (0, direction, info), || {
            let name = [name.as_bytes(), b"\0"].concat();
            let options = attribute(Tca::Options, &[])?
                .nest(&attribute(FD, &program.as_raw_fd().to_ne_bytes())?)
                .ok()?
                .nest(&attribute(NAME, &name)?)
                .ok()?
                .nest(&attribute(FLAGS, &ACT_DIRECT.to_ne_bytes())?)
                .ok()?;
            Some([attribute(Tca::Kind, b"bpf\0")?, options].into_iter().collect())
        })
    }

    fn make(
        &mut self,
        kind: u16,
        (handle, parent, info): (u32, u32, u32),
        attributes: impl FnOnce() -> Option<RtBuffer<Tca, Buffer>>,
    ) -> io::Result<()> {
        let index = self.index;
        let question = |sequence| {
            let message = TcmsgBuilder::default()
                .tcm_family(0)
                .tcm_ifindex(index)
                .tcm_handle(handle)
                .tcm_parent(parent)
                .tcm_info(info)
                .rtattrs(attributes()?)
                .build()
                .ok()?;
            request(kind, NlmF::ACK | NlmF::CREATE | NlmF::EXCL, sequence, message)
        };
        self.socket.ask(question, done)
    }
}

fn attribute<T: RtaType>(kind: T, payload: &[u8]) -> Option<Rtattr<T, Buffer>> {
    RtattrBuilder::default().rta_type(kind).rta_payload(Buffer::from(payload)).build().ok()
}
