//! What is remembered and when it is asked for again, with an answering thread of the test's own.

use std::net::{Ipv4Addr, TcpListener};

use super::*;

fn of_this_process(listener: &TcpListener) -> Key {
    let netns = Netns::current().unwrap().inode();
    Key { netns, dst: Ipv4Addr::LOCALHOST.into(), dport: listener.local_addr().unwrap().port() }
}

/// Asks until there is an answer, or for some seconds.
fn known(listeners: &mut Listeners, key: Key) -> Option<Arc<Listener>> {
    for _ in 0..2000 {
        match listeners.of(key, Instant::now()) {
            Look::Known(Some(listener)) => return Some(listener),
            _ => std::thread::sleep(Duration::from_millis(2)),
        }
    }
    None
}

#[test]
fn a_listener_that_ends_is_noticed() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let key = of_this_process(&listener);
    let mut listeners = Listeners::start(None).unwrap();
    let now = Instant::now();
    assert!(matches!(listeners.of(key, now), Look::Asked), "the first one waits");
    let found = known(&mut listeners, key).expect("we listen");
    assert_eq!(found.pid, std::process::id());
    drop(listener);
    // Within the pause nobody looks; after it, it is looked for again, and whoever comes waits for the answer.
    let later = Instant::now() + PAUSE;
    assert!(matches!(listeners.of(key, later), Look::Asked));
    while matches!(listeners.of(key, later), Look::Asked) {
        std::thread::sleep(Duration::from_millis(2));
    }
    assert!(matches!(listeners.of(key, later), Look::Known(None)));
    assert!(matches!(listeners.known.get(&key), Some(Entry::Missing(_))));
}

#[test]
fn what_was_not_found_is_asked_for_again_later() {
    let (questions, asked) = sync_channel(1);
    let (answer, answers) = channel(8);
    let mut listeners = Listeners { known: HashMap::default(), questions, answers };
    let now = Instant::now();
    let at = |ms| now + Duration::from_millis(ms);
    let key = Key { netns: 1, dst: Ipv4Addr::LOCALHOST.into(), dport: 80 };
    assert!(matches!(listeners.of(key, now), Look::Asked));
    assert!(matches!(listeners.of(key, at(999)), Look::Asked));
    assert!(matches!(listeners.of(key, at(1000)), Look::Known(None)), "that is long enough");
    // There is room for one question; the next one is not asked, and nobody waits for it.
    let other = Key { dport: 81, ..key };
    assert!(matches!(listeners.of(other, at(0)), Look::Known(None)));
    assert_eq!(asked.try_iter().count(), 1);
    // It took long to find nobody: not so soon again.
    let took = Duration::from_millis(200);
    answer.try_send(Answer { key, found: None, took }).unwrap();
    for (ms, questions) in [(0, 0), (1999, 0), (2000, 1), (2999, 0), (3000, 1)] {
        assert!(matches!(listeners.of(key, at(ms)), Look::Known(None)));
        assert_eq!(asked.try_iter().count(), questions, "{ms}");
    }
}

#[test]
fn no_more_are_remembered_than_there_is_room_for() {
    let (questions, asked) = sync_channel(ASKED);
    let (_answer, answers) = channel(8);
    let mut listeners = Listeners { known: HashMap::default(), questions, answers };
    for port in 0..=u16::MAX {
        listeners.of(Key { netns: 1, dst: Ipv4Addr::LOCALHOST.into(), dport: port }, Instant::now());
        assert!(listeners.known.len() <= MAX);
    }
    assert_eq!(asked.try_iter().count(), ASKED);
}
