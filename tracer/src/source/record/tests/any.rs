//! Any first line, any observation, any last line.

use proptest::prelude::*;

use super::*;
use crate::model::{
    any::{any_accepted, any_cause, any_count, any_drop, any_lost, any_own_nat, any_word},
    report::{Capture, Types, Unsent, WireCounts, Without},
};

pub(super) fn any_start() -> impl Strategy<Value = Start> {
    let words = || proptest::collection::vec(any_word(), 0..3);
    let ports = proptest::collection::vec(any::<(u16, u16)>(), 0..3)
        .prop_map(|all| all.into_iter().map(|(a, b)| (a.min(b), a.max(b))).collect::<Vec<_>>());
    let family = prop_oneof![Just(None), Just(Some(4)), Just(Some(6))];
    let filter = (ports, family, words(), any::<Option<u8>>(), any_word(), any_causes()).prop_map(
        |(ports, family, from, known, word, causes)| FilterWords {
            ports,
            family,
            from,
            interface: known.map(|_| word.clone()),
            netns: known.map(|_| word),
            causes,
        },
    );
    let missing = proptest::collection::vec((any_word(), any_word()), 0..3)
        .prop_map(|all| all.into_iter().map(|(hook, why)| Missing { hook, why }).collect::<Vec<_>>());
    let limits = proptest::option::of((0..=Limits::MOST.sources, 0..=Limits::MOST.clock_bytes))
        .prop_map(|limits| limits.map(|(sources, clock_bytes)| Limits { sources, clock_bytes }));
    let capture = proptest::option::of((any_word(), any_word())).prop_map(|capture| {
        capture.map(|(name, format)| Capture { name, format: format.into(), ..Capture::default() })
    });
    let without = proptest::collection::vec((any_word(), any_word()), 0..3);
    let types = proptest::option::of((any_word(), proptest::option::of(any_word()), any_count(), without));
    let types = types.prop_map(|types| {
        let without = |(field, unknown)| Without { field, unknown };
        types.map(|(from, path, fields, all)| Types {
            from: from.into(),
            path,
            fields,
            of: fields,
            without: all.into_iter().map(without).collect(),
        })
    });
    let kernel = proptest::option::of(any_word());
    let names = (any_word(), kernel, any_word());
    (any::<i64>(), names, words(), (missing, types), any_causes(), filter, limits, capture).prop_map(
        |(time, (version, kernel, set), attached, (missing, types), blind, filter, limits, capture)| Start {
            time: Nanos(time),
            version: version.into(),
            kernel,
            set: set.into(),
            attached,
            missing,
            types,
            blind,
            filter,
            limits,
            capture,
        },
    )
}

pub(super) fn any_observation() -> impl Strategy<Value = Observation> {
    prop_oneof![
        any_drop().prop_map(Observation::Drop),
        any_accepted().prop_map(Observation::Accepted),
        any_accepted().prop_map(Observation::Undecided),
    ]
}

pub(super) fn any_ending() -> impl Strategy<Value = Ending> {
    let check = (any_word(), any_count(), any_count(), proptest::option::of(any_word()))
        .prop_map(|(name, kernel, ours, remark)| CounterCheck { name, kernel, ours, remark });
    let snmp = proptest::collection::vec(check, 0..4);
    let seen = proptest::collection::btree_map(any_cause(), any_count(), 0..4);
    let left_out = (seen, any_count(), any_causes()).prop_map(|(seen, wire, not_looked_at)| LeftOut {
        seen,
        wire,
        not_looked_at,
    });
    let counts = (any_count(), proptest::option::of(any_count()), any_count(), any_count(), any_count());
    let capture = proptest::option::of(any_capture().boxed()).boxed();
    // Boxed: side by side they are too large for the stack of a test's thread.
    (
        any::<i64>(),
        counts,
        snmp.boxed(),
        (any_lost(), any_unsent()).boxed(),
        any_environment().boxed(),
        left_out.boxed(),
        capture,
    )
        .prop_map(|(time, counts, snmp, (lost, unsent), environment, left_out, capture)| Ending {
            time: Nanos(time),
            elapsed_ms: counts.0,
            syns: counts.1,
            accepted: Some(counts.2),
            unreported: Some(counts.3),
            snmp,
            snmp_left_out: counts.4,
            lost,
            unsent,
            environment,
            left_out,
            capture,
        })
}

fn any_unsent() -> impl Strategy<Value = Unsent> {
    let by_cause = proptest::collection::btree_map(any_cause(), any_count(), 0..4);
    let source = (any::<[u8; 4]>().prop_map(std::net::IpAddr::from), any_count());
    (by_cause, proptest::collection::vec(source, 0..3))
        .prop_map(|(by_cause, sources)| Unsent { by_cause, sources })
}

fn any_causes() -> impl Strategy<Value = Vec<Cause>> {
    proptest::collection::vec(any_cause(), 0..4)
}

fn any_capture() -> impl Strategy<Value = Capture> {
    let words = (any_word(), any_word(), proptest::collection::vec(any_word(), 0..3));
    let counts = proptest::array::uniform8(any_count());
    let times = any::<[Option<i64>; 2]>();
    let missed = proptest::option::of(any_count());
    (words, counts, times, missed, proptest::array::uniform9(any_count())).prop_map(
        |((name, format, links), counts, [first, last], missed, syns)| Capture {
            name,
            format: format.into(),
            links,
            packets: counts[0],
            segments: counts[1],
            first: first.map(Nanos),
            last: last.map(Nanos),
            unknown_link: counts[2],
            not_tcp: counts[3],
            fragments: counts[4],
            cut: counts[5],
            malformed: counts[6],
            untimed: counts[7],
            missed,
            wire: WireCounts {
                syns: syns[0],
                answered: syns[1],
                repeated: syns[2],
                near_end: syns[3],
                one_way: syns[4],
                no_room: syns[5],
                set_back: syns[6],
                options_cut: syns[7],
                duplicates: syns[8],
            },
        },
    )
}

fn any_environment() -> impl Strategy<Value = Environment> {
    let sysctls = proptest::option::of(proptest::collection::btree_map(any_word(), any_word(), 0..4));
    let counters = proptest::collection::btree_map(any_word(), any_count(), 0..4);
    let own_nat = proptest::option::of(any_own_nat());
    (proptest::option::of(any_word()), sysctls, own_nat, counters).prop_map(
        |(kernel, sysctls, own_nat, counters)| Environment {
            kernel,
            sysctls_read: sysctls.is_some(),
            sysctls: sysctls.unwrap_or_default(),
            own_nat,
            counters,
        },
    )
}
