//! Against what has no cause of its own, by the kernel's reason for it.

use super::{Advice, FIREWALL, MEMORY, SECURITY_MODULE};
use crate::analysis::verdict::{facts::Facts, texts::plain};

/// Reasons that get advice.
const ADVISED: usize = 3;

/// What to do where this is the reason.
fn known(reason: &str, facts: &Facts<'_>) -> Option<String> {
    let words = match reason {
        "NETFILTER_DROP" => return Some((FIREWALL.action)(facts)),
        "SECURITY_HOOK" => return Some((SECURITY_MODULE.action)(facts)),
        "NOMEM" | "PROTO_MEM" | "SOCKET_RCVBUFF" | "SOCKET_BACKLOG" => return Some((MEMORY.action)(facts)),
        "TCP_CSUM" | "SKB_CSUM" | "IP_CSUM" => {
            "The checksums are wrong on arrival. Take checksum offload out for a test, `ethtool -K DEV rx off` here and `ethtool \
             -K DEV tx off` on the sender; where that changes nothing, a NIC, cable or box on the way breaks packets."
        }
        "SOCKET_FILTER" => {
            "Look at the BPF filters of the listener: `ss -ltnpb` for its socket, `bpftool cgroup tree` for its cgroup."
        }
        "TCP_MINTTL" => {
            "The listener asks for a minimum TTL (IP_MINTTL, as BGP does): compare it with the TTL of each drop, and count the \
             routers on the way."
        }
        "TCP_MD5NOTFOUND" | "TCP_MD5UNEXPECTED" | "TCP_MD5FAILURE" | "TCP_AONOTFOUND"
        | "TCP_AOUNEXPECTED" | "TCP_AOKEYNOTFOUND" | "TCP_AOFAILURE" | "TCP_AUTH_HDR" => {
            "Compare the TCP-MD5 or TCP-AO keys of both ends (BGP neighbours, mostly), and the addresses they are set for."
        }
        "XFRM_POLICY" => {
            "IPsec is asked for and was not used, or the other way round: `ip xfrm policy`, `ip xfrm state`, `nstat -az 'Xfrm*'`."
        }
        "IP_RPFILTER" => {
            "The way back is another one (reverse path filter): `ip route get CLIENT`, `sysctl net.ipv4.conf.all.rp_filter`."
        }
        "TCP_FLAGS" | "TCP_RESET" | "PKT_TOO_SMALL" => {
            "These packets are crafted or broken (SYN with FIN or RST, or cut short), as scanners send them: no client sends such."
        }
        _ => return None,
    };
    Some(words.to_owned())
}

/// What to do, for the most frequent reasons first.
fn advised(facts: &Facts<'_>) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for (reason, _) in facts.case.snapshot.reasons.named.iter().take(ADVISED) {
        let words = known(reason, facts).unwrap_or_else(|| {
            format!(
                "Look {} up: the kernel's source says what it means, in include/net/dropreason-core.h.",
                plain(reason)
            )
        });
        if !all.contains(&words) {
            all.push(words);
        }
    }
    all
}

const fn nth<const N: usize>() -> Advice {
    Advice {
        when: |f| advised(f).len() > N,
        action: |f| advised(f).into_iter().nth(N).unwrap_or_default(),
        price: "",
    }
}

pub(in crate::analysis::verdict) const FIRST_REASON: Advice = nth::<0>();
pub(in crate::analysis::verdict) const SECOND_REASON: Advice = nth::<1>();
pub(in crate::analysis::verdict) const THIRD_REASON: Advice = nth::<2>();

/// The likeliest where the kernel named none.
pub(in crate::analysis::verdict) const FIREWALL_MAYBE: Advice =
    Advice { when: |f| f.case.snapshot.reasons.named.is_empty(), ..FIREWALL };
