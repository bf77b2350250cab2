//! `tcp_check_req`: a request socket holds the tuple.

use super::*;

/// (ticks after the first SYN's TSval, sequence number, whether an ACK went back)
fn second(ticks: i32, seq: u32, ack_sent: Option<bool>) -> Seen {
    let mut seen = stamped(Site::SynRecv, ticks);
    seen.syn.seq = seq;
    Seen { sk_state: Some(12), ack_sent, rst_sent: Some(false), ..seen }
}

/// Sequence number of the SYN that made the request.
const FIRST: u32 = NEXT - 1;
const ELSEWHERE: u32 = NEXT - 10_000;
const INSIDE: u32 = NEXT + 100;

fn with_reason(kernel: &Kernel, name: &str, seen: Seen) -> Seen {
    // Until 6.14 the function gives none; 5.10 hands none over at all.
    if kernel.check_req_reasons {
        reason(kernel, name, seen)
    } else {
        let number = kernels::number(kernel, "NOT_SPECIFIED");
        Seen { reason: (*kernel != functions("5.10")).then_some(number), ..seen }
    }
}

#[test]
fn a_request_socket_on_every_kernel() {
    for release in kernels::ALL {
        let kernel = &functions(release);
        let named = |name: &'static str| if kernel.check_req_reasons { name } else { "-" };
        let paws = |answer: &str| {
            format!("syn-recv paws-syn-recv {} TcpExtPAWSEstab {answer}", named("TCP_RFC7323_PAWS"))
        };
        let outside = |rest: &str| format!("syn-recv out-of-window {} {rest}", named("TCP_OVERWINDOW"));
        let late = |seen| with_reason(kernel, "TCP_RFC7323_PAWS", seen);
        let away = |seen| with_reason(kernel, "TCP_OVERWINDOW", seen);
        let plain = |seen| with_reason(kernel, "NOT_SPECIFIED", seen);
        let reset = Seen { rst_sent: Some(true), ..second(10, INSIDE, Some(false)) };
        let (ack, silent, unknown) = (Some(true), Some(false), None);
        check(&[
            ("P4", kernel, late(second(-5000, ELSEWHERE, ack)), &paws("ack")),
            ("P4 by a tick", kernel, late(second(-1, ELSEWHERE, ack)), &paws("ack")),
            ("P4 silent", kernel, late(second(-5000, ELSEWHERE, silent)), &paws("none")),
            ("P4, answer not visible", kernel, late(second(-5000, ELSEWHERE, unknown)), &paws("-")),
            // PAWS comes before "the same SYN again" and before the window.
            ("P4, same seq", kernel, late(second(-5000, FIRST, ack)), &paws("ack")),
            ("P4, in window", kernel, late(second(-5000, INSIDE, ack)), &paws("ack")),
            (
                "N13 silent",
                kernel,
                plain(second(0, FIRST, silent)),
                "syn-recv repeated - TcpExtTCPACKSkippedSynRecv none",
            ),
            (
                "N13 silent, a retransmission with a later TSval",
                kernel,
                plain(second(1000, FIRST, silent)),
                "syn-recv repeated - TcpExtTCPACKSkippedSynRecv none",
            ),
            ("N14 out of window", kernel, away(second(10, ELSEWHERE, ack)), &outside("- ack")),
            (
                "N14 out of window, silent",
                kernel,
                away(second(10, ELSEWHERE, silent)),
                &outside("TcpExtTCPACKSkippedSynRecv none"),
            ),
            ("N14 out of window, same TSval", kernel, away(second(0, ELSEWHERE, ack)), &outside("- ack")),
            ("N14 in window", kernel, plain(reset), "syn-recv other - TcpExtEmbryonicRsts rst"),
        ]);
    }
}

#[test]
fn without_timestamps_there_is_no_paws() {
    let kernel = &functions("6.12");
    let mut no_option = second(-5000, ELSEWHERE, Some(true));
    no_option.syn.tsval = None;
    let no_memory = Seen { ts_recent: Some(0), ..second(-5000, ELSEWHERE, Some(true)) };
    let unread = Seen { ts_recent: None, ..second(-5000, ELSEWHERE, Some(true)) };
    let outside = "syn-recv out-of-window - - ack";
    check(&[
        ("P4, no TSval", kernel, no_option, outside),
        ("P4, ts_recent 0", kernel, no_memory, outside),
        ("P4, ts_recent not read", kernel, unread, outside),
    ]);
}

#[test]
fn a_stale_echo_is_named_by_its_reason() {
    for release in ["6.16", "6.18", "7.3"] {
        let kernel = &functions(release);
        let row = |fact, answer, want| {
            (fact, kernel, reason(kernel, "TCP_RFC7323_TSECR", second(10, FIRST, answer)), want)
        };
        check(&[
            row("P4b", Some(true), "syn-recv other TCP_RFC7323_TSECR TcpExtTSEcrRejected ack"),
            row("P4b silent", Some(false), "syn-recv other TCP_RFC7323_TSECR TcpExtTSEcrRejected none"),
        ]);
    }
}

#[test]
fn odd_flags() {
    let kernel = &functions("6.12");
    let flags = |fin, rst, seen: Seen| Seen { odd_flags: OddFlags { fin, rst }, ..seen };
    let again = second(0, FIRST, Some(false));
    let away = second(10, ELSEWHERE, Some(false));
    check(&[
        // The kernel looks at SYN, RST and ACK alone when it asks for "the same SYN again".
        (
            "N13, SYN+FIN",
            kernel,
            flags(true, false, again.clone()),
            "syn-recv repeated - TcpExtTCPACKSkippedSynRecv none",
        ),
        // A RST is never answered.
        ("N14, SYN+RST", kernel, flags(false, true, away), "syn-recv other - - none"),
        ("N14, SYN+RST, same seq", kernel, flags(false, true, again), "syn-recv other - - none"),
    ]);
}

#[test]
fn the_sequence_number_wraps() {
    let kernel = &functions("6.12");
    let seen = Seen { rcv_nxt: Some(0), ..second(0, u32::MAX, Some(false)) };
    check(&[("N13", kernel, seen, "syn-recv repeated - TcpExtTCPACKSkippedSynRecv none")]);
}
