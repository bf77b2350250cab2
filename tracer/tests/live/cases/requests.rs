//! SYNs on the tuple of a request socket: the first SYN was answered, the handshake is not complete.

use anyhow::{Context as _, Result};

use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};

use super::{BOTH, Case};
use crate::live::{
    fate::Fate,
    ground::Why::{KillsRequest, OutOfWindow, PawsSynRecv, Repeated, StrangeEcho},
    lab::Lab,
    packet::flag,
};

pub(super) const CASES: &[Case] = &[
    Case { name: "syn-recv/paws", families: BOTH, run: paws },
    Case { name: "syn-recv/repeated", families: BOTH, run: repeated },
    Case { name: "syn-recv/after-the-timer", families: BOTH, run: after_the_timer },
    Case { name: "syn-recv/just-after-an-answer", families: BOTH, run: just_after_an_answer },
    Case { name: "syn-recv/out-of-window", families: BOTH, run: out_of_window },
    Case { name: "syn-recv/killed", families: BOTH, run: killed },
    Case { name: "syn-recv/strange-echo", families: BOTH, run: strange_echo },
];

const ISN: u32 = 1_000_000;
const STAMP: u32 = 1_000_000_000;

/// The first is answered with an ACK to the request's numbers, the second is not answered.
fn paws(lab: &mut Lab) -> Result<()> {
    let _listener = lab.listen(16)?;
    let syn = lab.syn(9, 1001, ISN, Some(STAMP));
    lab.shoot(&syn, Fate::Accepted)?;
    let dies = Fate::dies_by(PawsSynRecv, STAMP);
    let older = syn.clone().at(ISN + 5_000_000).stamped(Some(STAMP - 5000));
    lab.shoot(&older, dies)?;
    lab.shoot(&older, dies.silently())?;
    // The same sequence number does not help, and one tick is enough.
    let syn = lab.syn(9, 1002, ISN, Some(STAMP));
    lab.shoot(&syn, Fate::Accepted)?;
    lab.shoot(&syn.stamped(Some(STAMP - 1)), dies)?;
    Ok(())
}

/// A retransmission is answered once, then not again until `tcp_invalid_ratelimit` is over.
fn repeated(lab: &mut Lab) -> Result<()> {
    let _listener = lab.listen(16)?;
    for (sport, stamp) in [(1001, Some(STAMP)), (1002, None)] {
        lab.sysctl("ipv4/tcp_invalid_ratelimit", "600000")?;
        let syn = lab.syn(9, sport, ISN, stamp);
        lab.shoot(&syn, Fate::Accepted)?;
        lab.shoot(&syn, Fate::Accepted)?;
        let dies = stamp.map_or(Fate::dies(Repeated), |stamp| Fate::dies_by(Repeated, stamp));
        lab.shoot(&syn, dies)?;
        lab.shoot(&syn, dies)?;
        lab.sysctl("ipv4/tcp_invalid_ratelimit", "0")?;
        lab.shoot(&syn, Fate::Accepted)?;
    }
    Ok(())
}

/// The request's timer sends the SYN/ACK again, on the processor where the next SYN comes in. That SYN is dropped all the
/// same, whatever was noted about the processor, the request or the sequence number.
fn after_the_timer(lab: &mut Lab) -> Result<()> {
    let _listener = lab.listen(16)?;
    let here = nix::unistd::Pid::from_raw(0);
    let mut one = CpuSet::new();
    one.set(0)?;
    let before = sched_getaffinity(here)?;
    sched_setaffinity(here, &one)?;
    let syn = lab.syn(9, 1001, ISN, Some(STAMP));
    lab.shoot(&syn, Fate::Accepted)?;
    lab.reply("second SYN/ACK", |reply| reply.to == syn.from && reply.has(flag::SYN | flag::ACK))?;
    lab.shoot(&syn.clone().stamped(Some(STAMP - 1)), Fate::dies_by(PawsSynRecv, STAMP))?;
    lab.reply("third SYN/ACK", |reply| reply.to == syn.from && reply.has(flag::SYN | flag::ACK))?;
    lab.shoot(&syn, Fate::dies_by(Repeated, STAMP))?;
    sched_setaffinity(here, &before)?;
    Ok(())
}

/// A SYN that is answered again, and at once another one that is not: what was noted about the first is not said of the
/// second, in the same namespace or with the same tuple in another one.
fn just_after_an_answer(lab: &mut Lab) -> Result<()> {
    let mut twin = Lab::new(lab.family)?;
    let _listeners = [lab.listen(64)?, twin.listen(64)?];
    for sport in 1001..1011 {
        let syn = lab.syn(9, sport, ISN, Some(STAMP));
        lab.shoot(&syn, Fate::Accepted)?;
        twin.shoot(&syn, Fate::Accepted)?;
        let older = syn.clone().stamped(Some(STAMP - 1));
        let dies = Fate::dies_by(PawsSynRecv, STAMP);
        twin.send(&syn.segment())?;
        lab.shoot(&older, dies)?;
        lab.sysctl("ipv4/tcp_invalid_ratelimit", "0")?;
        lab.send(&syn.segment())?;
        lab.reply("second SYN/ACK", |reply| reply.to == syn.from && reply.has(flag::SYN | flag::ACK))?;
        lab.shoot(&older, dies)?;
        lab.sysctl("ipv4/tcp_invalid_ratelimit", "600000")?;
    }
    Ok(())
}

/// Another sequence number, below the window and above it.
fn out_of_window(lab: &mut Lab) -> Result<()> {
    let _listener = lab.listen(16)?;
    for (sport, seq) in [(1001, ISN - 1000), (1002, ISN + 5_000_000)] {
        let syn = lab.syn(9, sport, ISN, Some(STAMP));
        lab.shoot(&syn, Fate::Accepted)?;
        let other = syn.at(seq).stamped(Some(STAMP + 1));
        let dies = Fate::dies_by(OutOfWindow, STAMP);
        lab.shoot(&other, dies)?;
        lab.shoot(&other, dies.silently())?;
    }
    let syn = lab.syn(9, 1003, ISN, None);
    lab.shoot(&syn, Fate::Accepted)?;
    lab.shoot(&syn.at(ISN - 1000), Fate::dies(OutOfWindow))?;
    Ok(())
}

/// A sequence number in the window kills the request, so that the next SYN gets in.
fn killed(lab: &mut Lab) -> Result<()> {
    let _listener = lab.listen(16)?;
    let syn = lab.syn(9, 1001, ISN, Some(STAMP));
    lab.shoot(&syn, Fate::Accepted)?;
    let other = syn.at(ISN + 100).stamped(Some(STAMP + 1));
    lab.shoot(&other, Fate::dies_by(KillsRequest, STAMP))?;
    lab.shoot(&other, Fate::Accepted)?;
    Ok(())
}

/// A SYN in the window that echoes a timestamp which the server has not sent.
fn strange_echo(lab: &mut Lab) -> Result<()> {
    let _listener = lab.listen(16)?;
    let syn = lab.syn(9, 1001, ISN, Some(STAMP));
    let synack = lab.shoot(&syn, Fate::Accepted)?.context("a SYN/ACK")?;
    let mut other = syn.at(ISN + 100).stamped(Some(STAMP + 1));
    let echo = synack.tsval.context("its timestamp")?.wrapping_sub(1_000_000);
    other.options.bytes[12..16].copy_from_slice(&echo.to_be_bytes());
    lab.shoot(&other, Fate::dies_by(StrangeEcho, STAMP))?;
    Ok(())
}
