//! Bytes that are no BTF, or no longer: refused or answered, in a bounded time.

use std::{sync::mpsc, thread, time::Duration};

use proptest::prelude::*;
use tracer_common::offsets::FIELDS;

use super::{
    super::*,
    blob::{Blob, Member},
    kernelish,
};
use crate::kernel::types::Types;

/// Asks everything that the program ever asks, and what the made-up types hold.
fn ask_everything(bytes: &[u8]) -> Result<(), BtfError> {
    let btf = Btf::parse(bytes)?;
    let _ = Types::resolve(&btf);
    for field in &FIELDS {
        let _ = btf.offset(field.strukt, field.path);
    }
    for (strukt, path) in
        [("sock", "__sk_common.skc_num"), ("sk_buff", "protocol"), ("loop", "a.b"), ("sock", "absent")]
    {
        let _ = btf.offset(strukt, path);
    }
    let _ = (btf.function("three"), btf.tracepoint("kfree_skb"), btf.enumeration("skb_drop_reason"));
    Ok(())
}

/// Runs it in a thread, so that one that never ends is a failure and not a hang.
fn in_time(name: &str, work: impl FnOnce() + Send + 'static) {
    let (done, wait) = mpsc::channel();
    let worker = thread::spawn(move || {
        work();
        let _ = done.send(());
    });
    match wait.recv_timeout(Duration::from_secs(20)) {
        Err(mpsc::RecvTimeoutError::Timeout) => panic!("{name} does not come to an end"),
        _ => worker.join().expect(name),
    }
}

/// Everything that the program asks for, in one blob.
fn complete() -> Blob {
    let mut blob = kernelish();
    let next = blob.next();
    let pointer = blob.pointer(0);
    let reason =
        blob.enumeration("skb_drop_reason", &[("SKB_DROP_REASON_NO_SOCKET", 3), ("SKB_CONSUMED", 1)]);
    blob.enumeration64("tcp_tw_status", &[("TCP_TW_SUCCESS", 0), ("TCP_TW_RST", 1)]);
    let proto = blob.prototype(0, &[pointer, pointer, pointer, reason, pointer]);
    blob.function("three", proto);
    blob.function("tcp_conn_request", proto);
    let trace = blob.pointer(proto);
    blob.typedef("btf_trace_kfree_skb", trace);
    assert_eq!(pointer, next);
    blob
}

#[test]
fn what_is_no_btf_at_all() {
    let good = complete().bytes();
    assert_eq!(ask_everything(&good), Ok(()));
    for bytes in [&b""[..], b"\x9f", b"\x7fELF\x02\x01\x01", b"\x9f\xeb", &good[..15]] {
        assert_eq!(ask_everything(bytes), Err(BtfError::NotBtf), "{bytes:?}");
    }
    // Of a big-endian kernel.
    let mut swapped = good.clone();
    swapped.swap(0, 1);
    assert_eq!(ask_everything(&swapped), Err(BtfError::NotBtf));
}

#[test]
fn header_numbers_out_of_bounds() {
    let good = complete().bytes();
    // Header length, start and length of the types, start and length of the strings.
    for at in [4, 8, 12, 16, 20] {
        for number in [u32::MAX, u32::MAX - 23, 0x8000_0000, u32::try_from(good.len()).unwrap() + 1] {
            let mut bytes = good.clone();
            bytes[at..at + 4].copy_from_slice(&number.to_le_bytes());
            assert!(ask_everything(&bytes).is_err(), "{number:#x} at {at}");
        }
    }
}

#[test]
fn every_prefix() {
    let good = complete().bytes();
    for len in 0..good.len() {
        assert!(ask_everything(&good[..len]).is_err(), "{len} of {}", good.len());
    }
}

#[test]
fn types_that_end_early_are_refused_or_answered() {
    // The header says how long the types are: every shorter length, with the strings where they are.
    let good = complete().bytes();
    let types = u32::from_le_bytes([good[12], good[13], good[14], good[15]]);
    for len in 0..types {
        let mut bytes = good.clone();
        bytes[12..16].copy_from_slice(&len.to_le_bytes());
        let _ = ask_everything(&bytes);
    }
}

#[test]
fn unknown_kinds_are_refused() {
    for kind in [0, 20, 31] {
        let mut bytes = complete().bytes();
        bytes[24 + 7] = kind;
        assert_eq!(ask_everything(&bytes), Err(BtfError::Damaged(0)), "{kind}");
    }
}

#[test]
fn a_typedef_of_itself() {
    in_time("a typedef of itself", || {
        let mut blob = Blob::default();
        let own = blob.next();
        blob.typedef("loop", own);
        let second = blob.next();
        blob.qualifier(10, second + 1);
        blob.qualifier(9, second);
        blob.structure("loop", 8, &[Member::at("a", own, 0), Member::at("", second, 0)]);
        let proto = blob.prototype(own, &[own, own, second]);
        blob.function("three", proto);
        let pointer = blob.pointer(proto);
        blob.typedef("btf_trace_kfree_skb", pointer);
        let bytes = blob.bytes();
        let btf = Btf::parse(&bytes).unwrap();
        assert_eq!(btf.offset("loop", "a"), Ok(0));
        assert!(btf.offset("loop", "a.b").is_err());
        assert!(btf.offset("loop", "b").is_err());
        assert_eq!(btf.tracepoint("kfree_skb"), Some(vec!["", ""]));
        ask_everything(&bytes).unwrap();
    });
}

#[test]
fn structures_that_contain_themselves() {
    // Each of a hundred anonymous members is the structure again: a search without memory would try a hundred to the
    // power of its depth.
    in_time("a structure within itself", || {
        let mut blob = Blob::default();
        let own = blob.next();
        blob.structure("loop", 8, &[Member::at("", own, 0); 100]);
        let bytes = blob.bytes();
        assert!(Btf::parse(&bytes).unwrap().offset("loop", "absent").is_err());
    });
    in_time("structures within one another", || {
        let mut blob = Blob::default();
        let int = blob.int("int", 4);
        let first = blob.next();
        for n in 0..400 {
            let all: Vec<_> = (first..first + 400).map(|id| Member::at("", id, 0)).collect();
            blob.structure(&format!("s{n}"), 8, &all);
        }
        blob.structure("loop", 8, &[Member::at("", first, 0), Member::at("a", int, 64)]);
        let bytes = blob.bytes();
        let btf = Btf::parse(&bytes).unwrap();
        assert!(btf.offset("s0", "absent").is_err());
        assert!(btf.offset("loop", "absent.more").is_err());
    });
}

#[test]
fn names_without_an_end() {
    in_time("names without an end", || {
        let mut blob = Blob::default();
        for _ in 0..100_000 {
            blob.typedef("x", 0);
        }
        let mut bytes = blob.bytes();
        // Every name is one and the same endless one.
        let strings = bytes.len() - 200_001;
        bytes[strings..].fill(b'x');
        for n in 0..100_000 {
            let at = 24 + 12 * n;
            bytes[at..at + 4].copy_from_slice(&1_u32.to_le_bytes());
        }
        ask_everything(&bytes).unwrap();
    });
}

#[test]
fn offsets_beyond_all_numbers() {
    let mut blob = Blob::default();
    let int = blob.int("int", 4);
    let far = blob.structure("", 8, &[Member::at("x", int, u32::MAX - 7)]);
    blob.structure("sum", 8, &[Member::at("inner", far, 64), Member::at("", far, 64)]);
    let bytes = blob.bytes();
    let btf = Btf::parse(&bytes).unwrap();
    assert!(btf.offset("sum", "inner.x").is_err());
    assert!(btf.offset("sum", "x").is_err());
}

proptest! {
    #[test]
    fn flipped_bytes(flips in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..12)) {
        let mut bytes = complete().bytes();
        for (index, value) in flips {
            let at = index.index(bytes.len());
            bytes[at] = value;
        }
        let _ = ask_everything(&bytes);
    }

    #[test]
    fn any_types_behind_a_good_header(types in proptest::collection::vec(any::<u8>(), 0..2000)) {
        let strings = b"\0sock\0sk_buff\0a\0";
        let len = |bytes: &[u8]| u32::try_from(bytes.len()).unwrap();
        let mut bytes = vec![0x9f, 0xeb, 1, 0];
        for word in [24, 0, len(&types), len(&types), len(strings)] {
            bytes.extend_from_slice(&word.to_le_bytes());
        }
        bytes.extend_from_slice(&types);
        bytes.extend_from_slice(strings);
        let _ = ask_everything(&bytes);
    }

    #[test]
    fn any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(ask_everything(&bytes).is_err() || bytes.starts_with(&[0x9f, 0xeb]));
    }
}
