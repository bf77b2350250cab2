//! Attempts beside a count without bounds, late reports, and floods.

use std::{collections::BTreeMap, net::IpAddr};

use proptest::prelude::*;

use super::{
    super::aggregate::{Sources, join},
    *,
};
use crate::model::{Cause, any::bare};

/// An attempt of its own for each port and number.
fn key(sport: u16, seq: u32) -> Key {
    let flow = Flow { sport, ..bare(Cause::Other).flow };
    Key { netns: Some(1), flow, seq: Some(u32::from(sport) << 16 ^ seq) }
}

/// Milliseconds.
fn at(ms: i64) -> Nanos {
    Nanos(1_700_000_000_000_000_000 + ms * 1_000_000)
}

/// What became of all attempts, from their changes.
#[derive(Default)]
struct Sum(Retries);

impl Sum {
    fn add(&mut self, change: &Change) {
        join(&mut self.0, &change.before, &change.after);
    }
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Refused(Key, i64),
    Answered(Key, i64),
}
use Step::{Answered, Refused};

fn told(steps: &[Step]) -> Retries {
    let (mut attempts, mut sum) = (Attempts::new(), Sum::default());
    for step in steps {
        sum.add(&match step {
            Refused(key, ms) => attempts.refused(key, at(*ms), None, true),
            Answered(key, ms) => attempts.answered(key, at(*ms)),
        });
    }
    check(&attempts);
    let gone: Vec<_> = attempts.ended().collect();
    let longest = gone.into_iter().chain(attempts.waited()).map(|(_, ms)| ms).max();
    Retries { longest_ms: longest.unwrap_or(0), ..sum.0 }
}

fn check(attempts: &Attempts) {
    let len: usize = [STRANGERS, KNOWN, WELCOME].map(|order| attempts.orders.len(order)).iter().sum();
    assert_eq!(len, attempts.index.len());
    assert_eq!(len + attempts.free.len(), attempts.slots.len());
    assert!(attempts.orders.len(STRANGERS) + attempts.orders.len(KNOWN) <= WAITING);
    assert!(attempts.orders.len(WELCOME) <= ANSWERED);
    // One more while it moves from one order to another.
    assert!(attempts.slots.len() <= WAITING + ANSWERED + 2);
}

fn waited(refused: u64, came_back: u64, ms: u64) -> Retries {
    Retries { refused, came_back, got_in: 1, waited_ms: ms, longest_ms: ms }
}

#[test]
fn stories() {
    let [one, two] = [key(1, 7), key(1, 8)];
    let elsewhere = Key { netns: None, ..one };
    let refused = Retries { refused: 1, ..Retries::default() };
    let rows: [(&[Step], Retries); 14] = [
        (&[Answered(one, 0)], Retries::default()),
        (&[Refused(one, 0)], refused),
        (&[Refused(one, 0), Refused(one, 1000)], Retries { came_back: 1, ..refused }),
        // Once, however often.
        (&[Refused(one, 0), Refused(one, 1000), Refused(one, 3000)], Retries { came_back: 1, ..refused }),
        (&[Refused(one, 0), Answered(one, 1000)], waited(1, 1, 1000)),
        (&[Refused(one, 0), Refused(one, 1000), Answered(one, 3000)], waited(1, 1, 3000)),
        // The SYN/ACK was lost and the SYN came once more.
        (&[Refused(one, 0), Answered(one, 1000), Answered(one, 2000)], waited(1, 1, 1000)),
        // Another attempt from the same port, another namespace.
        (&[Refused(one, 0), Refused(two, 1000)], Retries { refused: 2, ..refused }),
        (&[Refused(one, 0), Answered(two, 1000)], refused),
        (&[Refused(one, 0), Answered(elsewhere, 1000)], refused),
        // Answered, and refused later: it did not wait for that answer.
        (&[Answered(one, 0), Refused(one, 1000)], refused),
        // Reported late.
        (&[Answered(one, 1000), Refused(one, 0)], waited(1, 1, 1000)),
        (&[Refused(one, 1000), Answered(one, 3000), Refused(one, 0)], waited(1, 1, 3000)),
        (&[Refused(one, 0), Answered(one, 9000), Answered(one, 2000)], waited(1, 1, 2000)),
    ];
    for (steps, want) in rows {
        assert_eq!(told(steps), want, "{steps:?}");
    }
}

#[test]
fn after_a_while_it_is_another_attempt() {
    let one = key(1, 7);
    // The last two SYNs of Linux are 64 s apart, the first and the last 127 s.
    let schedule = [0, 1, 3, 7, 15, 31, 63, 127].map(|s| Refused(one, s * 1000));
    assert_eq!(told(&schedule), Retries { refused: 1, came_back: 1, ..Retries::default() });
    assert_eq!(told(&[Refused(one, 0), Refused(one, 140_000)]).refused, 1);
    assert_eq!(told(&[Refused(one, 0), Refused(one, 140_001)]).refused, 2);
    assert_eq!(told(&[Refused(one, 0), Answered(one, 140_001)]).got_in, 0);
    // From its last SYN on.
    assert_eq!(
        told(&[Refused(one, 0), Refused(one, 100_000), Answered(one, 200_000)]),
        waited(1, 1, 200_000)
    );
}

#[test]
fn one_wrong_time_does_not_empty_the_table() {
    let mut steps: Vec<_> = (0..100).map(|n| Refused(key(n, 1), i64::from(n))).collect();
    steps.push(Refused(key(1000, 1), 9_000_000_000));
    steps.extend((0..100).map(|n| Answered(key(n, 1), 1000)));
    let got_in = told(&steps).got_in;
    assert!((98..=100).contains(&got_in), "{got_in}");
}

#[test]
fn the_table_is_bounded_and_the_oldest_goes_first() {
    let mut attempts = Attempts::new();
    let many = u32::try_from(WAITING).unwrap();
    let of = |n: u32| key(u16::try_from(n % 60_000).unwrap(), n / 60_000);
    for n in 0..=many {
        attempts.refused(&of(n), at(0), None, false);
    }
    check(&attempts);
    assert_eq!(attempts.answered(&of(0), at(1)).after, Retries::default(), "the oldest is gone");
    assert_eq!(attempts.answered(&of(1), at(1)).after.got_in, 1);
    for n in 0..5000 {
        attempts.answered(&of(100_000 + n), at(2));
    }
    check(&attempts);
    assert_eq!(attempts.answered(&of(2), at(3)).after.got_in, 1, "answers push out nobody who waits");
}

#[test]
fn a_flood_does_not_push_out_who_sent_more() {
    let mut attempts = Attempts::new();
    attempts.refused(&key(1, 1), at(0), None, true);
    for n in 0..40_000 {
        let mut forged = key(2, 1);
        forged.flow.src = IpAddr::from((0x0a00_0000_u32 + n).to_be_bytes());
        attempts.refused(&forged, at(1), None, false);
    }
    check(&attempts);
    let got_in = Retries { longest_ms: 0, ..waited(1, 1, 1000) };
    assert_eq!(attempts.answered(&key(1, 1), at(1000)).after, got_in);
    assert_eq!(attempts.waited().collect::<Vec<_>>(), [(None, 1000)]);
}

/// A NAT may give the same SYN another port.
#[test]
fn the_port_is_no_part_of_it() {
    let moved = |sport, seq| Key { flow: Flow { sport, ..key(1, 7).flow }, seq, ..key(1, 7) };
    let number = key(1, 7).seq;
    assert_eq!(told(&[Refused(moved(1, number), 0), Answered(moved(2, number), 1000)]), waited(1, 1, 1000));
    // Unless it is all that is known.
    let refused = Retries { refused: 1, ..Retries::default() };
    assert_eq!(told(&[Refused(moved(1, None), 0), Answered(moved(2, None), 1000)]), refused);
    assert_eq!(told(&[Refused(moved(1, None), 0), Answered(moved(1, None), 1000)]), waited(1, 1, 1000));
}

#[test]
fn the_owner_is_who_it_was_at_the_first_drop() {
    let mut sources = Sources::new(10);
    let mut attempts = Attempts::new();
    let seen = crate::analysis::aggregate::Seen {
        src: key(1, 1).flow.src,
        time: at(0),
        cause: Some(Cause::Other),
        regression: None,
        unreported: 0,
    };
    let owner = sources.add(&seen).map(|placed| placed.owner);
    assert_eq!(attempts.answered(&key(1, 1), at(0)).owner, None);
    assert_eq!(attempts.refused(&key(1, 1), at(1), owner, true).owner, owner);
    assert_eq!(attempts.refused(&key(1, 1), at(2), None, true).owner, owner);
    assert_eq!(attempts.answered(&key(1, 1), at(3)).owner, owner);
}

/// Attempts within 100 s, each answered at most once, in the order of time.
fn steps() -> impl Strategy<Value = Vec<Step>> {
    let one = (0..4_u16, 0..3_u32, 0..100_000_i64, 0..3_u8);
    proptest::collection::vec(one, 0..60).prop_map(|mut all| {
        all.sort_by_key(|(.., ms, _)| *ms);
        let mut open = std::collections::BTreeSet::new();
        all.into_iter()
            .filter_map(|(sport, seq, ms, what)| match what {
                0 => open.insert((sport, seq)).then_some(Answered(key(sport, seq), ms)),
                _ => Some(Refused(key(sport, seq), ms)),
            })
            .collect()
    })
}

/// Without bounds, from what is known in the end.
fn by_hand(steps: &[Step]) -> Retries {
    let mut all = BTreeMap::new();
    for step in steps {
        let (Refused(key, _) | Answered(key, _)) = step;
        let (drops, answer) = all.entry((key.flow.sport, key.seq)).or_insert((Vec::new(), None));
        match step {
            Refused(_, ms) => drops.push(*ms),
            Answered(_, ms) => *answer = Some(*ms),
        }
    }
    let mut sum = Retries::default();
    for (drops, answer) in all.values() {
        let Some(first) = drops.iter().min() else { continue };
        let waited = answer.and_then(|answer| u64::try_from(answer - first).ok());
        sum.refused += 1;
        sum.came_back += u64::from(drops.len() > 1 || waited.is_some());
        sum.got_in += u64::from(waited.is_some());
        sum.waited_ms += waited.unwrap_or(0);
        sum.longest_ms = sum.longest_ms.max(waited.unwrap_or(0));
    }
    sum
}

proptest! {
    #[test]
    fn the_same_as_by_hand(steps in steps()) {
        prop_assert_eq!(told(&steps), by_hand(&steps));
    }

    /// Neighbours change places, as reports of several CPUs do.
    #[test]
    fn late_reports_lose_nothing(steps in steps(), swaps in proptest::collection::vec(any::<usize>(), 0..100)) {
        let mut late = steps.clone();
        for swap in swaps {
            if late.len() > 1 {
                let n = swap % (late.len() - 1);
                late.swap(n, n + 1);
            }
        }
        prop_assert_eq!(told(&late), by_hand(&steps));
    }

    #[test]
    fn anything_is_taken(
        steps in proptest::collection::vec((0..3_u16, any::<Option<u8>>(), any::<i64>(), any::<bool>(), any::<bool>()), 0..200),
    ) {
        let (mut attempts, mut sum) = (Attempts::new(), Sum::default());
        for (sport, seq, time, refused, real) in steps {
            let key = Key { seq: seq.map(u32::from), ..key(sport, 0) };
            sum.add(&if refused {
                attempts.refused(&key, Nanos(time), None, real)
            } else {
                attempts.answered(&key, Nanos(time))
            });
            check(&attempts);
        }
        prop_assert!(sum.0.got_in <= sum.0.came_back && sum.0.came_back <= sum.0.refused);
    }
}
