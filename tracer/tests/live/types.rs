//! The library's reader of kernel types beside another one, on the types of this very kernel.

use std::time::Duration;

use anyhow::{Context as _, Error, Result, bail, ensure};
use btf_rs::{Btf, Member, Type};
use tracer::kernel::{
    btf,
    calibration::{calibrate, symbols::Symbols},
    types::Types,
};
use tracer_common::offsets::{ABSENT, FIELDS};

use super::cases::Lacking;

/// The kernel's types: a file that the environment names, where the kernel has none of its own.
fn types() -> Result<Vec<u8>> {
    let path = std::env::var("TRACER_TYPES").unwrap_or_else(|_| "/sys/kernel/btf/vmlinux".into());
    std::fs::read(&path).context(path)
}

/// Every field that the programs read has the same offset for both, or is there for neither.
pub(crate) fn offsets_agree() -> Result<()> {
    let bytes = types()?;
    let ours = btf::Btf::parse(&bytes).context("ours")?;
    let theirs = Btf::from_bytes(&bytes).context("theirs")?;
    let mut found = 0;
    for field in &FIELDS {
        let name = format!("{}.{}", field.strukt, field.path);
        let our = ours.offset(field.strukt, field.path).ok();
        let their = offset(&theirs, field.strukt, field.path).with_context(|| name.clone())?;
        ensure!(our == their, "{name}: {our:?} and {their:?}");
        ensure!(our.is_some() || !field.required, "{name} is not there");
        found += usize::from(our.is_some());
    }
    ensure!(found > 20, "only {found} fields were found");
    Ok(())
}

/// What calibration may do without: a second place may by chance look like these. Nothing is wrong then, and something unknown.
const MAY_LACK: [&str; 7] = [
    "dst_entry.flags",
    "rt6_info.rt6i_flags",
    "rtable.rt_type",
    "sk_buff.__pkt_type_offset",
    "tcp_request_sock.last_oow_ack_time",
    "tcp_sock.last_oow_ack_time",
    "tcp_timewait_sock.tw_last_oow_ack_time",
];
/// How long it may take. The kernel lets one second pass before it sends a SYN/ACK again; two are the bound for a machine of its
/// own, but guests are emulated, beside others, and what spoils a round makes another one.
const LONGEST: Duration = Duration::from_secs(8);

/// What calibration finds is where the kernel's own types say, and it finds what there is. The names of numbers are the same, too.
pub(crate) fn calibrated() -> Result<()> {
    let bytes = types()?;
    let types = btf::Btf::parse(&bytes).context("the kernel's types")?;
    let found = match calibrate() {
        Err(why) if why.contains("built without kprobes") => {
            return Err(Lacking("this kernel was built without kprobes").into());
        }
        found => found.map_err(Error::msg)?,
    };
    let (mut claimed, mut lacking, mut wrong) = (0, Vec::new(), Vec::new());
    for (field, offset) in FIELDS.iter().zip(&found.offsets) {
        let name = field.to_string();
        match (*offset, types.offset(field.strukt, field.path).ok()) {
            (ABSENT, None) => {}
            (ABSENT, Some(_)) => lacking.push(name),
            (ours, theirs) if theirs == Some(ours) => claimed += 1,
            (ours, theirs) => wrong.push(format!("{name}: {ours}, not {theirs:?}")),
        }
    }
    println!("calibrated: {claimed} of {} in {:?}; not found: {lacking:?}", FIELDS.len(), found.took);
    ensure!(wrong.is_empty(), "{}", wrong.join("; "));
    ensure!(
        lacking.iter().all(|name| MAY_LACK.contains(&name.as_str())),
        "not found: {}",
        lacking.join(", ")
    );
    ensure!(found.took < LONGEST, "it took {:?}", found.took);
    let (theirs, symbols) = (Types::resolve(&types), Symbols::read()?);
    let ours = Types::calibrated(found.offsets, symbols);
    ensure!(ours.reasons == theirs.reasons, "{:?} and not {:?}", ours.reasons, theirs.reasons);
    ensure!(ours.recycles() == theirs.recycles(), "tcp_tw_recycle");
    for (name, verdict) in &theirs.timewait_verdicts {
        ensure!(ours.timewait_verdicts.contains(&(name.clone(), *verdict)), "{name} is {verdict}");
    }
    for (function, prototype) in &ours.functions {
        let theirs = theirs.functions.get(function).with_context(|| format!("{function} is not there"))?;
        let counted = ["kfree_skb", "kfree_skb_reason", "sk_skb_reason_drop", "tcp_peer_is_proven"];
        let same = theirs.args == prototype.args || !counted.contains(function);
        ensure!(same, "{function} takes {} arguments, not {}", theirs.args, prototype.args);
    }
    Ok(())
}

/// Byte offset of a member by its path; `None`: there is no such thing.
fn offset(btf: &Btf, strukt: &str, path: &str) -> Result<Option<u32>> {
    let types = btf.resolve_types_by_name(strukt).unwrap_or_default();
    let Some(mut at) = types.into_iter().find(|found| matches!(found, Type::Struct(_))) else {
        return Ok(None);
    };
    let mut bits = 0;
    for part in path.split('.') {
        let Some((more, member)) = member(btf, &at, part)? else { return Ok(None) };
        bits += more;
        at = bare(btf, btf.resolve_chained_type(&member)?)?;
    }
    ensure!(bits % 8 == 0, "a bit field");
    Ok(Some(bits / 8))
}

/// Looks for a member, through anonymous ones, too.
fn member(btf: &Btf, at: &Type, name: &str) -> Result<Option<(u32, Member)>> {
    let (Type::Struct(composite) | Type::Union(composite)) = at else { return Ok(None) };
    for member_of in &composite.members {
        let called = btf.resolve_name(member_of).unwrap_or_default();
        if called == name {
            return Ok(Some((member_of.bit_offset(), member_of.clone())));
        }
        if called.is_empty() {
            let inner = bare(btf, btf.resolve_chained_type(member_of)?)?;
            if let Some((more, found)) = member(btf, &inner, name)? {
                return Ok(Some((member_of.bit_offset() + more, found)));
            }
        }
    }
    Ok(None)
}

/// Without typedefs and qualifiers.
fn bare(btf: &Btf, mut at: Type) -> Result<Type> {
    for _ in 0..32 {
        at = match &at {
            Type::Typedef(named) => btf.resolve_chained_type(named)?,
            Type::Const(inner) | Type::Volatile(inner) | Type::Restrict(inner) => {
                btf.resolve_chained_type(inner)?
            }
            _ => return Ok(at),
        };
    }
    bail!("a chain of names without an end")
}
