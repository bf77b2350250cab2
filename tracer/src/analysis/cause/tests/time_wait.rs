//! `tcp_timewait_state_process`: TIME_WAIT and FIN_WAIT2 buckets.

use super::*;

/// Numbers of `enum tcp_tw_status`.
const SUCCESS: u32 = 0;
const RST: u32 = 1;
const ACK: u32 = 2;
const SYN: u32 = 3;
/// From 6.16 on, in the place of `ACK` for SYNs out of window or refused by PAWS.
const ACK_OOW: u32 = 4;

/// Releases whose bucket has a verdict and a counter of its own for PAWS.
const OLD: [&str; 6] = ["5.10", "5.15", "5.19", "6.1", "6.4", "6.12"];
const NEW: [&str; 3] = ["6.16", "6.18", "7.3"];

fn time_wait(verdict: u32, seen: Seen) -> Seen {
    Seen { tw_substate: 6, sk_state: Some(6), verdict: Some(verdict), ..seen }
}

fn fin_wait2(verdict: u32, seen: Seen) -> Seen {
    Seen { tw_substate: 5, sk_state: Some(6), verdict: Some(verdict), ..seen }
}

fn at(ticks: i32) -> Seen {
    stamped(Site::TimeWait, ticks)
}

/// NOT_SPECIFIED where the kernel hands a reason over.
fn silent_reason(kernel: &Kernel, seen: Seen) -> Seen {
    let number = kernels::number(kernel, "NOT_SPECIFIED");
    Seen { reason: (*kernel != functions("5.10")).then_some(number), ..seen }
}

#[test]
fn paws_in_time_wait_before_6_16() {
    for release in OLD {
        let kernel = &functions(release);
        let row = |fact, seen, want| (fact, kernel, silent_reason(kernel, seen), want);
        check(&[
            row("P2", time_wait(ACK, at(-5000)), "time-wait paws-time-wait - TcpExtPAWSEstab ack"),
            row("P2, by a tick", time_wait(ACK, at(-1)), "time-wait paws-time-wait - TcpExtPAWSEstab ack"),
            // Within 500 ms of the last ACK: silence, and PAWSEstab moves all the same.
            row(
                "P2 silent",
                time_wait(SUCCESS, at(-5000)),
                "time-wait paws-time-wait - TcpExtPAWSEstab none",
            ),
        ]);
    }
}

#[test]
fn paws_in_time_wait_from_6_16_on() {
    for release in NEW {
        let kernel = &functions(release);
        let row = |fact, seen, want| (fact, kernel, reason(kernel, "TCP_RFC7323_TW_PAWS", seen), want);
        let ack = "time-wait paws-time-wait TCP_RFC7323_TW_PAWS TcpExtPAWSTimewait ack";
        let none = "time-wait paws-time-wait TCP_RFC7323_TW_PAWS TcpExtPAWSTimewait none";
        check(&[
            row("P2", time_wait(ACK_OOW, at(-5000)), ack),
            row("P2, by a tick", time_wait(ACK_OOW, at(-1)), ack),
            row("P2 silent", time_wait(SUCCESS, at(-5000)), none),
        ]);
    }
}

#[test]
fn what_no_kernel_gives_a_reason_for() {
    for release in kernels::ALL {
        let kernel = &functions(release);
        let ack = if NEW.contains(&release) { ACK_OOW } else { ACK };
        let row = |fact, seen, want| (fact, kernel, silent_reason(kernel, seen), want);
        let paws = "fin-wait2 paws-fin-wait2 - - ack";
        let paws_silent = "fin-wait2 paws-fin-wait2 - TcpExtTCPACKSkippedFinWait2 none";
        let old = "time-wait old-sequence - - ack";
        let old_silent = "time-wait old-sequence - TcpExtTCPACKSkippedTimeWait none";
        let none = unstamped(Site::TimeWait);
        check(&[
            row("P3", fin_wait2(ack, at(-5000)), paws),
            row("P3 silent", fin_wait2(SUCCESS, at(-5000)), paws_silent),
            row("P7, the same TSval", time_wait(ack, at(0)), old),
            row("P7, no TSval", time_wait(ack, none.clone()), old),
            row("P7 silent", time_wait(SUCCESS, at(0)), old_silent),
            row("P7, no TSval, silent", time_wait(SUCCESS, none.clone()), old_silent),
            row("P7 on a FIN_WAIT2 bucket", fin_wait2(ack, at(0)), "fin-wait2 old-sequence - - ack"),
            row(
                "P7 on a FIN_WAIT2 bucket, silent",
                fin_wait2(SUCCESS, none),
                "fin-wait2 old-sequence - TcpExtTCPACKSkippedFinWait2 none",
            ),
            // In the window of a FIN_WAIT2 bucket a SYN with a good timestamp is answered with a RST.
            row("N16", fin_wait2(RST, at(5000)), "fin-wait2 other - TcpOutRsts rst"),
        ]);
    }
}

#[test]
fn a_bucket_that_gave_way() {
    for release in kernels::ALL {
        let kernel = &functions(release);
        // Nobody listens any more: the bucket answers with its ACK all the same, and no RST counter moves.
        let closed = silent_reason(kernel, time_wait(SYN, at(10)));
        // Before 6.4 a filter or a TTL limit at a listener drops without a name, too.
        let want = if kernel.names_every_drop { "none no-listener - - ack" } else { "none other - - -" };
        check(&[("TW_SYN without a listener", kernel, closed, want)]);
    }
    // The listener was found, and its own tests refuse the SYN.
    for (release, name, want) in [
        ("6.12", "TCP_MINTTL", "listen other TCP_MINTTL TcpExtTCPMinTTLDrop none"),
        ("6.1", "TCP_MD5NOTFOUND", "listen other TCP_MD5NOTFOUND TcpExtTCPMD5NotFound none"),
        ("7.3", "SOCKET_FILTER", "listen other SOCKET_FILTER - none"),
        ("6.12", "XFRM_POLICY", "listen other XFRM_POLICY - none"),
    ] {
        let kernel = &functions(release);
        let seen = Seen { rst_sent: Some(false), ..reason(kernel, name, time_wait(SYN, at(10))) };
        check(&[("TW_SYN, then N20..N24", kernel, seen, want)]);
    }
}

#[test]
fn without_a_verdict_the_answer_is_unknown() {
    for release in ["5.10", "6.12", "7.3"] {
        let kernel = &functions(release);
        let unknown = |seen: Seen| Seen { verdict: None, ..seen };
        let rst = Seen { rst_sent: Some(true), ..unknown(fin_wait2(0, at(10))) };
        let counter = if release == "7.3" { "TcpExtPAWSTimewait" } else { "TcpExtPAWSEstab" };
        let paws = format!("time-wait paws-time-wait - {counter} -");
        check(&[
            ("P2", kernel, unknown(time_wait(0, at(-1))), &paws),
            ("P3", kernel, unknown(fin_wait2(0, at(-1))), "fin-wait2 paws-fin-wait2 - - -"),
            ("P7", kernel, unknown(time_wait(0, at(0))), "time-wait old-sequence - - -"),
            ("N16", kernel, rst, "fin-wait2 other - TcpOutRsts rst"),
        ]);
    }
    // A number that is no verdict of this kernel says nothing either.
    let kernel = &functions("6.1");
    check(&[("P2", kernel, time_wait(ACK_OOW, at(-1)), "time-wait paws-time-wait - TcpExtPAWSEstab -")]);
}

#[test]
fn a_syn_with_a_rst_is_no_old_sequence() {
    let kernel = &functions("6.12");
    let odd = |seen: Seen| Seen { odd_flags: OddFlags { fin: false, rst: true }, ..seen };
    check(&[("SYN+RST", kernel, odd(time_wait(SUCCESS, at(10))), "time-wait other - - none")]);
}
