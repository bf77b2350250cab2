//! The simulation itself: it must be what it says, or the tables mean nothing.

use std::collections::HashMap;

use crate::eval::{
    exact,
    host::{Conditions, Delay, Quirks, Sent},
    kind,
    measure::{View, connections, seen},
    mixes::together,
    path::{Ports, moment, remember},
    random::Random,
    single::{ROWS, single},
};

const CALM: Conditions =
    Conditions { rate: 5.0, window: 60.0, delay: Delay::Exponential(0.0), loss: 0.0, again: 0.2 };

/// A claim that holds, or what is wrong with it.
type Check = fn() -> Result<(), String>;

/// Each claim with a name.
pub(crate) const CHECKS: [(&str, Check); 5] = [
    ("bounds_are_exact", exact::check),
    ("seeds_decide_everything", seeds),
    ("clocks_are_straight_lines", lines),
    ("ports_belong_to_connections", ports),
    ("buckets_live_for_a_minute", buckets),
];

fn claim(holds: bool, what: &str) -> Result<(), String> {
    if holds { Ok(()) } else { Err(what.to_owned()) }
}

fn facts(stream: &[Sent]) -> Vec<(i64, Option<u32>, u16, u32)> {
    stream.iter().map(|syn| (moment(syn.at).0, syn.tsval, syn.sport, syn.seq)).collect()
}

fn seeds() -> Result<(), String> {
    for row in &ROWS {
        let make = |seed, run| facts(&single(row, &mut Random::of(seed, row.name, run)).stream);
        claim(make(1, 5) == make(1, 5), "the same seed gave another stream")?;
        claim(make(1, 5) != make(2, 5) && make(1, 5) != make(1, 6), "another seed gave the same stream")?;
    }
    Ok(())
}

/// Without delays TSval is a line of a known slope; a retransmission carries a later TSval under the same number.
fn lines() -> Result<(), String> {
    let quirks = Quirks { hops: 8, ..Quirks::default() };
    for kind in [kind::LINUX, kind::LINUX_100, kind::MICROSECONDS] {
        let mut random = Random::of(1, "lines", 0);
        let stream = together(&[(kind, CALM, quirks)], Ports::Kept, &mut random).stream;
        claim(stream.len() > 100, "too few SYNs")?;
        claim(stream.windows(2).all(|pair| pair[0].at <= pair[1].at), "out of order")?;
        let first = &stream[0];
        for syn in &stream {
            let ticks = syn.tsval.unwrap_or_default().wrapping_sub(first.tsval.unwrap_or_default());
            let ideal = kind.hz * (syn.at - first.at);
            claim((f64::from(ticks) - ideal).abs() <= 1.0 + ideal * 201e-6, "not on its line")?;
        }
        claim(connections(&stream) < stream.len(), "nothing was sent again")?;
        let bare = seen(&stream, View::Handshakes);
        claim(bare.len() == connections(&stream), "not one handshake for each connection")?;
        claim(bare.iter().all(|sample| sample.seq.is_none()), "a handshake with a sequence number")?;
    }
    let mut random = Random::of(1, "lines", 1);
    let stream = together(&[(kind::LINUX_TUPLE, CALM, quirks)], Ports::Kept, &mut random).stream;
    let back = |pair: &&[Sent]| {
        pair[1].tsval.unwrap_or_default().wrapping_sub(pair[0].tsval.unwrap_or_default()).cast_signed() < 0
    };
    claim(stream.windows(2).filter(back).count() > stream.len() / 4, "offsets are not random")
}

fn ports() -> Result<(), String> {
    let quirks = Quirks { hops: 8, ..Quirks::default() };
    for ports in [Ports::Kept, Ports::Random, Ports::InTurn, Ports::Pool(16)] {
        let plan = [(kind::LINUX, CALM, quirks), (kind::APPLE, CALM, quirks)];
        let mixed = together(&plan, ports, &mut Random::of(1, "ports", 0));
        claim(mixed.truth.present == 2, "two hosts are there")?;
        claim(mixed.truth.resolvable == 1 && !mixed.truth.interleaved, "one of them can be told")?;
        let mut given: HashMap<(u32, u32), u16> = HashMap::new();
        for syn in &mixed.stream {
            let port = *given.entry((syn.host, syn.connection)).or_insert(syn.sport);
            claim(port == syn.sport, "a connection changed its port")?;
        }
    }
    let plan = [(kind::LINUX, CALM, quirks), (kind::LINUX, CALM, quirks)];
    let truth = together(&plan, Ports::Random, &mut Random::of(1, "ports", 1)).truth;
    claim(truth.resolvable == 2 && truth.interleaved, "two stable hosts take turns")
}

fn buckets() -> Result<(), String> {
    let quirks = Quirks { hops: 8, ..Quirks::default() };
    let mut random = Random::of(1, "buckets", 0);
    let mut stream = together(&[(kind::LINUX, CALM, quirks)], Ports::Pool(16), &mut random).stream;
    remember(&mut stream, &mut random);
    let known: Vec<(&Sent, u32)> =
        stream.iter().filter_map(|syn| Some((syn, syn.remembered?.tsval))).collect();
    claim(known.len() > 50, "nothing was remembered")?;
    for (syn, tsval) in known {
        let ago = syn.tsval.unwrap_or_default().wrapping_sub(tsval);
        claim(ago < 60_100, "one clock: what is remembered is older, by a minute at most")?;
    }
    Ok(())
}
