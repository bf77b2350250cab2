//! What a table may expect. What it does not name is not compared; drops by cause and the rule that speaks it must name.

use std::{collections::BTreeMap, net::IpAddr};

use serde::Deserialize;
use tracer::model::{Cause, nat::NatVerdict};

use super::words::Named;

/// All of it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Expect {
    /// The rule that speaks, or `none`.
    pub(crate) rule: String,
    pub(crate) drops: u64,
    pub(crate) by_cause: BTreeMap<Named<Cause>, u64>,
    pub(crate) accepted: Option<u64>,
    pub(crate) wire: Option<u64>,
    pub(crate) sources_total: Option<u64>,
    pub(crate) retries: Option<Retries>,
    #[serde(default)]
    pub(crate) source: Vec<Source>,
    pub(crate) verdict: Option<Verdict>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Retries {
    pub(crate) refused: u64,
    pub(crate) came_back: u64,
    pub(crate) got_in: u64,
    pub(crate) waited_ms: Option<u64>,
    pub(crate) longest_ms: Option<u64>,
}

/// One address.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Source {
    pub(crate) src: IpAddr,
    pub(crate) syns: Option<u64>,
    pub(crate) drops: Option<u64>,
    pub(crate) paws: Option<u64>,
    pub(crate) max_regression: Option<i32>,
    pub(crate) last_regression: Option<i32>,
    pub(crate) retries: Option<Retries>,
    pub(crate) nat: Option<Nat>,
}

/// Who is behind it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Nat {
    pub(crate) verdict: Named<NatVerdict>,
    /// Their number; `unknown` where clocks cannot tell.
    pub(crate) hosts: Option<Hosts>,
    pub(crate) hosts_at_least: Option<u32>,
    pub(crate) confidence: Option<(f64, f64)>,
    /// Ticks a second of the clocks that are listed, within a hundredth, in any order.
    pub(crate) rates: Option<Vec<f64>>,
    pub(crate) port_jumps: Option<(u64, u64)>,
    #[serde(default)]
    pub(crate) evidence: Vec<String>,
    #[serde(default)]
    pub(crate) not_evidence: Vec<String>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Hosts {
    Unknown,
    #[serde(untagged)]
    Number(u32),
}

/// The verdict. Words must stand somewhere in the text, in one of the sentences, in one of the remedies; those of `not_` in
/// none.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Verdict {
    pub(crate) cause: String,
    pub(crate) confidence: Option<(f64, f64)>,
    #[serde(default)]
    pub(crate) text: Vec<String>,
    #[serde(default)]
    pub(crate) not_text: Vec<String>,
    #[serde(default)]
    pub(crate) speaks_for: Vec<String>,
    #[serde(default)]
    pub(crate) speaks_against: Vec<String>,
    #[serde(default)]
    pub(crate) not_against: Vec<String>,
    /// The first that is advised.
    pub(crate) first_remedy: Option<String>,
    #[serde(default)]
    pub(crate) remedy: Vec<String>,
    #[serde(default)]
    pub(crate) not_remedy: Vec<String>,
    #[serde(default)]
    pub(crate) price: Vec<String>,
}
