//! The kernels of the tables: names of their drop reasons, verdicts and counters, as far as a cause depends on them.

use super::Kernel;

/// First release with a name, and the name. `NOT_SPECIFIED` came to 5.15 by a stable backport, the others did not.
const REASONS: [(&str, &str); 22] = [
    ("5.15", "NOT_SPECIFIED"),
    ("5.17", "NO_SOCKET"),
    ("5.17", "TCP_CSUM"),
    ("5.17", "SOCKET_FILTER"),
    ("5.19", "NETFILTER_DROP"),
    ("5.19", "XFRM_POLICY"),
    ("5.19", "TCP_FLAGS"),
    ("5.19", "TCP_RESET"),
    ("5.19", "TCP_MD5NOTFOUND"),
    ("5.19", "TCP_MD5UNEXPECTED"),
    ("5.19", "TCP_MD5FAILURE"),
    ("5.19", "SOCKET_BACKLOG"),
    ("5.19", "TCP_RFC7323_PAWS"),
    ("5.19", "TCP_INVALID_SYN"),
    ("5.19", "TCP_OVERWINDOW"),
    ("5.19", "IP_RPFILTER"),
    ("6.4", "TCP_MINTTL"),
    ("6.16", "TCP_RFC7323_TW_PAWS"),
    ("6.16", "TCP_RFC7323_TSECR"),
    ("6.16", "TCP_LISTEN_OVERFLOW"),
    ("6.18", "SECURITY_HOOK"),
    ("6.18", "PSP_INPUT"),
];

/// Numbers that were read in the kernels' BTF; other names get numbers of their own.
const NUMBERS: [(&str, &str, u32); 11] = [
    ("6.1", "NOT_SPECIFIED", 1),
    ("6.12", "NOT_SPECIFIED", 2),
    ("6.16", "NOT_SPECIFIED", 2),
    ("6.1", "TCP_RFC7323_PAWS", 26),
    ("6.12", "TCP_RFC7323_PAWS", 35),
    ("6.16", "TCP_RFC7323_PAWS", 36),
    ("6.16", "TCP_RFC7323_TW_PAWS", 38),
    ("6.16", "TCP_RFC7323_TSECR", 39),
    ("6.12", "TCP_INVALID_SYN", 40),
    ("6.16", "TCP_INVALID_SYN", 46),
    ("5.15", "NOT_SPECIFIED", 1),
];

/// First release with a counter. What every kernel here has stands at 4.4.
const COUNTERS: [(&str, &str); 22] = [
    ("4.4", "TcpExtPAWSEstab"),
    ("4.4", "TcpExtTCPSYNChallenge"),
    ("4.4", "TcpExtTCPChallengeACK"),
    ("4.4", "TcpExtListenOverflows"),
    ("4.4", "TcpExtListenDrops"),
    ("4.4", "TcpExtTCPReqQFullDrop"),
    ("4.4", "TcpExtTCPACKSkippedSynRecv"),
    ("4.4", "TcpExtTCPACKSkippedPAWS"),
    ("4.4", "TcpExtTCPACKSkippedFinWait2"),
    ("4.4", "TcpExtTCPACKSkippedTimeWait"),
    ("4.4", "TcpExtTCPMinTTLDrop"),
    ("4.4", "TcpExtTCPMD5NotFound"),
    ("4.4", "TcpExtTCPMD5Unexpected"),
    ("4.4", "TcpExtTCPMD5Failure"),
    ("4.4", "TcpExtTCPBacklogDrop"),
    ("4.4", "TcpExtEmbryonicRsts"),
    ("4.4", "TcpInCsumErrors"),
    ("4.4", "TcpOutRsts"),
    ("4.4", "TcpInErrs"),
    ("4.4", "TcpAttemptFails"),
    ("6.16", "TcpExtPAWSTimewait"),
    ("6.16", "TcpExtTSEcrRejected"),
];

/// Every kernel of the tables.
pub(super) const ALL: [&str; 9] = ["5.10", "5.15", "5.19", "6.1", "6.4", "6.12", "6.16", "6.18", "7.3"];

fn version(text: &str) -> (u32, u32) {
    let (major, minor) = text.split_once('.').unwrap();
    (major.parse().unwrap(), minor.parse().unwrap())
}

/// With hooks on functions.
pub(super) fn functions(release: &str) -> Kernel {
    let mut kernel = tracepoint(release);
    kernel.function_hooks = true;
    kernel
}

/// With `skb:kfree_skb` alone.
pub(super) fn tracepoint(release: &str) -> Kernel {
    let here = version(release);
    let since = |first: &str| version(first) <= here;
    let mut reasons = Vec::new();
    for (at, (first, name)) in (100..).zip(REASONS) {
        if since(first) {
            let known = NUMBERS.iter().filter(|(kernel, of, _)| *of == name && since(kernel));
            let number = known.max_by_key(|(kernel, ..)| version(kernel)).map_or(at, |(_, _, n)| *n);
            reasons.push((name.to_owned(), number));
        }
    }
    let mut verdicts = vec!["SUCCESS", "RST", "ACK", "SYN"];
    if since("6.16") {
        verdicts.push("ACK_OOW");
    }
    let verdicts: Vec<_> = verdicts.into_iter().map(str::to_owned).zip(0..).collect();
    let mut kernel = Kernel::new(&format!("{release}.0-test"), &reasons, &verdicts);
    kernel.rx_sk = since("6.12");
    kernel.check_req_reasons = since("6.16");
    kernel.counters =
        COUNTERS.iter().filter(|(first, _)| since(first)).map(|(_, name)| (*name).into()).collect();
    kernel
}

/// Number of a reason on a kernel that has it.
pub(super) fn number(kernel: &Kernel, name: &str) -> u32 {
    let known = |number: &u32| kernel.reason(*number).is_some_and(|found| &*found == name);
    if name == "NOT_SPECIFIED" {
        return if kernel.rx_sk { 2 } else { 1 };
    }
    (0..200).find(known).unwrap_or_else(|| panic!("{} has no {name}", super::kernels::name(kernel)))
}

/// Which of the kernels it is.
pub(super) fn name(kernel: &Kernel) -> &'static str {
    let same = |release: &&str| *kernel == functions(release) || *kernel == tracepoint(release);
    ALL.into_iter().find(same).unwrap_or("a kernel of its own")
}

#[test]
fn reasons_that_say_nothing_have_no_name() {
    for release in ALL {
        let kernel = tracepoint(release);
        assert_eq!(kernel.reason(number(&kernel, "NOT_SPECIFIED")), None, "{release}");
        assert_eq!(kernel.reason(0), None, "{release}");
        assert_eq!(kernel.reason(u32::MAX), None, "{release}");
    }
}

#[test]
fn habits_per_release() {
    // (release, reason tells PAWS on an open socket, age at which a stamp stops to count)
    let rows = [
        ("5.10", false, 2_073_600),
        ("5.15", false, 2_073_600),
        ("5.19", true, 2_073_600),
        ("6.1", true, 2_073_600),
        ("6.4", false, 2_073_600),
        ("6.12", false, 2_147),
        ("6.16", false, 2_147),
        ("7.3", false, 2_147),
    ];
    for (release, told, wrap) in rows {
        let kernel = tracepoint(release);
        assert_eq!((kernel.paws_reason_on_open_socket, kernel.paws_wrap_s), (told, wrap), "{release}");
    }
}
