//! Observations on their way from the ring to the output: each waits until its listener is known, and what the kernel
//! remembered of its address, and all behind it wait with it, so that their order stays. Nobody waits longer than
//! [`PATIENCE`], and the ring is read all the while.

use std::{collections::VecDeque, sync::Arc, time::Instant};

use super::{
    listeners::{Key, Listeners, Look, PATIENCE},
    memory::{self, Memory},
};
use crate::{
    analysis::recall::recall,
    error::Failure,
    model::{Cause, Drop, Observation},
    netns::Netns,
};

/// Observations that may wait: some megabytes. When there are more, the first waits no longer.
const MAX: usize = 8192;

/// What they wait for.
struct Known {
    listeners: Listeners,
    memory: Memory,
    /// Drops for which the kernel's memory was not heard.
    unheard: u64,
}

/// Those that wait.
pub(super) struct Waiting {
    known: Known,
    queue: VecDeque<(Observation, Instant)>,
}

impl Waiting {
    /// None. `held` is a namespace that only this process holds.
    pub(super) fn start(held: Option<Arc<Netns>>) -> Result<Self, Failure> {
        let known =
            Known { memory: Memory::new(held.clone()), listeners: Listeners::start(held)?, unheard: 0 };
        Ok(Self { known, queue: VecDeque::new() })
    }

    /// Whether an observation may go on at once, with its listener as far as it is known: nobody waits, and it need not.
    pub(super) fn passes(&mut self, observation: &mut Observation, now: Instant) -> bool {
        self.queue.is_empty() && self.known.complete(observation, now)
    }

    /// One that does not pass.
    pub(super) fn add(&mut self, observation: Observation, now: Instant) {
        self.queue.push_back((observation, now + PATIENCE));
    }

    /// How many drops by `tcp_tw_recycle` went on without a word of the kernel on what it remembers.
    pub(super) fn unheard(&self) -> u64 {
        self.known.unheard
    }

    pub(super) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// The next one that waits for nothing more, with its listener as far as it is known.
    pub(super) fn next(&mut self, now: Instant) -> Option<Observation> {
        let crowded = self.queue.len() > MAX;
        let (first, until) = self.queue.front_mut()?;
        if !self.known.complete(first, now) {
            if now < *until && !crowded {
                return None;
            }
            self.known.give_up(first, now);
        }
        self.queue.pop_front().map(|(observation, _)| observation)
    }

    /// Waits until there may be a next one; for ever, where none waits.
    pub(super) async fn ready(&mut self) {
        match self.queue.front() {
            Some((_, until)) => {
                let until = tokio::time::Instant::from_std(*until);
                let _ = tokio::time::timeout_at(until, self.known.answer()).await;
            }
            None => std::future::pending().await,
        }
    }
}

impl Known {
    /// Puts in what is known; whether nothing more is to come.
    fn complete(&mut self, observation: &mut Observation, now: Instant) -> bool {
        let Observation::Drop(drop) = observation else { return true };
        // Both are asked before either is waited for.
        let listener = key(drop).map_or(Look::Known(None), |key| self.listeners.of(key, now));
        let remembered = self.memory.of(drop, now);
        if let memory::Look::Heard(stamp) = remembered {
            recall(drop, stamp);
        }
        match listener {
            Look::Known(listener) => drop.listener = listener,
            Look::Asked => return false,
        }
        if remembered == memory::Look::Unheard {
            recall(drop, None);
            self.unheard += 1;
        }
        remembered != memory::Look::Asked
    }

    /// It waited long enough.
    fn give_up(&mut self, observation: &mut Observation, now: Instant) {
        if let Observation::Drop(drop) = observation
            && !matches!(self.memory.of(drop, now), memory::Look::Heard(_))
        {
            recall(drop, None);
            self.unheard += 1;
        }
    }

    /// Waits for the next answer.
    async fn answer(&mut self) {
        tokio::select! {
            () = self.listeners.answer() => {}
            () = self.memory.answer() => {}
        }
    }
}

/// Where somebody may listen. Where the kernel found nobody, there is nobody to look for.
fn key(drop: &Drop) -> Option<Key> {
    let netns = drop.netns.filter(|_| drop.cause != Cause::NoListener)?;
    Some(Key { netns, dst: drop.flow.dst, dport: drop.flow.dport })
}

#[cfg(test)]
mod tests {
    use std::{
        net::{Ipv4Addr, TcpListener},
        time::Duration,
    };

    use super::*;
    use crate::{analysis::recall::Stamp, model::any::bare};

    /// A drop at a listener of this process.
    fn at(listener: &TcpListener) -> Observation {
        let mut drop = bare(Cause::PawsTimeWait);
        drop.netns = Some(Netns::current().unwrap().inode());
        (drop.flow.dst, drop.flow.dport) =
            (Ipv4Addr::LOCALHOST.into(), listener.local_addr().unwrap().port());
        Observation::Drop(drop)
    }

    fn next(waiting: &mut Waiting, now: Instant) -> Option<Drop> {
        match waiting.next(now)? {
            Observation::Drop(drop) => Some(drop),
            other => panic!("{other:?}"),
        }
    }

    fn next_when_it_comes(waiting: &mut Waiting, now: Instant) -> Drop {
        std::iter::from_fn(|| Some(next(waiting, now)))
            .inspect(|_| std::thread::sleep(Duration::from_millis(2)))
            .take(2000)
            .flatten()
            .next()
            .expect("the answer came")
    }

    #[test]
    fn in_order_and_not_for_ever() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let mut waiting = Waiting::start(None).unwrap();
        let now = Instant::now();
        assert!(next(&mut waiting, now).is_none());
        waiting.add(at(&listener), now);
        // One that has nothing to wait for waits behind it.
        waiting.add(Observation::Drop(bare(Cause::NoListener)), now);
        let first = next_when_it_comes(&mut waiting, now);
        assert_eq!(first.listener.map(|who| who.pid), Some(std::process::id()));
        assert_eq!(next(&mut waiting, now).map(|drop| drop.cause), Some(Cause::NoListener));
        assert!(waiting.is_empty());
        // Nobody answers for a namespace that is none, and nobody waits longer than that.
        let Observation::Drop(mut drop) = at(&listener) else { unreachable!() };
        drop.netns = Some(1);
        waiting.add(Observation::Drop(drop), now);
        assert_eq!(next(&mut waiting, now + PATIENCE).map(|drop| drop.listener), Some(None));
    }

    #[test]
    fn what_the_kernel_remembers_is_waited_for() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let mut waiting = Waiting::start(None).unwrap();
        let Observation::Drop(mut drop) = at(&listener) else { unreachable!() };
        drop.cause = Cause::PawsRecycle;
        drop.syn.tsval = Some(5000);
        let second = drop.time.0 / 1_000_000_000;
        waiting.known.memory = memory::tests::always(Stamp { tsval: 9000, second: second - 20 });
        let now = Instant::now();
        waiting.add(Observation::Drop(drop), now);
        let first = next_when_it_comes(&mut waiting, now);
        assert_eq!(
            (first.ts_recent, first.ts_age_ms, first.regression()),
            (Some(9000), Some(20_000), Some(4000))
        );
        assert!(first.listener.is_some());
        assert_eq!(waiting.unheard(), 0);
    }

    #[test]
    fn without_a_word_of_the_kernel() {
        let mut waiting = Waiting::start(None).unwrap();
        let mut drop = bare(Cause::PawsRecycle);
        // No namespace has this number.
        drop.netns = Some(1);
        let now = Instant::now();
        waiting.add(Observation::Drop(drop), now);
        assert_eq!(next(&mut waiting, now + PATIENCE).map(|drop| drop.ts_recent), Some(None));
        assert_eq!(waiting.unheard(), 1);
        waiting.add(at(&TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap()), now);
        assert!(next(&mut waiting, now + PATIENCE).is_some());
        assert_eq!(waiting.unheard(), 1, "nobody asks for others");
    }

    #[test]
    fn a_crowd_does_not_wait() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let mut waiting = Waiting::start(None).unwrap();
        let now = Instant::now();
        for _ in 0..=MAX {
            waiting.add(at(&listener), now);
        }
        assert!(next(&mut waiting, now).is_some());
        assert!(waiting.queue.len() <= MAX);
    }
}
