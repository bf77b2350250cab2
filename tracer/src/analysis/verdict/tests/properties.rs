//! What holds for any case: it is judged, in bounds, without a claim that nothing bears out; and less evidence never makes
//! it surer.

use proptest::prelude::*;

use super::{super::facts::Group, *};
use crate::model::{
    environment::OwnNat,
    report::{Listeners, Reasons},
};

/// Small numbers mostly, where thresholds are, and the largest.
fn any_count() -> impl Strategy<Value = u64> {
    prop_oneof![5 => 0u64..6, 5 => 0u64..200, 1 => any::<u64>(), 1 => Just(u64::MAX)]
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
    let own_nat = any::<(u32, u32, bool)>().prop_map(|(rules, random_fully, conntrack)| OwnNat {
        rules,
        random_fully,
        conntrack,
    });
    let counters = proptest::collection::btree_map(any_counter(), any_count(), 0..4);
    (sysctls, any::<bool>(), proptest::option::of(kernel), proptest::option::of(own_nat), counters).prop_map(
        |(sysctls, was_read, kernel, own_nat, counters)| Environment {
            kernel,
            sysctls_read: was_read,
            sysctls,
            own_nat,
            counters,
        },
    )
}

fn any_counter() -> impl Strategy<Value = String> {
    proptest::sample::select(&crate::analysis::snmp::CHECKED[..]).prop_map(str::to_owned)
}

fn any_checks() -> impl Strategy<Value = Vec<CounterCheck>> {
    let check = (any_counter(), any_count(), any_count(), proptest::option::of(".{0,20}"));
    let check = check.prop_map(|(name, kernel, ours, remark)| CounterCheck { name, kernel, ours, remark });
    proptest::collection::vec(check, 0..5)
}

fn any_lost() -> impl Strategy<Value = Lost> {
    proptest::array::uniform7(any_count()).prop_map(
        |[ring, decode, table, slot, read, unprinted, undecided]| Lost {
            ring,
            decode,
            table,
            slot,
            read,
            unprinted,
            undecided,
        },
    )
}

fn any_causes() -> impl Strategy<Value = BTreeMap<Cause, u64>> {
    proptest::collection::btree_map(proptest::sample::select(Cause::ALL.as_slice()), any_count(), 0..5)
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

fn any_made() -> impl Strategy<Value = Made> {
    let counts = (any_causes(), any_count(), any_count(), any_count());
    let retries = proptest::array::uniform5(any_count());
    let queues = (any_listeners(), any_reasons());
    let sources = proptest::collection::vec(any_source(), 0..5);
    let blind = proptest::collection::vec(proptest::sample::select(Cause::ALL.as_slice()), 0..6);
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

/// The same case with drops of a cause taken away, and from the sources that they came from. One drop that matters is
/// always left: without any, there is another question to answer.
fn fewer(made: &Made, cause: Cause, taken: u64) -> Made {
    let mut made = made.clone();
    let all = made.case();
    let facts = Facts::of(&all);
    let last = facts.groups.len() < 2;
    // Where the total says another thing than its parts, what is taken from one may turn up as another.
    let counted = made.snapshot.by_cause.values().fold(0u64, |sum, n| sum.saturating_add(*n));
    if !facts.groups.iter().any(|leader| leader.group == Group::of(cause)) || counted == u64::MAX {
        return made;
    }
    let mut taken = taken;
    if let Some(n) = made.snapshot.by_cause.get_mut(&cause) {
        let part = taken.min(n.saturating_sub(u64::from(last)));
        *n -= part;
        made.snapshot.drops = made.snapshot.drops.saturating_sub(part);
        let mut left = if cause.is_paws() { part } else { 0 };
        for source in &mut made.snapshot.sources {
            let part = source.paws.min(left);
            (source.paws, source.drops) = (source.paws - part, source.drops - part);
            left -= part;
        }
        taken -= part;
    }
    if let Some(n) = made.left_out.seen.get_mut(&cause) {
        *n -= taken.min(n.saturating_sub(u64::from(last)));
    }
    made
}

/// The same case with the cause that leads cut down.
fn fewer_of_the_leader(made: &Made, taken: u64) -> Made {
    match Facts::of(&made.case()).cause() {
        Some(cause) => fewer(made, cause, taken),
        None => made.clone(),
    }
}

fn without_counters(made: &Made, only: Option<&str>) -> Made {
    let mut made = made.clone();
    let goes = |name: &str| only.is_none_or(|only| only == name);
    made.checks.retain(|check| !goes(&check.name));
    made.environment.counters.retain(|name, _| !goes(name));
    made
}

fn without_clocks(made: &Made, which: [bool; 5]) -> Made {
    let mut made = made.clone();
    for (source, forget) in made.snapshot.sources.iter_mut().zip(which) {
        if forget {
            source.nat = None;
        }
    }
    made
}

fn without_settings(made: &Made) -> Made {
    let mut made = made.clone();
    made.environment = Environment { counters: made.environment.counters, ..Environment::default() };
    made
}

fn with_losses(made: &Made, more: Lost) -> Made {
    let mut made = made.clone();
    let Lost { ring, decode, slot, read, .. } = &mut made.lost;
    for (sum, more) in [(ring, more.ring), (decode, more.decode), (slot, more.slot), (read, more.read)] {
        *sum = sum.saturating_add(more);
    }
    made
}

fn with_more_from_packets_alone(made: &Made, more: u64) -> Made {
    let mut made = made.clone();
    made.snapshot.wire = made.snapshot.wire.saturating_add(more);
    made
}

/// Whichever rule speaks then.
fn not_surer(before: &Made, after: &Made) -> Result<(), TestCaseError> {
    if let (Some(before), Some(after)) = (judge(&before.case()), judge(&after.case())) {
        let (before_was, after_is) = (before.confidence, after.confidence);
        prop_assert!(after_is <= before_was + 1e-12, "{before_was} {before:?}\nthen {after_is} {after:?}");
    }
    Ok(())
}

/// Sentences of a text: ends of one that are not inside a number or an address.
fn sentences(text: &str) -> usize {
    text.matches(". ").count() + usize::from(text.ends_with('.'))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn any_case_is_judged(made in any_made()) {
        let Some(verdict) = judge(&made.case()) else {
            let snapshot = &made.snapshot;
            prop_assert!(snapshot.drops == 0 && snapshot.accepted == 0);
            prop_assert!(snapshot.by_cause.values().all(|n| *n == 0));
            return Ok(());
        };
        prop_assert!((0.0..=1.0).contains(&verdict.confidence), "{}", verdict.confidence);
        prop_assert!(!verdict.cause.is_empty());
        let known = ["healthy", "blind", "mixed"].contains(&verdict.cause.as_str());
        prop_assert!(known || verdict.cause.parse::<Cause>().is_ok(), "{}", verdict.cause);
        // One more where it speaks of drops that nobody asked for.
        let most = if verdict.text.contains("--cause leaves out") { 3 } else { 2 };
        prop_assert!((1..=most).contains(&sentences(&verdict.text)), "{}", verdict.text);
        prop_assert!(verdict.text.len() < 360, "{}", verdict.text);
        prop_assert!(verdict.remedy.iter().all(|remedy| !remedy.action.is_empty()));
        prop_assert!(verdict.remedy.len() <= 13);
    }

    #[test]
    fn nobody_speaks_of_several_hosts_without_a_finding(made in any_made()) {
        let Some(verdict) = judge(&made.case()) else { return Ok(()) };
        let found = made.snapshot.sources.iter().any(|source| {
            source.nat.as_ref().is_some_and(|nat| nat.verdict == NatVerdict::Nat)
        });
        // The sources' own evidence is theirs.
        let mut own = vec![verdict.text.clone()];
        own.extend(verdict.remedy.iter().map(|remedy| format!("{} {}", remedy.action, remedy.price)));
        let own = own.join(" ").to_lowercase();
        prop_assert!(found || !(own.contains("several") || own.contains("hosts")), "{own}");
    }

    #[test]
    fn fewer_drops_never_make_it_surer(
        made in any_made(),
        cause in proptest::sample::select(Cause::ALL.as_slice()),
        taken in any_count(),
    ) {
        not_surer(&made, &fewer_of_the_leader(&made, taken))?;
        not_surer(&made, &fewer(&made, cause, taken))?;
    }

    /// One by one, across every change of the leader and of the rule.
    #[test]
    fn step_by_step_it_only_gets_less_sure(
        counts in proptest::collection::btree_map(proptest::sample::select(Cause::ALL.as_slice()), 1..12u64, 1..4),
        moved in 0..12u64,
        filtered: bool,
        confidence in 0.0..=1.0f64,
    ) {
        let counts: Vec<_> = counts.into_iter().collect();
        let paws = counts.iter().filter(|(cause, _)| cause.is_paws()).map(|(_, n)| n).sum();
        let mut made = Made { blind: unseen::LISTENER.to_vec(), filtered, ..Made::drops(&counts) }
            .source("192.0.2.1", paws, NatVerdict::Nat, confidence)
            .checked("TcpExtListenOverflows", moved, 0);
        for _ in 0..40 {
            let less = fewer_of_the_leader(&made, 1);
            not_surer(&made, &less)?;
            made = less;
        }
    }

    #[test]
    fn without_counters_it_is_no_surer(made in any_made(), one in any_counter()) {
        not_surer(&made, &without_counters(&made, None))?;
        // Where nothing was dropped, a counter that moved speaks against it; for every drop it is a witness.
        if Facts::of(&made.case()).total > 0 {
            not_surer(&made, &without_counters(&made, Some(&one)))?;
        }
    }

    #[test]
    fn what_is_unknown_makes_it_no_surer(made in any_made(), which: [bool; 5]) {
        not_surer(&made, &without_clocks(&made, which))?;
        not_surer(&made, &without_settings(&made))?;
    }

    #[test]
    fn losses_and_blindness_make_it_no_surer(made in any_made(), more in any_lost(), blind: prop::sample::Index) {
        let mut worse = with_losses(&made, more);
        not_surer(&made, &worse)?;
        worse.blind.push(*blind.get(&Cause::ALL));
        // A counter that nobody could explain before is a witness where its cause is invisible.
        let witnesses = |made: &Made| {
            let case = made.case();
            let (one, more) = Facts::of(&case).counted();
            one.len() + more.len()
        };
        if witnesses(&made) == witnesses(&worse) {
            not_surer(&made, &worse)?;
        }
    }

    #[test]
    fn packets_alone_make_it_no_surer(made in any_made(), more in any_count()) {
        not_surer(&made, &with_more_from_packets_alone(&made, more))?;
    }

    /// Everything at once.
    #[test]
    fn whatever_is_taken_away(
        made in any_made(),
        causes in proptest::collection::vec((proptest::sample::select(Cause::ALL.as_slice()), any_count()), 0..4),
        which: [bool; 5],
        steps: [bool; 4],
        lost in any_lost(),
        wire in any_count(),
    ) {
        let mut less = causes.iter().fold(made.clone(), |made, (cause, n)| fewer(&made, *cause, *n));
        less = without_clocks(&less, which);
        let [counters, settings, losses, packets] = steps;
        if counters { less = without_counters(&less, None); }
        if settings { less = without_settings(&less); }
        if losses { less = with_losses(&less, lost); }
        if packets { less = with_more_from_packets_alone(&less, wire); }
        not_surer(&made, &less)?;
    }

    /// The words that clear the timestamps are not said where anything speaks against them.
    #[test]
    fn timestamps_are_cleared_only_by_all_witnesses(made in any_made()) {
        let Some(verdict) = judge(&made.case()) else { return Ok(()) };
        if !verdict.text.contains("timestamps are not to blame") {
            return Ok(());
        }
        let case = made.case();
        let facts = Facts::of(&case);
        let causes = made.snapshot.by_cause.iter().chain(&made.left_out.seen);
        prop_assert!(causes.filter(|(cause, _)| cause.is_paws()).all(|(_, n)| *n == 0));
        prop_assert!(!made.blind.iter().any(|cause| cause.is_paws()));
        prop_assert!(facts.lost() == 0 && facts.counters_read() && facts.paws_moved().is_none());
    }

    /// Whoever is told that hosts share an address can rely on it.
    #[test]
    fn several_hosts_need_a_finding_that_carries(made in any_made()) {
        let Some(verdict) = judge(&made.case()) else { return Ok(()) };
        if verdict.text.contains("Several hosts") {
            let sure = |nat: &Nat| nat.verdict == NatVerdict::Nat && nat.confidence >= 0.9;
            let behind = made.snapshot.sources.iter().filter(|source| source.nat.as_ref().is_some_and(sure));
            let explained = behind.fold(0u128, |sum, source| sum + u128::from(source.paws));
            let causes = made.snapshot.by_cause.iter().chain(&made.left_out.seen);
            let paws = causes.filter(|(cause, _)| cause.is_paws()).fold(0u128, |sum, (_, n)| sum + u128::from(*n));
            prop_assert!(explained * 2 > paws.min(u64::MAX.into()), "{explained} of {paws}: {}", verdict.text);
        }
    }
}

#[test]
fn rules_that_rest_on_drops_come_before_those_that_rest_on_none() {
    let last = RULES.iter().rposition(|rule| rule.rests == Rests::Leader).unwrap();
    let healthy = RULES.iter().position(|rule| rule.rests == Rests::Answers).unwrap();
    assert!(last < healthy);
}
