//! The PAWS test at its edges: `tcp_paws_check` (include/net/tcp.h) refuses when the timestamp is more than `win` ticks
//! older, the stamp is younger than the kernel's limit, and the remembered timestamp is not 0.

use super::*;

/// (site, kernel's limit in seconds)
fn sites() -> Vec<(Site, Kernel, Cause)> {
    let mut all = Vec::new();
    for release in ["6.1", "6.12"] {
        all.push((Site::TimeWait, functions(release), Cause::PawsTimeWait));
        all.push((Site::FullSocket, functions(release), Cause::PawsEstablished));
    }
    all
}

fn refuses(seen: &Seen, kernel: &Kernel) -> bool {
    let cause = explain(seen, kernel).cause;
    assert!(
        cause.is_paws() || matches!(cause, Cause::OldSequence | Cause::SynOnEstablished | Cause::OutOfWindow)
    );
    cause.is_paws()
}

fn pair(site: Site, recent: u32, tsval: u32) -> Seen {
    let mut seen = Seen { ts_recent: Some(recent), tw_substate: 6, verdict: Some(2), ..stamped(site, 0) };
    seen.syn.tsval = Some(tsval);
    seen
}

#[test]
fn grace_and_wrap_around() {
    // (remembered, TSval, refused with no grace, refused with one tick of grace)
    let rows: [(u32, u32, bool, bool); 13] = [
        (1000, 1000, false, false),
        (1000, 999, true, false),
        (1000, 998, true, true),
        (1000, 1001, false, false),
        (1, 0, true, false),
        (2, 0, true, true),
        // Behind by all that still counts as behind, and by one more, which is ahead.
        (0x8000_0000, 1, true, true),
        (0x8000_0000, 0, false, false),
        (0x7fff_ffff, 0, true, true),
        // Across the wrap.
        (1, u32::MAX, true, true),
        (1, u32::MAX - 5000, true, true),
        (u32::MAX, 1, false, false),
        (u32::MAX, u32::MAX - 1, true, false),
    ];
    let kernel = &functions("6.12");
    for (recent, tsval, strict, lenient) in rows {
        let of = |site| refuses(&pair(site, recent, tsval), kernel);
        assert_eq!(of(Site::TimeWait), strict, "{recent} {tsval} TIME_WAIT");
        assert_eq!(of(Site::SynRecv), strict, "{recent} {tsval} SYN_RECV");
        assert_eq!(of(Site::FullSocket), lenient, "{recent} {tsval} full socket");
    }
}

#[test]
fn a_remembered_timestamp_of_zero_was_never_set() {
    for site in [Site::TimeWait, Site::SynRecv, Site::FullSocket] {
        assert!(!refuses(&pair(site, 0, u32::MAX), &functions("6.12")), "{site:?}");
        assert!(!refuses(&pair(site, 0, 0x8000_0001), &functions("6.12")), "{site:?}");
    }
}

#[test]
fn no_timestamp_on_either_side() {
    for (site, kernel, _) in sites() {
        assert!(
            !refuses(&Seen { ts_recent: None, ..pair(site, RECENT, RECENT - 5000) }, &kernel),
            "{site:?}"
        );
        let mut seen = pair(site, RECENT, 0);
        seen.syn.tsval = None;
        assert!(!refuses(&seen, &kernel), "{site:?}");
    }
}

#[test]
fn the_stamp_ages() {
    for (site, kernel, cause) in sites() {
        let limit = kernel.paws_wrap_s;
        // (age in seconds, refused)
        for (age, refused) in [(0, true), (1, true), (limit - 1, true), (limit, false), (limit + 1, false)] {
            let now = 3_000_000_u32;
            let seen = Seen {
                mono_ns: u64::from(now) * 1_000_000_000,
                ts_recent_stamp: Some(now - age),
                ..pair(site, RECENT, RECENT - 5000)
            };
            assert_eq!(explain(&seen, &kernel).cause == cause, refused, "{site:?}, limit {limit}, age {age}");
        }
    }
    // A request socket keeps no stamp: it is never too old.
    assert!(refuses(&pair(Site::SynRecv, RECENT, RECENT - 1), &functions("6.12")));
}

#[test]
fn a_stamp_ahead_of_the_clock_is_fresh() {
    // `time_before32(now, stamp + limit)` compares with a sign.
    for (site, kernel, cause) in sites() {
        let seen = Seen {
            mono_ns: u64::from(NOW_S) * 1_000_000_000,
            ts_recent_stamp: Some(NOW_S + 1),
            ..pair(site, RECENT, RECENT - 5000)
        };
        assert_eq!(explain(&seen, &kernel).cause, cause, "{site:?}");
    }
}

#[test]
fn a_bucket_without_a_stamp_makes_no_test() {
    // Soon after boot a stamp of 0 would pass for fresh; `tw_ts_recent_stamp` of 0 means there is none.
    for substate in [5, 6] {
        let seen = Seen {
            mono_ns: 60_000_000_000,
            ts_recent_stamp: Some(0),
            tw_substate: substate,
            ..pair(Site::TimeWait, RECENT, RECENT - 5000)
        };
        assert!(!refuses(&seen, &functions("6.12")), "{substate}");
    }
}

#[test]
fn the_kernels_own_word_comes_first() {
    // The bucket of a freed packet may be in use again: what is read there then contradicts the reason.
    let kernel = &tracepoint("7.3");
    let stale = |substate| Seen {
        site: Site::KfreeSkb,
        sk_state: Some(6),
        tw_substate: substate,
        verdict: None,
        ..pair(Site::TimeWait, RECENT, RECENT + 5000)
    };
    let want = "time-wait paws-time-wait TCP_RFC7323_TW_PAWS TcpExtPAWSTimewait -";
    check(&[
        ("P2", kernel, reason(kernel, "TCP_RFC7323_TW_PAWS", stale(6)), want),
        ("P2", kernel, reason(kernel, "TCP_RFC7323_TW_PAWS", stale(5)), want),
    ]);
    let kernel = &functions("6.1");
    let unread = Seen { ts_recent: None, ack_sent: Some(true), ..stamped(Site::FullSocket, -5000) };
    let want = "established paws-established TCP_RFC7323_PAWS TcpExtPAWSEstab ack";
    check(&[("P5", kernel, reason(kernel, "TCP_RFC7323_PAWS", unread), want)]);
}
