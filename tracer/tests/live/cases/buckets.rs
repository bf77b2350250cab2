//! SYNs on the tuple of a TIME_WAIT or FIN_WAIT2 bucket.

use anyhow::{Result, ensure};

use super::{BOTH, Case};
use crate::live::{
    fate::Fate,
    ground::Why::{KillsFinWait2, OldFinWait2, OldTimeWait, PawsFinWait2, PawsTimeWait},
    lab::Lab,
    packet::flag,
};

pub(super) const CASES: &[Case] = &[
    Case { name: "time-wait/paws", families: BOTH, run: paws },
    Case { name: "time-wait/paws-thrice", families: BOTH, run: thrice },
    Case { name: "time-wait/clock-wraps", families: BOTH, run: clock_wraps },
    Case { name: "time-wait/half-the-clock", families: BOTH, run: half_the_clock },
    Case { name: "time-wait/accepted", families: BOTH, run: accepted },
    Case { name: "time-wait/old-sequence", families: BOTH, run: old_sequence },
    Case { name: "fin-wait2/paws", families: BOTH, run: fin_wait2_paws },
    Case { name: "fin-wait2/old-sequence", families: BOTH, run: fin_wait2_old_sequence },
    Case { name: "fin-wait2/killed", families: BOTH, run: fin_wait2_killed },
];

const ISN: u32 = 1_000_000;
/// Far above anything the connections before have sent.
const LATER: u32 = ISN + 5_000_000;
const STAMP: u32 = 1_000_000_000;

/// One tick and many ticks behind.
fn paws(lab: &mut Lab) -> Result<()> {
    let listener = lab.listen(16)?;
    for (sport, behind) in [(1001, 5000), (1002, 1)] {
        let syn = lab.syn(9, sport, ISN, Some(STAMP));
        let kept = lab.time_wait(&listener, &syn)?.last_tsval()?;
        ensure!(kept == STAMP + 2, "the last TSval is {kept}");
        let mut older = syn.at(LATER).stamped(Some(kept - behind));
        older.more_flags = flag::ECN;
        lab.shoot(&older, Fate::dies_by(PawsTimeWait, kept))?;
    }
    Ok(())
}

/// The kernel answers the first of three.
fn thrice(lab: &mut Lab) -> Result<()> {
    let listener = lab.listen(16)?;
    let syn = lab.syn(9, 1001, ISN, Some(STAMP));
    let kept = lab.time_wait(&listener, &syn)?.last_tsval()?;
    let dies = Fate::dies_by(PawsTimeWait, kept);
    let again = syn.at(LATER).stamped(Some(kept - 5000));
    lab.shoot(&again, dies)?;
    lab.shoot(&again, dies.silently())?;
    lab.shoot(&again, dies.silently())?;
    Ok(())
}

/// The remembered timestamp has wrapped around and the SYN's has not; then the other way round.
fn clock_wraps(lab: &mut Lab) -> Result<()> {
    let listener = lab.listen(16)?;
    let syn = lab.syn(9, 1001, ISN, Some(3));
    let kept = lab.time_wait(&listener, &syn)?.last_tsval()?;
    ensure!(kept == 5, "the last TSval is {kept}");
    lab.shoot(&syn.at(LATER).stamped(Some(u32::MAX - 15)), Fate::dies_by(PawsTimeWait, kept))?;
    let syn = lab.syn(9, 1002, ISN, Some(u32::MAX - 15));
    lab.time_wait(&listener, &syn)?;
    lab.shoot(&syn.at(LATER).stamped(Some(5)), Fate::Accepted)?;
    Ok(())
}

/// Up to half the range is older, beyond it is newer.
fn half_the_clock(lab: &mut Lab) -> Result<()> {
    let listener = lab.listen(16)?;
    let syn = lab.syn(9, 1001, ISN, Some(STAMP));
    let kept = lab.time_wait(&listener, &syn)?.last_tsval()?;
    let older = kept.wrapping_sub(0x7fff_ffff);
    lab.shoot(&syn.clone().at(LATER).stamped(Some(older)), Fate::dies_by(PawsTimeWait, kept))?;
    let newer = kept.wrapping_sub(0x8000_0005);
    lab.shoot(&syn.at(LATER).stamped(Some(newer)), Fate::Accepted)?;
    Ok(())
}

/// A newer timestamp with an old sequence number, and a newer sequence number without timestamps.
fn accepted(lab: &mut Lab) -> Result<()> {
    let listener = lab.listen(16)?;
    let syn = lab.syn(9, 1001, ISN, Some(STAMP));
    let kept = lab.time_wait(&listener, &syn)?.last_tsval()?;
    lab.shoot(&syn.at(ISN - 1000).stamped(Some(kept + 10)), Fate::Accepted)?;
    let syn = lab.syn(9, 1002, ISN, Some(STAMP));
    lab.time_wait(&listener, &syn)?;
    lab.shoot(&syn.at(LATER).stamped(None), Fate::Accepted)?;
    let syn = lab.syn(9, 1003, ISN, None);
    lab.time_wait(&listener, &syn)?;
    lab.shoot(&syn.at(LATER), Fate::Accepted)?;
    Ok(())
}

/// An old sequence number without timestamps, or with the same one; and the second of them gets no answer.
fn old_sequence(lab: &mut Lab) -> Result<()> {
    let listener = lab.listen(16)?;
    let syn = lab.syn(9, 1001, ISN, Some(STAMP));
    let kept = lab.time_wait(&listener, &syn)?.last_tsval()?;
    let dies = Fate::dies_by(OldTimeWait, kept);
    lab.shoot(&syn.clone().at(ISN - 1000).stamped(None), dies)?;
    lab.shoot(&syn.at(ISN - 1000).stamped(None), dies.silently())?;
    let syn = lab.syn(9, 1002, ISN, Some(STAMP));
    let kept = lab.time_wait(&listener, &syn)?.last_tsval()?;
    lab.shoot(&syn.at(ISN).stamped(Some(kept)), Fate::dies_by(OldTimeWait, kept))?;
    // Nothing is remembered of a connection that had no timestamps.
    for (sport, stamp) in [(1003, None), (1004, Some(STAMP))] {
        let syn = lab.syn(9, sport, ISN, None);
        lab.time_wait(&listener, &syn)?;
        lab.shoot(&syn.at(ISN - 1000).stamped(stamp), Fate::dies(OldTimeWait))?;
    }
    Ok(())
}

fn fin_wait2_paws(lab: &mut Lab) -> Result<()> {
    let listener = lab.listen(16)?;
    let syn = lab.syn(9, 1001, ISN, Some(STAMP));
    let kept = lab.fin_wait2(&listener, &syn)?.last_tsval()?;
    let dies = Fate::dies_by(PawsFinWait2, kept);
    lab.shoot(&syn.clone().at(LATER).stamped(Some(kept - 5000)), dies)?;
    lab.shoot(&syn.at(LATER).stamped(Some(kept - 1)), dies.silently())?;
    Ok(())
}

fn fin_wait2_old_sequence(lab: &mut Lab) -> Result<()> {
    let listener = lab.listen(16)?;
    for (sport, stamped) in [(1001, false), (1002, true)] {
        let syn = lab.syn(9, sport, ISN, Some(STAMP));
        let kept = lab.fin_wait2(&listener, &syn)?.last_tsval()?;
        let again = syn.at(ISN - 1000).stamped(stamped.then_some(kept));
        lab.shoot(&again, Fate::dies_by(OldFinWait2, kept))?;
    }
    Ok(())
}

/// A SYN in the window with a fine timestamp is answered with a reset, and the bucket dies, so that the next one gets in.
fn fin_wait2_killed(lab: &mut Lab) -> Result<()> {
    let listener = lab.listen(16)?;
    let syn = lab.syn(9, 1001, ISN, Some(STAMP));
    let client = lab.fin_wait2(&listener, &syn)?;
    let kept = client.last_tsval()?;
    let again = syn.at(client.next + 10).stamped(Some(kept + 10));
    lab.shoot(&again, Fate::dies_by(KillsFinWait2, kept))?;
    lab.shoot(&again, Fate::Accepted)?;
    Ok(())
}
