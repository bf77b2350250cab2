//! What the system says when a program cannot be loaded or attached, as a person can read it.

use aya::programs::ProgramError;

use crate::error::{Exit, Failure, without_numbers};

/// The chain of causes in one line, without the verifier's log.
pub(in crate::kernel) fn in_words(error: &ProgramError) -> String {
    let words = without_numbers(&chain(error));
    if words.contains("event_source/devices/kprobe") {
        return format!("this kernel was built without kprobes ({words})");
    }
    if words.contains("tracefs not found") {
        return "tracefs is not mounted, and before 4.17 it takes the kernel probes: `mount -t tracefs tracefs /sys/kernel/tracing`"
            .into();
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
