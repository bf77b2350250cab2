//! Finds out where fields are, on kernels without types: copies memory of the sockets, connections and devices that user space
//! names, which are its own, and of nobody else. For kernels from 4.4 on, as the object `legacy`: helpers write to the stack alone, there are no loops and no calls.
#![no_std]
#![no_main]

mod args;
mod object;

use aya_ebpf::{
    helpers::generated::{bpf_get_current_pid_tgid, bpf_probe_read},
    macros::{kprobe, map},
    maps::Array,
    programs::ProbeContext,
};
use tracer_common::calibration::{ARGS, Answer, CHUNK, CHUNKS, Call, Question, call};

use crate::args::Args;

#[map]
static QUESTION: Array<Question> = Array::with_max_entries(1, 0);

#[map]
static ANSWER: Array<Answer> = Array::with_max_entries(1, 0);

#[map]
static CALLS: Array<Call> = Array::with_max_entries(call::CALLS, 0);

// match-proto: v4.9 net/ipv4/ip_sockglue.c int ip_getsockopt(struct sock *sk, int level, int optname, char __user *optval,
//              int __user *optlen)
#[kprobe]
fn asked(ctx: ProbeContext) -> u32 {
    answer(&ctx);
    0
}

// match-proto: v4.9 net/ipv4/ip_input.c int ip_rcv(struct sk_buff *skb, struct net_device *dev, struct packet_type *pt,
//              struct net_device *orig_dev); arp_rcv alike
#[kprobe]
fn packet(ctx: ProbeContext) -> u32 {
    note::<{ call::PACKET }, 0>(&ctx, |of| if of == 0 { mine() } else { of == ctx.nth(1) });
    0
}

// match-proto: v4.9 net/ipv4/tcp_output.c struct sk_buff *tcp_make_synack(const struct sock *sk, struct dst_entry *dst,
//              struct request_sock *req, ...)
#[kprobe]
fn synack(ctx: ProbeContext) -> u32 {
    note::<{ call::ANSWER }, 1>(&ctx, |of| of == ctx.nth(0));
    0
}

// match-proto: v4.9 net/ipv4/tcp_minisocks.c enum tcp_tw_status tcp_timewait_state_process(struct inet_timewait_sock *tw,
//              struct sk_buff *skb, const struct tcphdr *th)
#[kprobe]
fn bucket(ctx: ProbeContext) -> u32 {
    note::<{ call::BUCKET }, 1>(&ctx, |of| of == ports(ctx.nth(2)));
    0
}

#[inline(always)]
fn thread() -> u64 {
    // SAFETY: takes nothing, returns a number.
    #[expect(unsafe_code, reason = "a BPF helper")]
    unsafe {
        bpf_get_current_pid_tgid()
    }
}

/// A piece of the kernel's memory on the stack, and what the helper returned.
type Chunk = [u64; CHUNK / 8];

#[inline(always)]
fn read(chunk: &mut Chunk, address: u64) -> u64 {
    // SAFETY: the helper checks the address, and there is room for so many bytes.
    #[expect(unsafe_code, reason = "a BPF helper")]
    unsafe {
        bpf_probe_read(chunk.as_mut_ptr().cast(), CHUNK as u32, address as *const _) as u64
    }
}

#[inline(always)]
fn copy(from: &Chunk, to: &mut Chunk) {
    for (to, from) in to.iter_mut().zip(from) {
        *to = *from;
    }
}

#[inline(always)]
fn answer(ctx: &ProbeContext) {
    let Some(question) = QUESTION.get(0) else { return };
    let option = u64::from(ctx.nth(2) as u32);
    if option == 0 || option != question.option {
        return;
    }
    let Some(answer) = ANSWER.get_ptr_mut(0) else { return };
    // SAFETY: a map value; one thread asks.
    #[expect(unsafe_code, reason = "a map value")]
    let answer = unsafe { &mut *answer };
    answer.thread = thread();
    answer.sock = ctx.nth(0);
    // Before 4.8 helpers get no memory that was not written before.
    let mut chunk = [0; CHUNK / 8];
    for n in 0..CHUNKS {
        answer.failed[n] = read(&mut chunk, question.addresses[n]);
        copy(&chunk, &mut answer.memory[n]);
    }
}

/// Whether this is the thread that asked. Elsewhere packets may be handled on any.
#[inline(always)]
fn mine() -> bool {
    ANSWER.get(0).is_some_and(|answer| answer.thread == thread())
}

/// Both ports, from a TCP header.
#[inline(always)]
fn ports(header: u64) -> u64 {
    let mut ports = 0_u32;
    // SAFETY: the helper checks the address, and there is room for four bytes.
    #[expect(unsafe_code, reason = "a BPF helper")]
    unsafe {
        bpf_probe_read((&raw mut ports).cast(), 4, header as *const _);
    }
    ports.into()
}

/// Notes a call, if it is of what was named, and what is at its argument `AT`.
#[inline(always)]
fn note<const CALL: u32, const AT: usize>(ctx: &ProbeContext, is: impl FnOnce(u64) -> bool) {
    let Some(call) = CALLS.get_ptr_mut(CALL) else { return };
    // SAFETY: a map value; of two CPUs one is the later.
    #[expect(unsafe_code, reason = "a map value")]
    let call = unsafe { &mut *call };
    if call.wanted == 0 || !is(call.of) {
        return;
    }
    call.wanted = 0;
    for n in 0..ARGS {
        call.args[n] = ctx.nth(n);
    }
    let mut chunk = [0; CHUNK / 8];
    call.failed = read(&mut chunk, ctx.nth(AT));
    copy(&chunk, &mut call.memory);
}
