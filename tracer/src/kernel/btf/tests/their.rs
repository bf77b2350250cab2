//! Another reader of kernel types (`btf-rs`), asked for what ours is asked for. The live suite asks it about running kernels.

use btf_rs::{Btf, BtfType, Member, Type};

/// The offset of a member in bytes, by its path; `None` where there is no such thing.
pub(crate) fn offset(btf: &Btf, strukt: &str, path: &str) -> Option<u32> {
    let all = btf.resolve_types_by_name(strukt).ok()?;
    let mut at = all.into_iter().find(|found| matches!(found, Type::Struct(_)))?;
    let mut bits = 0;
    for part in path.split('.') {
        let (more, found) = member(btf, &at, part)?;
        bits += more;
        at = bare(btf, btf.resolve_chained_type(&found).ok()?)?;
    }
    (bits % 8 == 0).then_some(bits / 8)
}

/// Looks for a member that is no bit field, through anonymous ones, too.
fn member(btf: &Btf, at: &Type, wanted: &str) -> Option<(u32, Member)> {
    let (Type::Struct(composite) | Type::Union(composite)) = at else { return None };
    for member_of in &composite.members {
        let name = btf.resolve_name(member_of).ok()?;
        if name == wanted {
            let plain = member_of.bitfield_size().unwrap_or(0) == 0;
            return plain.then(|| (member_of.bit_offset(), member_of.clone()));
        }
        if name.is_empty()
            && let inner = bare(btf, btf.resolve_chained_type(member_of).ok()?)?
            && let Some((more, found)) = member(btf, &inner, wanted)
        {
            return Some((member_of.bit_offset() + more, found));
        }
    }
    None
}

/// Without typedefs and qualifiers.
fn bare(btf: &Btf, mut at: Type) -> Option<Type> {
    // Longer chains are damage.
    for _ in 0..32 {
        let next: &dyn BtfType = match &at {
            Type::Typedef(inner) => inner,
            Type::Volatile(inner) | Type::Const(inner) | Type::Restrict(inner) => inner,
            Type::TypeTag(inner) => inner,
            _ => return Some(at),
        };
        at = btf.resolve_chained_type(next).ok()?;
    }
    None
}
