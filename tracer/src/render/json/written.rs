//! How values get into a line: in place, for a line takes no memory of its own.

use std::fmt;

use jiff::Timestamp;
use serde::{Serialize, Serializer};

use crate::model::Nanos;

/// RFC 3339, UTC, nanoseconds.
pub fn time(time: Nanos) -> String {
    Moment(time).to_string()
}

/// The same where it is written.
#[derive(Clone, Copy)]
pub(super) struct Moment(pub(super) Nanos);

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match Timestamp::from_nanosecond(i128::from(self.0.0)) {
            Ok(time) => write!(f, "{time:.9}"),
            Err(_) => Ok(()),
        }
    }
}

/// As it is written, straight into the line.
pub(super) struct Written<T>(pub(super) T);

impl<T: fmt::Display> Serialize for Written<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

/// In place of what `line` held, whose memory is used again.
pub(super) fn write(value: &impl Serialize, line: &mut String) {
    let mut bytes = std::mem::take(line).into_bytes();
    bytes.clear();
    // Nothing refuses to be written into memory, and it is UTF-8.
    if serde_json::to_writer(&mut bytes, value).is_ok() {
        *line = String::from_utf8(bytes).unwrap_or_default();
    }
}
