//! The lines that `tracer -o json` prints, read as the contract words them: a missing key or a key of another type is a
//! broken line.

use std::{collections::BTreeMap, net::IpAddr};

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;
use serde_json::Value;

/// Keys of each kind of line; `null` counts as there.
const START: [&str; 7] = ["schema", "version", "kernel", "hooks", "filter", "blind", "type"];
const DROP: [&str; 27] = [
    "schema",
    "time",
    "family",
    "src",
    "sport",
    "dst",
    "dport",
    "netns",
    "ifname",
    "stage",
    "cause",
    "paws",
    "reason",
    "snmp",
    "seq",
    "tsval",
    "ts_recent",
    "regression",
    "ts_age_ms",
    "answer",
    "ttl",
    "mss",
    "wscale",
    "window",
    "options",
    "listener",
    "type",
];
const SUMMARY: [&str; 12] = [
    "schema",
    "elapsed_ms",
    "syns",
    "accepted",
    "unreported",
    "drops",
    "by_cause",
    "sources",
    "sources_total",
    "snmp",
    "lost",
    "verdict",
];

/// The start line.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Start {
    pub(crate) kernel: String,
    pub(crate) hooks: Hooks,
    pub(crate) blind: Vec<String>,
}

/// Which hooks are in place.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Hooks {
    pub(crate) set: String,
    pub(crate) attached: Vec<String>,
    pub(crate) missing: Vec<Missing>,
}

/// A hook that is not in place.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Missing {
    pub(crate) hook: String,
    pub(crate) why: String,
}

/// A dropped SYN.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Event {
    pub(crate) time: String,
    pub(crate) family: u8,
    pub(crate) src: IpAddr,
    pub(crate) sport: u16,
    pub(crate) dst: IpAddr,
    pub(crate) dport: u16,
    pub(crate) netns: Option<u32>,
    pub(crate) netns_name: Option<String>,
    pub(crate) ifname: Option<String>,
    pub(crate) stage: String,
    pub(crate) cause: String,
    pub(crate) paws: bool,
    pub(crate) reason: Option<String>,
    pub(crate) snmp: Option<String>,
    pub(crate) seq: u32,
    pub(crate) tsval: Option<u32>,
    pub(crate) ts_recent: Option<u32>,
    pub(crate) regression: Option<i64>,
    pub(crate) ts_age_ms: Option<u64>,
    pub(crate) answer: Option<String>,
    pub(crate) ttl: u8,
    pub(crate) mss: Option<u16>,
    pub(crate) wscale: Option<u8>,
    pub(crate) window: u16,
    pub(crate) options: String,
    pub(crate) listener: Option<Listener>,
}

/// Who listens.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Listener {
    pub(crate) pid: u32,
    pub(crate) comm: String,
}

/// Drops of a listening address.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Listened {
    pub(crate) listener: Option<Listener>,
    pub(crate) drops: u64,
}

/// The last line.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Summary {
    pub(crate) elapsed_ms: u64,
    pub(crate) accepted: u64,
    pub(crate) unreported: u64,
    pub(crate) drops: u64,
    pub(crate) by_cause: BTreeMap<String, u64>,
    pub(crate) sources: Vec<Source>,
    pub(crate) sources_total: u64,
    pub(crate) snmp: BTreeMap<String, u64>,
    #[serde(default)]
    pub(crate) snmp_check: Vec<Check>,
    pub(crate) lost: BTreeMap<String, u64>,
    pub(crate) verdict: Option<Verdict>,
    #[serde(default)]
    pub(crate) by_listener: Vec<Listened>,
}

impl Summary {
    /// Every record came. Runs of programs that the kernel skipped are none: tracers beside one another skip each other's.
    pub(crate) fn nothing_lost(&self) -> bool {
        self.lost.iter().all(|(place, lost)| *lost == 0 || place == "skipped")
    }
}

/// A source in the summary.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Source {
    pub(crate) src: IpAddr,
    pub(crate) syns: Option<u64>,
    pub(crate) drops: u64,
    #[serde(default)]
    pub(crate) unsent: u64,
    pub(crate) paws: u64,
    pub(crate) max_regression: Option<i64>,
    pub(crate) nat: Option<Nat>,
}

/// Who is behind a source.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Nat {
    pub(crate) verdict: String,
    pub(crate) hosts: Option<u32>,
    pub(crate) hosts_at_least: u32,
    pub(crate) confidence: f64,
    pub(crate) port_jumps: u64,
    pub(crate) evidence: Vec<String>,
}

/// What it all means.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Verdict {
    pub(crate) cause: String,
    pub(crate) confidence: f64,
    pub(crate) text: String,
    pub(crate) remedy: Vec<String>,
}

/// A counter of the kernel's beside ours.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Check {
    pub(crate) counter: String,
    pub(crate) kernel: u64,
    pub(crate) ours: u64,
    pub(crate) remark: Option<String>,
}

/// Any line.
#[derive(Clone, Debug)]
pub(crate) enum Line {
    Start(Start),
    Drop(Box<Event>),
    Summary(Box<Summary>),
}

/// Reads a line.
pub(crate) fn line(text: &str) -> Result<Line> {
    let value: Value = serde_json::from_str(text).context("no JSON")?;
    let has = |keys: &[&str]| -> Result<()> {
        let missing: Vec<_> = keys.iter().filter(|key| value.get(**key).is_none()).collect();
        ensure!(missing.is_empty(), "the contract's keys {missing:?} are missing");
        ensure!(value["schema"] == 1, "schema {}", value["schema"]);
        Ok(())
    };
    Ok(match value["type"].as_str() {
        Some("start") => {
            has(&START)?;
            Line::Start(serde_json::from_value(value).context("a start line")?)
        }
        Some("drop") => {
            has(&DROP)?;
            Line::Drop(serde_json::from_value(value).context("a drop line")?)
        }
        Some("summary") => {
            has(&SUMMARY)?;
            Line::Summary(serde_json::from_value(value).context("a summary line")?)
        }
        other => anyhow::bail!("a line of type {other:?}"),
    })
}
