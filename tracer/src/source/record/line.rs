//! One line of a recording, the other way round than `render::json` writes it.
//!
//! Decides what a line must have and what it may lack; knows nothing of the lines around it.

use std::net::IpAddr;

use serde_json::{Map, Value};

use super::{
    Trouble, capture,
    fields::{Fields, Wrong},
    summary,
};
use crate::{
    model::{
        Drop, Evidence, Flow, Observation, OptionKinds, Syn,
        listener::Listener,
        reading::{Accepted, Stack},
        report::{Ending, FilterWords, Limits, Missing, Start, Types, Without},
    },
    render::json::SCHEMA,
};

/// What a line holds.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "almost all are observations; a box for each would cost more")]
pub(super) enum Line {
    Start(Box<Start>),
    Observation(Observation),
    /// With what the line itself said of the run.
    Summary(Box<Ending>, Known),
    /// Something that follows from the others.
    Between,
    /// Of a type that this version does not know.
    Unknown,
}

/// What a summary line told of its run; older ones do not tell everything.
#[derive(Clone, Copy, Debug)]
pub(super) struct Known {
    pub(super) environment: bool,
    pub(super) left_out: bool,
}

/// Reads the object of a line. Beside what it holds, the number of fields that this version does not know.
pub(super) fn line(map: Map<String, Value>) -> Result<(Line, u64), Trouble> {
    let mut fields = Fields::new(map);
    let Some(Value::String(kind)) = fields.take("type") else {
        return Err(Trouble::Content("it has no `type`: this is no line of a recording".into()));
    };
    let schema: Option<u64> = fields.number("schema").map_err(Trouble::Content)?;
    let known = matches!(kind.as_str(), "start" | "drop" | "syn" | "summary" | "source");
    match schema {
        Some(schema) if schema > u64::from(SCHEMA) => return Err(Trouble::Newer(schema)),
        Some(schema) if known && schema < u64::from(SCHEMA) => {
            return Err(Trouble::Content(format!("`schema` cannot be {schema}")));
        }
        None if known => return Err(Trouble::Content("`schema` is missing".into())),
        _ => {}
    }
    let read = match kind.as_str() {
        "start" => start(&mut fields).map(|start| Line::Start(start.into())),
        "drop" => drop(&mut fields).map(|drop| Line::Observation(Observation::Drop(drop))),
        "syn" => syn(&mut fields).map(Line::Observation),
        "summary" => summary::ending(&mut fields).map(|(ending, known)| Line::Summary(ending.into(), known)),
        "source" => return Ok((Line::Between, 0)),
        _ => return Ok((Line::Unknown, 0)),
    };
    read.map(|line| (line, fields.unknown())).map_err(Trouble::Content)
}

fn start(fields: &mut Fields) -> Result<Start, Wrong> {
    let hooks = |hooks: &mut Fields| {
        let missing = hooks.objects("missing", |missing| {
            Ok(Missing { hook: missing.must("hook", Fields::text)?, why: missing.must("why", Fields::text)? })
        })?;
        Ok((hooks.must("set", Fields::text)?, hooks.words("attached")?, missing))
    };
    let (set, attached, missing) = fields.must("hooks", |fields, name| fields.object(name, hooks))?;
    let types = |types: &mut Fields| {
        let without = |one: &mut Fields| {
            Ok(Without {
                field: one.must("field", Fields::text)?,
                unknown: one.must("unknown", Fields::text)?,
            })
        };
        Ok(Types {
            from: types.must("from", Fields::text)?.into(),
            path: types.text("path")?,
            fields: types.must("fields", Fields::number)?,
            of: types.must("of", Fields::number)?,
            without: types.objects("without", without)?,
        })
    };
    Ok(Start {
        time: fields.must("time", Fields::time)?,
        version: fields.must("version", Fields::text)?.into(),
        kernel: fields.text("kernel")?,
        set: set.into(),
        attached,
        missing,
        types: fields.object("types", types)?,
        blind: fields.words("blind")?,
        filter: fields.object("filter", filter)?.unwrap_or_default(),
        limits: fields.object("limits", limits)?,
        capture: fields.object("capture", capture::beginning)?,
    })
}

fn filter(fields: &mut Fields) -> Result<FilterWords, Wrong> {
    let range = |value: &Value| {
        let text = value.as_str()?;
        let (first, last) = text.split_once('-').unwrap_or((text, text));
        let range: (u16, u16) = (first.parse().ok()?, last.parse().ok()?);
        (range.0 <= range.1).then_some(range)
    };
    let family = fields.number("family")?;
    if let Some(other) = family.filter(|family| !matches!(family, 4 | 6)) {
        return Err(format!("`filter.family` cannot be {other}"));
    }
    Ok(FilterWords {
        ports: fields.list("ports", range)?,
        family,
        from: fields.words("from")?,
        interface: fields.text("interface")?,
        netns: fields.text("netns")?,
        causes: fields.words("causes")?,
    })
}

/// What a recording asks for is what a command line may ask for.
fn limits(fields: &mut Fields) -> Result<Limits, Wrong> {
    let mut limit = |name: &str, most: usize| {
        let value = fields.must(name, Fields::number)?;
        if value > most { Err(format!("`limits.{name}` cannot be {value}")) } else { Ok(value) }
    };
    Ok(Limits {
        sources: limit("sources", Limits::MOST.sources)?,
        clock_bytes: limit("clock_bytes", Limits::MOST.clock_bytes)?,
    })
}

fn flow(fields: &mut Fields) -> Result<Flow, Wrong> {
    let flow = Flow {
        src: fields.must("src", Fields::word::<IpAddr>)?,
        sport: fields.must("sport", Fields::number)?,
        dst: fields.must("dst", Fields::word::<IpAddr>)?,
        dport: fields.must("dport", Fields::number)?,
    };
    if flow.src.is_ipv4() != flow.dst.is_ipv4() {
        return Err("`src` and `dst` are of two families".into());
    }
    match fields.number::<u8>("family")? {
        Some(family) if family != flow.family() => Err(format!("`family` cannot be {family} here")),
        _ => Ok(flow),
    }
}

fn queue(fields: &mut Fields) -> Result<(u32, u32), Wrong> {
    Ok((fields.must("len", Fields::number)?, fields.must("max", Fields::number)?))
}

fn listener(fields: &mut Fields) -> Result<Listener, Wrong> {
    fields.pass_over(&["container", "pod"]);
    Ok(Listener {
        pid: fields.must("pid", Fields::number)?,
        comm: fields.must("comm", Fields::text)?,
        cgroup: fields.text("cgroup")?,
        processes: fields.number("processes")?,
        sockets: fields.number("sockets")?,
    })
}

fn drop(fields: &mut Fields) -> Result<Drop, Wrong> {
    fields.pass_over(&["paws", "regression"]);
    Ok(Drop {
        evidence: fields.word("evidence")?.unwrap_or(Evidence::Kernel),
        time: fields.must("time", Fields::time)?,
        flow: flow(fields)?,
        netns: fields.number("netns")?,
        netns_name: fields.text("netns_name")?.map(Into::into),
        ifname: fields.text("ifname")?.map(Into::into),
        stage: fields.must("stage", Fields::word)?,
        cause: fields.must("cause", Fields::word)?,
        reason: fields.text("reason")?.map(Into::into),
        snmp: fields.text("snmp")?.map(Into::into),
        syn: Syn {
            seq: fields.must("seq", Fields::number)?,
            window: fields.must("window", Fields::number)?,
            ttl: fields.must("ttl", Fields::number)?,
            tsval: fields.number("tsval")?,
            tsecr: fields.number("tsecr")?,
            mss: fields.number("mss")?,
            wscale: fields.number("wscale")?,
            options: fields.must("options", Fields::word)?,
            malformed: fields.flag("malformed")?.unwrap_or(false),
        },
        ts_recent: fields.number("ts_recent")?,
        ts_age_ms: fields.number("ts_age_ms")?,
        answer: fields.word("answer")?,
        accept_queue: fields.object("accept_queue", queue)?,
        syn_queue: fields.object("syn_queue", queue)?,
        listener: fields.object("listener", listener)?.map(Into::into),
    })
}

fn syn(fields: &mut Fields) -> Result<Observation, Wrong> {
    let syn = accepted(fields)?;
    let undecided = fields.flag("undecided")?.unwrap_or(false);
    Ok(if undecided { Observation::Undecided(syn) } else { Observation::Accepted(syn) })
}

fn accepted(fields: &mut Fields) -> Result<Accepted, Wrong> {
    Ok(Accepted {
        time: fields.must("time", Fields::time)?,
        flow: flow(fields)?,
        netns: fields.number("netns")?,
        seq: fields.number("seq")?,
        tsval: fields.number("tsval")?,
        stack: Stack {
            ttl: fields.number("ttl")?,
            window: fields.number("window")?,
            mss: fields.number("mss")?,
            wscale: fields.number("wscale")?,
            options: fields.word::<OptionKinds>("options")?,
        },
        via: fields.must("via", Fields::word)?,
        unreported: fields.count("unreported")?,
    })
}
