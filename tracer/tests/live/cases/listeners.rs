//! SYNs that a listener refuses, and those that it answers although something is full.

use anyhow::{Result, ensure};

use super::{BOTH, Case, Lacking, V4};
use crate::live::{
    family::Family,
    fate::Fate,
    ground::Why::{AcceptQueueFull, ListenOther, NoListener, PawsTimeWait, PeerNotProven, SynQueueFull},
    lab::Lab,
    packet::{Reply, flag},
    peer::PORT,
    syn::Syn,
};

pub(super) const CASES: &[Case] = &[
    Case { name: "listen/accept-queue-full", families: BOTH, run: accept_queue_full },
    Case { name: "listen/accept-queue-full-from-time-wait", families: BOTH, run: full_from_time_wait },
    Case { name: "listen/syn-queue-full", families: BOTH, run: syn_queue_full },
    Case { name: "listen/syn-queue-full-cookies", families: BOTH, run: cookies_when_full },
    Case { name: "listen/cookies-always", families: BOTH, run: cookies_always },
    Case { name: "listen/peer-not-proven", families: BOTH, run: peer_not_proven },
    Case { name: "listen/no-way-back", families: BOTH, run: no_way_back },
    Case { name: "listen/dual-stack", families: V4, run: dual_stack },
    Case { name: "listen/mptcp", families: BOTH, run: mptcp },
    Case { name: "no-listener", families: BOTH, run: no_listener },
];

const ISN: u32 = 1_000_000;
const STAMP: u32 = 1_000_000_000;

/// Fills an accept queue of two places beyond its backlog of one.
fn fill(lab: &mut Lab) -> Result<()> {
    for sport in [1001, 1002] {
        let syn = lab.syn(9, sport, ISN, Some(STAMP));
        lab.connect(&syn)?;
    }
    Ok(())
}

fn accept_queue_full(lab: &mut Lab) -> Result<()> {
    let listener = lab.listen(1)?;
    fill(lab)?;
    let syn = lab.syn(9, 1003, ISN, Some(STAMP));
    lab.shoot(&syn, Fate::dies(AcceptQueueFull))?;
    lab.shoot(&syn, Fate::dies(AcceptQueueFull))?;
    lab.shoot(&lab.syn(9, 1004, ISN, None), Fate::dies(AcceptQueueFull))?;
    // There is room again.
    listener.accept()?;
    lab.shoot(&syn, Fate::Accepted)?;
    Ok(())
}

/// The bucket gives way to the SYN, and then the listener refuses it.
fn full_from_time_wait(lab: &mut Lab) -> Result<()> {
    let listener = lab.listen(1)?;
    let syn = lab.syn(9, 1000, ISN, Some(STAMP));
    let kept = lab.time_wait(&listener, &syn)?.last_tsval()?;
    fill(lab)?;
    lab.shoot(&syn.at(ISN + 5_000_000).stamped(Some(kept + 10)), Fate::dies(AcceptQueueFull))?;
    Ok(())
}

/// Sends SYNs until two more than the queue's limit of four have come. Kernels differ by one in what "full" means, so that
/// the fifth may be answered; the sixth is not. Returns the sixth.
fn queue_up(lab: &mut Lab, fifth: Fate) -> Result<Syn> {
    for sport in 1001..1005 {
        lab.shoot(&lab.syn(9, sport, ISN, Some(STAMP)), Fate::Accepted)?;
    }
    lab.shoot(&lab.syn(9, 1005, ISN, Some(STAMP)), fifth)?;
    Ok(lab.syn(9, 1006, ISN, Some(STAMP)))
}

fn syn_queue_full(lab: &mut Lab) -> Result<()> {
    lab.sysctl("ipv4/tcp_syncookies", "0")?;
    let _listener = lab.listen(4)?;
    let syn = queue_up(lab, Fate::Either(SynQueueFull))?;
    lab.shoot(&syn, Fate::dies(SynQueueFull))?;
    lab.shoot(&lab.syn(9, 1007, ISN, None), Fate::dies(SynQueueFull))?;
    Ok(())
}

/// What a cookie looks like: the counter says that one was sent.
fn cookie(lab: &mut Lab, syn: &Syn) -> Result<Option<Reply>> {
    let before = lab.counters()?;
    let reply = lab.shoot(syn, Fate::Accepted)?;
    let sent = lab.counters()?.since(&before, "TcpExtSyncookiesSent");
    ensure!(sent == Some(1), "{sent:?} cookies were sent");
    Ok(reply)
}

fn cookies_when_full(lab: &mut Lab) -> Result<()> {
    let _listener = lab.listen(4)?;
    let syn = queue_up(lab, Fate::Accepted)?;
    cookie(lab, &syn)?;
    // No request is kept, so that the same SYN gets a cookie again.
    cookie(lab, &syn)?;
    Ok(())
}

fn cookies_always(lab: &mut Lab) -> Result<()> {
    lab.sysctl("ipv4/tcp_syncookies", "2")?;
    let _listener = lab.listen(4)?;
    for (sport, stamp) in [(1001, Some(STAMP)), (1002, None)] {
        let syn = lab.syn(9, sport, ISN, stamp);
        cookie(lab, &syn)?;
    }
    Ok(())
}

/// With a backlog of eight the last quarter begins when seven requests are open.
fn peer_not_proven(lab: &mut Lab) -> Result<()> {
    lab.sysctl("ipv4/tcp_syncookies", "0")?;
    lab.sysctl("ipv4/tcp_max_syn_backlog", "8")?;
    let _listener = lab.listen(64)?;
    for sport in 1001..1008 {
        lab.shoot(&lab.syn(9, sport, ISN, Some(STAMP)), Fate::Accepted)?;
    }
    lab.shoot(&lab.syn(9, 1008, ISN, Some(STAMP)), Fate::dies(PeerNotProven))?;
    lab.shoot(&lab.syn(9, 1009, ISN, None), Fate::dies(PeerNotProven))?;
    Ok(())
}

/// The listener cannot route its answer.
fn no_way_back(lab: &mut Lab) -> Result<()> {
    let network = if lab.family == Family::V4 { "10.99.0.0/16" } else { "fd99::/64" };
    lab.ip(&format!("route add unreachable {network}\n"))?;
    let _listener = lab.listen(16)?;
    let mut syn = lab.syn(9, 1001, ISN, Some(STAMP));
    syn.from.set_ip(lab.family.stranger(9));
    lab.shoot(&syn, Fate::dies(ListenOther))?;
    lab.shoot(&syn, Fate::dies(ListenOther))?;
    Ok(())
}

/// An IPv4 client of an IPv6 socket: one event, with IPv4 addresses.
fn dual_stack(lab: &mut Lab) -> Result<()> {
    let listener = lab.listen_for_both(1)?;
    let syn = lab.syn(9, 1000, ISN, Some(STAMP));
    let kept = lab.time_wait(&listener, &syn)?.last_tsval()?;
    lab.shoot(&syn.at(ISN + 5_000_000).stamped(Some(kept - 5000)), Fate::dies_by(PawsTimeWait, kept))?;
    fill(lab)?;
    lab.shoot(&lab.syn(9, 1003, ISN, Some(STAMP)), Fate::dies(AcceptQueueFull))?;
    let mut six = Syn::new(
        std::net::SocketAddr::new(Family::V6.host(9), 1004),
        std::net::SocketAddr::new(Family::V6.host(1), PORT),
        ISN,
        Some(STAMP),
    );
    six.ttl = 58;
    lab.shoot(&six, Fate::dies(AcceptQueueFull))?;
    Ok(())
}

fn mptcp(lab: &mut Lab) -> Result<()> {
    let Some(_listener) = lab.listen_mptcp(1)? else {
        return Err(Lacking("this kernel has no MPTCP").into());
    };
    fill(lab)?;
    lab.shoot(&lab.syn(9, 1003, ISN, Some(STAMP)), Fate::dies(AcceptQueueFull))?;
    Ok(())
}

fn no_listener(lab: &mut Lab) -> Result<()> {
    for (sport, stamp) in [(1001, Some(STAMP)), (1002, None)] {
        let syn = lab.syn(9, sport, ISN, stamp);
        lab.shoot(&syn, Fate::dies(NoListener))?;
        let mut careful = syn;
        careful.more_flags = flag::ECN;
        lab.shoot(&careful, Fate::dies(NoListener))?;
    }
    Ok(())
}
