//! `skb:kfree_skb` alone: the reason and, from 6.11 on, the socket that the kernel names.

use super::*;

const ESTABLISHED: u8 = 1;
const TIME_WAIT: u8 = 6;
const LISTEN: u8 = 10;

fn quiet(seen: Seen) -> Seen {
    Seen { site: Site::KfreeSkb, rst_sent: Some(false), ..seen }
}

fn bucket(substate: u8, ticks: i32) -> Seen {
    Seen { sk_state: Some(TIME_WAIT), tw_substate: substate, ..quiet(stamped(Site::TimeWait, ticks)) }
}

fn at(state: u8) -> Seen {
    Seen { sk_state: Some(state), ..quiet(bare(Site::KfreeSkb)) }
}

fn unspecified(kernel: &Kernel, seen: Seen) -> Seen {
    Seen { reason: Some(kernels::number(kernel, "NOT_SPECIFIED")), ..seen }
}

#[test]
fn buckets_from_6_12_on() {
    for release in ["6.12", "6.16", "6.18", "7.3"] {
        let kernel = &tracepoint(release);
        let new = release != "6.12";
        let p2 = if new {
            reason(kernel, "TCP_RFC7323_TW_PAWS", bucket(6, -5000))
        } else {
            unspecified(kernel, bucket(6, -5000))
        };
        let p2_want = if new {
            "time-wait paws-time-wait TCP_RFC7323_TW_PAWS TcpExtPAWSTimewait -"
        } else {
            "time-wait paws-time-wait - TcpExtPAWSEstab -"
        };
        let reset = Seen { rst_sent: Some(true), ..bucket(5, 10) };
        let bare_bucket = Seen { syn: Syn { seq: 1, ..Syn::default() }, ..bucket(6, 0) };
        check(&[
            ("P2", kernel, p2, p2_want),
            ("P3", kernel, unspecified(kernel, bucket(5, -5000)), "fin-wait2 paws-fin-wait2 - - -"),
            ("P7", kernel, unspecified(kernel, bucket(6, 0)), "time-wait old-sequence - - -"),
            ("P7, no TSval", kernel, unspecified(kernel, bare_bucket), "time-wait old-sequence - - -"),
            ("N16", kernel, unspecified(kernel, reset), "fin-wait2 other - TcpOutRsts rst"),
            (
                "N24 on a bucket",
                kernel,
                reason(kernel, "XFRM_POLICY", bucket(6, -5000)),
                "time-wait other XFRM_POLICY - none",
            ),
        ]);
    }
}

#[test]
fn a_bucket_that_gave_way_and_found_no_listener() {
    // A newer TSval, or a newer sequence number with nothing against it, makes the bucket give way (TW_SYN). When it
    // is freed with the bucket's name all the same, there was no listener; the bucket sent its ACK.
    for release in ["6.12", "7.3"] {
        let kernel = &tracepoint(release);
        let mut later = unspecified(kernel, bucket(6, 0));
        later.syn.seq = NEXT + 1;
        let mut later_bare = later.clone();
        later_bare.syn.tsval = None;
        let mut exactly = unspecified(kernel, bucket(6, 0));
        exactly.syn.seq = NEXT;
        let mut late = unspecified(kernel, bucket(6, -5000));
        late.syn.seq = NEXT + 1;
        let odd = Seen { odd_flags: OddFlags { fin: false, rst: true }, ..later.clone() };
        let counter = if release == "6.12" { "TcpExtPAWSEstab" } else { "TcpExtPAWSTimewait" };
        let paws = format!("time-wait paws-time-wait - {counter} -");
        let gave_way = "none no-listener - - ack";
        check(&[
            ("TW_SYN, newer TSval", kernel, unspecified(kernel, bucket(6, 1)), gave_way),
            ("TW_SYN, newer seq", kernel, later, gave_way),
            ("TW_SYN, newer seq, no TSval", kernel, later_bare, gave_way),
            ("P7, seq is rcv_nxt", kernel, exactly, "time-wait old-sequence - - -"),
            // Neither of the two helps against PAWS, and a RST opens nothing.
            ("P2, newer seq", kernel, late, &paws),
            ("SYN+RST, newer seq", kernel, odd, "time-wait other - - -"),
        ]);
    }
}

#[test]
fn requests_hide_behind_their_listener() {
    for release in ["6.16", "6.18", "7.3"] {
        let kernel = &tracepoint(release);
        let reset = Seen { rst_sent: Some(true), ..at(LISTEN) };
        check(&[
            (
                "P4",
                kernel,
                reason(kernel, "TCP_RFC7323_PAWS", at(LISTEN)),
                "syn-recv paws-syn-recv TCP_RFC7323_PAWS TcpExtPAWSEstab -",
            ),
            (
                "N14 out of window",
                kernel,
                reason(kernel, "TCP_OVERWINDOW", at(LISTEN)),
                "syn-recv out-of-window TCP_OVERWINDOW - -",
            ),
            ("N14 in window", kernel, unspecified(kernel, reset), "syn-recv other - TcpExtEmbryonicRsts rst"),
            (
                "N13 silent",
                kernel,
                unspecified(kernel, at(LISTEN)),
                "syn-recv repeated - TcpExtTCPACKSkippedSynRecv none",
            ),
            (
                "P4b",
                kernel,
                reason(kernel, "TCP_RFC7323_TSECR", at(LISTEN)),
                "syn-recv other TCP_RFC7323_TSECR TcpExtTSEcrRejected -",
            ),
        ]);
    }
    // Until 6.14 the function gives no reason, and PAWS, the window and the same SYN again look alike.
    let kernel = &tracepoint("6.12");
    check(&[("P4, N13, N14", kernel, unspecified(kernel, at(LISTEN)), "syn-recv other - - -")]);
}

#[test]
fn open_connections() {
    let open = |ticks| Seen { sk_state: Some(ESTABLISHED), ..quiet(stamped(Site::FullSocket, ticks)) };
    // 5.19 to 6.3 name no socket, but the reason tells PAWS.
    for release in ["5.19", "6.1"] {
        let kernel = &tracepoint(release);
        check(&[
            (
                "P5",
                kernel,
                reason(kernel, "TCP_RFC7323_PAWS", quiet(bare(Site::KfreeSkb))),
                "established paws-established TCP_RFC7323_PAWS TcpExtPAWSEstab -",
            ),
            (
                "N15",
                kernel,
                reason(kernel, "TCP_INVALID_SYN", quiet(bare(Site::KfreeSkb))),
                "established syn-on-established TCP_INVALID_SYN TcpExtTCPSYNChallenge -",
            ),
        ]);
    }
    // From 6.4 on there is one reason for both; from 6.11 on the socket tells.
    let kernel = &tracepoint("6.4");
    let blind = reason(kernel, "TCP_INVALID_SYN", quiet(bare(Site::KfreeSkb)));
    check(&[("P5, N15", kernel, blind, "none other TCP_INVALID_SYN - -")]);
    for release in ["6.12", "6.16", "7.3"] {
        let kernel = &tracepoint(release);
        check(&[
            (
                "P5",
                kernel,
                reason(kernel, "TCP_INVALID_SYN", open(-2)),
                "established paws-established TCP_INVALID_SYN TcpExtTCPSYNChallenge -",
            ),
            (
                "N15",
                kernel,
                reason(kernel, "TCP_INVALID_SYN", open(-1)),
                "established syn-on-established TCP_INVALID_SYN TcpExtTCPSYNChallenge -",
            ),
        ]);
    }
}

#[test]
fn the_same_with_or_without_function_hooks() {
    // What no socket decided reads the same in every set.
    for (release, name) in
        [("5.19", "NO_SOCKET"), ("6.1", "NETFILTER_DROP"), ("6.12", "TCP_CSUM"), ("7.3", "TCP_FLAGS")]
    {
        let seen = reason(&functions(release), name, quiet(bare(Site::KfreeSkb)));
        assert_eq!(
            explain(&seen, &tracepoint(release)),
            explain(&seen, &functions(release)),
            "{release} {name}"
        );
    }
}
