//! Pictures of the full-screen view: incidents of simulated clients, drawn at three sizes, against tests/screens/*.txt.
//!
//! `TRACER_SCREENS=write cargo test -p tracer --test screens` writes the pictures instead; look at them before you commit.
//! And whatever is on a screen of whatever size, drawing it does not panic.

mod screens {
    pub(crate) mod run;
    pub(crate) mod shown;
}

use std::{fmt::Write as _, fs, path::PathBuf};

use jiff::tz::TimeZone;
use proptest::prelude::*;
use ratatui::{buffer::Buffer, layout::Rect, style::Modifier};

use screens::{
    run::Run,
    shown::{Around, incident, screens},
};
use tracer::{
    analysis::recent::SECONDS,
    model::{Cause, report::Lost},
    render::top::{Look, Mode, Picked, Play, Sort, State, View, chosen, draw},
};

const SIZES: [(u16, u16); 3] = [(80, 24), (120, 40), (40, 10)];

fn drawn(run: &Run, around: &Around, (width, height): (u16, u16)) -> Buffer {
    let summary = run.summary();
    let now = summary.time;
    let rates = run.recent.rates().before(now, SECONDS.min(usize::try_from(run.seconds).unwrap_or(0)));
    let picked = Picked::of(&run.recent, chosen(&summary, &around.state).map(|source| source.src));
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
        let is_code = file.path().extension().is_some_and(|extension| extension == "rs");
        assert!(is_code || names.contains(&name), "{name} is no picture of any screen");
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
