//! Three lines each, that agree with the verdict, with the counters and with what hook sets see.

use jiff::tz::TimeZone;

use super::*;
use crate::{
    analysis::{snmp::moved_by, verdict::remedies},
    model::environment::Environment,
};

fn style(width: usize) -> Style {
    Style { color: false, zone: TimeZone::UTC, width, verbose: false }
}

/// A machine on which every advice about settings fits.
fn troubled() -> Environment {
    let set = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    Environment {
        kernel: Some("4.9.229".into()),
        sysctls_read: true,
        sysctls: [
            set("net.ipv4.tcp_tw_recycle", "1"),
            set("net.ipv4.tcp_timestamps", "1"),
            set("net.ipv4.tcp_syncookies", "0"),
            set("net.ipv4.tcp_max_syn_backlog", "128"),
            set("net.core.somaxconn", "128"),
        ]
        .into(),
        ..Environment::default()
    }
}

#[test]
fn a_name_and_three_lines_of_80_columns() {
    for cause in Cause::ALL {
        let lines = lines(&style(80), cause, "");
        assert_eq!(lines.len(), 4, "{cause}");
        for line in lines {
            assert!(line.chars().count() <= 80, "{} columns: {line}", line.chars().count());
        }
        let Explained { kernel, confirm, end, .. } = explained(cause);
        for text in [kernel, confirm, end] {
            assert!(text.ends_with('.') && text.len() > 20, "{cause}: {text}");
            assert_eq!(text.matches('`').count() % 2, 0, "{cause}: {text}");
        }
    }
    let all = style(80).explain_causes(&Cause::ALL);
    assert!(all.lines().all(|line| line.chars().count() <= 80), "{all}");
}

/// What is said to end it is what the verdict says, too: every command, every setting and what is done on the NAT.
#[test]
fn the_verdict_advises_the_same() {
    for cause in Cause::ALL {
        let advised: Vec<_> = [Environment::default(), troubled()]
            .iter()
            .flat_map(|environment| remedies(cause, environment))
            .map(|remedy| remedy.action)
            .collect();
        let advised = advised.join("\n");
        let end = explained(cause).end;
        let commands = end.split('`').skip(1).step_by(2);
        let settings = end.split([' ', '`', ';', ',', '.']).filter(|word| word.starts_with("tcp_"));
        let marks =
            ["SO_KEEPALIVE", "no port again within 60 s", "random-fully", "client close first", "accept()"];
        let marks = marks.into_iter().filter(|mark| end.contains(mark));
        let mut said = 0;
        for words in commands.chain(settings).chain(marks) {
            assert!(advised.contains(words), "{cause}: {words} is not among\n{advised}");
            said += 1;
        }
        assert!(
            said > 0 || advised.contains(end.trim_end_matches('.')),
            "{cause}: nothing of {end:?} is in\n{advised}"
        );
    }
}

#[test]
fn whatever_counter_moves_is_named() {
    for cause in Cause::ALL {
        let moved = moved_by(cause);
        let confirm = explained(cause).confirm;
        assert!(
            moved.is_empty() || moved.iter().any(|counter| confirm.contains(counter)),
            "{cause} moves {moved:?}: {confirm}"
        );
    }
}

#[test]
fn one_cause_at_length() {
    let text =
        style(80).explain_cause(Cause::PawsTimeWait, &remedies(Cause::PawsTimeWait, &Environment::default()));
    for words in [
        "paws-time-wait (PAWS in TIME_WAIT)",
        "tracepoint from 6.11 on",
        "tracer --cause paws-time-wait",
        " 1. ",
    ] {
        assert!(text.contains(words), "{words}: {text}");
    }
    for cause in Cause::ALL {
        let text = style(80).explain_cause(cause, &remedies(cause, &Environment::default()));
        assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
        assert!(text.contains(" 1. "), "{cause} without a remedy");
    }
}
