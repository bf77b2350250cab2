//! Attempts: which belong together, and how long they are remembered.

use std::net::IpAddr;

use super::*;

fn key(sport: u16, seq: Option<u32>) -> Key {
    let (src, dst) = (IpAddr::from([192, 0, 2, 1]), IpAddr::from([198, 51, 100, 7]));
    Key { netns: None, flow: Flow { src, sport, dst, dport: 443 }, seq }
}

fn at(seconds: i64) -> Nanos {
    Nanos(seconds * 1_000_000_000)
}

#[test]
fn the_same_syn_again_is_one_attempt() {
    let mut attempts = Attempts::new();
    let first = attempts.refused(&key(1, Some(7)), at(0), None, true);
    assert_eq!((first.before.refused, first.after.refused, first.after.came_back), (0, 1, 0));
    let again = attempts.refused(&key(1, Some(7)), at(1), None, true);
    assert_eq!((again.before.came_back, again.after.came_back), (0, 1));
    let other = attempts.refused(&key(1, Some(8)), at(2), None, true);
    assert_eq!((other.before.refused, other.after.refused), (0, 1));
    let lets_in = attempts.answered(&key(1, Some(7)), at(3));
    assert_eq!((lets_in.after.got_in, lets_in.after.waited_ms), (1, 3000));
}

/// A NAT may give the same SYN another port.
#[test]
fn the_port_is_no_part_of_it() {
    let mut attempts = Attempts::new();
    attempts.refused(&key(1, Some(7)), at(0), None, true);
    let change = attempts.answered(&key(2, Some(7)), at(1));
    assert_eq!((change.after.got_in, change.after.waited_ms), (1, 1000));
    // Unless it is all that is known.
    attempts.refused(&key(3, None), at(0), None, true);
    assert_eq!(attempts.answered(&key(4, None), at(1)).after.got_in, 0);
    assert_eq!(attempts.answered(&key(3, None), at(1)).after.got_in, 1);
}

#[test]
fn an_attempt_ends() {
    let mut attempts = Attempts::new();
    attempts.refused(&key(1, Some(7)), at(0), None, true);
    let late = attempts.answered(&key(1, Some(7)), at(200));
    assert_eq!(late.after.got_in, 0, "it had been given up long ago");
}

#[test]
fn a_flood_does_not_grow_it() {
    let mut attempts = Attempts::new();
    attempts.refused(&key(1, Some(7)), at(0), None, true);
    for n in 0..200_000_u32 {
        attempts.refused(&key(2 + (n % 60_000) as u16, Some(100 + n)), at(1), None, false);
    }
    assert!(attempts.slots.len() <= WAITING + ANSWERED, "{} slots", attempts.slots.len());
    assert_eq!(attempts.answered(&key(1, Some(7)), at(2)).after.got_in, 1, "strangers pushed a client out");
}
