//! Decides which hook set is used, or why none can be; and what the chosen one cannot see.
//!
//! One pure function over plain facts. Attaching itself may still fail: the loader then adds what was refused to
//! the facts and asks again.

use std::path::PathBuf;

use tracer_common::{config::Shape, offsets::ABSENT};

use super::{
    calibration::without,
    hooks::{HOOKS, Hook, Need, REMEMBER, Set},
    types::Types,
};
use crate::{
    analysis::kernel::version,
    error::{Exit, Failure},
    model::{
        Cause,
        report::{self, Missing},
    },
};

/// What the machine allows, as far as it was found out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// `uname -r`.
    pub kernel: String,
    /// Capabilities that loading needs and this process lacks.
    pub lacking_capabilities: Vec<&'static str>,
    /// Kernel lockdown in "confidentiality" mode: programs may not read kernel memory.
    pub confidential: bool,
    /// The system call `bpf()` is there.
    pub ebpf: bool,
    /// The kernel's types, or why there are none.
    pub types: Result<Types, NoTypes>,
    /// Whose they are.
    pub types_from: TypesFrom,
    /// Programs can write into a ring buffer (5.8).
    pub ring_buffer: bool,
    /// What could not be attached.
    pub refused: Vec<Refused>,
}

impl Facts {
    /// The types, as the start of a run tells of them.
    pub fn types_used(&self) -> Option<report::Types> {
        let types = self.types.as_ref().ok()?;
        let (from, path) = match &self.types_from {
            TypesFrom::Kernel => ("kernel", None),
            TypesFrom::File(path) => ("file", Some(path.display().to_string())),
            TypesFrom::Calibration => ("calibration", None),
        };
        let calibrated = self.types_from == TypesFrom::Calibration;
        Some(report::Types {
            from: from.into(),
            path,
            fields: types.offsets.iter().filter(|offset| **offset != ABSENT).count() as u64,
            of: types.offsets.len() as u64,
            without: if calibrated { without(&types.offsets) } else { Vec::new() },
        })
    }
}

/// Where types come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TypesFrom {
    /// The kernel itself.
    Kernel,
    /// A file that the user named.
    File(PathBuf),
    /// Calibration: fields were found by the values that stand in them.
    Calibration,
}

/// In the place of a path: types were to come from calibration.
pub const CALIBRATION: &str = "calibration";

/// Why there are no types.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoTypes {
    /// Where they were looked for.
    pub path: String,
    /// What was found instead.
    pub why: String,
}

/// A hook that did not attach.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// In which set.
    pub set: Set,
    /// Which.
    pub hook: &'static str,
    /// The system's words.
    pub why: String,
}

/// What the user asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    /// The best that attaches.
    Auto,
    /// This one or an error.
    Only(Set),
}

/// What to attach.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The set.
    pub set: Set,
    /// Its hooks, in the order of attachment.
    pub hooks: Vec<&'static Hook>,
    /// Hooks that it lacks.
    pub missing: Vec<Missing>,
    /// Causes that cannot be seen or told apart.
    pub blind: Vec<Cause>,
    /// What the programs are told about prototypes.
    pub shape: Shape,
}

impl Plan {
    /// Whether this function or tracepoint is hooked.
    pub fn hooks(&self, name: &str) -> bool {
        self.hooks.iter().any(|hook| hook.name == name)
    }
}

/// Why nothing can be attached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Privileges are missing.
    Capabilities(Vec<&'static str>),
    /// Lockdown forbids it.
    Lockdown,
    /// Before [`OLDEST`]; what `uname -r` says.
    TooOld(String),
    /// There is no `bpf()`.
    NoEbpf,
    /// There are no types.
    NoTypes(NoTypes),
    /// The types lack fields.
    Fields(Vec<String>),
    /// No set, or not the one that was asked for, attaches.
    Sets(Wish, Vec<Refused>),
}

/// The first kernel whose probes can be read (`legacy`): 4.4 hands records over (`bpf_perf_event_output`).
const OLDEST: (u32, u32) = (4, 4);

/// The next best way, where the kernel itself cannot be asked.
const PACKETS: &str = "packets alone say much: `tcpdump -w - tcp | tracer replay -`";

/// What keeps every hook set from working, whatever the rest is.
pub fn unfit(facts: &Facts) -> Option<Refusal> {
    match version(&facts.kernel) {
        // It does not say.
        (0, 0) => None,
        version if version < OLDEST => Some(Refusal::TooOld(facts.kernel.clone())),
        _ => None,
    }
    .or((!facts.ebpf).then_some(Refusal::NoEbpf))
}

/// Chooses.
///
/// # Errors
/// A [`Refusal`] where no set that was asked for can work.
pub fn plan(facts: &Facts, wish: Wish) -> Result<Plan, Refusal> {
    if !facts.lacking_capabilities.is_empty() {
        return Err(Refusal::Capabilities(facts.lacking_capabilities.clone()));
    }
    if facts.confidential {
        return Err(Refusal::Lockdown);
    }
    if let Some(refusal) = unfit(facts) {
        return Err(refusal);
    }
    let types = facts.types.as_ref().map_err(|why| Refusal::NoTypes(why.clone()))?;
    if !types.lacking.is_empty() {
        return Err(Refusal::Fields(types.lacking.clone()));
    }
    let sets: &[Set] = match &wish {
        Wish::Auto => &Set::ALL,
        Wish::Only(set) => std::slice::from_ref(set),
    };
    let mut refused = Vec::new();
    for set in sets {
        match try_set(facts, types, *set) {
            Ok(plan) => return Ok(plan),
            Err(why) => refused.push(why),
        }
    }
    Err(Refusal::Sets(wish, refused))
}

fn try_set(facts: &Facts, types: &Types, set: Set) -> Result<Plan, Refused> {
    let (plan, worthless) = survey(facts, types, set);
    worthless.map_or(Ok(plan), Err)
}

/// What a set would consist of, and the first hook without which it is worthless.
pub(super) fn survey(facts: &Facts, types: &Types, set: Set) -> (Plan, Option<Refused>) {
    let mut plan =
        Plan { set, hooks: Vec::new(), missing: Vec::new(), blind: Vec::new(), shape: Shape::NONE };
    let mut worthless = None;
    if let Some(why) = unserved(&facts.types_from, set) {
        worthless = Some(Refused { set, hook: HOOKS[0].name, why: why.into() });
    }
    if set != Set::Legacy && !facts.ring_buffer {
        let why = "this kernel has no ring buffer (5.8)".into();
        worthless = Some(Refused { set, hook: HOOKS[0].name, why });
    }
    let recycles = types.recycles();
    for hook in hooks_of(set) {
        match obstacle(facts, types, set, hook) {
            None => plan.hooks.push(hook),
            // Neither hooked nor missing: there is nothing to remember.
            Some(_) if !recycles && REMEMBER.contains(&hook.name) => {}
            Some(why) => {
                plan.blind.extend(hook.sees);
                plan.missing.push(Missing { hook: hook.name.into(), why: why.clone() });
                if hook.need == Need::Set && worthless.is_none() {
                    worthless = Some(Refused { set, hook: hook.name, why });
                }
            }
        }
    }
    if set == Set::Tracepoint {
        plan.blind.extend(unseen_without_functions(types));
    }
    // A closed port is told by its reason (5.17), before that by the RST that no socket sent.
    let resets = plan.hooks.iter().any(|hook| hook.name == "tcp_v4_send_reset");
    if types.reason("NO_SOCKET").is_none() && !resets {
        plan.blind.push(Cause::NoListener);
    }
    if !recycles {
        plan.blind.retain(|cause| *cause != Cause::PawsRecycle);
    }
    plan.blind.sort_unstable();
    plan.blind.dedup();
    plan.shape = shape(types, &plan);
    (plan, worthless)
}

/// Why a set cannot work with types from there.
fn unserved(from: &TypesFrom, set: Set) -> Option<&'static str> {
    match (from, set) {
        (TypesFrom::File(_), Set::Fentry) => {
            Some("trampolines need the kernel's own BTF; --btf FILE serves the other sets")
        }
        (TypesFrom::Calibration, Set::Fentry | Set::Kprobe | Set::Tracepoint) => {
            Some("it needs the kernel's types; calibration serves the set legacy alone")
        }
        _ => None,
    }
}

/// The hooks of a set, in the order of attachment.
pub(super) fn hooks_of(set: Set) -> impl Iterator<Item = &'static Hook> {
    HOOKS.iter().filter(move |hook| hook.programs.iter().any(|(s, ..)| *s == set))
}

/// Why a hook cannot be part of a set.
fn obstacle(facts: &Facts, types: &Types, set: Set, hook: &'static Hook) -> Option<String> {
    if let Some(refused) = facts.refused.iter().find(|r| r.set == set && r.hook == hook.name) {
        return Some(refused.why.clone());
    }
    if hook.on_tracepoint() {
        return (!types.tracepoints.contains(&hook.name))
            .then(|| "this kernel has no such tracepoint".into());
    }
    match types.function(hook).map(|(_, prototype)| prototype) {
        None => Some("this kernel has no such function, or inlined it".into()),
        Some(p) if !hook.args.contains(&p.args) => {
            Some(format!("it takes {} arguments here, which this version does not know", p.args))
        }
        // `void` in 5.10: nothing to learn from it.
        Some(p) if hook.name == "inet_csk_reqsk_queue_hash_add" && !p.returns => Some(
            if facts.types_from == TypesFrom::Calibration {
                "only types tell whether it returns anything; without it, a SYN that two CPUs have at once may count as dropped"
            } else {
                "it returns nothing on this kernel; nothing depends on it there"
            }
            .into(),
        ),
        Some(_) => None,
    }
}

/// What `skb:kfree_skb` alone does not show.
fn unseen_without_functions(types: &Types) -> Vec<Cause> {
    // The listener consumes a SYN whether it answers or not.
    let mut blind =
        vec![Cause::AcceptQueueFull, Cause::SynQueueFull, Cause::PeerNotProven, Cause::ListenOther];
    if !types.kfree_rx_sk {
        blind.extend([Cause::PawsTimeWait, Cause::PawsFinWait2, Cause::OldSequence]);
        // From 6.4 on a SYN on an open socket carries one reason, whatever its timestamp; before 5.19 none.
        if types.reason("TCP_INVALID_SYN").is_none() || types.reason("TCP_MINTTL").is_some() {
            blind.extend([Cause::PawsEstablished, Cause::SynOnEstablished]);
        }
    }
    // The function got an argument for the reason when it began to give one (6.15).
    if types.args("tcp_check_req") < 6 {
        blind.extend([Cause::PawsSynRecv, Cause::OutOfWindow, Cause::Repeated]);
    }
    blind
}

fn shape(types: &Types, plan: &Plan) -> Shape {
    // A kernel without IPv6 sends no resets over it.
    let v6 = plan.hooks("tcp_v6_send_reset") || !types.functions.contains_key("tcp_v6_send_reset");
    let legacy = plan.set == Set::Legacy;
    let freed =
        hooks_of(Set::Legacy).find(|hook| hook.name == "kfree_skb").and_then(|hook| types.function(hook));
    Shape {
        kfree_reason: types.kfree_reason.into(),
        kfree_rx_sk: (types.kfree_rx_sk && !legacy).into(),
        timewait_args: types.args("tcp_timewait_state_process"),
        make_synack_args: types.args("tcp_make_synack"),
        hash_add_args: types.args("inet_csk_reqsk_queue_hash_add"),
        reason_not_specified: types.reason("NOT_SPECIFIED").unwrap_or(0),
        resets_seen: if plan.set.hooks_functions() {
            (plan.hooks("tcp_v4_send_reset") && v6).into()
        } else {
            (plan.hooks("tcp_send_reset") && types.every_reset_traced).into()
        },
        function_hooks: plan.set.hooks_functions().into(),
        kfree_args: freed.filter(|_| legacy).map_or(0, |(_, prototype)| prototype.args),
        proven_args: types.args("tcp_peer_is_proven"),
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        let unable = |what: &str, why: String, hint: &str| Self::new(Exit::Unable, what, why, hint);
        match refusal {
            Refusal::Capabilities(lacking) => unable(
                "tracing the kernel is not permitted",
                format!("this process lacks {}", lacking.join(" and ")),
                "run it as root: `sudo tracer ...` (in a container: start it with `--cap-add BPF --cap-add PERFMON`, or `--privileged`)",
            ),
            Refusal::Lockdown => unable(
                "the kernel is locked down",
                "/sys/kernel/security/lockdown is set to confidentiality, which forbids reading kernel memory".into(),
                "boot with `lockdown=integrity`, or without `lockdown=`; captures are read all the same: `tracer replay FILE`",
            ),
            Refusal::TooOld(kernel) => unable(
                "this kernel is too old to be traced",
                format!("it is {kernel}, and eBPF programs can tell what they see from 4.4 on"),
                PACKETS,
            ),
            Refusal::NoEbpf => unable(
                "this kernel runs no eBPF programs",
                "the system call bpf() is not there: the kernel was built without CONFIG_BPF_SYSCALL, or a container's seccomp profile hides it".into(),
                &format!("in a container: start it with `--security-opt seccomp=unconfined`, or run tracer on the host; without eBPF, {PACKETS}"),
            ),
            Refusal::NoTypes(none) if none.path == CALIBRATION => unable(
                "calibration does not work on this kernel",
                none.why,
                "leave out --calibrate, and the kernel's own types are used where it has any; or name a BTF file of exactly this kernel: `tracer --btf FILE`",
            ),
            Refusal::NoTypes(none) => unable(
                "the kernel's type information (BTF) is missing",
                format!("{}: {}", none.path, none.why),
                &format!("use a kernel built with CONFIG_DEBUG_INFO_BTF=y, or name a BTF file of exactly this kernel: `tracer --btf FILE`; without either, {PACKETS}"),
            ),
            Refusal::Fields(lacking) => unable(
                "this kernel's structures are not known to this version",
                lacking.join("; "),
                "please report this with what `tracer doctor -v` and `uname -r` say",
            ),
            Refusal::Sets(wish, refused) => {
                let why: Vec<_> =
                    refused.iter().map(|r| format!("{}: {}: {}", r.set.name(), r.hook, r.why)).collect();
                match wish {
                    Wish::Auto => unable(
                        "no hook set attaches on this kernel",
                        why.join("\n  "),
                        &format!("see which hook fails and why: `tracer doctor -v`; kernel probes or tracepoints must be built in and allowed; without them, {PACKETS}"),
                    ),
                    Wish::Only(set) => unable(
                        &format!("the hook set {} does not attach on this kernel", set.name()),
                        why.join("\n  "),
                        "leave out --hooks, and the best set that attaches is used: `tracer doctor` says which",
                    ),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
