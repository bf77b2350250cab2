//! What made-up kernels say about hooks, reasons and fields.

use super::*;
use crate::kernel::btf::tests::blob::{Blob, Member};

fn resolve(blob: &Blob) -> Types {
    Types::resolve(&Btf::parse(&blob.bytes()).unwrap())
}

/// A tracepoint with these arguments behind the probe's own data.
fn tracepoint(blob: &mut Blob, name: &str, arguments: &[u32]) {
    let data = blob.pointer(0);
    let proto = blob.prototype(0, &[&[data], arguments].concat());
    let pointer = blob.pointer(proto);
    blob.typedef(&format!("btf_trace_{name}"), pointer);
}

#[test]
fn kfree_skb_through_the_years() {
    // (arguments that it hands over, reason, receiving socket)
    for (count, reason, rx_sk) in [(0, false, false), (2, false, false), (3, true, false), (4, true, true)] {
        let mut blob = Blob::default();
        let buff = blob.structure("sk_buff", 0, &[]);
        let sock = blob.structure("sock", 0, &[]);
        let (to_buff, location, to_sock) = (blob.pointer(buff), blob.pointer(0), blob.pointer(sock));
        let number = blob.enumeration("skb_drop_reason", &[]);
        tracepoint(&mut blob, "kfree_skb", &[to_buff, location, number, to_sock][..count]);
        let types = resolve(&blob);
        assert_eq!((types.kfree_reason, types.kfree_rx_sk), (reason, rx_sk), "{count}");
        assert_eq!(types.tracepoints, ["kfree_skb"]);
    }
    // An argument of another type in the place of the reason is no reason.
    let mut blob = Blob::default();
    let int = blob.int("int", 4);
    tracepoint(&mut blob, "kfree_skb", &[int, int, int, int]);
    let types = resolve(&blob);
    assert_eq!((types.kfree_reason, types.kfree_rx_sk), (false, false));
}

#[test]
fn names_of_reasons_and_verdicts() {
    let mut blob = Blob::default();
    blob.enumeration(
        "skb_drop_reason",
        &[
            ("SKB_NOT_DROPPED_YET", 0),
            ("SKB_CONSUMED", 1),
            ("SKB_DROP_REASON_NOT_SPECIFIED", 2),
            ("SKB_DROP_REASON_NO_SOCKET", 3),
            ("SKB_DROP_REASON_MAX", 4),
            ("SKB_DROP_REASON_SUBSYS_MASK", 0xffff_0000),
        ],
    );
    blob.enumeration("tcp_tw_status", &[("TCP_TW_SUCCESS", 0), ("TCP_TW_ACK_OOW", 4)]);
    let types = resolve(&blob);
    let reasons: Vec<_> = types.reasons.iter().map(|(name, number)| (name.as_str(), *number)).collect();
    assert_eq!(reasons, [("NOT_DROPPED_YET", 0), ("CONSUMED", 1), ("NOT_SPECIFIED", 2), ("NO_SOCKET", 3)]);
    assert_eq!((types.reason("NO_SOCKET"), types.reason("TCP_CSUM")), (Some(3), None));
    assert_eq!(types.timewait_verdicts, [("SUCCESS".to_owned(), 0), ("ACK_OOW".to_owned(), 4)]);
}

#[test]
fn hooked_functions_and_no_others() {
    let mut blob = Blob::default();
    let int = blob.int("int", 4);
    let proto = blob.prototype(int, &[int, int, int, int]);
    blob.function("tcp_conn_request", proto);
    blob.function("tcp_v4_rcv", proto);
    let types = resolve(&blob);
    assert_eq!(types.functions.keys().copied().collect::<Vec<_>>(), ["tcp_conn_request"]);
    assert_eq!((types.args("tcp_conn_request"), types.args("tcp_check_req")), (4, 0));
    assert!(types.tracepoints.is_empty());
}

#[test]
fn fields_that_are_lacking_are_named() {
    let mut blob = Blob::default();
    let int = blob.int("int", 4);
    blob.structure("sk_buff", 8, &[Member::at("head", int, 0), Member::at("tail", int, 32)]);
    let types = resolve(&blob);
    assert_eq!(types.offsets.len(), FIELDS.len());
    for (field, offset) in FIELDS.iter().zip(&types.offsets) {
        let want = match (field.strukt, field.path) {
            ("sk_buff", "head") => 0,
            ("sk_buff", "tail") => 4,
            _ => ABSENT,
        };
        assert_eq!(*offset, want, "{}.{}", field.strukt, field.path);
    }
    // Every required field but the two, each in words; optional ones are not.
    let required = FIELDS.iter().filter(|field| field.required).count();
    assert_eq!(types.lacking.len(), required - 2);
    assert!(types.lacking.iter().any(|why| why == "struct sk_buff has no member network_header"));
    assert!(types.lacking.iter().any(|why| why == "the kernel has no struct net"));
    assert!(types.lacking.iter().all(|why| !why.contains("_skb_refdst")));
}

fn symbols(functions: &[&'static str], recycles: bool) -> Symbols {
    let reasons = vec![("NOT_SPECIFIED".into(), 2), ("NO_SOCKET".into(), 3)];
    Symbols { functions: functions.iter().copied().collect(), reasons, recycles }
}

#[test]
fn functions_without_types() {
    let args = |types: &Types, name| types.functions.get(name).map(|found| found.args);
    let offsets = || vec![8; FIELDS.len()];
    let old = symbols(&["kfree_skb", "tcp_peer_is_proven", "tcp_conn_request", "tcp_remember_stamp"], true);
    let old = Types::calibrated(offsets(), old);
    assert_eq!([args(&old, "kfree_skb"), args(&old, "tcp_peer_is_proven")], [Some(1), Some(4)]);
    assert_eq!([args(&old, "tcp_conn_request"), args(&old, "tcp_check_req")], [Some(4), None]);
    assert!(old.recycles());
    // The name that it has now, where a copy of an older one was not inlined.
    let new = Types::calibrated(
        offsets(),
        symbols(&["kfree_skb", "kfree_skb_reason", "tcp_peer_is_proven"], false),
    );
    assert_eq!([args(&new, "kfree_skb"), args(&new, "kfree_skb_reason")], [None, Some(2)]);
    assert_eq!(args(&new, "tcp_peer_is_proven"), Some(2));
    assert!(!new.recycles());
    assert!(new.kfree_reason && !new.kfree_rx_sk && new.tracepoints.is_empty());
    assert_eq!(new.reason("NO_SOCKET"), Some(3));
    assert_eq!(new.timewait_verdicts[4], ("ACK_OOW".to_owned(), 4));
    // Without names, a reason is a number that says nothing.
    assert!(!Types::calibrated(offsets(), Symbols::default()).kfree_reason);
}

#[test]
fn fields_without_types() {
    let with = |absent: &dyn Fn(&tracer_common::offsets::Field) -> bool| {
        let offsets = FIELDS.iter().map(|field| if absent(field) { ABSENT } else { 8 });
        Types::calibrated(offsets.collect(), Symbols::default()).lacking
    };
    assert!(with(&|field| !field.required).is_empty());
    assert_eq!(with(&|field| field.path == "sk_type"), ["sock.sk_type: not found by calibration"]);
}
