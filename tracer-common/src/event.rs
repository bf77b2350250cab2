//! The one record that crosses the ring buffer.
//!
//! It holds what the kernel knew at the moment a SYN was dropped (or answered): raw header bytes, socket
//! state and backlog numbers. What they mean is decided in user space.

/// Size of a TCP header without options, bytes (RFC 9293 section 3.1).
pub const TCP_HEADER: usize = 20;
/// Longest TCP option area, bytes (RFC 9293 section 3.1: data offset is four bits).
pub const TCP_OPTIONS_MAX: usize = 40;

/// Where in the kernel the record was taken.
pub mod site {
    /// `tcp_conn_request`: a listening socket was asked.
    pub const LISTEN: u8 = 1;
    /// `tcp_timewait_state_process`: a TIME_WAIT or FIN_WAIT2 bucket holds the tuple.
    pub const TIME_WAIT: u8 = 2;
    /// `tcp_check_req`: a request socket (SYN_RECV) holds the tuple.
    pub const SYN_RECV: u8 = 3;
    /// `tcp_validate_incoming`: a full socket holds the tuple.
    pub const FULL_SOCKET: u8 = 4;
    /// `skb:kfree_skb` alone: none of the functions above saw this SYN, or none of them is hooked.
    pub const KFREE_SKB: u8 = 5;
    /// `sock:inet_sock_set_state`: a handshake ended and its socket is open. There is no packet; the header holds ports and
    /// the client's initial sequence number and nothing else.
    pub const HANDSHAKE: u8 = 6;
}

/// Bits of [`SynRecord::flags`]: which facts are there, and what happened on the way.
pub mod flag {
    /// `socket` holds what the socket [`remembered`](super::remembered): the timestamp and, where such a socket keeps one, its
    /// stamp.
    pub const TS_RECENT: u32 = 1 << 0;
    /// The stamp is kept by this kind of socket (a request socket has none).
    pub const TS_STAMP: u32 = 1 << 1;
    /// `socket` holds the [`queues`](super::queues) of a listener, and `syncookies` was read.
    pub const QUEUES: u32 = 1 << 2;
    /// `verdict` holds what the observed function returned.
    pub const VERDICT: u32 = 1 << 3;
    /// The kernel handed a drop reason to `skb:kfree_skb`; `reason` holds it.
    pub const REASON: u32 = 1 << 4;
    /// `sk_state` holds the state of the socket that the kernel named (`rx_sk`) or that was hooked.
    pub const SK_STATE: u32 = 1 << 5;
    /// ... the sequence number that it expects.
    pub const RCV_NXT: u32 = 1 << 6;
    /// A TIME_WAIT bucket gave way to this SYN (`TCP_TW_SYN`) before the listener was asked.
    pub const FROM_TIME_WAIT: u32 = 1 << 7;
    /// `tcp_peer_is_proven` said no.
    pub const NOT_PROVEN: u32 = 1 << 8;
    /// A SYN/ACK was sent again for this SYN.
    pub const SYNACK_AGAIN: u32 = 1 << 9;
    /// A RST was sent for this SYN.
    pub const RST_SENT: u32 = 1 << 10;
    /// The hook can tell whether an ACK went back, and `ACK_SENT` says so.
    pub const ACK_KNOWN: u32 = 1 << 11;
    /// An ACK went back.
    pub const ACK_SENT: u32 = 1 << 12;
    /// The hook would have seen a RST: without `RST_SENT` there was none.
    pub const RST_KNOWN: u32 = 1 << 13;
    /// Another CPU already held a request socket for this tuple (`inet_csk_reqsk_queue_hash_add` refused).
    pub const DUPLICATE: u32 = 1 << 14;
    /// `tcp_tw_recycle` refused it: its timestamp is older than the one that its address left (`tcp_peer_is_proven`, before
    /// 4.12).
    pub const RECYCLED: u32 = 1 << 15;
}

/// Where in [`SynRecord::socket`] the facts of a listener are.
pub mod queues {
    /// Accept queue: connections waiting for `accept`.
    pub const ACCEPT: usize = 0;
    /// Accept queue: its limit; full when the queue is longer than this.
    pub const ACCEPT_MAX: usize = 1;
    /// SYN queue: request sockets.
    pub const SYN: usize = 2;
    /// `net.ipv4.tcp_max_syn_backlog` of the namespace.
    pub const SYN_MAX: usize = 3;
}

/// Where in [`SynRecord::socket`] the facts of any other socket are.
pub mod remembered {
    /// The timestamp that the kernel remembered for the tuple.
    pub const TS_RECENT: usize = 0;
    /// When it was recorded: `CLOCK_MONOTONIC` seconds.
    pub const STAMP: usize = 1;
    /// Next sequence number that the old connection expects.
    pub const RCV_NXT: usize = 2;
}

/// What the record reports.
pub mod kind {
    /// The SYN got no SYN/ACK.
    pub const DROP: u8 = 1;
    /// The SYN was answered with a SYN/ACK (a clock reading).
    pub const ACCEPTED: u8 = 2;
}

/// One SYN as the kernel saw it. All integers are in host byte order; header bytes are as on the wire. In the ring it ends
/// with the last option that was in the packet.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SynRecord {
    /// `CLOCK_MONOTONIC`, nanoseconds.
    pub time_ns: u64,
    /// Client address; IPv4 as `::ffff:a.b.c.d`.
    pub saddr: [u8; 16],
    /// Server address; IPv4 as `::ffff:a.b.c.d`.
    pub daddr: [u8; 16],
    /// Inode of the network namespace (`/proc/PID/ns/net`); 0 when unknown.
    pub netns: u32,
    /// Index of the interface that the SYN arrived on, in that namespace; 0 when unknown.
    pub ifindex: u32,
    /// Bits of [`flag`].
    pub flags: u32,
    /// Facts of the socket: [`queues`] or what it [`remembered`].
    pub socket: [u32; 4],
    /// How many others of its source and its kind came since the last report and have none of their own.
    pub unreported: u32,
    /// `enum skb_drop_reason`; its names differ per kernel.
    pub reason: u16,
    /// What the hooked function returned (`enum tcp_tw_status` for [`site::TIME_WAIT`]).
    pub verdict: u8,
    /// One of [`kind`].
    pub kind: u8,
    /// One of [`site`].
    pub site: u8,
    /// IP version, 4 or 6.
    pub family: u8,
    /// IPv4 TTL or IPv6 hop limit.
    pub ttl: u8,
    /// `skc_state` (`include/net/tcp_states.h`): 6 TIME_WAIT, 10 LISTEN, 12 NEW_SYN_RECV.
    pub sk_state: u8,
    /// `tw_substate` of a TIME_WAIT bucket: 5 FIN_WAIT2, 6 TIME_WAIT; 0 otherwise.
    pub tw_substate: u8,
    /// `net.ipv4.tcp_syncookies` of the namespace.
    pub syncookies: u8,
    /// Explicit padding; zero.
    pub pad: u8,
    /// Bytes of `options` that were in the packet.
    pub options_len: u8,
    /// The fixed part of the TCP header, as on the wire.
    pub tcp: [u8; TCP_HEADER],
    /// The TCP options, as on the wire; beyond `options_len` the content is undefined, and does not reach the ring.
    pub options: [u8; TCP_OPTIONS_MAX],
}

impl SynRecord {
    /// Every byte zero.
    pub const ZERO: Self = Self {
        time_ns: 0,
        saddr: [0; 16],
        daddr: [0; 16],
        netns: 0,
        ifindex: 0,
        flags: 0,
        socket: [0; 4],
        unreported: 0,
        reason: 0,
        verdict: 0,
        kind: 0,
        site: 0,
        family: 0,
        ttl: 0,
        sk_state: 0,
        tw_substate: 0,
        syncookies: 0,
        pad: 0,
        options_len: 0,
        tcp: [0; TCP_HEADER],
        options: [0; TCP_OPTIONS_MAX],
    };
}

/// Bytes of a record in the ring before its options.
pub const FIXED_LEN: usize = core::mem::offset_of!(SynRecord, options);
/// ... with as many options as a SYN can have.
pub const RECORD_LEN: usize = size_of::<SynRecord>();

/// How long the record is that begins with these bytes; `None` where none does.
pub fn record_len(bytes: &[u8]) -> Option<usize> {
    let options = usize::from(*bytes.get(core::mem::offset_of!(SynRecord, options_len))?);
    (options <= TCP_OPTIONS_MAX).then_some(FIXED_LEN + options)
}

const _: () = assert!(RECORD_LEN == 144 && FIXED_LEN == 104 && align_of::<SynRecord>() == 8);
const _: () = assert!(core::mem::offset_of!(SynRecord, kind) == 75);
const _: () = assert!(core::mem::offset_of!(SynRecord, tcp) == 84);
