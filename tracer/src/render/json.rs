//! NDJSON, schema 1: names, order and meaning of the fields are the contract that scripts hold on to. What is unknown
//! is `null`, never 0.

mod capture;
mod doctor;
mod interval;
mod listener;
mod refusals;
mod summary;
mod written;

use serde::Serialize;

use self::refusals::Queue;
use crate::{
    kernel::load::ProgramFacts,
    model::{
        Drop, OptionKinds,
        reading::Accepted,
        report::{FilterWords, Missing, Start, Types},
    },
};

pub use doctor::doctor;
pub use interval::source;
use listener::Listener;
pub use summary::summary;
pub use written::time;
use written::{Moment, Written, write};

/// Number of the schema; anything that changes here changes it, with a line in the CHANGELOG.
pub const SCHEMA: u32 = 1;

fn text(value: &impl Serialize) -> String {
    // Strings, numbers and maps with string keys always serialise.
    serde_json::to_string(value).unwrap_or_default()
}

#[derive(Serialize)]
struct StartLine<'a> {
    r#type: &'static str,
    schema: u32,
    time: String,
    version: &'a str,
    kernel: Option<&'a str>,
    hooks: Hooks<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    types: Option<TypesUsed<'a>>,
    filter: Filter<'a>,
    blind: Vec<&'static str>,
    limits: Option<Limits>,
    #[serde(skip_serializing_if = "Option::is_none")]
    capture: Option<capture::Beginning<'a>>,
}

#[derive(Serialize)]
struct Limits {
    sources: usize,
    clock_bytes: usize,
}

#[derive(Serialize)]
struct Hooks<'a> {
    set: &'a str,
    attached: &'a [String],
    missing: Vec<MissingHook<'a>>,
}

/// Where fields are known from.
#[derive(Serialize)]
struct TypesUsed<'a> {
    from: &'a str,
    path: Option<&'a str>,
    fields: u64,
    of: u64,
    without: Vec<WithoutField<'a>>,
}

#[derive(Serialize)]
struct WithoutField<'a> {
    field: &'a str,
    unknown: &'a str,
}

impl<'a> From<&'a Types> for TypesUsed<'a> {
    fn from(types: &'a Types) -> Self {
        let without = types.without.iter();
        Self {
            from: &types.from,
            path: types.path.as_deref(),
            fields: types.fields,
            of: types.of,
            without: without.map(|one| WithoutField { field: &one.field, unknown: &one.unknown }).collect(),
        }
    }
}

#[derive(Serialize)]
struct MissingHook<'a> {
    hook: &'a str,
    why: &'a str,
}

#[derive(Serialize)]
struct Filter<'a> {
    ports: Vec<String>,
    family: Option<u8>,
    from: &'a [String],
    interface: Option<&'a str>,
    netns: Option<&'a str>,
    causes: Vec<&'static str>,
}

fn missing(hooks: &[Missing]) -> Vec<MissingHook<'_>> {
    hooks.iter().map(|m| MissingHook { hook: &m.hook, why: &m.why }).collect()
}

/// A port or a range of them, as it is typed.
pub(super) fn ports(words: &FilterWords) -> Vec<String> {
    let range = |(first, last): &(u16, u16)| {
        if first == last { first.to_string() } else { format!("{first}-{last}") }
    };
    words.ports.iter().map(range).collect()
}

/// The first line.
pub fn start(start: &Start) -> String {
    let filter = &start.filter;
    text(&StartLine {
        r#type: "start",
        schema: SCHEMA,
        time: time(start.time),
        version: &start.version,
        kernel: start.kernel.as_deref(),
        hooks: Hooks { set: &start.set, attached: &start.attached, missing: missing(&start.missing) },
        types: start.types.as_ref().map(Into::into),
        filter: Filter {
            ports: ports(filter),
            family: filter.family,
            from: &filter.from,
            interface: filter.interface.as_deref(),
            netns: filter.netns.as_deref(),
            causes: filter.causes.iter().map(|cause| cause.name()).collect(),
        },
        blind: start.blind.iter().map(|cause| cause.name()).collect(),
        limits: start
            .limits
            .map(|limits| Limits { sources: limits.sources, clock_bytes: limits.clock_bytes }),
        capture: start.capture.as_ref().map(Into::into),
    })
}

#[derive(Serialize)]
struct DropLine<'a> {
    r#type: &'static str,
    schema: u32,
    time: Written<Moment>,
    family: u8,
    src: std::net::IpAddr,
    sport: u16,
    dst: std::net::IpAddr,
    dport: u16,
    netns: Option<u32>,
    ifname: Option<&'a str>,
    stage: &'static str,
    cause: &'static str,
    paws: bool,
    reason: Option<&'a str>,
    snmp: Option<&'a str>,
    seq: u32,
    tsval: Option<u32>,
    ts_recent: Option<u32>,
    regression: Option<i32>,
    ts_age_ms: Option<u64>,
    answer: Option<&'static str>,
    ttl: u8,
    mss: Option<u16>,
    wscale: Option<u8>,
    window: u16,
    options: Written<OptionKinds>,
    accept_queue: Option<Queue>,
    syn_queue: Option<Queue>,
    listener: Option<Listener<'a>>,
    tsecr: Option<u32>,
    malformed: bool,
    evidence: &'static str,
    netns_name: Option<&'a str>,
}

/// A drop, in place of what `line` held.
pub fn drop(drop: &Drop, line: &mut String) {
    let value = DropLine {
        r#type: "drop",
        schema: SCHEMA,
        time: Written(Moment(drop.time)),
        family: drop.flow.family(),
        src: drop.flow.src,
        sport: drop.flow.sport,
        dst: drop.flow.dst,
        dport: drop.flow.dport,
        netns: drop.netns,
        ifname: drop.ifname.as_deref(),
        stage: drop.stage.name(),
        cause: drop.cause.name(),
        paws: drop.cause.is_paws(),
        reason: drop.reason.as_deref(),
        snmp: drop.snmp.as_deref(),
        seq: drop.syn.seq,
        tsval: drop.syn.tsval,
        ts_recent: drop.ts_recent,
        regression: drop.regression(),
        ts_age_ms: drop.ts_age_ms,
        answer: drop.answer.map(crate::model::Answer::name),
        ttl: drop.syn.ttl,
        mss: drop.syn.mss,
        wscale: drop.syn.wscale,
        window: drop.syn.window,
        options: Written(drop.syn.options),
        accept_queue: drop.accept_queue.map(Queue::from),
        syn_queue: drop.syn_queue.map(Queue::from),
        listener: drop.listener.as_deref().map(Listener::from),
        tsecr: drop.syn.tsecr,
        malformed: drop.syn.malformed,
        evidence: drop.evidence.name(),
        netns_name: drop.netns_name.as_deref(),
    };
    write(&value, line);
}

#[derive(Serialize)]
struct AcceptedLine {
    r#type: &'static str,
    schema: u32,
    time: Written<Moment>,
    family: u8,
    src: std::net::IpAddr,
    sport: u16,
    dst: std::net::IpAddr,
    dport: u16,
    netns: Option<u32>,
    via: &'static str,
    seq: Option<u32>,
    tsval: Option<u32>,
    ttl: Option<u8>,
    mss: Option<u16>,
    wscale: Option<u8>,
    window: Option<u16>,
    options: Option<Written<OptionKinds>>,
    unreported: u32,
    #[serde(skip_serializing_if = "is_false")]
    undecided: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde asks")]
fn is_false(value: &bool) -> bool {
    !value
}

/// A SYN that was not dropped, in place of what `line` held; for recordings. `undecided`: a capture does not show whether
/// it was answered.
pub fn syn(accepted: &Accepted, undecided: bool, line: &mut String) {
    let stack = accepted.stack;
    let value = AcceptedLine {
        r#type: "syn",
        schema: SCHEMA,
        time: Written(Moment(accepted.time)),
        family: accepted.flow.family(),
        src: accepted.flow.src,
        sport: accepted.flow.sport,
        dst: accepted.flow.dst,
        dport: accepted.flow.dport,
        netns: accepted.netns,
        via: accepted.via.name(),
        seq: accepted.seq,
        tsval: accepted.tsval,
        ttl: stack.ttl,
        mss: stack.mss,
        wscale: stack.wscale,
        window: stack.window,
        options: stack.options.map(Written),
        unreported: accepted.unreported,
        undecided,
    };
    write(&value, line);
}

#[derive(Serialize)]
struct ProgramLine<'a> {
    set: &'a str,
    kernel: &'a str,
    program: &'a str,
    hook: &'a str,
    verified: u32,
    xlated: u32,
    jited: u32,
}

/// A program as the kernel holds it, for the table of verifier costs.
pub fn program(set: &str, kernel: &str, p: &ProgramFacts) -> String {
    text(&ProgramLine {
        set,
        kernel,
        program: &p.program,
        hook: p.hook,
        verified: p.verified,
        xlated: p.xlated,
        jited: p.jited,
    })
}

#[cfg(test)]
mod tests;
