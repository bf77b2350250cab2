//! What "this recording is broken" says: where, why, and what to type.

use super::LONGEST;
use crate::render::json::SCHEMA;

/// Why a recording is not read any further.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line} (at byte {offset}): {trouble}")]
pub struct Broken {
    /// The line, from 1.
    pub line: u64,
    /// Bytes from the beginning to the line, or to the place in it that makes no sense.
    pub offset: u64,
    /// What is wrong there.
    pub trouble: Trouble,
}

/// What can be wrong with a line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    /// The input ends in the middle of a line.
    #[error("it is not complete: the recording was cut off here")]
    Cut,
    /// A schema of the future.
    #[error("it is of schema {0}, and this version reads schema {SCHEMA}")]
    Newer(u64),
    /// Longer than [`LONGEST`].
    #[error("it is longer than {LONGEST} bytes, which no line of a recording is")]
    Long,
    /// A second start, or something behind the summary.
    #[error("another recording begins here")]
    Another,
    /// No JSON, or not what the contract says.
    #[error("{0}")]
    Content(String),
    /// It could not be read.
    #[error("it cannot be read: {0}")]
    Io(String),
}

impl Broken {
    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self.trouble {
            Trouble::Cut => {
                "what stands before it is complete; let tracer end by itself next time, by Ctrl-C or by `tracer -d 30s`"
            }
            Trouble::Newer(_) => "replay it with the version of tracer that recorded it: `tracer --version`",
            Trouble::Long | Trouble::Content(_) => {
                "give it what `tracer -w FILE` wrote, one JSON object a line (`jq -c` keeps it so)"
            }
            Trouble::Another => "replay one recording at a time: `tracer replay FILE`",
            Trouble::Io(_) => "copy the file to another place, or record it again: `tracer -w FILE`",
        }
    }
}
