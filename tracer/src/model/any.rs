//! Any drop, for tests of what is counted and printed.

use proptest::prelude::*;

use super::{Answer, Cause, Drop, Evidence, Flow, Listener, Nanos, OptionKinds, Stage, Syn};

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

fn any_address() -> impl Strategy<Value = std::net::IpAddr> {
    prop_oneof![any::<[u8; 4]>().prop_map(Into::into), any::<[u16; 8]>().prop_map(Into::into)]
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

fn maybe<T: std::fmt::Debug>(value: impl Strategy<Value = T>) -> impl Strategy<Value = Option<T>> {
    proptest::option::of(value)
}

fn any_syn() -> impl Strategy<Value = Syn> {
    let numbers = (any::<u32>(), any::<u16>(), any::<u8>());
    let options = (maybe(any::<(u32, u32)>()), maybe(any::<u16>()), maybe(any::<u8>()));
    (numbers, options, proptest::collection::vec(any::<u8>(), 0..=40)).prop_map(
        |((seq, window, ttl), (timestamps, mss, wscale), kinds)| {
            let mut options = OptionKinds::default();
            for kind in kinds {
                options.push(kind);
            }
            let (tsval, tsecr) = timestamps.unzip();
            Syn { seq, window, ttl, tsval, tsecr, mss, wscale, options, malformed: false }
        },
    )
}

/// Any drop at all.
pub(crate) fn any_drop() -> impl Strategy<Value = Drop> {
    let flow = (any_address(), any::<u16>(), any_address(), any::<u16>())
        .prop_map(|(src, sport, dst, dport)| Flow { src, sport, dst, dport });
    let place = (maybe(any::<u32>()), maybe(any_word()));
    let what = (
        proptest::sample::select(Stage::ALL.as_slice()),
        proptest::sample::select(Cause::ALL.as_slice()),
        maybe(any_word()),
        maybe(Just("TcpExtPAWSTimewait")),
        maybe(proptest::sample::select(Answer::ALL.as_slice())),
    );
    let clock = (maybe(any::<u32>()), maybe(any::<u64>()));
    let queues = (maybe(any::<(u32, u32)>()), maybe(any::<(u32, u32)>()));
    let listener = maybe((any::<u32>(), any_word(), maybe(any_word())));
    (any::<i64>(), flow, place, what, any_syn(), clock, queues, listener).prop_map(
        |(time, flow, place, what, syn, clock, queues, listener)| Drop {
            evidence: Evidence::Kernel,
            time: Nanos(time),
            flow,
            netns: place.0,
            ifname: place.1.map(Into::into),
            stage: what.0,
            cause: what.1,
            reason: what.2.map(Into::into),
            snmp: what.3,
            syn,
            ts_recent: clock.0,
            ts_age_ms: clock.1,
            answer: what.4,
            accept_queue: queues.0,
            syn_queue: queues.1,
            listener: listener.map(|(pid, comm, cgroup)| Listener { pid, comm, cgroup }),
        },
    )
}
