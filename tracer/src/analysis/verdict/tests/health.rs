//! No drop was seen: that is health only as far as it was looked at.

use super::*;

#[test]
fn healthy_says_what_was_covered() {
    let mut made = Made::default().checked("TcpExtListenDrops", 0, 0);
    made.snapshot.accepted = 45;
    let verdict = made.verdict();
    assert_eq!(verdict.cause, "healthy");
    assert_eq!(verdict.text, "No SYN was dropped. The timestamps are not to blame.");
    assert_eq!(
        verdict.speaks_for,
        ["45 SYNs were answered.", "None of the kernel's counters of dropped SYNs moved."]
    );
    assert!(verdict.confidence > 0.9 && verdict.remedy.is_empty());
    let moved = made.clone().checked("TcpExtListenOverflows", 4, 0).verdict();
    assert!(moved.confidence < verdict.confidence && moved.text.contains("TcpExtListenOverflows moved"));
    // Drops of causes that were not asked for are no drops here, and the counters do not stand still.
    let left_out = made.clone().checked("TcpExtListenOverflows", 4, 4).verdict();
    assert!(left_out.text.contains("TcpExtListenOverflows moved by 4 all the same"), "{}", left_out.text);
    assert!(!left_out.speaks_for.iter().any(|words| words.contains("None of the kernel's counters")));
    let unread = Made { snapshot: made.snapshot, ..Made::default() }.verdict();
    assert!(unread.confidence < moved.confidence);
    assert!(unread.speaks_against.contains(&"The kernel's counters were not read.".to_owned()));
    assert!(!unread.text.contains("not to blame"), "{}", unread.text);
}

#[test]
fn nothing_observed_is_no_verdict() {
    assert_eq!(judge(&Made::default().case()), None);
    let blind = Made { blind: vec![Cause::AcceptQueueFull], ..Made::default() };
    assert_eq!(judge(&blind.case()), None);
    assert!(judge(&Made::default().checked("TcpExtListenDrops", 1, 0).case()).is_some());
    let lost = Made { lost: Lost { ring: 3, ..Lost::default() }, ..Made::default() }.verdict();
    assert_eq!(lost.cause, "blind");
    assert!(lost.confidence < 0.01);
}

#[test]
fn what_was_lost_may_have_been_a_drop() {
    let mut made = Made::default().checked("TcpExtListenDrops", 0, 0);
    (made.snapshot.accepted, made.lost.decode) = (45, 1);
    let verdict = made.verdict();
    assert_eq!((made.rule(), verdict.cause.as_str()), ("blind", "blind"));
    assert_eq!(
        verdict.text,
        "No drop was seen, but one record was lost on the way, and each may have been one. That clears nothing."
    );
    assert!(verdict.confidence < 0.3, "{}", verdict.confidence);
    assert!(actions(&verdict).starts_with("Run again and watch less at once"));
    assert!(!actions(&verdict).contains("--hooks"), "no hook set sees more: {}", actions(&verdict));
}
