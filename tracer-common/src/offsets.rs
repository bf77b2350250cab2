//! The kernel fields that the programs read, by name.
//!
//! Rust emits no CO-RE relocations, so user space looks every field up in the running kernel's BTF and hands
//! the byte offsets over before load. An optional field that a kernel lacks carries [`ABSENT`].

use core::fmt;

/// Offset of an optional field that this kernel does not have.
pub const ABSENT: u32 = u32::MAX;

/// One field the programs read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field {
    /// Structure that holds it.
    pub strukt: &'static str,
    /// Member path, dots between nested members; anonymous members are looked through.
    pub path: &'static str,
    /// Without a required field nothing can be observed.
    pub required: bool,
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.strukt, self.path)
    }
}

macro_rules! fields {
    ($($(#[$doc:meta])* $name:ident = $strukt:literal . $path:literal $need:ident;)*) => {
        /// Byte offsets, one for each of [`FIELDS`], in the same order.
        #[repr(C)]
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub struct Offsets { $($(#[$doc])* pub $name: u32,)* }

        impl Offsets {
            /// Every field absent.
            pub const NONE: Self = Self { $($name: ABSENT,)* };

            /// Builds the table from one offset for each of [`FIELDS`].
            pub const fn from_array(values: [u32; FIELDS.len()]) -> Self {
                let mut at = 0;
                $(let $name = values[at]; at += 1;)*
                assert!(at == FIELDS.len());
                Self { $($name,)* }
            }
        }

        /// Every field the programs read.
        pub const FIELDS: [Field; [$(stringify!($name)),*].len()] = [
            $(Field { strukt: $strukt, path: $path, required: fields!(@ $need) },)*
        ];
    };
    (@ required) => { true };
    (@ optional) => { false };
}

fields! {
    /// Start of the packet buffer.
    skb_head = "sk_buff"."head" required;
    /// End of the linear part, from `head`.
    skb_tail = "sk_buff"."tail" required;
    /// IP header, from `head`.
    skb_network_header = "sk_buff"."network_header" required;
    /// TCP header, from `head`.
    skb_transport_header = "sk_buff"."transport_header" required;
    /// EtherType, network byte order.
    skb_protocol = "sk_buff"."protocol" required;
    /// Index of the interface the packet arrived on.
    skb_iif = "sk_buff"."skb_iif" required;
    /// Current device; NULL once the listener has the packet.
    skb_dev = "sk_buff"."dev" required;
    /// Owning socket; NULL for most received packets.
    skb_sk = "sk_buff"."sk" required;
    /// Byte whose lower three bits are `pkt_type` (`PACKET_OTHERHOST` ...); the kernel marks the place of the bit field.
    skb_pkt_type = "sk_buff"."__pkt_type_offset" optional;
    /// Route, with flag bits.
    skb_refdst = "sk_buff"."_skb_refdst" optional;
    /// Flags of a route (`DST_METADATA`).
    dst_flags = "dst_entry"."flags" optional;
    /// Device of a route.
    dst_dev = "dst_entry"."dev" optional;
    /// Route type of an IPv4 route (`RTN_LOCAL` ...).
    rt_type = "rtable"."rt_type" optional;
    /// Flags of an IPv6 route (`RTF_LOCAL` ...).
    rt6_flags = "rt6_info"."rt6i_flags" optional;
    /// Index of a device.
    dev_ifindex = "net_device"."ifindex" optional;
    /// Namespace of a device.
    dev_net = "net_device"."nd_net.net" required;
    /// Namespace of a socket.
    sk_net = "sock"."__sk_common.skc_net.net" required;
    /// TCP state.
    sk_state = "sock"."__sk_common.skc_state" required;
    /// Kind of a full socket (`SOCK_STREAM` ...).
    sk_type = "sock"."sk_type" required;
    /// The other side's port, network byte order.
    sk_dport = "sock_common"."skc_dport" required;
    /// The own port.
    sk_num = "sock_common"."skc_num" required;
    /// Address family of a socket.
    sk_family = "sock_common"."skc_family" optional;
    /// The other side's IPv4 address.
    sk_daddr = "sock_common"."skc_daddr" optional;
    /// The own IPv4 address.
    sk_rcv_saddr = "sock_common"."skc_rcv_saddr" optional;
    /// The other side's IPv6 address; absent where the kernel was built without IPv6.
    sk_v6_daddr = "sock_common"."skc_v6_daddr" optional;
    /// The own IPv6 address.
    sk_v6_rcv_saddr = "sock_common"."skc_v6_rcv_saddr" optional;
    /// Inode of a namespace.
    net_inum = "net"."ns.inum" required;
    /// `net.ipv4.tcp_max_syn_backlog`.
    net_max_syn_backlog = "net"."ipv4.sysctl_max_syn_backlog" optional;
    /// `net.ipv4.tcp_syncookies`.
    net_syncookies = "net"."ipv4.sysctl_tcp_syncookies" optional;
    /// `net.ipv4.tcp_invalid_ratelimit`, jiffies.
    net_invalid_ratelimit = "net"."ipv4.sysctl_tcp_invalid_ratelimit" optional;
    /// Length of the accept queue.
    sk_ack_backlog = "sock"."sk_ack_backlog" required;
    /// Limit of the accept queue.
    sk_max_ack_backlog = "sock"."sk_max_ack_backlog" required;
    /// Length of the SYN queue.
    icsk_qlen = "inet_connection_sock"."icsk_accept_queue.qlen" optional;
    /// FIN_WAIT2 or TIME_WAIT.
    tw_substate = "inet_timewait_sock"."tw_substate" required;
    /// Next expected sequence number of a TIME_WAIT bucket.
    tw_rcv_nxt = "sock_common"."skc_tw_rcv_nxt" optional;
    /// Last timestamp that a TIME_WAIT bucket remembers.
    tw_ts_recent = "tcp_timewait_sock"."tw_ts_recent" required;
    /// When it was recorded, seconds.
    tw_ts_recent_stamp = "tcp_timewait_sock"."tw_ts_recent_stamp" required;
    /// When a TIME_WAIT bucket last answered a segment that it refused, jiffies.
    tw_last_oow = "tcp_timewait_sock"."tw_last_oow_ack_time" optional;
    /// Last timestamp that a request socket remembers.
    req_ts_recent = "request_sock"."ts_recent" required;
    /// Sequence number of the SYN that made a request socket.
    treq_rcv_isn = "tcp_request_sock"."rcv_isn" optional;
    /// Next expected sequence number of a request socket.
    treq_rcv_nxt = "tcp_request_sock"."rcv_nxt" optional;
    /// When a request socket last answered a segment outside its window, jiffies.
    treq_last_oow = "tcp_request_sock"."last_oow_ack_time" optional;
    /// Last timestamp that a full socket remembers.
    tp_ts_recent = "tcp_sock"."rx_opt.ts_recent" required;
    /// When it was recorded, seconds.
    tp_ts_recent_stamp = "tcp_sock"."rx_opt.ts_recent_stamp" required;
    /// Next expected sequence number of a full socket.
    tp_rcv_nxt = "tcp_sock"."rcv_nxt" optional;
    /// When a full socket last answered a segment outside its window, jiffies.
    tp_last_oow = "tcp_sock"."last_oow_ack_time" optional;
}
