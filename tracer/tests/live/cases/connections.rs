//! SYNs on open connections, and connections that are in order from the first segment to the last.

use anyhow::Result;

use super::{BOTH, Case};
use crate::live::{
    fate::Fate,
    ground::Why::{PawsEstablished, SynOnEstablished},
    lab::Lab,
    packet::flag,
};

pub(super) const CASES: &[Case] = &[
    Case { name: "established/paws", families: BOTH, run: paws },
    Case { name: "established/syn", families: BOTH, run: syn_on_established },
    Case { name: "established/close-wait", families: BOTH, run: close_wait },
    Case { name: "ordinary/server-closes-first", families: BOTH, run: server_closes_first },
    Case { name: "ordinary/client-closes-first", families: BOTH, run: client_closes_first },
    Case { name: "ordinary/retransmitted", families: BOTH, run: retransmitted },
    Case { name: "ordinary/simultaneous-open", families: BOTH, run: simultaneous_open },
];

const ISN: u32 = 1_000_000;
const STAMP: u32 = 1_000_000_000;

/// Whoever accepted it or not; the kernel tolerates one tick here.
fn paws(lab: &mut Lab) -> Result<()> {
    let listener = lab.listen(16)?;
    let syn = lab.syn(9, 1001, ISN, Some(STAMP));
    let (client, _stream) = lab.established(&listener, &syn)?;
    let kept = client.last_tsval()?;
    let dies = Fate::dies_by(PawsEstablished, kept);
    lab.shoot(&syn.clone().at(ISN + 5_000_000).stamped(Some(kept - 5000)), dies)?;
    lab.shoot(&syn.at(ISN + 5_000_000).stamped(Some(kept - 2)), dies.silently())?;
    // Still in the accept queue.
    let syn = lab.syn(9, 1002, ISN, Some(STAMP));
    let kept = lab.connect(&syn)?.last_tsval()?;
    lab.shoot(&syn.at(ISN + 10).stamped(Some(kept - 5000)), Fate::dies_by(PawsEstablished, kept))?;
    Ok(())
}

/// A newer timestamp, one tick behind, the same one; no timestamps on either side.
fn syn_on_established(lab: &mut Lab) -> Result<()> {
    let listener = lab.listen(16)?;
    let mut open = Vec::new();
    for (sport, ahead) in [(1001, 5000), (1002, -1), (1003, 0)] {
        let syn = lab.syn(9, sport, ISN, Some(STAMP));
        let (client, stream) = lab.established(&listener, &syn)?;
        let kept = client.last_tsval()?;
        let dies = Fate::dies_by(SynOnEstablished, kept);
        let again = syn.at(ISN + 5_000_000).stamped(Some(kept.wrapping_add_signed(ahead)));
        lab.shoot(&again, dies)?;
        lab.shoot(&again, dies.silently())?;
        open.push(stream);
    }
    let syn = lab.syn(9, 1004, ISN, None);
    let (_client, stream) = lab.established(&listener, &syn)?;
    lab.shoot(&syn.at(ISN + 5_000_000), Fate::dies(SynOnEstablished))?;
    drop(stream);
    Ok(())
}

/// The client has closed, the server has not: a full socket still.
fn close_wait(lab: &mut Lab) -> Result<()> {
    let listener = lab.listen(16)?;
    let syn = lab.syn(9, 1001, ISN, Some(STAMP));
    let (mut client, _stream) = lab.established(&listener, &syn)?;
    lab.client_closes(&mut client)?;
    let kept = client.last_tsval()?;
    lab.shoot(&syn.at(ISN + 5_000_000).stamped(Some(kept - 5000)), Fate::dies_by(PawsEstablished, kept))?;
    Ok(())
}

fn server_closes_first(lab: &mut Lab) -> Result<()> {
    let listener = lab.listen(16)?;
    for (sport, stamp) in [(1001, Some(STAMP)), (1002, None)] {
        let syn = lab.syn(9, sport, ISN, stamp);
        lab.time_wait(&listener, &syn)?;
    }
    Ok(())
}

fn client_closes_first(lab: &mut Lab) -> Result<()> {
    let listener = lab.listen(16)?;
    for (sport, stamp) in [(1001, Some(STAMP)), (1002, None)] {
        let syn = lab.syn(9, sport, ISN, stamp);
        let (mut client, stream) = lab.established(&listener, &syn)?;
        lab.client_closes(&mut client)?;
        lab.server_closes(&mut client, stream)?;
        lab.client_acknowledges(&mut client)?;
        // Nothing is left of it: the same tuple opens again, even with an older timestamp.
        let older = stamp.map(|stamp| stamp - 5000);
        let again = syn.at(ISN - 1000).stamped(older);
        lab.shoot(&again, Fate::Accepted)?;
    }
    Ok(())
}

/// A SYN that is sent twice and answered twice, and then completes.
fn retransmitted(lab: &mut Lab) -> Result<()> {
    let listener = lab.listen(16)?;
    for (sport, stamp) in [(1001, Some(STAMP)), (1002, None)] {
        let syn = lab.syn(9, sport, ISN, stamp);
        lab.shoot(&syn, Fate::Accepted)?;
        let (mut client, stream) = lab.established(&listener, &syn)?;
        lab.client_closes(&mut client)?;
        lab.server_closes(&mut client, stream)?;
        let ack = crate::live::packet::Segment::new(
            client.from,
            client.to,
            flag::ACK,
            client.next,
            client.expected,
        );
        lab.send(&ack)?;
    }
    Ok(())
}

/// Both sides knock at the same time; the kernel answers with a SYN/ACK.
fn simultaneous_open(lab: &mut Lab) -> Result<()> {
    let syn = lab.syn(9, 1001, ISN, Some(STAMP));
    let _socket = lab.connects(syn.from)?;
    lab.reply("SYN of the server's", |reply| reply.to == syn.from && reply.has(flag::SYN))?;
    lab.shoot(&syn, Fate::Accepted)?;
    Ok(())
}
