//! Where to look when the cause is not the end of the story.

use super::{ALWAYS, Advice, held_open};
use crate::model::Cause;

pub(in crate::analysis::verdict) const ONE_PORT_ONCE: Advice = Advice {
    when: |f| held_open(f) || matches!(f.cause(), Some(Cause::PawsSynRecv | Cause::OutOfWindow)),
    action: |_| {
        "Look for a NAT that lends a port a second time while it is in use: `conntrack -S` on it, and its SNAT pool.".into()
    },
    price: "",
};

pub(in crate::analysis::verdict) const SEE_HANDSHAKES: Advice =
    Advice { when: ALWAYS, action: |_| "ss -tno state syn-recv".into(), price: "" };

pub(in crate::analysis::verdict) const SEE_CONNECTIONS: Advice = Advice {
    when: held_open,
    action: |f| {
        let top = f.case.snapshot.sources.first();
        top.map_or_else(
            || "ss -tno state established".into(),
            |source| format!("ss -tno state established dst {}", source.src),
        )
    },
    price: "",
};

pub(in crate::analysis::verdict) const KEEPALIVE: Advice = Advice {
    when: held_open,
    action: |_| {
        "Let the application switch keep-alive on (SO_KEEPALIVE), so that it notices clients that are gone."
            .into()
    },
    price: "a few packets on idle connections",
};

pub(in crate::analysis::verdict) const ROUTE_BACK: Advice = Advice {
    when: ALWAYS,
    action: |f| {
        let top = f.case.snapshot.sources.first();
        top.map_or_else(|| "ip route get CLIENT".into(), |source| format!("ip route get {}", source.src))
    },
    price: "",
};

pub(in crate::analysis::verdict) const SECURITY_MODULE: Advice = Advice {
    when: ALWAYS,
    action: |_| {
        "See what security modules refused: `dmesg | tail`, `ausearch -m avc`; BPF programs of that kind: `bpftool prog`.".into()
    },
    price: "",
};

pub(in crate::analysis::verdict) const MEMORY: Advice = Advice {
    when: ALWAYS,
    action: |_| {
        "See whether memory for sockets ran out: `cat /proc/net/sockstat`, `sysctl net.ipv4.tcp_mem`.".into()
    },
    price: "",
};

pub(in crate::analysis::verdict) const TRACE_THE_SERVER: Advice = Advice {
    when: |f| f.is_wire(),
    action: |_| "Run tracer on the server: only its kernel knows.".into(),
    price: "",
};

pub(in crate::analysis::verdict) const FIREWALL: Advice = Advice {
    when: ALWAYS,
    action: |_| "Look through the firewall's rules: `nft list ruleset`, `iptables-save -c`.".into(),
    price: "",
};

pub(in crate::analysis::verdict) const READ_THE_REASON: Advice = Advice {
    when: ALWAYS,
    action: |_| "Read the kernel's reason of each drop: `tracer -v`, or `reason` with `-o json`.".into(),
    price: "",
};

pub(in crate::analysis::verdict) const COUNTERS: Advice = Advice {
    when: ALWAYS,
    action: |_| "nstat -az | grep -E 'Listen|PAWS|ReqQFull|Challenge'".into(),
    price: "",
};

pub(in crate::analysis::verdict) const FOLLOW_THE_ANSWER: Advice = Advice {
    when: ALWAYS,
    action: |_| {
        "See whether the SYN/ACKs leave, here and at the client: `tcpdump -ni any 'tcp[13] & 18 = 18'`."
            .into()
    },
    price: "",
};

pub(in crate::analysis::verdict) const TOO_HASTY: Advice = Advice {
    when: ALWAYS,
    action: |_| {
        "If they arrive, look for what sends SYNs twice: a client with a short timeout, a mirrored port, a loop.".into()
    },
    price: "",
};

pub(in crate::analysis::verdict) const START_THE_SERVER: Advice = Advice {
    when: ALWAYS,
    action: |_| "Start the service, or let it listen on that address: `ss -ltn` shows what listens.".into(),
    price: "",
};

/// The first advice where the verdict is about drops that nobody asked for.
pub(in crate::analysis::verdict) const ASK_FOR_THEM: Advice = Advice {
    when: ALWAYS,
    action: |f| {
        let cause = f.cause().map_or("all", Cause::name);
        format!(
            "Run again with `--cause {cause}`, or with `--cause all`: it shows these SYNs and whom they hit."
        )
    },
    price: "",
};

pub(in crate::analysis::verdict) const WATCH_LESS: Advice = Advice {
    when: |f| f.lost() > f.case.lost.undecided,
    action: |_| "Run again and watch less at once (-p, --from, -i), so that nothing is lost.".into(),
    price: "",
};

pub(in crate::analysis::verdict) const SEE_THE_LISTENER: Advice = Advice {
    when: |f| f.blind().next().is_some(),
    action: |_| {
        "Run again with a hook set that sees the listener: `tracer --hooks fentry` or `tracer --hooks kprobe`.".into()
    },
    price: "",
};
