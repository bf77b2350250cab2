//! The shape of a table: the machine, the hosts and what became of their SYNs. A key that is not here is an error.
//!
//! Times are seconds since the run began.

use std::{collections::BTreeMap, net::IpAddr};

use serde::Deserialize;
use toml::Spanned;
use tracer::model::{Answer, Cause, Evidence, Stage, reading::Via};

use super::{
    expect::Expect,
    words::{Asked, Layout, Named},
};

/// One scenario.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Table {
    /// What it is about, in one sentence.
    pub(crate) what: String,
    /// The program is wrong, and in what. The scenario then fails as expected, and must be told when it no longer does.
    pub(crate) known_defect: Option<Defect>,
    /// Why this may come out differently when SYNs that arrive together are reported in another order.
    pub(crate) order_matters: Option<String>,
    /// How often it is played, each time with other ports, sequence numbers and clocks where the table leaves them open.
    #[serde(default = "twice")]
    pub(crate) seeds: u64,
    /// `--cause`.
    pub(crate) asked: Option<Named<Asked>>,
    /// Causes that the hook set does not see.
    #[serde(default)]
    pub(crate) blind: Vec<Named<Cause>>,
    /// A filter is set.
    #[serde(default)]
    pub(crate) filtered: bool,
    #[serde(default)]
    pub(crate) environment: Environment,
    /// The kernel's counters; left out: not read.
    pub(crate) counters: Option<Counters>,
    #[serde(default)]
    pub(crate) lost: Lost,
    #[serde(default)]
    pub(crate) host: Vec<Spanned<Host>>,
    pub(crate) expect: Expect,
}

/// What is wrong with the program.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Defect {
    pub(crate) why: String,
    /// What is not as expected because of it, as differences begin: `verdict.text`. Anything else still fails.
    pub(crate) differs: Vec<String>,
}

fn twice() -> u64 {
    2
}

/// The machine that drops.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Environment {
    pub(crate) kernel: Option<String>,
    /// Left out: not read. Those that are not in it do not exist.
    pub(crate) sysctls: Option<BTreeMap<String, i64>>,
    pub(crate) own_nat: Option<OwnNat>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct OwnNat {
    pub(crate) rules: u32,
    pub(crate) random_fully: u32,
}

/// How the kernel's counters moved.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Counters {
    /// Each drop moves its own counter (`snmp`), and the kernel counted just these.
    #[serde(default = "yes")]
    pub(crate) agree: bool,
    /// What they moved beyond that.
    #[serde(default)]
    pub(crate) more: BTreeMap<String, u64>,
}

fn yes() -> bool {
    true
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Lost {
    pub(crate) ring: u64,
    pub(crate) decode: u64,
    pub(crate) slot: u64,
    pub(crate) read: u64,
}

/// Hosts of one kind, and their SYNs.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Host {
    /// By which `remembers` calls it.
    #[serde(default)]
    pub(crate) name: String,
    /// The address that the server sees.
    pub(crate) src: IpAddr,
    /// Addresses from `src` on, each with hosts of its own.
    #[serde(default = "one")]
    pub(crate) sources: u32,
    #[serde(default = "server")]
    pub(crate) dst: IpAddr,
    #[serde(default = "https")]
    pub(crate) dport: u16,
    #[serde(default = "initial_netns")]
    pub(crate) netns: u32,

    /// Hosts behind the address, with clocks that are drawn.
    pub(crate) hosts: Option<u32>,
    /// ... or where their clocks stand at second 0, one host each.
    pub(crate) starts: Option<Vec<u32>>,
    #[serde(default)]
    pub(crate) clock: ClockKind,
    #[serde(default = "milliseconds")]
    pub(crate) hz: f64,
    #[serde(default)]
    pub(crate) skew_ppm: f64,
    /// Spans in which the clock stands still.
    #[serde(default)]
    pub(crate) sleeps: Vec<(f64, f64)>,
    /// The clock begins anew at this second, and where.
    pub(crate) restart: Option<Restart>,

    /// SYNs of each host.
    #[serde(default = "one")]
    pub(crate) syns: u32,
    #[serde(default)]
    pub(crate) from: f64,
    /// Seconds between two of them.
    #[serde(default = "second")]
    pub(crate) every: f64,
    /// ... or the very times.
    pub(crate) at: Option<Vec<f64>>,
    /// Addresses begin within this time, one after the other.
    #[serde(default)]
    pub(crate) spread: f64,
    /// Delay on the way, milliseconds, up to this.
    #[serde(default)]
    pub(crate) jitter_ms: f64,
    /// An answered SYN comes again: every so many, after so many seconds.
    pub(crate) comes_again: Option<(u32, f64)>,

    #[serde(default)]
    pub(crate) ports: Ports,
    #[serde(default = "linux_ttl")]
    pub(crate) ttl: u8,
    #[serde(default = "linux_options")]
    pub(crate) options: Named<Layout>,
    #[serde(default = "ethernet")]
    pub(crate) mss: u16,
    #[serde(default = "linux_wscale")]
    pub(crate) wscale: u8,
    /// What reports that a SYN was answered.
    #[serde(default = "by_syn")]
    pub(crate) via: Named<Via>,
    /// Further SYNs that each report of an answered one stands for.
    #[serde(default)]
    pub(crate) unreported: u32,

    #[serde(default)]
    pub(crate) refused: Vec<Refused>,
}

fn one() -> u32 {
    1
}
fn server() -> IpAddr {
    IpAddr::from([198, 51, 100, 10])
}
fn https() -> u16 {
    443
}
fn initial_netns() -> u32 {
    4_026_531_840
}
fn milliseconds() -> f64 {
    1000.0
}
fn second() -> f64 {
    1.0
}
fn linux_ttl() -> u8 {
    55
}
fn linux_options() -> Named<Layout> {
    let mut kinds = tracer::model::OptionKinds::default();
    for kind in [2, 4, 8, 1, 3] {
        kinds.push(kind);
    }
    Named(Layout(kinds))
}
fn ethernet() -> u16 {
    1460
}
fn linux_wscale() -> u8 {
    7
}
fn by_syn() -> Named<Via> {
    Named(Via::Syn)
}

/// What TSval counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum ClockKind {
    /// One clock for this server: Linux before 2026, Android.
    #[default]
    Line,
    /// A clock for each connection: macOS, iOS, FreeBSD; Linux since 2026 where the NAT draws new ports.
    PerConnection,
    /// A clock for each port: Linux since 2026 without a NAT, or with one that keeps ports.
    PerPort,
    /// No timestamps: Windows.
    None,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Restart {
    pub(crate) at: f64,
    /// Left out: drawn.
    pub(crate) start: Option<u32>,
}

/// Ports of the connections.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Ports {
    /// Any of an ephemeral range.
    #[default]
    Random,
    /// Each a little above the last.
    Ascending,
    /// These in turn.
    #[serde(untagged)]
    These(Vec<u16>),
}

/// SYNs that are dropped.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Refused {
    /// Which of the host's SYNs, from 1 on; left out: all of them.
    #[serde(default)]
    pub(crate) which: Vec<u32>,
    /// ... or every so many.
    pub(crate) every: Option<u32>,
    pub(crate) cause: Named<Cause>,
    /// Left out: that of the cause.
    pub(crate) stage: Option<Named<Stage>>,
    #[serde(default = "by_kernel")]
    pub(crate) evidence: Named<Evidence>,
    /// The host that used the port before; `another`: one of those behind the same address whose clock is ahead. A SYN
    /// of the one that is ahead of all is not dropped.
    pub(crate) remembers: Option<String>,
    /// ... or by how many ticks TSval is behind; of a clock for each connection left out: drawn.
    pub(crate) behind: Option<u32>,
    /// How long ago the timestamp was recorded, milliseconds.
    pub(crate) age_ms: Option<u64>,
    pub(crate) answer: Option<Named<Answer>>,
    pub(crate) reason: Option<String>,
    /// The counter that each of them moves.
    pub(crate) snmp: Option<String>,
    pub(crate) accept_queue: Option<(u32, u32)>,
    pub(crate) syn_queue: Option<(u32, u32)>,
    /// Seconds after the first at which the same SYN comes again and is dropped again.
    #[serde(default)]
    pub(crate) again: Vec<f64>,
    /// Seconds after the first at which it gets in.
    pub(crate) gets_in: Option<f64>,
}

fn by_kernel() -> Named<Evidence> {
    Named(Evidence::Kernel)
}
