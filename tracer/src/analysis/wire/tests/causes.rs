//! What a SYN without an answer is consistent with, by what was on its tuple before.

use super::*;

/// A connection of port 5 with its last TSval 1000, closed by the server at 0.
fn closed() -> Tape {
    let mut tape = Tape::two_way();
    tape.opens(-500, client(5), 100, 900).closes(0, client(5), 100, 1000);
    tape
}

fn of(drop: &Drop) -> (Cause, Stage, Option<Answer>) {
    (drop.cause, drop.stage, drop.answer)
}

const NOTHING: Option<Answer> = Some(Answer::None);

/// What a last SYN of port 5 is told as that nobody answers.
fn unanswered(mut tape: Tape, at: i64, says: Says) -> (Cause, Stage, Option<Answer>) {
    tape.say(at, client(5), SERVER, says).later(at);
    of(&tape.drop())
}

/// A SYN on port 5 that is met with an ACK of the old connection's numbers.
fn challenged(tape: &mut Tape, at: i64, says: Says) -> &mut Tape {
    tape.say(at, client(5), SERVER, says).say(at, SERVER, client(5), ack(5002, 102, (9002, 1000)))
}

#[test]
fn paws_in_time_wait() {
    // As on every Linux since 4.0: an ACK with the old numbers, the client's reset, and another try that gets in.
    let mut tape = closed();
    challenged(&mut tape, 2000, syn(7000, 400)).say(2001, client(5), SERVER, rst(102, 0, 0));
    tape.say(2011, client(5), SERVER, syn(7000, 411));
    tape.say(2011, SERVER, client(5), syn_ack(3, 7001, 411));
    let (out, _) = tape.end();
    assert_eq!(told(&out), [('d', 2000), ('a', 2011)]);
    let drop =
        out.iter().find_map(|o| if let Observation::Drop(drop) = o { Some(drop) } else { None }).unwrap();
    assert_eq!(of(drop), (Cause::PawsTimeWait, Stage::TimeWait, Some(Answer::Ack)));
    assert_eq!((drop.ts_recent, drop.ts_age_ms, drop.regression()), (Some(1000), Some(2000), Some(600)));
}

#[test]
fn paws_where_the_ack_is_lost_or_held_back() {
    let mut tape = closed();
    tape.say(59_000, client(5), SERVER, syn(7000, 400)).later(59_000);
    let drop = tape.drop();
    assert_eq!(of(&drop), (Cause::PawsTimeWait, Stage::TimeWait, NOTHING));
    assert_eq!(drop.ts_age_ms, Some(59_000));
}

#[test]
fn after_a_minute_nothing_is_remembered() {
    assert_eq!(unanswered(closed(), 60_001, syn(7000, 400)), (Cause::Other, Stage::None, NOTHING));
    // Each refused SYN begins the minute anew.
    let mut tape = closed();
    tape.say(50_000, client(5), SERVER, syn(7000, 400)).say(100_000, client(5), SERVER, syn(7000, 500));
    tape.later(100_000);
    assert!(tape.drops().iter().all(|drop| drop.cause == Cause::PawsTimeWait));
}

/// `tcp_rfc1337=1`: the reset is ignored, and the next ACK held back by the rate limit.
#[test]
fn a_reset_that_is_ignored() {
    let mut tape = closed();
    challenged(&mut tape, 2000, syn(7000, 400)).say(2000, client(5), SERVER, rst(102, 0, 0));
    tape.say(2010, client(5), SERVER, syn(7000, 410));
    tape.say(3010, client(5), SERVER, syn(7000, 1410 - 1000));
    tape.say(3010, SERVER, client(5), ack(5002, 102, (9003, 1000))).later(3010);
    let causes: Vec<_> = tape.drops().iter().map(of).collect();
    assert_eq!(
        causes,
        [
            (Cause::PawsTimeWait, Stage::TimeWait, Some(Answer::Ack)),
            (Cause::PawsTimeWait, Stage::TimeWait, NOTHING),
            (Cause::PawsTimeWait, Stage::TimeWait, Some(Answer::Ack)),
        ]
    );
    // Without a sign that the server still remembers, the reset has ended it.
    let mut tape = closed();
    tape.say(1000, client(5), SERVER, rst(102, 0, 0));
    assert_eq!(unanswered(tape, 2000, syn(7000, 400)), (Cause::Other, Stage::None, NOTHING));
}

#[test]
fn whoever_closes_second_remembers_nothing() {
    let mut tape = Tape::two_way();
    tape.opens(-500, client(5), 100, 900);
    tape.say(0, client(5), SERVER, fin(101, 5001, (1000, 9000)));
    tape.say(0, SERVER, client(5), fin(5001, 102, (9001, 1000)));
    tape.say(0, client(5), SERVER, ack(102, 5002, (1000, 9001)));
    assert_eq!(unanswered(tape, 2000, syn(7000, 400)), (Cause::Other, Stage::None, NOTHING));
    // Both at once: both remember.
    let mut tape = Tape::two_way();
    tape.opens(-500, client(5), 100, 900);
    tape.say(0, client(5), SERVER, fin(101, 5001, (1000, 9000)));
    tape.say(0, SERVER, client(5), fin(5001, 101, (9001, 900)));
    assert_eq!(unanswered(tape, 2000, syn(7000, 400)), (Cause::PawsTimeWait, Stage::TimeWait, NOTHING));
}

#[test]
fn a_newer_timestamp_or_number_is_not_to_blame() {
    for (says, want) in [
        (syn(7000, 1000), (Cause::Other, Stage::None, NOTHING)),
        (syn(50, 1001), (Cause::Other, Stage::None, NOTHING)),
        (plain_syn(7000), (Cause::Other, Stage::None, NOTHING)),
        (syn(50, 1000), (Cause::OldSequence, Stage::TimeWait, NOTHING)),
        (syn(102, 1000), (Cause::OldSequence, Stage::TimeWait, NOTHING)),
        (plain_syn(50), (Cause::OldSequence, Stage::TimeWait, NOTHING)),
        (syn(50, 999), (Cause::PawsTimeWait, Stage::TimeWait, NOTHING)),
    ] {
        assert_eq!(unanswered(closed(), 2000, says), want, "{says:?}");
    }
}

#[test]
fn half_closed() {
    let mut tape = Tape::two_way();
    tape.opens(-500, client(5), 100, 900);
    tape.say(0, SERVER, client(5), fin(5001, 101, (9001, 900)));
    tape.say(1, client(5), SERVER, ack(101, 5002, (1000, 9001)));
    tape.say(2000, client(5), SERVER, syn(7000, 400)).later(2000);
    let drop = tape.drop();
    assert_eq!(of(&drop), (Cause::PawsFinWait2, Stage::FinWait2, NOTHING));
    assert_eq!((drop.ts_recent, drop.ts_age_ms), (Some(1000), Some(1999)));
}

#[test]
fn an_open_connection_answers_or_is_gone() {
    let refused = |tsval, answers| {
        let mut tape = Tape::two_way();
        tape.opens(-500, client(5), 100, 900);
        tape.say(2_000_000, client(5), SERVER, syn(7000, tsval));
        if answers {
            tape.say(2_000_000, SERVER, client(5), ack(5001, 101, (9001, 900)));
        }
        tape.later(2_000_000);
        of(&tape.drop())
    };
    let ack = Some(Answer::Ack);
    assert_eq!(refused(400, true), (Cause::PawsEstablished, Stage::Established, ack));
    // One tick of grace.
    assert_eq!(refused(899, true), (Cause::SynOnEstablished, Stage::Established, ack));
    assert_eq!(refused(2000, true), (Cause::SynOnEstablished, Stage::Established, ack));
    assert_eq!(refused(400, false), (Cause::Other, Stage::None, NOTHING));
}

#[test]
fn a_handshake_that_is_open() {
    let second = |tsval, answers, at| {
        let mut tape = Tape::two_way();
        tape.say(0, client(5), SERVER, syn(100, 900)).say(0, SERVER, client(5), syn_ack(1, 101, 900));
        tape.say(at, client(5), SERVER, syn(7000, tsval));
        if answers {
            tape.say(at, SERVER, client(5), ack(2, 101, (9001, 900)));
        }
        tape.later(at);
        of(&tape.drop())
    };
    let ack = Some(Answer::Ack);
    assert_eq!(second(400, true, 500), (Cause::PawsSynRecv, Stage::SynRecv, ack));
    assert_eq!(second(400, false, 500), (Cause::PawsSynRecv, Stage::SynRecv, NOTHING));
    assert_eq!(second(2000, true, 500), (Cause::OutOfWindow, Stage::SynRecv, ack));
    assert_eq!(second(2000, false, 500), (Cause::Other, Stage::SynRecv, NOTHING));
    assert_eq!(second(400, false, 64_000), (Cause::Other, Stage::None, NOTHING));
}

#[test]
fn the_same_syn_again_after_its_answer() {
    for (at, cause) in [(200, Cause::Repeated), (900, Cause::Other)] {
        let mut tape = Tape::two_way();
        tape.say(0, client(5), SERVER, syn(100, 900)).say(0, SERVER, client(5), syn_ack(1, 101, 900));
        assert_eq!(unanswered(tape, at, syn(100, 900)), (cause, Stage::SynRecv, NOTHING));
    }
}

#[test]
fn a_reset_is_no_timestamp_test() {
    let mut tape = closed();
    tape.say(2000, client(5), SERVER, syn(7000, 400)).say(2000, SERVER, client(5), rst(0, 7001, ACK));
    assert_eq!(of(&tape.drop()), (Cause::NoListener, Stage::None, Some(Answer::Rst)));
    let mut tape = closed();
    tape.say(2000, client(5), SERVER, syn(7000, 400))
        .say(2000, SERVER, client(5), rst(102, 0, 0))
        .later(2000);
    assert_eq!(of(&tape.drop()), (Cause::Other, Stage::None, Some(Answer::Rst)));
}

/// Two hosts behind one address, a slow clock and a fast one, at a server with `tcp_tw_recycle`: kernel-facts of 4.9.
fn recycle(answer_old: bool) -> Vec<Drop> {
    let mut tape = Tape::two_way();
    let mut port = 100;
    for n in 0..12 {
        let at = i64::from(n) * 1000;
        let fast = 1_000_000 + n * 1000;
        tape.opens(at, client(port), 100, fast).closes(at + 10, client(port), 100, fast + 10);
        port += 1;
        tape.say(at + 500, client(port), SERVER, syn(200, 5000 + n * 1000));
        if answer_old && n == 1 {
            tape.say(at + 500, SERVER, client(port), syn_ack(1, 201, 5000 + n * 1000));
        }
        port += 1;
    }
    tape.later(20_000);
    tape.drops()
}

#[test]
fn one_timestamp_for_each_address() {
    let drops = recycle(false);
    let (early, later) = drops.split_at(3);
    assert!(early.iter().all(|drop| drop.cause == Cause::Other), "{early:?}");
    assert_eq!(later.len(), 9);
    for drop in later {
        assert_eq!(of(drop), (Cause::PawsRecycle, Stage::Listen, NOTHING));
        assert!(drop.regression().is_some_and(|ticks| ticks > 900_000) && drop.ts_age_ms == Some(490));
    }
    // A single exception clears the server.
    assert!(recycle(true).iter().all(|drop| drop.cause == Cause::Other));
}
