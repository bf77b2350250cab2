//! Every kernel a row: which set is chosen, what it lacks, what it cannot see, and what a refusal says.

mod kernels;
mod properties;
mod refusals;

use super::{super::hooks::Point, *};
use kernels::{facts, refuse, without_fentry_and_kprobes};

/// What the tracepoint set never sees: the listener consumes a SYN whether it answers or not.
const LISTENER: &str = "accept-queue-full syn-queue-full peer-not-proven listen-other";

fn names(causes: &[Cause]) -> String {
    causes.iter().map(|cause| cause.name()).collect::<Vec<_>>().join(" ")
}

/// The causes of a list in the order of the contract.
fn sorted(list: &str) -> String {
    let mut causes: Vec<Cause> = list.split_whitespace().map(|name| name.parse().unwrap()).collect();
    causes.sort_unstable();
    names(&causes)
}

/// The hooks that are missing, by name.
fn missing(plan: &Plan) -> String {
    plan.missing.iter().map(|missing| missing.hook.as_str()).collect::<Vec<_>>().join(" ")
}

/// How many hooks a set has when nothing is missing.
fn whole(set: Set, recycles: bool) -> usize {
    hooks_of(set).filter(|hook| recycles || !REMEMBER.contains(&hook.name)).count()
}

#[test]
fn every_kernel_gets_the_best_set() {
    // (kernel, hooks that it lacks): up to 6.8 the request hash says nothing of a SYN that came twice at once.
    let twice = "inet_csk_reqsk_queue_hash_add";
    for (release, lacks) in [
        ("5.10", twice),
        ("5.15", twice),
        ("6.1", twice),
        ("6.4", twice),
        ("6.12", ""),
        ("6.16", ""),
        ("6.18", ""),
        ("7.3", ""),
    ] {
        for (wish, set) in [
            (Wish::Auto, Set::Fentry),
            (Wish::Only(Set::Fentry), Set::Fentry),
            (Wish::Only(Set::Kprobe), Set::Kprobe),
        ] {
            let plan = plan(&facts(release), wish).unwrap();
            assert_eq!(plan.set, set, "{release}");
            assert_eq!(missing(&plan), lacks, "{release} {wish:?}");
            // The function sets see every cause, with or without that detail.
            assert_eq!(names(&plan.blind), "", "{release} {wish:?}");
            assert_eq!(plan.hooks.len() + plan.missing.len(), whole(set, false), "{release} {wish:?}");
        }
    }
}

#[test]
fn what_the_tracepoint_set_does_not_see() {
    let request = "paws-syn-recv out-of-window repeated";
    let bucket = "paws-time-wait paws-fin-wait2 old-sequence";
    let open = "paws-established syn-on-established";
    let rows = [
        // No reason at all, or none with a name that helps.
        ("5.10", vec![LISTENER, bucket, request, open, "no-listener"]),
        ("5.15", vec![LISTENER, bucket, request, open, "no-listener"]),
        // 5.17 names closed ports, and 5.19 PAWS on an open connection.
        ("5.17", vec![LISTENER, bucket, request, open]),
        ("5.19", vec![LISTENER, bucket, request]),
        ("6.1", vec![LISTENER, bucket, request]),
        // 6.4 gives one reason for every SYN on an open connection.
        ("6.4", vec![LISTENER, bucket, request, open]),
        // 6.11 names the socket, 6.15 tells what `tcp_check_req` found.
        ("6.12", vec![LISTENER, request]),
        ("6.16", vec![LISTENER]),
        ("6.18", vec![LISTENER]),
        ("7.3", vec![LISTENER]),
    ];
    for (release, blind) in rows {
        let plan = plan(&facts(release), Wish::Only(Set::Tracepoint)).unwrap();
        assert_eq!(plan.set, Set::Tracepoint);
        assert_eq!(names(&plan.blind), sorted(&blind.join(" ")), "{release}");
        assert_eq!(missing(&plan), "", "{release}");
        assert_eq!(plan.hooks.len(), 4, "{release}");
    }
}

#[test]
fn a_host_that_allows_tracepoints_alone() {
    let locked = without_fentry_and_kprobes(facts("6.18"));
    let chosen = plan(&locked, Wish::Auto).unwrap();
    assert_eq!(chosen.set, Set::Tracepoint);
    assert_eq!(names(&chosen.blind), LISTENER);
    let attached: Vec<_> = chosen.hooks.iter().map(|hook| hook.name).collect();
    assert_eq!(attached, ["kfree_skb", "tcp_retransmit_synack", "tcp_send_reset", "inet_sock_set_state"]);
    assert_eq!(plan(&locked, Wish::Only(Set::Tracepoint)), Ok(chosen));
    // A set that was asked for is never replaced.
    for set in [Set::Fentry, Set::Kprobe, Set::Legacy] {
        let Err(Refusal::Sets(Wish::Only(asked), refused)) = plan(&locked, Wish::Only(set)) else {
            panic!("{set:?} cannot attach here")
        };
        assert_eq!(asked, set);
        assert_eq!(refused.len(), 1);
        assert_eq!(refused[0].set, set);
    }
}

#[test]
fn what_the_programs_are_told() {
    // (kernel, reason, rx_sk, arguments of TIME_WAIT and SYN/ACK, NOT_SPECIFIED)
    for (release, reason, rx_sk, timewait, synack, unspecified) in [
        ("5.10", 0, 0, 3, 6, 0),
        ("5.15", 1, 0, 3, 6, 1),
        ("6.1", 1, 0, 3, 6, 1),
        ("6.12", 1, 1, 4, 6, 2),
        ("6.16", 1, 1, 5, 6, 2),
        ("7.3", 1, 1, 5, 6, 2),
    ] {
        for set in Set::ALL {
            let legacy = set == Set::Legacy;
            // `kfree_skb`, `kfree_skb_reason`, `sk_skb_reason_drop`.
            let freed = 1 + reason + rx_sk;
            let want = Shape {
                kfree_reason: reason,
                kfree_rx_sk: if legacy { 0 } else { rx_sk },
                timewait_args: timewait,
                make_synack_args: synack,
                reason_not_specified: unspecified,
                hash_add_args: 3,
                // `tcp:tcp_send_reset` tells of every RST from 6.10 on; a function hook always does.
                resets_seen: u32::from(set != Set::Tracepoint || rx_sk == 1),
                function_hooks: u32::from(set != Set::Tracepoint),
                kfree_args: if legacy { freed } else { 0 },
                proven_args: 2,
            };
            assert_eq!(plan(&facts(release), Wish::Only(set)).unwrap().shape, want, "{release} {set:?}");
        }
    }
}

#[test]
fn types_from_a_file_do_for_all_but_trampolines() {
    let from_file = Facts { types_from: TypesFrom::File("x".into()), ..facts("6.12") };
    assert_eq!(plan(&from_file, Wish::Auto).unwrap().set, Set::Kprobe);
    assert_eq!(plan(&from_file, Wish::Only(Set::Tracepoint)).unwrap().set, Set::Tracepoint);
    let Err(Refusal::Sets(_, refused)) = plan(&from_file, Wish::Only(Set::Fentry)) else {
        panic!("trampolines need the kernel's own types")
    };
    assert!(refused[0].why.contains("--btf"), "{}", refused[0].why);
}

#[test]
fn functions_that_are_not_there() {
    // (function, causes that go with it; "set": the set goes with it)
    for (function, goes) in [
        ("tcp_make_synack", "set"),
        ("tcp_conn_request", "set"),
        ("tcp_peer_is_proven", "peer-not-proven"),
        ("tcp_timewait_state_process", "paws-time-wait paws-fin-wait2 old-sequence"),
        ("tcp_check_req", "paws-syn-recv out-of-window repeated"),
        ("tcp_validate_incoming", "paws-established syn-on-established"),
        ("inet_csk_reqsk_queue_hash_add", ""),
        ("tcp_v4_send_reset", ""),
        ("tcp_v6_send_reset", ""),
    ] {
        let absent = kernels::without(facts("6.18"), function);
        let unknown = kernels::with_arguments(facts("6.18"), function, 9);
        let none = kernels::with_arguments(facts("6.18"), function, 0);
        for (facts, words) in [
            (absent, "no such function, or inlined it"),
            (unknown, "it takes 9 arguments here, which this version does not know"),
            (none, "it takes 0 arguments here, which this version does not know"),
        ] {
            for set in [Set::Fentry, Set::Kprobe] {
                match plan(&facts, Wish::Only(set)) {
                    Ok(plan) => {
                        assert_eq!(names(&plan.blind), sorted(goes), "{function} {set:?}");
                        assert_eq!(missing(&plan), function, "{set:?}");
                        assert!(plan.missing[0].why.contains(words), "{}", plan.missing[0].why);
                    }
                    Err(Refusal::Sets(_, refused)) => {
                        assert_eq!((goes, refused[0].hook), ("set", function), "{set:?}");
                        assert!(refused[0].why.contains(words), "{}", refused[0].why);
                    }
                    Err(other) => panic!("{function}: {other:?}"),
                }
            }
            // The set that needs no function is there in any case.
            let want = if goes == "set" { Set::Tracepoint } else { Set::Fentry };
            assert_eq!(plan(&facts, Wish::Auto).unwrap().set, want, "{function}");
        }
    }
}

#[test]
fn numbers_of_arguments_that_were_read_in_the_sources() {
    for (function, known) in [
        ("tcp_conn_request", 4..=4),
        ("tcp_make_synack", 5..=6),
        ("tcp_timewait_state_process", 3..=5),
        ("tcp_check_req", 4..=6),
        ("tcp_peer_is_proven", 2..=2),
        ("tcp_validate_incoming", 4..=4),
    ] {
        for args in 0..8 {
            let facts = kernels::with_arguments(facts("6.12"), function, args);
            let attached = plan(&facts, Wish::Only(Set::Fentry))
                .is_ok_and(|plan| plan.hooks.iter().any(|hook| hook.name == function));
            assert_eq!(attached, known.contains(&args), "{function} with {args}");
        }
    }
}

#[test]
fn tracepoints_that_are_not_there() {
    let absent = |name| kernels::without_tracepoint(facts("6.18"), name);
    // Without the SYN/ACK that is sent again, a repeated SYN cannot be told from one that was answered.
    for set in Set::ALL {
        let plan = plan(&absent("tcp_retransmit_synack"), Wish::Only(set)).unwrap();
        if set == Set::Legacy {
            assert_eq!((missing(&plan).as_str(), plan.blind.as_slice()), ("", [].as_slice()));
            continue;
        }
        assert_eq!(missing(&plan), "tcp_retransmit_synack");
        assert_eq!(plan.missing[0].why, "this kernel has no such tracepoint");
        assert!(plan.blind.contains(&Cause::Repeated), "{set:?}");
    }
    let resets = plan(&absent("tcp_send_reset"), Wish::Only(Set::Tracepoint)).unwrap();
    assert_eq!((missing(&resets).as_str(), names(&resets.blind).as_str()), ("tcp_send_reset", LISTENER));
    // No readings of clocks, and nothing else goes with them.
    let readings = plan(&absent("inet_sock_set_state"), Wish::Only(Set::Tracepoint)).unwrap();
    assert_eq!(
        (missing(&readings).as_str(), names(&readings.blind).as_str()),
        ("inet_sock_set_state", LISTENER)
    );
    assert_eq!(missing(&plan(&absent("inet_sock_set_state"), Wish::Only(Set::Fentry)).unwrap()), "");
    // Where every observation ends, no set goes without; the last one probes the function.
    let freed = absent("kfree_skb");
    assert_eq!(plan(&freed, Wish::Auto).unwrap().set, Set::Legacy);
    let freed = refuse(freed, Set::Legacy, "kfree_skb", "no");
    let Err(Refusal::Sets(Wish::Auto, refused)) = plan(&freed, Wish::Auto) else {
        panic!("nothing works without kfree_skb")
    };
    assert_eq!(
        refused.iter().map(|r| (r.set, r.hook)).collect::<Vec<_>>(),
        Set::ALL.map(|set| (set, "kfree_skb"))
    );
}

#[test]
fn hooks_that_were_refused() {
    let eperm = "loading it: Operation not permitted";
    // Worthless without it: the next set.
    let facts_now = refuse(facts("6.12"), Set::Fentry, "tcp_conn_request", eperm);
    assert_eq!(plan(&facts_now, Wish::Auto).unwrap().set, Set::Kprobe);
    // A few causes, or a detail: the same set without it.
    for (hook, blind) in [
        ("tcp_check_req", "paws-syn-recv out-of-window repeated"),
        ("tcp_peer_is_proven", "peer-not-proven"),
        ("tcp_retransmit_synack", "repeated"),
        ("inet_csk_reqsk_queue_hash_add", ""),
        ("tcp_v6_send_reset", ""),
    ] {
        let plan = plan(&refuse(facts("6.12"), Set::Fentry, hook, eperm), Wish::Auto).unwrap();
        assert_eq!((plan.set, names(&plan.blind)), (Set::Fentry, sorted(blind)), "{hook}");
        assert_eq!((missing(&plan).as_str(), plan.missing[0].why.as_str()), (hook, eperm));
        assert!(plan.hooks.iter().all(|h| h.name != hook));
    }
    // A refusal in one set says nothing of another.
    let other = refuse(facts("6.12"), Set::Kprobe, "tcp_conn_request", eperm);
    assert_eq!(missing(&plan(&other, Wish::Only(Set::Fentry)).unwrap()), "");
}

#[test]
fn without_reasons_a_closed_port_is_told_by_its_reset_alone() {
    for (release, blind) in [("5.10", "no-listener"), ("5.15", "no-listener"), ("6.1", "")] {
        let no_resets = kernels::without(facts(release), "tcp_v4_send_reset");
        assert_eq!(names(&plan(&no_resets, Wish::Only(Set::Fentry)).unwrap().blind), blind, "{release}");
    }
}

#[test]
fn old_kernels_get_the_set_for_them() {
    let twice = "inet_csk_reqsk_queue_hash_add";
    for (release, asked_by_recycle) in
        [("4.4", true), ("4.9", true), ("4.11", true), ("4.12", false), ("4.19", false), ("5.4", false)]
    {
        let facts = facts(release);
        let plan_now = plan(&facts, Wish::Auto).unwrap();
        assert_eq!((plan_now.set, missing(&plan_now).as_str()), (Set::Legacy, twice), "{release}");
        assert_eq!(names(&plan_now.blind), "", "{release}");
        assert_eq!(plan_now.shape.proven_args, if asked_by_recycle { 4 } else { 2 }, "{release}");
        assert_eq!(plan_now.shape.kfree_args, 1, "{release}");
        // From 4.12 on nobody is refused for tcp_tw_recycle.
        let refused = refuse(facts.clone(), Set::Legacy, "tcp_peer_is_proven", "no");
        let blind = if asked_by_recycle { "paws-recycle peer-not-proven" } else { "peer-not-proven" };
        assert_eq!(names(&plan(&refused, Wish::Auto).unwrap().blind), blind, "{release}");
        for set in [Set::Fentry, Set::Kprobe, Set::Tracepoint] {
            let Err(Refusal::Sets(_, refused)) = plan(&facts, Wish::Only(set)) else { panic!("{release}") };
            assert!(refused[0].why.contains("ring buffer"), "{release}: {refused:?}");
        }
    }
}

#[test]
fn the_set_for_old_kernels_works_on_new_ones_by_wish() {
    for (release, freed, args) in
        [("5.10", "kfree_skb", 1), ("6.1", "kfree_skb_reason", 2), ("6.12", "sk_skb_reason_drop", 3)]
    {
        let facts = facts(release);
        let plan = plan(&facts, Wish::Only(Set::Legacy)).unwrap();
        assert_eq!((plan.shape.kfree_args, plan.shape.kfree_rx_sk), (args, 0), "{release}");
        let hook = plan.hooks.iter().copied().find(|hook| hook.name == "kfree_skb").unwrap();
        assert_eq!(facts.types.unwrap().target(hook), freed);
        assert_eq!(names(&plan.blind), "", "{release}");
    }
}

#[test]
fn the_table_of_hooks_is_sound() {
    for hook in &HOOKS {
        assert_eq!(hook.need == Need::Detail, hook.sees.is_empty(), "{}", hook.name);
        for set in Set::ALL {
            let programs: Vec<_> = hook.programs.iter().filter(|(s, ..)| *s == set).collect();
            let fits = |point: Point| match set {
                Set::Fentry => matches!(point, Point::Fentry | Point::Fexit | Point::Tracepoint),
                Set::Kprobe => matches!(point, Point::Kprobe | Point::Kretprobe | Point::Tracepoint),
                Set::Tracepoint => point == Point::Tracepoint,
                Set::Legacy => matches!(point, Point::Kprobe | Point::Kretprobe),
            };
            assert!(programs.iter().all(|(_, point, _)| fits(*point)), "{} {set:?}", hook.name);
        }
    }
    // What the function sets see is every cause, but the one of kernels before 4.12 those for old kernels alone.
    let unseen = |set| -> Vec<Cause> {
        let seen = |cause: &Cause| hooks_of(set).any(|hook| hook.sees.contains(cause));
        Cause::ALL.into_iter().filter(|cause| !seen(cause)).collect()
    };
    assert_eq!(unseen(Set::Fentry), [Cause::PawsRecycle]);
    assert_eq!(unseen(Set::Kprobe), [Cause::PawsRecycle]);
    assert_eq!(unseen(Set::Legacy), []);
}

/// Whether "from 6.11 on, and 5.19 to 6.3" holds for a kernel.
fn holds(words: &str, kernel: (u32, u32)) -> bool {
    let version = |text: &str| crate::analysis::kernel::version(text);
    words.split(", and ").any(|part| match part.split_once(" to ") {
        Some((first, last)) => version(first) <= kernel && kernel <= version(last),
        None => match part.strip_prefix("from ").and_then(|part| part.strip_suffix(" on")) {
            Some(first) => version(first) <= kernel,
            None => part == "always",
        },
    })
}

/// What `tracer help causes` says of the set is what the plan finds blind.
#[test]
fn the_help_on_causes_agrees() {
    for release in ["5.10", "5.15", "5.17", "5.19", "6.1", "6.4", "6.8", "6.12", "6.16", "7.3"] {
        let plan = plan(&facts(release), Wish::Only(Set::Tracepoint)).unwrap();
        for cause in Cause::ALL.into_iter().filter(|cause| *cause != Cause::PawsRecycle) {
            let words = crate::render::causes::explained(cause).tracepoint;
            let seen = !plan.blind.contains(&cause);
            assert_eq!(
                holds(words, crate::analysis::kernel::version(release)),
                seen,
                "{cause} on {release}: {words}"
            );
        }
    }
}
