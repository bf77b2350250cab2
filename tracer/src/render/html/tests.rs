//! The page: whatever stands in a recording makes text and no markup, whatever its length the page has an end, and it is
//! built as readers that do not see it need it.

mod tokens;

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;
use crate::{
    analysis::{
        engine::Engine,
        recent::Recent,
        summary::{JUDGED, so_far},
    },
    model::{
        Cause, Observation, Syn,
        any::{answered_of, any_word, bare},
        environment::{Environment, OwnNat},
        listener::Listener,
        report::{Capture, CounterCheck, Ending, FilterWords, Limits, Lost, Missing},
        verdict::{Remedy, Verdict},
    },
};
use tokens::{Piece, pieces};

const BEGUN: i64 = 1_700_000_000_000_000_000;

/// Everything that a page is made of.
struct Run {
    name: String,
    start: Start,
    summary: Summary,
    timeline: Timeline,
    pictures: Vec<Picture>,
    cut: String,
    remark: String,
}

impl Run {
    /// Three hosts behind one address, one of them refused now and then; a listener with a full queue. Every word in it is
    /// one of `words`.
    fn of(words: &[String]) -> Self {
        let mut words = words.iter().cloned().cycle();
        let mut word = || words.next().unwrap_or_default();
        let start = Start {
            types: None,
            time: Nanos(BEGUN),
            version: word().into(),
            kernel: Some(word()),
            set: word().into(),
            attached: vec![word(), word()],
            missing: vec![Missing { hook: word(), why: word() }],
            blind: vec![Cause::ListenOther],
            filter: FilterWords {
                from: vec![word()],
                interface: Some(word()),
                netns: Some(word()),
                ..FilterWords::default()
            },
            limits: Some(Limits::default()),
            capture: None,
        };
        let listener =
            Listener { pid: 7, comm: word(), cgroup: Some(word()), processes: Some(3), sockets: None };
        let (reason, netns) = (word(), word());
        let mut run = Self::observed(start, |drop| {
            drop.reason = Some(reason.as_str().into());
            drop.netns_name = Some(netns.as_str().into());
            drop.listener = Some(listener.clone().into());
        });
        let summary = &mut run.summary;
        summary.environment = Environment {
            kernel: Some(word()),
            sysctls: (0..3).map(|n| (format!("{n}{}", word()), word())).collect(),
            sysctls_read: true,
            own_nat: Some(OwnNat::default()),
            counters: BTreeMap::from([(word(), 5)]),
        };
        summary.snmp = vec![CounterCheck { name: word(), kernel: 4, ours: 5, remark: Some(word()) }];
        summary.lost = Lost { ring: 3, ..Lost::default() };
        summary.verdict = Some(Verdict {
            cause: word(),
            confidence: 0.5,
            text: word(),
            speaks_for: vec![word()],
            speaks_against: vec![word()],
            remedy: vec![Remedy { action: word(), price: word() }],
        });
        summary.capture = Some(Capture { links: vec![word()], ..Capture::default() });
        for source in &mut summary.sources {
            source.nat.iter_mut().for_each(|nat| nat.evidence = vec![word()]);
        }
        (run.name, run.cut, run.remark) = (word(), word(), word());
        run
    }

    fn observed(start: Start, change: impl Fn(&mut Drop)) -> Self {
        let (mut engine, mut recent) = (Engine::new(Limits::default()), Recent::new(16, 16));
        let mut timeline = Timeline::default();
        let mut see = |observation: Observation| {
            engine.observe(&observation);
            recent.observe(&observation);
            timeline.observe(&observation);
        };
        let src = IpAddr::from([192, 0, 2, 1]);
        for n in 0..300_u32 {
            let time = Nanos(BEGUN + i64::from(n) * 200_000_000);
            let tsval = [5_000, 900_000_000, 2_000_000_000][(n % 3) as usize] + n * 200;
            let mut accepted = answered_of(src);
            (accepted.time, accepted.tsval, accepted.seq) = (time, Some(tsval), Some(n * 7919));
            accepted.flow.sport = 40_000 + u16::try_from(n % 20).unwrap();
            see(Observation::Accepted(accepted));
            if n % 10 == 5 {
                let cause = if n < 200 { Cause::PawsTimeWait } else { Cause::AcceptQueueFull };
                let mut drop =
                    Drop { time: Nanos(time.0 + 50_000_000), ts_recent: Some(tsval + 7), ..bare(cause) };
                drop.flow.sport = 50_000 + u16::try_from(n).unwrap();
                drop.syn = Syn { seq: n, tsval: Some(tsval + 50), ..Syn::default() };
                drop.accept_queue = Some((4, 3));
                change(&mut drop);
                see(Observation::Drop(drop));
            }
        }
        let ending = Ending::unknown(Some(&start), Nanos(BEGUN + 60_000_000_000), Lost::default());
        let summary = so_far(&start, ending, engine.snapshot(JUDGED));
        let pictures = pictured(&summary).map(|source| Picture {
            src: source.src,
            drops: recent.drops(source.src).cloned().collect(),
            readings: recent.readings(source.src).collect(),
            read: recent.read(source.src),
        });
        let pictures = pictures.collect();
        let [name, cut, remark] = std::array::from_fn(|_| String::new());
        Self { name, start, summary, timeline, pictures, cut, remark }
    }

    fn page(&self) -> String {
        page(&View {
            name: &self.name,
            start: &self.start,
            summary: &self.summary,
            timeline: &self.timeline,
            pictures: &self.pictures,
            cut: Some(&self.cut),
            remark: Some(&self.remark),
            zone: &TimeZone::UTC,
        })
    }
}

fn plain() -> Run {
    Run::of(&["word".to_owned()])
}

#[test]
fn every_part_is_there() {
    let page = plain().page();
    let text = tokens::text(&page);
    for words in [
        "Verdict: word (confidence 0.50)",
        "paws-time-wait",
        "20 drops, at most",
        "accept-queue-full",
        "192.0.2.1: NAT, 3 hosts",
        "Of 330 readings",
        "word (7)",
        "Not the whole of it. word",
        "Lost: 3 records that found no room in the ring",
        "Not visible with this hook set",
        "22:14:19",
    ] {
        assert!(text.contains(words), "no {words:?} in {text}");
    }
    assert!(page.contains("<path class=\"clock\" d=\"M"), "no lines");
}

#[test]
fn nothing_but_itself() {
    let page = plain().page();
    for closer in ["</", "<!--"] {
        assert!(!STYLE.contains(closer) && !SCRIPT.contains(closer), "{closer} ends what it stands in");
    }
    let mut ids = Vec::new();
    for piece in pieces(&page) {
        let Piece::Open(tag, attributes) = piece else { continue };
        for (name, value) in attributes {
            // The policy forbids styles and handlers in attributes, and there is nothing to load.
            assert!(!name.starts_with("on") && !matches!(&*name, "style" | "src"), "{tag} {name}");
            assert!(name != "href" || value.starts_with('#'), "{tag} {name}={value}");
            if name == "id" {
                assert!(!ids.contains(&value), "{value} twice");
                ids.push(value);
            }
        }
        assert!(!matches!(&*tag, "link" | "base" | "form" | "iframe" | "img" | "object"), "{tag}");
    }
}

#[test]
fn for_readers_that_do_not_see_it() {
    let pieces = pieces(&plain().page());
    let mut level = 0;
    for (n, piece) in pieces.iter().enumerate() {
        let Piece::Open(tag, attributes) = piece else { continue };
        let has = |name: &str| attributes.iter().any(|(key, _)| key == name);
        let opens = |at: usize, name: &str| matches!(&pieces[at], Piece::Open(tag, _) if tag == name);
        match &**tag {
            "th" => assert!(has("scope"), "{attributes:?}"),
            "svg" => {
                assert!(has("role") && has("aria-labelledby") && opens(n + 1, "title"), "{attributes:?}");
            }
            "h1" | "h2" | "h3" => {
                let this = i32::from(tag.as_bytes()[1] - b'0');
                assert!(this <= level + 1, "{tag} below level {level}");
                level = this;
            }
            _ => {}
        }
    }
    assert_eq!(level, 2);
}

#[test]
fn a_run_in_which_nothing_happened() {
    let mut run = plain();
    let ending = Ending::unknown(Some(&run.start), Nanos(BEGUN), Lost::default());
    run.summary = so_far(&run.start, ending, Engine::new(Limits::default()).snapshot(JUDGED));
    (run.timeline, run.pictures) = (Timeline::default(), Vec::new());
    let text = tokens::text(&run.page());
    for words in
        ["No drops seen.", "Nothing was seen that has a time.", "No source was seen.", "Lost: nothing."]
    {
        assert!(text.contains(words), "no {words:?} in {text}");
    }
}

#[test]
fn the_others_share_a_row() {
    let mut run = plain();
    let first = run.summary.sources[0].clone();
    run.summary.sources = vec![Source { drops: 1, paws: 1, ..first }; 60];
    (run.summary.sources_total, run.summary.drops) = (70, 1000);
    run.summary.by_cause = BTreeMap::from([(Cause::PawsTimeWait, 900), (Cause::Other, 100)]);
    let text = tokens::text(&run.page());
    assert!(text.contains("50 of 70 client addresses"), "{text}");
    assert!(text.contains("20 other sources?950850"), "{text}");
}

#[test]
fn however_much_there_is_the_page_has_an_end() {
    let word = "\"&<".repeat(300_000);
    let mut run = Run::of(std::slice::from_ref(&word));
    let summary = &mut run.summary;
    let many = |n: usize| (0..n).map(|n| format!("{n}{word}"));
    summary.environment.sysctls = many(300).map(|name| (name, word.clone())).collect();
    summary.missing = many(300).map(|hook| Missing { hook, why: word.clone() }).collect();
    summary.snmp =
        many(300).map(|name| CounterCheck { name, kernel: 1, ours: 2, remark: Some(word.clone()) }).collect();
    let all = summary.by_cause.values().sum::<u64>();
    summary.by_cause = Cause::ALL.map(|cause| (cause, all)).into();
    let (source, picture) = (summary.sources[0].clone(), run.pictures[0].clone());
    summary.sources = (0..=255).map(|n| Source { src: [10, 0, 0, n].into(), ..source.clone() }).collect();
    let reading =
        |n: u32| Reading { time: Nanos(BEGUN + i64::from(n)), tsval: n << 20, dropped: n.is_multiple_of(2) };
    run.pictures = pictured(summary)
        .map(|source| Picture {
            src: source.src,
            readings: (0..1000).map(reading).collect(),
            ..picture.clone()
        })
        .collect();
    run.timeline = Timeline::default();
    for n in 0..36_000 {
        for cause in Cause::ALL {
            run.timeline.observe(&Observation::Drop(Drop { time: Nanos(n * 100_000_000), ..bare(cause) }));
        }
    }
    assert_eq!(run.pictures.len(), PICTURES);
    assert_eq!(run.timeline.bars().len(), usize::from(crate::analysis::timeline::BARS));
    let page = run.page();
    assert!(page.len() < 2 << 20, "{} bytes", page.len());
}

fn hostile() -> impl Strategy<Value = String> {
    prop_oneof![
        any_word(),
        prop::sample::select(vec![
            "</script><script>alert(1)</script>",
            "</title><img src=x onerror=alert(1)>",
            "\"><svg onload=alert(1)>",
            "' onmouseover='alert(1)",
            "<!--",
            "-->",
            "]]>",
            "&lt;b&gt;",
            "&#60;b&#62;",
            "</style><style>*{display:none}",
            "\u{202e}gpj.exe\u{2066}",
            "\0\u{1}\u{7f}\u{85}\u{feff}\u{fffe}",
            "`<b>` and `</b>`",
            "Do: `<i>`, `</i>`.",
            "javascript:alert(1)",
        ])
        .prop_map(str::to_owned),
    ]
}

/// The same word without anything that means something in markup, or in clean text.
fn harmless(word: &str) -> String {
    let plain = |c: char| {
        c.is_alphanumeric()
            || matches!(c, '`' | '.' | ':' | ',' | ';' | ' ')
            || (c.is_whitespace() && !c.is_control())
    };
    word.chars().map(|c| if plain(c) { c } else { 'x' }).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_word_makes_markup(words in prop::collection::vec(hostile(), 1..12)) {
        let twin: Vec<_> = words.iter().map(|word| harmless(word)).collect();
        // Two names that are one in the twin would be one row of it.
        let different = |words: &[String]| words.iter().collect::<BTreeSet<_>>().len();
        prop_assume!(different(&words) == different(&twin));
        let (hostile, harmless) = (Run::of(&words).page(), Run::of(&twin).page());
        let tags = |page: &str| pieces(page).into_iter().filter(|piece| !matches!(piece, Piece::Text(_))).collect::<Vec<_>>();
        prop_assert_eq!(tags(&hostile), tags(&harmless));
        let text = tokens::text(&hostile);
        for word in &words {
            // And it is there to be read.
            prop_assert!(text.contains(&words::word(word)) || word.trim().is_empty(), "{word:?}");
        }
    }
}
