//! What the full screen costs at 10,000 drops a second, in parts of a core: noting what happened, summing up, drawing.
//!
//! `cargo bench -p tracer --bench top`. Everything but the terminal itself is measured: the differences between two pictures
//! and the bytes that would be sent, too. Times are of the processor alone. With `--check` it fails over the budget.

mod shared {
    pub(crate) mod clock;
    pub(crate) mod traffic;
}

use std::{env, hint::black_box, io};

use jiff::tz::TimeZone;
use ratatui::{Terminal, TerminalOptions, Viewport, backend::CrosstermBackend, layout::Rect};
use shared::{
    clock::processor_ns,
    traffic::{client, flow, refused},
};
use tracer::{
    analysis::{
        engine::{Engine, Limits},
        recent::{Recent, SECONDS},
        summary::{JUDGED, so_far},
    },
    model::{
        Answer, Drop, Nanos, Observation,
        report::{Ending, Lost, Start},
    },
    render::top::{Look, Picked, State, View, chosen, draw},
};

const RATE: u32 = 10_000;
const FRAMES: i64 = 10;
/// What `tui::ui` spends on summing up at most: one part in so many.
const REST: i64 = 200;
/// Of a core.
const BUDGET: f64 = 0.02;

fn main() {
    let whole = env::args().any(|arg| arg == "--bench");
    let seconds = if whole { 20 } else { 1 };
    println!("{:<44} {:>9} {:>9} {:>9} {:>9}", "10,000 DROPS A SECOND", "NOTE", "SUM UP", "DRAW", "ALL");
    let mut worst = 0.0_f64;
    for (what, sources, size) in [
        ("ten sources, 80x24", 10, (80, 24)),
        ("a thousand sources, 120x40", 1000, (120, 40)),
        ("sixty thousand sources, 120x40", 60_000, (120, 40)),
        ("sixty thousand sources, 200x60", 60_000, (200, 60)),
    ] {
        worst = worst.max(measure(what, sources, size, seconds));
    }
    println!("of a core; the budget is {:.1} %", BUDGET * 100.0);
    if env::args().any(|arg| arg == "--check") {
        assert!(worst <= BUDGET, "over the budget");
    }
}

#[expect(clippy::cast_precision_loss, reason = "nanoseconds of some seconds")]
fn measure(what: &str, sources: u32, (width, height): (u16, u16), seconds: u32) -> f64 {
    let start = Start { version: "0".into(), set: "fentry".into(), ..Start::default() };
    let mut engine = Engine::new(Limits::default());
    let mut recent = Recent::default();
    let options = TerminalOptions { viewport: Viewport::Fixed(Rect::new(0, 0, width, height)) };
    let mut terminal =
        Terminal::with_options(CrosstermBackend::new(io::sink()), options).expect("no terminal is asked");
    let look = Look { color: true, unicode: true, zone: TimeZone::UTC };
    let state = State::default();
    let (mut noted, mut summed, mut drawn) = (0, 0, 0);
    for second in 0..seconds {
        for frame in 0..10 {
            let part = RATE / 10;
            let from = second * RATE + frame * part;
            let observations: Vec<_> = (from..from + part).map(|n| drop(n, sources)).collect();
            for observation in &observations {
                engine.observe(observation);
            }
            noted += took(|| observations.iter().for_each(|seen| recent.observe(black_box(seen))));
            let now = Nanos(time_of(from + part));
            let mut summary = None;
            summed += took(|| {
                let ending = Ending::unknown(Some(&start), now, Lost::default());
                summary = Some(so_far(&start, ending, engine.snapshot(JUDGED)));
            });
            let summary = summary.expect("it was summed up");
            drawn += took(|| {
                let rates = recent.rates().before(now, SECONDS);
                let picked = Picked::of(&recent, chosen(&summary, &state).map(|source| source.src));
                let view = View {
                    host: "web-1",
                    start: &start,
                    summary: &summary,
                    rates: &rates,
                    picked: &picked,
                    now,
                    state: &state,
                    play: None,
                    writing: None,
                    note: None,
                    look: &look,
                };
                terminal.draw(|frame| _ = draw(&view, frame.buffer_mut())).expect("nobody refuses");
            });
        }
    }
    let all = i64::from(seconds) * 1_000_000_000;
    let each = summed / (i64::from(seconds) * FRAMES);
    // Ten times a second, or as seldom as it must be.
    let per_second = (each * FRAMES).min(1_000_000_000 / (REST + 1));
    let share = |ns: i64| ns as f64 / all as f64;
    let parts = [share(noted), per_second as f64 / 1e9, share(drawn)];
    let sum: f64 = parts.iter().sum();
    let percent = |part: f64| format!("{:.2} %", part * 100.0);
    println!(
        "{what:<44} {:>9} {:>9} {:>9} {:>9}   ({:.1} ms to sum up)",
        percent(parts[0]),
        percent(parts[1]),
        percent(parts[2]),
        percent(sum),
        each as f64 / 1e6
    );
    sum
}

fn took(work: impl FnOnce()) -> i64 {
    let begun = processor_ns();
    work();
    processor_ns() - begun
}

fn time_of(n: u32) -> i64 {
    i64::from(n) * 1_000_000_000 / i64::from(RATE)
}

/// Of sources in turn, each with a clock of 1 kHz.
fn drop(n: u32, sources: u32) -> Observation {
    let flow = flow(n, client(n % sources), 7);
    Observation::Drop(Drop { answer: Some(Answer::Ack), ..refused(n, Nanos(time_of(n)), flow, n / 10) })
}
