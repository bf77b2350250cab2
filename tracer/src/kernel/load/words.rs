//! What the system says when a program cannot be loaded or attached, as a person can read it.

use aya::programs::ProgramError;

use crate::error::{Exit, Failure, without_numbers};

/// The chain of causes in one line, without the verifier's log.
pub(in crate::kernel) fn in_words(error: &ProgramError) -> String {
    in_our_words(without_numbers(&chain(error)))
}

const NO_KPROBES: &str = "this kernel was built without kprobes";
const NO_TRACEFS: &str = "tracefs is not mounted";

/// Of a probe: what the kernel says of the `function` itself, unless we know better already.
pub(super) fn of_probe(words: String, function: impl FnOnce() -> Option<String>) -> String {
    if words.starts_with(NO_KPROBES) || words.starts_with(NO_TRACEFS) {
        return words;
    }
    function().unwrap_or_else(|| {
        // Before 4.17 probes are made in this file. A function that is not there gives the same error.
        if words.contains("kprobe_events") && words.contains("No such file") {
            return format!("{NO_KPROBES} ({words})");
        }
        words
    })
}

fn in_our_words(words: String) -> String {
    if words.contains("event_source/devices/kprobe") {
        return format!("{NO_KPROBES} ({words})");
    }
    if words.contains("tracefs not found") {
        return format!(
            "{NO_TRACEFS}, and before 4.17 it takes the kernel probes: `mount -t tracefs tracefs /sys/kernel/tracing`"
        );
    }
    words
}

fn chain(error: &ProgramError) -> String {
    if let ProgramError::LoadError { io_error, verifier_log } = error {
        let log = verifier_log.to_string();
        let statistics = ["processed ", "stack depth ", "verification time "];
        let last =
            log.lines().rev().find(|l| !l.trim().is_empty() && !statistics.iter().any(|s| l.starts_with(s)));
        log::debug!("{log}");
        return match last {
            Some(line) => format!("loading it: {io_error} ({line})"),
            None => format!("loading it: {io_error}"),
        };
    }
    let mut words = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        let text = cause.to_string();
        if !words.contains(&text) {
            words = format!("{words}: {text}");
        }
        source = cause.source();
    }
    words.replace('\n', " ")
}

pub(in crate::kernel) fn load_failure(error: &dyn std::error::Error) -> Failure {
    let mut words = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        words = format!("{words}: {cause}");
        source = cause.source();
    }
    Failure::new(
        Exit::Unable,
        "the eBPF programs cannot be loaded",
        without_numbers(&words.replace('\n', " ")),
        "see what this kernel allows: `sudo tracer doctor -v`; `tracer -vv` has the verifier's own words",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(words: &str, function: Option<&str>) -> String {
        of_probe(in_our_words(words.to_owned()), || function.map(str::to_owned))
    }

    #[test]
    fn probes_that_are_refused() {
        let device = "`/sys/bus/event_source/devices/kprobe/type`: No such file or directory";
        let events = "`/sys/kernel/tracing/kprobe_events`: No such file or directory";
        let invalid = "`perf_event_open` failed: Invalid argument";
        for (words, function, why) in [
            (device, None, "this kernel was built without kprobes (`/sys/bus"),
            (device, Some("it is inlined"), "this kernel was built without kprobes (`/sys/bus"),
            ("tracefs not found", Some("it is inlined"), "tracefs is not mounted"),
            (events, None, "this kernel was built without kprobes (`/sys/kernel"),
            (events, Some("it is inlined"), "it is inlined"),
            (invalid, Some("it is forbidden"), "it is forbidden"),
            (invalid, None, invalid),
        ] {
            assert!(of(words, function).starts_with(why), "{words} {function:?}: {}", of(words, function));
        }
    }
}
