//! SYNs that the kernel refuses for reasons of its own, and names: cause `other`.

use anyhow::{Result, ensure};
use nix::libc;

use super::{BOTH, Case, Lacking};
use crate::live::{
    family::Family,
    fate::Fate,
    ground::Why::{BadChecksum, Md5Missing, MinTtl, Netfilter, NetfilterReset, SocketFilter, SynFin, SynRst},
    lab::Lab,
    packet::flag,
    peer::PORT,
    sys,
};

pub(super) const CASES: &[Case] = &[
    Case { name: "other/checksum", families: BOTH, run: checksum },
    Case { name: "other/socket-filter", families: BOTH, run: socket_filter },
    Case { name: "other/minimum-ttl", families: BOTH, run: minimum_ttl },
    Case { name: "other/md5", families: BOTH, run: md5 },
    Case { name: "other/netfilter", families: BOTH, run: netfilter },
    Case { name: "other/netfilter-prerouting", families: BOTH, run: netfilter_early },
    Case { name: "other/netfilter-reset", families: BOTH, run: netfilter_reset },
    Case { name: "other/syn-fin", families: BOTH, run: syn_fin },
    Case { name: "other/syn-rst", families: BOTH, run: syn_rst },
];

const ISN: u32 = 1_000_000;
const STAMP: u32 = 1_000_000_000;

/// To an open port, to a closed one and to a bucket.
fn checksum(lab: &mut Lab) -> Result<()> {
    let listener = lab.listen(16)?;
    let syn = lab.syn(9, 1001, ISN, Some(STAMP));
    let kept = lab.time_wait(&listener, &syn)?.last_tsval()?;
    let mut broken = syn.at(ISN + 5_000_000).stamped(Some(kept - 5000));
    broken.sound = false;
    lab.shoot(&broken, Fate::dies(BadChecksum))?;
    broken.from.set_port(1002);
    lab.shoot(&broken, Fate::dies(BadChecksum))?;
    broken.to.set_port(PORT + 1);
    lab.shoot(&broken, Fate::dies(BadChecksum))?;
    Ok(())
}

fn socket_filter(lab: &mut Lab) -> Result<()> {
    let listener = lab.listen(16)?;
    sys::refuse_all(&listener)?;
    lab.shoot(&lab.syn(9, 1001, ISN, Some(STAMP)), Fate::dies(SocketFilter))?;
    Ok(())
}

fn minimum_ttl(lab: &mut Lab) -> Result<()> {
    const IPV6_MINHOPCOUNT: i32 = 73;
    const IP_MINTTL: i32 = 21;
    let listener = lab.listen(16)?;
    let (level, name) = match lab.family {
        Family::V4 => (libc::IPPROTO_IP, IP_MINTTL),
        Family::V6 => (libc::IPPROTO_IPV6, IPV6_MINHOPCOUNT),
    };
    sys::set_option(&listener, level, name, &200_i32.to_ne_bytes())?;
    let mut syn = lab.syn(9, 1001, ISN, Some(STAMP));
    syn.ttl = 199;
    lab.shoot(&syn, Fate::dies(MinTtl))?;
    syn.ttl = 200;
    lab.shoot(&syn, Fate::Accepted)?;
    Ok(())
}

fn md5(lab: &mut Lab) -> Result<()> {
    const TCP_MD5SIG: i32 = 14;
    let listener = lab.listen(16)?;
    // struct tcp_md5sig: address, flags and prefix length, key length, interface, key.
    let mut request = [0_u8; 216];
    match lab.family.host(9) {
        std::net::IpAddr::V4(address) => {
            request[..2].copy_from_slice(&u16::try_from(libc::AF_INET)?.to_ne_bytes());
            request[4..8].copy_from_slice(&address.octets());
        }
        std::net::IpAddr::V6(address) => {
            request[..2].copy_from_slice(&u16::try_from(libc::AF_INET6)?.to_ne_bytes());
            request[8..24].copy_from_slice(&address.octets());
        }
    }
    request[130..132].copy_from_slice(&4_u16.to_ne_bytes());
    request[136..140].copy_from_slice(b"pass");
    sys::set_option(&listener, libc::IPPROTO_TCP, TCP_MD5SIG, &request)?;
    lab.shoot(&lab.syn(9, 1001, ISN, Some(STAMP)), Fate::dies(Md5Missing))?;
    // Another client needs no key.
    lab.shoot(&lab.syn(10, 1001, ISN, Some(STAMP)), Fate::Accepted)?;
    Ok(())
}

fn netfilter(lab: &mut Lab) -> Result<()> {
    let _listener = lab.listen(16)?;
    lab.nft("type filter hook input priority 0", "tcp sport 1001 drop")?;
    let syn = lab.syn(9, 1001, ISN, Some(STAMP));
    lab.shoot(&syn, Fate::dies(Netfilter))?;
    lab.shoot(&syn, Fate::dies(Netfilter))?;
    lab.shoot(&lab.syn(9, 1002, ISN, Some(STAMP)), Fate::Accepted)?;
    Ok(())
}

/// Before it is known whose the packet is.
fn netfilter_early(lab: &mut Lab) -> Result<()> {
    let _listener = lab.listen(16)?;
    lab.nft("type filter hook prerouting priority -300", "tcp sport 1001 drop")?;
    lab.shoot(&lab.syn(9, 1001, ISN, Some(STAMP)), Fate::dies(Netfilter))?;
    Ok(())
}

/// The packet filter sends a reset by itself.
fn netfilter_reset(lab: &mut Lab) -> Result<()> {
    let _listener = lab.listen(16)?;
    if lab.nft("type filter hook input priority 0", "tcp sport 1001 reject with tcp reset").is_err() {
        return Err(Lacking("this kernel's packet filter cannot reset").into());
    }
    lab.shoot(&lab.syn(9, 1001, ISN, Some(STAMP)), Fate::dies(NetfilterReset))?;
    Ok(())
}

fn syn_fin(lab: &mut Lab) -> Result<()> {
    let _listener = lab.listen(16)?;
    let mut syn = lab.syn(9, 1001, ISN, Some(STAMP));
    syn.more_flags = flag::FIN;
    lab.shoot(&syn, Fate::dies(SynFin))?;
    Ok(())
}

fn syn_rst(lab: &mut Lab) -> Result<()> {
    let _listener = lab.listen(16)?;
    let mut syn = lab.syn(9, 1001, ISN, Some(STAMP));
    syn.more_flags = flag::RST;
    lab.shoot(&syn, Fate::dies(SynRst))?;
    syn.more_flags = 0;
    let reply = lab.shoot(&syn, Fate::Accepted)?;
    ensure!(reply.is_some(), "no reply");
    Ok(())
}
