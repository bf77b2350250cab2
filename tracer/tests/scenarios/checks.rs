//! Whether the harness itself notices what it must: bad tables, and every difference.

use super::told::Scenario;

type Check = fn() -> Result<(), String>;

/// By name.
pub(crate) const CHECKS: [(&str, Check); 6] = [
    ("harness: a key that nobody knows is an error at its line", unknown_key),
    ("harness: a word that is no name is an error at its line", unknown_word),
    ("harness: a host that cannot be played is an error at its line", unplayable),
    ("harness: every difference is told", differences),
    ("harness: a known defect fails as expected", defect),
    ("harness: a known defect that is gone is told", gone),
];

const HEALTHY: &str = r#"what = "one client that is answered"
[counters]
[[host]]
src = "192.0.2.1"
syns = 5
[expect]
rule = "healthy"
drops = 0
by_cause = {}
accepted = 5
"#;

fn check(text: &str) -> Result<(), String> {
    Scenario { name: "made-up".into(), text: text.into() }.check()
}

/// Fails with all of these words.
fn fails(text: &str, words: &[&str]) -> Result<(), String> {
    let why = check(text).err().ok_or("it passed")?;
    match words.iter().find(|word| !why.contains(**word)) {
        Some(word) => Err(format!("expected {word:?} in:\n{why}")),
        None => Ok(()),
    }
}

fn unknown_key() -> Result<(), String> {
    check(HEALTHY)?;
    fails(&HEALTHY.replace("syns = 5", "syms = 5"), &["tests/scenarios/made-up.toml:5: ", "`syms`"])
}

fn unknown_word() -> Result<(), String> {
    let text = format!("blind = [\"paws-timewait\"]\n{HEALTHY}");
    fails(&text, &["tests/scenarios/made-up.toml:1: ", "paws-timewait"])
}

fn unplayable() -> Result<(), String> {
    let refused = "syns = 5\n[[host.refused]]\ncause = \"paws-time-wait\"\nremembers = \"b\"";
    fails(&HEALTHY.replace("syns = 5", refused), &["made-up.toml:3: ", "no host named \"b\""])?;
    let late = refused.replace("remembers = \"b\"", "behind = 500\nagain = [1.0]");
    fails(&HEALTHY.replace("syns = 5", &late), &["made-up.toml:3: ", "caught up"])
}

fn differences() -> Result<(), String> {
    let text = HEALTHY.replace("accepted = 5", "accepted = 6").replace("\"healthy\"", "\"blind\"");
    fails(&text, &["expected 6, found 5", "rule: expected \"blind\", found \"healthy\""])
}

const DEFECT: &str = "known_defect = { why = \"it counts badly\", differs = [\"accepted\"] }\n";

fn defect() -> Result<(), String> {
    let wrong = format!("{DEFECT}{}", HEALTHY.replace("accepted = 5", "accepted = 6"));
    check(&wrong)?;
    fails(&wrong.replace("\"healthy\"", "\"blind\""), &["rule: expected \"blind\", found \"healthy\""])
}

fn gone() -> Result<(), String> {
    fails(&format!("{DEFECT}{HEALTHY}"), &["is gone", "it counts badly"])
}
