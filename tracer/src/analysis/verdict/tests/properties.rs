//! What holds for any case: it is judged, in bounds, without a claim that nothing bears out; and less evidence never makes
//! it surer.

mod any;
mod less;

use proptest::prelude::*;

use super::{super::facts::Group, *};
use crate::model::any::{any_cause, any_count, any_lost};
use any::{any_counter, any_made};
use less::{
    fewer, fewer_of_the_leader, not_surer, with_losses, with_more_from_packets_alone, without_clocks,
    without_counters, without_settings,
};

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
        cause in any_cause(),
        taken in any_count(),
    ) {
        not_surer(&made, &fewer_of_the_leader(&made, taken))?;
        not_surer(&made, &fewer(&made, cause, taken))?;
    }

    /// One by one, across every change of the leader and of the rule.
    #[test]
    fn step_by_step_it_only_gets_less_sure(
        counts in proptest::collection::btree_map(any_cause(), 1..12u64, 1..4),
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
        causes in proptest::collection::vec((any_cause(), any_count()), 0..4),
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
