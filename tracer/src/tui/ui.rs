//! What is on the screen, when it is drawn anew, and what keys do to it.
//!
//! Decides what it may cost: it draws ten times a second at most and only when something changed; and what is dear (a
//! snapshot, with a verdict on it) is taken so seldom that it takes no more than one part in two hundred of the time.

use std::{
    net::IpAddr,
    time::{Duration, Instant},
};

use jiff::tz::TimeZone;

use super::{
    clipboard,
    screen::{Input, Screen},
    update::{Command, Key, Scene, update},
};
use crate::{
    analysis::recent::{Bucket, Recent, SECONDS},
    error::{Exit, Failure, words},
    model::{
        Nanos,
        report::{Start, Summary},
    },
    render::top::{Look, Picked, Play, State, View, chosen, draw, rows},
};

/// Between two pictures.
pub const FRAME: Duration = Duration::from_millis(100);
/// Even when nothing comes: what is lost and how long it goes on.
const IDLE: Duration = Duration::from_secs(1);
/// A summary that took this long is followed by so many times as much without one.
const REST: u32 = 200;
/// How long something that was said stays.
const NOTE: Duration = Duration::from_secs(8);

/// Where the picture comes from.
pub trait Run {
    /// What is traced.
    fn start(&self) -> &Start;
    /// Everything that is known now, with every source that may be shown.
    ///
    /// # Errors
    /// When the kernel does not say what it counted.
    fn summary(&mut self) -> Result<Summary, Failure>;
    /// What happened lately.
    fn recent(&mut self) -> &mut Recent;
    /// The time of the picture.
    fn now(&self) -> Nanos;
    /// How long is watched, milliseconds.
    fn elapsed_ms(&self) -> u64;
    /// Of a recording.
    fn play(&self) -> Option<Play> {
        None
    }
    /// The file that is recorded to.
    fn writing(&self) -> Option<String>;
}

/// What was last taken from the run. While it is paused, it stays.
struct Picture {
    summary: Summary,
    rates: Vec<Bucket>,
    now: Nanos,
    picked: Picked,
    of: Option<IpAddr>,
}

/// The full-screen view.
pub struct Ui {
    screen: Screen,
    state: State,
    look: Look,
    host: String,
    picture: Option<Picture>,
    note: Option<(String, Instant)>,
    copied: Option<String>,
    /// Something on the screen is not what it should be.
    stale: bool,
    /// The number of observations in the picture.
    observed: u64,
    drawn: Option<Instant>,
    /// When the next summary may be taken, and must be.
    allowed: Instant,
    due: Instant,
}

impl Ui {
    /// Takes the terminal.
    ///
    /// # Errors
    /// As [`Screen::enter`].
    pub fn enter(color: bool, zone: TimeZone, host: String) -> Result<Self, Failure> {
        let now = Instant::now();
        Ok(Self {
            screen: Screen::enter()?,
            state: State::default(),
            look: Look { color, unicode: speaks_unicode(|name| std::env::var(name).ok()), zone },
            host,
            picture: None,
            note: None,
            copied: None,
            stale: true,
            observed: 0,
            drawn: None,
            allowed: now,
            due: now,
        })
    }

    /// Whether the picture stands still.
    pub fn paused(&self) -> bool {
        self.state.paused
    }

    /// What was copied, to be printed at the end.
    pub fn copied(self) -> Option<String> {
        self.copied
    }

    /// Says something in the last line.
    pub fn say(&mut self, words: impl Into<String>) {
        self.note = Some((words.into(), Instant::now()));
        self.stale = true;
    }

    /// Takes what was typed; what only the caller can do is returned.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub fn input(&mut self, input: Input, run: &mut dyn Run) -> Result<Option<Command>, Failure> {
        self.stale = true;
        let Input::Key(key) = input else { return Ok(None) };
        self.note = None;
        match self.key(key, run) {
            Some(Command::Copy) => self.copy().map(|()| None),
            Some(Command::Suspend) => self.screen.suspend().map(|()| None).map_err(|error| gone(&error)),
            Some(Command::Redraw) => self.screen.clear().map(|()| None).map_err(|error| gone(&error)),
            command => Ok(command),
        }
    }

    fn key(&mut self, key: Key, run: &mut dyn Run) -> Option<Command> {
        let rows: Vec<IpAddr> = match &self.picture {
            Some(picture) => {
                rows(&picture.summary.sources, &self.state).iter().map(|source| source.src).collect()
            }
            None => Vec::new(),
        };
        let page = usize::from(self.screen.height() / 2).max(2) - 1;
        let scene = Scene { rows: &rows, page, recording: run.writing().is_some() };
        let (state, command) = update(std::mem::take(&mut self.state), key, &scene);
        self.state = state;
        command
    }

    /// The terminal was somebody else's for a while.
    ///
    /// # Errors
    /// When it is gone.
    pub fn again(&mut self) -> Result<(), Failure> {
        self.stale = true;
        self.screen.again().map_err(|error| gone(&error))
    }

    fn copy(&mut self) -> Result<(), Failure> {
        let verdict = self.picture.as_ref().and_then(|picture| picture.summary.verdict.as_ref());
        let actions: Vec<_> = verdict.iter().flat_map(|v| &v.remedy).map(|r| r.action.clone()).collect();
        if actions.is_empty() {
            self.say("There is nothing to do so far, and so nothing to copy.");
            return Ok(());
        }
        let text = actions.join("\n") + "\n";
        if let Some(sequence) = clipboard::copy(&text) {
            self.screen.send(&sequence).map_err(|error| gone(&error))?;
        }
        self.copied = Some(text);
        self.say("Copied, where the terminal allows it (OSC 52); it is printed again when you quit.");
        Ok(())
    }

    /// Draws, if something changed and the last picture is old enough.
    ///
    /// # Errors
    /// When the terminal is gone, or as [`Run::summary`].
    pub fn frame(&mut self, run: &mut dyn Run) -> Result<(), Failure> {
        let now = Instant::now();
        if self.drawn.is_some_and(|drawn| now.duration_since(drawn) < FRAME * 9 / 10) {
            return Ok(());
        }
        if self.note.as_ref().is_some_and(|(_, since)| now.duration_since(*since) > NOTE) {
            self.note = None;
            self.stale = true;
        }
        // A recording that stands still has nothing new, and may be asked.
        if !self.state.paused || run.play().is_some() || self.picture.is_none() {
            self.refresh(run, now)?;
        }
        self.pick(run);
        if std::mem::take(&mut self.stale) {
            self.drawn = Some(now);
            self.show(run)?;
        }
        Ok(())
    }

    fn refresh(&mut self, run: &mut dyn Run, now: Instant) -> Result<(), Failure> {
        let observed = run.recent().observed();
        let time = run.now();
        if (observed != self.observed && now >= self.allowed) || now >= self.due || self.picture.is_none() {
            let summary = run.summary()?;
            let took = now.elapsed();
            self.allowed = now + took * REST;
            self.due = now + IDLE.max(took * REST);
            self.observed = observed;
            self.stale = true;
            if let Some(picture) = &mut self.picture {
                (picture.summary, picture.of) = (summary, None);
            } else {
                let (rates, picked) = (Vec::new(), Picked::default());
                self.picture = Some(Picture { summary, rates, now: time, picked, of: None });
            }
        }
        let Some(picture) = &mut self.picture else { return Ok(()) };
        let elapsed = run.elapsed_ms();
        let second = |time: Nanos| time.0.div_euclid(1_000_000_000);
        self.stale |= elapsed / 1000 != picture.summary.elapsed_ms / 1000;
        picture.summary.elapsed_ms = elapsed;
        if second(time) != second(picture.now) || picture.rates.is_empty() {
            let seconds = usize::try_from(elapsed / 1000).unwrap_or(SECONDS).clamp(1, SECONDS);
            picture.rates = run.recent().rates().before(time, seconds);
            self.stale = true;
        }
        picture.now = time;
        Ok(())
    }

    /// Looks up what is known of the chosen source, when that is another one or there is news.
    fn pick(&mut self, run: &mut dyn Run) {
        let Some(picture) = &mut self.picture else { return };
        let src = chosen(&picture.summary, &self.state).map(|source| source.src);
        let recent = run.recent();
        if src.is_none() || src == picture.of {
            return;
        }
        recent.keep(src);
        picture.of = src;
        picture.picked = Picked::of(recent, src);
        self.stale = true;
    }

    fn show(&mut self, run: &mut dyn Run) -> Result<(), Failure> {
        let Some(picture) = &self.picture else { return Ok(()) };
        let writing = run.writing();
        let view = View {
            host: &self.host,
            start: run.start(),
            summary: &picture.summary,
            rates: &picture.rates,
            picked: &picture.picked,
            now: picture.now,
            state: &self.state,
            play: run.play(),
            writing: writing.as_deref(),
            note: self.note.as_ref().map(|(words, _)| words.as_str()),
            look: &self.look,
        };
        let mut most = 0;
        self.screen.draw(|buffer| most = draw(&view, buffer)).map_err(|error| gone(&error))?;
        // Who scrolls beyond the end need not scroll back through nothing.
        if let Some(scroll) = self.state.scroll() {
            *scroll = most.min(*scroll);
        }
        Ok(())
    }
}

fn gone(error: &std::io::Error) -> Failure {
    Failure::new(Exit::Failure, "cannot draw", words(error), "type `tracer` for one line a drop")
}

/// Whether the locale is one of UTF-8, by the variables in the order in which the C library asks them.
fn speaks_unicode(variable: impl Fn(&str) -> Option<String>) -> bool {
    let locale =
        ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(|name| variable(name).filter(|v| !v.is_empty()));
    locale.is_some_and(|locale| {
        let locale = locale.to_ascii_lowercase();
        locale.contains("utf-8") || locale.contains("utf8")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locales() {
        let of = |all: &'static [(&str, &str)]| {
            speaks_unicode(|name| all.iter().find(|(n, _)| *n == name).map(|(_, value)| (*value).to_owned()))
        };
        assert!(of(&[("LANG", "de_DE.UTF-8")]));
        assert!(of(&[("LC_ALL", ""), ("LC_CTYPE", "C.utf8")]));
        assert!(!of(&[("LC_ALL", "C"), ("LANG", "en_US.UTF-8")]));
        assert!(!of(&[]));
    }
}
