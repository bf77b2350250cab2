//! What a kernel without types says of itself by other means: which functions it has (`/proc/kallsyms`), and what its numbers of
//! reasons are called (the format of the tracepoint `skb:kfree_skb`). Parsing is pure.

use std::{collections::BTreeSet, fs, io};

use crate::kernel::hooks::{HOOKS, Hook, REMEMBER};

/// Where tracefs may be mounted.
const TRACEFS: [&str; 2] = ["/sys/kernel/tracing", "/sys/kernel/debug/tracing"];
/// `net.ipv4.tcp_tw_recycle`, before 4.12; before 4.11 in the first namespace alone.
const RECYCLE: &str = "/proc/sys/net/ipv4/tcp_tw_recycle";

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Symbols {
    /// Those of the hooked functions that are there.
    pub functions: BTreeSet<&'static str>,
    /// Names of reasons without their prefix, as in the kernel's types; empty where none are given.
    pub reasons: Vec<(String, u32)>,
    /// `tcp_tw_recycle` is there.
    pub recycles: bool,
}

impl Symbols {
    /// Reads them.
    ///
    /// # Errors
    /// When the kernel does not show its symbols.
    pub fn read() -> io::Result<Self> {
        let functions = functions(&fs::read_to_string("/proc/kallsyms")?);
        let format = |root| fs::read_to_string(format!("{root}/events/skb/kfree_skb/format")).ok();
        let reasons = TRACEFS.into_iter().find_map(format).map(|text| reasons(&text)).unwrap_or_default();
        let recycles =
            REMEMBER.iter().any(|name| functions.contains(name)) || fs::exists(RECYCLE).unwrap_or(false);
        Ok(Self { functions, reasons, recycles })
    }
}

/// Hooked functions among lines of an address, a letter and a name.
fn functions(kallsyms: &str) -> BTreeSet<&'static str> {
    let hooked = HOOKS.iter().filter(|hook| !hook.on_tracepoint()).flat_map(Hook::functions);
    let wanted: BTreeSet<&'static str> = hooked.copied().collect();
    let name = |line: &str| wanted.get(line.split_ascii_whitespace().nth(2)?).copied();
    kallsyms.lines().filter_map(name).collect()
}

/// Reasons in the `__print_symbolic` of a format: `{ 2, "NOT_SPECIFIED" }`.
fn reasons(format: &str) -> Vec<(String, u32)> {
    let Some((_, list)) = format.split_once("__print_symbolic(REC->reason,") else { return Vec::new() };
    let pair = |part: &str| {
        let (number, name) = part.split_once('}')?.0.split_once(',')?;
        let name = name.trim().strip_prefix('"')?.strip_suffix('"')?;
        // As in the kernel's types; the last one is no reason.
        let name = name.trim_start_matches("SKB_");
        (name != "MAX").then_some((name.to_owned(), number.trim().parse().ok()?))
    };
    let mut reasons: Vec<(String, u32)> = list.split('{').skip(1).filter_map(pair).collect();
    // `enum skb_drop_reason`: what comes before is no reason, and the format leaves it out.
    if let Some((_, first)) = reasons.iter().find(|(name, _)| name == "NOT_SPECIFIED") {
        let before = ["NOT_DROPPED_YET", "CONSUMED"].into_iter().zip(0..*first);
        let lacking: Vec<_> = before
            .filter(|(_, number)| reasons.iter().all(|(_, known)| known != number))
            .map(|(name, number)| (name.to_owned(), number))
            .collect();
        reasons.splice(0..0, lacking);
    }
    reasons
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_by_their_whole_names() {
        let text = "ffffffff81000000 T tcp_conn_request\n0000000000000000 t tcp_check_req.isra.0\n\
                    ffffffffc0000000 t tcp_make_synack\t[module]\nffffffff81000010 T tcp_conn_requests\nbroken\n";
        assert_eq!(functions(text), ["tcp_conn_request", "tcp_make_synack"].into());
        assert_eq!(functions(""), BTreeSet::new());
    }

    #[test]
    fn reasons_of_a_format() {
        let text = r#"print fmt: "skbaddr=%p reason: %s", REC->skbaddr, __print_symbolic(REC->reason, { 2, "NOT_SPECIFIED" }, { 3, "NO_SOCKET" }, { 4, "SKB_CSUM" }, { 5, "MAX" }, { 0x7, "ODD" })"#;
        let wanted =
            [("NOT_DROPPED_YET", 0), ("CONSUMED", 1), ("NOT_SPECIFIED", 2), ("NO_SOCKET", 3), ("CSUM", 4)];
        assert_eq!(reasons(text), wanted.map(|(name, number)| (name.to_owned(), number)));
        // 5.17 to 6.3.
        let text = r#"__print_symbolic(REC->reason, { 1, "NOT_SPECIFIED" }, { 2, "NO_SOCKET" })"#;
        assert_eq!(reasons(text)[0], ("NOT_DROPPED_YET".to_owned(), 0));
        assert_eq!(reasons(text).len(), 3);
        assert!(reasons("print fmt: \"skbaddr=%p\", REC->skbaddr").is_empty());
    }
}
