//! What a freed packet means where no function was hooked that says more: its socket, and the kernel's reason.

use super::{Meaning, PAWS, TSECR, TW_PAWS, ack_of, full_socket, meaning, state, time_wait};
use crate::{
    analysis::kernel::Kernel,
    model::{Answer, Cause, Stage, seen::Seen},
};

/// `skb:kfree_skb` without a function's facts.
pub(super) fn freed(seen: &Seen, kernel: &Kernel, reason: Option<&str>) -> Meaning {
    let stage = match seen.sk_state {
        Some(state::LISTEN) => Stage::Listen,
        Some(state::NEW_SYN_RECV) => Stage::SynRecv,
        Some(state::TIME_WAIT) if seen.tw_substate == state::FIN_WAIT2 => Stage::FinWait2,
        Some(state::TIME_WAIT) => Stage::TimeWait,
        Some(_) => Stage::Established,
        // Where no socket is named (before 6.11) a listener's refusal of odd flags still is (`tcp_rcv_state_process`); a
        // RST is refused by open sockets, too, but those are in the hands of a function hook.
        None => match reason {
            Some("TCP_FLAGS") => Stage::Listen,
            Some("TCP_RESET") if kernel.function_hooks => Stage::Listen,
            _ => Stage::None,
        },
    };
    let rst = (seen.rst_sent == Some(true)).then_some(Answer::Rst);
    // The socket's memory was read, though there may have been no timestamp in it.
    let remembered = seen.ts_recent_stamp.is_some();
    match (stage, reason) {
        _ if kernel.function_hooks && matches!(stage, Stage::Listen | Stage::SynRecv | Stage::None) => {
            by_reason(seen, stage, reason)
        }
        (Stage::TimeWait | Stage::FinWait2, None | Some(TW_PAWS)) if remembered => {
            let known = time_wait(seen, kernel, reason);
            Meaning { answer: known.answer.or(ack_of(seen)), ..known }
        }
        // Between the hook and the socket's state there is the request, which only the reason tells of.
        (Stage::Listen, Some(PAWS)) => meaning(Stage::SynRecv, Cause::PawsSynRecv, None),
        (Stage::Listen, Some("TCP_OVERWINDOW")) => meaning(Stage::SynRecv, Cause::OutOfWindow, None),
        (Stage::Listen, None) if rst.is_some() => meaning(Stage::SynRecv, Cause::Other, rst),
        (Stage::Listen, None) if kernel.check_req_reasons => {
            meaning(Stage::SynRecv, Cause::Repeated, Some(Answer::None))
        }
        (Stage::Listen, None | Some(TSECR)) => meaning(Stage::SynRecv, Cause::Other, None),
        (Stage::Established, Some(PAWS | "TCP_INVALID_SYN"))
            if seen.sk_state != Some(state::SYN_SENT) && remembered =>
        {
            full_socket(seen, kernel, reason)
        }
        (Stage::None, Some(PAWS)) if kernel.paws_reason_on_open_socket => {
            meaning(Stage::Established, Cause::PawsEstablished, None)
        }
        (Stage::None, Some("TCP_INVALID_SYN")) if kernel.paws_reason_on_open_socket => {
            meaning(Stage::Established, Cause::SynOnEstablished, None)
        }
        _ => by_reason(seen, stage, reason),
    }
}

/// The reason names it, or nothing does.
pub(super) fn by_reason(seen: &Seen, stage: Stage, reason: Option<&str>) -> Meaning {
    let rst = seen.rst_sent == Some(true);
    match reason {
        // A policy of xfrm refuses without a RST, under the same name.
        Some("NO_SOCKET") => {
            let answer = if seen.rst_sent == Some(false) { Answer::None } else { Answer::Rst };
            meaning(Stage::None, Cause::NoListener, Some(answer))
        }
        // Before 5.17 no reason is given, and a RST without a socket says it.
        None if rst && seen.sk_state.is_none() => meaning(Stage::None, Cause::NoListener, Some(Answer::Rst)),
        _ => {
            // A connection being opened from here discards an old timestamp without a word.
            let opening = seen.sk_state == Some(state::SYN_SENT) && reason == Some(PAWS);
            let answer =
                if rst { Some(Answer::Rst) } else { (opening || silent(reason)).then_some(Answer::None) };
            meaning(stage, Cause::Other, answer)
        }
    }
}

/// Whether the kernel drops for this reason without a word. A firewall may have sent a RST or an ICMP message of its own,
/// and where the reason is not given nothing is known.
fn silent(reason: Option<&str>) -> bool {
    reason.is_some_and(|name| {
        matches!(
            name,
            "TCP_CSUM"
                | "TCP_FLAGS"
                | "TCP_MINTTL"
                | "TCP_RESET"
                | "SOCKET_FILTER"
                | "PKT_TOO_SMALL"
                | "XFRM_POLICY"
                | "SOCKET_BACKLOG"
                | "IP_RPFILTER"
                | "IP_CSUM"
                | "IP_INHDR"
                | "SECURITY_HOOK"
                | "PSP_INPUT"
        ) || name.starts_with("TCP_MD5")
            || name.starts_with("TCP_AO")
    })
}
