//! What is expected of a SYN, and whether the events agree.

use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};

use super::{
    event::Event,
    ground::{Answer, Facts, Ground, Kernel, Place, Set, Why},
    lab::{Lab, Shot, WIRE},
    watcher::Watcher,
};

/// What must become of a SYN.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Fate {
    /// Answered with a SYN/ACK: no event.
    Accepted,
    /// Nobody's business: no event, whatever comes back.
    Unseen,
    /// Dropped: exactly one event.
    Dropped(Death),
    /// Answered with a SYN/ACK or not at all, which kernels see differently: an event if not.
    Either(Why),
    /// Hostile: at most one event, of the right tuple.
    Hostile,
}

/// How it must die.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Death {
    pub(crate) why: Why,
    /// The timestamp that the kernel remembers for the tuple.
    pub(crate) ts_recent: Option<u32>,
    /// The kernel has answered another one too lately.
    pub(crate) silent: bool,
}

impl Fate {
    /// Death of this kind.
    pub(crate) fn dies(why: Why) -> Self {
        Self::Dropped(Death { why, ts_recent: None, silent: false })
    }

    /// Death beside this remembered timestamp.
    pub(crate) fn dies_by(why: Why, ts_recent: u32) -> Self {
        Self::Dropped(Death { why, ts_recent: Some(ts_recent), silent: false })
    }

    /// ... and nothing goes back, because something did just before.
    pub(crate) fn silently(self) -> Self {
        match self {
            Self::Dropped(death) => Self::Dropped(Death { silent: true, ..death }),
            other => other,
        }
    }

    /// What must come back.
    pub(crate) fn answer(&self) -> Option<Answer> {
        match self {
            Self::Accepted => Some(Answer::SynAck),
            Self::Dropped(death) => Some(death.answer()),
            Self::Unseen | Self::Either(_) | Self::Hostile => None,
        }
    }
}

impl Death {
    fn answer(&self) -> Answer {
        if self.silent { Answer::Silence } else { self.why.facts(Kernel::running()).answer }
    }
}

/// Waits for the events of a laboratory and judges every shot by them.
pub(crate) fn judge(lab: &mut Lab, watcher: &Watcher, ground: Ground) -> Result<()> {
    let last = lab.fence()?;
    let mut events = watcher.events_until(lab.inode(), last)?.into_iter();
    for shot in &lab.shots {
        let mut of_shot = Vec::new();
        loop {
            let event =
                events.next().with_context(|| format!("the fence {} was not reported", shot.fence))?;
            if event.sport == shot.fence {
                fence(&event, ground)?;
                break;
            }
            of_shot.push(event);
        }
        verdict(lab, watcher, ground, shot, &of_shot)
            .with_context(|| format!("{shot}\nevents: {of_shot:#?}", shot = Shown(shot)))?;
    }
    let rest: Vec<_> = events.filter(|event| event.sport != last).collect();
    ensure!(rest.is_empty(), "events of no SYN: {rest:#?}");
    Ok(())
}

/// A shot without its long lists.
struct Shown<'a>(&'a Shot);

impl std::fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "expected {:?} of {:?}; {:?} came back", self.0.fate, self.0.syn, self.0.answer)
    }
}

/// A fence is a drop like any other.
fn fence(event: &Event, ground: Ground) -> Result<()> {
    let wanted =
        if ground.must_see(Place::Nobody) { &["no-listener"][..] } else { &["no-listener", "other"] };
    ensure!(wanted.contains(&event.cause.as_str()), "a fence's cause is {}", event.cause);
    Ok(())
}

fn verdict(lab: &Lab, watcher: &Watcher, ground: Ground, shot: &Shot, events: &[Event]) -> Result<()> {
    let death = match shot.fate {
        Fate::Accepted | Fate::Unseen => {
            ensure!(events.is_empty(), "an event of a SYN that was not dropped");
            return Ok(());
        }
        Fate::Hostile => {
            ensure!(events.len() <= 1, "{} events of one SYN", events.len());
            return events.iter().try_for_each(|event| flow(lab, shot, event));
        }
        Fate::Either(_) if shot.answer == Answer::SynAck => {
            ensure!(events.is_empty(), "an event of a SYN that was answered");
            return Ok(());
        }
        Fate::Either(why) => Death { why, ts_recent: None, silent: false },
        Fate::Dropped(death) => death,
    };
    let facts = death.why.facts(ground.kernel);
    let blind = watcher.start.blind.iter().any(|cause| cause == facts.cause);
    let must = ground.must_see(facts.place);
    ensure!(
        !(must && blind && facts.cause != "other"),
        "{} is said to be invisible, and is not",
        facts.cause
    );
    match events {
        [event] => {
            packet(lab, shot, event)?;
            if must || (event.cause == facts.cause && facts.cause != "other") {
                exact(ground, shot, death, &facts, event)
            } else {
                ensure!(event.cause == "other", "the cause is {}, not {}", event.cause, facts.cause);
                ensure!(
                    event.answer.is_none() || event.answer.as_deref() == shot.answer.word(),
                    "the answer is {:?}, not {:?}",
                    event.answer,
                    shot.answer
                );
                Ok(())
            }
        }
        [] if must => bail!("no event"),
        [] => {
            ensure!(
                blind || facts.cause == "other",
                "{} was not seen and is not said to be invisible",
                facts.cause
            );
            Ok(())
        }
        more => bail!("{} events of one SYN", more.len()),
    }
}

/// Who asked whom.
fn flow(lab: &Lab, shot: &Shot, event: &Event) -> Result<()> {
    let syn = &shot.syn;
    let mut wrong = Wrong::default();
    wrong.is("netns", event.netns, Some(lab.inode()));
    wrong.is("family", event.family, if syn.from.is_ipv4() { 4 } else { 6 });
    wrong.is("src", event.src, syn.from.ip());
    wrong.is("sport", event.sport, syn.from.port());
    wrong.is("dst", event.dst, syn.to.ip());
    wrong.is("dport", event.dport, syn.to.port());
    wrong.is("seq", event.seq, syn.seq);
    wrong.is("ttl", event.ttl, syn.ttl);
    wrong.is("window", event.window, syn.window);
    wrong.verdict()
}

/// What the packet itself says.
fn packet(lab: &Lab, shot: &Shot, event: &Event) -> Result<()> {
    flow(lab, shot, event)?;
    let options = &shot.syn.options;
    let mut wrong = Wrong::default();
    wrong.is("tsval", event.tsval, options.tsval);
    wrong.is("mss", event.mss, options.mss);
    wrong.is("wscale", event.wscale, options.wscale);
    if let Some(kinds) = options.kinds {
        wrong.is("options", event.options.as_str(), kinds);
    }
    // A namespace without a process or a name cannot be asked what its interfaces are called.
    if let Some(ifname) = &event.ifname {
        wrong.is("ifname", ifname.as_str(), WIRE);
    }
    wrong.is("paws", event.paws, event.cause.starts_with("paws"));
    if let Some(listener) = &event.listener {
        let comm = std::fs::read_to_string("/proc/self/comm").context("our own name")?;
        wrong.is("listener.pid", listener.pid, std::process::id());
        wrong.is("listener.comm", listener.comm.as_str(), comm.trim_end());
    }
    wrong.is(
        "regression",
        event.regression,
        event.ts_recent.zip(event.tsval).map(|(kept, sent)| i64::from(kept.wrapping_sub(sent).cast_signed())),
    );
    time(&event.time, shot.age)?;
    wrong.verdict()
}

/// What only the right verdict says.
fn exact(ground: Ground, shot: &Shot, death: Death, facts: &Facts, event: &Event) -> Result<()> {
    let mut wrong = Wrong::default();
    wrong.is("cause", event.cause.as_str(), facts.cause);
    // Whether a listener stands behind a packet that is freed before it is asked shows only with the receiving socket.
    // Before 6.11 nothing says on which socket a RST fell.
    let unnamed =
        facts.place == Place::Flags && ground.set == Set::Tracepoint && ground.kernel < Kernel(6, 11);
    if !((facts.place == Place::Freed || unnamed) && event.stage == "none") {
        wrong.is("stage", event.stage.as_str(), facts.stage);
    }
    wrong.is("reason", event.reason.as_deref(), facts.reason);
    let kept = death.ts_recent.filter(|_| ground.remembers(facts.place));
    wrong.is("ts_recent", event.ts_recent, kept);
    if let Some(age) = event.ts_age_ms {
        // The kernel keeps whole seconds.
        let most = shot.age + Duration::from_secs(2);
        ensure!(kept.is_some(), "an age of {age} ms of no timestamp");
        ensure!(u128::from(age) <= most.as_millis(), "ts_age_ms is {age}, the connection {most:?} old");
    }
    // What goes back is seen by hooks on functions, where a socket answers.
    let known = ground.set != super::ground::Set::Tracepoint && facts.place != Place::Freed;
    if known || event.answer.is_some() {
        wrong.is("answer", event.answer.as_deref(), shot.answer.word());
    }
    wrong.verdict()?;
    counter(shot, facts, event.snmp.as_deref())
}

/// The counter that an event names must be one that moved.
fn counter(shot: &Shot, facts: &Facts, named: Option<&str>) -> Result<()> {
    let [before, after] = &shot.counters;
    let Some(named) = named else {
        // A reset is counted as an answer, not as a drop; and the end of a packet without a reason tells nothing.
        let none = facts.counters.iter().all(|name| *name == "TcpOutRsts");
        let unknown = facts.place == Place::Freed && facts.reason.is_none();
        ensure!(none || unknown, "no counter, not {:?}", facts.counters);
        return Ok(());
    };
    let skipped = shot.answer == Answer::Silence && named.starts_with("TcpExtTCPACKSkipped");
    ensure!(
        facts.counters.contains(&named) || skipped,
        "the counter {named}, not one of {:?}",
        facts.counters
    );
    let moved = after.since(before, named).with_context(|| format!("this kernel has no counter {named}"))?;
    // A fence moves one itself.
    let others = u64::from(named == "TcpOutRsts");
    ensure!(moved > others, "the counter {named} has not moved");
    Ok(())
}

/// The time must lie between the birth of the namespace and now.
fn time(text: &str, age: Duration) -> Result<()> {
    let time: jiff::Timestamp = text.parse().with_context(|| format!("the time {text}"))?;
    let ago = jiff::Timestamp::now().duration_since(time);
    let slack = jiff::SignedDuration::from_secs(5);
    let most = jiff::SignedDuration::try_from(age)? + slack + jiff::SignedDuration::from_mins(10);
    ensure!(ago > -slack && ago < most, "the time {text} is {ago:?} ago");
    ensure!(text.ends_with('Z'), "{text} is not in UTC");
    Ok(())
}

/// Fields that are not as they must be.
#[derive(Default)]
struct Wrong(Vec<String>);

impl Wrong {
    #[expect(clippy::needless_pass_by_value, reason = "both are made for the call")]
    fn is<T: PartialEq + std::fmt::Debug>(&mut self, field: &str, got: T, wanted: T) {
        if got != wanted {
            self.0.push(format!("{field} is {got:?}, not {wanted:?}"));
        }
    }

    fn verdict(self) -> Result<()> {
        ensure!(self.0.is_empty(), "{}", self.0.join("; "));
        Ok(())
    }
}
