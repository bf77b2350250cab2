//! `skb:kfree_skb` beside function hooks: SYNs that none of the functions had in hand.

use super::*;

fn freed(kernel: &Kernel, name: &str) -> Seen {
    Seen { rst_sent: Some(false), ..reason(kernel, name, bare(Site::KfreeSkb)) }
}

/// With the state of the socket that the kernel names from 6.11 on.
fn at(state: u8, seen: Seen) -> Seen {
    Seen { sk_state: Some(state), ..seen }
}

#[test]
fn nobody_listens() {
    for release in ["5.19", "6.1", "6.4", "6.12", "6.16", "7.3"] {
        let kernel = &functions(release);
        let want = "none no-listener NO_SOCKET TcpOutRsts rst";
        let seen = Seen { rst_sent: Some(true), ..freed(kernel, "NO_SOCKET") };
        check(&[("N17", kernel, seen, want)]);
    }
    // Without reasons, a RST without a socket says it.
    for release in ["5.10", "5.15"] {
        let kernel = &functions(release);
        let seen = Seen { rst_sent: Some(true), ..bare(Site::KfreeSkb) };
        check(&[("N17", kernel, seen, "none no-listener - TcpOutRsts rst")]);
    }
}

#[test]
fn the_reason_names_it() {
    // (fact, first kernel, reason, state of the socket named, what it comes to)
    let rows = [
        ("N18", "5.19", "TCP_CSUM", None, "none other TCP_CSUM TcpInCsumErrors none"),
        ("N19", "5.19", "TCP_FLAGS", None, "listen other TCP_FLAGS - none"),
        ("N19", "5.19", "TCP_RESET", None, "listen other TCP_RESET - none"),
        ("N20", "5.19", "SOCKET_FILTER", None, "none other SOCKET_FILTER - none"),
        ("N20", "6.12", "SOCKET_FILTER", Some(10), "listen other SOCKET_FILTER - none"),
        ("N21", "6.18", "SECURITY_HOOK", Some(10), "listen other SECURITY_HOOK - none"),
        ("N22", "6.4", "TCP_MINTTL", None, "none other TCP_MINTTL TcpExtTCPMinTTLDrop none"),
        ("N22", "6.12", "TCP_MINTTL", Some(10), "listen other TCP_MINTTL TcpExtTCPMinTTLDrop none"),
        ("N23", "5.19", "TCP_MD5NOTFOUND", None, "none other TCP_MD5NOTFOUND TcpExtTCPMD5NotFound none"),
        (
            "N23",
            "5.19",
            "TCP_MD5UNEXPECTED",
            None,
            "none other TCP_MD5UNEXPECTED TcpExtTCPMD5Unexpected none",
        ),
        ("N23", "5.19", "TCP_MD5FAILURE", None, "none other TCP_MD5FAILURE TcpExtTCPMD5Failure none"),
        ("N24", "5.19", "XFRM_POLICY", None, "none other XFRM_POLICY - none"),
        (
            "N25, and REJECT sends a RST of its own",
            "5.19",
            "NETFILTER_DROP",
            None,
            "none other NETFILTER_DROP - -",
        ),
        ("N26", "6.18", "PSP_INPUT", Some(10), "listen other PSP_INPUT - none"),
        ("N27", "5.19", "SOCKET_BACKLOG", None, "none other SOCKET_BACKLOG TcpExtTCPBacklogDrop none"),
        (
            "N27",
            "6.12",
            "SOCKET_BACKLOG",
            Some(1),
            "established other SOCKET_BACKLOG TcpExtTCPBacklogDrop none",
        ),
        ("N28", "5.19", "IP_RPFILTER", None, "none other IP_RPFILTER - none"),
        // A simultaneous open is no connection that is open.
        ("P6", "6.12", "TCP_RFC7323_PAWS", Some(2), "established other TCP_RFC7323_PAWS - none"),
    ];
    for (fact, first, name, state, want) in rows {
        let from = kernels::ALL.iter().position(|release| *release == first).unwrap();
        for release in &kernels::ALL[from..] {
            let kernel = &functions(release);
            let seen = freed(kernel, name);
            check(&[(fact, kernel, state.map_or(seen.clone(), |state| at(state, seen)), want)]);
        }
    }
}

#[test]
fn without_a_reason_the_stage_and_the_answer_are_all_there_is() {
    for release in kernels::ALL {
        let kernel = &functions(release);
        let quiet = Seen { rst_sent: Some(false), ..bare(Site::KfreeSkb) };
        let reset = "listen other - TcpOutRsts rst";
        check(&[
            ("N22 and the like", kernel, quiet.clone(), "none other - - -"),
            ("answer not visible", kernel, bare(Site::KfreeSkb), "none other - - -"),
            ("at a listener", kernel, at(10, quiet.clone()), "listen other - - -"),
            // A RST from a socket is no closed port.
            ("N10 and the like", kernel, at(10, Seen { rst_sent: Some(true), ..quiet }), reset),
        ]);
    }
}
