//! The live stream: attach, wait for records, signals and ticks, end with the summary.
//!
//! Decides the order of things and when it ends. One thread: what cannot be read in time is lost in the ring, where
//! the kernel side counts it.

use std::{future::pending, io, sync::Arc, time::Duration};

use tokio::time::{Instant, Interval, MissedTickBehavior, interval, interval_at, sleep_until};

use super::{
    report::{End, Manner},
    request::{filters, types_from, wish},
    signals::{self, Signals},
    sink::{Recording, Written},
    tracing::{Ground, Tracing},
};
use crate::{
    cli::LiveArgs,
    error::{Exit, Failure, words},
    kernel::{
        capability,
        load::{Settings, attach},
        ring::Ring,
    },
    netns::Netns,
};

/// Bytes of the ring: room for more than ten thousand records, so that a burst waits while a line is printed.
pub(super) const RING_BYTES: u32 = 2 << 20;
/// What the programs are told where nobody asks for anything else. Nobody reads ten thousand lines a second; beyond them a
/// flood costs counting, and no processor of the server's.
pub(super) const SETTINGS: Settings =
    Settings { ring_bytes: RING_BYTES, drops_per_cpu: 10_000, debug: false };
/// Records taken at once before signals and timers get their turn.
pub(super) const BATCH: usize = 1024;
/// Between two looks at things that no record announces.
const TICK: Duration = Duration::from_millis(200);

/// `tracer [OPTIONS]`. `held` is a namespace to watch alone; `None`: all, or what the options say. `when_attached` runs
/// when everything is in place.
///
/// # Errors
/// What the user must know, with what to type.
pub fn trace(
    args: &LiveArgs,
    held: Option<Arc<Netns>>,
    when_attached: &mut dyn FnMut() -> Result<(), Failure>,
) -> Result<Exit, Failure> {
    run(args, held, Manner::Lines, when_attached)
}

/// The same in either manner.
pub(super) fn run(
    args: &LiveArgs,
    held: Option<Arc<Netns>>,
    manner: Manner,
    when_attached: &mut dyn FnMut() -> Result<(), Failure>,
) -> Result<Exit, Failure> {
    let filters = filters(args, held)?;
    let recording = args.output.record.write.as_deref().map(Recording::create).transpose()?;
    signals::run(async |mut signals| {
        super::debug::install(args.output.more.verbose);
        let mut facts = capability::facts(types_from(&args.kernel.types));
        capability::raise_memlock();
        // Who asks for more lines than that gets them.
        let drops_per_cpu = args.output.rate_limit.unwrap_or(0).max(SETTINGS.drops_per_cpu);
        let settings = Settings { drops_per_cpu, debug: args.output.more.verbose > 1, ..SETTINGS };
        let mut attached = attach(&mut facts, wish(args.kernel.hooks), &filters.kernel, settings)?;
        let mut ring = Ring::new(attached.ring(RING_BYTES)?)
            .map_err(|error| system("cannot wait for the ring", &error))?;
        let logger = super::debug::start(&mut attached, args.output.more.verbose)?;
        let unsent = || attached.unsent_kinds();
        let ground = Ground::of(&facts, &attached, &filters.words, &unsent)?;
        let mut tracing = Tracing::new(args, ground, filters, recording, manner)?;
        tracing.start()?;
        when_attached()?;
        let (end, last_words) = match manner {
            Manner::Lines | Manner::Page => {
                (stream(&mut tracing, &mut ring, &mut signals, args).await?, None)
            }
            Manner::Screen => {
                super::top::watch(&mut tracing, &mut ring, &attached, &mut signals, args).await?
            }
        };
        let exit = tracing.end(&mut ring, &mut attached, end);
        drop(logger);
        if let Some(words) = last_words {
            super::note(&words);
        }
        exit
    })
}

pub(super) fn system(what: &str, error: &io::Error) -> Failure {
    Failure::new(Exit::Failure, what, words(error), "try again with `tracer -vv`, which says more")
}

/// The times of `--interval`; late ones are left out.
fn looks(period: Duration) -> Interval {
    let mut looks = interval_at(Instant::now() + period, period);
    looks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    looks
}

/// Waits for the next of them; for ever, where there are none.
async fn due(looks: &mut Option<Interval>) {
    match looks {
        Some(looks) => {
            looks.tick().await;
        }
        None => pending().await,
    }
}

async fn stream(
    tracing: &mut Tracing,
    ring: &mut Ring,
    signals: &mut Signals,
    args: &LiveArgs,
) -> Result<End, Failure> {
    // A year, the longest `-d`, where none was given.
    let duration = args.watch.duration.unwrap_or(Duration::from_hours(366 * 24));
    let deadline = Instant::now() + duration;
    let mut looks = args.interval.map(looks);
    let mut tick = interval(TICK);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let end = tokio::select! {
            biased;
            () = signals.any() => Some(End::Asked),
            () = sleep_until(deadline) => Some(End::Asked),
            () = due(&mut looks) => match tracing.take_all(ring)? {
                None => tracing.interval()?,
                end => end,
            },
            () = tracing.ready() => match tracing.release()? {
                None if tracing.flush()? == Written::ReaderGone => Some(End::ReaderGone),
                end => end,
            },
            // Nobody is woken up for a reading, so the ring is looked at, too.
            _ = tick.tick() => match tracing.take_all(ring)? {
                None => tracing.tick()?,
                end => end,
            },
            batch = ring.next(BATCH) => {
                let batch = batch.map_err(|error| system("cannot read the ring", &error))?;
                let end = tracing.take(&batch)?;
                // A person waits for the line; a pipe gets what there is as soon as the ring is empty.
                match end {
                    None if !batch.more && tracing.flush()? == Written::ReaderGone => Some(End::ReaderGone),
                    end => end,
                }
            }
        };
        if let Some(end) = end {
            return Ok(end);
        }
    }
}
