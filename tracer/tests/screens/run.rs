//! A run of simulated clients, as far as a screen shows it.

use std::net::IpAddr;

use tracer::{
    analysis::{
        engine::{Engine, Limits},
        recent::Recent,
        summary::{JUDGED, so_far},
    },
    model::{
        Answer, Cause, Drop, Evidence, Flow, Nanos, Observation, OptionKinds, Stage, Syn,
        environment::Environment,
        reading::{Accepted, Stack, Via},
        report::{Ending, FilterWords, Start, Summary},
    },
};

const BEGUN: i64 = 1_700_000_000;

/// A run, as far as a screen shows it.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) start: Start,
    pub(crate) engine: Engine,
    pub(crate) recent: Recent,
    pub(crate) ending: Ending,
    pub(crate) seconds: i64,
}

fn time(millis: i64) -> Nanos {
    Nanos((BEGUN * 1000 + millis) * 1_000_000)
}

fn options() -> OptionKinds {
    "mss,sok,ts,nop,ws".parse().unwrap_or_default()
}

fn flow(src: &str, sport: u16) -> Flow {
    let address = |text: &str| text.parse::<IpAddr>().expect("an address");
    let dst = if src.contains(':') { "2001:db8:5e::7" } else { "198.51.100.7" };
    Flow { src: address(src), sport, dst: address(dst), dport: 443 }
}

impl Run {
    pub(crate) fn new() -> Self {
        let start = Start {
            time: time(0),
            version: "0.1.0".into(),
            kernel: Some("6.12.9".into()),
            set: "fentry".into(),
            attached: vec!["tcp_conn_request".into()],
            filter: FilterWords { ports: vec![(443, 443)], ..FilterWords::default() },
            ..Start::default()
        };
        let ending = Ending {
            syns: Some(0),
            environment: Environment { kernel: Some("6.12.9".into()), ..Environment::default() },
            ..Ending::default()
        };
        Self { start, engine: Engine::new(Limits::default()), recent: Recent::default(), ending, seconds: 42 }
    }

    fn observe(&mut self, observation: &Observation) {
        self.engine.observe(observation);
        self.recent.observe(observation);
        self.ending.syns = self.ending.syns.map(|n| n + 1);
    }

    pub(crate) fn answered(&mut self, src: &str, sport: u16, millis: i64, tsval: u32) {
        let stack = Stack {
            ttl: Some(61),
            window: Some(64_240),
            mss: Some(1460),
            wscale: Some(7),
            options: Some(options()),
        };
        self.observe(&Observation::Accepted(Accepted {
            time: time(millis),
            flow: flow(src, sport),
            netns: Some(1),
            seq: Some(u32::from(sport).wrapping_mul(7919)),
            tsval: Some(tsval),
            stack,
            via: Via::Syn,
            unreported: 0,
        }));
    }

    pub(crate) fn dropped(
        &mut self,
        cause: Cause,
        src: &str,
        sport: u16,
        millis: i64,
        tsvals: (u32, Option<u32>),
    ) {
        let paws = cause.is_paws();
        self.observe(&Observation::Drop(Drop {
            evidence: Evidence::Kernel,
            time: time(millis),
            flow: flow(src, sport),
            netns: Some(1),
            netns_name: None,
            ifname: None,
            stage: if paws { Stage::TimeWait } else { Stage::Listen },
            cause,
            reason: paws.then(|| "TCP_RFC7323_TW_PAWS".into()),
            snmp: paws.then_some("TcpExtPAWSTimewait".into()),
            syn: Syn {
                seq: u32::from(sport).wrapping_mul(104_729),
                window: 64_240,
                ttl: 61,
                tsval: Some(tsvals.0),
                tsecr: Some(0),
                mss: Some(1460),
                wscale: Some(7),
                options: options(),
                malformed: false,
            },
            ts_recent: tsvals.1,
            ts_age_ms: paws.then_some(2000),
            answer: Some(if paws { Answer::Ack } else { Answer::None }),
            accept_queue: (cause == Cause::AcceptQueueFull).then_some((129, 128)),
            syn_queue: (cause == Cause::AcceptQueueFull).then_some((3, 4096)),
            listener: None,
        }));
    }

    /// Three hosts behind one address; now and then a port goes to one whose clock is behind.
    pub(crate) fn nat(&mut self, src: &str) {
        let clocks = [3_000_000_000_u32, 2_222_400_000, 2_866_800_000];
        for n in 0..180_i64 {
            let millis = n * 230;
            let host = usize::try_from(n * n / 3 + n).unwrap_or(0) % 3;
            let tsval = |host: usize| clocks[host] + u32::try_from(millis).unwrap_or(0);
            let sport = 40_000 + u16::try_from(n % 40).unwrap_or(0);
            if n % 6 == 5 && host != 0 {
                self.dropped(Cause::PawsTimeWait, src, sport, millis, (tsval(host), Some(tsval(0) - 2000)));
            } else {
                self.answered(src, sport, millis, tsval(host));
            }
        }
    }

    /// One host with one clock.
    pub(crate) fn one(&mut self, src: &str, offset: u32, every: i64) {
        for n in 0..40_000 / every {
            let millis = n * every;
            let sport = 50_000 + u16::try_from(n % 5000).unwrap_or(0);
            self.answered(src, sport, millis, offset + u32::try_from(millis).unwrap_or(0));
        }
    }

    /// A new clock for every connection, and one port again and again.
    pub(crate) fn one_client(&mut self, src: &str) {
        for n in 0..160_u32 {
            let millis = i64::from(n) * 250;
            let tsval = n.wrapping_mul(2_654_435_761);
            let sport = 41_000 + u16::try_from(n % 8).unwrap_or(0);
            let before = n.saturating_sub(8).wrapping_mul(2_654_435_761);
            if before.wrapping_sub(tsval).cast_signed() > 0 && n > 8 {
                self.dropped(Cause::PawsTimeWait, src, sport, millis, (tsval, Some(before)));
            } else {
                self.answered(src, sport, millis, tsval);
            }
        }
    }

    pub(crate) fn summary(&self) -> Summary {
        let ending = Ending {
            time: time(self.seconds * 1000),
            elapsed_ms: u64::try_from(self.seconds * 1000).unwrap_or(0),
            ..self.ending.clone()
        };
        so_far(&self.start, ending, self.engine.snapshot(JUDGED))
    }
}
