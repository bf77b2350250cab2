//! Which kernel functions and tracepoints are hooked, by which programs, and what each is needed for. Data only.

use crate::model::Cause;

/// How an eBPF program attaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Point {
    /// BTF trampoline on entry.
    Fentry,
    /// BTF trampoline on return.
    Fexit,
    /// Kernel probe on entry.
    Kprobe,
    /// Kernel probe on return.
    Kretprobe,
    /// Raw tracepoint; typed where the kernel takes it.
    Tracepoint,
}

/// Programs on tracepoints that have a twin for kernels that vouch for the types of its arguments (`tp_btf`), and how the twin is
/// called.
const TWINS: [(&str, &str); 2] = [("tp_kfree_skb", "typed_kfree_skb"), ("tp_set_state", "typed_set_state")];

/// The twin of a program.
pub fn typed(program: &str) -> Option<&'static str> {
    TWINS.iter().find(|(raw, _)| *raw == program).map(|(_, typed)| *typed)
}

/// A family of hooks that attach the same way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Set {
    /// BTF trampolines (5.5).
    Fentry,
    /// Kernel probes.
    Kprobe,
    /// Raw tracepoints only.
    Tracepoint,
    /// Kernel probes and nothing that is younger than 4.4.
    Legacy,
}

impl Set {
    /// Best first.
    pub const ALL: [Self; 4] = [Self::Fentry, Self::Kprobe, Self::Tracepoint, Self::Legacy];

    /// The name on the command line and in the start line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Fentry => "fentry",
            Self::Kprobe => "kprobe",
            Self::Tracepoint => "tracepoint",
            Self::Legacy => "legacy",
        }
    }

    /// Whether its records come through a ring buffer, and the kernel side counts those without room.
    pub const fn has_ring(self) -> bool {
        !matches!(self, Self::Legacy)
    }

    /// Whether it hooks functions.
    pub const fn hooks_functions(self) -> bool {
        !matches!(self, Self::Tracepoint)
    }
}

/// What goes without a hook.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// The set is worthless without it.
    Set,
    /// The causes it sees stay unseen.
    Causes,
    /// A detail stays unknown.
    Detail,
}

/// One kernel function or tracepoint, and the programs on it.
#[derive(Debug, PartialEq, Eq)]
pub struct Hook {
    /// Kernel function or tracepoint.
    pub name: &'static str,
    /// Programs of the eBPF object, all or none of which attach.
    pub programs: &'static [(Set, Point, &'static str)],
    /// Numbers of arguments whose meaning was checked in the source; a tracepoint has none here.
    pub args: std::ops::RangeInclusive<u32>,
    /// What goes without it.
    pub need: Need,
    /// Causes that cannot be seen without it.
    pub sees: &'static [Cause],
}

impl Hook {
    /// The programs of a set, twins included.
    pub fn names(&self, set: Set) -> impl DoubleEndedIterator<Item = &'static str> + use<> {
        let of_set = self.programs.iter().filter(move |(s, ..)| *s == set);
        of_set.flat_map(|(_, _, name)| [*name].into_iter().chain(typed(name)))
    }

    /// Whether it is on a tracepoint, not on a function.
    pub fn on_tracepoint(&self) -> bool {
        self.programs.iter().all(|(_, point, _)| *point == Point::Tracepoint)
    }

    /// What the function is called, on one kernel or another.
    pub fn functions(&'static self) -> &'static [&'static str] {
        let renamed = RENAMED.iter().find(|names| !self.on_tracepoint() && names.contains(&self.name));
        renamed.map_or(std::slice::from_ref(&self.name), |names| *names)
    }
}

/// Functions that got another name: with 5.17 (and stable 5.15), with 6.11. Who keeps the old one keeps it inline.
const RENAMED: [&[&str]; 1] = [&["kfree_skb", "kfree_skb_reason", "sk_skb_reason_drop"]];

/// What notes for `tcp_tw_recycle` which timestamp an address used last; global functions, gone with 4.12.
pub const REMEMBER: [&str; 2] = ["tcp_remember_stamp", "tcp_tw_remember_stamp"];

use Cause::{
    AcceptQueueFull, ListenOther, NoListener, OldSequence, Other, OutOfWindow, PawsEstablished, PawsFinWait2,
    PawsRecycle, PawsSynRecv, PawsTimeWait, PeerNotProven, Repeated, SynOnEstablished, SynQueueFull,
};
use Point::{Fentry, Fexit, Kprobe, Kretprobe, Tracepoint};

const F: Set = Set::Fentry;
const K: Set = Set::Kprobe;
const T: Set = Set::Tracepoint;
const L: Set = Set::Legacy;

/// Every hook, in the order of attachment: what ends an observation or adds to it comes before what begins it. They are
/// taken off in reverse, so that no observation is cut in half.
///
/// `tcp_conn_request` instead of its callers: IPv4, IPv6 and MPTCP listeners all pass it once (`subflow_v4_conn_request`
/// calls it directly, net/mptcp/subflow.c).
pub const HOOKS: [Hook; 18] = [
    // First, because a kernel that refuses function hooks shows it here, before the large programs are verified.
    Hook {
        name: "tcp_make_synack",
        programs: &[
            (F, Fexit, "make_synack_x"),
            (K, Kprobe, "k_make_synack"),
            (K, Kretprobe, "k_make_synack_x"),
            (L, Kprobe, "k_make_synack"),
            (L, Kretprobe, "k_make_synack_x"),
        ],
        args: 5..=6,
        need: Need::Set,
        sees: &[AcceptQueueFull, SynQueueFull, PeerNotProven, ListenOther],
    },
    Hook {
        name: "kfree_skb",
        programs: &[
            (F, Tracepoint, "tp_kfree_skb"),
            (K, Tracepoint, "tp_kfree_skb"),
            (T, Tracepoint, "tp_kfree_skb"),
        ],
        args: 0..=0,
        need: Need::Set,
        sees: &[NoListener, Other],
    },
    // Before 4.7 no program can be on a tracepoint.
    Hook {
        name: "kfree_skb",
        programs: &[(L, Kprobe, "k_kfree_skb")],
        args: 1..=3,
        need: Need::Set,
        sees: &[NoListener, Other],
    },
    Hook {
        name: "tcp_retransmit_synack",
        programs: &[
            (F, Tracepoint, "tp_synack_again"),
            (K, Tracepoint, "tp_synack_again"),
            (T, Tracepoint, "tp_synack_again"),
        ],
        args: 0..=0,
        need: Need::Causes,
        sees: &[Repeated],
    },
    Hook {
        name: "tcp_rtx_synack",
        programs: &[(L, Kprobe, "k_rtx_synack")],
        args: 2..=2,
        need: Need::Causes,
        sees: &[Repeated],
    },
    Hook {
        name: "tcp_send_reset",
        programs: &[(T, Tracepoint, "tp_send_reset")],
        args: 0..=0,
        need: Need::Detail,
        sees: &[],
    },
    // The readings of the set that sees no listener.
    Hook {
        name: "inet_sock_set_state",
        programs: &[(T, Tracepoint, "tp_set_state")],
        args: 0..=0,
        need: Need::Detail,
        sees: &[],
    },
    Hook {
        name: "tcp_v4_send_reset",
        programs: &[(F, Fentry, "send_reset_v4"), (K, Kprobe, "k_send_reset"), (L, Kprobe, "k_send_reset")],
        args: 2..=3,
        need: Need::Detail,
        sees: &[],
    },
    // Absent where the kernel was built without IPv6.
    Hook {
        name: "tcp_v6_send_reset",
        programs: &[
            (F, Fentry, "send_reset_v6"),
            (K, Kprobe, "k_send_reset_v6"),
            (L, Kprobe, "k_send_reset_v6"),
        ],
        args: 2..=3,
        need: Need::Detail,
        sees: &[],
    },
    Hook {
        name: "tcp_peer_is_proven",
        programs: &[(F, Fexit, "peer_is_proven_x"), (K, Kretprobe, "k_peer_is_proven_x")],
        args: 2..=2,
        need: Need::Causes,
        sees: &[PeerNotProven],
    },
    Hook {
        name: REMEMBER[0],
        programs: &[(L, Kprobe, "k_remember_stamp")],
        args: 1..=1,
        need: Need::Detail,
        sees: &[],
    },
    Hook {
        name: REMEMBER[1],
        programs: &[(L, Kprobe, "k_tw_remember_stamp")],
        args: 1..=1,
        need: Need::Detail,
        sees: &[],
    },
    // Up to 4.11 four arguments, the third of which says whether `tcp_tw_recycle` asks.
    Hook {
        name: "tcp_peer_is_proven",
        programs: &[(L, Kretprobe, "k_peer_is_proven_x"), (L, Kprobe, "k_peer_is_proven")],
        args: 2..=4,
        need: Need::Causes,
        sees: &[PeerNotProven, PawsRecycle],
    },
    Hook {
        name: "inet_csk_reqsk_queue_hash_add",
        programs: &[(F, Fexit, "hash_add_x"), (K, Kretprobe, "k_hash_add_x"), (L, Kretprobe, "k_hash_add_x")],
        args: 2..=3,
        need: Need::Detail,
        sees: &[],
    },
    Hook {
        name: "tcp_conn_request",
        // The exit first: an entry without its exit would leave an observation open.
        programs: &[
            (F, Fexit, "conn_request_x"),
            (F, Fentry, "conn_request"),
            (K, Kretprobe, "k_conn_request_x"),
            (K, Kprobe, "k_conn_request"),
            (L, Kretprobe, "k_conn_request_x"),
            (L, Kprobe, "k_conn_request"),
        ],
        args: 4..=4,
        need: Need::Set,
        sees: &[AcceptQueueFull, SynQueueFull, PeerNotProven, ListenOther],
    },
    Hook {
        name: "tcp_timewait_state_process",
        programs: &[
            (F, Fexit, "timewait_x"),
            (F, Fentry, "timewait"),
            (K, Kretprobe, "k_timewait_x"),
            (K, Kprobe, "k_timewait"),
            (L, Kretprobe, "k_timewait_x"),
            (L, Kprobe, "k_timewait"),
        ],
        args: 3..=5,
        need: Need::Causes,
        sees: &[PawsTimeWait, PawsFinWait2, OldSequence],
    },
    Hook {
        name: "tcp_check_req",
        programs: &[
            (F, Fexit, "check_req_x"),
            (F, Fentry, "check_req"),
            (K, Kretprobe, "k_check_req_x"),
            (K, Kprobe, "k_check_req"),
            (L, Kretprobe, "k_check_req_x"),
            (L, Kprobe, "k_check_req"),
        ],
        args: 4..=6,
        need: Need::Causes,
        sees: &[PawsSynRecv, OutOfWindow, Repeated],
    },
    Hook {
        name: "tcp_validate_incoming",
        programs: &[
            (F, Fexit, "validate_x"),
            (F, Fentry, "validate"),
            (K, Kretprobe, "k_validate_x"),
            (K, Kprobe, "k_validate"),
            (L, Kretprobe, "k_validate_x"),
            (L, Kprobe, "k_validate"),
        ],
        args: 4..=4,
        need: Need::Causes,
        sees: &[PawsEstablished, SynOnEstablished],
    },
];
