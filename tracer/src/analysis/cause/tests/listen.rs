//! `tcp_conn_request`: the kernel's order is SYN queue, accept queue, proof of the peer, everything else.

use super::*;

const ACCEPT_FULL: &str = "listen accept-queue-full - TcpExtListenOverflows none";
const SYN_FULL: &str = "listen syn-queue-full - TcpExtTCPReqQFullDrop none";
const NOT_PROVEN: &str = "listen peer-not-proven - TcpExtListenDrops none";
const OTHER: &str = "listen listen-other - TcpExtListenDrops none";

/// (accept, syn, cookies): queues beside a backlog of 128.
fn queued(accept: u32, syn: u32, syncookies: u8) -> Seen {
    let queues = Queues { accept, accept_max: 128, syn, max_syn_backlog: 256, syncookies };
    Seen { queues: Some(queues), ..bare(Site::Listen) }
}

fn after_time_wait(seen: Seen) -> Seen {
    Seen { from_time_wait: true, ..seen }
}

fn unproven(seen: Seen) -> Seen {
    Seen { not_proven: true, ..seen }
}

#[test]
fn the_queues_decide_in_the_order_of_the_kernel() {
    for release in kernels::ALL {
        let kernel = &functions(release);
        check(&[
            // Full only when longer than the limit.
            ("N1 at the limit", kernel, queued(128, 0, 1), OTHER),
            ("N1", kernel, queued(129, 0, 1), ACCEPT_FULL),
            ("N1, no cookies", kernel, queued(129, 0, 0), ACCEPT_FULL),
            ("N1 for cookies, too", kernel, queued(129, 500, 2), ACCEPT_FULL),
            ("N1 after TIME_WAIT", kernel, after_time_wait(queued(129, 0, 1)), ACCEPT_FULL),
            ("N2 one short", kernel, queued(0, 127, 0), OTHER),
            ("N2", kernel, queued(0, 129, 0), SYN_FULL),
            ("N2 comes before N1", kernel, queued(129, 129, 0), SYN_FULL),
            ("N2 skipped after TIME_WAIT", kernel, after_time_wait(queued(0, 129, 0)), OTHER),
            ("N2 skipped, N1 not", kernel, after_time_wait(queued(129, 129, 0)), ACCEPT_FULL),
            ("N2b, cookies 1", kernel, queued(0, 129, 1), OTHER),
            ("N2b, cookies 2", kernel, queued(0, 129, 2), OTHER),
            ("N3", kernel, unproven(queued(0, 100, 0)), NOT_PROVEN),
            ("asked for N3, so the queues had room", kernel, unproven(queued(129, 100, 0)), NOT_PROVEN),
            ("N4..N9", kernel, queued(0, 0, 1), OTHER),
            ("N4..N9 after TIME_WAIT", kernel, after_time_wait(queued(0, 0, 0)), OTHER),
        ]);
    }
}

#[test]
fn tcp_tw_recycle_asks_before_anything_else_can_refuse() {
    // The queues had room, whatever they were on entry; before 4.12.
    let counters = ["TcpExtPAWSPassive".into(), "TcpExtListenDrops".into()].into_iter().collect();
    let mut kernel = Kernel::new("4.9.229", &[], &[]);
    (kernel.function_hooks, kernel.counters) = (true, counters);
    let refused = "listen paws-recycle - TcpExtPAWSPassive none";
    let recycled = |seen| Seen { recycled: true, ..seen };
    check(&[
        ("P1", &kernel, recycled(queued(0, 0, 1)), refused),
        ("P1, so N1 was not", &kernel, recycled(queued(129, 0, 0)), refused),
        ("P1, the queues unknown", &kernel, recycled(bare(Site::Listen)), refused),
        ("N3, not asked by tcp_tw_recycle", &kernel, unproven(queued(0, 100, 0)), NOT_PROVEN),
    ]);
}

#[test]
fn at_exactly_the_limit_kernels_differ() {
    // `qlen >= max` drops on 5.15, 5.19 and 6.4, `qlen > max` on late 5.10, 6.1, 6.12 and 6.18. A SYN that was dropped
    // with nothing else to blame was dropped for it; one whose peer was asked for had passed the test.
    for release in kernels::ALL {
        let kernel = &functions(release);
        check(&[
            ("N2 at the limit", kernel, queued(0, 128, 0), SYN_FULL),
            ("N2 at the limit, after TIME_WAIT", kernel, after_time_wait(queued(0, 128, 0)), OTHER),
            ("N2b at the limit", kernel, queued(0, 128, 1), OTHER),
            ("N3 at the limit", kernel, unproven(queued(0, 128, 0)), NOT_PROVEN),
        ]);
    }
}

#[test]
fn a_listener_without_backlog() {
    let kernel = &functions("6.12");
    let queues = Queues { accept: 1, accept_max: 0, syn: 0, max_syn_backlog: 128, syncookies: 1 };
    let full = Seen { queues: Some(queues), ..bare(Site::Listen) };
    let room = Seen { queues: Some(Queues { accept: 0, ..queues }), ..bare(Site::Listen) };
    check(&[("N1, backlog 0", kernel, full, ACCEPT_FULL), ("N4, backlog 0", kernel, room, OTHER)]);
}

#[test]
fn without_the_queues() {
    for release in kernels::ALL {
        let kernel = &functions(release);
        check(&[
            ("N3", kernel, unproven(bare(Site::Listen)), NOT_PROVEN),
            ("N4..N9", kernel, bare(Site::Listen), OTHER),
        ]);
    }
}

#[test]
fn an_mptcp_join_that_is_refused_gets_a_rst() {
    for release in ["5.10", "6.1", "6.12", "7.3"] {
        let kernel = &functions(release);
        let refused = Seen { rst_sent: Some(true), ..queued(0, 0, 1) };
        check(&[("N10", kernel, refused, "listen listen-other - TcpExtListenDrops rst")]);
    }
}
