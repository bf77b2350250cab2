//! The live stream: attach, wait for records, signals and ticks, end with the summary.
//!
//! Decides the order of things and when it ends. One thread: what cannot be read in time is lost in the ring, where
//! the kernel side counts it.

use std::{
    future::{pending, poll_fn},
    io,
    sync::Arc,
    task::Poll,
    time::Duration,
};

use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    time::{Instant, Interval, MissedTickBehavior, interval, interval_at, sleep_until},
};

use super::{
    request::{filters, wish},
    sink::{Recording, Written},
    tracing::Tracing,
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
/// Records taken at once before signals and timers get their turn.
pub(super) const BATCH: usize = 1024;
/// Between two looks at things that no record announces.
const TICK: Duration = Duration::from_millis(200);

/// Why the stream ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// By a signal, `-d` or `-c`.
    Asked,
    /// Nobody reads standard output any more.
    ReaderGone,
}

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
    let filters = filters(args, held)?;
    let recording = args.write.as_deref().map(Recording::create).transpose()?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| system("cannot start", &error))?;
    runtime.block_on(async {
        // Before attaching, so that Ctrl-C ends it in order at any moment.
        let mut signals = Signals::install()?;
        last_resort()?;
        super::debug::install(args.verbose);
        let mut facts = capability::facts(args.btf.as_deref());
        capability::raise_memlock();
        let settings = Settings { ring_bytes: RING_BYTES, debug: args.verbose > 1 };
        let mut attached = attach(&mut facts, wish(args.hooks), &filters.kernel, settings)?;
        let mut ring =
            Ring::new(attached.ring()?).map_err(|error| system("cannot wait for the ring", &error))?;
        let logger = super::debug::start(&mut attached, args.verbose)?;
        let mut tracing = Tracing::new(args, &facts, &attached, filters, recording)?;
        tracing.start()?;
        when_attached()?;
        let end = stream(&mut tracing, &mut ring, &mut signals, args).await?;
        tracing.end(&mut ring, &mut attached, end).inspect(|_| drop(logger))
    })
}

pub(super) fn system(what: &str, error: &io::Error) -> Failure {
    Failure::new(Exit::Failure, what, words(error), "try again; -vv says more")
}

/// The signals that ask for the end. One that whoever started us had ignored (`nohup`, a shell's background job) stays
/// ignored.
struct Signals(Vec<Signal>);

impl Signals {
    fn install() -> Result<Self, Failure> {
        let ignored = ignored(&std::fs::read_to_string("/proc/self/status").unwrap_or_default());
        [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()]
            .into_iter()
            .filter(|kind| ignored >> (kind.as_raw_value() - 1) & 1 == 0)
            .map(|kind| signal(kind).map_err(|error| system("cannot listen for signals", &error)))
            .collect::<Result<_, _>>()
            .map(Self)
    }

    async fn any(&mut self) {
        let signals = &mut self.0;
        poll_fn(|context| {
            // Every one is asked, so that every one wakes us.
            let ready =
                signals.iter_mut().filter_map(|signal| signal.poll_recv(context).is_ready().then_some(()));
            if ready.count() > 0 { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }
}

/// The mask of ignored signals in `/proc/PID/status`; bit 0 is signal 1.
fn ignored(status: &str) -> u64 {
    let hex = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    hex.and_then(|hex| u64::from_str_radix(hex.trim(), 16).ok()).unwrap_or(0)
}

/// Signals that come within this time are one.
const ONE_WISH: Duration = Duration::from_millis(500);
/// How long the run may take to end after it was asked to.
const GRACE: Duration = Duration::from_secs(30);

/// A reader of standard output that does not read blocks the one thread, and with it the signals. From a thread of its own
/// they end the process: the first one after a while, the second at once. What is attached goes with the process.
fn last_resort() -> Result<(), Failure> {
    let wait = || {
        let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else { return };
        runtime.block_on(async {
            let Ok(mut signals) = Signals::install() else { return };
            signals.any().await;
            // `timeout` sends its signal twice, to the program and to its group: that is one wish.
            tokio::time::sleep(ONE_WISH).await;
            let Ok(mut later) = Signals::install() else { return };
            let _ = tokio::time::timeout(GRACE, later.any()).await;
            std::process::exit(Exit::Failure as i32);
        });
    };
    std::thread::Builder::new()
        .name("last-resort".into())
        .spawn(wait)
        .map(drop)
        .map_err(|error| system("cannot start", &error))
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
    let duration = args.duration.unwrap_or(Duration::from_hours(366 * 24));
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signals_that_were_ignored() {
        assert_eq!(ignored("Name:\tx\nSigIgn:\t0000000000001001\n"), 0x1001);
        assert_eq!(ignored("no such line"), 0);
    }
}
