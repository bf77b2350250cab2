//! Sockets to the kernel's `tcp_metrics`, one in each network namespace that is asked about. Only the memory's own thread has
//! them.

use std::{collections::HashMap, io, net::IpAddr, sync::Arc};

use neli::consts::socket::NlFamily;
use nix::time::{ClockId, clock_gettime};

use crate::{
    analysis::recall::Stamp,
    app::namespaces::Namespaces,
    decode::tcp_metrics::{Entry, ask, ask_family, entry, family},
    netlink::Netlink,
    netns::Netns,
};

/// Namespaces with a socket, or with none that can be had.
const MAX: usize = 64;

/// A socket, and what the family is called on it.
pub(super) struct Line {
    socket: Netlink,
    family: u16,
}

impl Line {
    /// In the calling thread's namespace.
    ///
    /// # Errors
    /// When there are no sockets, or no such family.
    pub(super) fn open() -> io::Result<Self> {
        let mut socket = Netlink::open(NlFamily::Generic)?;
        let family = socket.ask(ask_family, family)?;
        Ok(Self { socket, family })
    }

    /// What the kernel keeps of a peer that spoke to one of our addresses.
    ///
    /// # Errors
    /// When it does not say.
    pub(super) fn ask(&mut self, peer: IpAddr, own: IpAddr) -> io::Result<Option<Entry>> {
        let family = self.family;
        self.socket.ask(|sequence| ask(family, sequence, peer, own), entry)
    }
}

/// All of them.
pub(super) struct Lines {
    namespaces: Namespaces,
    open: HashMap<u32, Option<Line>>,
}

impl Lines {
    /// None yet. `held` is a namespace that only this process holds.
    pub(super) fn new(held: Option<Arc<Netns>>) -> Self {
        Self { namespaces: Namespaces::find(held), open: HashMap::new() }
    }

    /// The timestamp that the kernel remembers for `tcp_tw_recycle`; `None`: none.
    ///
    /// # Errors
    /// When it does not say.
    pub(super) fn ask(&mut self, netns: u32, peer: IpAddr, own: IpAddr) -> io::Result<Option<Stamp>> {
        let told = self.entry(netns, peer, own);
        if let Err(error) = &told {
            log::debug!("tcp_metrics of {peer} in namespace {netns}: {error}");
        }
        let Some(stamp) = told?.and_then(|entry| entry.stamp) else { return Ok(None) };
        // The seconds that the kernel reckons with, which begin with one of its ticks.
        let now = clock_gettime(ClockId::CLOCK_REALTIME_COARSE)?.tv_sec();
        Ok(Some(Stamp { tsval: stamp.tsval, second: now - i64::from(stamp.age_s) }))
    }

    fn entry(&mut self, netns: u32, peer: IpAddr, own: IpAddr) -> io::Result<Option<Entry>> {
        if self.open.len() >= MAX && !self.open.contains_key(&netns) {
            self.open.clear();
        }
        let namespaces = &mut self.namespaces;
        let slot = self.open.entry(netns).or_insert_with(|| namespaces.inside(netns, Line::open).ok());
        let told = slot.as_mut().ok_or(io::ErrorKind::NotFound)?.ask(peer, own);
        if told.is_err() {
            // Another one is opened for the next question.
            self.open.remove(&netns);
        }
        told
    }

    /// Lets go of the namespaces.
    pub(super) fn close(&mut self) {
        self.open.clear();
    }
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, TcpListener, TcpStream};

    use super::*;

    const UNKNOWN: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 99, 99, 99));

    #[test]
    fn the_running_kernel_answers() {
        let mut line = Line::open().unwrap();
        let own = IpAddr::V4(Ipv4Addr::LOCALHOST);
        assert_eq!(line.ask(UNKNOWN, own).unwrap(), None);
        // A connection that sent something and ended leaves an entry, unless `tcp_no_metrics_save` forbids it.
        let listener = TcpListener::bind((own, 0)).unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (mut server, _) = listener.accept().unwrap();
        io::Write::write_all(&mut server, b"x").unwrap();
        io::Read::read_exact(&mut &client, &mut [0]).unwrap();
        drop(server);
        drop(client);
        let saves = std::fs::read_to_string("/proc/sys/net/ipv4/tcp_no_metrics_save").unwrap().trim() == "0";
        let mut known = None;
        for _ in 0..500 {
            known = line.ask(own, own).unwrap();
            if known.is_some() || !saves {
                break;
            }
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        assert_eq!(known.is_some(), saves);
        let recycles = std::path::Path::new("/proc/sys/net/ipv4/tcp_tw_recycle").exists();
        assert!(recycles || known.is_none_or(|entry| entry.stamp.is_none()), "gone since 4.12");
    }

    #[test]
    fn a_namespace_that_is_gone_has_no_line() {
        let mut lines = Lines::new(None);
        let own = Netns::current().unwrap().inode();
        assert_eq!(lines.ask(own, UNKNOWN, UNKNOWN).unwrap(), None);
        assert!(lines.ask(1, UNKNOWN, UNKNOWN).is_err());
        assert!(lines.open[&own].is_some() && lines.open[&1].is_none());
        for netns in 2..200 {
            let _ = lines.ask(netns, UNKNOWN, UNKNOWN);
            assert!(lines.open.len() <= MAX);
        }
        lines.close();
        assert!(lines.open.is_empty());
    }
}
