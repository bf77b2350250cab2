//! Type information made up for the purpose, and damaged in every way. Running kernels' own is read in the live suite.

pub(in crate::kernel) mod blob;
mod damage;
mod their;

use super::*;
use blob::{Blob, Member};

fn offset(blob: &Blob, strukt: &str, path: &str) -> Result<u32, BtfError> {
    let bytes = blob.bytes();
    Btf::parse(&bytes).unwrap().offset(strukt, path)
}

fn no_member<T>(strukt: &str, path: &str) -> Result<T, BtfError> {
    Err(BtfError::NoMember(strukt.into(), path.into()))
}

/// A packet and a socket in the manner of the kernel's: nested, anonymous, qualified, with bit fields and unions.
fn kernelish() -> Blob {
    let mut blob = Blob::default();
    let u32_ = blob.int("unsigned int", 4);
    let u16_ = blob.int("short unsigned int", 2);
    let be16 = blob.typedef("__be16", u16_);
    // typedef struct { u32 counter; } atomic_t;
    let counter = blob.structure("", 4, &[Member::at("counter", u32_, 0)]);
    let atomic = blob.typedef("atomic_t", counter);
    // struct sock_common { union { u32 skc_a; struct { be16 skc_dport; u16 skc_num; }; }; const volatile u32 skc_state; };
    let ports = blob.structure("", 4, &[Member::at("skc_dport", be16, 0), Member::at("skc_num", u16_, 16)]);
    let either = blob.union("", 4, &[Member::at("skc_a", u32_, 0), Member::at("", ports, 0)]);
    let volatile = blob.qualifier(9, u32_);
    let constant = blob.qualifier(10, volatile);
    let common =
        blob.structure("sock_common", 8, &[Member::at("", either, 0), Member::at("skc_state", constant, 32)]);
    // struct sock { struct sock_common __sk_common; atomic_t sk_drops; struct sock *sk_peer; };
    let pointer = blob.pointer(blob.next() + 1);
    blob.structure(
        "sock",
        24,
        &[
            Member::at("__sk_common", common, 0),
            Member::at("sk_drops", atomic, 64),
            Member::at("sk_peer", pointer, 128),
        ],
    );
    // struct sk_buff { u32 len; u32 flag:1, rest:31; union { u16 protocol; }; ... u16 far; };
    let protocol = blob.union("", 2, &[Member::at("protocol", u16_, 0)]);
    blob.structure(
        "sk_buff",
        10,
        &[
            Member::at("len", u32_, 0),
            Member::bits("flag", u32_, 32, 1),
            Member::bits("rest", u32_, 33, 31),
            Member::bits("byte", u32_, 40, 8),
            Member::at("", protocol, 64),
            Member::at("far", u16_, 0x12_3458),
        ],
    );
    blob
}

#[test]
fn members() {
    let blob = kernelish();
    for (strukt, path, want) in [
        ("sock", "__sk_common", 0),
        ("sock", "__sk_common.skc_a", 0),
        ("sock", "__sk_common.skc_dport", 0),
        ("sock", "__sk_common.skc_num", 2),
        ("sock", "__sk_common.skc_state", 4),
        ("sock", "sk_drops", 8),
        ("sock", "sk_drops.counter", 8),
        ("sock", "sk_peer", 16),
        ("sock_common", "skc_num", 2),
        // In a structure with bit fields the upper byte of an offset is no part of it.
        ("sk_buff", "len", 0),
        ("sk_buff", "protocol", 8),
        ("sk_buff", "far", 0x2_468b),
    ] {
        assert_eq!(offset(&blob, strukt, path), Ok(want), "{strukt}.{path}");
    }
}

#[test]
fn members_that_are_not_there() {
    let blob = kernelish();
    for (strukt, path) in [
        ("sock", "skc_state"),
        ("sock", "sk_peer.sk_drops"),
        ("sock", "sk_drops.counter.counter"),
        ("sock", "__sk_common."),
        ("sock", ""),
        ("sock", "."),
        ("sock", "sk_drop"),
        ("sock", "sk_drops2"),
        // A bit field has no byte of its own.
        ("sk_buff", "flag"),
        ("sk_buff", "rest"),
    ] {
        assert_eq!(offset(&blob, strukt, path), no_member(strukt, path), "{strukt}.{path}");
    }
    for strukt in ["", "socket", "atomic_t", "unsigned int"] {
        assert_eq!(offset(&blob, strukt, "len"), Err(BtfError::NoStruct(strukt.into())), "{strukt:?}");
    }
}

#[test]
fn a_bit_field_of_whole_bytes_is_a_field() {
    assert_eq!(offset(&kernelish(), "sk_buff", "byte"), Ok(5));
}

#[test]
fn a_bit_field_of_the_old_kind_is_told_by_its_offset() {
    let mut blob = Blob::default();
    let int = blob.int("int", 4);
    blob.structure("s", 4, &[Member::at("odd", int, 3), Member::at("even", int, 8)]);
    assert_eq!(offset(&blob, "s", "odd"), no_member("s", "odd"));
    assert_eq!(offset(&blob, "s", "even"), Ok(1));
}

#[test]
fn of_two_structures_with_a_name_the_first_counts() {
    let mut blob = Blob::default();
    let int = blob.int("int", 4);
    blob.structure("twice", 4, &[Member::at("a", int, 0)]);
    blob.structure("twice", 8, &[Member::at("b", int, 0), Member::at("a", int, 32)]);
    assert_eq!(offset(&blob, "twice", "a"), Ok(0));
    assert_eq!(offset(&blob, "twice", "b"), no_member("twice", "b"));
}

#[test]
fn deep_chains() {
    let mut blob = Blob::default();
    let int = blob.int("int", 4);
    let mut inner = blob.structure("", 4, &[Member::at("deepest", int, 0)]);
    for n in 0..20 {
        let tag = blob.type_tag("rcu", inner);
        let typedef = blob.typedef(&format!("level{n}"), tag);
        inner = blob.structure("", 4 * (n + 2), &[Member::at("pad", int, 0), Member::at("", typedef, 32)]);
    }
    blob.structure("outer", 100, &[Member::at("", inner, 0)]);
    assert_eq!(offset(&blob, "outer", "deepest"), Ok(80));
}

#[test]
fn functions() {
    let mut blob = Blob::default();
    let int = blob.int("int", 4);
    let proto = blob.prototype(int, &[int, int, int]);
    let nothing = blob.prototype(0, &[]);
    blob.function("three", proto);
    blob.function("nothing", nothing);
    blob.function("broken", int);
    blob.function("void", 0);
    blob.int("three_ints", 4);
    let bytes = blob.bytes();
    let btf = Btf::parse(&bytes).unwrap();
    assert_eq!(btf.function("three"), Some(Prototype { args: 3, returns: true }));
    assert_eq!(btf.function("nothing"), Some(Prototype { args: 0, returns: false }));
    for name in ["broken", "void", "absent", "int", ""] {
        assert_eq!(btf.function(name), None, "{name}");
    }
}

#[test]
fn tracepoints() {
    let mut blob = Blob::default();
    let int = blob.int("int", 4);
    let void = blob.pointer(0);
    let sock = blob.structure("sock", 0, &[]);
    let constant = blob.qualifier(10, sock);
    let to_sock = blob.pointer(constant);
    let buff = blob.forward("sk_buff");
    let to_buff = blob.pointer(buff);
    let reason = blob.enumeration("skb_drop_reason", &[("A", 1)]);
    let proto = blob.prototype(0, &[void, to_buff, void, reason, to_sock, int, 0]);
    let pointer = blob.pointer(proto);
    blob.typedef("btf_trace_kfree_skb", pointer);
    let only_data = blob.prototype(0, &[void]);
    let pointer = blob.pointer(only_data);
    blob.typedef("btf_trace_nothing", pointer);
    let none = blob.prototype(0, &[]);
    let pointer = blob.pointer(none);
    blob.typedef("btf_trace_empty", pointer);
    blob.typedef("btf_trace_broken", int);
    blob.typedef("btf_trace_void", 0);
    let bytes = blob.bytes();
    let btf = Btf::parse(&bytes).unwrap();
    let kfree = btf.tracepoint("kfree_skb").unwrap();
    assert_eq!(kfree, ["sk_buff", "", "skb_drop_reason", "sock", "", ""]);
    assert_eq!(btf.tracepoint("nothing"), Some(Vec::new()));
    assert_eq!(btf.tracepoint("empty"), Some(Vec::new()));
    for name in ["broken", "void", "absent", ""] {
        assert_eq!(btf.tracepoint(name), None, "{name}");
    }
}

#[test]
fn enumerations() {
    let mut blob = Blob::default();
    blob.enumeration("verdict", &[("SUCCESS", 0), ("RST", 1), ("MASK", 0xffff_0000)]);
    blob.enumeration64("wide", &[("ONE", 1), ("LARGEST", u64::from(u32::MAX)), ("TOO_LARGE", 1 << 32)]);
    blob.enumeration("empty", &[]);
    let bytes = blob.bytes();
    let btf = Btf::parse(&bytes).unwrap();
    assert_eq!(btf.enumeration("verdict"), [("SUCCESS", 0), ("RST", 1), ("MASK", 0xffff_0000)]);
    assert_eq!(btf.enumeration("wide"), [("ONE", 1), ("LARGEST", u32::MAX)]);
    assert_eq!(btf.enumeration("empty"), []);
    assert_eq!(btf.enumeration("absent"), []);
}

#[test]
fn every_kind_is_stepped_over() {
    let mut blob = Blob::default();
    let int = blob.int("int", 4);
    blob.pointer(int);
    blob.array(int, 3);
    blob.structure("s", 4, &[Member::at("m", int, 0)]);
    blob.union("u", 4, &[Member::at("m", int, 0), Member::at("n", int, 0)]);
    blob.enumeration("e", &[("A", 1), ("B", 2)]);
    blob.forward("f");
    blob.typedef("t", int);
    for qualifier in [9, 10, 11] {
        blob.qualifier(qualifier, int);
    }
    let proto = blob.prototype(int, &[int, int]);
    blob.function("fn", proto);
    let variable = blob.variable("v", int);
    blob.section(".data", &[variable, variable]);
    blob.float("double", 8);
    blob.decl_tag("tag", int);
    blob.type_tag("rcu", int);
    blob.enumeration64("e64", &[("C", 3)]);
    blob.structure("last", 8, &[Member::at("here", int, 32)]);
    assert_eq!(offset(&blob, "last", "here"), Ok(4));
    let bytes = blob.bytes();
    let btf = Btf::parse(&bytes).unwrap();
    assert_eq!(btf.enumeration("e64"), [("C", 3)]);
    assert_eq!(btf.function("fn"), Some(Prototype { args: 2, returns: true }));
}

#[test]
fn a_second_opinion_on_the_made_up_types() {
    // What this file's builder writes is BTF to another reader, too.
    let bytes = kernelish().bytes();
    let theirs = btf_rs::Btf::from_bytes(&bytes).unwrap();
    for (strukt, path) in
        [("sock", "__sk_common.skc_num"), ("sk_buff", "protocol"), ("sock", "sk_drops.counter")]
    {
        assert_eq!(
            Btf::parse(&bytes).unwrap().offset(strukt, path).ok(),
            their::offset(&theirs, strukt, path),
            "{strukt}.{path}"
        );
    }
}
