//! What only a counter tells of.

use super::*;

pub(super) const LISTENER: [Cause; 4] =
    [Cause::AcceptQueueFull, Cause::SynQueueFull, Cause::PeerNotProven, Cause::ListenOther];

#[test]
fn a_counter_moved_and_the_hook_set_was_blind() {
    for (counter, rule, cause) in [
        ("TcpExtListenOverflows", "unseen-accept-queue", "accept-queue-full"),
        ("TcpExtTCPReqQFullDrop", "unseen-syn-queue", "syn-queue-full"),
        ("TcpExtListenDrops", "blind-to-what-moved", "blind"),
    ] {
        let made = Made { blind: LISTENER.to_vec(), ..Made::default() }.checked(counter, 30, 0);
        let verdict = made.verdict();
        assert_eq!((made.rule(), verdict.cause.as_str()), (rule, cause));
        let seen = Made::drops(&[(Cause::AcceptQueueFull, 30)]).checked(counter, 30, 30).verdict();
        assert!(verdict.confidence < seen.confidence && verdict.confidence > 0.3, "{}", verdict.confidence);
        assert!(verdict.speaks_for[0].contains(counter), "{:?}", verdict.speaks_for);
        let advice = actions(&verdict);
        assert!(advice.contains("tracer --hooks"), "{advice}");
        // A set that sees the listener is not fooled by it.
        assert_eq!(Made { blind: Vec::new(), ..made }.verdict().cause, "healthy");
    }
}

#[test]
fn the_accept_queue_comes_with_a_command() {
    let made = Made { blind: LISTENER.to_vec(), ..Made::default() }.checked("TcpExtListenOverflows", 30, 0);
    let verdict = made.verdict();
    assert!(verdict.text.starts_with("The accept queue is full, very likely"), "{}", verdict.text);
    assert!(verdict.remedy[0].action.contains("`ss -ltn`"));
}

#[test]
fn the_larger_part_speaks() {
    let both = |seen, unseen| {
        let made = Made { blind: LISTENER.to_vec(), ..Made::drops(&[(Cause::PawsTimeWait, seen)]) };
        made.checked("TcpExtListenOverflows", unseen, 0)
    };
    assert_eq!(both(10, 500).verdict().cause, "accept-queue-full");
    let few = both(500, 10).verdict();
    assert_eq!(few.cause, "paws-time-wait");
    assert!(
        few.speaks_against.iter().any(|words| words.starts_with("TcpExtListenOverflows moved by 10 more"))
    );
}

#[test]
fn blindness_without_counters_clears_nothing() {
    let mut made = Made { blind: LISTENER.to_vec(), ..Made::default() };
    made.snapshot.accepted = 1000;
    let verdict = made.verdict();
    assert_eq!((verdict.cause.as_str(), made.rule()), ("blind", "blind"));
    assert!(verdict.confidence < 0.5);
    // Counters that were read and stood still clear the listener.
    let read = made.checked("TcpExtListenDrops", 0, 0).verdict();
    assert_eq!(read.cause, "healthy");
    assert!(read.speaks_against[0].starts_with("Could not have been seen: accept-queue-full"));
}

#[test]
fn paws_that_no_hook_sees() {
    let made = Made { blind: vec![Cause::PawsTimeWait], ..Made::default() }.checked("TcpExtPAWSEstab", 9, 0);
    let verdict = made.verdict();
    assert_eq!(verdict.cause, "blind");
    assert!(verdict.text.contains("TcpExtPAWSEstab moved") && !verdict.text.contains("not to blame"));
    assert!(verdict.speaks_against.contains(&"It counts data segments, too.".to_owned()));
}
