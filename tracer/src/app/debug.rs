//! Messages of the eBPF programs (`-vv`): aya-log carries them to the `log` crate, this prints them on standard error.

use log::{LevelFilter, Log, Metadata, Record};
use tokio::{io::unix::AsyncFd, task::JoinHandle};

use crate::{error::Failure, kernel::load::Attached};

struct Stderr;

impl Log for Stderr {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &Record<'_>) {
        super::note(&format!("[{}] {}", record.level(), record.args()));
    }

    fn flush(&self) {}
}

/// Prints what the `log` crate gets, the verifier's words among it, from `-vv` on.
pub(super) fn install(verbose: u8) {
    if verbose > 1 && log::set_logger(&Stderr).is_ok() {
        // aya says more than anyone wants below this.
        log::set_max_level(LevelFilter::Debug);
    }
}

/// Reads messages until the handle is dropped; `None` unless asked for with `-vv`.
///
/// # Errors
/// When the messages' ring cannot be polled.
pub(super) fn start(attached: &mut Attached, verbose: u8) -> Result<Option<JoinHandle<()>>, Failure> {
    if verbose < 2 {
        return Ok(None);
    }
    let Some(logger) = attached.logger() else { return Ok(None) };
    let logger = crate::kernel::ring::pollable(logger)
        .map_err(|error| super::live::system("cannot read the messages of the eBPF programs", &error))?;
    Ok(Some(tokio::spawn(forward(logger))))
}

async fn forward(mut logger: AsyncFd<crate::kernel::ring::Messages>) {
    while let Ok(mut guard) = logger.readable_mut().await {
        guard.get_inner_mut().flush();
        guard.clear_ready();
    }
}
