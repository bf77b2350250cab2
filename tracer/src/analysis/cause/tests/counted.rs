//! Drops without a record: what the kernel's table says of them means the same as their records would have.

use proptest::prelude::*;
use tracer_common::{
    event::{SynRecord, flag, queues, remembered, site},
    facts::{FACTS_LEN, Facts, LAG_S, WRAP_NEW, WRAP_OLD, relations, seconds, settled},
};

use super::{
    properties::{any_kernel, any_seen},
    *,
};
use crate::decode::facts::kind;

/// The record that is decoded as these facts; a listener has queues and no memory, other sockets the reverse.
fn record(seen: &mut Seen) -> SynRecord {
    let mut record = SynRecord::ZERO;
    record.site = match seen.site {
        Site::Listen => site::LISTEN,
        Site::TimeWait => site::TIME_WAIT,
        Site::SynRecv => site::SYN_RECV,
        Site::FullSocket => site::FULL_SOCKET,
        Site::KfreeSkb => site::KFREE_SKB,
    };
    // Later than any machine runs the seconds do not fit the stamp.
    seen.mono_ns %= u64::from(u32::MAX) * 1_000_000_000;
    seen.reason = seen.reason.map(|n| n & 0xffff);
    seen.verdict = seen.verdict.map(|n| n & 0xff);
    if seen.site == Site::Listen {
        (seen.ts_recent, seen.ts_recent_stamp, seen.rcv_nxt) = (None, None, None);
    } else {
        seen.queues = None;
    }
    let mut note = |bit: u32, there: bool| record.flags |= if there { bit } else { 0 };
    note(flag::TS_RECENT, seen.ts_recent.is_some());
    note(flag::TS_STAMP, seen.ts_recent_stamp.is_some());
    note(flag::RCV_NXT, seen.rcv_nxt.is_some());
    note(flag::QUEUES, seen.queues.is_some());
    note(flag::VERDICT, seen.verdict.is_some());
    note(flag::REASON, seen.reason.is_some());
    note(flag::SK_STATE, seen.sk_state.is_some());
    note(flag::FROM_TIME_WAIT, seen.from_time_wait);
    note(flag::NOT_PROVEN, seen.not_proven);
    note(flag::RECYCLED, seen.recycled);
    note(flag::RST_SENT, seen.rst_sent == Some(true));
    note(flag::RST_KNOWN, seen.rst_sent.is_some());
    note(flag::ACK_SENT, seen.ack_sent == Some(true));
    note(flag::ACK_KNOWN, seen.ack_sent.is_some());
    let nothing = Queues { accept: 0, accept_max: 0, syn: 0, max_syn_backlog: 0, syncookies: 0 };
    let listener = seen.queues.unwrap_or(nothing);
    record.socket[remembered::TS_RECENT] = seen.ts_recent.unwrap_or(0);
    record.socket[remembered::STAMP] = seen.ts_recent_stamp.unwrap_or(0);
    record.socket[remembered::RCV_NXT] = seen.rcv_nxt.unwrap_or(0);
    if seen.site == Site::Listen {
        record.socket[queues::ACCEPT] = listener.accept;
        record.socket[queues::ACCEPT_MAX] = listener.accept_max;
        record.socket[queues::SYN] = listener.syn;
        record.socket[queues::SYN_MAX] = listener.max_syn_backlog;
    }
    // 0 is the kernel's word for none, and so is the decoder's.
    seen.ts_recent = seen.ts_recent.filter(|recent| *recent != 0);
    record.syncookies = listener.syncookies;
    record.time_ns = seen.mono_ns;
    record.reason = seen.reason.unwrap_or(0).try_into().unwrap();
    record.verdict = seen.verdict.unwrap_or(0).try_into().unwrap();
    record.sk_state = seen.sk_state.unwrap_or(0);
    record.tw_substate = seen.tw_substate;
    record.tcp[4..8].copy_from_slice(&seen.syn.seq.to_be_bytes());
    record.tcp[13] = 0x02 | u8::from(seen.odd_flags.fin) | u8::from(seen.odd_flags.rst) << 2;
    record
}

/// The key as the kernel's table holds it.
fn key(record: &SynRecord, tsval: Option<u32>) -> [u8; FACTS_LEN] {
    let mut facts = Facts::ZERO;
    facts.plain(record);
    relations(record, seconds(record.time_ns), tsval.is_some(), tsval.unwrap_or(77), |bit, holds| {
        facts.relations |= if holds { bit } else { 0 };
    });
    let mut key = Vec::new();
    key.extend(facts.netns.to_ne_bytes());
    key.extend(facts.flags.to_ne_bytes());
    key.extend(facts.reason.to_ne_bytes());
    key.extend(facts.relations.to_ne_bytes());
    key.extend([facts.verdict, facts.site, facts.sk_state, facts.tw_substate, facts.tcp_flags]);
    key.extend(facts.pad);
    key.try_into().unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn a_key_means_what_the_record_means(mut seen in any_seen(), kernel in any_kernel()) {
        let record = record(&mut seen);
        let counted = kind(&key(&record, seen.syn.tsval)).unwrap();
        prop_assert_eq!(explain(&counted, &kernel), explain(&seen, &kernel), "{:?} for {:?}", counted, seen);
    }
}

proptest! {
    /// What is not settled is asked of the clock itself, so that an age is right to the second.
    #[test]
    fn a_late_clock_tells_the_same_age(
        stamp: u32,
        limit in prop_oneof![Just(WRAP_NEW), Just(WRAP_OLD), any::<u32>()],
        beside in -5..=5_i32,
        late in 0..=LAG_S,
    ) {
        let noted = stamp.wrapping_add(limit).wrapping_add_signed(beside);
        let ages = |now_s: u32| {
            let mut record = SynRecord { flags: flag::TS_STAMP, ..SynRecord::ZERO };
            record.socket[remembered::STAMP] = stamp;
            let mut said = Vec::new();
            relations(&record, now_s, false, 0, |bit, holds| said.push((bit, holds)));
            said
        };
        let later = noted.wrapping_add(late);
        // An age that is none: the stamp lies half the range ahead.
        prop_assume!((noted.wrapping_sub(stamp).cast_signed() < 0) == (later.wrapping_sub(stamp).cast_signed() < 0));
        prop_assert!(!settled(noted, stamp) || ages(noted) == ages(later));
    }
}

#[test]
fn a_limit_about_to_be_reached_is_not_settled() {
    for limit in [WRAP_NEW, WRAP_OLD] {
        let settled = [-3, -2, -1, 0, 1].map(|beside| settled(limit.wrapping_add_signed(beside) + 7, 7));
        assert_eq!(settled, [true, false, false, true, true]);
    }
}

#[test]
fn an_unknown_site_is_refused() {
    assert!(kind(&[0; FACTS_LEN]).is_err());
}
