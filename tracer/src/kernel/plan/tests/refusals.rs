//! Why nothing can be attached, in words that end in something to type.

use super::*;

fn failure(facts: &Facts, wish: Wish) -> Failure {
    plan(facts, wish).expect_err("it cannot work").into()
}

/// Facts, wish, words of what failed, words of why, words of what to type.
type Row = (Facts, Wish, &'static str, &'static str, &'static str);

fn rows() -> Vec<Row> {
    let no_types = |why: &str| NoTypes { path: "/sys/kernel/btf/vmlinux".into(), why: why.into() };
    let no_btf = |why| Facts { types: Err(no_types(why)), ..facts("4.19") };
    let lacking = |lacking: Vec<&'static str>| Facts { lacking_capabilities: lacking, ..facts("6.12") };
    let fields = kernels::with(facts("6.12"), |types| {
        types.lacking =
            vec!["the kernel has no struct net".into(), "struct sock has no member sk_ack_backlog".into()];
    });
    let locked = without_fentry_and_kprobes(facts("6.18"));
    let nothing = refuse(locked.clone(), Set::Tracepoint, "kfree_skb", "loading it: Operation not permitted");
    let confidential = Facts { confidential: true, ..facts("6.12") };
    let uncalibrated = NoTypes { path: CALIBRATION.into(), why: "ip_rcv: no such function".into() };
    let uncalibrated =
        Facts { types: Err(uncalibrated), types_from: TypesFrom::Calibration, ..facts("6.12") };
    let from_file = Facts { types_from: TypesFrom::File("x".into()), ..facts("6.12") };
    let calibrated = Facts { types_from: TypesFrom::Calibration, ..facts("6.12") };
    let old = refuse(facts("4.19"), Set::Legacy, "tcp_make_synack", "this kernel was built without kprobes");
    let untraced = kernels::with(from_file.clone(), |types| types.tracepoints.clear());
    let untraced = refuse(untraced, Set::Legacy, "tcp_conn_request", "no");
    let none = "there is no such file";
    vec![
        (no_btf(none), Wish::Auto, "(BTF) is missing", none, TCPDUMP),
        (no_btf(none), Wish::Auto, "(BTF) is missing", none, "--btf FILE"),
        (
            no_btf("this is no BTF of a little-endian kernel"),
            Wish::Auto,
            "(BTF) is missing",
            "vmlinux",
            "--btf FILE",
        ),
        (uncalibrated, Wish::Auto, "calibration does not work", "ip_rcv", "leave out --calibrate"),
        (no_btf(none), Wish::Only(Set::Kprobe), "(BTF) is missing", none, "--btf FILE"),
        (
            lacking(vec!["CAP_BPF", "CAP_PERFMON"]),
            Wish::Auto,
            "not permitted",
            "CAP_BPF and CAP_PERFMON",
            "sudo tracer",
        ),
        (
            lacking(vec!["CAP_PERFMON"]),
            Wish::Only(Set::Tracepoint),
            "not permitted",
            "CAP_PERFMON",
            "sudo tracer",
        ),
        (confidential, Wish::Auto, "locked down", "/sys/kernel/security/lockdown", "lockdown=integrity"),
        (fields, Wish::Auto, "structures are not known", "sk_ack_backlog", "`uname -r`"),
        (nothing.clone(), Wish::Auto, "no hook set attaches", "tracepoint: kfree_skb: loading it", "-v"),
        (untraced, Wish::Auto, "no hook set attaches", "no such tracepoint", "-v"),
        (old.clone(), Wish::Auto, "no hook set attaches", "legacy: tcp_make_synack: this kernel was", "-v"),
        (old, Wish::Only(Set::Kprobe), "kprobe does not attach", "no ring buffer (5.8)", "leave out --hooks"),
        (
            locked.clone(),
            Wish::Only(Set::Fentry),
            "fentry does not attach",
            "not permitted",
            "leave out --hooks",
        ),
        (
            locked.clone(),
            Wish::Only(Set::Kprobe),
            "kprobe does not attach",
            "without kprobes",
            "leave out --hooks",
        ),
        (locked, Wish::Only(Set::Legacy), "legacy does not attach", "without kprobes", "leave out --hooks"),
        (
            nothing,
            Wish::Only(Set::Tracepoint),
            "tracepoint does not attach",
            "not permitted",
            "leave out --hooks",
        ),
        (
            from_file,
            Wish::Only(Set::Fentry),
            "fentry does not attach",
            "--btf FILE serves",
            "leave out --hooks",
        ),
        (
            calibrated,
            Wish::Only(Set::Kprobe),
            "kprobe does not attach",
            "calibration serves the set legacy alone",
            "leave out --hooks",
        ),
    ]
}

const TCPDUMP: &str = "`tcpdump -w - tcp | tracer replay -`";

/// Kernels on which nothing of this works.
fn bad_ground() -> Vec<Row> {
    let no_ebpf = Facts { ebpf: false, ..facts("5.10") };
    let too_old = Facts { kernel: "3.10.0-1160.el7.x86_64".into(), ..facts("4.4") };
    let inlined = kernels::without(facts("4.19"), "tcp_conn_request");
    let forbidden = refuse(facts("4.19"), Set::Legacy, "tcp_conn_request", "the kernel forbids probes in it");
    vec![
        (no_ebpf.clone(), Wish::Auto, "no eBPF programs", "CONFIG_BPF_SYSCALL", TCPDUMP),
        (no_ebpf, Wish::Only(Set::Legacy), "no eBPF programs", "seccomp", "seccomp=unconfined"),
        (too_old.clone(), Wish::Auto, "too old", "3.10.0-1160.el7.x86_64, and eBPF", TCPDUMP),
        (too_old, Wish::Only(Set::Legacy), "too old", "from 4.4 on", TCPDUMP),
        (
            inlined,
            Wish::Auto,
            "no hook set attaches",
            "legacy: tcp_conn_request: this kernel has no such function, or inlined it",
            TCPDUMP,
        ),
        (
            forbidden,
            Wish::Auto,
            "no hook set attaches",
            "legacy: tcp_conn_request: the kernel forbids",
            TCPDUMP,
        ),
    ]
}

#[test]
fn a_refusal_says_what_why_and_what_to_type() {
    for (facts, wish, what, why, hint) in rows().into_iter().chain(bad_ground()) {
        let failure = failure(&facts, wish);
        assert_eq!(failure.exit, Exit::Unable);
        assert!(failure.what.contains(what), "{what:?} in {failure}");
        assert!(failure.why.contains(why), "{why:?} in {failure}");
        assert!(failure.hint.contains(hint), "{hint:?} in {failure}");
        let text = failure.to_string();
        assert_eq!(text.lines().last().unwrap().trim_start(), failure.hint, "{text}");
        assert!(text.lines().skip(1).all(|line| line.starts_with("  ")), "{text}");
    }
}

#[test]
fn the_first_obstacle_is_named() {
    // Whoever may do nothing is told that first, then what the kernel forbids, then what it lacks.
    let no_types = NoTypes { path: "x".into(), why: "y".into() };
    let mut facts = Facts {
        lacking_capabilities: vec!["CAP_BPF"],
        confidential: true,
        types: Err(no_types.clone()),
        ..facts("6.12")
    };
    assert_eq!(plan(&facts, Wish::Auto), Err(Refusal::Capabilities(vec!["CAP_BPF"])));
    facts.lacking_capabilities.clear();
    assert_eq!(plan(&facts, Wish::Auto), Err(Refusal::Lockdown));
    facts.confidential = false;
    (facts.ebpf, facts.kernel) = (false, "4.3.9".into());
    assert_eq!(plan(&facts, Wish::Auto), Err(Refusal::TooOld("4.3.9".into())));
    // One that does not say what it is, is not taken for an old one.
    facts.kernel.clear();
    assert_eq!(plan(&facts, Wish::Auto), Err(Refusal::NoEbpf));
    (facts.ebpf, facts.kernel) = (true, "4.4.302".into());
    assert_eq!(plan(&facts, Wish::Auto), Err(Refusal::NoTypes(no_types)));
}

#[test]
fn every_set_that_was_tried_is_named() {
    let locked = without_fentry_and_kprobes(facts("6.18"));
    let nothing = refuse(locked, Set::Tracepoint, "kfree_skb", "loading it: Operation not permitted");
    let text = failure(&nothing, Wish::Auto).to_string();
    for set in Set::ALL {
        assert!(text.contains(&format!("{}: ", set.name())), "{text}");
    }
}
