//! What the kernel remembers of a client's address for `tcp_tw_recycle` (before 4.12): asked at its `tcp_metrics`, by a
//! thread of its own, so that the ring is never kept waiting. Decides who is asked about, how often, and how long an answer
//! holds. The thread starts with the first SYN that was refused for it; other kernels have none.
//!
//! No address is asked about twice in a second, and none when there were [`PER_SECOND`] questions: then the answer before
//! holds, or none. What came after an answer is in the notes of our own programs (see [`recall`](crate::analysis::recall)).

mod line;

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{
        Arc,
        mpsc::{Receiver as Questions, RecvTimeoutError, SyncSender, sync_channel},
    },
    time::{Duration, Instant},
};

use tokio::sync::mpsc::{Receiver, Sender, channel};

use self::line::Lines;
use crate::{
    analysis::recall::Stamp,
    keyed::Keyed,
    model::{Cause, Drop},
    netns::Netns,
};

/// Addresses of which an answer is kept.
const MAX: usize = 4096;
/// Questions that may wait for the thread.
const ASKED: usize = 1024;
/// Questions in any second; one takes the kernel some millionths of a second.
const PER_SECOND: usize = 1000;
/// How long an answer holds.
const HOLDS: Duration = Duration::from_secs(1);
/// How long a SYN may wait for one.
const PATIENCE: Duration = Duration::from_millis(250);
/// Without a question for so long the thread lets go of its sockets: each keeps a network namespace alive.
const IDLE: Duration = Duration::from_secs(2);

/// Who spoke to whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Key {
    /// Namespace, by inode.
    netns: u32,
    peer: IpAddr,
    own: IpAddr,
}

/// What is known of the kernel's memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Look {
    /// This, or nothing.
    Heard(Option<Stamp>),
    /// It was not asked, or did not answer.
    Unheard,
    /// It is being asked.
    Asked,
}

struct Entry {
    /// The last answer.
    last: Look,
    /// Since when an answer is awaited.
    asked: Option<Instant>,
    /// Not to be asked about before.
    again: Instant,
}

/// The thread's other end.
struct Desk {
    questions: SyncSender<Key>,
    answers: Receiver<(Key, Look)>,
}

/// Everything that is kept.
pub(super) struct Memory {
    held: Option<Arc<Netns>>,
    desk: Option<Desk>,
    known: HashMap<Key, Entry, Keyed>,
    /// The second that is counted, and the questions in it.
    counted: (Instant, usize),
}

impl Memory {
    /// Nothing. `held` is a namespace that only this process holds.
    pub(super) fn new(held: Option<Arc<Netns>>) -> Self {
        Self { held, desk: None, known: HashMap::default(), counted: (Instant::now(), 0) }
    }

    /// What the kernel remembered for this drop. Asks, where that is not known; never waits.
    pub(super) fn of(&mut self, drop: &Drop, now: Instant) -> Look {
        let Some(netns) = drop.netns.filter(|_| drop.cause == Cause::PawsRecycle) else {
            return Look::Heard(None);
        };
        let key = Key { netns, peer: drop.flow.src, own: drop.flow.dst };
        self.take_answers(now);
        match self.known.get(&key) {
            Some(Entry { asked: Some(since), .. }) if now.duration_since(*since) < PATIENCE => Look::Asked,
            Some(entry) if now < entry.again => entry.last,
            before => {
                let last = before.map_or(Look::Unheard, |entry| entry.last);
                if self.ask(key, last, now) { Look::Asked } else { last }
            }
        }
    }

    fn ask(&mut self, key: Key, last: Look, now: Instant) -> bool {
        if now.duration_since(self.counted.0) >= Duration::from_secs(1) {
            self.counted = (now, 0);
        }
        if self.counted.1 >= PER_SECOND {
            return false;
        }
        let held = &self.held;
        let desk = self.desk.get_or_insert_with(|| Desk::open(held.clone()));
        if desk.questions.try_send(key).is_err() {
            return false;
        }
        self.counted.1 += 1;
        if self.known.len() >= MAX && !self.known.contains_key(&key) {
            // Those that matter are asked about again at once.
            self.known.clear();
        }
        self.known.insert(key, Entry { last, asked: Some(now), again: now + HOLDS });
        true
    }

    fn take_answers(&mut self, now: Instant) {
        while let Some(answer) = self.desk.as_mut().and_then(|desk| desk.answers.try_recv().ok()) {
            self.keep(answer, now);
        }
    }

    fn keep(&mut self, (key, last): (Key, Look), now: Instant) {
        // What was forgotten meanwhile is not wanted.
        if let Some(entry) = self.known.get_mut(&key) {
            *entry = Entry { last, asked: None, again: now + HOLDS };
        }
    }

    /// Waits for the next answer; for ever, where nobody was asked.
    pub(super) async fn answer(&mut self) {
        let answer = match &mut self.desk {
            Some(desk) => desk.answers.recv().await,
            None => None,
        };
        match answer {
            Some(answer) => self.keep(answer, Instant::now()),
            None => std::future::pending().await,
        }
    }
}

impl Desk {
    /// Starts the thread; it ends with the value. Where it cannot start, no question is taken.
    fn open(held: Option<Arc<Netns>>) -> Self {
        let (questions, asked) = sync_channel(ASKED);
        // Every answer has had a question, and of those no more are kept.
        let (answer, answers) = channel(MAX + ASKED);
        let started = std::thread::Builder::new()
            .name("memory".into())
            .spawn(move || work(&asked, &answer, &mut Lines::new(held)));
        if let Err(error) = started {
            log::debug!("nobody asks the kernel's tcp_metrics: {error}");
        }
        Self { questions, answers }
    }
}

fn work(asked: &Questions<Key>, answer: &Sender<(Key, Look)>, lines: &mut Lines) {
    loop {
        match asked.recv_timeout(IDLE) {
            Ok(key) => {
                let told = lines.ask(key.netns, key.peer, key.own).map_or(Look::Unheard, Look::Heard);
                if answer.blocking_send((key, told)).is_err() {
                    return;
                }
            }
            Err(RecvTimeoutError::Timeout) => lines.close(),
            Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}

#[cfg(test)]
pub(super) mod tests;
