//! Records as a stream: waiting through tokio, and copying out. They come from the ring buffer or, before 5.8, from perf buffers,
//! one a CPU.

mod perf;

use std::{
    future::{pending, poll_fn},
    io,
    os::fd::AsRawFd,
    time::Duration,
};

use aya::maps::{MapData, RingBuf};
use tokio::{
    io::{Interest, unix::AsyncFd},
    time::{Instant, sleep_until},
};
use tracer_common::event::record_len;

use perf::{Buffer, Buffers};

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

/// Where the programs write.
pub enum Source {
    /// Into one ring.
    Ring(RingBuf<MapData>),
    /// Each CPU into its own.
    Perf(Vec<Buffer>),
}

/// The reader's end.
pub struct Ring {
    from: Reader,
    /// What was last taken; it keeps its memory.
    buffer: Vec<u8>,
    /// Under a flood the programs wake nobody for a while after they did: when to look again.
    again: Option<Instant>,
}

enum Reader {
    Ring(AsyncFd<RingBuf<MapData>>),
    Perf(Buffers),
}

/// Longer than the programs' pause between two wake-ups.
const SOON: Duration = Duration::from_millis(12);

/// Records taken out at once.
#[derive(Clone, Copy, Debug, Default)]
pub struct Batch<'a> {
    /// Whole records, one behind the other.
    pub records: &'a [u8],
    /// Entries of another length, which no decoder can read.
    pub malformed: u64,
    /// Records that were lost since the last look: there was no room. Of a ring the kernel side counts them.
    pub lost: u64,
    /// There may be more.
    pub more: bool,
    /// There is more, whose turn comes in a moment.
    pub held: bool,
}

impl Ring {
    /// Must be called inside a tokio runtime.
    ///
    /// # Errors
    /// When the source cannot be polled.
    pub fn new(source: Source) -> io::Result<Self> {
        let from = match source {
            Source::Ring(ring) => Reader::Ring(pollable(ring)?),
            Source::Perf(buffers) => Reader::Perf(Buffers::new(buffers)?),
        };
        Ok(Self { from, buffer: Vec::new(), again: None })
    }

    /// Waits for records and takes at most `limit`; none now and then.
    ///
    /// # Errors
    /// When the source cannot be polled.
    pub async fn next(&mut self, limit: usize) -> io::Result<Batch<'_>> {
        let again = self.again;
        tokio::select! {
            biased;
            ready = self.from.ready() => {
                ready?;
                let batch = self.from.take(&mut self.buffer, limit);
                // Also when somebody else took what we were woken up for; at once, when not all was taken.
                self.again = Some(Instant::now() + if batch.more { Duration::ZERO } else { SOON });
                Ok(batch)
            }
            () = at(again) => {
                let batch = self.from.take(&mut self.buffer, limit);
                let pause = if batch.more { Duration::ZERO } else { SOON };
                self.again = (batch.held || !batch.records.is_empty()).then(|| Instant::now() + pause);
                Ok(batch)
            }
        }
    }

    /// The programs are gone: what is there is all there will be.
    pub fn close(&mut self) {
        if let Reader::Perf(buffers) = &mut self.from {
            buffers.close();
        }
    }

    /// Takes at most `limit` records without waiting: what is left when the tracing ends.
    pub fn rest(&mut self, limit: usize) -> Batch<'_> {
        self.from.take(&mut self.buffer, limit)
    }
}

impl Reader {
    /// Somebody wrote. What was written is to be taken now: it is told once.
    async fn ready(&mut self) -> io::Result<()> {
        match self {
            Self::Ring(ring) => ring.readable_mut().await.map(|mut guard| guard.clear_ready()),
            Self::Perf(buffers) => poll_fn(|context| buffers.poll_written(context)).await,
        }
    }

    fn take<'a>(&mut self, buffer: &'a mut Vec<u8>, limit: usize) -> Batch<'a> {
        buffer.clear();
        let mut batch = Batch::default();
        match self {
            Self::Ring(ring) => take(ring.get_mut(), buffer, limit, &mut batch),
            Self::Perf(buffers) => buffers.take(buffer, limit, &mut batch),
        }
        Batch { records: buffer, ..batch }
    }
}

/// Waits for a moment; for ever, where there is none.
async fn at(moment: Option<Instant>) {
    match moment {
        Some(moment) => sleep_until(moment).await,
        None => pending().await,
    }
}

fn take(ring: &mut RingBuf<MapData>, buffer: &mut Vec<u8>, limit: usize, batch: &mut Batch<'_>) {
    for _ in 0..limit {
        let Some(item) = ring.next() else { return };
        if record_len(&item) == Some(item.len()) {
            buffer.extend_from_slice(&item);
        } else {
            batch.malformed += 1;
        }
    }
    batch.more = true;
}
