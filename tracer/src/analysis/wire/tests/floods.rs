//! More SYNs than there is room for.

use super::*;

#[test]
fn a_flood_is_bounded_and_nothing_of_it_is_called_a_drop_for_want_of_room() {
    let mut tape = Tape::two_way();
    let more = 1000;
    for n in 0..u32::try_from(WAITING).unwrap() + more {
        let from = End { address: Ipv4Addr::from_bits(0x0a00_0000 + n), port: 1000 };
        tape.say(0, from, SERVER, syn(n, 7));
    }
    let counts = tape.wire.counts();
    assert!(tape.wire.queue.len() <= WAITING);
    assert!(counts.no_room >= u64::from(more), "{counts:?}");
    let (out, counts) = tape.end();
    assert!(out.iter().all(|observation| !matches!(observation, Observation::Drop(_))));
    assert_eq!(counts.syns, counts.answered + counts.undecided());
}

/// A hundred thousand SYNs a second, one in ten answered: half a second is enough to tell.
#[test]
fn a_flood_is_told_from_what_is_answered() {
    let mut tape = Tape::two_way();
    for n in 0..400_000 {
        let from = End { address: Ipv4Addr::from_bits(0x0a00_0000 + n), port: 1000 };
        let at = i64::from(n / 100);
        tape.say(at, from, SERVER, syn(n, 7));
        if n % 10 == 0 {
            tape.say(at, SERVER, from, syn_ack(5, n + 1, 7));
        }
    }
    let (out, counts) = tape.end();
    let drops = out.iter().filter(|observation| matches!(observation, Observation::Drop(_))).count();
    assert_eq!((counts.no_room, counts.answered), (0, 40_001));
    assert!(drops > 80_000, "{drops}");
}

/// At most 180 MiB in the worst flood: what waits, and both generations of tuples with the room that a table needs.
#[test]
fn the_memory_of_the_worst_flood() {
    let tuples = 2 * (TUPLES / 2 * 8 / 7).next_power_of_two() * (size_of::<Tuple>() + 1);
    let waiting = WAITING * size_of::<Waiting>();
    assert!(tuples + waiting <= 180 << 20, "{} and {} bytes", size_of::<Tuple>(), size_of::<Waiting>());
}
