//! What is asked and what is kept, with an answering thread of the test's own.

use std::net::Ipv4Addr;

use super::*;
use crate::model::any::bare;

struct Kernel {
    asked: Questions<Key>,
    answer: Sender<(Key, Look)>,
}

fn memory() -> (Memory, Kernel, Instant) {
    let (questions, asked) = sync_channel(ASKED);
    let (answer, answers) = channel(MAX + ASKED);
    let mut memory = Memory::new(None);
    memory.desk = Some(Desk { questions, answers });
    let now = memory.counted.0;
    (memory, Kernel { asked, answer }, now)
}

/// One that is told the same of everybody.
pub(in crate::app) fn always(stamp: Stamp) -> Memory {
    let (memory, kernel, _) = memory();
    std::thread::spawn(move || {
        while let Ok(key) = kernel.asked.recv() {
            kernel.answer.blocking_send((key, Look::Heard(Some(stamp)))).unwrap();
        }
    });
    memory
}

fn drop_of(client: u32) -> Drop {
    let mut drop = bare(Cause::PawsRecycle);
    drop.netns = Some(7);
    drop.flow.src = Ipv4Addr::from(client).into();
    drop
}

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

const STAMP: Stamp = Stamp { tsval: 9000, second: 1_700_000_000 };

#[test]
fn asked_once_a_second_and_not_waited_for_long() {
    let (mut memory, kernel, now) = memory();
    let drop = drop_of(1);
    assert_eq!(memory.of(&drop, now), Look::Asked);
    assert_eq!(memory.of(&drop, now + ms(249)), Look::Asked);
    assert_eq!(memory.of(&drop, now + ms(250)), Look::Unheard, "that is long enough");
    let key = kernel.asked.try_recv().unwrap();
    assert!(kernel.asked.try_recv().is_err(), "one question");
    assert_eq!((key.netns, key.peer, key.own), (7, drop.flow.src, drop.flow.dst));
    kernel.answer.try_send((key, Look::Heard(Some(STAMP)))).unwrap();
    assert_eq!(memory.of(&drop, now + ms(300)), Look::Heard(Some(STAMP)));
    assert_eq!(memory.of(&drop, now + ms(1299)), Look::Heard(Some(STAMP)));
    assert!(kernel.asked.try_recv().is_err());
    // Again; where no answer comes, the one before holds.
    assert_eq!(memory.of(&drop, now + ms(1300)), Look::Asked);
    assert_eq!(kernel.asked.try_iter().count(), 1);
    assert_eq!(memory.of(&drop, now + ms(1550)), Look::Heard(Some(STAMP)));
}

#[test]
fn a_flood_is_not_asked_about() {
    let (mut memory, kernel, now) = memory();
    let mut questions = 0;
    for client in 0..100_000 {
        // Within a second.
        let look = memory.of(&drop_of(client), now + ms(u64::from(client) / 101));
        assert!(memory.known.len() <= MAX);
        for key in kernel.asked.try_iter() {
            questions += 1;
            kernel.answer.try_send((key, Look::Heard(None))).unwrap();
        }
        // Nobody waits who was not asked about.
        assert!(questions < PER_SECOND || client < 1000 || look == Look::Unheard);
    }
    assert_eq!(questions, PER_SECOND);
    assert_eq!(memory.of(&drop_of(u32::MAX), now + ms(1000)), Look::Asked, "the next second has its own");
    // One address, however many ports.
    let (mut memory, kernel, now) = memory_with_answers_at_once();
    for _ in 0..100_000 {
        memory.of(&drop_of(1), now);
    }
    assert_eq!(kernel.asked.try_iter().count(), 1);
}

fn memory_with_answers_at_once() -> (Memory, Kernel, Instant) {
    let (mut memory, kernel, now) = memory();
    memory.of(&drop_of(1), now);
    let key = Key { netns: 7, peer: drop_of(1).flow.src, own: drop_of(1).flow.dst };
    kernel.answer.try_send((key, Look::Heard(Some(STAMP)))).unwrap();
    (memory, kernel, now)
}

#[test]
fn a_full_desk_takes_no_question() {
    let (questions, _asked) = sync_channel(1);
    let (_answer, answers) = channel(1);
    let mut memory = Memory::new(None);
    memory.desk = Some(Desk { questions, answers });
    let now = memory.counted.0;
    assert_eq!(memory.of(&drop_of(1), now), Look::Asked);
    assert_eq!(memory.of(&drop_of(2), now), Look::Unheard);
}

#[test]
fn only_what_tcp_tw_recycle_refused_is_asked_about() {
    let (mut memory, kernel, now) = memory();
    let other = Drop { cause: Cause::PawsTimeWait, ..drop_of(1) };
    assert_eq!(memory.of(&other, now), Look::Heard(None));
    assert_eq!(memory.of(&Drop { netns: None, ..drop_of(1) }, now), Look::Heard(None));
    assert!(kernel.asked.try_recv().is_err());
    let mut idle = Memory::new(None);
    idle.of(&other, now);
    assert!(idle.desk.is_none(), "no thread on kernels that have none of it");
}
