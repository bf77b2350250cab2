//! Sets what was found beside what was expected, and says everything in which they differ.

use std::fmt::{Debug, Display};

use tracer::model::{report, verdict::Verdict};

use super::{
    expect::{self, Expect, Hosts, Retries},
    run::Found,
};

/// How much must be as expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Extent {
    /// All of it.
    All,
    /// What is counted, and nothing that depends on the order of time.
    Counts,
    /// All of it, among so many other clients that were answered.
    Among(u64),
}

/// The differences, a line each.
#[derive(Debug, Default)]
pub(crate) struct Differences(pub(crate) Vec<String>);

impl Differences {
    fn same<T: PartialEq + Debug>(&mut self, what: &str, expected: Option<&T>, found: &T) {
        if let Some(expected) = expected
            && expected != found
        {
            self.0.push(format!("{what}: expected {expected:?}, found {found:?}"));
        }
    }

    fn within<T: PartialOrd + Display + Copy>(&mut self, what: &str, expected: Option<(T, T)>, found: T) {
        if let Some((least, most)) = expected
            && !(least <= found && found <= most)
        {
            self.0.push(format!("{what}: expected {least} to {most}, found {found}"));
        }
    }

    fn words(&mut self, what: &str, expected: &[String], found: &[String]) {
        for words in expected.iter().filter(|words| !found.iter().any(|text| text.contains(words.as_str()))) {
            self.0.push(format!("{what}: expected {words:?}, found {}", listed(found)));
        }
    }

    fn no_words(&mut self, what: &str, unexpected: &[String], found: &[String]) {
        for words in unexpected {
            for text in found.iter().filter(|text| text.contains(words.as_str())) {
                self.0.push(format!("{what}: did not expect {words:?}, found {text:?}"));
            }
        }
    }

    fn retries(&mut self, what: &str, expected: Option<&Retries>, found: &report::Retries) {
        let Some(expected) = expected else { return };
        self.same(&format!("{what}.refused"), Some(&expected.refused), &found.refused);
        self.same(&format!("{what}.came_back"), Some(&expected.came_back), &found.came_back);
        self.same(&format!("{what}.got_in"), Some(&expected.got_in), &found.got_in);
        self.same(&format!("{what}.waited_ms"), expected.waited_ms.as_ref(), &found.waited_ms);
        self.same(&format!("{what}.longest_ms"), expected.longest_ms.as_ref(), &found.longest_ms);
    }
}

fn listed(found: &[String]) -> String {
    match found {
        [] => "nothing".into(),
        [one] => format!("{one:?}"),
        more => format!("{more:#?}"),
    }
}

/// Everything in which they differ.
pub(crate) fn compare(expect: &Expect, found: &Found, extent: Extent) -> Vec<String> {
    let mut differ = Differences::default();
    let snapshot = &found.snapshot;
    let strangers = if let Extent::Among(n) = extent { n } else { 0 };
    differ.same("drops", Some(&expect.drops), &snapshot.drops);
    let by_cause = expect.by_cause.iter().map(|(cause, n)| (cause.0, *n)).collect();
    differ.same("by_cause", Some(&by_cause), &snapshot.by_cause);
    differ.same("accepted", expect.accepted.as_ref(), &(snapshot.accepted - strangers));
    differ.same("wire", expect.wire.as_ref(), &snapshot.wire);
    if strangers == 0 {
        differ.same("sources_total", expect.sources_total.as_ref(), &snapshot.sources_total);
    }
    if extent != Extent::Counts {
        differ.retries("retries", expect.retries.as_ref(), &snapshot.retries);
    }
    for source in &expect.source {
        match snapshot.sources.iter().find(|row| row.src == source.src) {
            Some(row) => one(&mut differ, source, row, extent),
            None => differ.0.push(format!("source {}: expected, not found", source.src)),
        }
    }
    // Where nothing was dropped, or nothing answered, strangers are another story.
    let told = strangers == 0 || snapshot.drops > 0 && snapshot.accepted > strangers;
    if extent != Extent::Counts && told {
        differ.same("rule", Some(&expect.rule.as_str()), &found.rule);
        match (&expect.verdict, &found.verdict) {
            (Some(expected), Some(verdict)) => judged(&mut differ, expected, verdict),
            (Some(_), None) => differ.0.push("verdict: expected one, found none".into()),
            (None, Some(verdict)) if expect.rule == "none" => {
                differ.0.push(format!("verdict: expected none, found {:?}", verdict.text));
            }
            (None, _) => {}
        }
    }
    differ.0
}

fn one(differ: &mut Differences, expected: &expect::Source, row: &report::Source, extent: Extent) {
    let what = |key: &str| format!("source {}: {key}", row.src);
    if let Some(syns) = &expected.syns {
        differ.same(&what("syns"), Some(&Some(*syns)), &row.syns);
    }
    differ.same(&what("drops"), expected.drops.as_ref(), &row.drops);
    differ.same(&what("paws"), expected.paws.as_ref(), &row.paws);
    if let Some(ticks) = expected.max_regression {
        differ.same(&what("max_regression"), Some(&Some(ticks)), &row.max_regression);
    }
    if let Some(ticks) = expected.last_regression {
        differ.same(&what("last_regression"), Some(&Some(ticks)), &row.last_regression);
    }
    if extent == Extent::Counts {
        return;
    }
    differ.retries(&what("retries"), expected.retries.as_ref(), &row.retries);
    let Some(expected) = &expected.nat else { return };
    let Some(nat) = &row.nat else {
        differ.0.push(what("nat: expected a finding, found that there was no room for its clocks"));
        return;
    };
    differ.same(&what("nat.verdict"), Some(&expected.verdict.0), &nat.verdict);
    match expected.hosts {
        Some(Hosts::Unknown) => differ.same(&what("nat.hosts"), Some(&None), &nat.hosts),
        Some(Hosts::Number(n)) => differ.same(&what("nat.hosts"), Some(&Some(n)), &nat.hosts),
        None => {}
    }
    differ.same(&what("nat.hosts_at_least"), expected.hosts_at_least.as_ref(), &nat.hosts_at_least);
    differ.within(&what("nat.confidence"), expected.confidence, nat.confidence);
    differ.within(&what("nat.port_jumps"), expected.port_jumps, nat.port_jumps);
    differ.words(&what("nat.evidence"), &expected.evidence, &nat.evidence);
    differ.no_words(&what("nat.evidence"), &expected.not_evidence, &nat.evidence);
    if let Some(expected) = &expected.rates {
        let mut rates: Vec<f64> = nat.clocks.iter().map(|clock| clock.rate_hz).collect();
        rates.sort_by(f64::total_cmp);
        let near = |(a, b): (&f64, &f64)| (a / b - 1.0).abs() < 0.01;
        if rates.len() != expected.len() || !rates.iter().zip(expected).all(near) {
            differ.0.push(what(&format!("nat.rates: expected {expected:?}, found {rates:?}")));
        }
    }
}

fn judged(differ: &mut Differences, expected: &expect::Verdict, found: &Verdict) {
    let text = std::slice::from_ref(&found.text);
    differ.same("verdict.cause", Some(&expected.cause), &found.cause);
    differ.within("verdict.confidence", expected.confidence, found.confidence);
    differ.words("verdict.text", &expected.text, text);
    differ.no_words("verdict.text", &expected.not_text, text);
    differ.words("verdict.speaks_for", &expected.speaks_for, &found.speaks_for);
    differ.words("verdict.speaks_against", &expected.speaks_against, &found.speaks_against);
    differ.no_words("verdict.speaks_against", &expected.not_against, &found.speaks_against);
    let actions: Vec<String> = found.remedy.iter().map(|remedy| remedy.action.clone()).collect();
    let prices: Vec<String> = found.remedy.iter().map(|remedy| remedy.price.clone()).collect();
    if let Some(first) = &expected.first_remedy {
        let one = &actions[..actions.len().min(1)];
        differ.words("verdict.first_remedy", std::slice::from_ref(first), one);
    }
    differ.words("verdict.remedy", &expected.remedy, &actions);
    differ.no_words("verdict.remedy", &expected.not_remedy, &actions);
    differ.words("verdict.price", &expected.price, &prices);
}
