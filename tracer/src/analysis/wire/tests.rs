//! Conversations, segment by segment, and what they come to.

mod causes;
mod floods;
mod tape;

use std::net::Ipv4Addr;

use proptest::prelude::*;

use self::tape::{
    ACK_SYN, End, FIN_ACK, SERVER, Says, Tape, ack, client, fin, ms, plain_syn, rst, syn, syn_ack,
};
use super::*;
use crate::model::{Evidence, reading::Via};

/// `a` answered, `d` dropped, `u` undecided, and the millisecond.
fn told(out: &[Observation]) -> Vec<(char, i64)> {
    let at = |time: Nanos| (time.0 - ms(0).0) / 1_000_000;
    let one = |observation: &Observation| match observation {
        Observation::Accepted(syn) => ('a', at(syn.time)),
        Observation::Drop(drop) => ('d', at(drop.time)),
        Observation::Undecided(syn) => ('u', at(syn.time)),
    };
    out.iter().map(one).filter(|(_, at)| *at >= 0).collect()
}

#[test]
fn an_answer_is_an_answer() {
    let mut tape = Tape::new();
    tape.say(0, client(5), SERVER, syn(100, 7)).say(0, SERVER, client(5), syn_ack(1, 101, 7));
    // TCP Fast Open: the data of the SYN is acknowledged, too.
    let fast = Says { data: 10, ..syn(200, 8) };
    tape.say(1, client(6), SERVER, fast).say(1, SERVER, client(6), syn_ack(1, 211, 8));
    let (out, counts) = tape.end();
    assert_eq!(told(&out), [('a', 0), ('a', 1)]);
    assert_eq!((counts.syns, counts.answered, counts.undecided()), (2, 2, 0));
    let Observation::Accepted(first) = &out[0] else { panic!("{out:?}") };
    assert_eq!((first.seq, first.tsval, first.via, first.flow.sport), (Some(100), Some(7), Via::Syn, 5));
    assert_eq!(first.stack.ttl, Some(63));
}

#[test]
fn no_answer_and_a_retry() {
    let mut tape = Tape::two_way();
    tape.say(0, client(5), SERVER, syn(100, 7));
    tape.say(1000, client(5), SERVER, syn(100, 1007));
    tape.say(1001, SERVER, client(5), syn_ack(1, 101, 1007));
    tape.say(2000, client(6), SERVER, plain_syn(300)).later(2000);
    let (out, counts) = tape.end();
    assert_eq!(told(&out), [('d', 0), ('a', 1000), ('d', 2000)]);
    assert_eq!((counts.syns, counts.answered, counts.repeated), (4, 2, 0));
    let Observation::Drop(drop) = &out[1] else { panic!("{out:?}") };
    assert_eq!((drop.cause, drop.stage, drop.answer), (Cause::Other, Stage::None, Some(Answer::None)));
    assert_eq!((drop.evidence, drop.ts_recent, drop.ts_age_ms), (Evidence::Wire, None, None));
}

/// The client is impatient, or the path long: the SYN/ACK says by its echo which SYN it answers.
#[test]
fn the_echo_tells_which_copy_was_answered() {
    let mut tape = Tape::two_way();
    tape.say(0, client(5), SERVER, syn(100, 7)).say(1000, client(5), SERVER, syn(100, 1007));
    tape.say(1200, SERVER, client(5), syn_ack(1, 101, 7));
    let (out, counts) = tape.end();
    assert_eq!((told(&out), counts.repeated), (vec![('a', 0)], 1));
}

/// Without an echo, two copies that come at once were held up on their way, and the first is the one that was answered.
#[test]
fn copies_that_were_held_up_are_no_drops() {
    for (second, want) in [(25, vec![('a', 0)]), (1000, vec![('d', 0), ('a', 1000)])] {
        let mut tape = Tape::two_way();
        tape.say(0, client(5), SERVER, syn(100, 7)).say(second, client(5), SERVER, syn(100, 1004));
        tape.say(second + 3, SERVER, client(5), Says { ts: None, ..syn_ack(1, 101, 0) });
        assert_eq!(told(&tape.end().0), want);
    }
}

#[test]
fn the_same_packet_on_two_interfaces() {
    let mut tape = Tape::two_way();
    for at in [0, 1, 2] {
        tape.say(at, client(5), SERVER, syn(100, 7));
    }
    tape.later(2);
    let (out, counts) = tape.end();
    assert_eq!((told(&out), counts.duplicates), (vec![('d', 0)], 2));
}

#[test]
fn what_is_told_keeps_the_order_of_the_syns() {
    let mut tape = Tape::two_way();
    for n in 0..10 {
        let from = client(100 + n);
        let at = i64::from(n) * 10;
        tape.say(at, from, SERVER, syn(100, 7));
        if n % 2 == 0 {
            tape.say(at + 5, SERVER, from, syn_ack(1, 101, 7));
        }
    }
    assert!(told(&tape.out).is_empty() || told(&tape.out) == [('a', 0)]);
    let times: Vec<_> = told(&tape.later(90).out).into_iter().map(|(_, at)| at).collect();
    assert_eq!(times, [0, 10, 20, 30, 40, 50, 60, 70, 80, 90]);
}

#[test]
fn the_end_leaves_open_what_is_too_near() {
    let mut tape = Tape::two_way();
    tape.say(0, client(5), SERVER, syn(100, 7)).say(1000, client(5), SERVER, syn(100, 1007));
    tape.say(1500, client(6), SERVER, syn(100, 7));
    tape.say(1600, client(7), SERVER, syn(100, 7)).say(1600, SERVER, client(7), ack(1, 77, (1, 1)));
    let (out, counts) = tape.end();
    // The first came again, and the last one was refused: those are known.
    assert_eq!(told(&out), [('d', 0), ('u', 1000), ('u', 1500), ('d', 1600)]);
    assert_eq!((counts.near_end, counts.one_way), (2, 0));
}

#[test]
fn one_way_tells_nothing() {
    let mut tape = Tape::new();
    tape.say(0, client(5), SERVER, syn(100, 7)).say(1000, client(5), SERVER, syn(100, 1007));
    tape.say(0, client(6), SERVER, ack(1, 1, (1, 1))).later(20_000);
    let (out, counts) = tape.end();
    assert_eq!((told(&out), counts.one_way), (vec![('u', 0), ('u', 1000)], 2));
    // The server is heard after all: what was kept is told then, and in order.
    let mut tape = Tape::new();
    tape.say(0, client(5), SERVER, syn(100, 7)).later(0);
    assert!(tape.out.is_empty());
    tape.opens(4000, client(6), 9, 9);
    assert_eq!(told(&tape.out), [('d', 0), ('a', 4000)]);
    tape.say(8000, client(7), SERVER, syn(100, 7)).later(8000);
    assert_eq!(told(&tape.out), [('d', 0), ('a', 4000), ('d', 8000)]);
}

/// The client of a server that says nothing at all is heard by others.
#[test]
fn a_dead_server_beside_a_live_one() {
    let mut tape = Tape::two_way();
    let dead = End { address: Ipv4Addr::new(203, 0, 113, 9), port: 443 };
    tape.say(0, client(5), dead, syn(100, 7)).later(0);
    assert_eq!(told(&tape.end().0), [('d', 0)]);
}

/// Where only the client's way is captured, its ACK tells that there was a SYN/ACK.
#[test]
fn the_clients_ack_stands_for_the_answer() {
    let mut tape = Tape::new();
    tape.say(0, client(5), SERVER, syn(100, 7)).say(30, client(5), SERVER, ack(101, 4711, (8, 1)));
    let (out, counts) = tape.end();
    assert_eq!((told(&out), counts.answered), (vec![('a', 0)], 1));
}

#[test]
fn resets() {
    let mut tape = Tape::two_way();
    tape.say(0, client(5), SERVER, syn(100, 7)).say(0, SERVER, client(5), rst(0, 101, ACK));
    // One that is not for the SYN, and one of the client's own.
    tape.say(1, client(6), SERVER, syn(100, 7)).say(1, SERVER, client(6), rst(55, 7, ACK));
    tape.say(2, client(7), SERVER, syn(100, 7)).say(2, client(7), SERVER, rst(101, 0, 0));
    tape.later(2);
    let drops = tape.drops();
    let causes: Vec<_> = drops.iter().map(|d| (d.cause, d.answer)).collect();
    assert_eq!(
        causes,
        [
            (Cause::NoListener, Some(Answer::Rst)),
            (Cause::Other, Some(Answer::Rst)),
            (Cause::Other, Some(Answer::None)),
        ]
    );
}

#[test]
fn answers_again_are_no_drops() {
    let mut tape = Tape::two_way();
    tape.say(0, client(5), SERVER, syn(100, 7)).say(1, SERVER, client(5), syn_ack(1, 101, 7));
    // The SYN/ACK was lost behind the capture: both ask again.
    tape.say(1000, client(5), SERVER, syn(100, 1007)).say(1000, SERVER, client(5), syn_ack(1, 101, 7));
    tape.say(2000, SERVER, client(5), syn_ack(1, 101, 7)).later(2000);
    let (out, counts) = tape.end();
    assert_eq!((told(&out), counts.repeated), (vec![('a', 0)], 1));
}

#[test]
fn the_filter_leaves_out_before_anything_is_kept() {
    let mut tape = Tape::two_way();
    tape.wire.selection = Selection { ports: vec![(80, 80)], ..Selection::default() };
    let syns = tape.wire.counts().syns;
    tape.say(0, client(5), SERVER, syn(100, 7)).later(0);
    assert_eq!((tape.wire.counts().syns, told(&tape.end().0)), (syns, vec![]));
}

#[test]
fn a_clock_that_is_set_back() {
    let mut tape = Tape::two_way();
    tape.say(1_000_000, client(5), SERVER, syn(100, 7)).say(0, client(6), SERVER, syn(100, 7));
    tape.say(1, SERVER, client(6), syn_ack(1, 101, 7));
    let (out, counts) = tape.end();
    assert_eq!((told(&out), counts.set_back), (vec![('u', 1_000_000), ('a', 0)], 1));
}

/// Flags, numbers, endpoints and times that make no sense.
fn any_segment() -> impl Strategy<Value = (i64, bool, u16, Says)> {
    let flags = prop_oneof![
        Just(SYN),
        Just(ACK_SYN),
        Just(ACK),
        Just(FIN_ACK),
        Just(RST),
        Just(RST | ACK),
        any::<u8>()
    ];
    let number = prop_oneof![0..6_u32, any::<u32>()];
    let says =
        (flags, number.clone(), number.clone(), proptest::option::of((number.clone(), number)), 0..3_u16)
            .prop_map(|(flags, seq, ack, ts, data)| Says { flags, seq, ack, ts, data });
    (prop_oneof![0..3_i64, 400..600_i64, -5000..70_000_i64], any::<bool>(), 1..4_u16, says)
}

proptest! {
    /// Whatever is captured: every SYN is told once or counted, and none before its time.
    #[test]
    fn every_syn_is_accounted_for(segments in prop::collection::vec(any_segment(), 0..80), heard: bool) {
        let mut tape = if heard { Tape::two_way() } else { Tape::new() };
        let mut now = 0;
        for (wait, back, port, says) in segments {
            now += wait;
            let (from, to) = if back { (SERVER, client(port)) } else { (client(port), SERVER) };
            tape.say(now, from, to, says);
        }
        let (out, counts) = tape.end();
        let all = out.iter().fold((0, 0, 0), |(a, d, u), observation| match observation {
            Observation::Accepted(_) => (a + 1, d, u),
            Observation::Drop(_) => (a, d + 1, u),
            Observation::Undecided(_) => (a, d, u + 1),
        });
        prop_assert_eq!(all.0, counts.answered);
        prop_assert_eq!(all.2, counts.undecided());
        prop_assert_eq!(counts.syns, all.0 + all.1 + all.2 + counts.repeated);
        for observation in &out {
            let Observation::Drop(drop) = observation else { continue };
            prop_assert!(drop.evidence == Evidence::Wire && drop.reason.is_none() && drop.snmp.is_none());
            if drop.cause.is_paws() {
                prop_assert!(drop.regression().is_some_and(|ticks| ticks > 0), "{:?}", drop);
                prop_assert!(drop.answer != Some(Answer::Rst));
            }
        }
    }
}
