//! Every cause speaks by its own rule, in words that fit what was seen and read.

mod behind;
mod health;
mod left_out;
mod properties;
mod remedies;
mod review;
mod strength;
mod unseen;

use std::collections::BTreeMap;

use super::{rules::Rests, *};
use crate::model::{
    Nanos,
    nat::{Nat, NatVerdict},
    report::{Listener, Retries, Source},
};

/// A case that owns what it is made of.
#[derive(Clone, Debug, Default)]
pub(super) struct Made {
    pub(super) snapshot: Snapshot,
    pub(super) environment: Environment,
    pub(super) checks: Vec<CounterCheck>,
    pub(super) blind: Vec<Cause>,
    pub(super) lost: Lost,
    pub(super) left_out: LeftOut,
    pub(super) filtered: bool,
}

impl Made {
    pub(super) fn drops(counts: &[(Cause, u64)]) -> Self {
        let by_cause: BTreeMap<_, _> = counts.iter().copied().collect();
        let drops = by_cause.values().sum();
        Self { snapshot: Snapshot { drops, by_cause, ..Snapshot::default() }, ..Self::default() }
    }

    pub(super) fn case(&self) -> Case<'_> {
        Case {
            snapshot: &self.snapshot,
            environment: &self.environment,
            checks: &self.checks,
            blind: &self.blind,
            lost: self.lost,
            left_out: &self.left_out,
            filtered: self.filtered,
        }
    }

    pub(super) fn verdict(&self) -> Verdict {
        judge(&self.case()).expect("something was observed")
    }

    /// Name of the rule that speaks.
    pub(super) fn rule(&self) -> &'static str {
        let case = self.case();
        spoken(&Facts::of(&case)).map_or("", |rule| rule.name)
    }

    pub(super) fn sysctl(mut self, name: &str, value: &str) -> Self {
        self.environment.sysctls_read = true;
        self.environment.sysctls.insert(name.into(), value.into());
        self
    }

    /// A listener whose queue was full.
    pub(super) fn listener(
        &mut self,
        dport: u16,
        cause: Cause,
        drops: u64,
        accept: (u32, u32),
        syn: Option<(u32, u32)>,
    ) {
        let of_accept = syn.is_none();
        self.snapshot.listeners.full.push(Listener {
            netns: None,
            dst: "198.51.100.7".parse().unwrap(),
            dport,
            by_cause: BTreeMap::from([(cause, drops)]),
            accept_queue: of_accept.then_some(accept),
            syn_queue: syn,
            beside_syn_queue: (!of_accept).then_some(accept),
        });
    }

    /// A source of PAWS drops, and what its clocks say.
    pub(super) fn source(mut self, src: &str, paws: u64, verdict: NatVerdict, confidence: f64) -> Self {
        let nat = Nat {
            verdict,
            hosts: None,
            hosts_at_least: if verdict == NatVerdict::Nat { 3 } else { 1 },
            confidence,
            evidence: vec!["3 clocks at once".into(), "1000 Hz each".into()],
            port_jumps: 0,
            clocks: Vec::new(),
        };
        let address = src.parse().unwrap();
        self.snapshot.sources.push(Source {
            drops: paws,
            paws,
            nat: Some(nat),
            ..Source::new(address, Nanos(0))
        });
        self.snapshot.sources_total += 1;
        self
    }

    pub(super) fn checked(mut self, name: &str, kernel: u64, ours: u64) -> Self {
        let remark = (kernel != ours).then(|| "it counts other things, too".to_owned());
        self.checks.push(CounterCheck { name: name.into(), kernel, ours, remark });
        self.environment.counters.insert(name.into(), kernel);
        self
    }
}

fn time_wait(n: u64) -> Made {
    Made::drops(&[(Cause::PawsTimeWait, n)])
}

pub(super) fn actions(verdict: &Verdict) -> String {
    let lines = verdict.remedy.iter().map(|remedy| format!("{} [{}]", remedy.action, remedy.price));
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn names_are_unique_and_every_rule_can_say_something() {
    let mut names: Vec<_> = RULES.iter().map(|rule| rule.name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), RULES.len());
    for rule in RULES {
        assert!((0.0..=1.0).contains(&rule.weight) && (0.0..=1.0).contains(&rule.finding), "{}", rule.name);
        assert!(rule.name == "healthy" || rule.name == "mixed" || !rule.remedies.is_empty(), "{}", rule.name);
    }
}

#[test]
fn each_cause_alone_speaks_by_its_own_rule() {
    let mut rules = Vec::new();
    let mut texts = Vec::new();
    for cause in Cause::ALL {
        let made = Made::drops(&[(cause, 100)]);
        let verdict = made.verdict();
        assert_eq!(verdict.cause, cause.name());
        assert!(verdict.confidence > 0.25, "{cause}: {}", verdict.confidence);
        assert!(!verdict.remedy.is_empty(), "{cause}");
        rules.push(made.rule());
        texts.push(verdict.text);
    }
    for list in [rules.iter().map(ToString::to_string).collect::<Vec<_>>(), texts] {
        let mut unique = list.clone();
        unique.sort_unstable();
        unique.dedup();
        assert_eq!(unique.len(), Cause::ALL.len(), "{list:?}");
    }
}

#[test]
fn not_timestamps_is_said_as_clearly() {
    let witnessed = |counts: &[(Cause, u64)]| Made::drops(counts).checked("TcpExtPAWSEstab", 0, 0);
    for cause in Cause::ALL.into_iter().filter(|cause| !cause.is_paws()) {
        let text = witnessed(&[(cause, 100)]).verdict().text;
        let said = ["The timestamps are not to blame.", "not PAWS."].iter().any(|words| text.contains(words));
        assert!(said, "{cause}: {text}");
        // Only for what was seen, where the kernel's counters do not say the same.
        let alone = Made::drops(&[(cause, 100)]).verdict().text;
        let lost = Made { lost: Lost { ring: 1, ..Lost::default() }, ..witnessed(&[(cause, 100)]) };
        let moved = Made::drops(&[(cause, 100)]).checked("TcpExtPAWSEstab", 7, 0).verdict().text;
        if cause != Cause::OldSequence {
            for text in [&alone, &lost.verdict().text] {
                assert!(
                    text.ends_with("No drop that was seen had to do with timestamps."),
                    "{cause}: {text}"
                );
            }
            assert!(
                moved.ends_with("is open: TcpExtPAWSEstab moved by 7 more than was seen."),
                "{cause}: {moved}"
            );
        }
        // Where a few are to blame, it says so.
        let text = witnessed(&[(cause, 100), (Cause::PawsTimeWait, 2)]).verdict().text;
        assert!(!text.contains("timestamps are not to blame"), "{cause}: {text}");
        // Where they could not have been seen, it does not clear them.
        let blind = Made { blind: vec![Cause::PawsTimeWait], ..witnessed(&[(cause, 100)]) };
        assert!(!blind.verdict().text.contains("timestamps are not to blame"), "{cause}");
    }
    for cause in Cause::ALL.into_iter().filter(|cause| cause.is_paws()) {
        let text = Made::drops(&[(cause, 100)]).verdict().text;
        assert!(!text.contains("not to blame") && text.contains("timestamp"), "{cause}: {text}");
    }
}

#[test]
fn paws_is_one_cause_wherever_it_was_found() {
    let made = Made::drops(&[
        (Cause::PawsTimeWait, 30),
        (Cause::PawsSynRecv, 25),
        (Cause::PawsFinWait2, 5),
        (Cause::AcceptQueueFull, 30),
    ]);
    let verdict = made.verdict();
    assert_eq!(verdict.cause, "paws-time-wait");
    assert_eq!(
        verdict.speaks_for[0],
        "60 of 90 drops: 30 paws-time-wait, 5 paws-fin-wait2, 25 paws-syn-recv."
    );
    assert!(verdict.speaks_against.contains(&"30 drops have other causes: accept-queue-full.".to_owned()));
}

#[test]
fn a_mixture_is_called_one() {
    let made =
        Made::drops(&[(Cause::PawsTimeWait, 50), (Cause::AcceptQueueFull, 49), (Cause::NoListener, 900)])
            .sysctl("net.ipv4.tcp_rfc1337", "1");
    let verdict = made.verdict();
    assert_eq!((made.rule(), verdict.cause.as_str()), ("mixed", "mixed"));
    assert_eq!(
        verdict.text,
        "No single cause: paws-time-wait (50), accept-queue-full (49). Timestamps are one of them."
    );
    let advice = actions(&verdict);
    assert!(advice.contains("tcp_rfc1337=0") && advice.contains("`ss -ltn`"), "{advice}");
    assert!(verdict.remedy.len() <= 4);
    assert!(verdict.speaks_against.contains(&"Not counted in: 900 no-listener.".to_owned()));
}

#[test]
fn what_is_nobodys_trouble_speaks_only_alone() {
    let made = Made::drops(&[(Cause::Repeated, 1000), (Cause::NoListener, 1000), (Cause::SynQueueFull, 5)]);
    assert_eq!(made.verdict().cause, "syn-queue-full");
    assert!(Made::drops(&[(Cause::Repeated, 7)]).verdict().text.starts_with("The server has answered"));
}

#[test]
fn packets_alone_are_consistent_with_it_and_no_more() {
    let kernel = time_wait(60).source("192.0.2.1", 60, NatVerdict::Nat, 0.99);
    let mut wire = kernel.clone();
    wire.snapshot.wire = 60;
    let (kernel, wire) = (kernel.verdict(), wire.verdict());
    assert!(wire.text.contains("consistent with PAWS") && !wire.text.contains("refused"), "{}", wire.text);
    assert!(wire.confidence < kernel.confidence * 0.7);
    assert!(wire.speaks_against.iter().any(|words| words.contains("packets alone")));
    for cause in Cause::ALL.into_iter().filter(|cause| cause.is_paws() && *cause != Cause::PawsRecycle) {
        let mut made = Made::drops(&[(cause, 9)]);
        made.snapshot.wire = 9;
        assert!(made.verdict().text.contains("consistent with PAWS"), "{cause}");
    }
    let mut other = Made::drops(&[(Cause::Other, 9)]);
    other.snapshot.wire = 9;
    assert_eq!(other.rule(), "no-answer-on-the-wire");
    assert!(other.verdict().text.contains("Nothing in them is consistent with PAWS."));
}

#[test]
fn the_kernels_counter_vouches() {
    let alone = time_wait(20).verdict().confidence;
    let agrees = time_wait(20).checked("TcpExtPAWSTimewait", 20, 20).verdict();
    let more = time_wait(20).checked("TcpExtPAWSTimewait", 25, 20).verdict();
    assert!(agrees.confidence > more.confidence && more.confidence > alone);
    assert!(
        more.speaks_against.contains(&"TcpExtPAWSTimewait: it counts other things, too.".to_owned()),
        "{more:?}"
    );
    // A counter of something else does not.
    let other = time_wait(20).checked("TcpExtListenOverflows", 20, 20).verdict().confidence;
    assert!((other - alone).abs() < 1e-9);
}

#[test]
fn drops_without_a_cause_have_another_one() {
    let mut made = Made::default();
    made.snapshot.drops = 5;
    assert_eq!(made.verdict().cause, "other");
}
