//! What a [`Checkup`] means: which causes can be seen here and why not, what settings and counters say, what to do next.
//!
//! Decides words and judgements. Knows nothing of how anything was found out or how it looks.

mod settings;

use std::fmt::Write as _;

pub use settings::{Meaning, nat, setting};

use super::kernel::version;
use crate::model::{
    Cause,
    checkup::{Checkup, Outcome, Place, SetCheck},
};

/// Whether a cause can be seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sight {
    /// It can.
    Visible,
    /// It cannot, because.
    Blind(String),
    /// Nobody knows, because.
    Unknown(String),
}

/// The set that tracing would use: the best that attaches.
pub fn chosen(checkup: &Checkup) -> Option<&SetCheck> {
    checkup.sets.iter().find(|set| matches!(set.outcome, Outcome::Attaches { .. }))
}

/// Whether anything can be traced.
pub fn can_trace(checkup: &Checkup) -> bool {
    chosen(checkup).is_some()
}

/// Every cause with what the chosen set sees of it.
pub fn sight(checkup: &Checkup) -> Vec<(Cause, Sight)> {
    Cause::ALL.into_iter().map(|cause| (cause, sight_of(checkup, cause))).collect()
}

fn sight_of(checkup: &Checkup, cause: Cause) -> Sight {
    if cause == Cause::PawsRecycle && version(&checkup.kernel) >= (4, 12) {
        return Sight::Blind("needs tcp_tw_recycle, which is gone since 4.12".into());
    }
    let Some(set) = chosen(checkup) else {
        let tried = checkup.sets.iter().any(|set| matches!(set.outcome, Outcome::Refused(_)));
        return if tried {
            Sight::Blind("no hook set attaches".into())
        } else {
            Sight::Unknown("no hook set could be tried".into())
        };
    };
    let Outcome::Attaches { missing, blind } = &set.outcome else { return Sight::Visible };
    if !blind.contains(&cause) {
        return Sight::Visible;
    }
    let functions = set.set != "tracepoint";
    Sight::Blind(match cause {
        // What the listener drops frees no packet.
        Cause::AcceptQueueFull | Cause::SynQueueFull | Cause::PeerNotProven | Cause::ListenOther
            if !functions =>
        {
            "no tracepoint shows what a listener refuses".into()
        }
        Cause::PawsTimeWait | Cause::PawsFinWait2 | Cause::OldSequence
            if checkup.rx_sk == Some(false) && !functions =>
        {
            "before 6.11 no tracepoint tells TIME_WAIT apart".into()
        }
        Cause::PawsEstablished | Cause::SynOnEstablished if checkup.rx_sk == Some(false) && !functions => {
            "before 6.11 no tracepoint tells open connections apart".into()
        }
        Cause::PawsSynRecv | Cause::OutOfWindow | Cause::Repeated
            if checkup.check_req_reasons == Some(false) && !functions =>
        {
            "before 6.15 no tracepoint tells SYN_RECV apart".into()
        }
        Cause::NoListener => "before 5.17 no drop has a reason, and no RST is seen".into(),
        _ => match missing.first() {
            Some(missing) => format!("{} is not attached: {}", missing.hook, missing.why),
            None => "this hook set does not see it".into(),
        },
    })
}

/// Counters that are not zero, in the order in which they are checked.
pub fn moved(place: &Place) -> Vec<(&'static str, u64)> {
    let value = |name: &'static str| place.counters.get(name).filter(|n| **n > 0).map(|n| (name, *n));
    super::snmp::CHECKED.into_iter().filter_map(value).collect()
}

/// The one sentence to end with.
pub fn advice(checkup: &Checkup) -> String {
    let Some(set) = chosen(checkup) else { return no_tracing(checkup) };
    let mut text = String::from("Run `tracer -p PORT` while clients fail");
    let lost: u64 = checkup.places.iter().flat_map(moved).fold(0, |sum, (_, n)| sum.saturating_add(n));
    if lost > 0 {
        text.push_str("; the kernel has counted drops before");
    }
    let blind: Vec<_> = match &set.outcome {
        // Which no kernel that can be traced drops any more, and which nobody asks for.
        Outcome::Attaches { blind, .. } => {
            blind.iter().filter(|cause| !matches!(cause, Cause::Repeated | Cause::NoListener)).collect()
        }
        _ => Vec::new(),
    };
    if !blind.is_empty() {
        text.push_str("; what stays invisible shows in the kernel's counters");
    }
    // None does more harm.
    let recycle = |name: &String| name.starts_with("net.ipv4.tcp_tw_recycle=");
    if let Some(name) = remarkable(checkup).find(recycle).or_else(|| remarkable(checkup).next()) {
        let _ = write!(text, "; first look at {name}");
    }
    text + "."
}

/// What of our own namespace's settings and translation is worth a second look.
fn remarkable(checkup: &Checkup) -> impl Iterator<Item = String> {
    let translation = nat(checkup.own_nat.as_ref());
    let own = checkup.places.first();
    let settings = own
        .into_iter()
        .flat_map(|place| place.sysctls.iter())
        .map(|(name, value)| (format!("{name}={value}"), setting(name, value, checkup.own_nat.as_ref())));
    settings
        .chain(std::iter::once(("this machine's own NAT".to_owned(), translation)))
        .filter(|(_, meaning)| meaning.remarkable)
        .map(|(name, _)| name)
}

fn no_tracing(checkup: &Checkup) -> String {
    if checkup.unbuilt {
        return "Build it with its eBPF part: cargo xtask build.".into();
    }
    if !checkup.lacking.is_empty() {
        return format!(
            "Run it as root (sudo tracer doctor): this process lacks {}.",
            checkup.lacking.join(" and ")
        );
    }
    if checkup.lockdown.as_deref() == Some("confidentiality") {
        return "Boot with lockdown=integrity (or without lockdown=): confidentiality forbids reading the kernel's memory.".into();
    }
    if checkup.unfit.is_some() {
        return "Packets alone say much here: `tcpdump -w - tcp | tracer replay -`.".into();
    }
    if let Some(why) = &checkup.no_types {
        return format!(
            "Use a kernel built with CONFIG_DEBUG_INFO_BTF=y, or give a BTF file of exactly this kernel with --btf FILE ({why}); \
             without either, {PACKETS}."
        );
    }
    format!(
        "No hook set attaches: check that kernel probes or tracepoints are built in and allowed (`tracer doctor -v` has the \
         kernel's own words); without them, {PACKETS}."
    )
}

/// The next best way.
const PACKETS: &str = "packets alone say much: `tcpdump -w - tcp | tracer replay -`";

#[cfg(test)]
pub(crate) mod tests;
