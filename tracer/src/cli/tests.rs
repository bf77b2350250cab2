//! Words that parse, and words that are refused with the right ones.

use std::time::Duration;

use clap::{CommandFactory as _, Parser as _};
use proptest::prelude::*;

use super::{
    words::{parse_duration, parse_interval, parse_prefix},
    *,
};
use crate::analysis::engine::Limits;

#[test]
fn the_definition_is_consistent() {
    Cli::command().debug_assert();
}

#[test]
fn the_bounds_are_those_of_the_analysis() {
    let live = |args: &[&str]| {
        let cli = Cli::try_parse_from([&["tracer"], args].concat()).unwrap();
        (cli.live.output.tables.max_sources, usize::from(cli.live.output.tables.clock_memory) << 20)
    };
    let Limits { sources, clock_bytes } = Limits::default();
    assert_eq!(live(&[]), (sources, clock_bytes));
    let Limits { sources, clock_bytes } = Limits::MOST;
    assert_eq!(live(&["--max-sources", "16777216", "--clock-memory", "65535"]), (sources, clock_bytes));
    assert_eq!(live(&["--max-sources", "10", "--clock-memory", "1"]), (10, 1 << 20));
}

#[test]
fn port_lists() {
    let ports = |text: &str| text.parse::<Ports>().map(|p| p.0);
    assert_eq!(ports("443"), Ok(vec![(443, 443)]));
    assert_eq!(ports("443,80"), Ok(vec![(80, 80), (443, 443)]));
    assert_eq!(ports("7000-7011, 7012,7005-7020"), Ok(vec![(7000, 7020)]));
    assert_eq!(ports("1-65535"), Ok(vec![(1, 65535)]));
    assert_eq!(ports(""), Err(PortsError::Empty));
    assert_eq!(ports("80,,443"), Err(PortsError::Empty));
    assert_eq!(ports("0"), Err(PortsError::NotAPort("0".into())));
    assert_eq!(ports("+80"), Err(PortsError::NotAPort("+80".into())));
    assert_eq!(ports("65536"), Err(PortsError::NotAPort("65536".into())));
    assert_eq!(ports("https"), Err(PortsError::NotAPort("https".into())));
    assert_eq!(ports("90-80"), Err(PortsError::Backwards(90, 80)));
}

#[test]
fn causes_and_their_typos() {
    assert_eq!(selected(&[]).len(), 13);
    assert_eq!(selected(&[CauseWord::All]).len(), 15);
    assert_eq!(selected(&[CauseWord::Paws]).len(), 5);
    let wrong = "paws-timewait".parse::<CauseWord>().unwrap_err();
    assert!(wrong.contains("`paws-time-wait`"), "{wrong}");
    let wrong = "xyz".parse::<CauseWord>().unwrap_err();
    assert!(wrong.contains("accept-queue-full"), "{wrong}");
}

#[test]
fn durations() {
    assert_eq!(parse_duration("30s"), Ok(Duration::from_secs(30)));
    assert_eq!(parse_duration("5m"), Ok(Duration::from_mins(5)));
    assert_eq!(parse_duration("250ms"), Ok(Duration::from_millis(250)));
    for bad in ["", "s", "0", "-1s", "1d", "99999999999999999999h", "18446744073709551615h"] {
        assert!(parse_duration(bad).is_err(), "{bad}");
    }
}

#[test]
fn intervals() {
    let interval =
        |args: &[&str]| Cli::try_parse_from([&["tracer"], args].concat()).map(|cli| cli.live.interval);
    assert_eq!(interval(&[]).unwrap(), None);
    assert_eq!(interval(&["--interval", "10s"]).unwrap(), Some(Duration::from_secs(10)));
    assert_eq!(interval(&["--interval", "1"]).unwrap(), Some(Duration::from_secs(1)));
    for (bad, word) in [("0", "zero"), ("999ms", "a second or more"), ("often", "not a time")] {
        let said = interval(&["--interval", bad]).unwrap_err().to_string();
        assert!(said.contains(word), "{said}");
    }
}

proptest! {
    #[test]
    fn any_text_is_parsed_or_refused(text in "\\PC{0,40}") {
        let _ = text.parse::<Ports>();
        let _ = text.parse::<CauseWord>();
        let _ = parse_duration(&text);
        let _ = parse_interval(&text);
        let _ = parse_prefix(&text);
    }

    #[test]
    fn ranges_are_sorted_and_apart(list in proptest::collection::vec((1u16.., 0u16..100), 1..20)) {
        let text: Vec<_> = list.iter().map(|(a, n)| format!("{a}-{}", a.saturating_add(*n))).collect();
        let Ports(ranges) = text.join(",").parse().unwrap();
        prop_assert!(ranges.windows(2).all(|w| u32::from(w[0].1) + 1 < u32::from(w[1].0)));
        for (a, n) in list {
            let b = a.saturating_add(n);
            prop_assert!(ranges.iter().any(|r| r.0 <= a && b <= r.1));
        }
    }
}
