//! `tcp_validate_incoming`: a SYN on a connection that is open.

use super::*;

fn open(ticks: i32) -> Seen {
    Seen {
        sk_state: Some(1),
        ack_sent: Some(true),
        rst_sent: Some(false),
        ..stamped(Site::FullSocket, ticks)
    }
}

fn silent(seen: Seen) -> Seen {
    Seen { ack_sent: Some(false), ..seen }
}

#[test]
fn paws_has_its_own_counter_until_6_1() {
    // 5.10 and 5.15 free the packet without a tracepoint; from 5.19 on there is a reason.
    for (release, name) in
        [("5.10", "-"), ("5.15", "-"), ("5.19", "TCP_RFC7323_PAWS"), ("6.1", "TCP_RFC7323_PAWS")]
    {
        let kernel = &functions(release);
        let named = |seen| if name == "-" { seen } else { reason(kernel, name, seen) };
        let want = |answer: &str| format!("established paws-established {name} TcpExtPAWSEstab {answer}");
        check(&[
            ("P5", kernel, named(open(-5000)), &want("ack")),
            ("P5 by two ticks", kernel, named(open(-2)), &want("ack")),
            ("P5 silent", kernel, named(silent(open(-5000))), &want("none")),
        ]);
    }
}

#[test]
fn paws_is_a_challenge_from_6_4_on() {
    for release in ["6.4", "6.12", "6.16", "6.18", "7.3"] {
        let kernel = &functions(release);
        let row = |fact, seen, want| (fact, kernel, reason(kernel, "TCP_INVALID_SYN", seen), want);
        check(&[
            row("P5", open(-5000), "established paws-established TCP_INVALID_SYN TcpExtTCPSYNChallenge ack"),
            row(
                "P5 silent",
                silent(open(-5000)),
                "established paws-established TCP_INVALID_SYN TcpExtTCPSYNChallenge none",
            ),
        ]);
    }
}

#[test]
fn timestamps_not_to_blame() {
    for release in kernels::ALL {
        let kernel = &functions(release);
        let traced = !["5.10", "5.15"].contains(&release);
        let named = |seen| if traced { reason(kernel, "TCP_INVALID_SYN", seen) } else { seen };
        let name = if traced { "TCP_INVALID_SYN" } else { "-" };
        let want =
            |answer: &str| format!("established syn-on-established {name} TcpExtTCPSYNChallenge {answer}");
        let unknown = Seen { ack_sent: None, ..open(5000) };
        check(&[
            ("N15", kernel, named(open(5000)), &want("ack")),
            ("N15 silent", kernel, named(silent(open(5000))), &want("none")),
            ("N15, answer not visible", kernel, named(unknown), &want("-")),
            ("N15, same TSval", kernel, named(open(0)), &want("ack")),
            // One tick of grace on a full socket.
            ("N15, one tick back", kernel, named(open(-1)), &want("ack")),
            (
                "N15, no TSval",
                kernel,
                named(Seen { ack_sent: Some(true), ..unstamped(Site::FullSocket) }),
                &want("ack"),
            ),
        ]);
    }
}

#[test]
fn a_rst_is_taken_whatever_its_timestamp() {
    // "Reset is accepted even if it did not pass PAWS" (net/ipv4/tcp_input.c); nothing counts it as a SYN.
    for release in ["5.10", "6.1", "6.12"] {
        let kernel = &functions(release);
        let odd = Seen { odd_flags: OddFlags { fin: false, rst: true }, ..silent(open(-5000)) };
        check(&[("SYN+RST", kernel, odd, "established other - - none")]);
    }
}
