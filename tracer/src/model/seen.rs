//! What the kernel side reported of one SYN, before anyone says what it means.

use super::{
    Flow, Nanos, Syn,
    reading::{Accepted, Stack, Via},
};

/// Where the kernel had the SYN in hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Site {
    /// `tcp_conn_request`.
    Listen,
    /// `tcp_timewait_state_process`.
    TimeWait,
    /// `tcp_check_req`.
    SynRecv,
    /// `tcp_validate_incoming`.
    FullSocket,
    /// `skb:kfree_skb` alone.
    KfreeSkb,
}

/// Queues of the listener when it was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Queues {
    /// Connections waiting for `accept`.
    pub accept: u32,
    /// Limit of that queue; full when it is longer (`sk_acceptq_is_full`).
    pub accept_max: u32,
    /// Request sockets.
    pub syn: u32,
    /// `net.ipv4.tcp_max_syn_backlog`.
    pub max_syn_backlog: u32,
    /// `net.ipv4.tcp_syncookies`.
    pub syncookies: u8,
}

/// The raw facts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// `CLOCK_MONOTONIC`, nanoseconds.
    pub mono_ns: u64,
    /// Who asked whom.
    pub flow: Flow,
    /// Inode of the network namespace.
    pub netns: Option<u32>,
    /// Interface index in that namespace.
    pub ifindex: Option<u32>,
    /// Where.
    pub site: Site,
    /// What the SYN carried.
    pub syn: Syn,
    /// FIN or RST beside SYN.
    pub odd_flags: OddFlags,
    /// Remembered timestamp.
    pub ts_recent: Option<u32>,
    /// When it was recorded, seconds of `CLOCK_MONOTONIC`; a request socket does not say.
    pub ts_recent_stamp: Option<u32>,
    /// Sequence number that the old connection expects next.
    pub rcv_nxt: Option<u32>,
    /// What the hooked function returned.
    pub verdict: Option<u32>,
    /// Number of the kernel's drop reason.
    pub reason: Option<u32>,
    /// State of the socket (`include/net/tcp_states.h`).
    pub sk_state: Option<u8>,
    /// 5 FIN_WAIT2 or 6 TIME_WAIT, for a TIME_WAIT bucket.
    pub tw_substate: u8,
    /// The listener's queues.
    pub queues: Option<Queues>,
    /// A TIME_WAIT bucket gave way to it before.
    pub from_time_wait: bool,
    /// `tcp_peer_is_proven` said no.
    pub not_proven: bool,
    /// ... when `tcp_tw_recycle` asked: its timestamp is older than the one that its address left (before 4.12).
    pub recycled: bool,
    /// A RST went back; `None`: not visible.
    pub rst_sent: Option<bool>,
    /// An ACK went back; `None`: not visible.
    pub ack_sent: Option<bool>,
}

/// A SYN that was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answered {
    /// `CLOCK_MONOTONIC`, nanoseconds.
    pub mono_ns: u64,
    /// Who asked whom.
    pub flow: Flow,
    /// Inode of the network namespace.
    pub netns: Option<u32>,
    /// Initial sequence number.
    pub seq: u32,
    /// TSval.
    pub tsval: Option<u32>,
    /// The client's stack.
    pub stack: Stack,
    /// Which segment it was.
    pub via: Via,
    /// Others of its source that were answered since its last record and have none of their own.
    pub unreported: u32,
}

impl Answered {
    /// With the time of day.
    pub fn at(&self, time: Nanos) -> Accepted {
        Accepted {
            time,
            flow: self.flow,
            netns: self.netns,
            seq: Some(self.seq),
            tsval: self.tsval,
            stack: self.stack,
            via: self.via,
            unreported: self.unreported,
        }
    }
}

/// One record of the ring.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Record {
    /// A SYN that got no SYN/ACK.
    Dropped(Seen),
    /// A SYN that got one.
    Answered(Answered),
}

/// Flags that make a SYN no connection request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OddFlags {
    /// FIN.
    pub fin: bool,
    /// RST.
    pub rst: bool,
}
