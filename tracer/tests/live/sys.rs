//! The few system calls that neither std nor nix wraps: a TUN device, bare socket options, a socket of any protocol.

use std::{
    io, mem,
    os::fd::{AsFd, AsRawFd as _, FromRawFd as _, OwnedFd},
};

use nix::libc;

/// A classic BPF program that lets nothing through.
const REFUSE_ALL: libc::sock_filter = libc::sock_filter { code: 6, jt: 0, jf: 0, k: 0 };

/// Makes a TUN device of this name in the namespace of the calling thread; the descriptor is its far end.
pub(crate) fn tun(name: &str) -> io::Result<OwnedFd> {
    let fd: OwnedFd =
        std::fs::OpenOptions::new().read(true).write(true).open("/dev/net/tun").map(OwnedFd::from)?;
    let mut request = [0_u8; mem::size_of::<libc::ifreq>()];
    request[..name.len()].copy_from_slice(name.as_bytes());
    let flags = (libc::IFF_TUN | libc::IFF_NO_PI).to_ne_bytes();
    request[libc::IFNAMSIZ..libc::IFNAMSIZ + 2].copy_from_slice(&flags[..2]);
    #[expect(unsafe_code, reason = "an ioctl on a descriptor and a buffer of ours")]
    let done = unsafe { libc::ioctl(fd.as_raw_fd(), libc::TUNSETIFF, request.as_ptr()) };
    if done == 0 { Ok(fd) } else { Err(io::Error::last_os_error()) }
}

/// A stream socket of this family and protocol (0: the usual one) in the namespace of the calling thread.
pub(crate) fn stream_socket(ipv6: bool, protocol: i32) -> io::Result<OwnedFd> {
    let family = if ipv6 { libc::AF_INET6 } else { libc::AF_INET };
    #[expect(unsafe_code, reason = "the descriptor is new and nobody else's")]
    unsafe {
        match libc::socket(family, libc::SOCK_STREAM | libc::SOCK_CLOEXEC, protocol) {
            -1 => Err(io::Error::last_os_error()),
            fd => Ok(OwnedFd::from_raw_fd(fd)),
        }
    }
}

/// Sets a socket option to these bytes.
pub(crate) fn set_option(socket: &impl AsFd, level: i32, name: i32, value: &[u8]) -> io::Result<()> {
    let length = libc::socklen_t::try_from(value.len()).map_err(io::Error::other)?;
    let fd = socket.as_fd().as_raw_fd();
    #[expect(unsafe_code, reason = "the kernel reads as many bytes as the slice has")]
    let done = unsafe { libc::setsockopt(fd, level, name, value.as_ptr().cast(), length) };
    if done == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Attaches a socket filter that drops everything.
pub(crate) fn refuse_all(socket: &impl AsFd) -> io::Result<()> {
    let mut program = [REFUSE_ALL];
    let program = libc::sock_fprog { len: 1, filter: program.as_mut_ptr() };
    let length = libc::socklen_t::try_from(mem::size_of_val(&program)).map_err(io::Error::other)?;
    let fd = socket.as_fd().as_raw_fd();
    #[expect(unsafe_code, reason = "the program outlives the call that copies it")]
    let done = unsafe {
        libc::setsockopt(fd, libc::SOL_SOCKET, libc::SO_ATTACH_FILTER, (&raw const program).cast(), length)
    };
    if done == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}
