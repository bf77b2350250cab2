//! What of the running kernel changes the meaning of its facts.

use std::{
    collections::{BTreeMap, HashSet},
    sync::Arc,
};

use tracer_common::facts::{WRAP_NEW, WRAP_OLD};

use crate::keyed::Keyed;

/// The kernel's own words and habits.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts, each with a name")]
pub struct Kernel {
    reasons: BTreeMap<u32, Arc<str>>,
    verdicts: BTreeMap<u32, String>,
    /// Functions are hooked; otherwise `skb:kfree_skb` is all there is.
    pub function_hooks: bool,
    /// `skb:kfree_skb` names the receiving socket (6.11).
    pub rx_sk: bool,
    /// `tcp_check_req` gives reasons (6.15).
    pub check_req_reasons: bool,
    /// A SYN on an open socket has a reason of its own only where timestamps are not to blame (5.19 to 6.3).
    pub paws_reason_on_open_socket: bool,
    /// Every drop in `tcp_v4_rcv` has a name (6.4): without one, the bucket and the request are to blame.
    pub names_every_drop: bool,
    /// Age at which a stamp stops to count, seconds.
    pub paws_wrap_s: u32,
    /// Stamps of sockets are the time of day, seconds of `CLOCK_REALTIME`; from 4.19 on of `CLOCK_MONOTONIC`.
    pub stamps_of_day: bool,
    /// Counters in `/proc/net/netstat` and `/proc/net/snmp`, as `TcpExtPAWSEstab`: hundreds, and asked for with every drop.
    pub counters: HashSet<String, Keyed>,
}

impl Kernel {
    /// From the names of the running kernel. `reasons` come without their prefix, `verdicts` are
    /// `enum tcp_tw_status` without `TCP_TW_`.
    pub fn new(release: &str, reasons: &[(String, u32)], verdicts: &[(String, u32)]) -> Self {
        let named = |name: &str| reasons.iter().any(|(n, _)| n == name);
        Self {
            reasons: reasons
                .iter()
                .filter(|(name, _)| says_something(name))
                .map(|(name, number)| (*number, Arc::from(name.as_str())))
                .collect(),
            verdicts: verdicts.iter().map(|(name, number)| (*number, name.clone())).collect(),
            paws_reason_on_open_socket: named("TCP_INVALID_SYN") && !named("TCP_MINTTL"),
            names_every_drop: named("TCP_MINTTL"),
            stamps_of_day: version(release) < (4, 19),
            paws_wrap_s: if version(release) >= (6, 7) { WRAP_NEW } else { WRAP_OLD },
            ..Self::default()
        }
    }

    /// Name of a drop reason; `None` for the ones that say nothing.
    pub fn reason(&self, number: u32) -> Option<Arc<str>> {
        self.reasons.get(&number).cloned()
    }

    /// Name of a TIME_WAIT verdict: `SUCCESS`, `RST`, `ACK`, `SYN`, `ACK_OOW`.
    pub fn verdict(&self, number: u32) -> Option<&str> {
        self.verdicts.get(&number).map(String::as_str)
    }

    /// A socket's stamp in seconds of `CLOCK_MONOTONIC`, which the day is ahead of by `wall_ns`. One that was never set stays 0; one
    /// from before the machine was started is the first second.
    pub fn monotonic(&self, stamp: u32, wall_ns: i64) -> u32 {
        if !self.stamps_of_day || stamp == 0 {
            return stamp;
        }
        u32::try_from(i64::from(stamp) - wall_ns / 1_000_000_000).unwrap_or(0).max(1)
    }

    /// Whether the kernel counts this.
    pub fn counts(&self, counter: &str) -> bool {
        self.counters.contains(counter)
    }
}

fn says_something(reason: &str) -> bool {
    !matches!(reason, "NOT_SPECIFIED" | "NOT_DROPPED_YET")
}

/// Major and minor number of `uname -r`; `(0, 0)` when it does not start with them.
pub fn version(release: &str) -> (u32, u32) {
    let mut numbers = release.split(|c: char| !c.is_ascii_digit()).map(str::parse);
    match (numbers.next(), numbers.next()) {
        (Some(Ok(major)), Some(Ok(minor))) => (major, minor),
        _ => (0, 0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions() {
        assert_eq!(version("6.12.117+deb12-cloud-amd64"), (6, 12));
        assert_eq!(version("5.10.0-46-cloud-amd64"), (5, 10));
        assert_eq!(version("custom"), (0, 0));
        assert_eq!(Kernel::new("6.6.1", &[], &[]).paws_wrap_s, WRAP_OLD);
        assert_eq!(Kernel::new("6.8.0", &[], &[]).paws_wrap_s, 2147);
    }

    #[test]
    fn stamps() {
        const DAY_NS: i64 = 1_700_000_000_500_000_000;
        let old = Kernel::new("4.9.229", &[], &[]);
        let of = |stamp| old.monotonic(stamp, DAY_NS);
        assert_eq!([of(0), of(1_700_000_042), of(1_600_000_000)], [0, 42, 1]);
        assert_eq!(Kernel::new("4.19.0", &[], &[]).monotonic(77, DAY_NS), 77);
    }
}
