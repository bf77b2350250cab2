//! Loads the eBPF object and attaches what the plan says.
//!
//! Attaching decides: what the kernel refuses goes back into the facts, and `plan` is asked again. Everything is held
//! by descriptors of this process, so nothing stays attached when it ends, however it ends.

mod attached;
mod counts;
mod legacy;
mod tables;
mod unprobed;
mod words;

use std::hash::BuildHasher as _;

use aya::{
    Btf, Ebpf, EbpfLoader,
    programs::{Program, ProgramError},
};
use tracer_common::config::{Filter, PORT_WORDS};

use super::{
    hooks::{Hook, Need, Point, Set, typed},
    plan::{Facts, Plan, Refused, TypesFrom, Wish, plan},
    told::{Second, filter_words, reason_bitmap, sampling_words, set_prefixes, shape_words},
    types::Types,
};
use crate::{
    error::{Exit, Failure},
    keyed::Keyed,
};
pub use attached::{Attached, ProgramFacts};
pub use counts::Counts;
pub(super) use legacy::tell;
pub use tables::{Kinds, Sources};
use words::of_probe;
pub(super) use words::{in_words, load_failure};

/// The filter, ready for the programs.
#[derive(Clone, Debug)]
pub struct KernelFilter {
    /// The plain part.
    pub words: Filter,
    /// One bit a port.
    pub ports: Box<[u64; PORT_WORDS]>,
    /// Client prefixes: length in the 128-bit form, address.
    pub prefixes: Vec<(u32, [u8; 16])>,
}

/// Settings that are not filters.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Bytes of the ring, a power of two of pages.
    pub ring_bytes: u32,
    /// Records of dropped SYNs of one CPU in a second, beyond which sources have shares and the rest is counted.
    pub drops_per_cpu: u32,
    /// Messages of the eBPF programs.
    pub debug: bool,
}

#[cfg(not(no_ebpf))]
static OBJECT: &[u8] = aya::include_bytes_aligned!(concat!(env!("OUT_DIR"), "/tracer"));
#[cfg(no_ebpf)]
static OBJECT: &[u8] = &[];

/// Attaches the best set that the facts and the wish allow.
///
/// # Errors
/// A [`Failure`] where no set attaches or the object cannot be loaded at all.
pub fn attach(
    facts: &mut Facts,
    wish: Wish,
    filter: &KernelFilter,
    settings: Settings,
) -> Result<Attached, Failure> {
    if !has_programs() {
        return Err(no_object());
    }
    let attached = attach_best(facts, wish, filter, settings);
    give_back();
    attached
}

fn attach_best(
    facts: &mut Facts,
    wish: Wish,
    filter: &KernelFilter,
    settings: Settings,
) -> Result<Attached, Failure> {
    let own = own_types(facts);
    loop {
        let plan_now = plan(facts, wish)?;
        let types = facts.types.as_ref().map_err(|none| plan_failure(&none.why))?;
        match attach_plan(&plan_now, types, own.as_ref(), filter, settings)? {
            Ok((ebpf, refused)) if refused.is_empty() => return Ok(Attached { ebpf, plan: plan_now }),
            // Only details and single causes are missing: once more without them, because the programs are told at load
            // what they may rely on.
            Ok((_, refused)) => facts.refused.extend(refused),
            Err(refused) => facts.refused.push(refused),
        }
    }
}

/// Gives free memory back to the system. The types of the whole kernel were read, by us and by `EbpfLoader` for every set
/// that was tried; most of what that took, the C library would keep for good.
fn give_back() {
    #[cfg(target_env = "gnu")]
    #[expect(unsafe_code, reason = "a call of the C library that takes no pointer and may always be made")]
    unsafe {
        nix::libc::malloc_trim(0);
    }
}

/// Whether this program has its eBPF part.
pub const fn has_programs() -> bool {
    !OBJECT.is_empty()
}

fn no_object() -> Failure {
    Failure::new(
        Exit::Unable,
        "this program was built without its eBPF part",
        "no compiler for eBPF was found when it was built",
        "build it with its eBPF part: `cargo xtask build`",
    )
}

fn plan_failure(why: &str) -> Failure {
    Failure::new(
        Exit::Unable,
        "the kernel's type information (BTF) is missing",
        why,
        "name a BTF file of exactly this kernel: `tracer --btf FILE`",
    )
}

type Outcome = Result<(Ebpf, Vec<Refused>), Refused>;

/// Loads the object and attaches every hook of the plan. The inner error is a hook without which the set is worthless.
fn attach_plan(
    plan: &Plan,
    types: &Types,
    own: Option<&Btf>,
    filter: &KernelFilter,
    settings: Settings,
) -> Result<Outcome, Failure> {
    let mut ebpf = load(plan, types, filter, settings)?;
    let mut refused = Vec::new();
    for hook in &plan.hooks {
        if let Err(why) = attach_hook(&mut ebpf, plan.set, hook, types.target(hook), own) {
            let this = Refused { set: plan.set, hook: hook.name, why };
            if hook.need == Need::Set {
                return Ok(Err(this));
            }
            refused.push(this);
        }
    }
    Ok(Ok((ebpf, refused)))
}

/// Loads the object; nothing is attached yet.
pub(super) fn load(
    plan: &Plan,
    types: &Types,
    filter: &KernelFilter,
    settings: Settings,
) -> Result<Ebpf, Failure> {
    if !has_programs() {
        return Err(no_object());
    }
    let reasons = reason_bitmap(types, filter.words.no_listener != 0);
    let shape = shape_words(plan.shape);
    let words = filter_words(filter.words);
    // The system's random numbers, as the keys of user space's own tables.
    let [a, b, c, d, ..] = Keyed::default().hash_one(0_u8).to_ne_bytes();
    let key = u32::from_ne_bytes([a, b, c, d]);
    let second = if plan.set == Set::Legacy { Second::OF_THE_CLOCK } else { Second::of_ticks() };
    let sampling = sampling_words(settings, key, second);
    if plan.set == Set::Legacy {
        let offsets = types.offsets.as_slice();
        let told = legacy::Words { offsets, filter: &words, shape: &shape, sampling: &sampling };
        return legacy::load(&told, reasons, filter);
    }
    let level: u8 = if settings.debug { aya_log::Level::Debug as u8 } else { 0 };
    let mut ebpf = EbpfLoader::new()
        .override_global("OFFSETS", types.offsets.as_slice(), true)
        .override_global("SHAPE", shape.as_slice(), true)
        .override_global("FILTER", words.as_slice(), true)
        .override_global("SAMPLING", sampling.as_slice(), true)
        .override_global("PORTS", filter.ports.as_slice(), true)
        .override_global("REASONS", reasons.as_slice(), true)
        .override_global(aya_log::LEVEL, &level, false)
        .map_max_entries("EVENTS", settings.ring_bytes)
        .load(OBJECT)
        .map_err(|error| load_failure(&error))?;
    set_prefixes(&mut ebpf, filter).map_err(|error| load_failure(&error))?;
    Ok(ebpf)
}

/// The running kernel's own types, which trampolines and typed tracepoints are made from. Where the user named a file, the fields
/// are where that says, and the kernel is not asked.
pub fn own_types(facts: &Facts) -> Option<Btf> {
    (facts.types_from == TypesFrom::Kernel).then(|| Btf::from_sys_fs().ok()).flatten()
}

fn lacks(program: &str) -> String {
    format!("the object lacks the program {program}")
}

/// Attaches all programs of a hook or none; `target` is what it is called on this kernel.
pub fn attach_hook(
    ebpf: &mut Ebpf,
    set: Set,
    hook: &Hook,
    target: &str,
    own: Option<&Btf>,
) -> Result<(), String> {
    for (_, point, name) in hook.programs.iter().filter(|(s, ..)| *s == set) {
        if let (Some(twin), Some(_)) = (typed(name), own) {
            let program = ebpf.program_mut(twin).ok_or_else(|| lacks(twin))?;
            match attach_program(program, *point, target, own) {
                Ok(()) => continue,
                // The other one needs nothing that a kernel could refuse for its types.
                Err(error) => {
                    log::debug!("{twin}: {}; {name} in its place", in_words(&error));
                    unload(program);
                }
            }
        }
        let program = ebpf.program_mut(name).ok_or_else(|| lacks(name))?;
        if let Err(error) = attach_program(program, *point, target, own) {
            // All of a hook or nothing: an entry without its exit would only cost.
            for name in hook.names(set) {
                if let Some(program) = ebpf.program_mut(name) {
                    unload(program);
                }
            }
            return Err(refusal(*point, target, &error));
        }
    }
    Ok(())
}

/// Why a hook does not attach.
fn refusal(point: Point, target: &str, error: &ProgramError) -> String {
    match (point, error) {
        (_, ProgramError::LoadError { .. }) | (Point::Fentry | Point::Fexit | Point::Tracepoint, _) => {
            in_words(error)
        }
        (Point::Kprobe | Point::Kretprobe, _) => of_probe(in_words(error), || unprobed::unprobed(target)),
    }
}

fn attach_program(
    program: &mut Program,
    point: Point,
    hook: &str,
    own: Option<&Btf>,
) -> Result<(), ProgramError> {
    let no_btf = || ProgramError::IOError(std::io::Error::other("the kernel's own BTF cannot be read"));
    match (point, program) {
        (Point::Fentry, Program::FEntry(p)) => {
            p.load(hook, own.ok_or_else(no_btf)?)?;
            p.attach().map(drop)
        }
        (Point::Fexit, Program::FExit(p)) => {
            p.load(hook, own.ok_or_else(no_btf)?)?;
            p.attach().map(drop)
        }
        (Point::Kprobe | Point::Kretprobe, Program::KProbe(p)) => {
            p.load()?;
            p.attach(hook, 0).map(drop)
        }
        (Point::Tracepoint, Program::BtfTracePoint(p)) => {
            p.load(hook, own.ok_or_else(no_btf)?)?;
            p.attach().map(drop)
        }
        (Point::Tracepoint, Program::RawTracePoint(p)) => {
            p.load()?;
            p.attach(hook).map(drop)
        }
        _ => Err(ProgramError::UnexpectedProgramType),
    }
}

/// Detaches and unloads; a program that is not loaded is left alone.
fn unload(program: &mut Program) {
    let _ = match program {
        Program::FEntry(p) => p.unload(),
        Program::FExit(p) => p.unload(),
        Program::KProbe(p) => p.unload(),
        Program::RawTracePoint(p) => p.unload(),
        Program::BtfTracePoint(p) => p.unload(),
        _ => Ok(()),
    };
}
