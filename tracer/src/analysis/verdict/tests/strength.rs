//! Who speaks alone, and how sure it is next to others.

use super::*;
use crate::analysis::verdict::confidence::{Voice, voice};

fn voice_of(made: &Made) -> Voice {
    let case = made.case();
    voice(&Facts::of(&case))
}

#[test]
fn what_has_no_explanation_does_not_speak_for_what_has_one() {
    let of = |other, queue| Made::drops(&[(Cause::Other, other), (Cause::AcceptQueueFull, queue)]);
    assert_eq!(voice_of(&of(100, 50)), Voice::Mixed);
    // A few among many change nothing.
    assert_eq!(of(1000, 20).verdict().cause, "other");
    assert_eq!(of(50, 100).verdict().cause, "accept-queue-full");
    // What it says of the mixture is as sure as its surest part.
    let (both, queue) = (of(100, 50).verdict(), of(0, 50).verdict());
    assert!((both.confidence - queue.confidence).abs() < 0.01, "{} {}", both.confidence, queue.confidence);
    assert!(both.text.starts_with("No single cause: other (100), accept-queue-full (50)."), "{}", both.text);
}

#[test]
fn a_counter_has_a_part_in_a_mixture() {
    let both = |seen, moved| {
        let made = Made { blind: unseen::LISTENER.to_vec(), ..time_wait(seen) };
        made.checked("TcpExtListenOverflows", moved, 0)
    };
    let made = both(50, 50);
    let verdict = made.verdict();
    assert_eq!(verdict.cause, "mixed");
    assert_eq!(
        verdict.text,
        "No single cause: paws-time-wait (50), accept-queue-full (50, by the kernel's count). Timestamps are one of them."
    );
    let advice = actions(&verdict);
    assert!(advice.contains("`ss -ltn`") && advice.contains("Let tracer run longer"), "{advice}");
    assert_eq!(voice_of(&both(10, 500)), Voice::Counter(Cause::AcceptQueueFull));
    assert_eq!(voice_of(&both(500, 10)), Voice::Leader);
    // Drops that are certain are not outvoted by a counter, unless they are few.
    let certain = both(400, 700).source("192.0.2.1", 400, NatVerdict::Nat, 0.99);
    assert_eq!(voice_of(&certain), Voice::Mixed);
}

/// The rules of one cause do not vouch for its group.
#[test]
fn one_drop_of_recycle_makes_the_rest_no_surer() {
    let rest = time_wait(1000).verdict().confidence;
    let both = Made::drops(&[(Cause::PawsTimeWait, 1000), (Cause::PawsRecycle, 1)]).verdict();
    assert!((both.confidence - rest).abs() < 0.01, "{} {rest}", both.confidence);
}

/// `-p 443`: the counters are those of every listener.
#[test]
fn under_a_filter_no_counter_speaks_for_a_cause() {
    let made = Made { blind: unseen::LISTENER.to_vec(), filtered: true, ..Made::default() };
    let verdict = made.checked("TcpExtListenOverflows", 500, 0).verdict();
    assert_eq!(verdict.cause, "blind");
    assert!(verdict.text.ends_with("it counts SYNs that the filter leaves out, too."), "{}", verdict.text);
    assert!(verdict.confidence < 0.3, "{}", verdict.confidence);
    let mut seen = time_wait(10);
    (seen.blind, seen.filtered) = (unseen::LISTENER.to_vec(), true);
    let alone = seen.verdict().confidence;
    let verdict = seen.checked("TcpExtListenOverflows", 500, 0).verdict();
    assert_eq!(verdict.cause, "paws-time-wait");
    let said = "TcpExtListenOverflows moved by 500 more, by what this hook set does not see, or by what the filter leaves out.";
    assert!(verdict.speaks_against.iter().any(|words| words == said), "{:?}", verdict.speaks_against);
    // Counters were read: that is all it changes.
    assert!((verdict.confidence / alone - 0.9 / 0.8).abs() < 1e-9, "{} {alone}", verdict.confidence);
}

#[test]
fn a_finding_speaks_from_a_threshold_on() {
    for (confidence, claims) in [(0.89, false), (0.9, true), (1.0, true), (f64::NAN, false)] {
        let text = time_wait(100).source("192.0.2.1", 100, NatVerdict::Nat, confidence).verdict().text;
        assert_eq!(text.contains("Several hosts"), claims, "{confidence}: {text}");
    }
    // ... and for more than half of the drops.
    for (drops, claims) in [(50, false), (51, true)] {
        let made = time_wait(100).source("192.0.2.1", drops, NatVerdict::Nat, 0.99);
        assert_eq!(made.rule() == "paws-nat", claims, "{drops}");
    }
    let some = time_wait(100)
        .source("192.0.2.1", 40, NatVerdict::Nat, 0.99)
        .source("192.0.2.2", 60, NatVerdict::Undecidable, 0.0)
        .verdict();
    assert!(
        some.speaks_against
            .contains(&"One source showed too little to tell, one source explains some of them.".to_owned()),
        "{:?}",
        some.speaks_against
    );
}

/// A claim is never much surer than what it rests on.
#[test]
fn a_claim_is_as_sure_as_its_finding() {
    let made = |confidence| {
        time_wait(1000)
            .source("192.0.2.1", 1000, NatVerdict::Nat, confidence)
            .checked("TcpExtPAWSTimewait", 1000, 1000)
            .verdict()
    };
    for confidence in [0.9, 0.95, 0.99] {
        assert!(made(confidence).confidence <= confidence, "{confidence}");
    }
    assert!(made(0.0).confidence < made(0.9).confidence);
}
