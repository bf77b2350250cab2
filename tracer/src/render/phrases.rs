//! Plain words for causes, answers and amounts of time.

use std::fmt::{self, Display, Write as _};

use crate::model::{Answer, Cause, listener::Listener};

/// The cause in a few words that need no manual, at most 22 columns.
pub const fn short(cause: Cause) -> &'static str {
    match cause {
        Cause::PawsRecycle => "PAWS tw_recycle",
        Cause::PawsTimeWait => "PAWS in TIME_WAIT",
        Cause::PawsFinWait2 => "PAWS in FIN_WAIT2",
        Cause::PawsSynRecv => "PAWS in SYN_RECV",
        Cause::PawsEstablished => "PAWS on open conn",
        Cause::OldSequence => "old SYN in TIME_WAIT",
        Cause::OutOfWindow => "out of window",
        Cause::Repeated => "repeated SYN",
        Cause::SynOnEstablished => "SYN on open conn",
        Cause::AcceptQueueFull => "accept queue full",
        Cause::SynQueueFull => "SYN queue full",
        Cause::PeerNotProven => "peer not proven",
        Cause::ListenOther => "refused by listener",
        Cause::NoListener => "nobody listens",
        Cause::Other => "other",
    }
}

/// One sentence on what happened.
pub(super) fn long(cause: Cause) -> &'static str {
    match cause {
        Cause::PawsRecycle => "timestamp older than the last one from this address (tcp_tw_recycle)",
        Cause::PawsTimeWait => "timestamp older than the one the closed connection left (TIME_WAIT)",
        Cause::PawsFinWait2 => "timestamp older than the one the half-closed connection left",
        Cause::PawsSynRecv => "timestamp older than that of a handshake still open on this port",
        Cause::PawsEstablished => "timestamp older than that of a connection open on this port",
        Cause::OldSequence => "neither a newer timestamp nor a newer sequence number than before",
        Cause::OutOfWindow => "does not fit the handshake still open on this port",
        Cause::Repeated => "the same SYN again too soon; the SYN/ACK is on its way",
        Cause::SynOnEstablished => "a connection is already open on this port",
        Cause::AcceptQueueFull => "the application does not accept fast enough",
        Cause::SynQueueFull => "too many handshakes are open, and SYN cookies are off",
        Cause::PeerNotProven => "the last quarter of the SYN backlog is kept for known peers",
        Cause::ListenOther => "no route back, no memory, or a security module said no",
        Cause::NoListener => "no socket listens there",
        Cause::Other => "the kernel's reason stands in the line",
    }
}

/// What went back, at most 7 columns.
pub(super) fn answer(answer: Option<Answer>) -> &'static str {
    match answer {
        Some(Answer::None) => "nothing",
        Some(Answer::Ack) => "ACK",
        Some(Answer::Rst) => "RST",
        None => "?",
    }
}

/// "one SYN", "7 SYNs".
pub(super) fn count(n: u64, one: &str, more: &str) -> String {
    if n == 1 { format!("one {one}") } else { format!("{n} {more}") }
}

/// Milliseconds in two significant places: `850ms`, `1.2s`, `3m20s`, `2h05m`, `3d04h`.
pub(super) fn millis(ms: u64) -> String {
    lasting(ms).to_string()
}

/// The same where it is written.
pub(super) fn lasting(ms: u64) -> impl Display {
    let s = ms / 1000;
    fmt::from_fn(move |f| match s {
        0 => write!(f, "{ms}ms"),
        1..=59 => write!(f, "{}.{}s", s, ms % 1000 / 100),
        60..=3599 => write!(f, "{}m{:02}s", s / 60, s % 60),
        3600..=86_399 => write!(f, "{}h{:02}m", s / 3600, s % 3600 / 60),
        86_400..=8_639_999 => write!(f, "{}d{:02}h", s / 86_400, s % 86_400 / 3600),
        _ => write!(f, "{}d", (s / 86_400).min(99_999)),
    })
}

/// A process by name and number.
pub(super) fn process(listener: &Listener) -> String {
    named(listener).to_string()
}

/// The same where it is written.
pub(super) fn named(listener: &Listener) -> impl Display {
    fmt::from_fn(|f| write!(f, "{} ({})", cleaned(&listener.comm), listener.pid))
}

/// The first twelve digits of a container id, as `docker ps` and `crictl ps` show it, or of a pod's uid.
pub(super) fn short_id(id: &str) -> &str {
    id.get(..12).unwrap_or(id)
}

/// A word from outside without what moves a cursor or turns the direction of writing.
pub(super) fn clean(text: &str) -> String {
    cleaned(text).to_string()
}

/// The same where it is written.
pub(super) fn cleaned(text: &str) -> impl Display {
    let moves = |c: char| {
        c.is_control()
            || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    fmt::from_fn(move |f| text.chars().try_for_each(|c| f.write_char(if moves(c) { '?' } else { c })))
}
