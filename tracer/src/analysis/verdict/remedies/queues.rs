//! Against queues that are full.

use super::{ALWAYS, Advice};
use crate::{analysis::verdict::facts::Facts, model::Cause};

pub(in crate::analysis::verdict) const LOOK_AT_LISTENERS: Advice = Advice {
    when: ALWAYS,
    action: |_| "See how full the queues are: `ss -ltn` (Recv-Q, and its limit Send-Q).".into(),
    price: "",
};

pub(in crate::analysis::verdict) const ACCEPT_FASTER: Advice = Advice {
    when: ALWAYS,
    action: |_| {
        "Find out what keeps the application from accept(): threads, locks, CPU, a slow backend. That is the root.".into()
    },
    price: "",
};

/// The listener's own limit, as the kernel held it when it refused: both queues end there.
fn limit(facts: &Facts<'_>) -> Option<u32> {
    let snapshot = facts.case.snapshot;
    let queue =
        if facts.is(Cause::SynQueueFull) { snapshot.syn_queue_listener } else { snapshot.accept_queue };
    queue.map(|(_, max)| max)
}

pub(in crate::analysis::verdict) const BACKLOG: Advice = Advice {
    when: |f| match (limit(f), f.sysctl("net.core.somaxconn")) {
        (Some(max), Some(most)) => i64::from(max) < most,
        _ => true,
    },
    action: |f| {
        let queue = if f.is(Cause::SynQueueFull) { ", at which its SYN queue ends, too" } else { "" };
        let first =
            format!("Raise the backlog that the application gives to listen(){queue}, and restart it");
        match (limit(f), f.sysctl("net.core.somaxconn")) {
            (Some(now), Some(most)) => {
                format!("{first}: it is {now}, and net.core.somaxconn allows {most}.")
            }
            (Some(now), None) => {
                format!("{first}: it is {now}; net.core.somaxconn caps it, and was not read here.")
            }
            (None, Some(most)) => format!("{first}; net.core.somaxconn caps it at {most}."),
            (None, None) => format!("{first}; net.core.somaxconn caps it."),
        }
    },
    price: "a longer queue lets clients wait; it does not make the application faster",
};

pub(in crate::analysis::verdict) const SOMAXCONN: Advice = Advice {
    when: |f| match (limit(f), f.sysctl("net.core.somaxconn")) {
        (Some(max), Some(most)) => i64::from(max) >= most,
        (None, Some(most)) => most < 4096,
        _ => false,
    },
    action: |f| {
        let now = f.sysctl("net.core.somaxconn").unwrap_or(0).clamp(0, 1 << 20);
        format!("sysctl -w net.core.somaxconn={}", (now * 2).max(4096))
    },
    price: "counts from the next listen() on: restart the application, and raise its own backlog as well",
};

pub(in crate::analysis::verdict) const COOKIES: Advice = Advice {
    when: |f| f.sysctl("net.ipv4.tcp_syncookies") == Some(0),
    action: |_| "sysctl -w net.ipv4.tcp_syncookies=1".into(),
    price: COOKIES_PRICE,
};

pub(in crate::analysis::verdict) const COOKIES_READ: Advice = Advice {
    when: |f| f.is_unknown("net.ipv4.tcp_syncookies"),
    action: |_| "Read `sysctl net.ipv4.tcp_syncookies` on the server, and where it is 0, set it to 1.".into(),
    price: COOKIES_PRICE,
};

const COOKIES_PRICE: &str =
    "while the queue is full, clients without timestamps lose window scaling and SACK";

/// Without cookies its last quarter is kept for clients that are known, and no SYN queue is longer.
pub(in crate::analysis::verdict) const SYN_BACKLOG: Advice = Advice {
    when: ALWAYS,
    action: |f| match f.sysctl("net.ipv4.tcp_max_syn_backlog") {
        Some(now) => {
            format!("sysctl -w net.ipv4.tcp_max_syn_backlog={}", (now.clamp(0, 1 << 20) * 2).max(4096))
        }
        None => {
            "Raise net.ipv4.tcp_max_syn_backlog (not read here), and the listener's backlog with it.".into()
        }
    },
    price: "a little memory for each half-open handshake; a full SYN queue needs a longer backlog of the listener first",
};

pub(in crate::analysis::verdict) const FLOOD: Advice = Advice {
    when: ALWAYS,
    action: |_| {
        "See who fills it: `ss -tn state syn-recv`. Many addresses that never finish are a SYN flood.".into()
    },
    price: "",
};
