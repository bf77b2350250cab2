//! Against timestamps that look old, and against ports that are used again too soon.

use super::{ALWAYS, Advice, answered_by_ack, is_on, on_a_bucket};

pub(in crate::analysis::verdict) const RECYCLE_OFF: Advice = Advice {
    when: |f| is_on(f, "net.ipv4.tcp_tw_recycle"),
    action: |_| "sysctl -w net.ipv4.tcp_tw_recycle=0".into(),
    price: "closed connections stay in TIME_WAIT for 60 s again, which costs little",
};

/// Where it is the cause.
pub(in crate::analysis::verdict) const RECYCLE_OFF_ENDS_IT: Advice = Advice {
    price: "closed connections stay in TIME_WAIT for 60 s again, which costs little; nothing else is needed",
    ..RECYCLE_OFF
};

pub(in crate::analysis::verdict) const RECYCLE_READ: Advice = Advice {
    when: |f| f.is_unknown("net.ipv4.tcp_tw_recycle") && !f.newer_than_recycle(),
    action: |_| "Read `sysctl net.ipv4.tcp_tw_recycle` on the server, and where it is 1, set it to 0.".into(),
    price: RECYCLE_OFF_ENDS_IT.price,
};

pub(in crate::analysis::verdict) const RECYCLE_STAYS_OFF: Advice = Advice {
    when: |f| f.older_than((4, 12)),
    action: |_| {
        "So that it stays off, take tcp_tw_recycle out of /etc/sysctl.conf and /etc/sysctl.d. Kernels from 4.12 on do not have it."
            .into()
    },
    price: "",
};

pub(in crate::analysis::verdict) const RFC1337_OFF: Advice = Advice {
    when: |f| is_on(f, "net.ipv4.tcp_rfc1337") && on_a_bucket(f),
    action: |_| "sysctl -w net.ipv4.tcp_rfc1337=0".into(),
    price: "an old RST can end a TIME_WAIT early again (with 1 the client's is ignored, and a drop lasts 134 s)",
};

pub(in crate::analysis::verdict) const ANSWER_MORE: Advice = Advice {
    when: |f| f.sysctl("net.ipv4.tcp_invalid_ratelimit").is_some_and(|ms| ms > 500),
    action: |_| "sysctl -w net.ipv4.tcp_invalid_ratelimit=500".into(),
    price: "",
};

pub(in crate::analysis::verdict) const OWN_RANDOM_FULLY: Advice = Advice {
    when: |f| f.case.environment.own_nat.as_ref().is_some_and(|nat| nat.random_fully > 0),
    action: |f| {
        let (n, of) = f.case.environment.own_nat.as_ref().map_or((0, 0), |nat| (nat.random_fully, nat.rules));
        format!(
            "Take random-fully off this machine's own SNAT ({n} of {of} rules): `nft list ruleset | grep -n fully-random`, \
             `iptables-save | grep random-fully`."
        )
    },
    price: "outside ports become guessable, and may clash under load",
};

/// The kernel's default is two minutes.
pub(in crate::analysis::verdict) const OWN_CONNTRACK: Advice = Advice {
    when: |f| {
        let short = f.sysctl("net.netfilter.nf_conntrack_tcp_timeout_time_wait").is_some_and(|s| s < 60);
        short && f.case.environment.own_nat.as_ref().is_some_and(|nat| nat.rules > 0)
    },
    action: |_| "sysctl -w net.netfilter.nf_conntrack_tcp_timeout_time_wait=120".into(),
    price: "more entries in this machine's connection table",
};

pub(in crate::analysis::verdict) const ACKS_THROUGH: Advice = Advice {
    when: |f| {
        let retries = f.case.snapshot.retries;
        let slow = retries.longest_ms >= 3000;
        let stuck = retries.refused >= 3 && retries.got_in < retries.refused / 2;
        answered_by_ack(f) && (slow || stuck)
    },
    action: |_| {
        "Let the server's bare ACK, and the client's RST to it, through every firewall on the way: where one eats them, each \
         drop becomes an outage of minutes."
            .into()
    },
    price: "",
};

pub(in crate::analysis::verdict) const WIDER_POOL: Advice = Advice {
    when: on_a_bucket,
    action: |_| {
        "On the NAT in front of the clients, use no port again within 60 s of its close: give the SNAT pool more addresses and ports."
            .into()
    },
    price: "more outside addresses, more state on the NAT",
};

pub(in crate::analysis::verdict) const RANDOM_FULLY: Advice = Advice {
    when: |f| f.case.environment.own_nat.as_ref().is_none_or(|nat| nat.random_fully == 0),
    action: |_| {
        "On the NAT in front of the clients, take random-fully off its SNAT rule: `nft list ruleset | grep -n fully-random`, \
         `iptables-save | grep random-fully`."
            .into()
    },
    price: "outside ports become guessable, and may clash under load",
};

pub(in crate::analysis::verdict) const UPTIME_CLOCK: Advice = Advice {
    when: ALWAYS,
    action: |_| {
        "On Linux clients behind the NAT (4.10 and newer): `sysctl -w net.ipv4.tcp_timestamps=2`.".into()
    },
    price: "the client's uptime shows on the wire; helps as far as a port comes back to the same machine",
};

pub(in crate::analysis::verdict) const CLIENT_FIRST: Advice = Advice {
    when: on_a_bucket,
    action: |_| {
        "Let the client close first (keep-alive, a longer idle timeout on the server): TIME_WAIT is then the client's.".into()
    },
    price: "a change in the application; the server holds connections longer",
};

/// Without timestamps a bucket gives way to a newer sequence number only, which is every other one.
pub(in crate::analysis::verdict) const NO_TIMESTAMPS: Advice = Advice {
    when: |f| f.sysctl("net.ipv4.tcp_timestamps").is_none_or(|value| value != 0),
    action: |_| "As the last resort, on the server: `sysctl -w net.ipv4.tcp_timestamps=0`.".into(),
    price: "worse round-trip times and no protection against old segments, for every client; ports used again may still be refused by their sequence number",
};

pub(in crate::analysis::verdict) const TIMESTAMPS_ON: Advice = Advice {
    when: |f| f.sysctl("net.ipv4.tcp_timestamps") == Some(0),
    action: |_| "sysctl -w net.ipv4.tcp_timestamps=1".into(),
    price: "",
};

pub(in crate::analysis::verdict) const NOT_REUSE: Advice = Advice {
    when: on_a_bucket,
    action: |f| {
        let buckets = f.sysctl("net.ipv4.tcp_max_tw_buckets").map_or(String::new(), |n| format!(" ({n})"));
        format!(
            "Leave net.ipv4.tcp_tw_reuse and tcp_max_tw_buckets{buckets} alone: the first does not help a server, the second \
             breaks other connections."
        )
    },
    price: "",
};

pub(in crate::analysis::verdict) const WAIT: Advice = Advice {
    when: on_a_bucket,
    action: |_| {
        "Let the clients be quiet for a minute: each SYN that is refused starts the 60 s of its TIME_WAIT anew. If it goes on, run \
         tracer again."
            .into()
    },
    price: "",
};

pub(in crate::analysis::verdict) const LONGER: Advice = Advice {
    when: ALWAYS,
    action: |_| {
        "Let tracer run longer: a few more SYNs of each client show how many clocks there are.".into()
    },
    price: "",
};
