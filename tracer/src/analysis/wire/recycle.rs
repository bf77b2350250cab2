//! Whether what a server does is consistent with `tcp_tw_recycle` (Linux before 4.12): the last timestamp of each client
//! *address*, kept for a minute, and older SYNs dropped in silence.
//!
//! The rule has no exceptions, so one SYN that it would have dropped and that was answered clears the server of it for good.
//! A full queue drops SYNs without looking at their timestamps: the rule is claimed only where those that it drops went
//! unanswered and those that it lets pass did not, several times each.

use std::net::IpAddr;

use hashbrown::HashMap;

use super::meaning::is_older;
use crate::{
    keyed::Keyed,
    model::{Nanos, Syn},
};

/// `TCP_PAWS_MSL`, nanoseconds.
const MINUTE: i64 = 60_000_000_000;
/// SYNs of each kind before the rule is claimed. By chance, with a clock for every connection, six that all fit are one in
/// 64.
const SEVERAL: u32 = 3;
/// Addresses, and servers, that are remembered; when there are more, all are forgotten.
const ROOM: usize = 65_536;

/// What a server did.
#[derive(Clone, Copy, Debug, Default)]
struct Tally {
    /// SYNs that the rule drops: unanswered and answered.
    older_silent: u32,
    older_answered: u32,
    /// SYNs that it lets pass.
    newer_silent: u32,
    newer_answered: u32,
}

/// What is remembered of addresses and servers.
#[derive(Debug, Default)]
pub(super) struct Recycle {
    /// By client and server.
    stamps: HashMap<(IpAddr, IpAddr), (u32, Nanos), Keyed>,
    servers: HashMap<IpAddr, Tally, Keyed>,
}

impl Recycle {
    /// The server keeps a closed connection from now on (`tcp_remember_stamp`): the client's newest TSval on it, and when
    /// that was sent.
    pub(super) fn closed(&mut self, client: IpAddr, server: IpAddr, (tsval, time): (u32, Nanos)) {
        if self.stamps.len() >= ROOM {
            self.stamps.clear();
        }
        let stamp = self.stamps.entry((client, server)).or_insert((tsval, time));
        let newer = tsval.wrapping_sub(stamp.0).cast_signed() >= 0;
        if newer || time.0.saturating_sub(stamp.1.0) > MINUTE {
            *stamp = (tsval, time);
        }
    }

    /// What is remembered of a client's address.
    pub(super) fn stamp(&self, client: IpAddr, server: IpAddr, now: Nanos) -> Option<(u32, Nanos)> {
        let stamp = self.stamps.get(&(client, server))?;
        (now.0.saturating_sub(stamp.1.0) < MINUTE).then_some(*stamp)
    }

    /// What became of a SYN for which an address was remembered.
    pub(super) fn told(&mut self, server: IpAddr, stamp: Option<(u32, Nanos)>, syn: &Syn, answered: bool) {
        if stamp.is_none() || syn.tsval.is_none() {
            return;
        }
        if self.servers.len() >= ROOM {
            self.servers.clear();
        }
        let tally = self.servers.entry(server).or_default();
        let count = match (is_older(stamp, syn), answered) {
            (true, true) => &mut tally.older_answered,
            (true, false) => &mut tally.older_silent,
            (false, true) => &mut tally.newer_answered,
            (false, false) => &mut tally.newer_silent,
        };
        *count = count.saturating_add(1);
    }

    /// Whether everything that was seen of a server fits the rule.
    pub(super) fn fits(&self, server: IpAddr) -> bool {
        self.servers.get(&server).is_some_and(|tally| {
            tally.older_answered == 0
                && tally.older_silent >= SEVERAL
                && tally.newer_answered >= SEVERAL
                && tally.newer_silent.saturating_mul(10) <= tally.older_silent
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLIENT: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));
    const SERVER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(198, 51, 100, 7));

    fn at(seconds: i64) -> Nanos {
        Nanos(seconds * 1_000_000_000)
    }

    fn syn(tsval: u32) -> Syn {
        Syn { tsval: Some(tsval), ..Syn::default() }
    }

    #[test]
    fn the_newest_stamp_of_a_minute() {
        let mut recycle = Recycle::default();
        assert_eq!(recycle.stamp(CLIENT, SERVER, at(0)), None);
        recycle.closed(CLIENT, SERVER, (1000, at(1)));
        recycle.closed(CLIENT, SERVER, (900, at(2)));
        assert_eq!(recycle.stamp(CLIENT, SERVER, at(60)), Some((1000, at(1))));
        assert_eq!(recycle.stamp(CLIENT, SERVER, at(61)), None);
        recycle.closed(CLIENT, SERVER, (900, at(62)));
        assert_eq!(recycle.stamp(CLIENT, SERVER, at(62)), Some((900, at(62))));
    }

    #[test]
    fn several_of_each_and_no_exception() {
        let mut recycle = Recycle::default();
        let stamp = Some((1000, at(1)));
        for _ in 0..SEVERAL {
            assert!(!recycle.fits(SERVER));
            recycle.told(SERVER, stamp, &syn(2000), true);
            recycle.told(SERVER, stamp, &syn(500), false);
        }
        assert!(recycle.fits(SERVER) && !recycle.fits(CLIENT));
        // One tick is allowed, and without a stamp or a timestamp nothing is learnt.
        recycle.told(SERVER, stamp, &syn(999), true);
        recycle.told(SERVER, None, &syn(500), true);
        recycle.told(SERVER, stamp, &Syn::default(), true);
        assert!(recycle.fits(SERVER));
        let mut full_queue = Recycle::default();
        for n in 0..20 {
            full_queue.told(SERVER, stamp, &syn(500), false);
            full_queue.told(SERVER, stamp, &syn(2000), n % 2 == 0);
        }
        assert!(!full_queue.fits(SERVER));
        recycle.told(SERVER, stamp, &syn(500), true);
        assert!(!recycle.fits(SERVER));
    }
}
