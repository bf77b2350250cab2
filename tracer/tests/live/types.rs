//! The library's reader of kernel types beside another one, on the types of this very kernel.

use std::time::Duration;

use anyhow::{Context as _, Error, Result, ensure};
use btf_rs::{Btf, Type};
use tracer::kernel::{
    btf::{self, Prototype},
    calibration::{calibrate, symbols::Symbols},
    hooks::HOOKS,
    types::Types,
};
use tracer_common::offsets::{ABSENT, FIELDS};

use super::cases::Lacking;

#[path = "../../src/kernel/btf/tests/their.rs"]
mod their;

/// The kernel's types: a file that the environment names, where the kernel has none of its own.
fn types() -> Result<Vec<u8>> {
    let path = std::env::var("TRACER_TYPES").unwrap_or_else(|_| "/sys/kernel/btf/vmlinux".into());
    std::fs::read(&path).context(path)
}

/// Both readers, each with its own answer to what these bytes are.
fn readers(bytes: &[u8]) -> Result<(btf::Btf<'_>, Btf)> {
    Ok((btf::Btf::parse(bytes).context("ours")?, Btf::from_bytes(bytes).context("theirs")?))
}

/// Every field that the programs read has the same offset for both, or is there for neither.
pub(crate) fn offsets_agree() -> Result<()> {
    let bytes = types()?;
    let (ours, theirs) = readers(&bytes)?;
    let types = Types::resolve(&ours);
    ensure!(types.offsets.len() == FIELDS.len(), "{} offsets", types.offsets.len());
    let mut found = 0;
    for (field, resolved) in FIELDS.iter().zip(&types.offsets) {
        let our = ours.offset(field.strukt, field.path).ok();
        let their = their::offset(&theirs, field.strukt, field.path);
        ensure!(our == their, "{field}: {our:?} and {their:?}");
        ensure!(*resolved == our.unwrap_or(ABSENT), "{field}: {our:?} and resolved {resolved}");
        ensure!(our.is_some() || !field.required, "{field} is not there");
        found += usize::from(our.is_some());
    }
    ensure!(found > FIELDS.len() / 2, "only {found} fields were found");
    Ok(())
}

/// Every hook has the same arguments for both, or is there for neither.
pub(crate) fn prototypes_agree() -> Result<()> {
    let bytes = types()?;
    let (ours, theirs) = readers(&bytes)?;
    let types = Types::resolve(&ours);
    for hook in &HOOKS {
        if hook.on_tracepoint() {
            let typedef = theirs.resolve_types_by_name(&format!("btf_trace_{}", hook.name));
            let there = !typedef.unwrap_or_default().is_empty();
            ensure!(types.tracepoints.contains(&hook.name) == there, "{}: {there}", hook.name);
            continue;
        }
        for name in hook.functions() {
            let (our, their) = (types.functions.get(name).copied(), prototype(&theirs, name)?);
            ensure!(our == their, "{name}: {our:?} and {their:?}");
        }
    }
    ensure!(!types.functions.is_empty() && !types.tracepoints.is_empty(), "no hook was found");
    Ok(())
}

fn prototype(btf: &Btf, name: &str) -> Result<Option<Prototype>> {
    for found in btf.resolve_types_by_name(name).unwrap_or_default() {
        if let Type::Func(function) = found
            && let Type::FuncProto(proto) = btf.resolve_chained_type(&function)?
        {
            let args = u32::try_from(proto.parameters.len())?;
            return Ok(Some(Prototype { args, returns: proto.return_type_id() != 0 }));
        }
    }
    Ok(None)
}

/// The numbers that have names have the same ones for both.
pub(crate) fn names_agree() -> Result<()> {
    let bytes = types()?;
    let (ours, theirs) = readers(&bytes)?;
    for name in ["skb_drop_reason", "tcp_tw_status"] {
        let found = theirs.resolve_types_by_name(name).unwrap_or_default();
        let their = match found.into_iter().find(|found| matches!(found, Type::Enum(_))) {
            Some(Type::Enum(found)) => {
                let each = found.members.iter();
                each.map(|member| Ok((theirs.resolve_name(member)?, member.val())))
                    .collect::<Result<Vec<_>>>()?
            }
            _ => Vec::new(),
        };
        let our: Vec<_> =
            ours.enumeration(name).into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        ensure!(our == their, "{name}: {our:?} and {their:?}");
    }
    ensure!(!ours.enumeration("tcp_tw_status").is_empty(), "no name was found");
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
