//! Pictures of the full-screen view: incidents of simulated clients, drawn at three sizes, against tests/screens/*.txt.
//!
//! `TRACER_SCREENS=write cargo test -p tracer --test screens` writes the pictures instead; look at them before you commit.
//! And whatever is on a screen of whatever size, drawing it does not panic.

use std::{fmt::Write as _, fs, net::IpAddr, path::PathBuf};

use jiff::tz::TimeZone;
use proptest::prelude::*;
use ratatui::{buffer::Buffer, layout::Rect, style::Modifier};

use tracer::{
    analysis::{
        engine::{Engine, Limits},
        recent::{Recent, SECONDS},
        summary::{JUDGED, so_far},
    },
    model::{
        Answer, Cause, Drop, Evidence, Flow, Nanos, Observation, OptionKinds, Stage, Syn,
        environment::Environment,
        reading::{Accepted, Stack, Via},
        report::{CounterCheck, Ending, FilterWords, LeftOut, Lost, Start, Summary},
    },
    render::top::{Look, Mode, Picked, Play, Sort, State, View, chosen, draw},
};

const BEGUN: i64 = 1_700_000_000;
const SIZES: [(u16, u16); 3] = [(80, 24), (120, 40), (40, 10)];

/// A run, as far as a screen shows it.
#[derive(Debug)]
struct Run {
    start: Start,
    engine: Engine,
    recent: Recent,
    ending: Ending,
    seconds: i64,
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
    fn new() -> Self {
        let start = Start {
            time: time(0),
            version: "0.1.0".into(),
            kernel: Some("6.12.9".into()),
            set: "fentry".into(),
            attached: vec!["tcp_conn_request".into()],
            missing: Vec::new(),
            blind: Vec::new(),
            filter: FilterWords { ports: vec![(443, 443)], ..FilterWords::default() },
            limits: None,
            capture: None,
        };
        let ending = Ending {
            time: time(0),
            elapsed_ms: 0,
            syns: Some(0),
            accepted: None,
            unreported: None,
            snmp: Vec::new(),
            snmp_left_out: 0,
            lost: Lost::default(),
            environment: Environment { kernel: Some("6.12.9".into()), ..Environment::default() },
            left_out: LeftOut::default(),
            capture: None,
        };
        Self { start, engine: Engine::new(Limits::default()), recent: Recent::default(), ending, seconds: 42 }
    }

    fn observe(&mut self, observation: &Observation) {
        self.engine.observe(observation);
        self.recent.observe(observation);
        self.ending.syns = self.ending.syns.map(|n| n + 1);
    }

    fn answered(&mut self, src: &str, sport: u16, millis: i64, tsval: u32) {
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

    fn dropped(&mut self, cause: Cause, src: &str, sport: u16, millis: i64, tsvals: (u32, Option<u32>)) {
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
    fn nat(&mut self, src: &str) {
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
    fn one(&mut self, src: &str, offset: u32, every: i64) {
        for n in 0..40_000 / every {
            let millis = n * every;
            let sport = 50_000 + u16::try_from(n % 5000).unwrap_or(0);
            self.answered(src, sport, millis, offset + u32::try_from(millis).unwrap_or(0));
        }
    }

    /// A new clock for every connection, and one port again and again.
    fn one_client(&mut self, src: &str) {
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

    fn summary(&self) -> Summary {
        let ending = Ending {
            time: time(self.seconds * 1000),
            elapsed_ms: u64::try_from(self.seconds * 1000).unwrap_or(0),
            ..self.ending.clone()
        };
        so_far(&self.start, ending, self.engine.snapshot(JUDGED))
    }
}

/// What surrounds a run.
#[derive(Default)]
struct Around {
    state: State,
    play: Option<Play>,
    writing: Option<&'static str>,
    note: Option<&'static str>,
    ascii: bool,
}

fn drawn(run: &Run, around: &Around, (width, height): (u16, u16)) -> Buffer {
    let summary = run.summary();
    let now = summary.time;
    let rates = run.recent.rates().before(now, SECONDS.min(usize::try_from(run.seconds).unwrap_or(0)));
    let mut picked = Picked::default();
    if let Some(source) = chosen(&summary, &around.state) {
        picked.drops = run.recent.drops(source.src).cloned().collect();
        picked.readings = run.recent.readings(source.src).collect();
    }
    let look = Look { color: true, unicode: !around.ascii, zone: TimeZone::UTC };
    let view = View {
        host: "web-1",
        start: &run.start,
        summary: &summary,
        rates: &rates,
        picked: &picked,
        now,
        state: &around.state,
        play: around.play,
        writing: around.writing,
        note: around.note,
        look: &look,
    };
    let mut buffer = Buffer::empty(Rect::new(0, 0, width, height));
    draw(&view, &mut buffer);
    buffer
}

/// The cells as text, with the rows that are reversed marked.
fn text(buffer: &Buffer) -> String {
    let mut text = String::new();
    for y in 0..buffer.area.height {
        let row: String = (0..buffer.area.width).map(|x| buffer[(x, y)].symbol()).collect();
        let reversed = buffer[(0, y)].modifier.contains(Modifier::REVERSED);
        let _ = writeln!(text, "{}{}", if reversed { '*' } else { '|' }, row.trim_end());
    }
    text
}

fn incident() -> Run {
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

fn screens() -> Vec<(&'static str, Run, Around)> {
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

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/screens")
}

#[test]
fn the_pictures() {
    let write = std::env::var("TRACER_SCREENS").is_ok_and(|word| word == "write");
    let mut wrong = Vec::new();
    let mut names = Vec::new();
    for (name, run, around) in screens() {
        for size in SIZES {
            let file = format!("{name}-{}x{}.txt", size.0, size.1);
            let path = folder().join(&file);
            let is = text(&drawn(&run, &around, size));
            if write {
                fs::write(&path, &is).expect("the folder is there");
            }
            let was = fs::read_to_string(&path).unwrap_or_default();
            if is != was {
                wrong.push(format!("{file} was\n{was}\nand is\n{is}"));
            }
            names.push(file);
        }
    }
    assert!(
        wrong.is_empty(),
        "{} pictures differ; where they should, type: TRACER_SCREENS=write cargo test -p tracer --test screens\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    for file in fs::read_dir(folder()).expect("the folder is there").flatten() {
        let name = file.file_name().to_string_lossy().into_owned();
        assert!(names.contains(&name), "{name} is no picture of any screen");
    }
}

/// What must be seen at a glance, on the smallest screen that shows more than a line.
#[test]
fn five_seconds() {
    let small = text(&drawn(&incident(), &Around::default(), (40, 10)));
    for words in ["PAWS in TIME_WAIT", "10.77.0.1", "NAT, 3 hosts", "paws-time-wait"] {
        assert!(small.contains(words), "{words:?} in\n{small}");
    }
}

/// Without colours nothing is coloured, and without Unicode there is only ASCII.
#[test]
fn plain_terminals() {
    for (name, run, around) in screens() {
        let around = Around { ascii: true, ..around };
        let picture = text(&drawn(&run, &around, (120, 40)));
        assert!(picture.is_ascii(), "{name}: {picture}");
    }
}

fn any_mode() -> impl Strategy<Value = Mode> {
    prop_oneof![
        Just(Mode::Overview),
        any::<u16>().prop_map(|scroll| Mode::Details { scroll }),
        any::<u16>().prop_map(|scroll| Mode::Verdict { scroll }),
        any::<u16>().prop_map(|scroll| Mode::Help { scroll }),
        ".{0,40}".prop_map(|typed| Mode::Filter { typed }),
        ".{0,300}".prop_map(|typed| Mode::Save { typed }),
    ]
}

/// SYNs at any time with any timestamps, from a few addresses.
fn any_run() -> impl Strategy<Value = Run> {
    let syn =
        (0_usize..4, any::<u16>(), any::<i32>(), any::<u32>(), prop::option::of(any::<u32>()), 0_usize..15);
    (prop::collection::vec(syn, 0..60), any::<[u64; 4]>(), 0_i64..500_000).prop_map(
        |(syns, lost, seconds)| {
            let mut run = Run { seconds, ..Run::new() };
            let sources = ["192.0.2.1", "10.0.0.1", "2001:db8:1234:5678:9abc:def0:1234:5678", "::1"];
            for (src, sport, millis, tsval, recent, cause) in syns {
                match recent {
                    Some(recent) => {
                        let cause = Cause::ALL[cause];
                        run.dropped(cause, sources[src], sport, millis.into(), (tsval, Some(recent)));
                    }
                    None => run.answered(sources[src], sport, millis.into(), tsval),
                }
            }
            let [ring, decode, slot, read] = lost;
            run.ending.lost = Lost { ring, decode, slot, read, ..Lost::default() };
            run.start.blind = Cause::ALL[..usize::try_from(ring % 5).unwrap_or(0)].to_vec();
            run
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn any_view_on_any_screen(
        run in any_run(),
        mode in any_mode(),
        sort in prop::sample::select(Sort::ALL.to_vec()),
        filter in ".{0,5}",
        paused in any::<bool>(),
        ascii in any::<bool>(),
        speed in prop::option::of(any::<u32>()),
        size in (0_u16..200, 0_u16..100),
    ) {
        let state = State { mode, sort, filter, chosen: "10.0.0.1".parse().ok(), paused };
        let play = speed.map(|speed| Play { speed, ended: paused });
        let around = Around { state, play, ascii, ..Around::default() };
        let buffer = drawn(&run, &around, size);
        prop_assert_eq!((buffer.area.width, buffer.area.height), size);
        for cell in buffer.content() {
            prop_assert!(!cell.symbol().chars().any(char::is_control), "{:?}", cell.symbol());
        }
    }
}
