//! Any case, whether it can happen or not.

use proptest::prelude::*;

use super::*;
use crate::model::{
    any::any_own_nat,
    report::{Listeners, Reasons},
};

pub(super) fn any_made() -> impl Strategy<Value = Made> {
    let counts = (any_causes(), any_count(), any_count(), any_count());
    let retries = proptest::array::uniform5(any_count());
    let queues = (any_listeners(), any_reasons());
    let sources = proptest::collection::vec(any_source(), 0..5);
    let blind = proptest::collection::vec(any_cause(), 0..6);
    let left_out = (prop_oneof![Just(BTreeMap::new()), any_causes()], any::<bool>(), any::<bool>());
    let rest = (any_environment(), any_checks(), blind, any_lost(), left_out);
    (counts, retries, queues, sources, rest).prop_map(|(counts, retries, queues, sources, rest)| {
        let (by_cause, accepted, wire, more) = counts;
        let drops = by_cause.values().fold(0u64, |sum, n| sum.saturating_add(*n));
        // Now and then the total says another thing than its parts.
        let drops = if more == 3 { more } else { drops };
        let [refused, came_back, got_in, waited_ms, longest_ms] = retries;
        let (listeners, reasons) = queues;
        let snapshot = Snapshot {
            accepted,
            drops,
            by_cause,
            wire,
            retries: Retries { refused, came_back, got_in, waited_ms, longest_ms },
            sources_total: sources.len() as u64,
            sources,
            listeners,
            reasons,
            ..Snapshot::default()
        };
        let (environment, checks, blind, lost, (seen, all, filtered)) = rest;
        let not_looked_at = if all { Vec::new() } else { vec![Cause::NoListener] };
        let left_out = LeftOut { seen, wire: 0, not_looked_at };
        Made { snapshot, environment, checks, blind, lost, left_out, filtered }
    })
}

fn any_nat() -> impl Strategy<Value = Nat> {
    let confidence =
        prop_oneof![8 => 0.0..=1.0f64, 1 => Just(f64::NAN), 1 => Just(f64::INFINITY), 1 => Just(-1.0)];
    let verdict = proptest::sample::select(NatVerdict::ALL.as_slice());
    (verdict, confidence, any::<u32>(), any_count(), proptest::collection::vec(".{0,20}", 0..3)).prop_map(
        |(verdict, confidence, hosts, port_jumps, evidence)| Nat {
            verdict,
            hosts: Some(hosts),
            hosts_at_least: hosts,
            confidence,
            evidence,
            port_jumps,
            clocks: Vec::new(),
        },
    )
}

fn any_source() -> impl Strategy<Value = Source> {
    (any::<[u8; 4]>(), any_count(), proptest::option::of(any_nat())).prop_map(|(src, paws, nat)| Source {
        drops: paws,
        paws,
        nat,
        ..Source::new(src.into(), Nanos(0))
    })
}

fn any_environment() -> impl Strategy<Value = Environment> {
    let values = proptest::sample::select(
        &["0", "1", "2", "499", "4096", "-1", "nonsense", "", "99999999999999999999"][..],
    );
    let sysctls = proptest::collection::btree_map(
        proptest::sample::select(&SYSCTLS[..]).prop_map(str::to_owned),
        values.prop_map(str::to_owned),
        0..SYSCTLS.len(),
    );
    let kernel = proptest::sample::select(&["4.9.229", "6.18.44", "custom"][..]).prop_map(str::to_owned);
    let counters = proptest::collection::btree_map(any_counter(), any_count(), 0..4);
    (sysctls, any::<bool>(), proptest::option::of(kernel), proptest::option::of(any_own_nat()), counters)
        .prop_map(|(sysctls, was_read, kernel, own_nat, counters)| Environment {
            kernel,
            sysctls_read: was_read,
            sysctls,
            own_nat,
            counters,
        })
}

pub(super) fn any_counter() -> impl Strategy<Value = String> {
    proptest::sample::select(&crate::analysis::snmp::CHECKED[..]).prop_map(str::to_owned)
}

fn any_checks() -> impl Strategy<Value = Vec<CounterCheck>> {
    let check = (any_counter(), any_count(), any_count(), proptest::option::of(".{0,20}"));
    let check = check.prop_map(|(name, kernel, ours, remark)| CounterCheck { name, kernel, ours, remark });
    proptest::collection::vec(check, 0..5)
}

fn any_causes() -> impl Strategy<Value = BTreeMap<Cause, u64>> {
    proptest::collection::btree_map(any_cause(), any_count(), 0..5)
}

fn any_listeners() -> impl Strategy<Value = Listeners> {
    let queue = || proptest::option::of(any::<(u32, u32)>());
    let listener = (any::<[u8; 4]>(), any::<u16>(), any_causes(), queue(), queue(), queue()).prop_map(
        |(dst, dport, by_cause, accept_queue, syn_queue, beside_syn_queue)| Listener {
            netns: None,
            dst: dst.into(),
            dport,
            by_cause,
            accept_queue,
            syn_queue,
            beside_syn_queue,
        },
    );
    (proptest::collection::vec(listener, 0..4), any_count())
        .prop_map(|(full, beyond)| Listeners { full, beyond })
}

/// Those of a recording may be anything.
fn any_reasons() -> impl Strategy<Value = Reasons> {
    const KNOWN: [&str; 5] = ["TCP_CSUM", "NETFILTER_DROP", "SOCKET_FILTER", "TCP_MINTTL", "XFRM_POLICY"];
    let name = prop_oneof![proptest::sample::select(&KNOWN[..]).prop_map(str::to_owned), ".{0,60}"];
    let named = proptest::collection::vec((name.prop_map(Into::into), any_count()), 0..5);
    (named, any_count(), any_count()).prop_map(|(named, beyond, none)| Reasons { named, beyond, none })
}
