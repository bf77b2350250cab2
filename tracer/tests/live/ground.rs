//! What is true on this kernel, whoever looks: where each kind of SYN dies, what the kernel says and counts about it, and
//! which hook set must see it. From the notes on the kernel (P1 ... N28 are its drop sites), never from the program's own
//! list of blind causes.

use std::{fmt, sync::OnceLock};

use anyhow::{Context as _, Result};

/// A kernel by its release.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Kernel(pub(crate) u32, pub(crate) u32);

impl Kernel {
    /// From `uname -r`.
    pub(crate) fn parse(release: &str) -> Result<Self> {
        let mut numbers = release.split(|c: char| !c.is_ascii_digit());
        let mut next = || numbers.next()?.parse().ok();
        Ok(Self(next().context("a release")?, next().context("a release with two numbers")?))
    }

    /// The running one.
    pub(crate) fn running() -> Self {
        static RUNNING: OnceLock<Kernel> = OnceLock::new();
        *RUNNING.get_or_init(|| {
            let release =
                nix::sys::utsname::uname().map(|uname| uname.release().to_string_lossy().into_owned());
            Self::parse(&release.unwrap_or_default()).unwrap_or(Self(0, 0))
        })
    }

    /// `what` on this kernel, if it is this one or a later one.
    fn since<T>(self, major: u32, minor: u32, what: T) -> Option<T> {
        (self >= Self(major, minor)).then_some(what)
    }
}

/// The hook sets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Set {
    Fentry,
    Kprobe,
    Tracepoint,
    Legacy,
}

impl Set {
    pub(crate) const ALL: [Self; 4] = [Self::Fentry, Self::Kprobe, Self::Tracepoint, Self::Legacy];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Fentry => "fentry",
            Self::Kprobe => "kprobe",
            Self::Tracepoint => "tracepoint",
            Self::Legacy => "legacy",
        }
    }
}

impl fmt::Display for Set {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What stands where the SYN dies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// A TIME_WAIT or FIN_WAIT2 bucket.
    Bucket,
    /// A request socket.
    Request,
    /// Any other full socket.
    Full,
    /// `tcp_conn_request`.
    Listener,
    /// The same, by what it remembers of the address.
    Address,
    /// No socket: a reset.
    Nobody,
    /// Freed with `skb:kfree_skb` before any of them had it.
    Freed,
    /// A listener's own refusal of flags: `tcp_rcv_state_process` (N19).
    Flags,
}

/// A hook set on a kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ground {
    pub(crate) kernel: Kernel,
    pub(crate) set: Set,
}

impl Ground {
    /// Whether drops at this place must be reported with their cause.
    pub(crate) fn must_see(self, place: Place) -> bool {
        let k = self.kernel;
        match place {
            // N19: no tracepoint up to 5.18, and none of the hooked functions is on that road.
            Place::Flags => k >= Kernel(5, 19),
            // Section 6a: function hooks see the rest everywhere.
            _ if self.set != Set::Tracepoint => true,
            // Section 4: the receiving socket came with 6.11.
            Place::Bucket => k >= Kernel(6, 11),
            // Section 4: `tcp_check_req` hands over reasons since 6.15; the socket is the listener.
            Place::Request => k >= Kernel(6, 15),
            // P5: no tracepoint up to 5.18, told apart by the reason up to 6.3, by the socket since 6.11.
            Place::Full => k >= Kernel(6, 11) || (k >= Kernel(5, 19) && k < Kernel(6, 4)),
            // Section 0: `kfree_skb` does not fire there.
            Place::Listener | Place::Address => false,
            // Section 4: reasons came with 5.17.
            Place::Nobody => k >= Kernel(5, 17),
            Place::Freed => true,
        }
    }

    /// Whether drops without a record are counted by what and whose they were. The set for old kernels says how many they are.
    pub(crate) fn counts_unsent(self) -> bool {
        self.set != Set::Legacy
    }

    /// Whether the kernel's remembered timestamp can be read where the SYN dies.
    pub(crate) fn remembers(self, place: Place) -> bool {
        match place {
            _ if self.set != Set::Tracepoint => {
                matches!(place, Place::Bucket | Place::Request | Place::Full | Place::Address)
            }
            // Through the receiving socket; a request has none.
            Place::Bucket | Place::Full => self.kernel >= Kernel(6, 11),
            _ => false,
        }
    }
}

/// Kinds of death.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Why {
    PawsTimeWait,
    OldTimeWait,
    PawsFinWait2,
    OldFinWait2,
    /// A SYN in the window of a FIN_WAIT2 bucket.
    KillsFinWait2,
    PawsSynRecv,
    Repeated,
    OutOfWindow,
    /// A SYN in the window of a request.
    KillsRequest,
    /// The same with a TSecr that was never sent.
    StrangeEcho,
    PawsEstablished,
    SynOnEstablished,
    AcceptQueueFull,
    SynQueueFull,
    PeerNotProven,
    /// By `tcp_tw_recycle`, before 4.12.
    PawsRecycle,
    ListenOther,
    NoListener,
    BadChecksum,
    SocketFilter,
    MinTtl,
    Md5Missing,
    Netfilter,
    /// The packet filter sends a reset by itself.
    NetfilterReset,
    SynFin,
    SynRst,
}

/// What goes back to the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    SynAck,
    Ack,
    Rst,
    Silence,
}

impl Answer {
    /// The word in an event.
    pub(crate) fn word(self) -> Option<&'static str> {
        match self {
            Self::SynAck => None,
            Self::Ack => Some("ack"),
            Self::Rst => Some("rst"),
            Self::Silence => Some("none"),
        }
    }
}

/// What an event of this death must say.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Facts {
    pub(crate) place: Place,
    pub(crate) cause: &'static str,
    pub(crate) stage: &'static str,
    /// The kernel's name for it, where it has one that says something.
    pub(crate) reason: Option<&'static str>,
    /// Counters that it moves.
    pub(crate) counters: &'static [&'static str],
    /// What goes back the first time.
    pub(crate) answer: Answer,
}

impl Why {
    /// Every kind.
    pub(crate) const ALL: [Self; 25] = [
        Self::PawsTimeWait,
        Self::OldTimeWait,
        Self::PawsFinWait2,
        Self::OldFinWait2,
        Self::KillsFinWait2,
        Self::PawsSynRecv,
        Self::Repeated,
        Self::OutOfWindow,
        Self::KillsRequest,
        Self::StrangeEcho,
        Self::PawsEstablished,
        Self::SynOnEstablished,
        Self::AcceptQueueFull,
        Self::SynQueueFull,
        Self::PeerNotProven,
        Self::ListenOther,
        Self::NoListener,
        Self::BadChecksum,
        Self::SocketFilter,
        Self::MinTtl,
        Self::Md5Missing,
        Self::Netfilter,
        Self::NetfilterReset,
        Self::SynFin,
        Self::SynRst,
    ];

    /// The table.
    pub(crate) fn facts(self, k: Kernel) -> Facts {
        use Answer::{Ack, Rst, Silence};
        use Place::{Address, Bucket, Flags, Freed, Full, Listener, Nobody, Request};
        let row = |place, cause, stage, reason, counters, answer| Facts {
            place,
            cause,
            stage,
            reason,
            counters,
            answer,
        };
        // P2, P4: up to 6.14 the same counter for everything that PAWS refuses.
        let estab: &[&str] = &["TcpExtPAWSEstab"];
        let timewait = k.since(6, 16, &["TcpExtPAWSTimewait"][..]).unwrap_or(estab);
        // P5, N15.
        let challenge: &[&str] = &["TcpExtTCPSYNChallenge", "TcpExtTCPChallengeACK", "TcpInErrs"];
        let established = k.since(6, 4, challenge).unwrap_or(estab);
        let drops: &[&str] = &["TcpExtListenDrops"];
        let overflow: &[&str] = &["TcpExtListenOverflows", "TcpExtListenDrops"];
        let queue: &[&str] = &["TcpExtTCPReqQFullDrop", "TcpExtListenDrops"];
        let skipped: &[&str] = &["TcpExtTCPACKSkippedSynRecv"];
        let invalid_syn = k.since(5, 19, "TCP_INVALID_SYN");
        let paws = k.since(5, 19, "TCP_RFC7323_PAWS");
        match self {
            Self::PawsTimeWait => {
                let reason = k.since(6, 16, "TCP_RFC7323_TW_PAWS");
                row(Bucket, "paws-time-wait", "time-wait", reason, timewait, Ack)
            }
            // P7: no counter, no reason.
            Self::OldTimeWait => row(Bucket, "old-sequence", "time-wait", None, &[], Ack),
            // P3: no PAWS counter and no reason on any version.
            Self::PawsFinWait2 => row(Bucket, "paws-fin-wait2", "fin-wait2", None, &[], Ack),
            Self::OldFinWait2 => row(Bucket, "old-sequence", "fin-wait2", None, &[], Ack),
            // N16.
            Self::KillsFinWait2 => row(Bucket, "other", "fin-wait2", None, &["TcpOutRsts"], Rst),
            Self::PawsSynRecv => {
                let reason = k.since(6, 15, "TCP_RFC7323_PAWS");
                row(Request, "paws-syn-recv", "syn-recv", reason, estab, Ack)
            }
            // N13.
            Self::Repeated => row(Request, "repeated", "syn-recv", None, skipped, Silence),
            // N14.
            Self::OutOfWindow => {
                row(Request, "out-of-window", "syn-recv", k.since(6, 15, "TCP_OVERWINDOW"), &[], Ack)
            }
            Self::KillsRequest => {
                let counters = &["TcpExtEmbryonicRsts", "TcpAttemptFails", "TcpOutRsts"];
                row(Request, "other", "syn-recv", None, counters, Rst)
            }
            // P4b.
            Self::StrangeEcho if k >= Kernel(6, 15) => {
                row(Request, "other", "syn-recv", Some("TCP_RFC7323_TSECR"), &["TcpExtTSEcrRejected"], Ack)
            }
            Self::StrangeEcho => Self::KillsRequest.facts(k),
            Self::PawsEstablished => {
                let reason = k.since(6, 4, invalid_syn).unwrap_or(paws);
                row(Full, "paws-established", "established", reason, established, Ack)
            }
            Self::SynOnEstablished => {
                row(Full, "syn-on-established", "established", invalid_syn, challenge, Ack)
            }
            // N1 to N4: consumed, not freed, so the kernel gives no reason.
            Self::AcceptQueueFull => row(Listener, "accept-queue-full", "listen", None, overflow, Silence),
            Self::SynQueueFull => row(Listener, "syn-queue-full", "listen", None, queue, Silence),
            Self::PeerNotProven => row(Listener, "peer-not-proven", "listen", None, drops, Silence),
            // P1.
            Self::PawsRecycle => {
                let counters = &["TcpExtPAWSPassive", "TcpExtListenDrops"];
                row(Address, "paws-recycle", "listen", None, counters, Silence)
            }
            Self::ListenOther => row(Listener, "listen-other", "listen", None, drops, Silence),
            // N17.
            Self::NoListener => {
                row(Nobody, "no-listener", "none", k.since(5, 17, "NO_SOCKET"), &["TcpOutRsts"], Rst)
            }
            // N18.
            Self::BadChecksum => {
                let counters = &["TcpInCsumErrors", "TcpInErrs"];
                row(Freed, "other", "none", k.since(5, 17, "TCP_CSUM"), counters, Silence)
            }
            // N20.
            Self::SocketFilter => {
                row(Freed, "other", "listen", k.since(5, 17, "SOCKET_FILTER"), &[], Silence)
            }
            // N22.
            Self::MinTtl => {
                row(Freed, "other", "listen", k.since(6, 4, "TCP_MINTTL"), &["TcpExtTCPMinTTLDrop"], Silence)
            }
            // N23.
            Self::Md5Missing => {
                let reason = k.since(5, 18, "TCP_MD5NOTFOUND");
                row(Freed, "other", "listen", reason, &["TcpExtTCPMD5NotFound"], Silence)
            }
            // N25.
            Self::Netfilter | Self::NetfilterReset => {
                let answer = if self == Self::Netfilter { Silence } else { Rst };
                row(Freed, "other", "none", k.since(5, 17, "NETFILTER_DROP"), &[], answer)
            }
            // N19.
            Self::SynFin => row(Flags, "other", "listen", k.since(5, 19, "TCP_FLAGS"), &[], Silence),
            Self::SynRst => row(Flags, "other", "listen", k.since(5, 19, "TCP_RESET"), &[], Silence),
        }
    }
}
