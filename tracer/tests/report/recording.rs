//! Recordings made here: an incident with everything that a page shows, and the same with words that were made to break it.

use std::{collections::BTreeMap, net::IpAddr, sync::Arc};

use tracer::{
    analysis::{
        engine::Engine,
        summary::{JUDGED, sum_up},
    },
    model::{
        Answer, Cause, Drop, Evidence, Flow, Nanos, Observation, Stage, Syn,
        environment::{Environment, OwnNat},
        listener::Listener,
        reading::{Accepted, Stack, Via},
        report::{CounterCheck, Ending, FilterWords, Limits, Lost, Missing, Start},
    },
    render::json,
};

/// When it begins, nanoseconds since the epoch.
const BEGUN: i64 = 1_700_000_000_000_000_000;
/// How long it lasts, milliseconds.
const LONG_MS: i64 = 600_000;

/// Words that names of things could be.
pub(crate) struct Words {
    pub(crate) comm: String,
    pub(crate) cgroup: String,
    pub(crate) ifname: String,
    pub(crate) netns: String,
    pub(crate) reason: String,
    pub(crate) kernel: String,
    pub(crate) text: String,
}

impl Words {
    /// As they are on a machine.
    pub(crate) fn usual() -> Self {
        let id = "4f1f5c3d2b1a09876543210fedcba98765432100fedcba9876543210fedcba98";
        Self {
            comm: "nginx".into(),
            cgroup: format!("/system.slice/docker-{id}.scope"),
            ifname: "eth0".into(),
            netns: "web".into(),
            reason: "NETFILTER_DROP".into(),
            kernel: "6.12.9-amd64".into(),
            text: "see the log".into(),
        }
    }

    /// As an attacker would choose them.
    pub(crate) fn hostile() -> Self {
        let run = |n: u32| format!("window.hit={n}");
        Self {
            comm: format!("<script>{}</script>", run(1)),
            cgroup: format!("/\"><img src=x onerror=\"{}\">", run(2)),
            ifname: format!("' onmouseover='{}", run(3)),
            netns: format!("</title></style></script><script>{}</script>", run(4)),
            reason: format!("<!--<svg onload={}>-->", run(5)),
            kernel: format!("</script><iframe srcdoc=\"<script>parent.{}</script>\">", run(6)),
            text: format!(
                "\u{202e}<b style='position:fixed'>&lt;i&gt;\u{0}\u{7}<a href='javascript:{}'>",
                run(7)
            ),
        }
    }
}

fn at(ms: i64) -> Nanos {
    Nanos(BEGUN + ms * 1_000_000)
}

fn accepted(src: IpAddr, sport: u16, ms: i64, tsval: u32) -> Accepted {
    Accepted {
        time: at(ms),
        flow: flow(src, sport),
        netns: Some(7),
        seq: Some(tsval.wrapping_mul(2_654_435_761)),
        tsval: Some(tsval),
        stack: Stack { ttl: Some(61), window: Some(64_240), ..Stack::default() },
        via: Via::Syn,
        unreported: 0,
    }
}

fn address(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

fn flow(src: IpAddr, sport: u16) -> Flow {
    let dst = if src.is_ipv4() { "198.51.100.7" } else { "2001:db8:5e::7" };
    Flow { src, sport, dst: address(dst), dport: 443 }
}

fn dropped(cause: Cause, answered: &Accepted, words: &Words, listener: &Arc<Listener>) -> Drop {
    let tsval = answered.tsval.unwrap_or(0);
    Drop {
        evidence: Evidence::Kernel,
        time: answered.time,
        flow: answered.flow,
        netns: answered.netns,
        netns_name: Some(words.netns.as_str().into()),
        ifname: Some(words.ifname.as_str().into()),
        stage: if cause.is_paws() { Stage::TimeWait } else { Stage::Listen },
        cause,
        reason: (cause == Cause::Other).then(|| words.reason.as_str().into()),
        snmp: cause.is_paws().then(|| "TcpExtPAWSTimewait".into()),
        syn: Syn { seq: !tsval, ttl: 61, window: 64_240, tsval: Some(tsval), ..Syn::default() },
        ts_recent: cause.is_paws().then(|| tsval.wrapping_add(400_000_000)),
        ts_age_ms: Some(12_000),
        answer: Some(if cause.is_paws() { Answer::Ack } else { Answer::None }),
        accept_queue: (cause == Cause::AcceptQueueFull).then_some((129, 128)),
        syn_queue: None,
        listener: Some(Arc::clone(listener)),
    }
}

/// Three hosts behind one address, of which one is refused for a while; clients whose clocks go wild; thirty others, some of
/// which meet a full queue.
fn incident(words: &Words) -> Vec<Observation> {
    let listener = Arc::new(Listener {
        pid: 812,
        comm: words.comm.clone(),
        cgroup: Some(words.cgroup.clone()),
        processes: Some(4),
        sockets: None,
    });
    let mut seen = Vec::new();
    let mut random = fastrand::Rng::with_seed(11);
    let (office, phones) = (address("203.0.113.9"), address("2001:db8::77"));
    for ms in (0..LONG_MS).step_by(350) {
        let tick = u32::try_from(ms).unwrap_or(0);
        let host = random.usize(..3);
        let tsval = [1_000_000, 420_000_000, 830_000_000][host] + tick;
        let answered = accepted(office, 40_000 + random.u16(..40), ms, tsval);
        let burst = (120_000..420_000).contains(&ms) && host < 2 && random.u8(..4) == 0;
        seen.push(if burst {
            Observation::Drop(dropped(Cause::PawsTimeWait, &answered, words, &listener))
        } else {
            Observation::Accepted(answered)
        });
        if random.u8(..3) == 0 {
            seen.push(Observation::Accepted(accepted(phones, random.u16(1024..), ms + 20, random.u32(..))));
        }
        let other = random.u8(1..31);
        let answered = accepted(
            IpAddr::from([192, 0, 2, other]),
            random.u16(30_000..),
            ms + 40,
            77_000_000 * u32::from(other % 20) + tick,
        );
        let full = (300_000..330_000).contains(&ms) && random.u8(..2) == 0;
        let cause = if full { Cause::AcceptQueueFull } else { Cause::Other };
        seen.push(if full || random.u16(..150) == 0 {
            Observation::Drop(dropped(cause, &answered, words, &listener))
        } else {
            Observation::Accepted(answered)
        });
    }
    seen
}

/// What `tracer -w` would have written.
pub(crate) fn recording(words: &Words) -> String {
    let start = Start {
        types: None,
        time: at(0),
        version: "0.1.0".into(),
        kernel: Some(words.kernel.clone()),
        set: "fentry".into(),
        attached: vec!["tcp_conn_request".into(), "tcp_timewait_state_process".into(), "kfree_skb".into()],
        missing: vec![Missing { hook: "tcp_check_req".into(), why: words.text.clone() }],
        blind: vec![Cause::PawsSynRecv],
        filter: FilterWords {
            ports: vec![(443, 443)],
            interface: Some(words.ifname.clone()),
            ..FilterWords::default()
        },
        limits: Some(Limits::default()),
        capture: None,
    };
    let mut engine = Engine::new(Limits::default());
    let (mut lines, mut line) = (vec![json::start(&start)], String::new());
    let seen = incident(words);
    for observation in &seen {
        engine.observe(observation);
        match observation {
            Observation::Drop(drop) => json::drop(drop, &mut line),
            Observation::Accepted(syn) | Observation::Undecided(syn) => json::syn(syn, false, &mut line),
        }
        lines.push(line.clone());
    }
    let paws =
        seen.iter().filter(|one| matches!(one, Observation::Drop(drop) if drop.cause.is_paws())).count()
            as u64;
    let settings =
        [("net.core.somaxconn", "4096"), ("net.ipv4.tcp_timestamps", "1"), ("net.ipv4.tcp_syncookies", "1")];
    let ending = Ending {
        syns: Some(seen.len() as u64),
        snmp: vec![
            CounterCheck { name: "TcpExtPAWSTimewait".into(), kernel: paws, ours: paws, remark: None },
            CounterCheck {
                name: "TcpExtListenOverflows".into(),
                kernel: 90,
                ours: 41,
                remark: Some(words.text.clone()),
            },
        ],
        environment: Environment {
            kernel: Some(words.kernel.clone()),
            sysctls: settings.into_iter().map(|(name, value)| (name.into(), value.into())).collect(),
            sysctls_read: true,
            own_nat: Some(OwnNat { rules: 2, random_fully: 1, conntrack: true }),
            counters: BTreeMap::from([
                ("TcpExtPAWSTimewait".into(), paws),
                ("TcpExtTCPReqQFullDrop".into(), 3),
            ]),
        },
        ..Ending::unknown(Some(&start), at(LONG_MS), Lost { ring: 12, ..Lost::default() })
    };
    lines.push(json::summary(&sum_up(&start, ending, engine.snapshot(JUDGED))));
    lines.join("\n") + "\n"
}
