//! What a page asks of a report: the history of the run, and its summary with every source that may be shown.

use jiff::tz::TimeZone;

use super::Report;
use crate::{
    analysis::{
        recent::Recent,
        summary::{JUDGED, so_far},
        timeline::Timeline,
    },
    model::{Observation, report::Ending},
    render::html::{Picture, View, page, pictured},
};

/// Sources whose readings are kept until it is known which of them matter.
const SOURCES: usize = 1024;
/// Readings of each, of answered SYNs and of dropped ones.
const READINGS: usize = 500;

/// What is kept for the page.
pub(super) struct History {
    timeline: Timeline,
    recent: Recent,
}

impl Default for History {
    fn default() -> Self {
        Self { timeline: Timeline::default(), recent: Recent::new(SOURCES, READINGS) }
    }
}

impl History {
    pub(super) fn observe(&mut self, observation: &Observation) {
        self.timeline.observe(observation);
        self.recent.observe(observation);
    }
}

/// How much of the input the page is of.
pub(in crate::app) struct Whole<'a> {
    /// What was read.
    pub(in crate::app) name: &'a str,
    /// Why that is not all of it.
    pub(in crate::app) cut: Option<String>,
    /// What was passed over.
    pub(in crate::app) remark: Option<String>,
}

impl Report {
    /// The page of a run that is over.
    pub(in crate::app) fn page(&mut self, ending: Ending, whole: &Whole<'_>, zone: &TimeZone) -> String {
        let ending = self.complete(ending);
        let summary = so_far(&self.start, ending, self.engine.snapshot(JUDGED));
        let history = self.history.take().unwrap_or_default();
        let recent = &history.recent;
        let pictures: Vec<_> = pictured(&summary)
            .map(|source| Picture {
                src: source.src,
                drops: recent.drops(source.src).cloned().collect(),
                readings: recent.readings(source.src).collect(),
                read: recent.read(source.src),
            })
            .collect();
        page(&View {
            name: whole.name,
            start: &self.start,
            summary: &summary,
            timeline: &history.timeline,
            pictures: &pictures,
            cut: whole.cut.as_deref(),
            remark: whole.remark.as_deref(),
            zone,
        })
    }
}
