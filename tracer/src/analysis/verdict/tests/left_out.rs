//! Drops that nobody asked for (`--cause`, or the default) are known to the verdict.

use super::*;

fn without(seen: &[(Cause, u64)], made: Made) -> Made {
    Made { left_out: LeftOut { seen: seen.iter().copied().collect(), ..LeftOut::default() }, ..made }
}

fn answered(accepted: u64) -> Made {
    let mut made = Made::default().checked("TcpExtPAWSEstab", 0, 0);
    made.snapshot.accepted = accepted;
    made
}

/// `--cause paws`, and 300 SYNs died of a full accept queue.
#[test]
fn a_cause_that_was_not_asked_for_is_to_blame() {
    let made = without(&[(Cause::AcceptQueueFull, 300)], answered(45))
        .checked("TcpExtListenOverflows", 300, 300)
        .checked("TcpExtListenDrops", 300, 300);
    let verdict = made.verdict();
    assert_eq!(verdict.cause, "accept-queue-full");
    assert_eq!(
        verdict.text,
        "300 SYNs were dropped that --cause leaves out. The accept queue is full: the application accepts too slowly. The \
         timestamps are not to blame."
    );
    assert!(verdict.remedy[0].action.starts_with("Run again with `--cause accept-queue-full`"));
    assert!(
        verdict
            .speaks_against
            .contains(&"Counted in here, though --cause leaves them out: 300 accept-queue-full.".to_owned())
    );
}

/// `--cause accept-queue-full`, and PAWS.
#[test]
fn timestamps_are_not_cleared_by_looking_away() {
    let queue = Made::drops(&[(Cause::AcceptQueueFull, 100)]).checked("TcpExtPAWSEstab", 9, 9);
    let text = without(&[(Cause::PawsTimeWait, 9)], queue.clone()).verdict().text;
    assert!(text.contains("to blame for 9 more"), "{text}");
    let most = without(&[(Cause::PawsTimeWait, 900)], queue);
    let verdict = most.verdict();
    assert_eq!(verdict.cause, "paws-time-wait");
    assert!(
        verdict.text.starts_with("900 other SYNs were dropped that --cause leaves out. PAWS refused"),
        "{}",
        verdict.text
    );
    assert!(verdict.speaks_for[0].starts_with("900 of 1000 drops"), "{:?}", verdict.speaks_for);
}

#[test]
fn some_of_the_leading_group_are_enough_to_know_it() {
    let made = without(&[(Cause::PawsSynRecv, 50)], time_wait(10));
    let verdict = made.verdict();
    assert_eq!(verdict.cause, "paws-syn-recv");
    assert!(verdict.text.starts_with("PAWS refused"), "{}", verdict.text);
    assert_eq!(verdict.speaks_for[0], "Every drop that counts: 10 paws-time-wait, 50 paws-syn-recv.");
}

#[test]
fn what_the_default_leaves_out_is_told() {
    let made = without(&[(Cause::Repeated, 5), (Cause::NoListener, 2)], answered(45));
    let verdict = made.verdict();
    assert_eq!(verdict.cause, "healthy");
    assert_eq!(
        verdict.text,
        "No SYN was dropped but 5 repeated and 2 no-listener, which --cause leaves out. The timestamps are not to blame."
    );
    // Nothing else is known: then they are the story.
    let alone = without(&[(Cause::NoListener, 7)], Made::default()).verdict();
    assert_eq!(alone.cause, "no-listener");
    assert!(
        alone.text.starts_with("7 SYNs were dropped that --cause leaves out. Nothing listens"),
        "{}",
        alone.text
    );
    // Beside drops that matter they do not count.
    let beside = without(&[(Cause::Repeated, 900)], Made::drops(&[(Cause::SynQueueFull, 5)])).verdict();
    assert_eq!(beside.cause, "syn-queue-full");
    assert!(beside.speaks_against.contains(&"Not counted in: 900 repeated.".to_owned()));
}

#[test]
fn what_was_not_even_looked_at_is_told() {
    let mut made = answered(45);
    made.left_out.not_looked_at = vec![Cause::NoListener];
    let verdict = made.verdict();
    assert_eq!(verdict.cause, "healthy");
    assert_eq!(verdict.speaks_against, ["Not looked at, as --cause leaves it out: no-listener."]);
}

#[test]
fn drops_that_were_left_out_explain_the_counters() {
    let made = without(&[(Cause::AcceptQueueFull, 4)], answered(45)).checked("TcpExtListenOverflows", 4, 4);
    let case = made.case();
    assert_eq!(Facts::of(&case).moved(), None);
}
