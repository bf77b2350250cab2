//! `tracer top`: the full screen, live or of a recording.
//!
//! Decides the order of things, like the stream: signals first, then keys, pictures, records. What is on the screen is for
//! `tui` and `render::top`.

mod playback;

use std::{future::pending, path::Path};

use jiff::{Timestamp, tz::TimeZone};
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    sync::mpsc,
    time::{Instant, Interval, MissedTickBehavior, interval, sleep_until},
};

use super::{
    live::{BATCH, run, system},
    report::{End, Manner},
    signals::Signals,
    tracing::Tracing,
};
use crate::{
    analysis::recent::Recent,
    cli::{LiveArgs, TopArgs, When},
    error::{Exit, Failure},
    kernel::{load::Attached, ring::Ring},
    model::{
        Nanos,
        report::{Start, Summary},
    },
    tui::{
        screen::{Input, exists, inputs},
        ui::{FRAME, Run, Ui},
        update::Command,
    },
};

/// `tracer top`.
///
/// # Errors
/// What the user must know, with what to type.
pub fn top(args: &TopArgs) -> Result<Exit, Failure> {
    match &args.replay {
        Some(file) => playback::play(file, args),
        // Before anything is attached.
        None => exists().and_then(|()| run(&LiveArgs::from(args), None, Manner::Screen, &mut || Ok(()))),
    }
}

/// The terminal, and what comes from it.
struct Desk {
    ui: Ui,
    inputs: mpsc::Receiver<Input>,
    frames: Interval,
    /// Somebody stopped us and let us go on.
    back: Signal,
}

/// What happened at the desk.
enum Event {
    /// Time for a picture.
    Frame,
    /// Something that was typed, or a change of the terminal.
    Input(Input),
    /// We are back.
    Back,
    /// Nobody sits there any more.
    Gone,
}

impl Desk {
    fn new(color: When, utc: bool) -> Result<Self, Failure> {
        let style = super::style(color, utc, 0, true);
        let host = nix::unistd::gethostname().map(|name| name.to_string_lossy().into_owned());
        let back = signal(SignalKind::from_raw(nix::libc::SIGCONT))
            .map_err(|error| system("cannot listen for signals", &error))?;
        let ui = Ui::enter(style.color, style.zone, host.unwrap_or_else(|_| "?".into()))?;
        let mut frames = interval(FRAME);
        frames.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let inputs = inputs().map_err(|error| system("cannot read keys", &error))?;
        Ok(Self { ui, inputs, frames, back })
    }

    async fn next(&mut self) -> Event {
        tokio::select! {
            biased;
            input = self.inputs.recv() => input.map_or(Event::Gone, Event::Input),
            _ = self.back.recv() => Event::Back,
            _ = self.frames.tick() => Event::Frame,
        }
    }

    /// Takes note of it and draws; what only the caller can do is returned.
    fn take(&mut self, event: &Event, run: &mut dyn Run) -> Result<Option<Command>, Failure> {
        let command = match event {
            Event::Gone => return Ok(Some(Command::Quit)),
            Event::Frame => None,
            Event::Back => self.ui.again().map(|()| None)?,
            Event::Input(input) => self.ui.input(*input, run)?,
        };
        if command.is_none() {
            self.ui.frame(run)?;
        }
        Ok(command)
    }
}

/// A live run as the screen sees it.
struct Live<'a> {
    tracing: &'a mut Tracing,
    attached: &'a Attached,
    /// Where a run keeps nothing for a screen.
    nothing: Recent,
}

impl Run for Live<'_> {
    fn start(&self) -> &Start {
        &self.tracing.report.start
    }

    fn summary(&mut self) -> Result<Summary, Failure> {
        self.tracing.so_far(self.attached)
    }

    fn recent(&mut self) -> &mut Recent {
        self.tracing.report.recent().unwrap_or(&mut self.nothing)
    }

    fn now(&self) -> Nanos {
        self.tracing.now()
    }

    fn elapsed_ms(&self) -> u64 {
        self.tracing.elapsed_ms()
    }

    fn writing(&self) -> Option<String> {
        self.tracing.report.writing()
    }
}

/// Shows a run until it ends; why, and what was copied.
///
/// # Errors
/// When there is no terminal, or the ring fails.
pub(super) async fn watch(
    tracing: &mut Tracing,
    ring: &mut Ring,
    attached: &Attached,
    signals: &mut Signals,
    args: &LiveArgs,
) -> Result<(End, Option<String>), Failure> {
    let mut desk = Desk::new(args.output.look.ink.color, args.output.look.utc)?;
    let deadline = args.watch.duration.map(|duration| Instant::now() + duration);
    let mut run = Live { tracing, attached, nothing: Recent::default() };
    loop {
        let end = tokio::select! {
            biased;
            () = signals.any() => Some(End::Asked),
            () = at(deadline) => Some(End::Asked),
            event = desk.next() => live_event(&mut desk, &event, &mut run, ring)?,
            batch = ring.next(BATCH) => {
                let batch = batch.map_err(|error| system("cannot read the ring", &error))?;
                run.tracing.take(&batch)?
            }
        };
        if let Some(end) = end {
            return Ok((end, last_words(desk.ui.copied())));
        }
    }
}

/// Waits for a moment; for ever, where there is none.
async fn at(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => sleep_until(deadline).await,
        None => pending().await,
    }
}

fn live_event(
    desk: &mut Desk,
    event: &Event,
    run: &mut Live<'_>,
    ring: &mut Ring,
) -> Result<Option<End>, Failure> {
    if matches!(event, Event::Frame) {
        // Nobody is woken up for a reading of a clock.
        let mut end = run.tracing.take_all(ring)?;
        end = run.tracing.look_around(ring, run.attached)?.or(end);
        end = run.tracing.tick()?.or(end);
        if end.is_some() {
            return Ok(end);
        }
        if let Some(words) = run.tracing.report.said() {
            desk.ui.say(words);
        }
    }
    match desk.take(event, run)? {
        Some(Command::Quit) => return Ok(Some(End::Asked)),
        Some(Command::Record(name)) => {
            let now = run.tracing.now();
            let name = if name.is_empty() { name_of_now(&TimeZone::system()) } else { name };
            match run.tracing.report.record_to(Path::new(&name), now) {
                Ok(()) => desk.ui.say(format!("Recording to {name} from now on; w ends it.")),
                Err(failure) => desk.ui.say(format!("{}: {}; {}", failure.what, failure.why, failure.hint)),
            }
        }
        Some(Command::StopRecording) => {
            let words = run.tracing.report.stop_recording();
            desk.ui.say(words);
        }
        Some(Command::Faster | Command::Slower) => {
            desk.ui.say("This is live: it goes as fast as it happens.");
        }
        _ => {}
    }
    Ok(None)
}

/// A file name that tells when.
fn name_of_now(zone: &TimeZone) -> String {
    Timestamp::now().to_zoned(zone.clone()).strftime("tracer-%Y%m%d-%H%M%S.ndjson").to_string()
}

/// What was copied, where it can be copied by hand.
fn last_words(copied: Option<String>) -> Option<String> {
    copied.map(|text| format!("\nWhat to do, as it was copied:\n{}", text.trim_end()))
}
