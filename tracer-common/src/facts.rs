//! Dropped SYNs that have no record of their own: what they were, small enough to be the key of a table.
//!
//! Holds exactly what a cause is decided from. Numbers that are only compared stand here as the outcome of the comparison, so
//! that a flood falls into a handful of kinds.

use crate::event::{SynRecord, flag, queues, remembered};

/// Outcomes of comparisons, bits of [`Facts::relations`].
pub mod relation {
    /// The SYN carried timestamps.
    pub const TIMESTAMPS: u16 = 1 << 0;
    /// The remembered timestamp is 0: none.
    pub const NO_RECENT: u16 = 1 << 1;
    /// TSval stands behind it (RFC 7323 section 5.3, modulo 2^32).
    pub const OLDER: u16 = 1 << 2;
    /// ... by more than one tick.
    pub const MUCH_OLDER: u16 = 1 << 3;
    /// TSval is ahead of it.
    pub const NEWER: u16 = 1 << 4;
    /// The stamp is 0: never set.
    pub const NO_STAMP: u16 = 1 << 5;
    /// The stamp is [`WRAP_NEW`](super::WRAP_NEW) old.
    pub const AGED: u16 = 1 << 6;
    /// The stamp is [`WRAP_OLD`](super::WRAP_OLD) old.
    pub const ANCIENT: u16 = 1 << 7;
    /// The sequence number is later than what the old connection expects.
    pub const LATER_SEQ: u16 = 1 << 8;
    /// It is the one that the request was made from.
    pub const SAME_SEQ: u16 = 1 << 9;
    /// The accept queue is longer than its limit.
    pub const ACCEPT_FULL: u16 = 1 << 10;
    /// The SYN queue is longer than that limit.
    pub const SYN_OVER: u16 = 1 << 11;
    /// ... just as long.
    pub const SYN_AT_LIMIT: u16 = 1 << 12;
    /// ... empty.
    pub const SYN_EMPTY: u16 = 1 << 13;
    /// `net.ipv4.tcp_syncookies` is 0.
    pub const NO_COOKIES: u16 = 1 << 14;
}

/// Age at which a stamp stops to count, seconds: `TCP_PAWS_WRAP`, since 6.7 (`INT_MAX` microseconds).
pub const WRAP_NEW: u32 = 2_147;
/// ... `TCP_PAWS_24DAYS` before (`include/net/tcp.h`).
pub const WRAP_OLD: u32 = 60 * 60 * 24 * 24;

/// One kind of dropped SYN.
#[repr(C)]
#[derive(Debug, PartialEq, Eq)]
pub struct Facts {
    /// As in the record, like the others of these names.
    pub netns: u32,
    /// Bits of [`flag`].
    pub flags: u32,
    /// `enum skb_drop_reason`.
    pub reason: u16,
    /// Bits of [`relation`].
    pub relations: u16,
    /// What the hooked function returned.
    pub verdict: u8,
    /// One of [`site`](crate::event::site).
    pub site: u8,
    /// State of the socket.
    pub sk_state: u8,
    /// FIN_WAIT2 or TIME_WAIT.
    pub tw_substate: u8,
    /// Flags of the TCP header, byte 13.
    pub tcp_flags: u8,
    /// Explicit padding; zero.
    pub pad: [u8; 3],
}

/// Bytes of the key.
pub const FACTS_LEN: usize = size_of::<Facts>();
const _: () = assert!(FACTS_LEN == 20);

impl Facts {
    /// Every byte zero.
    pub const ZERO: Self = Self {
        netns: 0,
        flags: 0,
        reason: 0,
        relations: 0,
        verdict: 0,
        site: 0,
        sk_state: 0,
        tw_substate: 0,
        tcp_flags: 0,
        pad: [0; 3],
    };

    /// What of a record needs no comparison.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "the programs have no calls")]
    pub fn plain(&mut self, record: &SynRecord) {
        *self = Self {
            netns: record.netns,
            flags: record.flags,
            reason: record.reason,
            verdict: record.verdict,
            site: record.site,
            sk_state: record.sk_state,
            tw_substate: record.tw_substate,
            tcp_flags: record.tcp[13],
            ..Self::ZERO
        };
    }
}

/// Makes the comparisons and notes each outcome. `now_s` is the time, of which the record knows nothing yet, in seconds of
/// `CLOCK_MONOTONIC`; `tsval` is in the options, which this does not read, and means nothing without `timestamps`.
#[inline(always)]
#[expect(clippy::inline_always, reason = "the programs have no calls")]
pub fn relations(
    record: &SynRecord,
    now_s: u32,
    timestamps: bool,
    tsval: u32,
    mut note: impl FnMut(u16, bool),
) {
    let has = |bit: u32| record.flags & bit != 0;
    note(relation::TIMESTAMPS, timestamps);
    if has(flag::TS_RECENT) {
        let recent = record.socket[remembered::TS_RECENT];
        let behind = recent.wrapping_sub(tsval).cast_signed();
        note(relation::NO_RECENT, recent == 0);
        note(relation::OLDER, timestamps && behind > 0);
        note(relation::MUCH_OLDER, timestamps && behind > 1);
        note(relation::NEWER, timestamps && behind < 0);
    }
    if has(flag::TS_STAMP) {
        let stamp = record.socket[remembered::STAMP];
        // With a sign, as `time_before32` compares.
        let age = now_s.wrapping_sub(stamp).cast_signed();
        note(relation::NO_STAMP, stamp == 0);
        note(relation::AGED, age >= WRAP_NEW.cast_signed());
        note(relation::ANCIENT, age >= WRAP_OLD.cast_signed());
    }
    if has(flag::RCV_NXT) {
        let next = record.socket[remembered::RCV_NXT];
        let seq = u32::from_be_bytes([record.tcp[4], record.tcp[5], record.tcp[6], record.tcp[7]]);
        note(relation::LATER_SEQ, seq.wrapping_sub(next).cast_signed() > 0);
        note(relation::SAME_SEQ, seq.wrapping_add(1) == next);
    }
    if has(flag::QUEUES) {
        let (syn, limit) = (record.socket[queues::SYN], record.socket[queues::ACCEPT_MAX]);
        note(relation::ACCEPT_FULL, record.socket[queues::ACCEPT] > limit);
        note(relation::SYN_OVER, syn > limit);
        note(relation::SYN_AT_LIMIT, syn == limit);
        note(relation::SYN_EMPTY, syn == 0);
        note(relation::NO_COOKIES, record.syncookies == 0);
    }
}

/// The clock may have been read so long ago, for [`settled`].
pub const LAG_S: u32 = 2;

/// Whether a stamp's age, reckoned by a clock that was read at most [`LAG_S`] ago, says the same as by the clock now.
#[inline(always)]
#[expect(clippy::inline_always, reason = "the programs have no calls")]
#[must_use]
pub fn settled(noted_s: u32, stamp: u32) -> bool {
    let age = noted_s.wrapping_sub(stamp);
    // 1 to LAG_S seconds before a limit it may have been reached since.
    let open = |limit: u32| limit.wrapping_sub(age).wrapping_sub(1) < LAG_S;
    !open(WRAP_NEW) && !open(WRAP_OLD)
}

/// Nanoseconds of a clock as the kernel's stamps count it.
#[inline(always)]
#[expect(clippy::inline_always, reason = "the programs have no calls")]
#[expect(clippy::cast_possible_truncation, reason = "as the kernel's own stamps are")]
#[must_use]
pub fn seconds(nanos: u64) -> u32 {
    (nanos / 1_000_000_000) as u32
}

/// Whose they were: client address (IPv4 as `::ffff:a.b.c.d`) and the inode of the namespace.
#[repr(C)]
#[derive(Debug, PartialEq, Eq)]
pub struct Source {
    /// The address.
    pub addr: [u8; 16],
    /// The namespace; 0 when unknown.
    pub netns: u32,
}

/// What a source that came more than once has got while drops were too many to report each.
#[repr(C)]
#[derive(Debug, PartialEq, Eq)]
pub struct Share {
    /// The running second, as [`second_shift`](crate::config::Sampling::second_shift) says.
    pub second: u32,
    /// Records in it.
    pub sent: u32,
    /// Drops without a record, since the programs were loaded.
    pub unsent: u64,
}

/// Words of 64 bits of a [`Share`], and which of them `unsent` is.
pub const SHARE: (usize, usize) = (size_of::<Share>() / 8, core::mem::offset_of!(Share, unsent) / 8);
const _: () = assert!(size_of::<Share>() == 16);

/// Bytes of the key.
pub const SOURCE_LEN: usize = size_of::<Source>();
const _: () = assert!(SOURCE_LEN == 20);
