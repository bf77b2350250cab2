//! A client that was refused, came again and got in.

use super::*;

#[test]
fn clients_that_come_back_are_counted_for_their_source_and_for_all() {
    let (one, two) = (host(1), host(2));
    let snapshot = counted(
        10,
        &[
            refused(one, 1, 7, 0),
            refused(one, 1, 7, 1),
            answered(one, 1, 7, 3),
            refused(one, 2, 8, 3),
            refused(two, 1, 7, 3),
            refused(two, 1, 7, 4),
            answered(two, 5, 9, 5),
        ],
    );
    let first = Retries { refused: 2, came_back: 1, got_in: 1, waited_ms: 3000, longest_ms: 3000 };
    let second = Retries { refused: 1, came_back: 1, ..Retries::default() };
    assert_eq!(snapshot.sources.iter().map(|s| s.retries).collect::<Vec<_>>(), [first, second]);
    assert_eq!(snapshot.retries, Retries { refused: 3, came_back: 2, ..first });

    // It got in within the same millisecond.
    let quick = [refused(one, 1, 7, 0), refused(one, 1, 7, 0), answered(one, 1, 7, 0)];
    let quick = counted(10, &quick);
    assert_eq!(quick.retries, Retries { refused: 1, came_back: 1, got_in: 1, ..Retries::default() });
    assert_eq!(quick.sources[0].retries, quick.retries);
}

#[test]
fn the_kernel_is_silent_to_a_client_that_is_in() {
    let again = Drop { time: Nanos(1_000_000), netns: Some(1), ..bare(Cause::Repeated) };
    let (client, sport) = (again.flow.src, again.flow.sport);
    let seen = [answered(client, sport, again.syn.seq, 0), Observation::Drop(again)];
    let snapshot = counted(10, &seen);
    assert_eq!((snapshot.drops, snapshot.retries), (1, Retries::default()));
}
