//! SYNs by their number: of clients that are scattered, with clocks that run.

use std::net::IpAddr;

use tracer::model::{Cause, Drop, Evidence, Flow, Nanos, OptionKinds, Stage, Syn};

/// Scattered over all addresses (Knuth's multiplicative hash).
pub(crate) fn client(n: u32) -> IpAddr {
    IpAddr::from(n.wrapping_mul(2_654_435_761).to_be_bytes())
}

/// A new connection each time, to one of our addresses.
pub(crate) fn flow(n: u32, src: IpAddr, server: u32) -> Flow {
    let sport = 32_768 + u16::try_from(n % 28_000).unwrap_or(0);
    Flow { src, sport, dst: IpAddr::from((0xc633_6400_u32 + server).to_be_bytes()), dport: 443 }
}

/// As a Linux client sends them.
pub(crate) fn options() -> OptionKinds {
    let mut options = OptionKinds::default();
    for kind in [2, 4, 8, 1, 3] {
        options.push(kind);
    }
    options
}

/// Refused by PAWS, five seconds behind at 1 kHz.
pub(crate) fn refused(n: u32, time: Nanos, flow: Flow, tsval: u32) -> Drop {
    Drop {
        evidence: Evidence::Kernel,
        time,
        flow,
        netns: Some(1),
        netns_name: None,
        ifname: None,
        stage: Stage::TimeWait,
        cause: Cause::PawsTimeWait,
        reason: None,
        snmp: None,
        syn: Syn {
            seq: n,
            tsval: Some(tsval),
            mss: Some(1460),
            wscale: Some(7),
            options: options(),
            ttl: 63,
            ..Syn::default()
        },
        ts_recent: Some(tsval.wrapping_add(5000)),
        ts_age_ms: Some(1000),
        answer: None,
        accept_queue: None,
        syn_queue: None,
        listener: None,
    }
}
