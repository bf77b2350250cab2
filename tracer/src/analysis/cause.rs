//! Decides which cause a dropped SYN has. One function, in the kernel's own order of tests, over the facts that the
//! kernel decided from; table-tested per kernel version.

mod counter;
mod freed;

use std::sync::Arc;

use super::kernel::Kernel;
use crate::model::{
    Answer, Cause, Stage,
    seen::{Queues, Seen, Site},
};
use counter::counter;
use freed::{by_reason, freed};

/// What a SYN's facts mean.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Meaning {
    /// Where it died.
    pub stage: Stage,
    /// Why.
    pub cause: Cause,
    /// The kernel's own name for it.
    pub reason: Option<Arc<str>>,
    /// The counter that it moves.
    pub snmp: Option<&'static str>,
    /// What went back.
    pub answer: Option<Answer>,
}

/// States of `include/net/tcp_states.h`.
mod state {
    pub(super) const SYN_SENT: u8 = 2;
    pub(super) const FIN_WAIT2: u8 = 5;
    pub(super) const TIME_WAIT: u8 = 6;
    pub(super) const LISTEN: u8 = 10;
    pub(super) const NEW_SYN_RECV: u8 = 12;
}

/// Says what the facts mean on this kernel.
pub fn explain(seen: &Seen, kernel: &Kernel) -> Meaning {
    let reason = seen.reason.and_then(|number| kernel.reason(number));
    let mut meaning = match seen.site {
        Site::Listen => listen(seen),
        Site::TimeWait => time_wait(seen, kernel, reason.as_deref()),
        Site::SynRecv => syn_recv(seen, reason.as_deref()),
        Site::FullSocket => full_socket(seen, kernel, reason.as_deref()),
        Site::KfreeSkb => freed(seen, kernel, reason.as_deref()),
    };
    // A packet on its way to the function that was hooked may still die of something else.
    if matches!(seen.site, Site::TimeWait | Site::SynRecv)
        && let Some(name) = reason.as_deref()
        && !belongs(meaning.cause, name)
    {
        let gave_way = seen.site == Site::TimeWait && meaning.stage == Stage::None;
        let stage = if gave_way { Stage::Listen } else { meaning.stage };
        let answer = if gave_way { by_reason(seen, stage, Some(name)).answer } else { meaning.answer };
        meaning = Meaning { stage, cause: Cause::Other, answer, ..meaning };
        if name == TSECR {
            meaning.answer = ack_of(seen);
        }
    }
    meaning.snmp = counter(meaning.cause, meaning.stage, meaning.answer, reason.as_deref(), kernel);
    Meaning { reason, ..meaning }
}

fn meaning(stage: Stage, cause: Cause, answer: Option<Answer>) -> Meaning {
    Meaning { stage, cause, reason: None, snmp: None, answer }
}

/// `tcp_conn_request` (net/ipv4/tcp_input.c): SYN queue, accept queue, proof of the peer, then everything else. Who was
/// asked for proof had passed the queues, whatever they were on entry.
fn listen(seen: &Seen) -> Meaning {
    let cause = match seen.queues {
        _ if seen.recycled => Cause::PawsRecycle,
        _ if seen.not_proven => Cause::PeerNotProven,
        Some(q) if syn_queue_full(q) == Fullness::Over && cookies_off(q) && !seen.from_time_wait => {
            Cause::SynQueueFull
        }
        Some(q) if q.accept > q.accept_max => Cause::AcceptQueueFull,
        // At exactly the limit kernels differ (`>=` or `>` in `inet_csk_reqsk_queue_is_full`); an empty queue with a
        // backlog of 0 is at its limit, too, and says nothing.
        Some(q)
            if syn_queue_full(q) == Fullness::AtLimit
                && q.syn > 0
                && cookies_off(q)
                && !seen.from_time_wait =>
        {
            Cause::SynQueueFull
        }
        _ => Cause::ListenOther,
    };
    // A RST: an MPTCP join that the listener refuses (`subflow_v4_route_req`).
    let answer = if seen.rst_sent == Some(true) { Answer::Rst } else { Answer::None };
    meaning(Stage::Listen, cause, Some(answer))
}

fn cookies_off(queues: Queues) -> bool {
    queues.syncookies == 0
}

#[derive(PartialEq, Eq)]
enum Fullness {
    Room,
    AtLimit,
    Over,
}

/// `inet_csk_reqsk_queue_is_full`: the limit is the listener's own backlog.
fn syn_queue_full(queues: Queues) -> Fullness {
    match queues.syn.cmp(&queues.accept_max) {
        std::cmp::Ordering::Less => Fullness::Room,
        std::cmp::Ordering::Equal => Fullness::AtLimit,
        std::cmp::Ordering::Greater => Fullness::Over,
    }
}

/// The PAWS test (`tcp_paws_check`, include/net/tcp.h), recomputed from the remembered timestamp: `win` ticks of
/// grace, no test without a timestamp on either side or with a stamp from another age.
fn paws(seen: &Seen, kernel: &Kernel, win: i32) -> bool {
    let (Some(recent), Some(tsval)) = (seen.ts_recent, seen.syn.tsval) else { return false };
    let now_s = u32::try_from(seen.mono_ns / 1_000_000_000).unwrap_or(u32::MAX);
    // With a sign, as `time_before32` compares.
    let age = |stamp| now_s.wrapping_sub(stamp).cast_signed();
    let fresh = seen.ts_recent_stamp.is_none_or(|stamp| age(stamp) < kernel.paws_wrap_s.cast_signed());
    recent != 0 && fresh && recent.wrapping_sub(tsval).cast_signed() > win
}

/// The kernel's own word, where it has one, comes before what is computed from its memory.
const TW_PAWS: &str = "TCP_RFC7323_TW_PAWS";
const PAWS: &str = "TCP_RFC7323_PAWS";
const TSECR: &str = "TCP_RFC7323_TSECR";

/// The PAWS test of a TIME_WAIT bucket; one that never saw a timestamp keeps no stamp.
fn paws_of_bucket(seen: &Seen, kernel: &Kernel) -> bool {
    seen.ts_recent_stamp != Some(0) && paws(seen, kernel, 0)
}

/// Whether a TIME_WAIT bucket gives way (`TCP_TW_SYN`): a newer sequence number or a newer timestamp, and no PAWS.
fn gives_way(seen: &Seen, kernel: &Kernel) -> bool {
    let newer = |new: u32, old: u32| new.wrapping_sub(old).cast_signed() > 0;
    let later_seq = seen.rcv_nxt.is_some_and(|next| newer(seen.syn.seq, next));
    let later_clock = match (seen.ts_recent, seen.syn.tsval) {
        (Some(recent), Some(tsval)) => {
            seen.ts_recent_stamp != Some(0) && recent.wrapping_sub(tsval).cast_signed() < 0
        }
        _ => false,
    };
    !seen.odd_flags.rst && (later_seq || later_clock) && !paws_of_bucket(seen, kernel)
}

/// What became of a SYN for which the bucket gave way: nobody listens any more, and the bucket sends its own ACK. Where
/// kernels drop at a listener without a name (a filter, a TTL limit, MD5), it may as well have been that.
fn gave_way(kernel: &Kernel) -> Meaning {
    if kernel.names_every_drop {
        meaning(Stage::None, Cause::NoListener, Some(Answer::Ack))
    } else {
        meaning(Stage::None, Cause::Other, None)
    }
}

/// `tcp_timewait_state_process` (net/ipv4/tcp_minisocks.c).
fn time_wait(seen: &Seen, kernel: &Kernel, reason: Option<&str>) -> Meaning {
    let named = reason == Some(TW_PAWS);
    let (stage, paws_cause) = if seen.tw_substate == state::FIN_WAIT2 && !named {
        (Stage::FinWait2, Cause::PawsFinWait2)
    } else {
        (Stage::TimeWait, Cause::PawsTimeWait)
    };
    let verdict = seen.verdict.and_then(|number| kernel.verdict(number));
    let answer = match verdict {
        Some("SUCCESS") => Some(Answer::None),
        Some("ACK" | "ACK_OOW") => Some(Answer::Ack),
        Some("RST") => Some(Answer::Rst),
        Some("SYN") if !named => return gave_way(kernel),
        None if !named && stage == Stage::TimeWait && gives_way(seen, kernel) => return gave_way(kernel),
        _ if seen.rst_sent == Some(true) => Some(Answer::Rst),
        _ => None,
    };
    let cause = if named || paws_of_bucket(seen, kernel) {
        paws_cause
    } else if answer == Some(Answer::Rst) || seen.odd_flags.rst {
        Cause::Other
    } else {
        Cause::OldSequence
    };
    meaning(stage, cause, answer)
}

/// `tcp_check_req` (net/ipv4/tcp_minisocks.c). A SYN that got its SYN/ACK again never comes here.
fn syn_recv(seen: &Seen, reason: Option<&str>) -> Meaning {
    let regressed = reason == Some(PAWS)
        || match (seen.ts_recent, seen.syn.tsval) {
            (Some(recent), Some(tsval)) => recent != 0 && recent.wrapping_sub(tsval).cast_signed() > 0,
            _ => false,
        };
    let (cause, answer) = if seen.rst_sent == Some(true) {
        (Cause::Other, Some(Answer::Rst))
    } else if regressed {
        (Cause::PawsSynRecv, ack_of(seen))
    } else if seen.odd_flags.rst {
        (Cause::Other, Some(Answer::None))
    } else if seen.rcv_nxt == Some(seen.syn.seq.wrapping_add(1)) {
        (Cause::Repeated, Some(Answer::None))
    } else {
        (Cause::OutOfWindow, ack_of(seen))
    };
    meaning(Stage::SynRecv, cause, answer)
}

/// `tcp_validate_incoming` (net/ipv4/tcp_input.c): PAWS with one tick of grace, then the SYN itself.
fn full_socket(seen: &Seen, kernel: &Kernel, reason: Option<&str>) -> Meaning {
    let cause = if seen.odd_flags.rst {
        // Taken as a RST whatever its timestamp, and counted as no SYN.
        Cause::Other
    } else if reason == Some(PAWS) || paws(seen, kernel, 1) {
        Cause::PawsEstablished
    } else {
        Cause::SynOnEstablished
    };
    let answer = if seen.rst_sent == Some(true) { Some(Answer::Rst) } else { ack_of(seen) };
    meaning(Stage::Established, cause, answer)
}

fn ack_of(seen: &Seen) -> Option<Answer> {
    seen.ack_sent.map(|sent| if sent { Answer::Ack } else { Answer::None })
}

/// Whether the kernel gives this reason for that cause; where it gives one for a cause that has none, something
/// else ended the packet.
fn belongs(cause: Cause, reason: &str) -> bool {
    match cause {
        Cause::PawsTimeWait | Cause::PawsFinWait2 => reason == TW_PAWS,
        Cause::PawsSynRecv => reason == PAWS,
        Cause::OutOfWindow => reason == "TCP_OVERWINDOW",
        _ => false,
    }
}

#[cfg(test)]
mod tests;
