//! One stream through the clocks and through the others, and what is true of it.

use std::{
    collections::{HashMap, HashSet},
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

use tracer::{
    analysis::clock::{Clocks, Sample},
    model::{nat::NatVerdict, reading::Stack},
};

use crate::eval::{
    baseline::{Greedy, Naive, P0f},
    host::Sent,
    path::moment,
};

/// Forgiven by the second naive rule: what a restarting TIME_WAIT socket of old allowed, 300 ticks.
const GRACE: i32 = 300;

/// Those that we are set beside.
pub(crate) const OTHERS: [&str; 4] = ["naive", "naive, 300", "p0f-style", "greedy"];

/// What the hooks show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum View {
    /// Every SYN.
    Syns,
    /// The end of each handshake: no sequence number, no stack, once for each connection.
    Handshakes,
    /// Every second connection as a handshake, the others by their SYNs (those that were dropped).
    Both,
}

impl View {
    /// Whether a connection is seen by its handshake.
    fn is_bare(self, syn: &Sent) -> bool {
        match self {
            Self::Syns => false,
            Self::Handshakes => true,
            Self::Both => syn.connection % 2 == 1,
        }
    }
}

/// What was said of a stream, and by whom.
#[derive(Clone, Debug)]
pub(crate) struct Outcome {
    pub(crate) verdict: NatVerdict,
    /// The count that we give: the estimate, where there is none the least.
    pub(crate) hosts: u32,
    pub(crate) at_least: u32,
    pub(crate) confidence: f64,
    pub(crate) jumps: u64,
    /// Connections seen.
    pub(crate) connections: usize,
    /// What the others say: is it a NAT?
    pub(crate) others: [bool; OTHERS.len()],
}

impl Outcome {
    pub(crate) fn is_nat(&self) -> bool {
        self.verdict == NatVerdict::Nat
    }
}

/// A SYN as the clocks get it.
pub(crate) fn sample(syn: &Sent, view: View) -> Sample {
    let bare = view.is_bare(syn);
    Sample {
        time: moment(syn.at),
        sport: syn.sport,
        dport: 443,
        seq: (!bare).then_some(syn.seq),
        tsval: syn.tsval,
        stack: if bare { Stack::default() } else { syn.stack },
        remembered: syn.remembered,
    }
}

/// What the hooks show of a stream.
pub(crate) fn seen(stream: &[Sent], view: View) -> Vec<Sample> {
    if view == View::Syns {
        return stream.iter().map(|syn| sample(syn, view)).collect();
    }
    let last: HashMap<(u32, u32), usize> =
        stream.iter().enumerate().map(|(index, syn)| ((syn.host, syn.connection), index)).collect();
    let shown =
        stream.iter().enumerate().filter(|(index, syn)| last.get(&(syn.host, syn.connection)) == Some(index));
    shown.map(|(_, syn)| sample(syn, view)).collect()
}

/// Everybody's finding.
pub(crate) fn judge(stream: &[Sent], view: View) -> Outcome {
    let mut clocks = Clocks::default();
    for sample in seen(stream, view) {
        clocks.observe(&sample);
    }
    let (mut naive, mut graced) = (Naive::default(), Naive::with_grace(GRACE));
    let (mut p0f, mut greedy) = (P0f::default(), Greedy::default());
    for syn in stream {
        naive.see(syn);
        graced.see(syn);
        p0f.see(syn);
        greedy.see(syn);
    }
    let nat = clocks.assess();
    Outcome {
        verdict: nat.verdict,
        hosts: nat.hosts.unwrap_or(nat.hosts_at_least),
        at_least: nat.hosts_at_least,
        confidence: nat.confidence,
        jumps: nat.port_jumps,
        connections: connections(stream),
        others: [naive.says_nat(), graced.says_nat(), p0f.says_nat(), greedy.says_nat()],
    }
}

/// Different connections in a stream.
pub(crate) fn connections(stream: &[Sent]) -> usize {
    stream.iter().map(|syn| (syn.host, syn.connection)).collect::<HashSet<_>>().len()
}

/// Does the work for every run, on all processors; results in the order of the runs.
pub(crate) fn runs<T: Send>(count: usize, work: impl Fn(usize) -> T + Sync) -> Vec<T> {
    /// Runs that a thread takes at once.
    const CHUNK: usize = 16;
    let next = AtomicUsize::new(0);
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let mut done: Vec<(usize, T)> = thread::scope(|scope| {
        let workers: Vec<_> = (0..threads)
            .map(|_| {
                scope.spawn(|| {
                    let mut mine = Vec::new();
                    loop {
                        let start = next.fetch_add(CHUNK, Ordering::Relaxed);
                        if start >= count {
                            return mine;
                        }
                        mine.extend((start..count.min(start + CHUNK)).map(|run| (run, work(run))));
                    }
                })
            })
            .collect();
        let results = workers.into_iter().map(thread::ScopedJoinHandle::join);
        results.flat_map(|result| result.unwrap_or_else(|panic| std::panic::resume_unwind(panic))).collect()
    });
    done.sort_by_key(|(run, _)| *run);
    done.into_iter().map(|(_, result)| result).collect()
}
