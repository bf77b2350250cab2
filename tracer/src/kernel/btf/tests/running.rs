//! The running kernel's own types, beside the answers of another reader.

use btf_rs::{Btf as Theirs, BtfType, Type};
use tracer_common::offsets::{ABSENT, FIELDS};

use super::super::*;
use crate::kernel::{
    capability::KERNEL_BTF,
    hooks::{HOOKS, Point},
    types::Types,
};

/// The types of this kernel; says why there are none.
fn kernel() -> Option<Vec<u8>> {
    match std::fs::read(KERNEL_BTF) {
        Ok(bytes) => Some(bytes),
        Err(error) => {
            println!("SKIPPED: {KERNEL_BTF}: {error}");
            None
        }
    }
}

/// Follows names and qualifiers.
fn their_bare(btf: &Theirs, mut found: Type) -> Option<Type> {
    for _ in 0..32 {
        let next: &dyn BtfType = match &found {
            Type::Typedef(t) => t,
            Type::Volatile(t) | Type::Const(t) | Type::Restrict(t) => t,
            Type::TypeTag(t) => t,
            _ => return Some(found),
        };
        found = btf.resolve_chained_type(next).ok()?;
    }
    None
}

fn their_member(btf: &Theirs, found: Type, wanted: &str) -> Option<(Type, u32)> {
    let (Type::Struct(outer) | Type::Union(outer)) = their_bare(btf, found)? else { return None };
    for member in &outer.members {
        let name = btf.resolve_name(member).ok()?;
        let inner = || btf.resolve_chained_type(member).ok();
        if name == wanted {
            // 0: no bit field, in a structure that has some.
            let plain = member.bitfield_size().unwrap_or(0) == 0;
            return plain.then(|| Some((inner()?, member.bit_offset())))?;
        }
        if name.is_empty()
            && let Some((found, more)) = their_member(btf, inner()?, wanted)
        {
            return Some((found, member.bit_offset() + more));
        }
    }
    None
}

/// The offset in bytes, by the other reader.
pub(super) fn their_offset(btf: &Theirs, strukt: &str, path: &str) -> Option<u32> {
    let all = btf.resolve_types_by_name(strukt).ok()?;
    let mut found = all.into_iter().find(|found| matches!(found, Type::Struct(_)))?;
    let mut bits = 0;
    for part in path.split('.') {
        let (inner, more) = their_member(btf, found, part)?;
        found = inner;
        bits += more;
    }
    (bits % 8 == 0).then_some(bits / 8)
}

#[test]
fn every_field_is_where_another_reader_finds_it() {
    let Some(bytes) = kernel() else { return };
    let ours = Btf::parse(&bytes).unwrap();
    let theirs = Theirs::from_bytes(&bytes).unwrap();
    let types = Types::resolve(&ours);
    assert_eq!(types.offsets.len(), FIELDS.len());
    let mut there = 0;
    for (field, resolved) in FIELDS.iter().zip(&types.offsets) {
        let offset = ours.offset(field.strukt, field.path).ok();
        assert_eq!(
            offset,
            their_offset(&theirs, field.strukt, field.path),
            "{}.{}",
            field.strukt,
            field.path
        );
        assert_eq!(*resolved, offset.unwrap_or(ABSENT));
        there += usize::from(offset.is_some());
        if field.required && offset.is_none() {
            assert!(
                types.lacking.iter().any(|why| why.contains(field.strukt)),
                "{}.{}",
                field.strukt,
                field.path
            );
        }
    }
    println!("{there} of {} fields are there", FIELDS.len());
    assert!(there > FIELDS.len() / 2);
}

#[test]
fn every_hook_has_the_prototype_that_another_reader_finds() {
    let Some(bytes) = kernel() else { return };
    let types = Types::resolve(&Btf::parse(&bytes).unwrap());
    let theirs = Theirs::from_bytes(&bytes).unwrap();
    for hook in &HOOKS {
        let all = theirs.resolve_types_by_name(hook.name).unwrap_or_default();
        let function = all.iter().find_map(|found| match found {
            Type::Func(function) => Some(function),
            _ => None,
        });
        let proto = function.and_then(|function| match theirs.resolve_chained_type(function) {
            Ok(Type::FuncProto(proto)) => Some(proto),
            _ => None,
        });
        if hook.programs.iter().all(|(_, point, _)| *point == Point::Tracepoint) {
            let typedef =
                theirs.resolve_types_by_name(&format!("btf_trace_{}", hook.name)).unwrap_or_default();
            assert_eq!(types.tracepoints.contains(&hook.name), !typedef.is_empty(), "{}", hook.name);
        } else {
            let want = proto.map(|proto| Prototype {
                args: u32::try_from(proto.parameters.len()).unwrap(),
                returns: proto.return_type_id() != 0,
            });
            assert_eq!(types.functions.get(hook.name).copied(), want, "{}", hook.name);
        }
    }
}

#[test]
fn enumerations_read_as_another_reader_reads_them() {
    let Some(bytes) = kernel() else { return };
    let ours = Btf::parse(&bytes).unwrap();
    let theirs = Theirs::from_bytes(&bytes).unwrap();
    for name in ["skb_drop_reason", "tcp_tw_status"] {
        let mut want = Vec::new();
        for found in theirs.resolve_types_by_name(name).unwrap_or_default() {
            let Type::Enum(found) = found else { continue };
            for member in &found.members {
                want.push((theirs.resolve_name(member).unwrap(), member.val()));
            }
            break;
        }
        let got: Vec<_> =
            ours.enumeration(name).into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        assert_eq!(got, want, "{name}");
    }
}
