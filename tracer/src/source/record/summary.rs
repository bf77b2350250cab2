//! The summary line: what of it no observation tells. The rest of it follows from the lines before, and is not read.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{
    capture,
    fields::{Fields, Wrong, number},
    line::Known,
};
use crate::model::{
    environment::{Environment, OwnNat},
    report::{CounterCheck, Ending, LeftOut, Lost, Unsent},
};

/// What follows from the observations and the start.
const FOLLOWS: [&str; 18] = [
    "drops",
    "by_cause",
    "retries",
    "sources",
    "sources_total",
    "other",
    "clocks_evicted",
    "by_reason",
    "by_reason_other",
    "by_reason_none",
    "listeners",
    "listeners_other",
    "snmp",
    "blind",
    "missing",
    "verdict",
    "by_listener",
    "by_listener_other",
];

pub(super) fn ending(fields: &mut Fields) -> Result<(Ending, Known), Wrong> {
    fields.pass_over(&FOLLOWS);
    let environment = fields.object("environment", environment)?;
    let left_out = fields.object("left_out", left_out)?;
    let known = Known { environment: environment.is_some(), left_out: left_out.is_some() };
    let ending = Ending {
        time: fields.must("time", Fields::time)?,
        elapsed_ms: fields.must("elapsed_ms", Fields::number)?,
        syns: fields.number("syns")?,
        accepted: fields.number("accepted")?,
        unreported: fields.number("unreported")?,
        snmp: fields.objects("snmp_check", check)?,
        snmp_left_out: fields.count("snmp_left_out")?,
        lost: fields.must("lost", |fields, name| fields.object(name, lost))?,
        unsent: fields.object("unsent", unsent)?.unwrap_or_default(),
        environment: environment.unwrap_or_default(),
        left_out: left_out.unwrap_or_default(),
        capture: fields.object("capture", capture::whole)?,
    };
    Ok((ending, known))
}

fn check(fields: &mut Fields) -> Result<CounterCheck, Wrong> {
    Ok(CounterCheck {
        name: fields.must("counter", Fields::text)?,
        kernel: fields.must("kernel", Fields::number)?,
        ours: fields.must("ours", Fields::number)?,
        remark: fields.text("remark")?,
    })
}

fn lost(fields: &mut Fields) -> Result<Lost, Wrong> {
    Ok(Lost {
        ring: fields.count("ring")?,
        counted: fields.count("counted")?,
        decode: fields.count("decode")?,
        table: fields.count("table")?,
        slot: fields.count("slot")?,
        read: fields.count("read")?,
        skipped: fields.count("skipped")?,
        unprinted: fields.count("unprinted")?,
        undecided: fields.count("undecided")?,
    })
}

fn unsent(fields: &mut Fields) -> Result<Unsent, Wrong> {
    let by_cause = fields.table("by_cause", |cause, n| Some((cause.parse().ok()?, number(n)?)))?;
    let source = |row: &mut Fields| Ok((row.must("src", Fields::word)?, row.must("drops", Fields::number)?));
    Ok(Unsent { by_cause: by_cause.unwrap_or_default(), sources: fields.objects("sources", source)? })
}

fn environment(fields: &mut Fields) -> Result<Environment, Wrong> {
    let text = |name: &str, value: &Value| Some((name.to_owned(), value.as_str()?.to_owned()));
    let count = |name: &str, value: &Value| Some((name.to_owned(), number(value)?));
    let own_nat = |nat: &mut Fields| {
        Ok(OwnNat {
            rules: nat.must("rules", Fields::number)?,
            random_fully: nat.must("random_fully", Fields::number)?,
            conntrack: nat.must("conntrack", Fields::flag)?,
        })
    };
    let sysctls: Option<BTreeMap<_, _>> = fields.table("sysctls", text)?;
    let counters: Option<BTreeMap<_, _>> = fields.table("counters", count)?;
    Ok(Environment {
        kernel: fields.text("kernel")?,
        sysctls_read: sysctls.is_some(),
        sysctls: sysctls.unwrap_or_default(),
        own_nat: fields.object("own_nat", own_nat)?,
        counters: counters.unwrap_or_default(),
    })
}

fn left_out(fields: &mut Fields) -> Result<LeftOut, Wrong> {
    let seen = fields.table("seen", |cause, n| Some((cause.parse().ok()?, number(n)?)))?;
    Ok(LeftOut {
        seen: seen.unwrap_or_default(),
        wire: fields.count("wire")?,
        not_looked_at: fields.words("not_looked_at")?,
    })
}
