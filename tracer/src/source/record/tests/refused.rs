//! What is no recording, or one no more: each line says where it is broken and why.

use super::*;

#[test]
fn what_is_broken_says_where_and_what_to_do() {
    let start = json::start(&a_start());
    let before = format!("{start}\n{}\n", a_line());
    let second = start.len() + 1;
    // (what follows two good lines, what is said of it, bytes into the third line)
    let rows = [
        ("{\"type\":\"drop\",,\n", "it is no JSON object: key must be a string", 15),
        ("[1]\n", "it is no JSON object: invalid type: sequence, expected a map", 0),
        ("{}\n", "it has no `type`: this is no line of a recording", 0),
        ("{\"type\":\"drop\"}\n", "`schema` is missing", 0),
        ("{\"type\":\"drop\",\"schema\":1}\n", "`time` is missing", 0),
        ("{\"type\":\"drop\",\"schema\":0}\n", "`schema` cannot be 0", 0),
        ("{\"type\":\"syn\",\"schema\":\"1\"}\n", "`schema` cannot be \"1\"", 0),
        ("{\"type\":\"drop\",\"schema\":2}\n", "it is of schema 2, and this version reads schema 1", 0),
        ("{\"type\":\"weather\",\"schema\":3}\n", "it is of schema 3, and this version reads schema 1", 0),
        ("{\"type\":\"dr", "it is not complete: the recording was cut off here", 0),
    ];
    for (line, why, into) in rows {
        let (items, broken, _) = read(format!("{before}{line}").as_bytes());
        let broken = broken.unwrap_or_else(|| panic!("{line}"));
        assert_eq!(items.len(), 2, "{line}");
        assert_eq!(broken.offset, (before.len() + into) as u64, "{line}");
        assert_eq!(broken.to_string(), format!("line 3 (at byte {}): {why}", broken.offset), "{line}");
        assert!(broken.hint().len() > 10, "{line}");
    }
    let again = format!("{before}{start}\n");
    assert_eq!(trouble(&again), format!("line 3 (at byte {}): another recording begins here", before.len()));
    assert_eq!(
        trouble(&format!("{start}\n{start}\n")),
        format!("line 2 (at byte {second}): another recording begins here")
    );
}

#[test]
fn fields_that_make_no_sense() {
    let line = a_line();
    for (from, to, why) in [
        ("\"sport\":40000", "\"sport\":65536", "`sport` cannot be 65536"),
        ("\"sport\":40000", "\"sport\":-1", "`sport` cannot be -1"),
        ("\"sport\":40000", "\"sport\":1.5", "`sport` cannot be 1.5"),
        ("\"sport\":40000", "\"sport\":null", "`sport` is missing"),
        ("\"seq\":0", "\"seq\":99999999999999999999", "`seq` cannot be 1e+20"),
        ("\"192.0.2.1\"", "\"192.0.2.256\"", "`src` cannot be \"192.0.2.256\""),
        ("\"192.0.2.1\"", "\"2001:db8::1\"", "`src` and `dst` are of two families"),
        ("\"family\":4", "\"family\":6", "`family` cannot be 6 here"),
        ("\"family\":4", "\"family\":\"4\"", "`family` cannot be \"4\""),
        ("\"paws-time-wait\"", "\"paws-next\"", "`cause` cannot be \"paws-next\""),
        ("\"stage\":\"none\"", "\"stage\":[]", "`stage` cannot be []"),
        ("\"options\":\"\"", "\"options\":\"mss,,\"", "`options` cannot be \"mss,,\""),
        ("\"malformed\":false", "\"malformed\":0", "`malformed` cannot be 0"),
        ("\"ifname\":null", "\"ifname\":{\"a\":1}", "`ifname` cannot be {\"a\":1}"),
        ("\"accept_queue\":null", "\"accept_queue\":{\"len\":1}", "`accept_queue.max` is missing"),
        ("\"accept_queue\":null", "\"accept_queue\":7", "`accept_queue` cannot be 7"),
        ("2023-11-14T22", "2023-11-14T25", "`time` cannot be \"2023-11-14T25:13:20.123456789Z\""),
        ("2023-11-14T22", "3023-11-14T22", "`time` cannot be \"3023-11-14T22:13:20.123456789Z\""),
        (
            "\"stage\":\"none\"",
            "\"stage\":\"\\u001b]0;\u{9b}2J\u{202e} and so on and so on and so on\"",
            "`stage` cannot be \"\\u001b]0;\\u{9b}2J\\u{202e} and so on and so on and s...",
        ),
    ] {
        assert!(line.contains(from), "{from} is not in {line}");
        assert_eq!(trouble(&line.replacen(from, to, 1)), format!("line 1 (at byte 0): {why}"));
    }
    let start = json::start(&a_start());
    for (from, to, why) in [
        ("\"ports\":[]", "\"ports\":[\"443-80\"]", "`filter.ports` cannot be \"443-80\""),
        ("\"family\":null", "\"family\":5", "`filter.family` cannot be 5"),
        ("\"sources\":65536", "\"sources\":16777217", "`limits.sources` cannot be 16777217"),
        ("\"blind\":[]", "\"blind\":[\"x\"]", "`blind` cannot be \"x\""),
        ("\"missing\":[]", "\"missing\":[{\"hook\":\"a\"}]", "`hooks.missing.why` is missing"),
    ] {
        assert!(start.contains(from), "{from} is not in {start}");
        assert_eq!(trouble(&start.replacen(from, to, 1)), format!("line 1 (at byte 0): {why}"));
    }
}

#[test]
fn a_line_without_an_end() {
    let long = vec![b' '; LONGEST + 1];
    let (items, broken, _) = read(&[a_line().as_bytes(), b"\n", &long].concat());
    assert_eq!((items.len(), broken.map(|broken| broken.trouble)), (1, Some(Trouble::Long)));
    // As long as may be, and the last line end is missing.
    let spaces = vec![b' '; LONGEST - a_line().len()];
    let (items, broken, _) = read(&[&spaces, a_line().as_bytes()].concat());
    assert_eq!((items.len(), broken), (1, None));
    let (_, broken, _) = read(&[&spaces, a_line().as_bytes(), b" \n"].concat());
    assert_eq!(broken.map(|broken| broken.trouble), Some(Trouble::Long));
}

#[test]
fn deep_nesting_is_refused() {
    let deep = format!("{{\"type\":{}", "[".repeat(100_000));
    assert!(trouble(&(deep + "\n")).contains("recursion limit exceeded"));
}
