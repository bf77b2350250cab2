//! Against queues that are full.

use super::{ALWAYS, Advice};

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

pub(in crate::analysis::verdict) const BACKLOG: Advice = Advice {
    when: |f| match (f.case.snapshot.accept_queue, f.sysctl("net.core.somaxconn")) {
        (Some((_, max)), Some(most)) => i64::from(max) < most,
        _ => true,
    },
    action: |f| {
        match (f.case.snapshot.accept_queue, f.sysctl("net.core.somaxconn")) {
        (Some((_, now)), Some(most)) => format!(
            "Raise the backlog that the application gives to listen(), and restart it: it is {now}, and net.core.somaxconn \
             allows {most}."
        ),
        _ => "Raise the backlog that the application gives to listen(), and restart it; net.core.somaxconn caps it.".into(),
    }
    },
    price: "a longer queue lets clients wait; it does not make the application faster",
};

pub(in crate::analysis::verdict) const SOMAXCONN: Advice = Advice {
    when: |f| match (f.case.snapshot.accept_queue, f.sysctl("net.core.somaxconn")) {
        (Some((_, max)), Some(most)) => i64::from(max) >= most,
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
    when: |f| f.sysctl("net.ipv4.tcp_syncookies").is_none_or(|value| value == 0),
    action: |_| "sysctl -w net.ipv4.tcp_syncookies=1".into(),
    price: "while the queue is full, clients without timestamps lose window scaling and SACK",
};

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
    price: "a little memory for each half-open handshake",
};

pub(in crate::analysis::verdict) const FLOOD: Advice = Advice {
    when: ALWAYS,
    action: |_| {
        "See who fills it: `ss -tn state syn-recv`. Many addresses that never finish are a SYN flood.".into()
    },
    price: "",
};
