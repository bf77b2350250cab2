//! What holds for any facts on any kernel.

use proptest::prelude::*;

use super::*;

fn any_site() -> impl Strategy<Value = Site> {
    prop_oneof![
        Just(Site::Listen),
        Just(Site::TimeWait),
        Just(Site::SynRecv),
        Just(Site::FullSocket),
        Just(Site::KfreeSkb)
    ]
}

/// Small numbers are the likely ones: states, verdicts and reasons, and timestamps near one another.
fn number() -> impl Strategy<Value = u32> {
    prop_oneof![0..8_u32, 0..200_u32, Just(RECENT), RECENT - 3..RECENT + 3, any::<u32>()]
}

fn maybe<T: std::fmt::Debug>(value: impl Strategy<Value = T>) -> impl Strategy<Value = Option<T>> {
    proptest::option::weighted(0.7, value)
}

fn any_queues() -> impl Strategy<Value = Queues> {
    (number(), number(), number(), number(), 0..3_u8).prop_map(
        |(accept, accept_max, syn, max, syncookies)| Queues {
            accept,
            accept_max,
            syn,
            max_syn_backlog: max,
            syncookies,
        },
    )
}

pub(super) fn any_seen() -> impl Strategy<Value = Seen> {
    let times = (any::<u64>(), maybe(number()), maybe(number()), maybe(number()), maybe(number()));
    let socket =
        (maybe(number()), maybe(number()), maybe(0..13_u8), prop_oneof![Just(5_u8), Just(6), any::<u8>()]);
    let flags = (any::<[bool; 4]>(), any::<Option<bool>>(), any::<Option<bool>>());
    (any_site(), number(), times, socket, maybe(any_queues()), flags).prop_map(
        |(site, seq, times, socket, queues, flags)| {
            let ([fin, rst, from_time_wait, not_proven], rst_sent, ack_sent) = flags;
            let mut seen = bare(site);
            seen.syn.seq = seq;
            (seen.mono_ns, seen.syn.tsval, seen.ts_recent, seen.ts_recent_stamp, seen.rcv_nxt) = times;
            (seen.verdict, seen.reason, seen.sk_state, seen.tw_substate) = socket;
            seen.odd_flags = OddFlags { fin, rst };
            Seen { queues, from_time_wait, not_proven, rst_sent, ack_sent, ..seen }
        },
    )
}

pub(super) fn any_kernel() -> impl Strategy<Value = Kernel> {
    let all = kernels::ALL.iter().flat_map(|release| [functions(release), tracepoint(release)]);
    proptest::sample::select(all.collect::<Vec<_>>())
}

/// Reasons by which the kernel itself says that PAWS refused it.
fn named_by_the_kernel(meaning: &Meaning) -> bool {
    matches!(meaning.reason.as_deref(), Some("TCP_RFC7323_PAWS" | "TCP_RFC7323_TW_PAWS"))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    #[test]
    fn paws_means_a_regression(seen in any_seen(), kernel in any_kernel()) {
        let meaning = explain(&seen, &kernel);
        // The kernel's own word needs no arithmetic; everything else must be shown.
        if meaning.cause.is_paws() && !named_by_the_kernel(&meaning) {
            let (Some(recent), Some(tsval)) = (seen.ts_recent, seen.syn.tsval) else {
                return Err(TestCaseError::fail(format!("nothing to compute it from: {meaning:?}")));
            };
            prop_assert!(recent.wrapping_sub(tsval).cast_signed() > 0, "{recent} {tsval} {meaning:?}");
            prop_assert_ne!(recent, 0);
        }
    }

    #[test]
    fn stages_and_causes_fit_together(seen in any_seen(), kernel in any_kernel()) {
        let Meaning { stage, cause, .. } = explain(&seen, &kernel);
        let fits = match cause {
            Cause::PawsRecycle => false,
            Cause::PawsTimeWait => stage == Stage::TimeWait,
            Cause::PawsFinWait2 => stage == Stage::FinWait2,
            Cause::PawsSynRecv | Cause::OutOfWindow | Cause::Repeated => stage == Stage::SynRecv,
            Cause::PawsEstablished | Cause::SynOnEstablished => stage == Stage::Established,
            Cause::OldSequence => matches!(stage, Stage::TimeWait | Stage::FinWait2),
            Cause::AcceptQueueFull | Cause::SynQueueFull | Cause::PeerNotProven | Cause::ListenOther => {
                stage == Stage::Listen
            }
            Cause::NoListener => stage == Stage::None,
            Cause::Other => true,
        };
        prop_assert!(fits, "{cause} at {stage}");
    }

    #[test]
    fn counters_and_reasons_are_the_kernels_own(seen in any_seen(), kernel in any_kernel()) {
        let meaning = explain(&seen, &kernel);
        prop_assert!(meaning.snmp.is_none_or(|name| kernel.counts(name)));
        let mut bare = kernel.clone();
        bare.counters.clear();
        prop_assert_eq!(explain(&seen, &bare).snmp, None);
        prop_assert_eq!(meaning.reason, seen.reason.and_then(|number| kernel.reason(number)));
    }

    #[test]
    fn a_repeated_syn_got_no_answer(seen in any_seen(), kernel in any_kernel()) {
        let meaning = explain(&seen, &kernel);
        if meaning.cause == Cause::Repeated {
            prop_assert_eq!(meaning.answer, Some(Answer::None));
        }
    }
}
