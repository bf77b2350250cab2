//! Any drop, any answered SYN, any numbers beside them, for tests of what is counted, judged, printed and read back.

use proptest::prelude::*;

use super::{
    Answer, Cause, Drop, Evidence, Flow, Nanos, OptionKinds, Stage, Syn,
    environment::OwnNat,
    listener::Listener,
    reading::{Accepted, Stack, Via},
    report::Lost,
};

/// A drop of which nothing is known that may be unknown.
pub(crate) fn bare(cause: Cause) -> Drop {
    Drop {
        evidence: Evidence::Kernel,
        time: Nanos(1_700_000_000_123_456_789),
        flow: Flow {
            src: std::net::IpAddr::from([192, 0, 2, 1]),
            sport: 40_000,
            dst: std::net::IpAddr::from([198, 51, 100, 7]),
            dport: 443,
        },
        netns: None,
        netns_name: None,
        ifname: None,
        stage: Stage::None,
        cause,
        reason: None,
        snmp: None,
        syn: Syn::default(),
        ts_recent: None,
        ts_age_ms: None,
        answer: None,
        accept_queue: None,
        syn_queue: None,
        listener: None,
    }
}

/// An answered SYN of which nothing is known that may be unknown, but for its TSval.
pub(crate) fn answered_of(src: std::net::IpAddr) -> Accepted {
    let drop = bare(Cause::Other);
    Accepted {
        time: drop.time,
        flow: Flow { src, ..drop.flow },
        netns: None,
        seq: None,
        tsval: Some(7),
        stack: Stack::default(),
        via: Via::Syn,
        unreported: 0,
    }
}

/// A packet has one family.
pub(crate) fn any_flow() -> impl Strategy<Value = Flow> {
    let pair = prop_oneof![
        any::<[[u8; 4]; 2]>().prop_map(|pair| pair.map(std::net::IpAddr::from)),
        any::<[[u16; 8]; 2]>().prop_map(|pair| pair.map(std::net::IpAddr::from)),
    ];
    (pair, any::<u16>(), any::<u16>()).prop_map(|([src, dst], sport, dport)| Flow { src, sport, dst, dport })
}

/// Words as hostile as their sources allow.
pub(crate) fn any_word() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z0-9_.@-]{1,15}",
        Just("\x1b[31mred\x1b[0m".to_owned()),
        Just("quote\" back\\slash\nline\r\u{7f}\u{9b}2J".to_owned()),
        any::<String>(),
    ]
}

/// Any cause.
pub(crate) fn any_cause() -> impl Strategy<Value = Cause> {
    proptest::sample::select(Cause::ALL.as_slice())
}

/// Small numbers mostly, where thresholds are, and the largest.
pub(crate) fn any_count() -> impl Strategy<Value = u64> {
    prop_oneof![5 => 0u64..6, 5 => 0u64..200, 1 => any::<u64>(), 1 => Just(u64::MAX)]
}

/// Any losses.
pub(crate) fn any_lost() -> impl Strategy<Value = Lost> {
    proptest::array::uniform9(any_count()).prop_map(
        |[ring, counted, decode, table, slot, read, skipped, unprinted, undecided]| Lost {
            ring,
            counted,
            decode,
            table,
            slot,
            read,
            skipped,
            unprinted,
            undecided,
        },
    )
}

/// Any translation on the machine itself.
pub(crate) fn any_own_nat() -> impl Strategy<Value = OwnNat> {
    any::<(u32, u32, bool)>().prop_map(|(rules, random_fully, conntrack)| OwnNat {
        rules,
        random_fully,
        conntrack,
    })
}

fn maybe<T: std::fmt::Debug>(value: impl Strategy<Value = T>) -> impl Strategy<Value = Option<T>> {
    proptest::option::of(value)
}

fn any_options() -> impl Strategy<Value = OptionKinds> {
    proptest::collection::vec(any::<u8>(), 0..=40).prop_map(|kinds| {
        let mut options = OptionKinds::default();
        for kind in kinds {
            options.push(kind);
        }
        options
    })
}

fn any_syn() -> impl Strategy<Value = Syn> {
    let numbers = (any::<u32>(), any::<u16>(), any::<u8>());
    let options = (maybe(any::<(u32, u32)>()), maybe(any::<u16>()), maybe(any::<u8>()));
    (numbers, options, any_options(), any::<bool>()).prop_map(
        |((seq, window, ttl), (timestamps, mss, wscale), options, malformed)| {
            let (tsval, tsecr) = timestamps.unzip();
            Syn { seq, window, ttl, tsval, tsecr, mss, wscale, options, malformed }
        },
    )
}

/// Any listener at all.
pub(crate) fn any_listener() -> impl Strategy<Value = Listener> {
    let numbers = (any::<u32>(), maybe(any::<u32>()), maybe(any::<u32>()));
    let id = "[0-9a-f]{64}";
    let cgroup = prop_oneof![
        any_word(),
        id.prop_map(|id| format!("/system.slice/docker-{id}.scope")),
        id.prop_map(|id| format!("/kubepods/burstable/pod8f0d1c8e-6d3b-4a52-9e71-2b0c4d5e6f70/{id}")),
    ];
    (numbers, any_word(), maybe(cgroup)).prop_map(|((pid, processes, sockets), comm, cgroup)| Listener {
        pid,
        comm,
        cgroup,
        processes,
        sockets,
    })
}

/// Any drop at all.
pub(crate) fn any_drop() -> impl Strategy<Value = Drop> {
    let place = (maybe(any::<u32>()), maybe(any_word()), maybe(any_word()));
    let what = (
        proptest::sample::select(Stage::ALL.as_slice()),
        any_cause(),
        maybe(any_word()),
        maybe(prop_oneof![Just("TcpExtPAWSTimewait".to_owned()), any_word()]),
        maybe(proptest::sample::select(Answer::ALL.as_slice())),
    );
    let clock = (maybe(any::<u32>()), maybe(any::<u64>()));
    let queues = (maybe(any::<(u32, u32)>()), maybe(any::<(u32, u32)>()));
    let listener = maybe(any_listener());
    (any::<i64>(), any_flow(), place, what, any_syn(), clock, queues, listener).prop_map(
        |(time, flow, place, what, syn, clock, queues, listener)| Drop {
            evidence: Evidence::Kernel,
            time: Nanos(time),
            flow,
            netns: place.0,
            ifname: place.1.map(Into::into),
            netns_name: place.2.map(Into::into),
            stage: what.0,
            cause: what.1,
            reason: what.2.map(Into::into),
            snmp: what.3.map(Into::into),
            syn,
            ts_recent: clock.0,
            ts_age_ms: clock.1,
            answer: what.4,
            accept_queue: queues.0,
            syn_queue: queues.1,
            listener: listener.map(Into::into),
        },
    )
}

/// An answered SYN of the client of a [`bare`] drop, of which nothing is known that may be unknown.
pub(crate) fn bare_accepted() -> Accepted {
    let Drop { time, flow, .. } = bare(Cause::Other);
    let stack = Stack::default();
    Accepted { time, flow, netns: None, seq: None, tsval: None, stack, via: Via::Syn, unreported: 0 }
}

/// Any answered SYN at all.
pub(crate) fn any_accepted() -> impl Strategy<Value = Accepted> {
    let stack = (
        maybe(any::<u8>()),
        maybe(any::<u16>()),
        maybe(any::<u16>()),
        maybe(any::<u8>()),
        maybe(any_options()),
    )
        .prop_map(|(ttl, window, mss, wscale, options)| Stack { ttl, window, mss, wscale, options });
    let numbers = (maybe(any::<u32>()), maybe(any::<u32>()), maybe(any::<u32>()), any::<u32>());
    let via = proptest::sample::select(Via::ALL.as_slice());
    (any::<i64>(), any_flow(), numbers, stack, via).prop_map(
        |(time, flow, (netns, seq, tsval, unreported), stack, via)| Accepted {
            time: Nanos(time),
            flow,
            netns,
            seq,
            tsval,
            stack,
            via,
            unreported,
        },
    )
}
