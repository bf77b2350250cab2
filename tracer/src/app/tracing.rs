//! One run: what it has seen so far, and where that goes.
//!
//! Turns records into drops, counts, prints and records them.

mod interval;
mod summary;

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use nix::time::{ClockId, clock_gettime};

use super::{
    environment::Scene,
    limit::Limit,
    live::{BATCH, End, RING_BYTES, system},
    namespaces::Namespaces,
    request::Filters,
    sink::{Recording, Sink, Written},
    waiting::Waiting,
    window::Window,
};
use crate::{
    analysis::{
        cause::explain,
        engine::{Engine, Limits},
        kernel::Kernel,
    },
    cli::{LiveArgs, Output},
    decode,
    error::{Exit, Failure},
    kernel::{
        load::{Attached, Counts},
        plan::Facts,
        ring::{Batch, Ring},
    },
    model::{
        Cause, Drop, Evidence, Nanos, Observation,
        reading::Accepted,
        report::{Lost, Start},
        seen::{Answered, Record, Seen},
    },
    render::{json, text},
};

/// State of a run.
pub(super) struct Tracing {
    filters: Filters,
    kernel: Kernel,
    start: Start,
    format: Format,
    sink: Sink,
    recording: Option<Recording>,
    record_failed: bool,
    namespaces: Namespaces,
    engine: Engine,
    scene: Scene,
    /// Drops that nobody asked for: the verdict must know of them.
    left_out: BTreeMap<Cause, u64>,
    window: Window,
    waiting: Waiting,
    lost: Lost,
    /// The kernel side's counts when everything was in place.
    counts: Counts,
    /// From the monotonic clock to the time of day, nanoseconds.
    wall: i64,
    begun: Instant,
    limit: Limit,
    count: Option<u64>,
    fail_on_drop: bool,
    line: String,
}

enum Format {
    Json,
    Text(text::Style),
}

fn clock(id: ClockId) -> Result<i64, Failure> {
    let time = clock_gettime(id).map_err(|error| system("cannot read the clock", &error.into()))?;
    Ok(time.tv_sec() * 1_000_000_000 + time.tv_nsec())
}

fn wall_offset() -> Result<i64, Failure> {
    Ok(clock(ClockId::CLOCK_REALTIME)? - clock(ClockId::CLOCK_MONOTONIC)?)
}

impl Tracing {
    pub(super) fn new(
        args: &LiveArgs,
        facts: &Facts,
        attached: &Attached,
        filters: Filters,
        recording: Option<Recording>,
    ) -> Result<Self, Failure> {
        let plan = &attached.plan;
        let mut namespaces = Namespaces::find(filters.netns.clone());
        let only = filters.kernel.words.netns;
        let window = Window::open(&mut namespaces, (only != 0).then_some(only));
        let waiting = Waiting::start(filters.netns.clone())?;
        let types = facts.types.as_ref().ok();
        let mut kernel = Kernel::new(
            &facts.kernel,
            types.map_or(&[], |types| &types.reasons),
            types.map_or(&[], |types| &types.timewait_verdicts),
        );
        kernel.function_hooks = plan.set.hooks_functions();
        kernel.rx_sk = types.is_some_and(|t| t.kfree_rx_sk);
        kernel.check_req_reasons = types.is_some_and(|t| t.args("tcp_check_req") >= 6);
        kernel.counters = window.names();
        let sink = Sink::stdout();
        let format = match args.output {
            Output::Json => Format::Json,
            Output::Text => {
                Format::Text(super::style(args.color, args.utc, args.verbose, sink.is_terminal()))
            }
        };
        let limits = Limits { sources: args.max_sources, clock_bytes: usize::from(args.clock_memory) << 20 };
        let start = Start {
            time: Nanos(clock(ClockId::CLOCK_REALTIME)?),
            version: env!("CARGO_PKG_VERSION").into(),
            kernel: facts.kernel.clone(),
            set: plan.set.name().into(),
            attached: plan.hooks.iter().map(|hook| hook.name.to_owned()).collect(),
            missing: plan.missing.clone(),
            blind: plan.blind.clone(),
            filter: filters.words.clone(),
            limits: Some(limits),
        };
        let begun = Instant::now();
        Ok(Self {
            filters,
            kernel,
            start,
            format,
            sink,
            recording,
            record_failed: false,
            namespaces,
            engine: Engine::new(limits),
            scene: Scene::default(),
            left_out: BTreeMap::new(),
            window,
            waiting,
            lost: Lost::default(),
            counts: attached.counts()?,
            wall: wall_offset()?,
            begun,
            limit: Limit::new(args.rate_limit, begun),
            count: args.count,
            fail_on_drop: args.fail_on_drop,
            line: String::new(),
        })
    }

    /// Says what is attached and what stays invisible.
    pub(super) fn start(&mut self) -> Result<Written, Failure> {
        let record = json::start(&self.start);
        // Here it is an error: nobody wants a run whose record does not even begin.
        if let Some(file) = &mut self.recording {
            file.line(&record)?;
            file.flush()?;
        }
        match &self.format {
            Format::Json => self.sink.line(&record)?,
            Format::Text(style) => self.sink.line(&style.header(&self.start))?,
        };
        self.sink.flush()
    }

    /// Writes a line to the record, or (`None`) hands over what is buffered. A full disk ends the record and not the run:
    /// the incident goes on.
    fn record(&mut self, line: Option<&str>) {
        let Some(file) = &mut self.recording else { return };
        let written = match line {
            Some(line) => file.line(line),
            None => file.flush(),
        };
        if let Err(failure) = written {
            super::note(&format!("tracer: the record ends here: {failure}"));
            self.recording = None;
            self.record_failed = true;
        }
    }

    /// Hands out what is buffered.
    pub(super) fn flush(&mut self) -> Result<Written, Failure> {
        self.sink.flush()
    }

    /// Now and then: the record file, the reader, the clock (it may have been set).
    pub(super) fn tick(&mut self) -> Result<Option<End>, Failure> {
        self.record(None);
        self.wall = wall_offset()?;
        Ok((self.sink.flush()? == Written::ReaderGone).then_some(End::ReaderGone))
    }

    /// Takes records from the ring.
    pub(super) fn take(&mut self, batch: &Batch) -> Result<Option<End>, Failure> {
        self.lost.decode += batch.malformed;
        let mut records = batch.records.clone();
        let mut end = None;
        while !records.is_empty() {
            match decode::record(&mut records) {
                Ok(Record::Dropped(seen)) => end = self.one(&seen)?.or(end),
                Ok(Record::Answered(answered)) => end = self.answered(&answered)?.or(end),
                Err(_) => self.lost.decode += 1,
            }
        }
        Ok(end)
    }

    fn one(&mut self, seen: &Seen) -> Result<Option<End>, Failure> {
        if !self.window.holds(seen.mono_ns) {
            return Ok(None);
        }
        let drop = self.meaning_of(seen);
        // The kernel's counters know no `--cause` and no `-c`.
        self.window.add(&drop, seen.mono_ns);
        self.waiting.add(Observation::Drop(drop), Instant::now());
        self.release()
    }

    /// Hands on what waits for nothing more.
    pub(super) fn release(&mut self) -> Result<Option<End>, Failure> {
        let mut end = None;
        while let Some(observation) = self.waiting.next(Instant::now()) {
            end = match observation {
                Observation::Drop(drop) => self.pass(drop)?.or(end),
                Observation::Accepted(accepted) => {
                    self.pass_accepted(accepted);
                    end
                }
            };
        }
        Ok(end)
    }

    /// Waits until [`Tracing::release`] has something to hand on; for ever, where nothing waits.
    pub(super) async fn ready(&mut self) {
        self.waiting.ready().await;
    }

    fn pass(&mut self, drop: Drop) -> Result<Option<End>, Failure> {
        if self.is_enough() {
            return Ok(None);
        }
        if !self.filters.causes.contains(&drop.cause) {
            *self.left_out.entry(drop.cause).or_default() += 1;
            if !matches!(drop.cause, Cause::Repeated | Cause::NoListener) {
                self.scene.add(&drop);
            }
            return Ok(None);
        }
        self.scene.add(&drop);
        let written = self.print(&drop)?;
        self.engine.observe(&Observation::Drop(drop));
        Ok(match written {
            Written::ReaderGone => Some(End::ReaderGone),
            Written::Yes => self.is_enough().then_some(End::Asked),
        })
    }

    /// A SYN that was answered: nothing to print, but a reading of its client's clock.
    fn answered(&mut self, answered: &Answered) -> Result<Option<End>, Failure> {
        if !self.window.holds(answered.mono_ns) {
            return Ok(None);
        }
        let accepted = answered.at(self.time_of(answered.mono_ns));
        self.waiting.add(Observation::Accepted(accepted), Instant::now());
        self.release()
    }

    fn pass_accepted(&mut self, accepted: Accepted) {
        if self.is_enough() {
            return;
        }
        if self.recording.is_some() {
            json::accepted(&accepted, &mut self.line);
            let line = std::mem::take(&mut self.line);
            self.record(Some(&line));
            self.line = line;
        }
        self.engine.observe(&Observation::Accepted(accepted));
    }

    /// The time of day of a moment of the monotonic clock (ns).
    fn time_of(&self, mono_ns: u64) -> Nanos {
        Nanos(i64::try_from(mono_ns).unwrap_or(i64::MAX).saturating_add(self.wall))
    }

    /// `-c`.
    fn is_enough(&self) -> bool {
        self.count.is_some_and(|count| self.engine.drops() >= count)
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
            syn_queue: seen.queues.map(|q| (q.syn, q.max_syn_backlog)),
            listener: None,
        }
    }

    fn print(&mut self, drop: &Drop) -> Result<Written, Failure> {
        if self.recording.is_some() {
            json::drop(drop, &mut self.line);
            let line = std::mem::take(&mut self.line);
            self.record(Some(&line));
            self.line = line;
        }
        if !self.limit.allows(Instant::now()) {
            return Ok(Written::Yes);
        }
        match &self.format {
            Format::Json => json::drop(drop, &mut self.line),
            Format::Text(style) => style.drop(drop, &mut self.line),
        }
        self.sink.line(&self.line)
    }

    /// Takes the programs off, reads what is left and sums up.
    pub(super) fn end(mut self, ring: &mut Ring, attached: &mut Attached, end: End) -> Result<Exit, Failure> {
        self.window.close(&mut self.namespaces);
        let elapsed = self.begun.elapsed();
        // Before the programs go: what they count while some are gone already means nothing.
        let counts = attached.counts()?;
        attached.detach();
        if end == End::Asked {
            self.take_all(ring)?;
            self.release_all()?;
        }
        let counts = counts.since(&self.counts);
        let summary = self.summary(u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX), &counts)?;
        let record = json::summary(&summary);
        self.record(Some(&record));
        self.record(None);
        if end == End::Asked {
            match &self.format {
                Format::Json => self.sink.line(&record)?,
                Format::Text(style) => self.sink.line(&style.summary(&self.start, &summary))?,
            };
            self.sink.flush()?;
        }
        if self.record_failed {
            return Ok(Exit::Failure);
        }
        Ok(if self.fail_on_drop && self.engine.drops() + self.lost.ring + self.lost.decode > 0 {
            Exit::DropsFound
        } else {
            Exit::Done
        })
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
        for _ in 0..=RING_BYTES as usize / tracer_common::event::RECORD_LEN / BATCH {
            let batch = ring.rest(BATCH);
            let end = self.take(&batch)?;
            if end.is_some() || !batch.more {
                return Ok(end);
            }
        }
        Ok(None)
    }
}
