//! Kernel probes, of both objects: entry points only. The prototypes they rely on stand at the trampolines in `main`.

use aya_ebpf::{
    macros::{kprobe, kretprobe},
    programs::{ProbeContext, RetProbeContext},
};

use crate::{args::Args, ring::flush, tcp};

#[kprobe]
fn k_conn_request(ctx: ProbeContext) -> u32 {
    tcp::listen_enter(ctx.nth(2), ctx.nth(3));
    0
}

#[kretprobe]
fn k_conn_request_x(ctx: RetProbeContext) -> u32 {
    tcp::listen_exit(0);
    flush(&ctx);
    0
}

#[kprobe]
fn k_make_synack(ctx: ProbeContext) -> u32 {
    tcp::synack_type(ctx.nth(4) as u32);
    0
}

#[kretprobe]
fn k_make_synack_x(ctx: RetProbeContext) -> u32 {
    tcp::synack_made(ctx.ret());
    0
}

#[kretprobe]
fn k_peer_is_proven_x(ctx: RetProbeContext) -> u32 {
    tcp::peer_proven(ctx.ret::<u64>() & 0xff != 0);
    0
}

#[kretprobe]
fn k_hash_add_x(ctx: RetProbeContext) -> u32 {
    tcp::request_added(ctx.ret::<u64>() & 0xff != 0);
    0
}

#[kprobe]
fn k_timewait(ctx: ProbeContext) -> u32 {
    tcp::timewait_enter(ctx.nth(0), ctx.nth(1));
    0
}

#[kretprobe]
fn k_timewait_x(ctx: RetProbeContext) -> u32 {
    tcp::timewait_exit(0, ctx.ret::<u64>() as u32);
    0
}

#[kprobe]
fn k_check_req(ctx: ProbeContext) -> u32 {
    tcp::request_enter(ctx.nth(0), ctx.nth(1), ctx.nth(2));
    0
}

#[kretprobe]
fn k_check_req_x(_ctx: RetProbeContext) -> u32 {
    tcp::request_exit(0);
    0
}

#[kprobe]
fn k_validate(ctx: ProbeContext) -> u32 {
    tcp::full_enter(ctx.nth(0), ctx.nth(1), ctx.nth(2));
    0
}

#[kretprobe]
fn k_validate_x(ctx: RetProbeContext) -> u32 {
    tcp::full_exit(0, ctx.ret::<u64>() & 0xff != 0);
    flush(&ctx);
    0
}

#[kprobe]
fn k_send_reset(ctx: ProbeContext) -> u32 {
    tcp::reset(ctx.nth(0), ctx.nth(1));
    0
}

#[kprobe]
fn k_send_reset_v6(ctx: ProbeContext) -> u32 {
    tcp::reset(ctx.nth(0), ctx.nth(1));
    0
}
