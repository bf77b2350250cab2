//! `tracer top --replay`: a recording, played with its own times.
//!
//! Decides what is taken when it is due; what is broken in the file ends the recording and not the look at it.

mod pace;

use std::{
    fs::File,
    io::BufReader,
    path::Path,
    time::{Duration, Instant},
};

use super::{Desk, last_words};
use crate::{
    analysis::{
        engine::Engine,
        recent::Recent,
        summary::{JUDGED, so_far, sum_up},
    },
    app::{note, signals, sink},
    cli::TopArgs,
    error::{Exit, Failure, words},
    model::{
        Nanos,
        report::{Ending, Limits, Lost, Start, Summary},
    },
    render::top::Play,
    source::record::{Item, Reader},
    tui::{ui::Run, update::Command},
};
use pace::Pace;

/// How long is read before the screen gets its turn.
const TURN: Duration = Duration::from_millis(60);

/// Plays a file.
///
/// # Errors
/// When it cannot be opened, holds nothing, or there is no terminal.
pub(super) fn play(file: &Path, args: &TopArgs) -> Result<Exit, Failure> {
    let opened = File::open(file).map_err(|error| {
        Failure::new(
            Exit::Failure,
            format!("cannot read {}", file.display()),
            words(&error),
            "record one: `tracer -w FILE`; of a capture: `tracer replay CAPTURE -w FILE`",
        )
    })?;
    let limits =
        Limits { sources: args.tables.max_sources, clock_bytes: usize::from(args.tables.clock_memory) << 20 };
    let mut player = Player::new(Reader::new(BufReader::new(opened)), limits, args.speed);
    player.look_ahead();
    if let (None, Some(why)) = (&player.next, player.broken.take()) {
        return Err(Failure::new(
            Exit::Failure,
            format!("cannot play {}", file.display()),
            why,
            "give a file that `tracer -w FILE` wrote; of a capture, `tracer replay CAPTURE -w FILE` makes one",
        ));
    }
    let copied = signals::run(async |mut signals| {
        let mut desk = Desk::new(args.look.ink.color, args.look.utc)?;
        loop {
            let event = tokio::select! {
                biased;
                () = signals.any() => return Ok(desk.ui.copied()),
                event = desk.next() => event,
            };
            player.go_on(&Instant::now, desk.ui.paused());
            if let Some(why) = player.broken.take() {
                desk.ui.say(why);
            }
            match desk.take(&event, &mut player)? {
                Some(Command::Quit) => return Ok(desk.ui.copied()),
                Some(Command::Faster) => desk.ui.say(player.pace.shift(1)),
                Some(Command::Slower) => desk.ui.say(player.pace.shift(-1)),
                Some(Command::Record(_) | Command::StopRecording) => {
                    desk.ui.say("This is a recording already.");
                }
                _ => {}
            }
        }
    })?;
    let style = crate::app::style(args.look.ink.color, args.look.utc, 0, true);
    let (start, summary) = player.sum_up();
    let exit = sink::print(format!("{}\n", style.summary(&start, &summary)).as_bytes())?;
    if let Some(words) = last_words(copied) {
        note(&words);
    }
    Ok(exit)
}

/// Where a recording has got to.
struct Player<R> {
    reader: R,
    next: Option<Item>,
    broken: Option<String>,
    /// What was asked for.
    limits: Limits,
    engine: Engine,
    recent: Recent,
    start: Option<Start>,
    /// What is shown where there is none.
    unknown: Start,
    ending: Option<Ending>,
    /// The first time in the recording, and the last one so far.
    span: Option<(Nanos, Nanos)>,
    pace: Pace,
    now: Nanos,
}

impl<R, E> Player<R>
where
    R: Iterator<Item = Result<Item, E>>,
    E: std::fmt::Display,
{
    fn new(reader: R, limits: Limits, speed: u32) -> Self {
        let unknown = Start { version: "?".into(), set: "?".into(), ..Start::default() };
        Self {
            reader,
            next: None,
            broken: None,
            limits,
            engine: Engine::new(limits),
            recent: Recent::default(),
            start: None,
            unknown,
            ending: None,
            span: None,
            pace: Pace::new(speed),
            now: Nanos(0),
        }
    }

    fn look_ahead(&mut self) {
        self.next = match self.reader.next() {
            Some(Ok(item)) => Some(item),
            Some(Err(broken)) => {
                self.broken = Some(format!("The recording ends here: {broken}"));
                None
            }
            None => None,
        };
    }

    /// Takes what is due by now, and no longer than a turn.
    fn go_on(&mut self, clock: &dyn Fn() -> Instant, paused: bool) {
        let begun = clock();
        if paused {
            self.pace.stop();
            return;
        }
        let due = self.pace.due(self.now, begun);
        while let Some(item) = &self.next {
            let time = time_of(item);
            if self.span.is_none() {
                // Whenever that was: it begins now.
                self.now = time;
                self.pace.resume(time, begun);
            } else if time > due {
                break;
            }
            if let Some(item) = self.next.take() {
                self.take(item, time);
            }
            self.look_ahead();
            if clock().duration_since(begun) > TURN {
                // At this speed the machine does not keep up: it goes on from here.
                self.pace.resume(self.now, clock());
                return;
            }
        }
        if self.next.is_some() && self.pace.speed() > 0 && self.span.is_some() {
            self.now = self.now.max(due);
        }
    }

    fn take(&mut self, item: Item, time: Nanos) {
        self.now = self.now.max(time);
        self.span = Some(self.span.map_or((time, time), |(first, last)| (first.min(time), last.max(time))));
        match item {
            Item::Start(start) => {
                self.engine = Engine::new(self.limits.or_recorded(start.limits));
                self.start = Some(*start);
            }
            Item::Observation(observation) => {
                self.engine.observe(&observation);
                self.recent.observe(&observation);
            }
            Item::Ending(ending) => self.ending = Some(*ending),
        }
    }

    fn ending(&self) -> Ending {
        let until = self.ending.clone();
        until.unwrap_or_else(|| {
            let mut ending = Ending::unknown(self.start.as_ref(), self.now, Lost::default());
            ending.elapsed_ms = self.elapsed();
            ending
        })
    }

    fn elapsed(&self) -> u64 {
        let since = self.span.map_or(0, |(first, _)| self.now.0.saturating_sub(first.0));
        u64::try_from(since / 1_000_000).unwrap_or(0)
    }

    fn begun(&self) -> &Start {
        self.start.as_ref().unwrap_or(&self.unknown)
    }

    /// What was played, summed up.
    fn sum_up(&self) -> (Start, Summary) {
        let start = self.begun().clone();
        let summary = sum_up(&start, self.ending(), self.engine.snapshot(JUDGED));
        (start, summary)
    }
}

fn time_of(item: &Item) -> Nanos {
    match item {
        Item::Start(start) => start.time,
        Item::Observation(observation) => observation.time(),
        Item::Ending(ending) => ending.time,
    }
}

impl<R, E> Run for Player<R>
where
    R: Iterator<Item = Result<Item, E>>,
    E: std::fmt::Display,
{
    fn start(&self) -> &Start {
        self.begun()
    }

    fn summary(&mut self) -> Result<Summary, Failure> {
        Ok(so_far(self.begun(), self.ending(), self.engine.snapshot(JUDGED)))
    }

    fn recent(&mut self) -> &mut Recent {
        &mut self.recent
    }

    fn now(&self) -> Nanos {
        self.now
    }

    fn elapsed_ms(&self) -> u64 {
        self.ending.as_ref().map_or_else(|| self.elapsed(), |ending| ending.elapsed_ms)
    }

    fn play(&self) -> Option<Play> {
        Some(Play { speed: self.pace.speed(), ended: self.next.is_none() })
    }

    fn writing(&self) -> Option<String> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Cause, Observation, any::bare};

    fn drop_at(ms: i64) -> Item {
        let mut drop = bare(Cause::PawsTimeWait);
        drop.time = Nanos(1_700_000_000_000_000_000 + ms * 1_000_000);
        Item::Observation(Observation::Drop(drop))
    }

    #[test]
    fn at_its_own_pace() {
        let items = [0, 900, 1000, 60_000].map(|ms| Ok(drop_at(ms)));
        let items = items.into_iter().chain([Err("torn".to_owned())]);
        let mut player = Player::new(items, Limits::default(), 1);
        player.look_ahead();
        let mut now = Instant::now();
        let mut after = |player: &mut Player<_>, ms, paused| {
            now += Duration::from_millis(ms);
            player.go_on(&|| now, paused);
            player.engine.drops()
        };
        assert_eq!(after(&mut player, 0, false), 1);
        assert_eq!(after(&mut player, 950, false), 2);
        assert_eq!(player.elapsed(), 950);
        // A pause is no time.
        assert_eq!(after(&mut player, 9000, true), 2);
        assert_eq!(after(&mut player, 0, false), 2);
        assert_eq!(after(&mut player, 60, false), 3);
        assert_eq!(player.pace.shift(1), "2 times as fast as it happened.");
        assert_eq!(after(&mut player, 0, false), 3);
        assert_eq!(after(&mut player, 29_000, false), 3);
        assert_eq!(after(&mut player, 600, false), 4);
        assert!(player.play().is_some_and(|play| play.ended));
        assert_eq!(player.broken.as_deref(), Some("The recording ends here: torn"));
        assert_eq!(player.sum_up().1.drops, 4);
    }

    #[test]
    fn whoever_asks_for_bounds_gets_them() {
        let recorded = Limits { sources: 1, clock_bytes: 1 << 20 };
        let rows = |asked: Limits| {
            let start = Start { limits: Some(recorded), ..Start::default() };
            let drops = (1..=3).map(|client| {
                let mut drop = bare(Cause::PawsTimeWait);
                drop.flow.src = [192, 0, 2, client].into();
                Item::Observation(Observation::Drop(drop))
            });
            let items = std::iter::once(Item::Start(Box::new(start))).chain(drops);
            let mut player = Player::new(items.map(Ok::<_, String>), asked, 0);
            player.look_ahead();
            player.go_on(&Instant::now, false);
            player.sum_up().1.sources.len()
        };
        assert_eq!(rows(Limits::default()), 1);
        assert_eq!(rows(Limits { sources: 2, ..Limits::default() }), 2);
    }
}
