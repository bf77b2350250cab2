//! Perf buffers: one a CPU, whose samples are as long as the kernel pads them. Decides in which order records come out.

use std::{
    io,
    task::{Context, Poll},
};

use aya::{
    maps::{
        MapData, PerfEventArray,
        perf::{PerfBufferError, PerfEvent, PerfEventArrayBuffer},
    },
    util::online_cpus,
};
use nix::time::{ClockId, clock_gettime};
use tokio::io::unix::AsyncFd;
use tracer_common::event::{RECORD_LEN, record_len};

use super::{Batch, Source, pollable};

/// What one CPU writes into.
pub(super) type Buffer = PerfEventArrayBuffer<MapData>;

/// Pages of a CPU, whatever its share of the room is.
const FEWEST_PAGES: usize = 16;
const PAGE: usize = 4096;

impl Source {
    /// Opens the buffers of all CPUs; together they have so many bytes, and each a few.
    ///
    /// # Errors
    /// When one cannot be opened.
    pub fn of_every_cpu(mut array: PerfEventArray<MapData>, bytes: u32) -> Result<Self, PerfBufferError> {
        let cpus = online_cpus().map_err(|(_, error)| error)?;
        let share = bytes as usize / PAGE / cpus.len().max(1);
        let pages = share.next_power_of_two().max(FEWEST_PAGES);
        cpus.into_iter().map(|cpu| array.open(cpu, Some(pages))).collect::<Result<_, _>>().map(Self::Perf)
    }
}

/// The buffers of all CPUs, as one stream.
pub(super) struct Buffers {
    of_cpus: Vec<AsyncFd<Buffer>>,
    /// Read, and too young to be handed on: another CPU may have written an older one into a buffer that was looked at before.
    held: Vec<(u64, Vec<u8>)>,
    closed: bool,
}

/// A record carries the time at which its observation began, and is written when it ends. That takes microseconds; a virtual
/// machine may stand still in between.
const YOUNG_NS: u64 = 10_000_000;
/// Records held at most; what the kernel side has beyond that waits in its buffers, or is lost there and counted.
const MOST_HELD: usize = 1 << 15;

impl Buffers {
    /// Must be called inside a tokio runtime.
    pub(super) fn new(buffers: Vec<Buffer>) -> io::Result<Self> {
        let of_cpus = buffers.into_iter().map(pollable).collect::<io::Result<_>>()?;
        Ok(Self { of_cpus, held: Vec::new(), closed: false })
    }

    /// Nobody writes any more.
    pub(super) fn close(&mut self) {
        self.closed = true;
    }

    /// Whether somebody wrote; that is told once.
    pub(super) fn poll_written(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut written = Poll::Pending;
        for buffer in &mut self.of_cpus {
            if let Poll::Ready(guard) = buffer.poll_read_ready_mut(context) {
                guard?.clear_ready();
                written = Poll::Ready(Ok(()));
            }
        }
        written
    }

    /// Takes at most `limit` records, the oldest first.
    pub(super) fn take(&mut self, records: &mut Vec<u8>, limit: usize, batch: &mut Batch<'_>) {
        let now = now();
        for buffer in &mut self.of_cpus {
            if self.held.len() >= MOST_HELD {
                break;
            }
            buffer.get_mut().for_each(|event| match event {
                PerfEvent::Sample { head, tail } => match record(head, tail) {
                    Some(timed) => self.held.push(timed),
                    None => batch.malformed += 1,
                },
                PerfEvent::Lost { count } => batch.lost += count,
            });
        }
        let horizon = if self.closed { u64::MAX } else { now.saturating_sub(YOUNG_NS) };
        let old = ripe(&mut self.held, horizon);
        for (_, record) in self.held.drain(..old.min(limit)) {
            records.extend_from_slice(&record);
        }
        batch.more = old > limit;
        batch.held = !self.held.is_empty();
    }
}

/// Puts them in the order of their times and says how many are older than that.
fn ripe(held: &mut [(u64, Vec<u8>)], horizon: u64) -> usize {
    held.sort_by_key(|(time, _)| *time);
    held.partition_point(|(time, _)| *time < horizon)
}

/// The clock of the records; where it cannot be read, everything is old.
fn now() -> u64 {
    clock_gettime(ClockId::CLOCK_MONOTONIC)
        .ok()
        .and_then(|time| u64::try_from(time.tv_sec() * 1_000_000_000 + time.tv_nsec()).ok())
        .unwrap_or(u64::MAX)
}

/// The record at the beginning of a sample, and its time.
fn record(head: &[u8], tail: &[u8]) -> Option<(u64, Vec<u8>)> {
    let mut bytes: Vec<u8> = head.iter().chain(tail).take(RECORD_LEN).copied().collect();
    let len = record_len(&bytes).filter(|len| *len <= bytes.len())?;
    bytes.truncate(len);
    let time = bytes.first_chunk().map(|time| u64::from_ne_bytes(*time))?;
    Some((time, bytes))
}

#[cfg(test)]
mod tests {
    use tracer_common::event::{FIXED_LEN, SynRecord};

    use super::*;

    #[test]
    fn a_sample_is_longer_than_its_record() {
        let mut sample = [0; RECORD_LEN + 4];
        sample[..8].copy_from_slice(&77_u64.to_ne_bytes());
        sample[std::mem::offset_of!(SynRecord, options_len)] = 12;
        sample[FIXED_LEN + 11] = 7;
        for cut in [0, 50, FIXED_LEN + 3, sample.len()] {
            let (head, tail) = sample.split_at(cut);
            let (time, found) = record(head, tail).unwrap();
            assert_eq!((time, found.len(), found[FIXED_LEN + 11]), (77, FIXED_LEN + 12, 7), "{cut}");
        }
        assert_eq!(record(&sample[..FIXED_LEN], &[]), None);
        assert_eq!(record(&[], &[]), None);
    }

    #[test]
    fn the_oldest_come_first_and_the_young_wait() {
        let mut held: Vec<_> = [30, 10, 20, 10].into_iter().map(|time| (time, Vec::new())).collect();
        assert_eq!(ripe(&mut held, 21), 3);
        assert_eq!(held.iter().map(|(time, _)| *time).collect::<Vec<_>>(), [10, 10, 20, 30]);
        assert_eq!(ripe(&mut held, 10), 0);
        assert_eq!(ripe(&mut held, u64::MAX), 4);
    }
}
