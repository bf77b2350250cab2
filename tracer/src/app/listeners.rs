//! Who listens where SYNs are dropped: looked up once for each listener, by a thread of its own, so that the ring is never
//! kept waiting. Decides what is remembered, for how long, and when it is looked up again.
//!
//! A SYN of a listener that is asked for the first time waits a moment for the answer (see [`Waiting`](super::waiting::Waiting)).
//! What is known is checked at most once a second, by one `readlink`: a listener that ended is noticed, and looked for
//! again. What could not be found is asked for again after a second at the earliest.

mod find;

use std::{
    collections::HashMap,
    sync::{
        Arc,
        mpsc::{SyncSender, sync_channel},
    },
    time::{Duration, Instant},
};

use tokio::sync::mpsc::{Receiver, channel};

use self::find::{Finder, Found};
pub(super) use self::find::{Key, count};
use crate::{
    keyed::Keyed,
    {error::Failure, model::listener::Listener, netns::Netns},
};

/// Listeners that are remembered.
const MAX: usize = 4096;
/// Questions that may wait for the thread.
const ASKED: usize = 1024;
/// How long a SYN may wait for the answer: on a machine with 2,000 processes it takes half a second, on most a tenth of it.
pub(super) const PATIENCE: Duration = Duration::from_secs(1);
/// Between two looks at the same listener.
const PAUSE: Duration = Duration::from_secs(1);

/// What is known of a listener.
#[derive(Debug)]
pub(super) enum Look {
    /// This, or nothing.
    Known(Option<Arc<Listener>>),
    /// It is being looked for, for the first time or because it ended.
    Asked,
}

/// The answer to a question.
struct Answer {
    key: Key,
    found: Option<Found>,
    /// How long it took to find out.
    took: Duration,
}

#[derive(Debug)]
enum Entry {
    /// Asked at this time, nothing known.
    Asked(Instant),
    /// To be checked again at this time.
    Found(Found, Instant),
    /// Not found; to be asked for again at this time.
    Missing(Instant),
}

/// Everything that is remembered.
pub(super) struct Listeners {
    known: HashMap<Key, Entry, Keyed>,
    questions: SyncSender<Key>,
    answers: Receiver<Answer>,
}

impl Listeners {
    /// Starts the thread. It ends with the value, after the question that it is at.
    pub(super) fn start(held: Option<Arc<Netns>>) -> Result<Self, Failure> {
        let (questions, asked) = sync_channel::<Key>(ASKED);
        // Every answer has had a question, and of those no more are remembered.
        let (answer, answers) = channel(MAX + ASKED);
        let work = move || {
            let mut finder = Finder::new(held);
            while let Ok(first) = asked.recv() {
                let keys: Vec<Key> = std::iter::once(first).chain(asked.try_iter().take(ASKED)).collect();
                let begun = Instant::now();
                let found = finder.find(&keys);
                let took = begun.elapsed();
                log::debug!("looked for {} listeners: {} ms", keys.len(), took.as_millis());
                for (key, found) in keys.into_iter().zip(found) {
                    if answer.blocking_send(Answer { key, found, took }).is_err() {
                        return;
                    }
                }
                // At most half of a processor, whoever asks and however often.
                std::thread::sleep(took.min(PAUSE));
            }
        };
        std::thread::Builder::new()
            .name("listeners".into())
            .spawn(work)
            .map_err(|error| super::live::system("cannot start", &error))?;
        Ok(Self { known: HashMap::default(), questions, answers })
    }

    /// Who listens there. Asks, where that is not known yet or not any more; never waits.
    pub(super) fn of(&mut self, key: Key, now: Instant) -> Look {
        while let Ok(answer) = self.answers.try_recv() {
            self.keep(answer, now);
        }
        match self.known.get_mut(&key) {
            Some(Entry::Asked(since)) if now.duration_since(*since) < PATIENCE => Look::Asked,
            // It takes long; whoever comes now does not wait.
            Some(Entry::Asked(_)) => Look::Known(None),
            Some(Entry::Found(found, again)) => {
                if now >= *again {
                    if !found.still_holds() {
                        return self.ask(key, now);
                    }
                    *again = now + PAUSE;
                }
                Look::Known(Some(Arc::clone(&found.listener)))
            }
            Some(Entry::Missing(again)) if now < *again => Look::Known(None),
            // Nobody waits for somebody who was not there a moment ago.
            Some(Entry::Missing(again)) => {
                *again = now + PAUSE;
                let _ = self.questions.try_send(key);
                Look::Known(None)
            }
            None => self.ask(key, now),
        }
    }

    fn ask(&mut self, key: Key, now: Instant) -> Look {
        if self.known.len() >= MAX && !self.known.contains_key(&key) {
            // Rare, and those that matter are asked for again at once.
            self.known.clear();
        }
        let asked = self.questions.try_send(key).is_ok();
        self.known.insert(key, if asked { Entry::Asked(now) } else { Entry::Missing(now + PAUSE) });
        if asked { Look::Asked } else { Look::Known(None) }
    }

    fn keep(&mut self, answer: Answer, now: Instant) {
        // What was forgotten meanwhile is not wanted.
        if let Some(entry) = self.known.get_mut(&answer.key) {
            *entry = match answer.found {
                Some(found) => Entry::Found(found, now + PAUSE),
                None => Entry::Missing(now + PAUSE.max(answer.took * 10)),
            };
        }
    }

    /// Waits for the next answer. Without a thread there is none.
    pub(super) async fn answer(&mut self) {
        match self.answers.recv().await {
            Some(answer) => self.keep(answer, Instant::now()),
            None => std::future::pending().await,
        }
    }
}

#[cfg(test)]
mod tests;
