//! Whatever someone writes into a file, it is read, refused or passed over; and what was read can be analysed and printed.

use jiff::tz::TimeZone;

use super::*;
use crate::{
    analysis::{
        engine::Engine,
        summary::{JUDGED, sum_up},
    },
    render::text::Style,
};

/// Reads it, and goes all the way to what is printed.
fn survive(bytes: &[u8]) -> usize {
    let (items, broken, skipped) = read(bytes);
    let style = Style { color: true, zone: TimeZone::UTC, width: 80, verbose: true };
    let mut start = a_start();
    let mut engine = Engine::new(Limits { sources: 8, clock_bytes: 1 << 16 });
    let mut line = String::new();
    let plain = |text: &str| {
        assert!(!text.replace("\x1b[", "").chars().any(|c| c.is_control() && c != '\n'), "{text:?}");
    };
    let mut ending = Ending::unknown(Some(&start), Nanos(0), Lost::default());
    let read = items.len();
    for item in items {
        match item {
            Item::Start(read) => {
                plain(&style.header(&read, None));
                start = *read;
            }
            Item::Observation(observation) => {
                if let Observation::Drop(drop) = &observation {
                    style.drop(drop, &mut line);
                    plain(&line);
                }
                engine.observe(&observation);
            }
            Item::Ending(read) => ending = *read,
        }
    }
    let summary = sum_up(&start, ending, engine.snapshot(JUDGED));
    plain(&style.summary(&start, &summary));
    assert!(!json::summary(&summary).contains('\n'));
    if let Some(broken) = broken {
        assert!(broken.offset <= bytes.len() as u64);
        plain(&broken.to_string());
    }
    assert!(skipped.lines <= bytes.len() as u64);
    read
}

/// Values that stand where others are expected.
const ODD: [&str; 16] = [
    "null",
    "0",
    "-1",
    "1.5",
    "1e400",
    "4294967296",
    "18446744073709551615",
    "99999999999999999999",
    "true",
    "\"\"",
    "[]",
    "{}",
    "\"::\"",
    "\"\\ud800\"",
    "\"\\u001b[2J\\u0000\"",
    "\"9999-12-31T23:59:59Z\"",
];

/// What lines are made of.
const WORDS: [&str; 16] = [
    "{\"type\":\"drop\",\"schema\":1,",
    "{\"type\":\"summary\",\"schema\":1,",
    "{\"type\":\"start\",\"schema\":1,",
    "\"lost\":",
    "\"hooks\":",
    "\"time\":\"2023-11-14T22:13:20Z\"",
    "\"elapsed_ms\":",
    "\"src\":\"192.0.2.1\"",
    "\"set\":\"\"",
    "{",
    "}",
    "[",
    "]",
    ",",
    "1",
    "\n",
];

fn a_recording(start: &Start, observations: &[Observation], ending: Ending) -> String {
    let summary = sum_up(start, ending, Engine::new(Limits::default()).snapshot(JUDGED));
    written(start, observations) + &json::summary(&summary) + "\n"
}

fn any_recording() -> impl Strategy<Value = String> {
    (any_start(), proptest::collection::vec(any_observation(), 0..4), any_ending())
        .prop_map(|(start, observations, ending)| a_recording(&start, &observations, ending))
}

/// Where values stand in a line.
fn values(line: &str) -> Vec<std::ops::Range<usize>> {
    let mut found = Vec::new();
    for (colon, _) in line.match_indices("\":") {
        let from = colon + 2;
        let rest = &line[from..];
        let length = rest.find([',', '}', ']']).unwrap_or(rest.len());
        found.push(from..from + length);
    }
    found
}

#[test]
fn every_value_of_every_line_in_turn() {
    let known = Ending {
        snmp: vec![CounterCheck { name: "a".into(), kernel: 1, ours: 2, remark: None }],
        environment: Environment {
            sysctls: BTreeMap::from([("a".into(), "b".into())]),
            sysctls_read: true,
            own_nat: Some(OwnNat::default()),
            counters: BTreeMap::from([("a".into(), 1)]),
            ..Environment::default()
        },
        ..Ending::unknown(Some(&a_start()), Nanos(0), Lost::default())
    };
    let drop = Drop { accept_queue: Some((1, 2)), ..bare(Cause::PawsTimeWait) };
    let text = a_recording(&a_start(), &[Observation::Drop(drop)], known);
    assert_eq!(survive(text.as_bytes()), 3);
    for value in values(&text) {
        for odd in ODD {
            let mut text = text.clone();
            text.replace_range(value.clone(), odd);
            survive(text.as_bytes());
        }
    }
}

proptest! {
    #[test]
    fn any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        survive(&bytes);
    }

    #[test]
    fn any_json(words in proptest::collection::vec(proptest::sample::select(WORDS.as_slice()), 0..40)) {
        survive(words.concat().as_bytes());
    }

    #[test]
    fn any_damage(
        text in any_recording(), places in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..4_u8), 1..6),
    ) {
        let mut bytes = text.into_bytes();
        for (at, byte, how) in places {
            if bytes.is_empty() {
                break;
            }
            let at = at.index(bytes.len());
            match how {
                0 => bytes[at] = byte,
                1 => bytes.insert(at, byte),
                2 => drop(bytes.remove(at)),
                _ => bytes.truncate(at),
            }
        }
        survive(&bytes);
    }

    #[test]
    fn any_value_in_place_of_another(
        text in any_recording(), at in any::<prop::sample::Index>(), odd in proptest::sample::select(ODD.as_slice()),
    ) {
        let all = values(&text);
        let mut text = text;
        text.replace_range(all[at.index(all.len())].clone(), odd);
        survive(text.as_bytes());
    }

    #[test]
    fn lines_in_any_order(text in any_recording(), seed in any::<u64>()) {
        let mut lines: Vec<_> = text.lines().collect();
        let length = lines.len() as u64;
        lines.rotate_left(usize::try_from(seed % length).unwrap());
        lines.push(lines[0]);
        survive(lines.join("\n").as_bytes());
    }
}
