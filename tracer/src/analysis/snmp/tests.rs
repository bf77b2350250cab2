//! The kernel's counters beside ours.

use proptest::prelude::*;

use super::*;

fn seen(name: &'static str, n: u64) -> Ours {
    Ours(CHECKED.map(|one| if one == name { n } else { 0 }))
}

fn moved(name: &str, n: u64) -> Counters {
    Counters::from([(name.to_owned(), n)])
}

#[test]
fn files_of_proc() {
    let mut counters = Counters::new();
    parse("TcpExt: SyncookiesSent PAWSEstab\nTcpExt: 1 22\nIpExt: InNoRoutes\nIpExt: 3\n", &mut counters);
    parse("Tcp: RtoAlgorithm MaxConn OutRsts\nTcp: 1 -1 7\n", &mut counters);
    assert_eq!(counters.get("TcpExtPAWSEstab"), Some(&22));
    assert_eq!(counters.get("IpExtInNoRoutes"), Some(&3));
    assert_eq!(counters.get("TcpOutRsts"), Some(&7));
    assert_eq!(counters.get("TcpMaxConn"), None);
    parse("no colon\nnothing\nTcpExt: a b\n", &mut counters);
    assert_eq!(counters.len(), 5);
}

#[test]
fn a_drop_moves_its_counter_and_maybe_a_second() {
    // (cause, its counter, whether the listener's own counter moves, too)
    for (cause, name, listener) in [
        (Cause::PawsRecycle, Some("TcpExtPAWSPassive"), true),
        (Cause::AcceptQueueFull, Some("TcpExtListenOverflows"), true),
        (Cause::SynQueueFull, Some("TcpExtTCPReqQFullDrop"), true),
        (Cause::PeerNotProven, Some("TcpExtListenDrops"), true),
        (Cause::ListenOther, Some("TcpExtListenDrops"), true),
        (Cause::PawsTimeWait, Some("TcpExtPAWSTimewait"), false),
        (Cause::PawsSynRecv, Some("TcpExtPAWSEstab"), false),
        (Cause::SynOnEstablished, Some("TcpExtTCPSYNChallenge"), false),
        (Cause::OldSequence, None, false),
    ] {
        let mut ours = Ours::default();
        ours.add(cause, name, 1);
        let mut want: BTreeMap<&str, u64> = name.into_iter().map(|name| (name, 1)).collect();
        if listener {
            want.insert("TcpExtListenDrops", 1);
        }
        let moved = CHECKED.into_iter().zip(ours.0).filter(|(_, n)| *n > 0);
        assert_eq!(moved.collect::<BTreeMap<_, _>>(), want, "{cause}");
    }
}

#[test]
fn every_difference_is_explained_or_said_to_be_unexplained() {
    let plain = View::default();
    let filtered = View { filtered: true, ..plain.clone() };
    let blind = View { blind: vec![Cause::AcceptQueueFull, Cause::PawsTimeWait], ..plain.clone() };
    let lost = View { lost: true, ..plain.clone() };
    let edge = View { on_the_edge: 1, ..plain.clone() };
    let recycle = View { blind: vec![Cause::PawsRecycle], ..plain.clone() };
    let unexplained = "not explained: please report it";
    // (counter, ours, the kernel's, view, start of the remark, words in it)
    for (name, ours, kernel, view, start, words) in [
        ("TcpExtPAWSTimewait", 5, 4, &plain, "1 more seen than counted", unexplained),
        ("TcpExtPAWSTimewait", 5, 4, &edge, "1 more seen than counted", "being read"),
        ("TcpExtPAWSTimewait", 5, 9, &filtered, "4 more counted than seen", "the filter leaves out"),
        // Old ACKs and data that hit a TIME_WAIT bucket are counted beside SYNs.
        ("TcpExtPAWSTimewait", 5, 9, &plain, "4 more counted than seen", "every late segment"),
        ("TcpExtPAWSEstab", 0, 1, &plain, "1 more counted than seen", "data segments"),
        ("TcpExtListenDrops", 0, 2, &blind, "2 more counted than seen", "does not see accept-queue-full"),
        ("TcpExtListenOverflows", 1, 2, &plain, "1 more counted than seen", "final ACKs of handshakes"),
        ("TcpExtListenDrops", 1, 2, &plain, "1 more counted than seen", "final ACKs of handshakes"),
        ("TcpExtTCPReqQFullDrop", 1, 4, &lost, "3 more counted than seen", "records were lost"),
        ("TcpExtTCPReqQFullDrop", 1, 4, &plain, "3 more counted than seen", unexplained),
        ("TcpExtTCPSYNChallenge", 0, 4, &plain, "4 more counted than seen", "SYN/ACKs that came again"),
        ("TcpExtPAWSEstab", 0, 4, &blind, "4 more counted than seen", "does not see paws-time-wait"),
        // Nothing else moves it.
        ("TcpExtPAWSPassive", 5, 4, &plain, "1 more seen than counted", unexplained),
        ("TcpExtPAWSPassive", 3, 4, &plain, "1 more counted than seen", unexplained),
        ("TcpExtPAWSPassive", 0, 4, &recycle, "4 more counted than seen", "does not see paws-recycle"),
        ("TcpExtListenDrops", 0, 4, &recycle, "4 more counted than seen", "does not see paws-recycle"),
    ] {
        let remark =
            seen(name, ours).check(&moved(name, kernel), view).remove(0).remark.expect("they differ");
        assert!(remark.starts_with(start) && remark.contains(words), "{name}: {remark}");
    }
}

fn any_view() -> impl Strategy<Value = View> {
    (any::<[bool; 3]>(), 0..3_u64).prop_map(|([filtered, blind, lost], on_the_edge)| View {
        filtered,
        blind: if blind { Cause::ALL.to_vec() } else { Vec::new() },
        lost,
        on_the_edge,
    })
}

proptest! {
    #[test]
    fn a_remark_where_they_differ_and_nowhere_else(
        name in proptest::sample::select(CHECKED.as_slice()),
        (ours, kernel) in prop_oneof![(0..9_u64, 0..9_u64), any::<(u64, u64)>()],
        view in any_view(),
    ) {
        let checks = seen(name, ours).check(&moved(name, kernel), &view);
        if ours == 0 && kernel == 0 {
            prop_assert!(checks.is_empty());
            return Ok(());
        }
        let [check] = checks.as_slice() else { return Err(TestCaseError::fail("one counter, one line")) };
        prop_assert_eq!((check.name.as_str(), check.ours, check.kernel), (name, ours, kernel));
        prop_assert_eq!(check.remark.is_some(), ours != kernel);
        if let Some(remark) = &check.remark {
            let (number, why) = remark.split_once(' ').expect("a number first");
            prop_assert_eq!(number.parse(), Ok(ours.abs_diff(kernel)));
            let (_, why) = why.split_once(": ").expect("a reason after the colon");
            prop_assert!(!why.trim().is_empty());
            // What is explained is not called unexplained.
            prop_assert!(!(why.contains("not explained") && why.contains(';')), "{remark}");
        }
    }

    #[test]
    fn counters_that_are_not_checked_are_left_out(name in "[A-Za-z]{1,12}", n in any::<u64>()) {
        prop_assert!(Ours::default().check(&moved(&name, n), &View::default()).is_empty());
    }

    #[test]
    fn any_text_is_read(text in any::<String>()) {
        parse(&text, &mut Counters::new());
    }

    #[test]
    fn what_the_kernel_writes_is_read(values in proptest::collection::vec(any::<u64>(), 1..40)) {
        let names: Vec<_> = (0..values.len()).map(|n| format!("Name{n}")).collect();
        let words: Vec<_> = values.iter().map(u64::to_string).collect();
        let mut counters = Counters::new();
        parse(&format!("TcpExt: {}\nTcpExt: {}\n", names.join(" "), words.join(" ")), &mut counters);
        prop_assert_eq!(counters.len(), values.len());
        for (name, value) in names.iter().zip(values) {
            prop_assert_eq!(counters.get(&format!("TcpExt{name}")), Some(&value));
        }
    }
}
