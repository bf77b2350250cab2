//! What a recording says of the capture that it was made from.

use super::fields::{Fields, Wrong};
use crate::model::report::{Capture, WireCounts};

/// In the start line.
pub(super) fn beginning(fields: &mut Fields) -> Result<Capture, Wrong> {
    Ok(Capture {
        name: fields.must("file", Fields::text)?,
        format: fields.must("format", Fields::text)?.into(),
        ..Capture::default()
    })
}

/// In the summary.
pub(super) fn whole(fields: &mut Fields) -> Result<Capture, Wrong> {
    Ok(Capture {
        links: fields.words("links")?,
        packets: fields.count("packets")?,
        segments: fields.count("segments")?,
        first: fields.time("first")?,
        last: fields.time("last")?,
        unknown_link: fields.count("unknown_link")?,
        not_tcp: fields.count("not_tcp")?,
        fragments: fields.count("fragments")?,
        cut: fields.count("cut")?,
        malformed: fields.count("malformed")?,
        untimed: fields.count("untimed")?,
        missed: fields.number("missed")?,
        wire: fields.object("syns", syns)?.unwrap_or_default(),
        ..beginning(fields)?
    })
}

fn syns(fields: &mut Fields) -> Result<WireCounts, Wrong> {
    Ok(WireCounts {
        syns: fields.count("seen")?,
        answered: fields.count("answered")?,
        repeated: fields.count("repeated")?,
        near_end: fields.count("near_end")?,
        one_way: fields.count("one_way")?,
        no_room: fields.count("no_room")?,
        set_back: fields.count("set_back")?,
        options_cut: fields.count("options_cut")?,
        duplicates: fields.count("duplicates")?,
    })
}
