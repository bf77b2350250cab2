//! What becomes of the hosts' SYNs on the way to us: one stream in order of arrival, ports as the NAT gives them out,
//! and what the server remembered for each tuple.

use std::collections::HashMap;

use tracer::{analysis::clock::Remembered, model::Nanos};

use crate::eval::{host::Sent, random::Random};

/// How long a TIME_WAIT bucket lives, seconds.
const TIME_WAIT: f64 = 60.0;
/// Second 0 of every stream, nanoseconds since the epoch.
const START: f64 = 1_790_000_000.0;

/// How source ports come to us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ports {
    /// As the hosts choose them.
    Kept,
    /// Any, at random (`--random-fully`, carrier-grade NAT).
    Random,
    /// One after the other.
    InTurn,
    /// Any of this many.
    Pool(u16),
}

/// Seconds as a moment.
pub(crate) fn moment(at: f64) -> Nanos {
    Nanos((START as i64) * 1_000_000_000 + (at * 1e9) as i64)
}

/// One stream of what the hosts sent.
pub(crate) fn merge(sent: Vec<Vec<Sent>>, ports: Ports, random: &mut Random) -> Vec<Sent> {
    let mut stream: Vec<Sent> = sent.into_iter().flatten().collect();
    stream.sort_by(|a, b| a.at.total_cmp(&b.at));
    if ports == Ports::Kept {
        return stream;
    }
    let mut given: HashMap<(u32, u32), u16> = HashMap::new();
    let mut next = random.below(60_000) as u16;
    for syn in &mut stream {
        syn.sport = *given.entry((syn.host, syn.connection)).or_insert_with(|| match ports {
            Ports::Kept => syn.sport,
            Ports::Random => 1024 + random.below(64_512) as u16,
            Ports::InTurn => {
                next = (next + 1) % 64_512;
                1024 + next
            }
            Ports::Pool(size) => 32_768 + random.below(size.into()) as u16,
        });
    }
    stream
}

/// Fills in what the server remembered: connections last a quarter of a second on average, the server closes first, and
/// its bucket stays for 60 s. A SYN that the bucket refuses prolongs the bucket's life and opens nothing.
pub(crate) fn remember(stream: &mut [Sent], random: &mut Random) {
    let mut buckets: HashMap<u16, (Sent, f64, u32, f64)> = HashMap::new();
    for syn in stream {
        let Some(tsval) = syn.tsval else { continue };
        if let Some((last, closed, recent, until)) = buckets.get_mut(&syn.sport) {
            if last.host == syn.host && last.connection == syn.connection {
                continue;
            }
            if syn.at >= *closed && syn.at < *until {
                // The kernel keeps whole seconds.
                syn.remembered =
                    Some(Remembered { tsval: *recent, time: Some(moment(closed.floor())), same_ports: true });
                if tsval.wrapping_sub(*recent).cast_signed() < 0 {
                    *until = syn.at + TIME_WAIT;
                    continue;
                }
            }
        }
        let life = random.exponential(0.25);
        let recent = tsval.wrapping_add((syn.hz * life) as u32);
        buckets.insert(syn.sport, (*syn, syn.at + life, recent, syn.at + life + TIME_WAIT));
    }
}
