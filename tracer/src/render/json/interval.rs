//! The lines of `--interval`: a source as it stands in the summary, each time it has changed.

use serde::Serialize;

use super::{
    SCHEMA,
    summary::{self, SourceRow},
    text, time,
};
use crate::model::{Nanos, report::Change};

#[derive(Serialize)]
struct SourceLine<'a> {
    r#type: &'static str,
    schema: u32,
    time: String,
    #[serde(flatten)]
    row: SourceRow<'a>,
    new_drops: u64,
    left_out: u64,
}

/// A source that changed until `at`. `left_out`: how many others changed and have no line.
pub fn source(at: Nanos, change: &Change, left_out: u64) -> String {
    text(&SourceLine {
        r#type: "source",
        schema: SCHEMA,
        time: time(at),
        row: summary::source(&change.source),
        new_drops: change.new_drops,
        left_out,
    })
}
