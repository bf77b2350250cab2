//! The client clocks of the lab: tc programs that shift TSval on the way out and TSecr on the way in.
//!
//! Namespaces of one machine share one timestamp clock (`tcp_timestamps=2`), so a client that shall look like another
//! host gets a clock of its own here. The client itself never notices: what comes back is shifted the other way.
#![no_std]
#![no_main]
#![cfg_attr(target_arch = "bpf", feature(asm_experimental_arch))]

mod object;
mod word;

use aya_ebpf::{bindings::TC_ACT_OK, macros::classifier, programs::TcContext};
use tracer_common::legacy::lab::{PER_CONNECTION, SHIFT};
use word::word;

/// Offsets from the start of the frame: Ethernet, IPv4 without options.
const ETHERTYPE: usize = 12;
const IP: usize = 14;
const TCP: usize = IP + 20;
/// Offsets in the TCP header (RFC 9293 section 3.1).
const CHECKSUM: usize = TCP + 16;
const OPTIONS: usize = TCP + 20;
/// The timestamps option (RFC 7323 section 3.2).
const TIMESTAMPS: u8 = 8;

/// TSval of what the client sends.
#[classifier]
pub fn clock_out(ctx: TcContext) -> i32 {
    let _ = shift(&ctx, 0, 2, |tsval, by| tsval.wrapping_add(by));
    TC_ACT_OK
}

/// TSecr of what the client gets.
#[classifier]
pub fn clock_in(ctx: TcContext) -> i32 {
    let _ = shift(&ctx, 2, 6, |tsecr, by| tsecr.wrapping_sub(by));
    TC_ACT_OK
}

/// `own_port`: where in the TCP header the client's port stands; `field`: where in the option the word stands.
#[inline(always)]
fn shift(ctx: &TcContext, own_port: usize, field: usize, new: impl Fn(u32, u32) -> u32) -> Option<()> {
    let load = |at: usize| ctx.load::<u8>(at).ok();
    if ctx.load::<u16>(ETHERTYPE).ok()? != 0x0800_u16.to_be() || load(IP)? != 0x45 || load(IP + 9)? != 6 {
        return None;
    }
    let end = TCP + usize::from(load(TCP + 12)? >> 4) * 4;
    let mut at = OPTIONS;
    // Timestamps stand behind three options at the most in what Linux sends.
    for _ in 0..8 {
        if at + 10 > end {
            return None;
        }
        match load(at)? {
            0 => return None,
            1 => at += 1,
            TIMESTAMPS => break,
            _ => at += usize::from(load(at + 1)?.max(2)),
        }
    }
    if load(at)? != TIMESTAMPS {
        return None;
    }
    let old = ctx.load::<u32>(at + field).ok()?;
    // TSecr of a segment that echoes nothing.
    if field == 6 && old == 0 {
        return None;
    }
    let by = if word::<PER_CONNECTION>() == 0 {
        word::<SHIFT>()
    } else {
        scattered(u32::from(u16::from_be(ctx.load::<u16>(TCP + own_port).ok()?)))
    };
    let shifted = new(u32::from_be(old), by).to_be();
    ctx.l4_csum_replace(CHECKSUM, u64::from(old), u64::from(shifted), 4).ok()?;
    ctx.store(at + field, &shifted, 0).ok()
}

/// Unrelated numbers for neighbouring ports, as the kernel's keyed hash gives (`secure_tcpv6_ts_off`). A product alone would
/// stand in a pattern: a host takes its ports one after the other, and the clocks of every so many would lie on a line.
#[inline(always)]
fn scattered(port: u32) -> u32 {
    // The last steps of MurmurHash3 (Appleby, public domain).
    let mut hash = port.wrapping_add(0x9e37_79b9);
    hash = (hash ^ hash >> 16).wrapping_mul(0x85eb_ca6b);
    hash = (hash ^ hash >> 13).wrapping_mul(0xc2b2_ae35);
    hash ^ hash >> 16
}
