//! What a cause is, in three lines: what the kernel does, how to confirm it, how to end it; and who can see it.
//!
//! One table, which a new cause does not compile without. What to do at length is the verdict's to say: whoever asks for
//! one cause gets its remedies behind these lines.

use super::text::{Ink, Style};
use crate::model::{Cause, verdict::Remedy};

pub use super::phrases::short;

/// A cause, explained. Every text fits a line of 80 columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Explained {
    /// What the kernel does.
    pub kernel: &'static str,
    /// How to confirm it.
    pub confirm: &'static str,
    /// How to end it.
    pub end: &'static str,
    /// On which kernels the set without function hooks sees it; the others see whatever there is.
    pub tracepoint: &'static str,
}

const NEVER: &str = "never";
const NAMED_BUCKET: &str = "from 6.11 on";
const NAMED_SOCKET: &str = "from 6.11 on, and 5.19 to 6.3";
const NAMED_REQUEST: &str = "from 6.15 on";
const ALWAYS: &str = "always";

/// What is known of a cause.
pub const fn explained(cause: Cause) -> Explained {
    let (kernel, confirm, end, tracepoint) = match cause {
        Cause::PawsRecycle => (
            "Older TSval than the last from this address, or none: silence.",
            "`nstat -az TcpExtPAWSPassive`; `sysctl net.ipv4.tcp_tw_recycle` is 1.",
            "`sysctl -w net.ipv4.tcp_tw_recycle=0`; 4.12 and later have none.",
            NEVER,
        ),
        Cause::PawsTimeWait => (
            "TIME_WAIT remembers a newer TSval: a bare ACK, or silence; 60 s anew.",
            "`nstat -az TcpExtPAWSTimewait` (before 6.16: TcpExtPAWSEstab).",
            "On the NAT: no port again within 60 s of its close, no random-fully.",
            NAMED_BUCKET,
        ),
        Cause::PawsFinWait2 => (
            "A half-closed connection (FIN_WAIT2) has a newer TSval: a bare ACK.",
            "No counter moves on any kernel; `ss -tn state fin-wait-2` lists them.",
            "On the NAT: no port again within 60 s; let the client close first.",
            NAMED_BUCKET,
        ),
        Cause::PawsSynRecv => (
            "A handshake open on this port has a newer TSval: a bare ACK for it.",
            "`ss -tno state syn-recv`; `nstat -az TcpExtPAWSEstab`.",
            "Find the NAT that lends a port twice: `conntrack -S` there, its pool.",
            NAMED_REQUEST,
        ),
        Cause::PawsEstablished => (
            "The connection open on this port has a newer TSval: a challenge ACK.",
            "`nstat -az TcpExtTCPSYNChallenge` (before 6.4: TcpExtPAWSEstab).",
            "Keep-alive (SO_KEEPALIVE), so that the server notices who is gone.",
            NAMED_SOCKET,
        ),
        Cause::OldSequence => (
            "TIME_WAIT: neither TSval nor sequence number is newer: a bare ACK.",
            "`ss -tn state time-wait` has the port, and no PAWS counter moves.",
            "On the NAT: no port again within 60 s; let the client close first.",
            NAMED_BUCKET,
        ),
        Cause::OutOfWindow => (
            "Does not fit the handshake open on this port: an ACK, or silence.",
            "`ss -tno state syn-recv` has the port; no counter moves.",
            "Find the NAT that lends a port twice: `conntrack -S` there, its pool.",
            NAMED_REQUEST,
        ),
        Cause::Repeated => (
            "The same SYN within 500 ms of its SYN/ACK, which is on its way.",
            "`nstat -az TcpExtTCPACKSkippedSynRecv` moves.",
            "See whether SYN/ACKs leave: `tcpdump -ni any 'tcp[13] & 18 = 18'`.",
            NAMED_REQUEST,
        ),
        Cause::SynOnEstablished => (
            "A connection is open on this port: a challenge ACK, rate limited.",
            "`nstat -az TcpExtTCPSYNChallenge`; `ss -tno state established`.",
            "Keep-alive (SO_KEEPALIVE), so that the server notices who is gone.",
            NAMED_SOCKET,
        ),
        Cause::AcceptQueueFull => (
            "More wait for accept() than the backlog allows: silence.",
            "`ss -ltn`: Recv-Q above Send-Q; `nstat -az TcpExtListenOverflows`.",
            "Make it accept() faster; raise its backlog and net.core.somaxconn.",
            NEVER,
        ),
        Cause::SynQueueFull => (
            "Too many handshakes are open, and SYN cookies are off: silence.",
            "`ss -tn state syn-recv`; `nstat -az TcpExtTCPReqQFullDrop`.",
            "`sysctl -w net.ipv4.tcp_syncookies=1`; a longer backlog of listen().",
            NEVER,
        ),
        Cause::PeerNotProven => (
            "Cookies off, three quarters of the SYN backlog used, a new client.",
            "`nstat -az TcpExtListenDrops` moves, TcpExtListenOverflows does not.",
            "`sysctl -w net.ipv4.tcp_syncookies=1`, or more tcp_max_syn_backlog.",
            NEVER,
        ),
        Cause::ListenOther => (
            "No route back, no memory, or a security module said no: silence.",
            "`nstat -az TcpExtListenDrops` moves, TcpExtListenOverflows does not.",
            "`ip route get CLIENT`, `dmesg | tail`, `cat /proc/net/sockstat`.",
            NEVER,
        ),
        Cause::NoListener => (
            "No socket listens on this address and port: a RST.",
            "`ss -ltn` does not show it; `nstat -az TcpOutRsts` moves.",
            "Start the service, or let it listen on that address.",
            "from 5.17 on",
        ),
        Cause::Other => (
            "Another test refused it: checksum, firewall, filter, MD5, TTL, ...",
            "The line ends in the kernel's reason: `tracer -v`, `reason` in JSON.",
            "`nft list ruleset`, `iptables-save -c`; else look the reason up.",
            ALWAYS,
        ),
    };
    Explained { kernel, confirm, end, tracepoint }
}

/// Who sees a cause, in a sentence.
fn seen(cause: Cause) -> String {
    match (cause, explained(cause).tracepoint) {
        (Cause::PawsRecycle, _) => {
            "by the hook set legacy (kernels before 4.12); `tracer replay` finds what is consistent with it \
             in captures."
                .into()
        }
        (_, NEVER) => "by the hook sets fentry, kprobe and legacy; never by tracepoint.".into(),
        (_, ALWAYS) => "by every hook set.".into(),
        (_, kernels) => format!("by the hook sets fentry, kprobe and legacy; by tracepoint {kernels}."),
    }
}

/// A name, what it is in a few words, and its three lines.
fn lines(style: &Style, cause: Cause, mark: &str) -> Vec<String> {
    let Explained { kernel, confirm, end, .. } = explained(cause);
    let title = format!("{} ({}){mark}", style.ink(Ink::Bold, cause.name()), short(cause));
    let line = |label: &str, text: &str| format!("  {} {text}", style.ink(Ink::Dim, &format!("{label:<8}")));
    vec![title, line("kernel", kernel), line("confirm", confirm), line("end it", end)]
}

impl Style {
    /// Causes, each in three lines.
    pub fn explain_causes(&self, causes: &[Cause]) -> String {
        let mut all = self.fold_under(
            0,
            "",
            "Why a SYN gets no SYN/ACK: what the kernel does, how to confirm it, how to end it. The hook sets fentry and \
             kprobe see every cause but paws-recycle, legacy sees every one; tracepoint sees those that are marked.",
        );
        for &cause in causes {
            let mark = match explained(cause).tracepoint {
                NEVER => String::new(),
                ALWAYS => ", tracepoint".to_owned(),
                kernels => format!(", tracepoint {kernels}"),
            };
            all.push(String::new());
            all.extend(lines(self, cause, &mark));
        }
        all.push(String::new());
        all.extend(self.fold_under(
            0,
            "",
            "`tracer help CAUSE` says more of one, `tracer doctor` what can be seen on this machine.",
        ));
        all.join("\n")
    }

    /// One cause, with what the verdict would advise where nothing but the cause is known.
    pub fn explain_cause(&self, cause: Cause, remedies: &[Remedy]) -> String {
        let mut all = lines(self, cause, "");
        all.push(String::new());
        all.extend(self.fold_under(5, "Seen ", &seen(cause)));
        let default =
            if matches!(cause, Cause::NoListener | Cause::Repeated) { " (not shown without)" } else { "" };
        all.push(format!("Only these: `tracer --cause {cause} -p PORT`{default}"));
        all.push(String::new());
        all.push("What to do, best first; a verdict picks what fits the machine and the clients:".into());
        all.extend(self.remedies(remedies));
        all.join("\n")
    }
}

#[cfg(test)]
mod tests;
