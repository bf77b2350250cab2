//! The signals that ask for the end of a run, and what happens when nobody reads its output any more.

use std::{future::poll_fn, task::Poll, time::Duration};

use tokio::signal::unix::{Signal, SignalKind, signal};

use super::live::system;
use crate::error::{Exit, Failure};

/// Does something on this thread that may wait, and that signals end in order from the very beginning.
pub(super) fn run<T>(work: impl AsyncFnOnce(Signals) -> Result<T, Failure>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| system("cannot start", &error))?;
    runtime.block_on(async {
        let signals = Signals::install()?;
        last_resort()?;
        work(signals).await
    })
}

/// The signals that ask for the end. One that whoever started us had ignored (`nohup`, a shell's background job) stays
/// ignored.
pub(super) struct Signals(Vec<Signal>);

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

    pub(super) async fn any(&mut self) {
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
            crate::tui::screen::restore();
            std::process::exit(Exit::Failure as i32);
        });
    };
    std::thread::Builder::new()
        .name("last-resort".into())
        .spawn(wait)
        .map(drop)
        .map_err(|error| system("cannot start", &error))
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
