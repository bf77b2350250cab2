//! Words that options take: port lists, prefixes, times, choices; and what is said of those that make no sense.

use std::{num::ParseIntError, str::FromStr, time::Duration};

use clap::ValueEnum;
use ipnet::IpNet;

/// Hook sets on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Hooks {
    /// The best that attaches.
    Auto,
    /// BTF trampolines.
    Fentry,
    /// Kernel probes.
    Kprobe,
    /// Tracepoints only.
    Tracepoint,
    /// Kernel probes of kernels before 5.8.
    Legacy,
}

/// Output formats.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// One line a drop, for people.
    Text,
    /// NDJSON, schema 1.
    Json,
}

/// When to use colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum When {
    /// On a terminal.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// A port list: inclusive ranges, sorted, merged, never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ports(pub Vec<(u16, u16)>);

/// Why a port list makes no sense.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum PortsError {
    /// Nothing between two commas, or nothing at all.
    #[error("there is an empty entry in the list; write 443, 80,443 or 7000-7011")]
    Empty,
    /// Not a number from 1 to 65535.
    #[error("{0:?} is not a port; ports are numbers from 1 to 65535")]
    NotAPort(String),
    /// The range runs downwards.
    #[error("{0}-{1} runs downwards; did you mean {1}-{0}?")]
    Backwards(u16, u16),
}

impl FromStr for Ports {
    type Err = PortsError;

    fn from_str(text: &str) -> Result<Self, PortsError> {
        let port = |word: &str| {
            let bad = |_: ParseIntError| PortsError::NotAPort(word.to_owned());
            // `parse` takes a sign; a port has none.
            let number = if word.starts_with('+') { 0 } else { word.parse::<u16>().map_err(bad)? };
            if number == 0 { Err(PortsError::NotAPort(word.to_owned())) } else { Ok(number) }
        };
        let mut ranges = Vec::new();
        for entry in text.split(',').map(str::trim) {
            if entry.is_empty() {
                return Err(PortsError::Empty);
            }
            let (first, last) = match entry.split_once('-') {
                Some((first, last)) => (port(first.trim())?, port(last.trim())?),
                None => (port(entry)?, port(entry)?),
            };
            if first > last {
                return Err(PortsError::Backwards(first, last));
            }
            ranges.push((first, last));
        }
        ranges.sort_unstable();
        let mut merged: Vec<(u16, u16)> = Vec::new();
        for (first, last) in ranges {
            match merged.last_mut() {
                Some(previous) if first <= previous.1.saturating_add(1) => previous.1 = previous.1.max(last),
                _ => merged.push((first, last)),
            }
        }
        Ok(Self(merged))
    }
}

pub(super) fn parse_prefix(text: &str) -> Result<IpNet, String> {
    let address = text.parse::<std::net::IpAddr>().map(IpNet::from).ok();
    address.or_else(|| text.parse().ok()).ok_or_else(|| {
        "not an address or prefix; write 192.0.2.7, 198.51.100.0/24 or 2001:db8::/32".to_owned()
    })
}

pub(super) fn parse_duration(text: &str) -> Result<Duration, String> {
    let advice = "not a time; write 30s, 5m, 1h or 500ms";
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let number: u64 = number.parse().map_err(|_| advice.to_owned())?;
    let millis = match unit {
        "ms" => Some(number),
        "" | "s" => number.checked_mul(1_000),
        "m" => number.checked_mul(60_000),
        "h" => number.checked_mul(3_600_000),
        _ => None,
    };
    match millis {
        Some(0) => Err("a duration of zero sees nothing; write 30s, 5m or 1h".to_owned()),
        // A year: longer is a typo, and far from any overflow.
        Some(ms) if ms <= 31_536_000_000 => Ok(Duration::from_millis(ms)),
        _ => Err(advice.to_owned()),
    }
}

/// A second at least: sooner nobody reads it, and every source is looked at each time.
pub(super) fn parse_interval(text: &str) -> Result<Duration, String> {
    let period = parse_duration(text)?;
    if period < Duration::from_secs(1) {
        return Err("an interval is a second or more; write 1s, 10s or 1m".to_owned());
    }
    Ok(period)
}
