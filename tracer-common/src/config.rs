//! What user space tells the programs before they load: the filter and the kernel's shape.
//!
//! Both become read-only globals, so the verifier sees constants and drops the branches not taken.

/// Words of the port bitmap: one bit a port.
pub const PORT_WORDS: usize = 65536 / 64;

/// Capacity of the prefix table (`--from` may repeat this often).
pub const MAX_PREFIXES: u32 = 1024;

/// Which SYNs to look at. A zero field does not filter.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// 1: only the ports whose bit is set in the `PORTS` bitmap.
    pub ports: u32,
    /// 4 or 6: only this family.
    pub family: u32,
    /// 1: only clients inside a prefix of the `PREFIXES` table.
    pub prefixes: u32,
    /// Only the network namespace with this inode.
    pub netns: u32,
    /// Only SYNs that arrived on this interface index.
    pub ifindex: u32,
    /// 1: SYNs to closed ports, too.
    pub no_listener: u32,
}

/// Prototypes of the hooked functions where kernels differ. Zero: the thing is not there.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Shape {
    /// `skb:kfree_skb` hands over a drop reason (third argument).
    pub kfree_reason: u32,
    /// `skb:kfree_skb` hands over the receiving socket (fourth argument).
    pub kfree_rx_sk: u32,
    /// Number of arguments of `tcp_timewait_state_process`.
    pub timewait_args: u32,
    /// Number of arguments of `tcp_make_synack`.
    pub make_synack_args: u32,
    /// Number of arguments of `inet_csk_reqsk_queue_hash_add`.
    pub hash_add_args: u32,
    /// `SKB_DROP_REASON_NOT_SPECIFIED` of `enum skb_drop_reason`.
    pub reason_not_specified: u32,
    /// Every RST is seen when it is sent: without one there was none.
    pub resets_seen: u32,
    /// Hooks on functions are attached, so `skb:kfree_skb` finds the stage in the slot they left.
    pub function_hooks: u32,
    /// Number of arguments of the function that frees a packet: 1 `kfree_skb`, 2 `kfree_skb_reason`, 3 `sk_skb_reason_drop`;
    /// where it is hooked instead of its tracepoint.
    pub kfree_args: u32,
    /// Number of arguments of `tcp_peer_is_proven`.
    pub proven_args: u32,
}

impl Shape {
    /// Nothing is there.
    pub const NONE: Self = Self {
        kfree_reason: 0,
        kfree_rx_sk: 0,
        timewait_args: 0,
        make_synack_args: 0,
        hash_add_args: 0,
        reason_not_specified: 0,
        resets_seen: 0,
        function_hooks: 0,
        kfree_args: 0,
        proven_args: 0,
    };
}

/// How much is reported: of SYNs that were accepted, and of dropped ones when they are many.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sampling {
    /// Records for one source in a second.
    pub per_source: u32,
    /// Records of accepted SYNs of one CPU in a second.
    pub per_cpu: u32,
    /// Records of dropped SYNs of one CPU in a second, beyond which sources have shares.
    pub drops_per_cpu: u32,
    /// Bytes in the ring above which there are none of accepted SYNs, and of dropped ones not every one.
    pub ring_share: u32,
    /// Binary logarithm of the kernel's ticks that count as a second (1024 at 1,000 Hz, 256 at 250 and 300, 128 at 100), for
    /// which the numbers above are reckoned; the programs for kernels before 5.8 take 2^30 ns instead.
    pub second_shift: u32,
    /// A number that no client knows, for the tables that clients' choices are scattered over.
    pub key: u32,
}

/// Sources whose accepted SYNs are told apart; of further ones the longest unseen is forgotten.
pub const SAMPLED_SOURCES: u32 = 16_384;

/// Places for refused SYNs whose return is reported whatever the sampling says; of two that meet in one, the later is kept.
pub const AWAITED_SYNS: u32 = 65_536;

/// Kinds of drops that are counted where there is no record; one more has no name in the totals.
pub const UNSENT_KINDS: u32 = 1_024;

/// Sources that came more than once while drops were too many to report each, and for which those without a record are
/// counted; of further ones the longest unseen is forgotten.
pub const UNSENT_SOURCES: u32 = 16_384;

/// Words of the bitmap of drop reasons that `skb:kfree_skb` looks at; larger reasons are looked at always.
pub const REASON_WORDS: usize = 4;
