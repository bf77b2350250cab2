//! What is drawn: each incident, and what someone may have typed before it.

use tracer::{
    model::{
        Cause,
        report::{CounterCheck, Lost},
    },
    render::top::{Mode, Play, Sort, State},
};

use super::run::Run;

/// What surrounds a run.
#[derive(Default)]
pub(crate) struct Around {
    pub(crate) state: State,
    pub(crate) play: Option<Play>,
    pub(crate) writing: Option<&'static str>,
    pub(crate) note: Option<&'static str>,
    pub(crate) ascii: bool,
}

pub(crate) fn incident() -> Run {
    let mut run = Run::new();
    run.nat("10.77.0.1");
    run.one("192.0.2.31", 77_000, 400);
    run.one("2001:db8:1234:5678:9abc:def0:1234:5678", 990_000_000, 900);
    run.dropped(Cause::OldSequence, "192.0.2.31", 50_003, 20_000, (77_100, Some(97_000)));
    run
}

fn blind() -> Run {
    let mut run = Run::new();
    run.start.set = "tracepoint".into();
    run.start.blind =
        vec![Cause::AcceptQueueFull, Cause::SynQueueFull, Cause::PeerNotProven, Cause::ListenOther];
    run.one("192.0.2.31", 77_000, 400);
    run.ending.syns = None;
    run.ending.snmp = vec![CounterCheck {
        name: "TcpExtListenOverflows".into(),
        kernel: 317,
        ours: 0,
        remark: Some("317 more counted than seen: this hook set does not see accept-queue-full".into()),
    }];
    run.ending.environment.counters = [("TcpExtListenOverflows".into(), 317)].into();
    run
}

fn queue() -> Run {
    let mut run = Run::new();
    for n in 0..900_u16 {
        let src = format!("203.0.113.{}", n % 23);
        let millis = i64::from(n) * 44;
        if n % 3 == 0 {
            run.answered(&src, 30_000 + n, millis, 5_000_000 + u32::from(n) * 44);
        } else {
            run.dropped(
                Cause::AcceptQueueFull,
                &src,
                30_000 + n,
                millis,
                (5_000_000 + u32::from(n) * 44, None),
            );
        }
    }
    run
}

fn lossy() -> Run {
    let mut run = incident();
    run.ending.lost = Lost { ring: 1234, decode: 2, ..Lost::default() };
    run
}

fn one_client() -> Run {
    let mut run = Run::new();
    run.one_client("192.0.2.77");
    run
}

fn mode(mode: Mode) -> Around {
    Around { state: State { mode, ..State::default() }, ..Around::default() }
}

pub(crate) fn screens() -> Vec<(&'static str, Run, Around)> {
    let typing = |filter: &str| Mode::Filter { typed: filter.into() };
    vec![
        ("nothing", Run { seconds: 3, ..Run::new() }, Around::default()),
        ("nat", incident(), Around::default()),
        ("one-client", one_client(), Around::default()),
        ("accept-queue", queue(), Around::default()),
        ("blind", blind(), Around::default()),
        ("lost", lossy(), Around::default()),
        ("details-nat", incident(), mode(Mode::Details { scroll: 0 })),
        ("details-one-client", one_client(), mode(Mode::Details { scroll: 0 })),
        ("verdict", incident(), mode(Mode::Verdict { scroll: 0 })),
        ("help", incident(), mode(Mode::Help { scroll: 0 })),
        ("filter", incident(), mode(typing("one host"))),
        ("save", incident(), mode(Mode::Save { typed: "incident.ndjson".into() })),
        (
            "paused",
            incident(),
            Around {
                state: State {
                    paused: true,
                    sort: Sort::Last,
                    chosen: "192.0.2.31".parse().ok(),
                    ..State::default()
                },
                writing: Some("incident.ndjson"),
                ..Around::default()
            },
        ),
        (
            "replay",
            incident(),
            Around {
                play: Some(Play { speed: 10, ended: false }),
                note: Some("10 times as fast as it happened"),
                ..Around::default()
            },
        ),
        ("ascii", incident(), Around { ascii: true, ..mode(Mode::Details { scroll: 0 }) }),
        ("ascii-overview", incident(), Around { ascii: true, ..Around::default() }),
    ]
}
