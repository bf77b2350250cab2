//! The programs that observe SYNs: entry points only. `tcp` and `free` hold what they do.
//!
//! Fentry, fexit, kprobe and kretprobe entries share one body; `args` makes their arguments look alike. Those of kernel
//! probes are in `probes`. Every entry names the C prototype it relies on, and the loader compares it with the running
//! kernel's BTF.
#![no_std]
#![no_main]
#![cfg_attr(target_arch = "bpf", feature(asm_experimental_arch))]

mod accepted;
mod args;
mod copies;
mod free;
mod helper;
mod kinds;
mod log;
mod maps;
mod object;
mod packet;
mod place;
mod probes;
mod read;
mod returned;
mod ring;
mod tcp;
mod time;
mod told;
mod typed;
mod unsent;

use aya_ebpf::{
    macros::{btf_tracepoint, fentry, fexit, raw_tracepoint},
    programs::{BtfTracePointContext, FEntryContext, FExitContext, RawTracePointContext},
};

use crate::{args::Args, returned::returned, told::told, typed::Typed};

// match-proto: v6.12 net/ipv4/tcp_input.c int tcp_conn_request(struct request_sock_ops *rsk_ops,
//              const struct tcp_request_sock_ops *af_ops, struct sock *sk, struct sk_buff *skb)
#[fentry]
fn conn_request(ctx: FEntryContext) -> u32 {
    tcp::listen_enter(Typed(ctx.nth(2)), Typed(ctx.nth(3)));
    0
}

#[fexit]
fn conn_request_x(ctx: FExitContext) -> u32 {
    tcp::listen_exit(ctx.nth(3));
    0
}

// match-proto: v6.12 net/ipv4/tcp_output.c struct sk_buff *tcp_make_synack(const struct sock *sk,
//              struct dst_entry *dst, struct request_sock *req, struct tcp_fastopen_cookie *foc,
//              enum tcp_synack_type synack_type, struct sk_buff *syn_skb)
#[fexit]
fn make_synack_x(ctx: FExitContext) -> u32 {
    tcp::synack_type(ctx.nth(4) as u32);
    // Before 5.10 the last argument is missing.
    if told!(SHAPE.make_synack_args) == 5 {
        tcp::synack_made(returned!(ctx, 5));
    } else {
        tcp::synack_made(returned!(ctx, 6));
    }
    0
}

// match-proto: v6.12 net/ipv4/tcp_metrics.c bool tcp_peer_is_proven(struct request_sock *req, struct dst_entry *dst)
#[fexit]
fn peer_is_proven_x(ctx: FExitContext) -> u32 {
    tcp::peer_proven(returned!(ctx, 2) & 0xff != 0);
    0
}

// match-proto: v6.12 net/ipv4/inet_connection_sock.c bool inet_csk_reqsk_queue_hash_add(struct sock *sk,
//              struct request_sock *req, unsigned long timeout)
#[fexit]
fn hash_add_x(ctx: FExitContext) -> u32 {
    // 7.x knows the timeout without being told.
    if told!(SHAPE.hash_add_args) == 2 {
        tcp::request_added(returned!(ctx, 2) & 0xff != 0);
    } else {
        tcp::request_added(returned!(ctx, 3) & 0xff != 0);
    }
    0
}

// match-proto: v6.12 net/ipv4/tcp_minisocks.c enum tcp_tw_status tcp_timewait_state_process(
//              struct inet_timewait_sock *tw, struct sk_buff *skb, const struct tcphdr *th, u32 *tw_isn)
#[fentry]
fn timewait(ctx: FEntryContext) -> u32 {
    tcp::timewait_enter(Typed(ctx.nth(0)), Typed(ctx.nth(1)));
    0
}

#[fexit]
fn timewait_x(ctx: FExitContext) -> u32 {
    let args = told!(SHAPE.timewait_args);
    if args == 3 {
        tcp::timewait_exit(ctx.nth(1), returned!(ctx, 3) as u32);
    } else if args == 4 {
        tcp::timewait_exit(ctx.nth(1), returned!(ctx, 4) as u32);
    } else {
        tcp::timewait_exit(ctx.nth(1), returned!(ctx, 5) as u32);
    }
    0
}

// match-proto: v6.12 net/ipv4/tcp_minisocks.c struct sock *tcp_check_req(struct sock *sk, struct sk_buff *skb,
//              struct request_sock *req, bool fastopen, bool *req_stolen)
#[fentry]
fn check_req(ctx: FEntryContext) -> u32 {
    tcp::request_enter(Typed(ctx.nth(0)), Typed(ctx.nth(1)), Typed(ctx.nth(2)));
    0
}

#[fexit]
fn check_req_x(ctx: FExitContext) -> u32 {
    tcp::request_exit(ctx.nth(1));
    0
}

// match-proto: v6.12 net/ipv4/tcp_input.c bool tcp_validate_incoming(struct sock *sk, struct sk_buff *skb,
//              const struct tcphdr *th, int syn_inerr)
#[fentry]
fn validate(ctx: FEntryContext) -> u32 {
    tcp::full_enter(Typed(ctx.nth(0)), Typed(ctx.nth(1)), Typed(ctx.nth(2)));
    0
}

#[fexit]
fn validate_x(ctx: FExitContext) -> u32 {
    tcp::full_exit(ctx.nth(1), returned!(ctx, 4) & 0xff != 0);
    0
}

// match-proto: v6.12 net/ipv4/tcp_ipv4.c void tcp_v4_send_reset(const struct sock *sk, struct sk_buff *skb,
//              enum sk_rst_reason reason); net/ipv6/tcp_ipv6.c void tcp_v6_send_reset(the same)
#[fentry]
fn send_reset_v4(ctx: FEntryContext) -> u32 {
    tcp::reset(ctx.nth(0), ctx.nth(1));
    0
}

#[fentry]
fn send_reset_v6(ctx: FEntryContext) -> u32 {
    tcp::reset(ctx.nth(0), ctx.nth(1));
    0
}

// match-proto: v6.12 include/trace/events/tcp.h tcp_send_reset(const struct sock *sk, const struct sk_buff *skb,
//              const enum sk_rst_reason reason)
#[raw_tracepoint]
fn tp_send_reset(ctx: RawTracePointContext) -> i32 {
    tcp::reset(ctx.nth(0), ctx.nth(1));
    0
}

// match-proto: v6.12 include/trace/events/tcp.h tcp_retransmit_synack(const struct sock *sk,
//              const struct request_sock *req)
#[raw_tracepoint]
fn tp_synack_again(ctx: RawTracePointContext) -> i32 {
    tcp::synack_again(ctx.nth(1));
    0
}

// match-proto: v6.12 include/trace/events/sock.h inet_sock_set_state(const struct sock *sk, const int oldstate,
//              const int newstate)
#[raw_tracepoint]
fn tp_set_state(ctx: RawTracePointContext) -> i32 {
    accepted::state_set(ctx.nth(0), ctx.nth(1) as u32, ctx.nth(2) as u32);
    0
}

#[btf_tracepoint]
fn typed_set_state(ctx: BtfTracePointContext) -> i32 {
    accepted::state_set(Typed(ctx.nth(0)), ctx.nth(1) as u32, ctx.nth(2) as u32);
    0
}

// match-proto: v6.12 include/trace/events/skb.h kfree_skb(struct sk_buff *skb, void *location,
//              enum skb_drop_reason reason, struct sock *rx_sk)
#[raw_tracepoint]
fn tp_kfree_skb(ctx: RawTracePointContext) -> i32 {
    let reason = if told!(SHAPE.kfree_reason) != 0 { ctx.nth(2) as u32 } else { 0 };
    let rx_sk = if told!(SHAPE.kfree_rx_sk) != 0 { ctx.nth(3) } else { 0 };
    free::freed(ctx.nth(0), reason, rx_sk);
    0
}

#[btf_tracepoint]
fn typed_kfree_skb(ctx: BtfTracePointContext) -> i32 {
    let reason = if told!(SHAPE.kfree_reason) != 0 { ctx.nth(2) as u32 } else { 0 };
    let rx_sk = if told!(SHAPE.kfree_rx_sk) != 0 { ctx.nth(3) } else { 0 };
    free::freed(Typed(ctx.nth(0)), reason, Typed(rx_sk));
    0
}
