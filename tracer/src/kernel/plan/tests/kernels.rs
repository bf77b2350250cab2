//! Facts of the kernels in the tables.

use std::collections::BTreeMap;

use tracer_common::offsets::FIELDS;

use super::super::*;
use crate::kernel::btf::Prototype;

fn version(release: &str) -> (u32, u32) {
    let (major, minor) = release.split_once('.').unwrap();
    (major.parse().unwrap(), minor.parse().unwrap())
}

/// A kernel of a distribution, everything allowed.
pub(super) fn facts(release: &str) -> Facts {
    Facts {
        kernel: format!("{release}.0-test"),
        lacking_capabilities: Vec::new(),
        confidential: false,
        ebpf: true,
        types: Ok(types(release)),
        types_from: TypesFrom::Kernel,
        ring_buffer: version(release) >= (5, 8),
        refused: Vec::new(),
    }
}

fn types(release: &str) -> Types {
    let since = |first: &str| version(first) <= version(release);
    let pick = |choices: &[(&str, u32)]| {
        choices.iter().rev().find(|(first, _)| since(first)).map_or(0, |(_, value)| *value)
    };
    let mut functions = BTreeMap::new();
    for (name, args, returns) in [
        ("tcp_make_synack", pick(&[("4.4", 5), ("5.10", 6)]), true),
        ("tcp_peer_is_proven", pick(&[("4.4", 4), ("4.12", 2)]), true),
        ("tcp_rtx_synack", 2, true),
        // `void` in the trees from 5.10 to 6.8.
        ("inet_csk_reqsk_queue_hash_add", 3, since("6.12")),
        ("tcp_conn_request", 4, true),
        ("tcp_timewait_state_process", pick(&[("4.4", 3), ("6.12", 4), ("6.16", 5)]), true),
        ("tcp_check_req", pick(&[("4.4", 4), ("5.10", 5), ("6.16", 6)]), true),
        ("tcp_validate_incoming", 4, true),
        ("tcp_v4_send_reset", pick(&[("4.4", 2), ("6.12", 3)]), false),
        ("tcp_v6_send_reset", pick(&[("4.4", 2), ("6.12", 3)]), false),
    ] {
        functions.insert(name, Prototype { args, returns });
    }
    if !since("4.12") {
        for name in crate::kernel::hooks::REMEMBER {
            functions.insert(name, Prototype { args: 1, returns: true });
        }
    }
    let freed = [("kfree_skb", "4.4", 1), ("kfree_skb_reason", "5.15", 2), ("sk_skb_reason_drop", "6.12", 3)];
    if let Some((name, _, args)) = freed.into_iter().rev().find(|(_, first, _)| since(first)) {
        functions.insert(name, Prototype { args, returns: false });
    }
    let mut reasons = Vec::new();
    for (first, name) in [
        ("5.15", "NOT_SPECIFIED"),
        ("5.17", "NO_SOCKET"),
        ("5.19", "TCP_RFC7323_PAWS"),
        ("5.19", "TCP_INVALID_SYN"),
        ("6.4", "TCP_MINTTL"),
        ("6.16", "TCP_RFC7323_TW_PAWS"),
    ] {
        if since(first) {
            // 1 until 6.1, then 2, after SKB_CONSUMED.
            let number = if name == "NOT_SPECIFIED" { pick(&[("5.15", 1), ("6.4", 2)]) } else { 50 };
            reasons.push((name.to_owned(), number));
        }
    }
    Types {
        functions,
        // Before, BTF does not describe them.
        tracepoints: if since("5.8") {
            vec!["kfree_skb", "tcp_retransmit_synack", "tcp_send_reset", "inet_sock_set_state"]
        } else {
            Vec::new()
        },
        kfree_reason: since("5.15"),
        kfree_rx_sk: since("6.12"),
        every_reset_traced: since("6.12"),
        offsets: vec![0; FIELDS.len()],
        lacking: Vec::new(),
        reasons,
        timewait_verdicts: Vec::new(),
    }
}

/// The facts with other types.
pub(super) fn with(facts: Facts, change: impl FnOnce(&mut Types)) -> Facts {
    let mut types = facts.types.unwrap();
    change(&mut types);
    Facts { types: Ok(types), ..facts }
}

pub(super) fn without(facts: Facts, function: &str) -> Facts {
    with(facts, |types| types.functions.retain(|name, _| *name != function))
}

pub(super) fn without_tracepoint(facts: Facts, name: &str) -> Facts {
    with(facts, |types| types.tracepoints.retain(|found| *found != name))
}

pub(super) fn with_arguments(facts: Facts, function: &str, args: u32) -> Facts {
    with(facts, |types| types.functions.get_mut(function).expect("it is there").args = args)
}

pub(super) fn refuse(mut facts: Facts, set: Set, hook: &'static str, why: &str) -> Facts {
    facts.refused.push(Refused { set, hook, why: why.into() });
    facts
}

/// A locked-down server: trampolines are refused, and kprobes are not built in.
pub(super) fn without_fentry_and_kprobes(facts: Facts) -> Facts {
    let facts = refuse(facts, Set::Fentry, "tcp_make_synack", "loading it: Operation not permitted");
    let no_kprobes = "this kernel was built without kprobes";
    let facts = refuse(facts, Set::Kprobe, "tcp_make_synack", no_kprobes);
    refuse(facts, Set::Legacy, "tcp_make_synack", no_kprobes)
}
