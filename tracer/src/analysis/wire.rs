//! From captured segments to SYNs that were answered and SYNs that were not. Capture time is the only clock.
//!
//! A SYN waits for its SYN/ACK for [`PATIENCE`]; observations leave in the order of their SYNs. Which copy of a SYN was
//! answered follows from the timestamp that the SYN/ACK echoes, else it is the last one: the client had asked again because
//! nothing came. What cannot be decided is counted and no drop: SYNs too near the end, and those of which the capture would
//! not have shown the answer. Memory is bounded: SYNs that wait, tuples that are remembered, addresses.

mod meaning;
mod queue;
mod recycle;
mod segments;
mod sides;
mod told;
mod tuples;

use crate::{
    analysis::selection::Selection,
    decode::{
        frame::Segment,
        tcp::{ACK, RST, SYN},
    },
    model::{Answer, Cause, Drop, Nanos, Observation, Stage, report::WireCounts},
};

use meaning::{Before, Held, is_older, meaning};
use queue::{Fate, Queue, Waiting};
use recycle::Recycle;
use segments::IN_TIME;
use sides::Sides;
use tuples::{Tuple, Tuples, key};

/// How long a SYN waits for its SYN/ACK, nanoseconds, while there is room: in a flood half a second must do. A client asks
/// again after one second, older ones after three (RFC 6298 section 2 and appendix A): an answer that takes longer comes
/// too late for every one of them. Round trips take less.
pub const PATIENCE: i64 = 3_000_000_000;
/// The same SYN with the same timestamp within this time, nanoseconds, is the same packet, seen on a second interface
/// (`tcpdump -i any` on a bridge). No stack asks again so soon.
const SAME_PACKET: i64 = 5_000_000;
/// SYNs that wait at once.
const WAITING: usize = 262_144;
/// Tuples that are remembered.
const TUPLES: usize = 262_144;
/// Copies of a SYN that are looked through for the one that was answered.
const COPIES: usize = 32;

/// The state of a capture.
#[derive(Debug)]
pub struct Wire {
    selection: Selection,
    tuples: Tuples,
    queue: Queue,
    sides: Sides,
    recycle: Recycle,
    now: Nanos,
    counts: WireCounts,
}

impl Wire {
    /// Nothing seen; SYNs that the selection leaves out are passed over.
    pub fn new(selection: Selection) -> Self {
        Self {
            selection,
            tuples: Tuples::new(TUPLES),
            queue: Queue::default(),
            sides: Sides::default(),
            recycle: Recycle::default(),
            now: Nanos(i64::MIN),
            counts: WireCounts::default(),
        }
    }

    /// What was counted so far.
    pub fn counts(&self) -> WireCounts {
        self.counts
    }

    /// A packet was captured, whatever it is: time goes on.
    pub fn pass(&mut self, now: Nanos, out: &mut Vec<Observation>) {
        self.now = now;
        while let Some(first) = self.queue.first() {
            // Where the clock was set back by more than that, nothing is known.
            let waited = now.0.saturating_sub(first.time.0);
            if first.fate == Fate::Open && waited.unsigned_abs() < PATIENCE.unsigned_abs() {
                break;
            }
            let Some(mut first) = self.queue.pop() else { break };
            if first.fate == Fate::Open {
                first.fate = if waited > 0 { Fate::Dropped } else { Fate::SetBack };
            }
            self.tell(first, out);
        }
    }

    /// A segment was captured now.
    pub fn segment(&mut self, segment: &Segment<'_>, out: &mut Vec<Observation>) {
        let flags = segment.flags();
        if flags & (SYN | ACK | RST) == SYN {
            self.syn(segment, out);
            return;
        }
        let (key, side) = key(&segment.flow);
        let mut freed = Vec::new();
        let tuple = self.tuples.get(key, forgotten(&mut self.queue, self.now));
        if !tuple.two_way && tuple.way(side.other()).is_seen() {
            tuple.two_way = true;
            self.sides.saw_both(&segment.flow, &mut freed);
        }
        tuple.last = self.now;
        let queue = &mut self.queue;
        if flags & RST != 0 {
            segments::reset(tuple, side, queue, segment, self.now);
        } else if flags & SYN != 0 {
            segments::syn_ack(tuple, side, queue, segment, self.now);
        } else if segments::other(tuple, side, queue, segment, self.now)
            && let Some(ts) = tuple.way(side).ts
        {
            self.recycle.closed(segment.flow.src, segment.flow.dst, ts);
        }
        for waiting in freed {
            self.tell(waiting, out);
        }
    }

    fn syn(&mut self, segment: &Segment<'_>, out: &mut Vec<Observation>) {
        if !self.selection.holds(&segment.flow) {
            return;
        }
        let (key, side) = key(&segment.flow);
        let tuple = self.tuples.get(key, forgotten(&mut self.queue, self.now));
        let syn = segment.syn();
        let mut before = Before::of(tuple, side, syn.seq, self.now);
        let mut first = !matches!(before.held, Held::Same(_));
        if let Some(copy) = self.queue.get(tuple.waiting)
            && copy.flow == segment.flow
            && copy.syn.seq == syn.seq
        {
            let soon = self.now.0.abs_diff(copy.time.0) < SAME_PACKET.unsigned_abs();
            if soon && copy.syn.tsval == syn.tsval && copy.answer.is_none() {
                self.counts.duplicates += 1;
                return;
            }
            copy.came_again = true;
            first = false;
            // The server knows no more of this attempt than it did before.
            if copy.fate == Fate::Open {
                before = Before { reset: tuple.reset, ..copy.before };
            }
        }
        before.address = self.recycle.stamp(segment.flow.src, segment.flow.dst, self.now);
        self.counts.syns += 1;
        self.counts.options_cut += u64::from(segment.options_cut());
        if self.queue.len() >= WAITING
            && let Some(mut oldest) = self.queue.pop()
        {
            give_up(&mut oldest, self.now);
            self.tell(oldest, out);
        }
        let tuple = self.tuples.get(key, forgotten(&mut self.queue, self.now));
        tuple.last = self.now;
        tuple.way_mut(side).asked = true;
        tuple.waiting = self.queue.push(Waiting {
            time: self.now,
            flow: segment.flow,
            syn,
            payload: segment.payload,
            before,
            previous: tuple.waiting,
            first,
            came_again: false,
            fate: Fate::Open,
            answer: None,
        });
    }

    /// The capture ends here.
    pub fn end(&mut self, out: &mut Vec<Observation>) {
        while let Some(mut first) = self.queue.pop() {
            // The client itself said that it got nothing, or the server that it refused.
            if first.fate == Fate::Open && (first.came_again || first.answer.is_some()) {
                first.fate = Fate::Dropped;
            }
            self.tell(first, out);
        }
        for waiting in self.sides.rest() {
            if self.sides.shows(&waiting.flow) {
                self.tell(waiting, out);
            } else {
                self.counts.one_way += 1;
                out.push(Observation::Undecided(waiting.reading()));
            }
        }
    }

    /// A SYN leaves the queue.
    fn tell(&mut self, waiting: Waiting, out: &mut Vec<Observation>) {
        let server = waiting.flow.dst;
        match waiting.fate {
            Fate::Accepted => {
                if waiting.before.held != Held::TimeWait {
                    self.recycle.told(server, waiting.before.address, &waiting.syn, true);
                }
                self.counts.answered += 1;
                out.push(Observation::Accepted(waiting.reading()));
            }
            Fate::Repeated => self.counts.repeated += 1,
            Fate::Open | Fate::GivenUp | Fate::SetBack => {
                let count = match waiting.fate {
                    _ if !self.sides.shows(&waiting.flow) => &mut self.counts.one_way,
                    Fate::GivenUp => &mut self.counts.no_room,
                    Fate::SetBack => &mut self.counts.set_back,
                    _ => &mut self.counts.near_end,
                };
                *count += 1;
                out.push(Observation::Undecided(waiting.reading()));
            }
            Fate::Dropped | Fate::Refused if !self.sides.shows(&waiting.flow) => {
                if let Some(oldest) = self.sides.keep(waiting) {
                    self.counts.one_way += 1;
                    out.push(Observation::Undecided(oldest.reading()));
                }
            }
            Fate::Dropped | Fate::Refused => out.push(Observation::Drop(self.drop(&waiting))),
        }
    }

    fn drop(&mut self, waiting: &Waiting) -> Drop {
        let Waiting { flow, syn, before, time, answer, .. } = waiting;
        let refused = self.tuples.look(key(flow).0).and_then(|tuple| tuple.refused);
        let proven = *answer == Some(Answer::Ack) || refused.is_some_and(|at| at >= *time);
        let told = if waiting.fate == Fate::Refused {
            meaning::Meaning { stage: Stage::None, cause: Cause::NoListener, remembered: None }
        } else {
            let recycle = self.recycle.fits(flow.dst);
            meaning(before, syn, *time, *answer, proven, recycle)
        };
        if waiting.first
            && answer.is_none()
            && (before.held == Held::Nothing || is_older(before.address, syn))
        {
            self.recycle.told(flow.dst, before.address, syn, false);
        }
        waiting.dropped(&told)
    }
}

/// There is no room to wait any longer. An answer that did not come in time may still come, and would be a rare one.
fn give_up(waiting: &mut Waiting, now: Nanos) {
    if waiting.fate == Fate::Open {
        let late = now.0.saturating_sub(waiting.time.0) > IN_TIME.cast_signed();
        waiting.fate = if late { Fate::Dropped } else { Fate::GivenUp };
    }
}

/// A tuple is forgotten: nobody would notice the answer to a SYN on it.
fn forgotten(queue: &mut Queue, now: Nanos) -> impl FnMut(&Tuple) {
    move |tuple| {
        let mut number = tuple.waiting;
        for _ in 0..COPIES {
            let Some(copy) = queue.get(number) else { break };
            give_up(copy, now);
            number = copy.previous;
        }
    }
}

#[cfg(test)]
mod tests;
