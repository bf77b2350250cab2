//! What a capture is, in the first line, and what became of its packets, in the last one.

use serde::Serialize;

use super::time;
use crate::model::report::Capture;

/// What is known before its first packet.
#[derive(Serialize)]
pub(super) struct Beginning<'a> {
    file: &'a str,
    format: &'a str,
}

impl<'a> From<&'a Capture> for Beginning<'a> {
    fn from(capture: &'a Capture) -> Self {
        Self { file: &capture.name, format: &capture.format }
    }
}

/// Everything.
#[derive(Serialize)]
pub(super) struct Whole<'a> {
    file: &'a str,
    format: &'a str,
    links: &'a [String],
    packets: u64,
    segments: u64,
    first: Option<String>,
    last: Option<String>,
    not_tcp: u64,
    fragments: u64,
    cut: u64,
    malformed: u64,
    unknown_link: u64,
    untimed: u64,
    missed: Option<u64>,
    syns: Syns,
}

/// SYNs by what became of them; the rest was dropped.
#[derive(Serialize)]
struct Syns {
    seen: u64,
    answered: u64,
    repeated: u64,
    near_end: u64,
    one_way: u64,
    no_room: u64,
    set_back: u64,
    options_cut: u64,
    duplicates: u64,
}

impl<'a> From<&'a Capture> for Whole<'a> {
    fn from(capture: &'a Capture) -> Self {
        let wire = capture.wire;
        Self {
            file: &capture.name,
            format: &capture.format,
            links: &capture.links,
            packets: capture.packets,
            segments: capture.segments,
            first: capture.first.map(time),
            last: capture.last.map(time),
            not_tcp: capture.not_tcp,
            fragments: capture.fragments,
            cut: capture.cut,
            malformed: capture.malformed,
            unknown_link: capture.unknown_link,
            untimed: capture.untimed,
            missed: capture.missed,
            syns: Syns {
                seen: wire.syns,
                answered: wire.answered,
                repeated: wire.repeated,
                near_end: wire.near_end,
                one_way: wire.one_way,
                no_room: wire.no_room,
                set_back: wire.set_back,
                options_cut: wire.options_cut,
                duplicates: wire.duplicates,
            },
        }
    }
}
