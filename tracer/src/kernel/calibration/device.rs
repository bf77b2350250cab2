//! A device of our own in a namespace of our own: frames go in through its descriptor, and what the kernel sends comes out.
//! What is written is processed before the write returns.

use std::{
    fs::{File, OpenOptions},
    io::{self, Read as _, Write as _},
    net::IpAddr,
    os::fd::{AsFd, AsRawFd as _, OwnedFd},
    time::{Duration, Instant},
};

use nix::{
    fcntl::{FcntlArg, OFlag, fcntl},
    libc,
    poll::{PollFd, PollFlags, PollTimeout, poll},
    sys::socket::{AddressFamily, SockFlag, SockType, socket},
};

/// `struct ifreq`: a name, and what belongs to it.
const REQUEST: usize = 40;
/// Where that begins.
const VALUE: usize = libc::IFNAMSIZ;

/// A TAP device.
pub(super) struct Device {
    file: File,
    /// What it is called.
    pub(super) name: &'static str,
    /// Its hardware address.
    pub(super) mac: [u8; 6],
    /// Its index.
    pub(super) index: u32,
}

impl Device {
    /// Makes it in the namespace of the calling thread, with this index.
    pub(super) fn create(name: &'static str, index: u32) -> io::Result<Self> {
        let file = OpenOptions::new().read(true).write(true).open("/dev/net/tun")?;
        // Not by address: the kernel takes the number that stands there.
        control(&file, libc::TUNSETIFINDEX, &mut index.to_ne_bytes())?;
        control(&file, libc::TUNSETIFF, &mut request(name, &short(libc::IFF_TAP | libc::IFF_NO_PI)))?;
        fcntl(&file, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
        let mut asked = request(name, &[]);
        control(&any_socket(AddressFamily::Inet)?, libc::SIOCGIFHWADDR, &mut asked)?;
        // Behind the family.
        let mac = std::array::from_fn(|n| asked[VALUE + 2 + n]);
        Ok(Self { file, name, mac, index })
    }

    /// Gives it an address, with all addresses of the same first byte behind it.
    pub(super) fn address(&self, address: IpAddr) -> io::Result<()> {
        match address {
            IpAddr::V4(address) => {
                let own = any_socket(AddressFamily::Inet)?;
                // `struct sockaddr_in`: family, port, address.
                let place = |bytes: [u8; 4]| {
                    let mut place = [0; 8];
                    place[..2].copy_from_slice(&short(libc::AF_INET));
                    place[4..].copy_from_slice(&bytes);
                    request(self.name, &place)
                };
                control(&own, libc::SIOCSIFADDR, &mut place(address.octets()))?;
                control(&own, libc::SIOCSIFNETMASK, &mut place([255, 0, 0, 0]))
            }
            IpAddr::V6(address) => {
                // `struct in6_ifreq`: address, length of the prefix, index.
                let mut asked = [0; 24];
                asked[..16].copy_from_slice(&address.octets());
                asked[16..20].copy_from_slice(&8_u32.to_ne_bytes());
                asked[20..].copy_from_slice(&self.index.to_ne_bytes());
                control(&any_socket(AddressFamily::Inet6)?, libc::SIOCSIFADDR, &mut asked)
            }
        }
    }

    /// Brings a device up; without ARP, nobody is asked for hardware addresses.
    pub(super) fn up(&self) -> io::Result<()> {
        raise(self.name, libc::IFF_UP | libc::IFF_NOARP)
    }

    /// Hands a frame to the kernel.
    pub(super) fn write(&mut self, frame: &[u8]) -> io::Result<()> {
        self.file.write_all(frame)
    }

    /// Looks at every frame that the kernel sent until `wanted` takes one, for so long.
    pub(super) fn read<T>(
        &mut self,
        patience: Duration,
        mut wanted: impl FnMut(&[u8]) -> Option<T>,
    ) -> io::Result<Option<T>> {
        let until = Instant::now() + patience;
        let mut frame = [0; 2048];
        loop {
            match self.file.read(&mut frame) {
                Ok(len) => {
                    if let Some(found) = wanted(&frame[..len]) {
                        return Ok(Some(found));
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    let left = until.saturating_duration_since(Instant::now());
                    if left.is_zero() {
                        return Ok(None);
                    }
                    let mut fds = [PollFd::new(self.file.as_fd(), PollFlags::POLLIN)];
                    poll(&mut fds, PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX))?;
                }
                Err(error) => return Err(error),
            }
        }
    }
}

/// Sets flags of a device.
pub(super) fn raise(name: &str, flags: i32) -> io::Result<()> {
    control(&any_socket(AddressFamily::Inet)?, libc::SIOCSIFFLAGS, &mut request(name, &short(flags)))
}

fn any_socket(family: AddressFamily) -> io::Result<OwnedFd> {
    Ok(socket(family, SockType::Datagram, SockFlag::SOCK_CLOEXEC, None)?)
}

fn request(name: &str, value: &[u8]) -> [u8; REQUEST] {
    let mut request = [0; REQUEST];
    request[..name.len()].copy_from_slice(name.as_bytes());
    request[VALUE..VALUE + value.len()].copy_from_slice(value);
    request
}

/// The lower half of a constant.
fn short(word: i32) -> [u8; 2] {
    let [a, b, c, d] = word.to_ne_bytes();
    if cfg!(target_endian = "big") { [c, d] } else { [a, b] }
}

fn control(file: &impl AsFd, what: libc::Ioctl, value: &mut [u8]) -> io::Result<()> {
    #[expect(unsafe_code, reason = "each of these takes no more than the structure that is handed over")]
    let done = unsafe { libc::ioctl(file.as_fd().as_raw_fd(), what, value.as_mut_ptr()) };
    if done < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}
