//! Tables of `explain`: what each kernel's facts must come to. The first column of a row is the fact that it rests on:
//! P and N numbers name the drop sites of the kernel's TCP (P: timestamps; N: everything else), as listed here.
//!
//! | | site | | |
//! | --- | --- | --- | --- |
//! | P2 | TIME_WAIT, PAWS | N1 | accept queue full |
//! | P3 | FIN_WAIT2 bucket, PAWS | N2 | SYN queue full, N2b: with cookies |
//! | P4 | SYN_RECV, PAWS; P4b: TSecr | N3 | peer not proven |
//! | P5 | full socket, PAWS | N4..N11 | other refusals of `tcp_conn_request` |
//! | P6 | SYN_SENT, PAWS | N13, N14 | SYN_RECV: same SYN, another SYN |
//! | P7 | TIME_WAIT, nothing newer | N15, N16 | SYN on an open connection, on a FIN_WAIT2 bucket |
//! | | | N17..N28 | dropped before a socket decides |

#![expect(clippy::needless_pass_by_value, reason = "rows are built from values")]

mod counted;
mod early;
mod full_socket;
mod kernels;
mod listen;
mod paws;
mod properties;
mod syn_recv;
mod time_wait;
mod tracepoint;

use std::net::{IpAddr, Ipv4Addr};

use super::*;
use crate::model::{
    Flow, Syn,
    seen::{OddFlags, Seen},
};
use kernels::{functions, tracepoint};

/// Seconds since boot at which every SYN of the tables arrives.
const NOW_S: u32 = 100_000;
/// The timestamp that the kernel remembers.
const RECENT: u32 = 1_000_000_000;
/// Sequence number that the old connection expects.
const NEXT: u32 = 700_000;

/// A SYN with nothing known about it.
fn bare(site: Site) -> Seen {
    Seen {
        mono_ns: u64::from(NOW_S) * 1_000_000_000 + 999_999_999,
        flow: Flow {
            src: IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)),
            sport: 40_000,
            dst: IpAddr::V4(Ipv4Addr::new(198, 51, 100, 1)),
            dport: 443,
        },
        netns: None,
        ifindex: None,
        site,
        syn: Syn { seq: 1, ..Syn::default() },
        odd_flags: OddFlags::default(),
        ts_recent: None,
        ts_recent_stamp: None,
        rcv_nxt: None,
        verdict: None,
        reason: None,
        sk_state: None,
        tw_substate: 0,
        queues: None,
        from_time_wait: false,
        not_proven: false,
        recycled: false,
        rst_sent: None,
        ack_sent: None,
    }
}

/// A SYN whose TSval stands `ticks` after what the socket remembers, one second old.
fn stamped(site: Site, ticks: i32) -> Seen {
    let tsval = Some(RECENT.wrapping_add_signed(ticks));
    Seen {
        syn: Syn { seq: 1, tsval, tsecr: Some(0), ..Syn::default() },
        ts_recent: Some(RECENT),
        ts_recent_stamp: (site != Site::SynRecv).then_some(NOW_S - 1),
        rcv_nxt: Some(NEXT),
        ..bare(site)
    }
}

/// The same without a timestamp.
fn unstamped(site: Site) -> Seen {
    let mut seen = stamped(site, 0);
    (seen.syn.tsval, seen.syn.tsecr) = (None, None);
    seen
}

/// With the kernel's number of a drop reason; the name must be one that this kernel has.
fn reason(kernel: &Kernel, name: &str, seen: Seen) -> Seen {
    let number = kernels::number(kernel, name);
    Seen { reason: Some(number), ..seen }
}

/// A meaning in one line: stage, cause, reason, counter, answer; `-` where there is none.
fn line(meaning: &Meaning) -> String {
    format!(
        "{} {} {} {} {}",
        meaning.stage,
        meaning.cause,
        meaning.reason.as_deref().unwrap_or("-"),
        meaning.snmp.unwrap_or("-"),
        meaning.answer.map_or("-", Answer::name)
    )
}

/// One row: fact and kernel, the kernel, what was seen, the line it must come to.
type Row<'a> = (&'a str, &'a Kernel, Seen, &'a str);

/// Checks every row and reports all that are wrong.
fn check(rows: &[Row<'_>]) {
    let mut wrong = Vec::new();
    for (fact, kernel, seen, want) in rows {
        let got = line(&explain(seen, kernel));
        if got != *want {
            wrong.push(format!("{fact} on {}:\n  want {want}\n  got  {got}", kernels::name(kernel)));
        }
    }
    assert!(wrong.is_empty(), "{} of {} rows:\n{}", wrong.len(), rows.len(), wrong.join("\n"));
}

#[test]
fn every_cause_is_explained_somewhere() {
    let kernel = functions("7.3");
    let queues = Queues { accept: 0, accept_max: 128, syn: 0, max_syn_backlog: 256, syncookies: 0 };
    let tw = |ticks| Seen { tw_substate: 6, verdict: Some(2), ..stamped(Site::TimeWait, ticks) };
    let full = |accept, syn| Seen { queues: Some(Queues { accept, syn, ..queues }), ..bare(Site::Listen) };
    let seen = [
        tw(-1),
        Seen { tw_substate: 5, ..tw(-1) },
        stamped(Site::SynRecv, -1),
        stamped(Site::FullSocket, -2),
        tw(0),
        full(129, 0),
        full(0, 129),
        Seen { not_proven: true, ..full(0, 0) },
        Seen { recycled: true, ..full(0, 0) },
        full(0, 0),
        Seen { rcv_nxt: Some(2), ..stamped(Site::SynRecv, 0) },
        stamped(Site::SynRecv, 1),
        stamped(Site::FullSocket, 1),
        reason(&kernel, "NO_SOCKET", bare(Site::KfreeSkb)),
        bare(Site::KfreeSkb),
    ];
    let causes: Vec<_> = seen.iter().map(|seen| explain(seen, &kernel).cause).collect();
    let missing: Vec<_> = Cause::ALL.into_iter().filter(|cause| !causes.contains(cause)).collect();
    assert_eq!(missing, []);
}
