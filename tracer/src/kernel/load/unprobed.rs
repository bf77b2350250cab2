//! Why the kernel takes no probe in a function, where its own words are only "invalid argument" or "no such file".

use std::{
    fs,
    io::{BufRead as _, BufReader},
};

const SYMBOLS: &str = "/proc/kallsyms";
/// Where debugfs is mounted, and since 6.0 every kernel with kprobes shows it to root.
const FORBIDDEN: &str = "/sys/kernel/debug/kprobes/blacklist";

/// What the running kernel says of it; `None`: nothing that would explain it.
pub(super) fn unprobed(function: &str) -> Option<String> {
    let lines = |path| {
        let file = fs::File::open(path).ok();
        file.into_iter().flat_map(|file| BufReader::new(file).lines().map_while(Result::ok))
    };
    why(function, lines(FORBIDDEN), lines(SYMBOLS))
}

/// From lines of the list of forbidden functions (`0xSTART-0xEND NAME`) and of all symbols (`ADDRESS TYPE NAME`); either may
/// be empty, which says nothing.
fn why(
    function: &str,
    forbidden: impl Iterator<Item = String>,
    symbols: impl Iterator<Item = String>,
) -> Option<String> {
    let name = |line: &str, at: usize| line.split_whitespace().nth(at).map(str::to_owned);
    if forbidden.filter_map(|line| name(&line, 1)).any(|name| name == function) {
        return Some(format!("the kernel forbids probes in it ({FORBIDDEN})"));
    }
    let (mut any, mut part) = (false, None);
    for symbol in symbols.filter_map(|line| name(&line, 2)) {
        any = true;
        match symbol.strip_prefix(function) {
            Some("") => return None,
            // Only a piece of it stands by itself: `.cold` and `.part.0` are less than the function.
            Some(more) if more.starts_with('.') => part = Some(symbol),
            _ => {}
        }
    }
    match part {
        Some(part) => Some(format!("the compiler made {part} of it, which is called in another way")),
        None => any.then(|| format!("this kernel has no such function, or inlined it ({SYMBOLS})")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SYMBOLS_HERE: [&str; 4] = [
        "ffffffff81a00000 T tcp_v4_do_rcv",
        "ffffffff81a10000 t tcp_check_req.cold",
        "ffffffff81a20000 t tcp_conn_request.isra.0",
        "ffffffffc0a20000 t tcp_make_synack\t[mptcp]",
    ];

    fn told(function: &str, forbidden: &[&str], symbols: &[&str]) -> Option<String> {
        let lines =
            |lines: &[&str]| lines.iter().map(|line| (*line).to_owned()).collect::<Vec<_>>().into_iter();
        why(function, lines(forbidden), lines(symbols))
    }

    #[test]
    fn every_reason_has_its_words() {
        let forbidden = ["0xffffffff81a00000-0xffffffff81a00100\ttcp_v4_do_rcv"];
        for (function, words) in [
            ("tcp_v4_do_rcv", "forbids probes in it (/sys/kernel/debug/kprobes/blacklist)"),
            ("tcp_conn_request", "made tcp_conn_request.isra.0 of it"),
            ("tcp_check_req", "made tcp_check_req.cold of it"),
            ("tcp_validate_incoming", "no such function, or inlined it (/proc/kallsyms)"),
            // The name of another, and longer.
            ("tcp_v4_do", "no such function, or inlined it"),
        ] {
            let told = told(function, &forbidden, &SYMBOLS_HERE).unwrap();
            assert!(told.contains(words), "{function}: {told}");
        }
        assert_eq!(told("tcp_make_synack", &forbidden, &SYMBOLS_HERE), None);
        assert_eq!(told("tcp_v4_do_rcv", &[], &SYMBOLS_HERE), None, "it is there, and not forbidden");
        assert_eq!(told("tcp_v4_do_rcv", &[], &[]), None, "nothing could be read");
    }
}
