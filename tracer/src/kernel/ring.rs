//! The ring buffer as a stream of records: waiting through tokio, and copying out.

use std::{future::pending, io, os::fd::AsRawFd, time::Duration};

use aya::maps::{MapData, RingBuf};
use tokio::{
    io::{Interest, unix::AsyncFd},
    time::{Instant, sleep_until},
};
use tracer_common::event::record_len;

/// Messages of the eBPF programs.
pub type Messages = aya_log::EbpfLogger<&'static dyn log::Log>;

/// Lets tokio wait for one of aya's rings.
///
/// # Errors
/// When it cannot be polled.
pub fn pollable<T: AsRawFd>(ring: T) -> io::Result<AsyncFd<T>> {
    // SAFETY: aya's rings own their descriptor, hand out the same one each time and close it when dropped, which
    // `AsyncFd` does after it has deregistered it.
    #[expect(unsafe_code, reason = "tokio asks for this promise")]
    let ring = unsafe { AsyncFd::register_with_interest(ring, Interest::READABLE)? };
    Ok(ring)
}

/// The reader's end of the ring.
pub struct Ring {
    map: AsyncFd<RingBuf<MapData>>,
    /// What was last taken; it keeps its memory.
    buffer: Vec<u8>,
    /// Under a flood the programs wake nobody for a while after they did: when to look again.
    again: Option<Instant>,
}

/// Longer than the programs' pause between two wake-ups.
const SOON: Duration = Duration::from_millis(12);

/// Records taken out of the ring at once.
#[derive(Clone, Copy, Debug)]
pub struct Batch<'a> {
    /// Whole records, one behind the other.
    pub records: &'a [u8],
    /// Entries of another length, which no decoder can read.
    pub malformed: u64,
    /// There may be more.
    pub more: bool,
}

impl Ring {
    /// Must be called inside a tokio runtime.
    ///
    /// # Errors
    /// When the ring cannot be polled.
    pub fn new(ring: RingBuf<MapData>) -> io::Result<Self> {
        Ok(Self { map: pollable(ring)?, buffer: Vec::new(), again: None })
    }

    /// Waits for records and takes at most `limit`; none now and then.
    ///
    /// # Errors
    /// When the ring cannot be polled.
    pub async fn next(&mut self, limit: usize) -> io::Result<Batch<'_>> {
        let again = self.again;
        tokio::select! {
            biased;
            guard = self.map.readable_mut() => {
                let mut guard = guard?;
                let batch = take(guard.get_inner_mut(), &mut self.buffer, limit);
                if !batch.more {
                    guard.clear_ready();
                }
                // Also when somebody else took what we were woken up for.
                self.again = Some(Instant::now() + SOON);
                Ok(batch)
            }
            () = at(again) => {
                let batch = take(self.map.get_mut(), &mut self.buffer, limit);
                self.again = (!batch.records.is_empty()).then(|| Instant::now() + SOON);
                Ok(batch)
            }
        }
    }

    /// Takes at most `limit` records without waiting: what is left when the tracing ends.
    pub fn rest(&mut self, limit: usize) -> Batch<'_> {
        take(self.map.get_mut(), &mut self.buffer, limit)
    }
}

/// Waits for a moment; for ever, where there is none.
async fn at(moment: Option<Instant>) {
    match moment {
        Some(moment) => sleep_until(moment).await,
        None => pending().await,
    }
}

fn take<'a>(ring: &mut RingBuf<MapData>, buffer: &'a mut Vec<u8>, limit: usize) -> Batch<'a> {
    buffer.clear();
    let (mut taken, mut malformed) = (0, 0);
    while taken < limit {
        let Some(item) = ring.next() else { break };
        if record_len(&item) == Some(item.len()) {
            buffer.extend_from_slice(&item);
        } else {
            malformed += 1;
        }
        taken += 1;
    }
    Batch { records: buffer, malformed, more: taken == limit }
}
