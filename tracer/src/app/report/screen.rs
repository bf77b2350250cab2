//! What a full screen asks of a report while the run goes on: the summary so far, a recording from here on.

use std::path::Path;

use super::Report;
use crate::{
    analysis::{
        recent::Recent,
        summary::{JUDGED, so_far},
    },
    app::sink::Recording,
    error::{Exit, Failure},
    model::{
        Nanos,
        report::{Ending, Start, Summary},
    },
    render::json,
};

/// What is kept for the screen.
pub(super) struct Shown {
    pub(super) recent: Recent,
    /// The file that is recorded to, and whether that began in the middle of the run.
    file: Option<String>,
    pub(super) in_the_middle: bool,
    /// What could not be said on standard error, which is the screen.
    said: Vec<String>,
}

impl Shown {
    pub(super) fn new(write: Option<&Path>) -> Self {
        Self {
            recent: Recent::default(),
            file: write.map(|path| path.display().to_string()),
            in_the_middle: false,
            said: Vec::new(),
        }
    }
}

impl Report {
    /// Says something to whoever started the program.
    pub(super) fn say(&mut self, words: &str) {
        match &mut self.screen {
            Some(screen) => screen.said.push(words.to_owned()),
            None => crate::app::note(words),
        }
    }

    /// What was said since the last call.
    pub(in crate::app) fn said(&mut self) -> Option<String> {
        let screen = self.screen.as_mut()?;
        (!screen.said.is_empty()).then(|| std::mem::take(&mut screen.said).join("; "))
    }

    /// What happened lately; `None`: it is not kept.
    pub(in crate::app) fn recent(&mut self) -> Option<&mut Recent> {
        self.screen.as_mut().map(|screen| &mut screen.recent)
    }

    /// The summary of a run that goes on, with every source that may be shown.
    pub(in crate::app) fn so_far(&mut self, ending: Ending) -> Summary {
        let ending = self.complete(ending);
        so_far(&self.start, ending, self.engine.snapshot(JUDGED))
    }

    /// The file that is recorded to.
    pub(in crate::app) fn writing(&self) -> Option<String> {
        let file = self.screen.as_ref()?.file.clone();
        file.filter(|_| self.recording.is_some())
    }

    /// Records from here on. It has a start of its own and no summary: that would be of another time.
    pub(in crate::app) fn record_to(&mut self, path: &Path, now: Nanos) -> Result<(), Failure> {
        if path.exists() {
            return Err(Failure::new(
                Exit::Usage,
                format!("cannot record to {}", path.display()),
                "there is such a file already",
                "type `w` again, and another name",
            ));
        }
        let mut file = Recording::create(path)?;
        file.line(&json::start(&Start { time: now, ..self.start.clone() }))?;
        file.flush()?;
        self.recording = Some(file);
        if let Some(screen) = &mut self.screen {
            (screen.file, screen.in_the_middle) = (Some(path.display().to_string()), true);
        }
        Ok(())
    }

    /// Ends a recording that began in the middle; one of `-w` is of the whole run. What to say of it.
    pub(in crate::app) fn stop_recording(&mut self) -> String {
        let Some(file) = self.writing() else { return "Nothing is being recorded.".into() };
        if self.screen.as_ref().is_some_and(|screen| !screen.in_the_middle) {
            return format!("{file} was given by -w: it is of the whole run, and ends with it.");
        }
        self.record(None);
        self.recording = None;
        format!("Recorded to {file}; `tracer top --replay {file}` plays it.")
    }
}
