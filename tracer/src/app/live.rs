//! The live stream: attach, read, print, end with the summary.
//!
//! Decides the order of things and when it ends. One thread: what cannot be read in time is lost in the ring, where
//! the kernel side counts it.

use std::{
    collections::HashMap,
    io,
    sync::Arc,
    time::{Duration, Instant},
};

use nix::time::{ClockId, clock_gettime};
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    time::{MissedTickBehavior, interval, sleep_until},
};
use tracer_common::counters::Counter;

use super::{
    namespaces::{Namespaces, words},
    request::{Filters, filters, wish},
    sink::{Recording, Sink, Written},
};
use crate::{
    analysis::{
        cause::explain,
        kernel::Kernel,
        snmp::{Counters, Ours, View},
        totals::{MAX_SOURCES, Totals},
    },
    cli::{DemoArgs, Hooks, LiveArgs, Output},
    decode,
    error::{Exit, Failure},
    kernel::{
        capability,
        load::{Attached, KernelFilter, Settings, attach},
        plan::Facts,
        ring::{Batch, Ring},
    },
    model::{
        Cause, Drop, Nanos,
        report::{Lost, Start, Summary},
        seen::Seen,
    },
    netns::Netns,
    render::{json, text},
};

/// Bytes of the ring: room for more than ten thousand records, so that a burst waits while a line is printed.
const RING_BYTES: u32 = 2 << 20;
/// Records taken at once before signals and timers get their turn.
const BATCH: usize = 1024;
/// Sources in the summary.
const TOP: usize = 10;

/// `tracer [OPTIONS]`. `held` is a namespace to watch alone; `None`: all, or what the options say.
///
/// # Errors
/// What the user must know, with what to type.
pub fn trace(args: &LiveArgs, held: Option<Arc<Netns>>) -> Result<Exit, Failure> {
    run(args, held, &mut || Ok(()))
}

/// `tracer demo`.
///
/// # Errors
/// When the laboratory cannot be built, or as [`trace`].
pub fn demo(_args: &DemoArgs) -> Result<Exit, Failure> {
    Err(Failure::new(Exit::Failure, "not built yet", "", ""))
}

/// `tracer programs`: loads and attaches a set, and prints what the kernel says about its programs.
///
/// # Errors
/// As [`trace`].
pub fn programs(hooks: Hooks) -> Result<Exit, Failure> {
    let mut facts = capability::facts(None);
    capability::raise_memlock();
    let filter = KernelFilter {
        words: tracer_common::config::Filter::default(),
        ports: Box::new([0; tracer_common::config::PORT_WORDS]),
        prefixes: Vec::new(),
        no_listener: true,
    };
    let attached =
        attach(&mut facts, wish(hooks), &filter, Settings { ring_bytes: RING_BYTES, debug: false })?;
    let mut sink = Sink::stdout();
    for p in attached.programs() {
        sink.line(&json::program(attached.plan.set.name(), &facts.kernel, &p))?;
    }
    sink.flush()?;
    Ok(Exit::Done)
}

fn run(
    args: &LiveArgs,
    held: Option<Arc<Netns>>,
    when_attached: &mut dyn FnMut() -> Result<(), Failure>,
) -> Result<Exit, Failure> {
    let filters = filters(args, held)?;
    let recording = args.write.as_deref().map(Recording::create).transpose()?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| system("cannot start", &error))?;
    runtime.block_on(async {
        // Before attaching, so that Ctrl-C ends it in order at any moment.
        let mut signals = Signals::install()?;
        let mut facts = capability::facts(args.btf.as_deref());
        capability::raise_memlock();
        let settings = Settings { ring_bytes: RING_BYTES, debug: args.verbose > 1 };
        let mut attached = attach(&mut facts, wish(args.hooks), &filters.kernel, settings)?;
        let mut tracing = Tracing::new(args, &facts, &attached, filters, recording)?;
        let mut ring =
            Ring::new(attached.ring()?).map_err(|error| system("cannot wait for the ring", &error))?;
        let logger = super::debug::start(&mut attached, args.verbose)?;
        tracing.start()?;
        when_attached()?;
        let end = tracing.stream(&mut ring, &mut signals, args).await?;
        tracing.end(&mut ring, &mut attached, end).inspect(|_| drop(logger))
    })
}

pub(super) fn system(what: &str, error: &io::Error) -> Failure {
    Failure::new(Exit::Failure, what, words(error), "try again; -v says more")
}

struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    fn install() -> Result<Self, Failure> {
        let one = |kind| signal(kind).map_err(|error| system("cannot listen for signals", &error));
        Ok(Self { interrupt: one(SignalKind::interrupt())?, terminate: one(SignalKind::terminate())? })
    }

    async fn any(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => (),
            _ = self.terminate.recv() => (),
        }
    }
}

/// Why the stream ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Asked,
    ReaderGone,
}

/// Counters of a namespace and the moment they were read.
type Stand = HashMap<u32, (Nanos, Counters)>;

struct Tracing {
    filters: Filters,
    kernel: Kernel,
    start: Start,
    format: Format,
    sink: Sink,
    recording: Option<Recording>,
    namespaces: Namespaces,
    totals: Totals,
    ours: Ours,
    before: Stand,
    after: Option<Stand>,
    lost: Lost,
    /// What to add to the monotonic clock to get the time of day, nanoseconds.
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

/// `--rate-limit`: how many lines were printed in this second.
struct Limit {
    per_second: Option<u32>,
    second: Instant,
    printed: u32,
    unprinted: u64,
}

impl Limit {
    fn allows(&mut self, now: Instant) -> bool {
        let Some(most) = self.per_second else { return true };
        if now.duration_since(self.second) >= Duration::from_secs(1) {
            self.second = now;
            self.printed = 0;
        }
        let allowed = self.printed < most;
        if allowed {
            self.printed += 1;
        } else {
            self.unprinted += 1;
        }
        allowed
    }
}

fn wall_offset() -> Result<i64, Failure> {
    let read = |clock| {
        clock_gettime(clock)
            .map(|time| time.tv_sec() * 1_000_000_000 + time.tv_nsec())
            .map_err(|error| system("cannot read the clock", &error.into()))
    };
    Ok(read(ClockId::CLOCK_REALTIME)? - read(ClockId::CLOCK_MONOTONIC)?)
}

fn now() -> Result<Nanos, Failure> {
    clock_gettime(ClockId::CLOCK_REALTIME)
        .map(|time| Nanos(time.tv_sec() * 1_000_000_000 + time.tv_nsec()))
        .map_err(|error| system("cannot read the clock", &error.into()))
}

impl Tracing {
    fn new(
        args: &LiveArgs,
        facts: &Facts,
        attached: &Attached,
        filters: Filters,
        recording: Option<Recording>,
    ) -> Result<Self, Failure> {
        let plan = &attached.plan;
        let mut namespaces = Namespaces::find(filters.netns.clone());
        let before = stand(&mut namespaces, filters.kernel.words.netns)?;
        let types = facts.types.as_ref().ok();
        let mut kernel = Kernel::new(
            &facts.kernel,
            types.map_or(&[], |types| &types.reasons),
            types.map_or(&[], |types| &types.timewait_verdicts),
        );
        kernel.function_hooks = plan.set.hooks_functions();
        kernel.rx_sk = types.is_some_and(|types| types.kfree_rx_sk);
        kernel.check_req_reasons = types.is_some_and(|types| types.args("tcp_check_req") >= 6);
        kernel.counters =
            before.values().next().map(|(_, c)| c.keys().cloned().collect()).unwrap_or_default();
        let sink = Sink::stdout();
        let format = match args.output {
            Output::Json => Format::Json,
            Output::Text => {
                Format::Text(super::style(args.color, args.utc, args.verbose, sink.is_terminal()))
            }
        };
        let start = Start {
            time: now()?,
            version: env!("CARGO_PKG_VERSION"),
            kernel: facts.kernel.clone(),
            set: plan.set.name(),
            attached: plan.hooks.iter().map(|hook| hook.name.to_owned()).collect(),
            missing: plan.missing.clone(),
            blind: plan.blind.clone(),
            filter: filters.words.clone(),
        };
        let begun = Instant::now();
        Ok(Self {
            filters,
            kernel,
            start,
            format,
            sink,
            recording,
            namespaces,
            totals: Totals::new(MAX_SOURCES),
            ours: Ours::default(),
            before,
            after: None,
            lost: Lost::default(),
            wall: wall_offset()?,
            begun,
            limit: Limit { per_second: args.rate_limit, second: begun, printed: 0, unprinted: 0 },
            count: args.count,
            fail_on_drop: args.fail_on_drop,
            line: String::new(),
        })
    }

    fn start(&mut self) -> Result<Written, Failure> {
        let record = json::start(&self.start);
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

    async fn stream(
        &mut self,
        ring: &mut Ring,
        signals: &mut Signals,
        args: &LiveArgs,
    ) -> Result<End, Failure> {
        let deadline = args.duration.map(|duration| tokio::time::Instant::from_std(self.begun + duration));
        let forever = tokio::time::Instant::now() + Duration::from_secs(366 * 24 * 60 * 60);
        let mut tick = interval(Duration::from_millis(200));
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let end = tokio::select! {
                biased;
                () = signals.any() => Some(End::Asked),
                () = sleep_until(deadline.unwrap_or(forever)) => Some(End::Asked),
                _ = tick.tick() => self.tick()?,
                batch = ring.next(BATCH) => {
                    let batch = batch.map_err(|error| system("cannot read the ring", &error))?;
                    let end = self.take(&batch)?;
                    // A person waits for the line; a pipe gets what there is as soon as the ring is empty.
                    match end {
                        None if !batch.more && self.sink.flush()? == Written::ReaderGone => Some(End::ReaderGone),
                        end => end,
                    }
                }
            };
            if let Some(end) = end {
                return Ok(end);
            }
        }
    }

    fn tick(&mut self) -> Result<Option<End>, Failure> {
        if let Some(file) = &mut self.recording {
            file.flush()?;
        }
        Ok((self.sink.flush()? == Written::ReaderGone).then_some(End::ReaderGone))
    }

    fn take(&mut self, batch: &Batch) -> Result<Option<End>, Failure> {
        self.lost.decode += batch.malformed;
        let mut records = batch.records.clone();
        while !records.is_empty() {
            let Ok(seen) = decode::record(&mut records) else {
                self.lost.decode += 1;
                continue;
            };
            if let Some(end) = self.one(&seen)? {
                return Ok(Some(end));
            }
        }
        Ok(None)
    }

    fn one(&mut self, seen: &Seen) -> Result<Option<End>, Failure> {
        let drop = self.meaning_of(seen);
        if !self.filters.causes.contains(&drop.cause) {
            return Ok(None);
        }
        if self.count.is_some_and(|count| self.totals.drops() >= count) {
            return Ok(Some(End::Asked));
        }
        self.totals.add(&drop);
        if self.inside_the_counters_window(&drop) {
            self.ours.add(&drop);
        }
        let written = self.print(&drop)?;
        if written == Written::ReaderGone {
            return Ok(Some(End::ReaderGone));
        }
        Ok(self.count.is_some_and(|count| self.totals.drops() >= count).then_some(End::Asked))
    }

    fn meaning_of(&mut self, seen: &Seen) -> Drop {
        let meaning = explain(seen, &self.kernel);
        let ifname = match (seen.netns, seen.ifindex) {
            (Some(netns), Some(index)) => self.namespaces.ifname(netns, index),
            _ => None,
        };
        let mono = i64::try_from(seen.mono_ns).unwrap_or(i64::MAX);
        // A stamp of 0 was never set.
        let stamp = seen.ts_recent_stamp.filter(|stamp| *stamp != 0);
        Drop {
            time: Nanos(mono.saturating_add(self.wall)),
            flow: seen.flow,
            netns: seen.netns,
            ifname,
            stage: meaning.stage,
            cause: meaning.cause,
            reason: meaning.reason,
            snmp: meaning.snmp,
            syn: seen.syn,
            ts_recent: seen.ts_recent,
            ts_age_ms: stamp.map(|stamp| (seen.mono_ns / 1_000_000).saturating_sub(u64::from(stamp) * 1000)),
            answer: meaning.answer,
            accept_queue: seen.queues.map(|q| (q.accept, q.accept_max)),
            syn_queue: seen.queues.map(|q| (q.syn, q.max_syn_backlog)),
            listener: None,
        }
    }

    fn inside_the_counters_window(&self, drop: &Drop) -> bool {
        let netns = drop.netns.unwrap_or(0);
        self.before.get(&netns).is_none_or(|(from, _)| drop.time >= *from)
            && self
                .after
                .as_ref()
                .is_none_or(|after| after.get(&netns).is_none_or(|(to, _)| drop.time <= *to))
    }

    fn print(&mut self, drop: &Drop) -> Result<Written, Failure> {
        if let Some(file) = &mut self.recording {
            json::drop(drop, &mut self.line);
            file.line(&self.line)?;
        }
        if !self.limit.allows(Instant::now()) {
            return Ok(Written::Yes);
        }
        match &self.format {
            Format::Json if self.recording.is_some() => {}
            Format::Json => json::drop(drop, &mut self.line),
            Format::Text(style) => style.drop(drop, &mut self.line),
        }
        self.sink.line(&self.line)
    }

    fn end(mut self, ring: &mut Ring, attached: &mut Attached, end: End) -> Result<Exit, Failure> {
        self.after = Some(stand(&mut self.namespaces, self.filters.kernel.words.netns)?);
        let elapsed = self.begun.elapsed();
        attached.detach();
        // What was in the ring when it ended, and no more than the ring can hold.
        if end == End::Asked {
            for _ in 0..64 {
                let batch = ring.rest(BATCH);
                let stop = self.take(&batch)?;
                if stop.is_some() || !batch.more {
                    break;
                }
            }
        }
        let counts = attached.counts()?;
        self.lost.ring = counts.of(Counter::LostRing);
        self.lost.slot = counts.of(Counter::LostSlot);
        self.lost.read = counts.of(Counter::ReadFailed);
        self.lost.table = self.totals.without_room();
        self.lost.unprinted = self.limit.unprinted;
        let summary = self.summary(elapsed, counts.of(Counter::Listened))?;
        let record = json::summary(&summary);
        if let Some(file) = &mut self.recording {
            file.line(&record)?;
            file.flush()?;
        }
        if end == End::Asked {
            match &self.format {
                Format::Json => self.sink.line(&record)?,
                Format::Text(style) => self.sink.line(&style.summary(&self.start, &summary))?,
            };
            self.sink.flush()?;
        }
        Ok(if self.fail_on_drop && self.totals.drops() > 0 { Exit::DropsFound } else { Exit::Done })
    }

    fn summary(&mut self, elapsed: Duration, listened: u64) -> Result<Summary, Failure> {
        let (moved, gone) = self.moved();
        let listener_blind = self.start.blind.contains(&Cause::AcceptQueueFull);
        let view = View {
            filtered: self.filters.narrow || !self.filters.words.causes.is_empty(),
            listener_blind,
            lost: self.lost.ring + self.lost.decode + self.lost.slot + self.lost.read > 0,
            namespaces_gone: gone,
        };
        Ok(Summary {
            time: now()?,
            elapsed_ms: u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX),
            syns: (!listener_blind).then_some(listened),
            drops: self.totals.drops(),
            by_cause: self.totals.by_cause().clone(),
            sources: self.totals.top(TOP),
            sources_total: self.totals.sources(),
            snmp: self.ours.check(&moved, view),
            lost: self.lost,
            blind: self.start.blind.clone(),
            missing: self.start.missing.clone(),
        })
    }

    /// Sum of the counters' movement, and the number of namespaces that are no longer there.
    fn moved(&self) -> (Counters, u64) {
        let mut moved = Counters::new();
        let Some(after) = &self.after else { return (moved, 0) };
        let nothing = Counters::new();
        for (netns, (_, counters)) in after {
            // A namespace that was not there before started at zero.
            let before = self.before.get(netns).map_or(&nothing, |(_, counters)| counters);
            for (name, value) in counters {
                let by = value.saturating_sub(before.get(name).copied().unwrap_or(0));
                *moved.entry(name.clone()).or_default() += by;
            }
        }
        let gone = self.before.keys().filter(|netns| !after.contains_key(netns)).count();
        (moved, gone as u64)
    }
}

fn stand(namespaces: &mut Namespaces, only: u32) -> Result<Stand, Failure> {
    let counters = namespaces.counters((only != 0).then_some(only));
    let time = now()?;
    Ok(counters.into_iter().map(|(netns, counters)| (netns, (time, counters))).collect())
}
