//! A flood: SYNs through a TUN device, each of which the kernel is done with when the write returns. Rates are per second of
//! the processor that writes, in the median of many small batches, so that neither reading the answers nor whoever else
//! wants that processor counts.

use std::{
    borrow::Cow,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, anyhow, ensure};

use crate::{
    case::{Case, Rates},
    live::{family::Family, lab::Lab, peer::PORT, syn::Syn},
    shared::{clock::processor_ns, spread::spread},
    stay::{last_processor, stay_on},
};

/// Where spoofed SYNs seem to come from (RFC 2544): so many addresses, each with a port of its own.
const SPOOFED: u32 = u32::from_be_bytes([198, 18, 0, 0]);
const SOURCES: u32 = 1 << 16;
/// Connections in TIME_WAIT whose clients' clocks go back.
const BUCKETS: u8 = 64;
/// Timestamps, and one that is older.
const NEWER: u32 = 2_000_000_000;
const OLDER: u32 = 1_000_000_000;
/// SYNs between two looks at what came back; less than the device's queue of 500 holds.
const BATCH: u32 = 256;
/// Before anybody watches: queues are full, and everything is where it is needed.
const WARM_UP: Duration = Duration::from_millis(50);

/// SYNs of many clients.
pub(crate) fn spoofed() -> Vec<Vec<u8>> {
    let to = SocketAddr::new(Family::V4.host(1), PORT);
    let syn = |n: u32| {
        let port = 1024 + u16::try_from(n % 60_000).unwrap_or(0);
        let from = SocketAddr::from((Ipv4Addr::from(SPOOFED + n), port));
        Syn::new(from, to, n, Some(n)).segment().bytes()
    };
    (0..SOURCES).map(syn).collect()
}

/// A flood to come.
pub(crate) struct Flood<'a> {
    pub(crate) lab: Lab,
    case: Case,
    packets: Cow<'a, [Vec<u8>]>,
    next: usize,
    _listener: TcpListener,
}

impl<'a> Flood<'a> {
    pub(crate) fn prepare(case: Case, spoofed: &'a [Vec<u8>]) -> Result<Self> {
        let mut lab = Lab::new(Family::V4)?;
        lab.ip(&format!("route add {}/15 dev wire0\n", Ipv4Addr::from(SPOOFED)))?;
        let backlog = if case == Case::QueueFull { 1 } else { 128 };
        let listener = lab.listen(backlog)?;
        let mut packets = Cow::Borrowed(spoofed);
        match case {
            Case::Connections | Case::Switched | Case::Answered => {}
            Case::QueueFull => {
                for port in [1001, 1002] {
                    let syn = lab.syn(9, port, 1, Some(NEWER));
                    lab.connect(&syn)?;
                }
            }
            Case::Paws => {
                let mut old = Vec::new();
                for host in 0..BUCKETS {
                    let syn = lab.syn(host + 2, 40_000, 1, Some(NEWER));
                    lab.time_wait(&listener, &syn)?;
                    old.push(syn.at(1_000_000).stamped(Some(OLDER)).segment().bytes());
                }
                packets = Cow::Owned(old);
            }
        }
        let mut flood = Self { lab, case, packets, next: 0, _listener: listener };
        flood.run(WARM_UP)?;
        Ok(flood)
    }

    /// SYNs for so long.
    pub(crate) fn run(&mut self, time: Duration) -> Result<Rates> {
        let before = self.lab.counters()?;
        let begun = Instant::now();
        // A thread of its own, which stays where it is; those who watch have the other processors.
        let batches = thread::scope(|scope| {
            scope.spawn(|| self.send(time)).join().map_err(|_| anyhow!("the flood panicked"))?
        })?;
        let took = begun.elapsed();
        let after = self.lab.counters()?;
        let counted = self.counters().iter().find_map(|name| after.since(&before, name));
        let syns = batches.len() as u64 * u64::from(BATCH);
        // The first of those that get cookies are remembered instead.
        let wanted = syns.saturating_sub(syns / 10 + 256);
        ensure!(counted >= Some(wanted), "{syns} SYNs, and {:?} counted {counted:?}", self.counters());
        let batch = spread(batches.iter().map(Duration::as_secs_f64)).context("no time for a flood")?;
        Ok(Rates { rate: f64::from(BATCH) / batch.median, work: None, took })
    }

    /// The kernel's counters that show that it was this flood; the first that there is.
    fn counters(&self) -> &'static [&'static str] {
        match self.case {
            Case::Connections | Case::Switched | Case::Answered => &["TcpExtSyncookiesSent"],
            Case::QueueFull => &["TcpExtListenOverflows"],
            // Its own since 6.12.
            Case::Paws => &["TcpExtPAWSTimewait", "TcpExtPAWSEstab"],
        }
    }

    /// Sends for so long; the time of the processor that each batch took.
    fn send(&mut self, time: Duration) -> Result<Vec<Duration>> {
        stay_on(last_processor()?)?;
        let mut batches = Vec::new();
        let begun = Instant::now();
        while begun.elapsed() < time {
            let from = processor_ns();
            for _ in 0..BATCH {
                self.lab.write(0, &self.packets[self.next])?;
                self.next = (self.next + 1) % self.packets.len();
            }
            batches.push(Duration::from_nanos(u64::try_from(processor_ns() - from)?));
            self.lab.drain()?;
        }
        Ok(batches)
    }
}
