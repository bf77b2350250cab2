//! What a capture held, and what it could not show: a SYN without an answer is a drop only where the answer would have been
//! in the capture.

use super::super::text::Style;
use crate::{
    model::report::{Capture, Summary},
    render::phrases::{clean, count, millis},
};

/// How much there was beside the drops.
pub(super) fn traffic(capture: &Capture) -> String {
    let wire = capture.wire;
    format!("{} in the capture, {} answered", count(wire.syns, "SYN", "SYNs"), wire.answered)
}

impl Style {
    /// The capture in words.
    pub(super) fn capture(&self, summary: &Summary) -> Vec<String> {
        let Some(capture) = &summary.capture else { return Vec::new() };
        let mut lines = vec![String::new()];
        lines.extend(self.fold("Read: ", &read(self, summary.elapsed_ms, capture)));
        for words in open(capture, summary.drops).into_iter().flatten() {
            lines.extend(self.fold("", &words));
        }
        lines
    }
}

/// What was read, in a sentence.
pub(in crate::render) fn read(style: &Style, elapsed_ms: u64, capture: &Capture) -> String {
    let mut words = vec![format!(
        "{} ({} of TCP)",
        count(capture.packets, "packet", "packets"),
        if capture.segments == capture.packets { "all".into() } else { capture.segments.to_string() },
    )];
    if let Some(first) = capture.first {
        words.push(format!(
            "{} from {}",
            millis(elapsed_ms),
            style.time_of_day(first, "%Y-%m-%d %H:%M:%S %Z")
        ));
    }
    if !capture.links.is_empty() {
        words.push(format!("link layer {}", clean(&capture.links.join(" "))));
    }
    let parts = [
        (capture.unknown_link, "with a link layer that is not understood"),
        (capture.cut, "cut short before the end of their TCP header"),
        (capture.malformed, "with headers that contradict themselves"),
        (capture.fragments, "later fragments"),
        (capture.untimed, "without a time"),
        (capture.wire.duplicates, "captured twice"),
        (capture.missed.unwrap_or(0), "missed by the capture itself, by its own count"),
    ];
    words.extend(parts.iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{n} {what}")));
    format!("{}.", words.join(", "))
}

/// What is not known, a sentence each.
pub(in crate::render) fn open(capture: &Capture, drops: u64) -> [Option<String>; 7] {
    let wire = capture.wire;
    let when = |n: u64, words: String| (n > 0).then_some(words);
    let syns = |n: u64| if n == 1 { "One SYN".to_owned() } else { format!("{n} SYNs") };
    let blind = wire.one_way > 0 && wire.answered == 0 && drops == 0;
    [
        when(
            wire.one_way,
            if blind {
                format!(
                    "This capture cannot tell which SYNs were dropped: it holds no answer of any server, to {}. Either only \
                     one way was captured (a filter, a mirrored port, another route back), or the servers say nothing at all. \
                     Capture both ways: `tcpdump -i any 'tcp port 443'`.",
                    if wire.one_way == 1 { "one SYN".into() } else { format!("{} SYNs", wire.one_way) },
                )
            } else {
                format!(
                    "{} undecided: of their clients and servers only one way is in the capture.",
                    syns(wire.one_way)
                )
            },
        ),
        when(
            wire.near_end,
            format!("{} undecided: less than 3 s before the end of the capture.", syns(wire.near_end)),
        ),
        when(wire.no_room, format!("{} undecided: there was no room to wait for answers.", syns(wire.no_room))),
        when(
            wire.set_back,
            format!("{} undecided: the clock of the capture was set back meanwhile.", syns(wire.set_back)),
        ),
        when(
            wire.options_cut,
            format!(
                "{} whose options were cut off by the capture: their timestamps are not known (`tcpdump -s 128` keeps them).",
                syns(wire.options_cut)
            ),
        ),
        when(
            capture.cut,
            "Packets that were cut short may have been SYNs, or answers to SYNs (`tcpdump -s 128` keeps them).".into(),
        ),
        when(
            capture.missed.unwrap_or(0),
            "What the capture missed may have been answers to SYNs that are drops here.".into(),
        ),
    ]
}
