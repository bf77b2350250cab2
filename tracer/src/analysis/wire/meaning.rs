//! What a SYN without a SYN/ACK is consistent with, by the packets before it on its tuple.
//!
//! The tests are the kernel's (`tcp_timewait_state_process`, `tcp_check_req`, `tcp_validate_incoming`), over what packets
//! show of its memory. What they do not show is not claimed: then the cause is `other`.

use super::tuples::{Side, Tuple};
use crate::model::{Answer, Cause, Nanos, Stage, Syn};

/// How long a closed connection keeps its tuple, nanoseconds (`TCP_TIMEWAIT_LEN`; each segment begins it anew).
pub(super) const TIME_WAIT: i64 = 60_000_000_000;
/// How long a request waits for the end of its handshake: five SYN/ACKs more, the last after 31 s, and 32 s for its answer
/// (`tcp_synack_retries`).
const HANDSHAKE: i64 = 63_000_000_000;
/// The same SYN again within this time of the last SYN/ACK is met with silence (`tcp_invalid_ratelimit`).
const RATE_LIMIT: i64 = 500_000_000;

/// What the server kept for the tuple when the SYN came, as far as packets tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Held {
    /// Nothing that was seen.
    Nothing,
    /// The same SYN was answered already; when the last SYN/ACK was sent.
    Same(Nanos),
    /// A handshake that did not end.
    Handshake,
    /// An open connection, or one that only the client has closed.
    Open,
    /// The server has closed, the client has not.
    FinWait2,
    /// The server has closed first.
    TimeWait,
}

/// What was on a tuple before a SYN.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Before {
    pub(super) held: Held,
    /// The client's newest TSval, and when it was sent last.
    pub(super) ts: Option<(u32, Nanos)>,
    /// The sequence number that the server expects next.
    pub(super) next: Option<u32>,
    /// A reset came after all that: it may have ended the server's memory.
    pub(super) reset: bool,
    /// What `tcp_tw_recycle` would remember of the client's address.
    pub(super) address: Option<(u32, Nanos)>,
}

impl Before {
    pub(super) fn of(tuple: &Tuple, client: Side, seq: u32, now: Nanos) -> Self {
        let (ours, theirs) = (tuple.way(client), tuple.way(client.other()));
        let within = |span: i64| now.0.saturating_sub(tuple.last.0) <= span;
        let held = if !theirs.spoke && !ours.spoke {
            Held::Nothing
        } else if let (Some(time), true) = (theirs.syn_ack, ours.isn == Some(seq)) {
            Held::Same(time)
        } else if theirs.syn_ack.is_some() && !ours.acked {
            if within(HANDSHAKE) { Held::Handshake } else { Held::Nothing }
        } else if theirs.fin && ours.fin {
            // Whoever closes second keeps nothing once its FIN is acknowledged.
            if theirs.closed_first && within(TIME_WAIT) { Held::TimeWait } else { Held::Nothing }
        } else if theirs.fin && theirs.fin_acked {
            if within(TIME_WAIT) { Held::FinWait2 } else { Held::Nothing }
        } else {
            Held::Open
        };
        Self { held, ts: ours.ts, next: ours.next, reset: tuple.reset, address: None }
    }

    /// Ticks by which a SYN is older than the client's newest timestamp on the tuple.
    fn behind(&self, syn: &Syn) -> Option<i32> {
        Some(self.ts?.0.wrapping_sub(syn.tsval?).cast_signed())
    }
}

/// What a drop is consistent with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Meaning {
    pub(super) stage: Stage,
    pub(super) cause: Cause,
    /// The timestamp that the server would remember, and when it was sent.
    pub(super) remembered: Option<(u32, Nanos)>,
}

/// The meaning of a SYN that got no SYN/ACK. `proven`: the server has answered a SYN on this tuple with a bare ACK since, so
/// it does keep something; `recycle`: what was seen of the server so far is consistent with `tcp_tw_recycle`.
pub(super) fn meaning(
    before: &Before,
    syn: &Syn,
    time: Nanos,
    answer: Option<Answer>,
    proven: bool,
    recycle: bool,
) -> Meaning {
    let told = |stage, cause| Meaning { stage, cause, remembered: before.ts };
    let other = |stage| Meaning { stage, cause: Cause::Other, remembered: None };
    let behind = before.behind(syn);
    let later_seq = before.next.is_none_or(|next| syn.seq.wrapping_sub(next).cast_signed() > 0);
    let later_clock = behind.is_some_and(|ticks| ticks < 0);
    // A reset from the server is no answer of a socket that keeps the tuple, and one from the client ends it.
    let kept = answer != Some(Answer::Rst) && (proven || !before.reset);
    let bucket = |stage, paws| match behind {
        Some(1..) => told(stage, paws),
        // Neither newer: the bucket keeps the tuple. Otherwise it gives way, and the listener dropped the SYN.
        _ if !later_seq && !later_clock => told(stage, Cause::OldSequence),
        _ => other(Stage::None),
    };
    match before.held {
        Held::Same(syn_ack) if time.0.saturating_sub(syn_ack.0) <= RATE_LIMIT || proven => {
            Meaning { stage: Stage::SynRecv, cause: Cause::Repeated, remembered: None }
        }
        Held::Same(_) => other(Stage::SynRecv),
        Held::TimeWait if kept && recycle && answer.is_none() => by_address(before, syn),
        Held::TimeWait if kept => bucket(Stage::TimeWait, Cause::PawsTimeWait),
        Held::FinWait2 if kept => bucket(Stage::FinWait2, Cause::PawsFinWait2),
        Held::Handshake if kept => match behind {
            Some(1..) => told(Stage::SynRecv, Cause::PawsSynRecv),
            _ if proven => told(Stage::SynRecv, Cause::OutOfWindow),
            _ => other(Stage::SynRecv),
        },
        // An open connection answers; where it is silent, it may be gone.
        Held::Open if kept && proven => match behind {
            Some(2..) => told(Stage::Established, Cause::PawsEstablished),
            _ => told(Stage::Established, Cause::SynOnEstablished),
        },
        Held::Nothing if recycle && answer.is_none() => by_address(before, syn),
        _ => other(Stage::None),
    }
}

/// `tcp_peer_is_proven` before Linux 4.12.
fn by_address(before: &Before, syn: &Syn) -> Meaning {
    if is_older(before.address, syn) {
        Meaning { stage: Stage::Listen, cause: Cause::PawsRecycle, remembered: before.address }
    } else {
        Meaning { stage: Stage::None, cause: Cause::Other, remembered: None }
    }
}

/// More than one tick older than what is remembered of the address (`TCP_PAWS_WINDOW`).
pub(super) fn is_older(address: Option<(u32, Nanos)>, syn: &Syn) -> bool {
    address.zip(syn.tsval).is_some_and(|((recent, _), tsval)| recent.wrapping_sub(tsval).cast_signed() > 1)
}
