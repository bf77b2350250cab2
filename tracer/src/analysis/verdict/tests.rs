//! Every cause speaks by its own rule, in words that fit what was seen and read.

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
fn several_hosts_behind_one_address() {
    let made = time_wait(100)
        .source("192.0.2.1", 100, NatVerdict::Nat, 0.99)
        .checked("TcpExtPAWSTimewait", 100, 100)
        .sysctl("net.ipv4.tcp_timestamps", "1");
    let verdict = made.verdict();
    assert_eq!((made.rule(), verdict.cause.as_str()), ("paws-nat", "paws-time-wait"));
    assert_eq!(
        verdict.text,
        "Several hosts share 192.0.2.1 (at least 3), each with a clock of its own. One of them got a port on which \
         the server still remembers a newer timestamp: PAWS refused it."
    );
    assert!(verdict.confidence > 0.95, "{}", verdict.confidence);
    assert_eq!(
        verdict.speaks_for,
        [
            "Every drop that counts: 100 paws-time-wait.",
            "The kernel's own TcpExtPAWSTimewait moved by just as much.",
            "192.0.2.1 is nat: 3 clocks at once; 1000 Hz each.",
        ]
    );
    assert!(verdict.speaks_against.is_empty(), "{:?}", verdict.speaks_against);
    // Uptime clocks of several machines look older than one another: that would not help here.
    assert!(!actions(&verdict).contains("tcp_timestamps=2"));
}

#[test]
fn a_clock_for_every_connection_needs_one_client_only() {
    let made = time_wait(56).source("192.0.2.1", 56, NatVerdict::PerConnection, 0.95);
    let verdict = made.verdict();
    assert_eq!(made.rule(), "paws-per-connection");
    assert!(verdict.text.contains("One client behind a port-translating NAT is enough"), "{}", verdict.text);
    assert!(actions(&verdict).contains("sysctl -w net.ipv4.tcp_timestamps=2"), "{}", actions(&verdict));
    let all = format!("{verdict:?}").to_lowercase();
    assert!(!all.contains("several hosts") && !all.contains("hosts behind"), "{all}");
}

#[test]
fn restarts_and_what_may_be_one() {
    for (finding, rule, words) in [
        (NatVerdict::Reboot, "paws-reboot", "began anew: a restart"),
        (NatVerdict::ClockChange, "paws-clock-change", "a restart, or the address changed hands"),
    ] {
        let made = time_wait(8).source("2001:db8::1", 8, finding, 0.9);
        let verdict = made.verdict();
        assert_eq!(made.rule(), rule);
        assert!(verdict.text.contains(words), "{}", verdict.text);
        assert!(actions(&verdict).contains("Let the clients be quiet for a minute"));
    }
}

#[test]
fn what_cannot_be_told_is_not_told() {
    for finding in [NatVerdict::Undecidable, NatVerdict::SingleHost, NatVerdict::NoTimestamps] {
        let made = time_wait(50).source("192.0.2.1", 50, finding, 0.99);
        let verdict = made.verdict();
        assert_eq!(made.rule(), "paws-time-wait");
        let words = match finding {
            NatVerdict::SingleHost => "The address shows one clock, which does not explain it yet.",
            _ => "Who is behind the address cannot be told yet.",
        };
        assert!(verdict.text.contains(words), "{finding}: {}", verdict.text);
        assert!(verdict.remedy[0].action.starts_with("Let tracer run longer"), "{finding}");
        assert!(verdict.speaks_against.iter().any(|words| words.starts_with("One source ")), "{verdict:?}");
        let sure = time_wait(50).source("192.0.2.1", 50, NatVerdict::Nat, 0.99).verdict();
        assert!(verdict.confidence < sure.confidence);
    }
}

#[test]
fn the_finding_behind_most_drops_speaks() {
    let made = time_wait(110)
        .source("192.0.2.1", 10, NatVerdict::Nat, 0.99)
        .source("192.0.2.2", 60, NatVerdict::PerConnection, 0.9)
        .source("192.0.2.3", 40, NatVerdict::PerConnection, 0.9);
    let verdict = made.verdict();
    assert_eq!(made.rule(), "paws-per-connection");
    assert!(verdict.text.contains("192.0.2.2 and one more address"), "{}", verdict.text);
    assert!(
        verdict.speaks_against.iter().any(|words| words.contains("tells another story")),
        "{:?}",
        verdict.speaks_against
    );
    // Sources without a PAWS drop have no say, however sure they are.
    let mut made = time_wait(10).source("192.0.2.1", 0, NatVerdict::Nat, 1.0);
    made.snapshot.sources[0].drops = 500;
    assert_eq!(made.rule(), "paws-time-wait");
}

#[test]
fn a_port_that_jumped_is_proof_of_translation() {
    let mut made = time_wait(50).source("192.0.2.1", 50, NatVerdict::PerConnection, 0.9);
    made.snapshot.sources[0].nat.as_mut().unwrap().port_jumps = 7;
    let all = made.verdict().speaks_for.join(" ");
    assert!(all.contains("jumped from one clock to another, 7 times"), "{all}");
}

#[test]
fn recycle_needs_no_port_twice() {
    let made = Made::drops(&[(Cause::PawsRecycle, 40)]);
    let verdict = made.clone().sysctl("net.ipv4.tcp_tw_recycle", "1").verdict();
    assert_eq!(verdict.remedy[0].action, "sysctl -w net.ipv4.tcp_tw_recycle=0");
    assert!(verdict.speaks_for.iter().any(|words| words == "net.ipv4.tcp_tw_recycle is 1."));
    let unread = actions(&made.verdict());
    assert!(
        !unread.contains("sysctl -w net.ipv4.tcp_tw_recycle") && unread.contains("where it is 1"),
        "{unread}"
    );
    let behind = made.source("192.0.2.1", 40, NatVerdict::Nat, 0.95);
    assert_eq!(behind.rule(), "recycle-nat");
    assert!(behind.verdict().text.starts_with("Several hosts share 192.0.2.1 (at least 3)"));
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
fn healthy_says_what_was_covered() {
    let mut made = Made::default().checked("TcpExtListenDrops", 0, 0);
    made.snapshot.accepted = 45;
    let verdict = made.verdict();
    assert_eq!(verdict.cause, "healthy");
    assert_eq!(verdict.text, "No SYN was dropped. The timestamps are not to blame.");
    assert_eq!(
        verdict.speaks_for,
        ["45 SYNs were answered.", "None of the kernel's counters of dropped SYNs moved."]
    );
    assert!(verdict.confidence > 0.9 && verdict.remedy.is_empty());
    let moved = made.clone().checked("TcpExtListenOverflows", 4, 0).verdict();
    assert!(moved.confidence < verdict.confidence && moved.text.contains("TcpExtListenOverflows moved"));
    // Drops of causes that were not asked for are no drops here, and the counters do not stand still.
    let left_out = made.clone().checked("TcpExtListenOverflows", 4, 4).verdict();
    assert!(left_out.text.contains("TcpExtListenOverflows moved by 4 all the same"), "{}", left_out.text);
    assert!(!left_out.speaks_for.iter().any(|words| words.contains("None of the kernel's counters")));
    let unread = Made { snapshot: made.snapshot, ..Made::default() }.verdict();
    assert!(unread.confidence < moved.confidence);
    assert!(unread.speaks_against.contains(&"The kernel's counters were not read.".to_owned()));
    assert!(!unread.text.contains("not to blame"), "{}", unread.text);
}

#[test]
fn nothing_observed_is_no_verdict() {
    assert_eq!(judge(&Made::default().case()), None);
    let blind = Made { blind: vec![Cause::AcceptQueueFull], ..Made::default() };
    assert_eq!(judge(&blind.case()), None);
    assert!(judge(&Made::default().checked("TcpExtListenDrops", 1, 0).case()).is_some());
    let lost = Made { lost: Lost { ring: 3, ..Lost::default() }, ..Made::default() }.verdict();
    assert_eq!(lost.cause, "blind");
    assert!(lost.confidence < 0.01);
}

#[test]
fn what_was_lost_may_have_been_a_drop() {
    let mut made = Made::default().checked("TcpExtListenDrops", 0, 0);
    (made.snapshot.accepted, made.lost.decode) = (45, 1);
    let verdict = made.verdict();
    assert_eq!((made.rule(), verdict.cause.as_str()), ("blind", "blind"));
    assert_eq!(
        verdict.text,
        "No drop was seen, but one record was lost on the way, and each may have been one. That clears nothing."
    );
    assert!(verdict.confidence < 0.3, "{}", verdict.confidence);
    assert!(actions(&verdict).starts_with("Run again and watch less at once"));
    assert!(!actions(&verdict).contains("--hooks"), "no hook set sees more: {}", actions(&verdict));
}

#[test]
fn what_a_verdict_of_packets_says_of_recycle() {
    let mut made = Made::drops(&[(Cause::PawsRecycle, 40)]).source("192.0.2.1", 40, NatVerdict::Nat, 0.99);
    made.snapshot.wire = 40;
    let text = made.verdict().text;
    assert!(text.contains("consistent with tcp_tw_recycle") && !text.contains("dropped"), "{text}");
}

#[test]
fn the_number_of_hosts_belongs_to_one_address() {
    let two = time_wait(30).source("192.0.2.1", 10, NatVerdict::Nat, 0.99).source(
        "192.0.2.2",
        20,
        NatVerdict::Nat,
        0.99,
    );
    let text = two.verdict().text;
    assert!(
        text.starts_with("Several hosts share each of 2 addresses (at least 3 behind 192.0.2.2), each with"),
        "{text}"
    );
}

#[test]
fn drops_without_a_cause_have_another_one() {
    let mut made = Made::default();
    made.snapshot.drops = 5;
    assert_eq!(made.verdict().cause, "other");
}
