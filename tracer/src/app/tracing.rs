//! One live run: records of the ring become drops with a meaning, within the time that was watched.
//!
//! What is said of them is for [`Report`](super::report::Report).

pub mod fed;
mod ground;
mod screen;
mod summary;
mod unsent;

pub(super) use ground::Ground;

use std::time::{Duration, Instant};

use nix::time::{ClockId, clock_gettime};

use tracer_common::counters::Counter;

use super::{
    environment::Scene,
    live::{BATCH, RING_BYTES, system},
    namespaces::Namespaces,
    report::{End, Manner, Report},
    request::Filters,
    sink::{Recording, Written},
    waiting::Waiting,
    window::Window,
};
use crate::{
    analysis::{cause::explain, kernel::Kernel},
    cli::LiveArgs,
    decode,
    error::{Exit, Failure},
    kernel::{
        load::{Attached, Counts, Kinds},
        ring::{Batch, Ring},
    },
    model::{
        Cause, Drop, Evidence, Nanos, Observation,
        report::Missing,
        seen::{Answered, Record, Seen},
    },
};

/// State of a run.
pub(super) struct Tracing {
    filters: Filters,
    kernel: Kernel,
    pub(super) report: Report,
    /// What was last read around the programs, for a full screen.
    around: screen::Around,
    namespaces: Namespaces,
    scene: Scene,
    window: Window,
    waiting: Waiting,
    /// The kernel side's counts when everything was in place.
    counts: Counts,
    /// ... and the drops without a record.
    kinds: Kinds,
    /// Records that the kernel side sent and that found no room, as far as that is told.
    lost_on_the_way: u64,
    /// Records of drops that came.
    came: u64,
    /// From the monotonic clock to the time of day, nanoseconds.
    wall: i64,
    begun: Instant,
}

/// Now.
#[derive(Clone, Copy)]
struct Moment {
    at: Instant,
    /// Nanoseconds since everything was in place.
    since: i64,
}

fn clock(id: ClockId) -> Result<i64, Failure> {
    let time = clock_gettime(id).map_err(|error| system("cannot read the clock", &error.into()))?;
    Ok(time.tv_sec() * 1_000_000_000 + time.tv_nsec())
}

/// The time of day.
pub(super) fn time_of_day() -> Result<Nanos, Failure> {
    clock(ClockId::CLOCK_REALTIME).map(Nanos)
}

fn wall_offset() -> Result<i64, Failure> {
    Ok(clock(ClockId::CLOCK_REALTIME)? - clock(ClockId::CLOCK_MONOTONIC)?)
}

impl Tracing {
    pub(super) fn new(
        args: &LiveArgs,
        ground: Ground<'_>,
        filters: Filters,
        recording: Option<Recording>,
        manner: Manner,
    ) -> Result<Self, Failure> {
        let Ground { mut kernel, start, counts, unsent } = ground;
        let mut namespaces = Namespaces::find(filters.netns.clone());
        let only = filters.kernel.words.netns;
        let kinds = unsent()?;
        let mut window = Window::open(&mut namespaces, (only != 0).then_some(only));
        window.on_the_edge(unsent()?.since(&kinds).total());
        let waiting = Waiting::start(filters.netns.clone())?;
        kernel.counters = window.names().cloned().collect();
        let causes = filters.causes.clone();
        Ok(Self {
            filters,
            kernel,
            report: Report::new(&args.output, causes, start, recording, manner),
            around: screen::Around::default(),
            namespaces,
            scene: Scene::default(),
            window,
            waiting,
            counts,
            kinds,
            lost_on_the_way: 0,
            came: 0,
            wall: wall_offset()?,
            begun: Instant::now(),
        })
    }

    /// Says what is attached and what stays invisible.
    pub(super) fn start(&mut self) -> Result<Written, Failure> {
        self.report.begin()
    }

    /// Hands out what is buffered.
    pub(super) fn flush(&mut self) -> Result<Written, Failure> {
        self.report.flush()
    }

    /// Now and then: the record file, the reader, the clock (it may have been set).
    pub(super) fn tick(&mut self) -> Result<Option<End>, Failure> {
        self.wall = wall_offset()?;
        self.report.tick()
    }

    /// `--interval`.
    pub(super) fn interval(&mut self) -> Result<Option<End>, Failure> {
        self.report.interval(time_of_day()?)
    }

    /// Takes records from the ring.
    pub(super) fn take(&mut self, batch: &Batch<'_>) -> Result<Option<End>, Failure> {
        self.report.lost.decode += batch.malformed;
        self.lost_on_the_way += batch.lost;
        let mut records = batch.records;
        let mut end = None;
        // Reading the clock for each would cost more than most that is done with it.
        let now = self.moment();
        while !records.is_empty() {
            match decode::record(&mut records) {
                Ok(Record::Dropped(mut seen)) => {
                    self.came += 1;
                    // What `tcp_tw_recycle` remembers is noted by our own programs.
                    if !seen.recycled {
                        seen.ts_recent_stamp =
                            seen.ts_recent_stamp.map(|stamp| self.kernel.monotonic(stamp, self.wall));
                    }
                    end = self.one(&seen, now)?.or(end);
                }
                Ok(Record::Answered(answered)) => end = self.answered(&answered, now)?.or(end),
                Err(_) => self.report.lost.decode += 1,
            }
        }
        Ok(end)
    }

    fn one(&mut self, seen: &Seen, now: Moment) -> Result<Option<End>, Failure> {
        if !self.window.holds(seen.mono_ns) {
            return Ok(None);
        }
        let drop = self.meaning_of(seen);
        // The kernel's counters know no `--cause` and no `-c`.
        self.window.add(&drop, seen.mono_ns);
        self.observed(Observation::Drop(drop), now)
    }

    /// Hands on an observation, or lets it wait.
    fn observed(&mut self, mut observation: Observation, now: Moment) -> Result<Option<End>, Failure> {
        if self.waiting.passes(&mut observation, now.at) {
            return self.hand_on(&observation, now);
        }
        self.waiting.add(observation, now.at);
        self.release_by(now)
    }

    /// Hands on what waits for nothing more.
    pub(super) fn release(&mut self) -> Result<Option<End>, Failure> {
        self.release_by(self.moment())
    }

    fn release_by(&mut self, now: Moment) -> Result<Option<End>, Failure> {
        let mut end = None;
        while let Some(observation) = self.waiting.next(now.at) {
            end = self.hand_on(&observation, now)?.or(end);
        }
        Ok(end)
    }

    fn hand_on(&mut self, observation: &Observation, now: Moment) -> Result<Option<End>, Failure> {
        if let Observation::Drop(drop) = observation {
            let noise = matches!(drop.cause, Cause::Repeated | Cause::NoListener);
            if !self.report.is_enough() && (self.report.shows(drop.cause) || !noise) {
                self.scene.add(drop);
            }
        }
        self.report.take(observation, now.since)
    }

    fn moment(&self) -> Moment {
        let at = Instant::now();
        let since = at.saturating_duration_since(self.begun).as_nanos();
        Moment { at, since: i64::try_from(since).unwrap_or(i64::MAX) }
    }

    /// Waits until [`Tracing::release`] has something to hand on; for ever, where nothing waits.
    pub(super) async fn ready(&mut self) {
        self.waiting.ready().await;
    }

    /// A SYN that was answered.
    fn answered(&mut self, answered: &Answered, now: Moment) -> Result<Option<End>, Failure> {
        if !self.window.holds(answered.mono_ns) {
            return Ok(None);
        }
        let accepted = answered.at(self.time_of(answered.mono_ns));
        self.observed(Observation::Accepted(accepted), now)
    }

    /// The time of day of a moment of the monotonic clock (ns).
    fn time_of(&self, mono_ns: u64) -> Nanos {
        Nanos(i64::try_from(mono_ns).unwrap_or(i64::MAX).saturating_add(self.wall))
    }

    fn meaning_of(&mut self, seen: &Seen) -> Drop {
        let meaning = explain(seen, &self.kernel);
        let ifname = match (seen.netns, seen.ifindex) {
            (Some(netns), Some(index)) => self.namespaces.ifname(netns, index),
            _ => None,
        };
        // A stamp of 0 was never set.
        let stamp = seen.ts_recent_stamp.filter(|stamp| *stamp != 0);
        Drop {
            evidence: Evidence::Kernel,
            time: self.time_of(seen.mono_ns),
            flow: seen.flow,
            netns: seen.netns,
            netns_name: seen.netns.and_then(|netns| self.namespaces.name(netns)),
            ifname,
            stage: meaning.stage,
            cause: meaning.cause,
            reason: meaning.reason,
            snmp: meaning.snmp.map(Into::into),
            syn: seen.syn,
            ts_recent: seen.ts_recent,
            // Whole seconds, as the kernel itself reckons (`ktime_get_seconds`).
            ts_age_ms: stamp.map(|stamp| {
                (seen.mono_ns / 1_000_000_000).saturating_sub(u64::from(stamp)).saturating_mul(1000)
            }),
            answer: meaning.answer,
            accept_queue: seen.queues.map(|q| (q.accept, q.accept_max)),
            // Before 4.11 the limit is no field of a namespace.
            syn_queue: seen.queues.filter(|q| q.max_syn_backlog != 0).map(|q| (q.syn, q.max_syn_backlog)),
            listener: None,
        }
    }

    /// Takes the programs off, reads what is left and sums up.
    pub(super) fn end(mut self, ring: &mut Ring, attached: &mut Attached, end: End) -> Result<Exit, Failure> {
        let before = attached.unsent_kinds()?;
        self.window.close(&mut self.namespaces);
        let kinds = attached.unsent_kinds()?;
        self.window.on_the_edge(kinds.clone().since(&before).total());
        let kinds = kinds.since(&self.kinds);
        let elapsed = self.begun.elapsed();
        // Before the programs go: what they count while some are gone already means nothing.
        let counts = attached.counts()?;
        attached.detach();
        ring.close();
        if end == End::Asked {
            self.take_all(ring)?;
            self.release_all()?;
            if !attached.plan.set.has_ring() {
                // Perf buffers tell of lost records only when there is room again, and not what they were of.
                let sent = attached.counts()?.of(Counter::Drops);
                self.lost_on_the_way = sent.saturating_sub(self.came + self.report.lost.decode);
            }
        }
        self.name_unheard();
        let counts = counts.since(&self.counts);
        let mut told = self.told(&kinds);
        if told.counted > 0 {
            told.unsent.sources = unsent::of_whom(&attached.unsent_sources()?, &told.left_out.seen);
        }
        let summary = self.summary(u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX), &counts, told)?;
        self.report.end(&summary, end)
    }

    /// Where the kernel's own memory was not heard, it is among what is missing.
    fn name_unheard(&mut self) {
        let drops = self.waiting.unheard();
        if drops > 0 {
            let why = format!(
                "not heard for {drops} of the drops by tcp_tw_recycle; what they were compared with is from our own notes, or \
                 unknown"
            );
            self.report.start.missing.push(Missing { hook: "tcp_metrics".into(), why });
        }
    }

    /// Hands on what waits, as soon as it waits for nothing more; that is soon.
    fn release_all(&mut self) -> Result<(), Failure> {
        while !self.waiting.is_empty() {
            self.release()?;
            if !self.waiting.is_empty() {
                std::thread::sleep(Duration::from_millis(2));
            }
        }
        Ok(())
    }

    /// Takes what is in the ring now, and no more than it can hold.
    pub(super) fn take_all(&mut self, ring: &mut Ring) -> Result<Option<End>, Failure> {
        for _ in 0..=RING_BYTES as usize / tracer_common::event::FIXED_LEN / BATCH {
            let batch = ring.rest(BATCH);
            let end = self.take(&batch)?;
            if end.is_some() || !batch.more {
                return Ok(end);
            }
        }
        Ok(None)
    }
}
