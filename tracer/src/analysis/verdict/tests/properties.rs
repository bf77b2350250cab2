//! What holds for any case: it is judged, in bounds, without a claim that nothing bears out; and less evidence never makes
//! it surer.

use proptest::prelude::*;

use super::*;
use crate::model::environment::OwnNat;

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
    (sysctls, proptest::option::of(kernel), proptest::option::of(own_nat), counters).prop_map(
        |(sysctls, kernel, own_nat, counters)| Environment {
            kernel,
            sysctls_read: !sysctls.is_empty(),
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
    proptest::array::uniform6(any_count()).prop_map(|[ring, decode, table, slot, read, unprinted]| Lost {
        ring,
        decode,
        table,
        slot,
        read,
        unprinted,
    })
}

fn any_causes() -> impl Strategy<Value = BTreeMap<Cause, u64>> {
    proptest::collection::btree_map(proptest::sample::select(Cause::ALL.as_slice()), any_count(), 0..5)
}

fn any_made() -> impl Strategy<Value = Made> {
    let counts = (any_causes(), any_count(), any_count(), any_count());
    let retries = proptest::array::uniform5(any_count());
    let queues = (proptest::option::of(any::<(u32, u32)>()), proptest::option::of(any::<(u32, u32)>()));
    let sources = proptest::collection::vec(any_source(), 0..5);
    let blind = proptest::collection::vec(proptest::sample::select(Cause::ALL.as_slice()), 0..6);
    let rest = (any_environment(), any_checks(), blind, any_lost());
    (counts, retries, queues, sources, rest).prop_map(|(counts, retries, queues, sources, rest)| {
        let (by_cause, accepted, wire, more) = counts;
        let drops = by_cause.values().fold(0u64, |sum, n| sum.saturating_add(*n));
        // Now and then the total says another thing than its parts.
        let drops = if more == 3 { more } else { drops };
        let [refused, came_back, got_in, waited_ms, longest_ms] = retries;
        let snapshot = Snapshot {
            accepted,
            drops,
            by_cause,
            wire,
            retries: Retries { refused, came_back, got_in, waited_ms, longest_ms },
            sources_total: sources.len() as u64,
            sources,
            accept_queue: queues.0,
            syn_queue: queues.1,
            ..Snapshot::default()
        };
        let (environment, checks, blind, lost) = rest;
        Made { snapshot, environment, checks, blind, lost }
    })
}

/// What a verdict claims: while this stays the same, less evidence must not make it surer.
#[derive(Debug)]
struct Claim {
    /// The rule, its cause, and the counter where it speaks of one.
    what: (&'static str, String, Option<&'static str>),
    confidence: f64,
}

fn claim(made: &Made) -> Option<Claim> {
    let case = made.case();
    let facts = Facts::of(&case);
    let rule = spoken(&facts)?;
    let counter = facts.unseen.filter(|_| rule.rests == Rests::Counter).map(|unseen| unseen.counter);
    let verdict = judge(&case)?;
    Some(Claim { what: (rule.name, verdict.cause, counter), confidence: verdict.confidence })
}

/// The same case with drops taken from the cause that leads, and from the sources that they came from.
fn fewer(made: &Made, taken: u64) -> Made {
    let mut made = made.clone();
    let cause = Facts::of(&made.case()).cause().filter(|cause| made.snapshot.by_cause.contains_key(cause));
    let Some(n) = cause.and_then(|cause| made.snapshot.by_cause.get_mut(&cause)) else { return made };
    let taken = taken.min(n.saturating_sub(1));
    *n -= taken;
    made.snapshot.drops = made.snapshot.drops.saturating_sub(taken);
    let mut left = if cause.is_some_and(Cause::is_paws) { taken } else { 0 };
    for source in &mut made.snapshot.sources {
        let part = source.paws.min(left);
        (source.paws, source.drops) = (source.paws - part, source.drops - part);
        left -= part;
    }
    made
}

fn not_surer(before: &Made, after: &Made) -> Result<(), TestCaseError> {
    if let (Some(before), Some(after)) = (claim(before), claim(after)) {
        let same = before.what == after.what;
        prop_assert!(!same || after.confidence <= before.confidence + 1e-12, "{before:?} then {after:?}");
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
        prop_assert!((1..=2).contains(&sentences(&verdict.text)), "{}", verdict.text);
        prop_assert!(verdict.text.len() < 300, "{}", verdict.text);
        prop_assert!(verdict.remedy.iter().all(|remedy| !remedy.action.is_empty()));
        prop_assert!(verdict.remedy.len() <= 12);
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
    fn fewer_drops_of_the_cause_never_make_it_surer(made in any_made(), taken in any_count()) {
        not_surer(&made, &fewer(&made, taken))?;
    }

    #[test]
    fn without_counters_it_is_no_surer(made in any_made(), one in any_counter()) {
        let mut none = made.clone();
        none.checks.clear();
        none.environment.counters.clear();
        not_surer(&made, &none)?;
        // Healthy is what a counter that moved speaks against; for every drop it is a witness.
        if made.snapshot.drops > 0 {
            let mut fewer = made.clone();
            fewer.checks.retain(|check| check.name != one);
            fewer.environment.counters.remove(&one);
            not_surer(&made, &fewer)?;
        }
    }

    #[test]
    fn clocks_that_are_unknown_make_it_no_surer(made in any_made(), which: [bool; 5]) {
        let mut unknown = made.clone();
        for (source, forget) in unknown.snapshot.sources.iter_mut().zip(which) {
            if forget {
                source.nat = None;
            }
        }
        not_surer(&made, &unknown)?;
    }

    #[test]
    fn settings_that_are_unknown_make_it_no_surer(made in any_made()) {
        let mut unknown = made.clone();
        unknown.environment = Environment { counters: unknown.environment.counters, ..Environment::default() };
        not_surer(&made, &unknown)?;
    }

    #[test]
    fn losses_and_blindness_make_it_no_surer(made in any_made(), more in any_lost(), blind: prop::sample::Index) {
        let mut worse = made.clone();
        worse.lost.ring = worse.lost.ring.saturating_add(more.ring);
        worse.lost.decode = worse.lost.decode.saturating_add(more.decode);
        worse.lost.slot = worse.lost.slot.saturating_add(more.slot);
        worse.lost.read = worse.lost.read.saturating_add(more.read);
        not_surer(&made, &worse)?;
        worse.blind.push(*blind.get(&Cause::ALL));
        not_surer(&made, &worse)?;
    }

    #[test]
    fn packets_alone_make_it_no_surer(made in any_made(), more in any_count()) {
        let mut worse = made.clone();
        worse.snapshot.wire = worse.snapshot.wire.saturating_add(more);
        not_surer(&made, &worse)?;
    }

    /// With a single cause there is nothing else to be surer of: whatever is taken away, the number falls.
    #[test]
    fn a_single_cause_never_gets_surer_by_less(
        made in any_made(),
        cause in proptest::sample::select(Cause::ALL.as_slice()),
        n in 1..u64::MAX,
        taken in any_count(),
        forget: bool,
        count: bool,
    ) {
        let mut made = made;
        made.snapshot.by_cause = BTreeMap::from([(cause, n)]);
        made.snapshot.drops = n;
        made.snapshot.sources.truncate(1);
        // A counter of something that was not seen tells of another cause.
        if Facts::of(&made.case()).unseen.is_some() {
            made.blind.clear();
        }
        let mut less = fewer(&made, taken);
        if forget {
            less.snapshot.sources.clear();
        }
        if count {
            less.checks.clear();
            less.environment.counters.clear();
        }
        let (before, after) = (made.verdict(), less.verdict());
        prop_assert!(after.confidence <= before.confidence + 1e-12, "{before:?}\n{after:?}");
    }
}

#[test]
fn rules_that_rest_on_drops_come_before_those_that_rest_on_none() {
    let last = RULES.iter().rposition(|rule| rule.rests == Rests::Leader).unwrap();
    let healthy = RULES.iter().position(|rule| rule.rests == Rests::Answers).unwrap();
    assert!(last < healthy);
}
