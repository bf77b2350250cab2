//! One thing to do: its commands apart from its words, so that they can be copied whole.

/// What stands before the commands, and the commands; where they stand in the middle of a sentence, it is left whole.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Action<'a> {
    /// Words, with commands between backticks where they are part of a sentence.
    pub(super) words: &'a str,
    /// One a line.
    pub(super) commands: Vec<&'a str>,
}

/// Takes it apart. An action is a sentence, or a command without a full stop.
pub(super) fn apart(action: &str) -> Action<'_> {
    let whole = Action { words: action, commands: Vec::new() };
    if !action.contains('`') {
        let command = !action.ends_with('.') && action.contains(' ');
        return if command { Action { words: "", commands: vec![action] } } else { whole };
    }
    let Some((words, rest)) = action.split_once(": `") else { return whole };
    let parts: Vec<&str> = rest.split('`').collect();
    // Commands and what stands between them take turns.
    let between = parts.iter().skip(1).step_by(2).all(|part| matches!(*part, "" | ", " | "." | "; "));
    if !parts.len().is_multiple_of(2) || !between || words.contains('`') {
        return whole;
    }
    Action { words, commands: parts.into_iter().step_by(2).collect() }
}

/// Words and commands of a sentence in turn, words first.
pub(super) fn spans(words: &str) -> impl Iterator<Item = (bool, &str)> {
    words.split('`').enumerate().map(|(n, part)| (n % 2 == 1, part))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(action: &str) -> (&str, Vec<&str>) {
        let Action { words, commands } = apart(action);
        (words, commands)
    }

    #[test]
    fn commands_stand_apart() {
        assert_eq!(
            of("sysctl -w net.ipv4.tcp_syncookies=1"),
            ("", vec!["sysctl -w net.ipv4.tcp_syncookies=1"])
        );
        assert_eq!(
            of("Take it off: `nft list ruleset | grep x`, `iptables-save | grep y`."),
            ("Take it off", vec!["nft list ruleset | grep x", "iptables-save | grep y"])
        );
        assert_eq!(of("Plan a new kernel."), ("Plan a new kernel.", vec![]));
        for sentence in [
            "Read `sysctl net.ipv4.x` on the server, and where it is 0, set it to 1.",
            "See how full: `ss -ltn` (Recv-Q).",
            "One: `a`, and `b`: `c`.",
            "An odd one: `a.",
        ] {
            assert_eq!(of(sentence), (sentence, vec![]));
        }
        let spans: Vec<_> = spans("Read `a b` there.").collect();
        assert_eq!(spans, [(false, "Read "), (true, "a b"), (false, " there.")]);
    }
}
