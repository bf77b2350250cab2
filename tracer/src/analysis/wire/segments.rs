//! What a segment that is no SYN says of the SYNs that wait on its tuple, and of the connection itself.

use super::{
    COPIES,
    meaning::Held,
    queue::{Fate, NONE, Queue},
    tuples::{Side, Tuple, Way},
};
use crate::{
    decode::{
        frame::Segment,
        tcp::{ACK, FIN},
    },
    model::{Answer, Flow, Nanos},
};

/// The same way back.
pub(super) fn reversed(flow: Flow) -> Flow {
    Flow { src: flow.dst, sport: flow.dport, dst: flow.src, dport: flow.sport }
}

/// A SYN/ACK from `side`.
pub(super) fn syn_ack(tuple: &mut Tuple, side: Side, queue: &mut Queue, segment: &Segment<'_>, now: Nanos) {
    let echo = segment.timestamps().map(|(_, echo)| echo);
    let chosen = acknowledged(tuple, queue, segment, echo, now);
    let next = segment.seq().wrapping_add(1).wrapping_add(segment.payload);
    let server = Way {
        ts: segment.timestamps().map(|(tsval, _)| (tsval, now)),
        next: Some(next),
        syn_ack: Some(now),
        spoke: true,
        ..Way::default()
    };
    let client = side.other();
    let known = tuple.way(client).isn == Some(segment.ack().wrapping_sub(1));
    if known && tuple.way(side).syn_ack.is_some() {
        // Once more, for a SYN that had its answer.
        tuple.way_mut(side).syn_ack = Some(now);
        answer(tuple, queue, chosen, Fate::Repeated);
        return;
    }
    let asked = answer(tuple, queue, chosen, Fate::Accepted);
    begin(tuple, client, asked, segment.ack(), server);
}

/// A connection begins; `asked` is what its SYN carried, where that was seen, `ack` the number behind it.
fn begin(tuple: &mut Tuple, client: Side, asked: Option<(Option<u32>, Nanos, u32)>, ack: u32, server: Way) {
    let isn = asked.map_or(ack.wrapping_sub(1), |(.., seq)| seq);
    let way = Way {
        ts: asked.and_then(|(tsval, time, _)| Some((tsval?, time))),
        next: Some(ack),
        isn: Some(isn),
        asked: true,
        ..Way::default()
    };
    tuple.begin(client, way, server);
}

/// An answer within this time, nanoseconds, came in time: no client asks again so soon, unless it was refused. Two copies that
/// are captured closer to one another were held up on their way, and the first one is the one that was answered.
pub(super) const IN_TIME: u64 = 500_000_000;

/// Which of the SYNs that wait a segment of the server acknowledges: the one whose timestamp it echoes, else the first one
/// for which it comes in time, else the last one.
fn acknowledged(
    tuple: &Tuple,
    queue: &mut Queue,
    segment: &Segment<'_>,
    echo: Option<u32>,
    now: Nanos,
) -> u64 {
    let flow = reversed(segment.flow);
    let (mut chosen, mut number) = (NONE, tuple.waiting);
    for _ in 0..COPIES {
        let Some(copy) = queue.get(number) else { break };
        if copy.flow == flow && copy.fate == Fate::Open && copy.is_acknowledged_by(segment.ack()) {
            if echo.is_some() && copy.syn.tsval == echo {
                return number;
            }
            let in_time = copy.answer.is_none() && now.0.abs_diff(copy.time.0) <= IN_TIME;
            if chosen == NONE || in_time {
                chosen = number;
            }
        }
        number = copy.previous;
    }
    chosen
}

/// Gives the SYN `chosen` its fate: those before it had none, and the same SYN after it asked for what was on its way.
/// TSval, time and sequence number of the SYN.
fn answer(tuple: &Tuple, queue: &mut Queue, chosen: u64, fate: Fate) -> Option<(Option<u32>, Nanos, u32)> {
    let of = queue.get(chosen).map(|copy| (copy.flow, copy.syn.tsval, copy.time, copy.syn.seq))?;
    let mut number = tuple.waiting;
    for _ in 0..COPIES {
        let Some(copy) = queue.get(number) else { break };
        let same = copy.syn.seq == of.3;
        if copy.flow == of.0 && copy.fate == Fate::Open {
            match number.cmp(&chosen) {
                std::cmp::Ordering::Equal => copy.fate = fate,
                std::cmp::Ordering::Greater if same => copy.fate = Fate::Repeated,
                std::cmp::Ordering::Greater => {}
                std::cmp::Ordering::Less if fate == Fate::Repeated && same => copy.fate = Fate::Repeated,
                std::cmp::Ordering::Less => copy.fate = Fate::Dropped,
            }
        }
        number = copy.previous;
    }
    Some((of.1, of.2, of.3))
}

/// A reset from `side`.
pub(super) fn reset(tuple: &mut Tuple, side: Side, queue: &mut Queue, segment: &Segment<'_>, now: Nanos) {
    if segment.flags() & ACK != 0 {
        let chosen = acknowledged(tuple, queue, segment, None, now);
        let waits = queue.get(chosen).is_some_and(|copy| !matches!(copy.before.held, Held::Same(_)));
        if waits {
            answer(tuple, queue, chosen, Fate::Refused);
            if let Some(copy) = queue.get(chosen) {
                copy.answer = Some(Answer::Rst);
            }
        }
    }
    if let Some(copy) = queue.get(tuple.waiting)
        && copy.fate == Fate::Open
        && copy.flow == reversed(segment.flow)
    {
        copy.answer.get_or_insert(Answer::Rst);
    }
    tuple.reset = true;
    tuple.way_mut(side).spoke = true;
}

/// Anything else from `side`. Whether the other side keeps a closed connection from now on.
pub(super) fn other(
    tuple: &mut Tuple,
    side: Side,
    queue: &mut Queue,
    segment: &Segment<'_>,
    now: Nanos,
) -> bool {
    let (acks, fin) = (segment.flags() & ACK != 0, segment.flags() & FIN != 0);
    if acks {
        wait_is_over(tuple, side, queue, segment, now);
    }
    let end = segment.seq().wrapping_add(segment.payload).wrapping_add(fin.into());
    let is_newer = |value: u32, than: u32| value.wrapping_sub(than).cast_signed() >= 0;
    let way = tuple.way_mut(side);
    way.spoke = true;
    way.acked |= acks;
    if let Some((tsval, _)) = segment.timestamps()
        && way.ts.is_none_or(|(newest, _)| is_newer(tsval, newest))
    {
        way.ts = Some((tsval, now));
    }
    if way.next.is_none_or(|next| is_newer(end, next)) {
        way.next = Some(end);
    }
    let closes = fin && !way.fin;
    way.fin |= fin;
    let peer = tuple.way_mut(side.other());
    let sees = acks && peer.fin && peer.next == Some(segment.ack());
    let half_closed = sees && !peer.fin_acked;
    peer.fin_acked |= sees;
    let (peer_first, peer_fin) = (peer.closed_first, peer.fin);
    if closes {
        tuple.way_mut(side).closed_first = !(peer_fin && sees);
    }
    peer_first && (half_closed || closes)
}

/// What an ACK says of a SYN that waits: the client goes on, so it had a SYN/ACK that was not captured; or the server
/// answers with the old connection's numbers.
fn wait_is_over(tuple: &mut Tuple, side: Side, queue: &mut Queue, segment: &Segment<'_>, now: Nanos) {
    let Some(copy) = queue.get(tuple.waiting) else { return };
    if copy.fate != Fate::Open {
        return;
    }
    if copy.flow == segment.flow {
        let goes_on = copy.is_acknowledged_by(segment.seq()) && !matches!(copy.before.held, Held::Same(_));
        if goes_on {
            let asked = answer(tuple, queue, tuple.waiting, Fate::Accepted);
            let server = Way { syn_ack: Some(now), next: Some(segment.ack()), ..Way::default() };
            begin(tuple, side, asked, segment.seq(), server);
        }
    } else if segment.payload == 0 && segment.flags() & FIN == 0 && !copy.is_acknowledged_by(segment.ack()) {
        copy.answer.get_or_insert(Answer::Ack);
        (tuple.refused, tuple.reset) = (Some(now), false);
    }
}
