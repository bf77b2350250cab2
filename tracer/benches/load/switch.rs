//! Programs that are in the kernel already, put on their hooks and taken off again in no time, so that nothing else differs
//! between two measurements: to start a tracer clears the processor's caches of what server and clients had in them.

use std::{collections::BTreeMap, fs};

use anyhow::{Context as _, Result};
use aya::programs::{
    BtfTracePoint, ProgramInfo, RawTracePoint, loaded_programs, raw_trace_point::RawTracePointLink,
    tp_btf::BtfTracePointLink,
};

/// Programs, each with how it is put on its hook.
pub(crate) struct Switch(Vec<Switched>);

enum Switched {
    /// The kernel knows where: typed tracepoints, trampolines.
    There(BtfTracePoint),
    /// On this tracepoint.
    Named(RawTracePoint, String),
}

/// Programs on their hooks, as long as it is held.
#[expect(dead_code, reason = "it is held, not used")]
pub(crate) enum Link {
    There(BtfTracePointLink),
    Named(RawTracePointLink),
}

impl Switch {
    /// Those that a process has on hooks; it may end. `None`: they are of another kind (kernel probes).
    pub(crate) fn of(pid: u32) -> Result<Option<Self>> {
        let mut programs = Vec::new();
        for link in links(pid)? {
            let id: u32 = link.get("prog_id").context("a link without a program")?.parse()?;
            let info = program(id)?;
            let typed = info.program_type() == BtfTracePoint::PROGRAM_TYPE.into();
            programs.push(match link.get("tp_name") {
                _ if typed => {
                    // SAFETY: the kernel attaches all programs of this type by the same call and knows itself where.
                    #[expect(unsafe_code, reason = "the library does not know which of its types this is")]
                    let program = unsafe { BtfTracePoint::from_program_info(info, "".into()) };
                    Switched::There(program?)
                }
                Some(name) => {
                    Switched::Named(RawTracePoint::from_program_info(info, "".into())?, name.clone())
                }
                None => return Ok(None),
            });
        }
        Ok((!programs.is_empty()).then_some(Self(programs)))
    }

    /// Puts all of them on their hooks.
    pub(crate) fn on(&mut self) -> Result<Vec<Link>> {
        let put = |program: &mut Switched| {
            Ok(match program {
                Switched::There(program) => {
                    let id = program.attach()?;
                    Link::There(program.take_link(id)?)
                }
                Switched::Named(program, tracepoint) => {
                    let id = program.attach(tracepoint)?;
                    Link::Named(program.take_link(id)?)
                }
            })
        };
        self.0.iter_mut().map(put).collect()
    }
}

/// What the kernel says of the links that a process holds (`bpf_link_show_fdinfo`, Linux kernel/bpf/syscall.c).
fn links(pid: u32) -> Result<Vec<BTreeMap<String, String>>> {
    let files = fs::read_dir(format!("/proc/{pid}/fdinfo")).context("the tracer's files")?;
    // What was closed meanwhile is none of them.
    let texts = files.flatten().filter_map(|file| fs::read_to_string(file.path()).ok());
    let fields = texts.map(|text| {
        let fields = text.lines().filter_map(|line| line.split_once(':'));
        fields.map(|(name, value)| (name.to_owned(), value.trim().to_owned())).collect::<BTreeMap<_, _>>()
    });
    Ok(fields.filter(|fields| fields.contains_key("link_type")).collect())
}

fn program(id: u32) -> Result<ProgramInfo> {
    let found = loaded_programs().find(|info| info.as_ref().is_ok_and(|info| info.id() == id));
    Ok(found.context("a program that is gone")??)
}
