//! The last line: totals, sources, counters, losses, the verdict.

use std::{collections::BTreeMap, net::IpAddr};

use serde::Serialize;

use super::{
    MissingHook, SCHEMA,
    capture::Whole,
    listener::ServedRow,
    missing,
    refusals::{ListenerRow, by_reason},
    text, time,
};
use crate::model::{
    Cause,
    environment::Environment,
    nat::Nat,
    report::{self, CounterCheck, Source, Summary},
    verdict::Verdict,
};

#[derive(Serialize)]
struct SummaryLine<'a> {
    r#type: &'static str,
    schema: u32,
    time: String,
    elapsed_ms: u64,
    syns: Option<u64>,
    accepted: u64,
    unreported: u64,
    drops: u64,
    by_cause: BTreeMap<&'static str, u64>,
    retries: Retries,
    sources: Vec<SourceRow<'a>>,
    sources_total: u64,
    other: Other,
    clocks_evicted: u64,
    by_reason: BTreeMap<&'a str, u64>,
    by_reason_other: u64,
    by_reason_none: u64,
    listeners: Vec<ListenerRow>,
    listeners_other: u64,
    snmp: BTreeMap<&'a str, u64>,
    snmp_check: Vec<Check<'a>>,
    snmp_left_out: u64,
    lost: Lost,
    unsent: UnsentObject,
    blind: Vec<&'static str>,
    missing: Vec<MissingHook<'a>>,
    verdict: Option<VerdictObject<'a>>,
    environment: EnvironmentObject<'a>,
    left_out: LeftOut,
    by_listener: Vec<ServedRow<'a>>,
    by_listener_other: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    capture: Option<Whole<'a>>,
}

#[derive(Serialize)]
pub(super) struct SourceRow<'a> {
    src: IpAddr,
    syns: Option<u64>,
    drops: u64,
    unsent: u64,
    paws: u64,
    max_regression: Option<i32>,
    first: String,
    last: String,
    nat: Option<NatObject<'a>>,
    by_cause: BTreeMap<&'static str, u64>,
    last_regression: Option<i32>,
    /// By the smallest regression that a class holds; empty classes are left out.
    regressions: BTreeMap<u32, u32>,
    retries: Retries,
}

#[derive(Serialize)]
struct NatObject<'a> {
    verdict: &'static str,
    hosts: Option<u32>,
    hosts_at_least: u32,
    confidence: Option<f64>,
    evidence: &'a [String],
    port_jumps: u64,
}

#[derive(Serialize)]
struct Retries {
    refused: u64,
    came_back: u64,
    got_in: u64,
    waited_ms: u64,
    longest_ms: u64,
}

#[derive(Serialize)]
struct Other {
    syns: u64,
    drops: u64,
    paws: u64,
    by_cause: BTreeMap<&'static str, u64>,
}

#[derive(Serialize)]
struct Check<'a> {
    counter: &'a str,
    kernel: u64,
    ours: u64,
    remark: Option<&'a str>,
}

#[derive(Serialize)]
struct Lost {
    ring: u64,
    counted: u64,
    decode: u64,
    table: u64,
    slot: u64,
    read: u64,
    skipped: u64,
    unprinted: u64,
    undecided: u64,
}

#[derive(Serialize)]
struct VerdictObject<'a> {
    cause: &'a str,
    confidence: Option<f64>,
    text: &'a str,
    remedy: Vec<&'a str>,
    remedy_prices: Vec<&'a str>,
    r#for: &'a [String],
    against: &'a [String],
}

#[derive(Serialize)]
struct EnvironmentObject<'a> {
    kernel: Option<&'a str>,
    /// `null`: not read.
    sysctls: Option<&'a BTreeMap<String, String>>,
    own_nat: Option<OwnNatObject>,
    /// `null`: not read.
    counters: Option<&'a BTreeMap<String, u64>>,
}

#[derive(Serialize)]
struct OwnNatObject {
    rules: u32,
    random_fully: u32,
    conntrack: bool,
}

#[derive(Serialize)]
struct UnsentObject {
    by_cause: BTreeMap<&'static str, u64>,
    sources: Vec<UnsentRow>,
}

#[derive(Serialize)]
struct UnsentRow {
    src: IpAddr,
    drops: u64,
}

#[derive(Serialize)]
struct LeftOut {
    seen: BTreeMap<&'static str, u64>,
    wire: u64,
    not_looked_at: Vec<&'static str>,
}

impl<'a> From<&'a Environment> for EnvironmentObject<'a> {
    fn from(environment: &'a Environment) -> Self {
        let Environment { kernel, sysctls, sysctls_read, own_nat, counters } = environment;
        Self {
            kernel: kernel.as_deref(),
            sysctls: sysctls_read.then_some(sysctls),
            own_nat: own_nat.as_ref().map(|nat| OwnNatObject {
                rules: nat.rules,
                random_fully: nat.random_fully,
                conntrack: nat.conntrack,
            }),
            counters: Some(counters).filter(|counters| !counters.is_empty()),
        }
    }
}

/// In thousandths, which is finer than anyone knows it; `None` for what is no number.
fn thousandths(confidence: f64) -> Option<f64> {
    confidence.is_finite().then(|| (confidence.clamp(0.0, 1.0) * 1000.0).round() / 1000.0)
}

pub(super) fn causes(by_cause: &BTreeMap<Cause, u64>) -> BTreeMap<&'static str, u64> {
    by_cause.iter().map(|(cause, n)| (cause.name(), *n)).collect()
}

impl From<report::Retries> for Retries {
    fn from(retries: report::Retries) -> Self {
        let report::Retries { refused, came_back, got_in, waited_ms, longest_ms } = retries;
        Self { refused, came_back, got_in, waited_ms, longest_ms }
    }
}

impl<'a> From<&'a CounterCheck> for Check<'a> {
    fn from(check: &'a CounterCheck) -> Self {
        Self { counter: &check.name, kernel: check.kernel, ours: check.ours, remark: check.remark.as_deref() }
    }
}

impl<'a> From<&'a Nat> for NatObject<'a> {
    fn from(nat: &'a Nat) -> Self {
        Self {
            verdict: nat.verdict.name(),
            hosts: nat.hosts,
            hosts_at_least: nat.hosts_at_least,
            confidence: thousandths(nat.confidence),
            evidence: &nat.evidence,
            port_jumps: nat.port_jumps,
        }
    }
}

impl<'a> From<&'a Verdict> for VerdictObject<'a> {
    fn from(verdict: &'a Verdict) -> Self {
        Self {
            cause: &verdict.cause,
            confidence: thousandths(verdict.confidence),
            text: &verdict.text,
            remedy: verdict.remedy.iter().map(|remedy| remedy.action.as_str()).collect(),
            remedy_prices: verdict.remedy.iter().map(|remedy| remedy.price.as_str()).collect(),
            r#for: &verdict.speaks_for,
            against: &verdict.speaks_against,
        }
    }
}

pub(super) fn source(source: &Source) -> SourceRow<'_> {
    let classes = (0..).zip(source.regressions.0);
    SourceRow {
        src: source.src,
        syns: source.syns,
        drops: source.drops,
        unsent: source.unsent,
        paws: source.paws,
        max_regression: source.max_regression,
        first: time(source.first),
        last: time(source.last),
        nat: source.nat.as_ref().map(NatObject::from),
        by_cause: causes(&source.by_cause),
        last_regression: source.last_regression,
        regressions: classes.filter(|(_, n)| *n > 0).map(|(class, n)| (1 << class, n)).collect(),
        retries: source.retries.into(),
    }
}

/// The last line.
pub fn summary(summary: &Summary) -> String {
    let lost = summary.lost;
    text(&SummaryLine {
        r#type: "summary",
        schema: SCHEMA,
        time: time(summary.time),
        elapsed_ms: summary.elapsed_ms,
        syns: summary.syns,
        accepted: summary.accepted,
        unreported: summary.unreported,
        drops: summary.drops,
        by_cause: causes(&summary.by_cause),
        retries: summary.retries.into(),
        sources: summary.sources.iter().map(source).collect(),
        sources_total: summary.sources_total,
        other: Other {
            syns: summary.other.syns,
            drops: summary.other.drops,
            paws: summary.other.paws,
            by_cause: causes(&summary.other.by_cause),
        },
        clocks_evicted: summary.clocks_evicted,
        by_reason: by_reason(&summary.reasons),
        by_reason_other: summary.reasons.beyond,
        by_reason_none: summary.reasons.none,
        listeners: summary.listeners.full.iter().map(ListenerRow::from).collect(),
        listeners_other: summary.listeners.beyond,
        snmp: summary.snmp.iter().map(|check| (check.name.as_str(), check.kernel)).collect(),
        snmp_check: summary.snmp.iter().map(Check::from).collect(),
        snmp_left_out: summary.snmp_left_out,
        lost: Lost {
            ring: lost.ring,
            counted: lost.counted,
            decode: lost.decode,
            table: lost.table,
            slot: lost.slot,
            read: lost.read,
            skipped: lost.skipped,
            unprinted: lost.unprinted,
            undecided: lost.undecided,
        },
        unsent: UnsentObject {
            by_cause: causes(&summary.unsent.by_cause),
            sources: summary.unsent.sources.iter().map(|&(src, drops)| UnsentRow { src, drops }).collect(),
        },
        blind: summary.blind.iter().map(|cause| cause.name()).collect(),
        missing: missing(&summary.missing),
        verdict: summary.verdict.as_ref().map(VerdictObject::from),
        environment: EnvironmentObject::from(&summary.environment),
        left_out: LeftOut {
            seen: causes(&summary.left_out.seen),
            wire: summary.left_out.wire,
            not_looked_at: summary.left_out.not_looked_at.iter().map(|cause| cause.name()).collect(),
        },
        by_listener: summary.served.iter().map(ServedRow::from).collect(),
        by_listener_other: summary.served_other,
        capture: summary.capture.as_ref().map(Into::into),
    })
}
