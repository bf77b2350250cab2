//! What rules of a kind have in common; a row of the table says what differs.

use super::{Point, Rests, Rule};
use crate::analysis::verdict::{
    remedies::{self as remedy, Advice},
    texts as text,
};

/// What most rules have in common; a row says what differs.
pub(super) const PLAIN: Rule = Rule {
    name: "",
    cause: None,
    applies: |_| false,
    rests: Rests::Leader,
    weight: 0.99,
    finding: 0.0,
    text: |_| String::new(),
    speaks_for: &[text::share, text::agrees, text::queue, text::reasons, text::settings, text::got_in],
    speaks_against: AGAINST,
    remedies: &[],
};

const AGAINST: &[Point] = &[
    text::wire,
    text::few,
    text::others,
    text::left_out,
    text::noise,
    text::differs,
    text::unseen,
    text::blind,
    text::lost,
    text::unknown_settings,
    text::contradiction,
];

/// What rules on timestamps have in common.
pub(super) const PAWS: Rule = Rule {
    finding: 0.25,
    speaks_for: &[
        text::share,
        text::agrees,
        text::evidence,
        text::more_evidence,
        text::port_jumps,
        text::settings,
        text::got_in,
    ],
    speaks_against: &[
        text::clocks,
        text::wire,
        text::few,
        text::others,
        text::left_out,
        text::noise,
        text::differs,
        text::unseen,
        text::blind,
        text::lost,
        text::unknown_settings,
        text::contradiction,
    ],
    remedies: &[
        remedy::TRACE_THE_SERVER,
        remedy::RECYCLE_OFF,
        remedy::RFC1337_OFF,
        remedy::ANSWER_MORE,
        remedy::OWN_RANDOM_FULLY,
        remedy::OWN_CONNTRACK,
        remedy::ACKS_THROUGH,
        remedy::SEE_CONNECTIONS,
        remedy::KEEPALIVE,
        remedy::ONE_PORT_ONCE,
        remedy::WIDER_POOL,
        remedy::RANDOM_FULLY,
        remedy::CLIENT_FIRST,
        remedy::NO_TIMESTAMPS,
        remedy::NOT_REUSE,
    ],
    ..PLAIN
};

/// `tcp_tw_recycle`: the cause is plain without any clock.
pub(super) const RECYCLE: Rule = Rule {
    finding: 0.05,
    remedies: &[
        remedy::TRACE_THE_SERVER,
        remedy::RECYCLE_OFF_ENDS_IT,
        remedy::RECYCLE_READ,
        remedy::RECYCLE_STAYS_OFF,
    ],
    ..PAWS
};

/// One client is enough: its own setting is the first that helps.
pub(super) const PER_CONNECTION: &[Advice] = &[
    remedy::TRACE_THE_SERVER,
    remedy::RECYCLE_OFF,
    remedy::RFC1337_OFF,
    remedy::ANSWER_MORE,
    remedy::OWN_RANDOM_FULLY,
    remedy::OWN_CONNTRACK,
    remedy::ACKS_THROUGH,
    remedy::UPTIME_CLOCK,
    remedy::RANDOM_FULLY,
    remedy::SEE_CONNECTIONS,
    remedy::KEEPALIVE,
    remedy::ONE_PORT_ONCE,
    remedy::WIDER_POOL,
    remedy::CLIENT_FIRST,
    remedy::NO_TIMESTAMPS,
    remedy::NOT_REUSE,
];

pub(super) const AFTER_REBOOT: &[Advice] = &[
    remedy::TRACE_THE_SERVER,
    remedy::RECYCLE_OFF,
    remedy::RFC1337_OFF,
    remedy::ANSWER_MORE,
    remedy::ACKS_THROUGH,
    remedy::WAIT,
    remedy::SEE_CONNECTIONS,
    remedy::KEEPALIVE,
    remedy::LONGER,
];

/// Nobody knows yet who is behind it: what helps in any case, and to watch on.
pub(super) const UNDECIDED: Rule = Rule {
    remedies: &[
        remedy::TRACE_THE_SERVER,
        remedy::RECYCLE_OFF,
        remedy::RFC1337_OFF,
        remedy::ANSWER_MORE,
        remedy::OWN_RANDOM_FULLY,
        remedy::OWN_CONNTRACK,
        remedy::ACKS_THROUGH,
        remedy::LONGER,
        remedy::SEE_CONNECTIONS,
        remedy::KEEPALIVE,
        remedy::ONE_PORT_ONCE,
        remedy::WIDER_POOL,
        remedy::RANDOM_FULLY,
        remedy::CLIENT_FIRST,
        remedy::NO_TIMESTAMPS,
        remedy::NOT_REUSE,
    ],
    ..PAWS
};

/// Drops that only a counter shows.
pub(super) const UNSEEN: Rule = Rule {
    rests: Rests::Counter,
    speaks_for: &[text::counter, text::unseen_settings],
    speaks_against: &[text::not_seen, text::counter_counts, text::others_seen, text::left_out, text::lost],
    ..PLAIN
};
