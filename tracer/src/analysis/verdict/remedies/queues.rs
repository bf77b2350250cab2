//! Against queues that are full.

use super::{ALWAYS, Advice};
use crate::{
    analysis::verdict::facts::Facts,
    model::{Cause, report::Listener},
};

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

/// Listeners whose own backlog ends their queue below what the system allows, as far as that is known.
fn short<'a>(facts: &Facts<'a>) -> Vec<(&'a Listener, u32)> {
    let most = facts.sysctl("net.core.somaxconn");
    let limits = facts.full().into_iter().filter_map(|(one, _)| Some((one, facts.limit(one)?)));
    limits.filter(|(_, limit)| most.is_none_or(|most| i64::from(*limit) < most)).collect()
}

/// No limit is known.
fn no_limit(facts: &Facts<'_>) -> bool {
    facts.full().iter().all(|(one, _)| facts.limit(one).is_none())
}

pub(in crate::analysis::verdict) const BACKLOG: Advice = Advice {
    when: |f| no_limit(f) || !short(f).is_empty(),
    action: |f| {
        let queue = if f.is(Cause::SynQueueFull) { ", at which its SYN queue ends, too" } else { "" };
        let short = short(f);
        let whose = match &short[..] {
            [(one, _)] if f.has_several_listeners() => format!("the application at {one}"),
            [] | [_] => "the application".into(),
            _ => "each application".into(),
        };
        let now = match &short[..] {
            [] => String::new(),
            [(_, now)] => format!(": it is {now}"),
            more => {
                let each: Vec<_> = more.iter().map(|(one, now)| format!("{now} at {one}")).collect();
                format!(": it is {}", each.join(", "))
            }
        };
        let first = format!("Raise the backlog that {whose} gives to listen(){queue}, and restart it{now}");
        match (short.is_empty(), f.sysctl("net.core.somaxconn")) {
            (false, Some(most)) => format!("{first}, and net.core.somaxconn allows {most}."),
            (false, None) => format!("{first}; net.core.somaxconn caps it, and was not read here."),
            (true, Some(most)) => format!("{first}; net.core.somaxconn caps it at {most}."),
            (true, None) => format!("{first}; net.core.somaxconn caps it."),
        }
    },
    price: "a longer queue lets clients wait; it does not make the application faster",
};

pub(in crate::analysis::verdict) const SOMAXCONN: Advice = Advice {
    when: |f| {
        let Some(most) = f.sysctl("net.core.somaxconn") else { return false };
        let capped =
            f.full().into_iter().any(|(one, _)| f.limit(one).is_some_and(|max| i64::from(max) >= most));
        capped || no_limit(f) && most < 4096
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
