//! Other orders in which the same may be reported, and other traffic beside it.

use fastrand::Rng;
use tracer::model::{
    Nanos, Observation,
    reading::{Accepted, Stack, Via},
};

/// Strangers before, and as many after.
const STRANGERS: u32 = 2_000;
/// How far apart two SYNs may be that are reported in the wrong order, nanoseconds: the rings of several CPUs.
const TOGETHER: i64 = 5_000_000;

/// Any order at all.
pub(crate) fn shuffled(seen: &[Observation], rng: &mut Rng) -> Vec<Observation> {
    let mut seen = seen.to_vec();
    rng.shuffle(&mut seen);
    seen
}

/// What arrived together, in another order.
pub(crate) fn jumbled(seen: &[Observation], rng: &mut Rng) -> Vec<Observation> {
    let mut seen: Vec<_> =
        seen.iter().map(|one| (one.time().0 + rng.i64(0..TOGETHER), one.clone())).collect();
    seen.sort_by_key(|(at, _)| *at);
    seen.into_iter().map(|(_, one)| one).collect()
}

/// Among clients that send one SYN each and are answered.
pub(crate) fn among_strangers(seen: &[Observation], rng: &mut Rng) -> Vec<Observation> {
    let first = seen.first().map_or(Nanos(0), Observation::time).0;
    let last = seen.last().map_or(Nanos(0), Observation::time).0;
    let Some(flow) = seen.first().map(|seen| *seen.flow()) else {
        return Vec::new();
    };
    let mut stranger = |n: u32, at: i64| {
        let src = if flow.dst.is_ipv4() {
            std::net::IpAddr::from((0x0b00_0000 + n).to_be_bytes())
        } else {
            std::net::IpAddr::from((0x2a00_u128 << 112 | u128::from(n)).to_be_bytes())
        };
        Observation::Accepted(Accepted {
            time: Nanos(at),
            flow: tracer::model::Flow { src, sport: rng.u16(1024..), ..flow },
            netns: None,
            seq: Some(rng.u32(..)),
            tsval: Some(rng.u32(..)),
            stack: Stack::default(),
            via: Via::Syn,
            unreported: 0,
        })
    };
    let step = 100_000;
    let before = (0..STRANGERS).map(|n| (n, first - 1_000_000_000 + i64::from(n) * step)).collect::<Vec<_>>();
    let after = (0..STRANGERS).map(|n| (STRANGERS + n, last + 1_000_000_000 + i64::from(n) * step));
    let mut all: Vec<_> = before.into_iter().map(|(n, at)| stranger(n, at)).collect();
    all.extend_from_slice(seen);
    all.extend(after.map(|(n, at)| stranger(n, at)));
    all
}

/// How many strangers that are.
pub(crate) const fn strangers() -> u64 {
    2 * STRANGERS as u64
}
