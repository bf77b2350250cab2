//! The programs for kernels before 5.8, which have kernel probes and nothing else of what `main` needs: 4.4 to 5.7.
//!
//! What they observe, and how, is the code of `main`. What they stand on is another: the modules below `legacy` have the names
//! and faces of those beside `main`. No ring buffer but perf buffers, no read-only globals but constants that user space
//! writes into the instructions, no calls, no loops, no maps younger than 4.4, no memory for helpers but the stack.
#![no_std]
#![no_main]
#![cfg_attr(target_arch = "bpf", feature(asm_experimental_arch))]
#![expect(dead_code, reason = "tracepoints are for the other object")]

mod accepted;
mod args;
#[path = "legacy/copies.rs"]
mod copies;
mod free;
#[path = "legacy/helper.rs"]
mod helper;
#[path = "legacy/kinds.rs"]
mod kinds;
#[path = "legacy/log.rs"]
mod log;
mod maps;
mod object;
mod packet;
mod place;
mod probes;
mod read;
#[path = "legacy/recycle.rs"]
mod recycle;
#[path = "legacy/ring.rs"]
mod ring;
mod tcp;
mod time;
#[path = "legacy/told.rs"]
mod told;
mod word;

use aya_ebpf::{macros::kprobe, programs::ProbeContext};

use crate::{args::Args, ring::flush, told::told};

// match-proto: v4.9 net/ipv4/tcp_metrics.c bool tcp_peer_is_proven(struct request_sock *req, struct dst_entry *dst,
//              bool paws_check, bool timestamps)
#[kprobe]
fn k_peer_is_proven(ctx: ProbeContext) -> u32 {
    // From 4.12 on there are two arguments.
    recycle::asked(told!(SHAPE.proven_args) == 4 && ctx.nth(2) & 0xff != 0);
    0
}

// match-proto: v4.9 net/ipv4/tcp_metrics.c bool tcp_remember_stamp(struct sock *sk)
#[kprobe]
fn k_remember_stamp(ctx: ProbeContext) -> u32 {
    recycle::socket_left(ctx.nth(0));
    0
}

// match-proto: v4.9 net/ipv4/tcp_metrics.c bool tcp_tw_remember_stamp(struct inet_timewait_sock *tw)
#[kprobe]
fn k_tw_remember_stamp(ctx: ProbeContext) -> u32 {
    recycle::bucket_left(ctx.nth(0));
    0
}

// match-proto: v4.9 net/ipv4/tcp_output.c int tcp_rtx_synack(const struct sock *sk, struct request_sock *req)
#[kprobe]
fn k_rtx_synack(ctx: ProbeContext) -> u32 {
    tcp::synack_again(ctx.nth(1));
    0
}

// match-proto: v4.9 net/core/skbuff.c void kfree_skb(struct sk_buff *skb); v6.1 void kfree_skb_reason(struct sk_buff *skb,
//              enum skb_drop_reason reason); v6.12 void sk_skb_reason_drop(struct sock *sk, struct sk_buff *skb,
//              enum skb_drop_reason reason)
#[kprobe]
fn k_kfree_skb(ctx: ProbeContext) -> u32 {
    let [first, second, third] = [ctx.nth(0), ctx.nth(1), ctx.nth(2)];
    let args = told!(SHAPE.kfree_args);
    let (skb, reason) = match args {
        3 => (second, third),
        2 => (first, second),
        _ => (first, 0),
    };
    // As it is allowed to do: most do not ask whether there is a packet.
    if skb != 0 {
        free::freed(skb, reason as u32, 0);
        flush(&ctx);
    }
    0
}
