//! The rules, as data.
//!
//! The order decides: the first whose condition holds speaks. A new cause needs a row here and a test that it speaks.

use super::{
    Rests, Rule,
    base::{AFTER_REBOOT, PAWS, PER_CONNECTION, PLAIN, RECYCLE, UNDECIDED, UNSEEN},
};
use crate::{
    analysis::verdict::{
        confidence::{Voice, voice},
        facts::Facts,
        remedies as remedy, texts as text,
    },
    model::{Cause, nat::NatVerdict},
};

fn unseen(facts: &Facts<'_>, cause: Cause) -> bool {
    voice(facts) == Voice::Counter(cause)
}

fn paws_found(facts: &Facts<'_>, verdict: NatVerdict) -> bool {
    facts.is_paws() && facts.found(verdict)
}

/// The table.
pub(in crate::analysis::verdict) const RULES: &[Rule] = &[
    Rule {
        name: "unseen-accept-queue",
        cause: Some(Cause::AcceptQueueFull.name()),
        applies: |f| unseen(f, Cause::AcceptQueueFull),
        text: text::unseen_accept_queue,
        remedies: &[
            remedy::LOOK_AT_LISTENERS,
            remedy::SEE_THE_LISTENER,
            remedy::ACCEPT_FASTER,
            remedy::BACKLOG,
            remedy::SOMAXCONN,
        ],
        ..UNSEEN
    },
    Rule {
        name: "unseen-syn-queue",
        cause: Some(Cause::SynQueueFull.name()),
        applies: |f| unseen(f, Cause::SynQueueFull),
        text: text::unseen_syn_queue,
        remedies: &[
            remedy::SEE_THE_LISTENER,
            remedy::COOKIES,
            remedy::COOKIES_READ,
            remedy::FLOOD,
            remedy::BACKLOG,
            remedy::SOMAXCONN,
            remedy::SYN_BACKLOG,
        ],
        ..UNSEEN
    },
    Rule {
        name: "unseen-recycle",
        cause: Some(Cause::PawsRecycle.name()),
        applies: |f| unseen(f, Cause::PawsRecycle),
        text: text::unseen_recycle,
        remedies: RECYCLE.remedies,
        ..UNSEEN
    },
    Rule {
        name: "mixed",
        cause: Some("mixed"),
        applies: |f| voice(f) == Voice::Mixed,
        rests: Rests::All,
        text: text::mixed,
        speaks_for: &[text::each, text::evidence],
        speaks_against: &[
            text::wire,
            text::left_out,
            text::noise,
            text::unseen,
            text::counter_counts,
            text::blind,
            text::lost,
        ],
        ..PLAIN
    },
    Rule {
        name: "recycle-nat",
        applies: |f| f.is(Cause::PawsRecycle) && f.found(NatVerdict::Nat),
        text: text::recycle_nat,
        ..RECYCLE
    },
    Rule { name: "recycle", applies: |f| f.is(Cause::PawsRecycle), text: text::recycle, ..RECYCLE },
    Rule { name: "paws-nat", applies: |f| paws_found(f, NatVerdict::Nat), text: text::paws_nat, ..PAWS },
    Rule {
        name: "paws-per-connection",
        applies: |f| paws_found(f, NatVerdict::PerConnection),
        text: text::paws_per_connection,
        remedies: PER_CONNECTION,
        ..PAWS
    },
    Rule {
        name: "paws-reboot",
        applies: |f| paws_found(f, NatVerdict::Reboot),
        text: text::paws_reboot,
        remedies: AFTER_REBOOT,
        ..PAWS
    },
    Rule {
        name: "paws-clock-change",
        applies: |f| paws_found(f, NatVerdict::ClockChange),
        text: text::paws_clock_change,
        remedies: AFTER_REBOOT,
        ..PAWS
    },
    Rule {
        name: "paws-time-wait",
        applies: |f| f.is(Cause::PawsTimeWait),
        text: text::paws_time_wait,
        ..UNDECIDED
    },
    Rule {
        name: "paws-fin-wait2",
        applies: |f| f.is(Cause::PawsFinWait2),
        text: text::paws_fin_wait2,
        ..UNDECIDED
    },
    Rule {
        name: "paws-syn-recv",
        applies: |f| f.is(Cause::PawsSynRecv),
        text: text::paws_syn_recv,
        ..UNDECIDED
    },
    Rule {
        name: "paws-established",
        applies: |f| f.is(Cause::PawsEstablished),
        text: text::paws_established,
        ..UNDECIDED
    },
    Rule {
        name: "old-sequence",
        applies: |f| f.is(Cause::OldSequence),
        weight: 0.95,
        text: text::old_sequence,
        remedies: &[
            remedy::TIMESTAMPS_ON,
            remedy::RFC1337_OFF,
            remedy::ANSWER_MORE,
            remedy::OWN_CONNTRACK,
            remedy::ACKS_THROUGH,
            remedy::WIDER_POOL,
            remedy::CLIENT_FIRST,
            remedy::NOT_REUSE,
        ],
        ..PLAIN
    },
    Rule {
        name: "out-of-window",
        applies: |f| f.is(Cause::OutOfWindow),
        weight: 0.9,
        text: text::out_of_window,
        remedies: &[remedy::ONE_PORT_ONCE, remedy::SEE_HANDSHAKES],
        ..PLAIN
    },
    Rule {
        name: "syn-on-established",
        applies: |f| f.is(Cause::SynOnEstablished),
        weight: 0.95,
        text: text::syn_on_established,
        remedies: &[remedy::SEE_CONNECTIONS, remedy::KEEPALIVE, remedy::ACKS_THROUGH, remedy::ONE_PORT_ONCE],
        ..PLAIN
    },
    Rule {
        name: "accept-queue-full",
        applies: |f| f.is(Cause::AcceptQueueFull),
        text: text::accept_queue,
        remedies: &[remedy::LOOK_AT_LISTENERS, remedy::ACCEPT_FASTER, remedy::BACKLOG, remedy::SOMAXCONN],
        ..PLAIN
    },
    Rule {
        name: "syn-queue-full",
        applies: |f| f.is(Cause::SynQueueFull),
        text: text::syn_queue,
        remedies: &[
            remedy::COOKIES,
            remedy::COOKIES_READ,
            remedy::BACKLOG,
            remedy::SOMAXCONN,
            remedy::FLOOD,
            remedy::SYN_BACKLOG,
        ],
        ..PLAIN
    },
    Rule {
        name: "peer-not-proven",
        applies: |f| f.is(Cause::PeerNotProven),
        weight: 0.95,
        text: text::peer_not_proven,
        remedies: &[remedy::COOKIES, remedy::COOKIES_READ, remedy::SYN_BACKLOG, remedy::FLOOD],
        ..PLAIN
    },
    Rule {
        name: "listen-other",
        applies: |f| f.is(Cause::ListenOther),
        weight: 0.6,
        text: text::listen_other,
        remedies: &[remedy::ROUTE_BACK, remedy::SECURITY_MODULE, remedy::MEMORY],
        ..PLAIN
    },
    Rule {
        name: "no-answer-on-the-wire",
        applies: |f| f.is(Cause::Other) && f.is_wire(),
        weight: 0.5,
        text: text::wire_other,
        remedies: &[remedy::TRACE_THE_SERVER, remedy::LOOK_AT_LISTENERS, remedy::FIREWALL],
        ..PLAIN
    },
    Rule {
        name: "other",
        applies: |f| f.is(Cause::Other),
        weight: 0.5,
        text: text::other,
        remedies: &[
            remedy::FIRST_REASON,
            remedy::SECOND_REASON,
            remedy::THIRD_REASON,
            remedy::READ_THE_REASON,
            remedy::FIREWALL_MAYBE,
            remedy::COUNTERS,
        ],
        ..PLAIN
    },
    Rule {
        name: "repeated",
        applies: |f| f.is(Cause::Repeated),
        weight: 0.9,
        text: text::repeated,
        remedies: &[remedy::FOLLOW_THE_ANSWER, remedy::TOO_HASTY],
        ..PLAIN
    },
    Rule {
        name: "no-listener",
        applies: |f| f.is(Cause::NoListener),
        text: text::no_listener,
        remedies: &[remedy::START_THE_SERVER],
        ..PLAIN
    },
    Rule {
        name: "blind-to-what-moved",
        cause: Some("blind"),
        applies: |f| f.unseen.is_some(),
        text: text::blind_moved,
        remedies: &[remedy::SEE_THE_LISTENER, remedy::COUNTERS],
        ..UNSEEN
    },
    Rule {
        name: "blind",
        cause: Some("blind"),
        applies: |f| observed(f) && (f.blind().next().is_some() && !f.counters_read() || f.lost() > 0),
        rests: Rests::Answers,
        weight: 0.2,
        text: text::blind_verdict,
        speaks_for: &[text::answered, text::counters_quiet],
        speaks_against: &[
            text::counter_moved,
            text::counters_unread,
            text::noise,
            text::blind,
            text::not_looked_at,
        ],
        remedies: &[remedy::WATCH_LESS, remedy::SEE_THE_LISTENER, remedy::COUNTERS],
        ..PLAIN
    },
    Rule {
        name: "healthy",
        cause: Some("healthy"),
        applies: observed,
        rests: Rests::Answers,
        text: text::healthy,
        speaks_for: &[text::answered, text::counters_quiet],
        speaks_against: &[text::counter_moved, text::counters_unread, text::blind, text::not_looked_at],
        ..PLAIN
    },
];

/// Anything at all.
fn observed(facts: &Facts<'_>) -> bool {
    let accepted = facts.case.snapshot.accepted;
    !facts.by_cause.is_empty() || accepted > 0 || facts.moved().is_some() || facts.lost() > 0
}
