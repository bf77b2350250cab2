//! What the machine's settings mean for SYNs, in a few words each.

use crate::model::environment::OwnNat;

/// What a value means here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Meaning {
    /// In a few words.
    pub text: String,
    /// It costs clients connections, or may.
    pub remarkable: bool,
}

fn fine(text: impl Into<String>) -> Meaning {
    Meaning { text: text.into(), remarkable: false }
}

fn odd(text: impl Into<String>) -> Meaning {
    Meaning { text: text.into(), remarkable: true }
}

/// A setting, by name and value. `nat`: what this machine translates.
pub fn setting(name: &str, value: &str, nat: Option<&OwnNat>) -> Meaning {
    let Ok(number) = value.trim().parse::<i64>() else { return fine("not a number") };
    match (name.strip_prefix("net.ipv4.").unwrap_or(name), number) {
        ("tcp_tw_recycle", 0) => fine("off, as it should be"),
        ("tcp_tw_recycle", _) => {
            odd("refuses clients behind NATs; off: `sysctl -w net.ipv4.tcp_tw_recycle=0`")
        }
        ("tcp_timestamps", 0) => {
            odd("no timestamps: no PAWS, and old connections block a port by sequence number")
        }
        ("tcp_timestamps", 1) => fine("PAWS is in force"),
        ("tcp_timestamps", _) => fine("PAWS is in force; this machine's own clock shows its uptime"),
        ("tcp_tw_reuse", _) => fine("concerns only connections that this machine opens"),
        ("tcp_rfc1337", 0) => fine("a client's RST ends TIME_WAIT: once refused, it gets in soon"),
        ("tcp_rfc1337", _) => odd("no RST ends TIME_WAIT: a client that PAWS refuses is out for 134 s"),
        ("tcp_max_tw_buckets", n) => fine(format!("at most {n} connections in TIME_WAIT")),
        ("tcp_syncookies", 0) => {
            odd("a full SYN queue drops SYNs, and its last quarter is for known clients")
        }
        ("tcp_syncookies", 1) => fine("a full SYN queue is answered with cookies"),
        ("tcp_syncookies", _) => odd("every SYN is answered with a cookie, full queue or not: for tests"),
        ("tcp_max_syn_backlog", n) => fine(format!("{n}; matters where tcp_syncookies is 0")),
        ("tcp_invalid_ratelimit", 0) => fine("every SYN that is refused gets its ACK"),
        ("tcp_invalid_ratelimit", ms) if ms > 500 => {
            odd(format!("one ACK in {ms} ms for SYNs that are refused; silence for the others"))
        }
        ("tcp_invalid_ratelimit", ms) => {
            fine(format!("one ACK in {ms} ms for SYNs that are refused; silence for the others"))
        }
        ("tcp_abort_on_overflow", 0) => fine("a full accept queue is silent"),
        ("tcp_abort_on_overflow", _) => {
            odd("a full accept queue resets clients instead of letting them try again")
        }
        ("net.core.somaxconn", n) if n < 1024 => odd(format!("no listener's backlog is longer than {n}")),
        ("net.core.somaxconn", n) => fine(format!("no listener's backlog is longer than {n}")),
        ("net.netfilter.nf_conntrack_tcp_timeout_time_wait", s) => {
            // A server's TIME_WAIT lasts 60 s.
            let early = s < 60 && nat.is_some_and(|nat| nat.rules > 0);
            let text = format!("this machine's NAT lends a port again {s} s after its close");
            if early { odd(text) } else { fine(text) }
        }
        _ => fine(""),
    }
}

/// Whether this machine's own translation may be to blame.
pub fn nat(found: Option<&OwnNat>) -> Meaning {
    match found {
        None => fine("not known: neither nft nor iptables-save told"),
        Some(OwnNat { rules: 0, .. }) => fine("no source addresses are translated here"),
        Some(OwnNat { rules, random_fully: 0, conntrack }) => {
            let idle = if *conntrack { "" } else { ", with no connection tracked now" };
            fine(format!("{rules} SNAT rules, none of them with random-fully{idle}"))
        }
        Some(OwnNat { rules, random_fully, .. }) => odd(format!(
            "{random_fully} of {rules} SNAT rules use random-fully: clients behind this machine trip PAWS"
        )),
    }
}
