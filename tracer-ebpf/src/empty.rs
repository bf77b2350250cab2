//! Programs that do nothing, by the names of those that do: what a hook costs before anybody looks at anything. For the
//! benchmark alone.
#![no_std]
#![no_main]

mod object;

use aya_ebpf::{
    macros::{btf_tracepoint, fentry, fexit, kprobe, kretprobe, raw_tracepoint},
    programs::{
        BtfTracePointContext, FEntryContext, FExitContext, ProbeContext, RawTracePointContext,
        RetProbeContext,
    },
};

macro_rules! empty {
    ($kind:ident, $context:ty, $result:ty: $($name:ident)*) => {
        $(
            #[$kind]
            fn $name(_ctx: $context) -> $result {
                0
            }
        )*
    };
}

empty!(fentry, FEntryContext, u32: conn_request timewait check_req validate send_reset_v4 send_reset_v6);
empty!(fexit, FExitContext, u32: conn_request_x make_synack_x peer_is_proven_x hash_add_x timewait_x check_req_x validate_x);
empty!(kprobe, ProbeContext, u32: k_conn_request k_make_synack k_timewait k_check_req k_validate k_send_reset k_send_reset_v6
    k_peer_is_proven k_remember_stamp k_tw_remember_stamp k_rtx_synack k_kfree_skb);
empty!(kretprobe, RetProbeContext, u32: k_conn_request_x k_make_synack_x k_peer_is_proven_x k_hash_add_x k_timewait_x
    k_check_req_x k_validate_x);
empty!(raw_tracepoint, RawTracePointContext, i32: tp_send_reset tp_synack_again tp_set_state tp_kfree_skb);
empty!(btf_tracepoint, BtfTracePointContext, i32: typed_set_state typed_kfree_skb);
