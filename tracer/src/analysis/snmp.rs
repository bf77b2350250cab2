//! Sets our counts beside the movement of the kernel's own counters, and says why the two differ.

use std::collections::BTreeMap;

use crate::model::{Cause, report::CounterCheck};

/// Counters of one namespace: name as `TcpExtPAWSEstab`, value.
pub type Counters = BTreeMap<String, u64>;

/// Counters that dropped SYNs move. Others (`TcpOutRsts`, `TcpExtTCPACKSkipped*`) move for too much else.
pub const CHECKED: [&str; 7] = [
    "TcpExtPAWSPassive",
    "TcpExtPAWSTimewait",
    "TcpExtPAWSEstab",
    "TcpExtTCPSYNChallenge",
    "TcpExtListenOverflows",
    "TcpExtTCPReqQFullDrop",
    "TcpExtListenDrops",
];

/// Reads `/proc/net/netstat` or `/proc/net/snmp`: pairs of lines, names above values.
pub fn parse(text: &str, into: &mut Counters) {
    let mut lines = text.lines();
    while let (Some(names), Some(values)) = (lines.next(), lines.next()) {
        let (Some((group, names)), Some((_, values))) = (names.split_once(':'), values.split_once(':'))
        else {
            continue;
        };
        for (name, value) in names.split_whitespace().zip(values.split_whitespace()) {
            // Some are signed (`TcpMaxConn -1`); those are no counters.
            if let Ok(value) = value.parse() {
                into.insert(format!("{group}{name}"), value);
            }
        }
    }
}

/// What bounds our own view of the counters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct View {
    /// A filter other than the namespace keeps SYNs from us that the kernel counts.
    pub filtered: bool,
    /// Causes that this hook set does not see.
    pub blind: Vec<Cause>,
    /// Records were lost on the way, or runs of our programs were skipped.
    pub lost: bool,
    /// Drops of ours that fell into the very moment at which counters were read.
    pub on_the_edge: u64,
}

/// How many drops of ours move each counter, in the order of [`CHECKED`].
#[derive(Clone, Debug, Default)]
pub struct Ours([u64; CHECKED.len()]);

impl Ours {
    /// Adds so many drops of a cause, which move this counter.
    pub fn add(&mut self, cause: Cause, snmp: Option<&str>, drops: u64) {
        self.advance(snmp, drops);
        // These move a second one (`tcp_listendrop`).
        if matches!(cause, Cause::PawsRecycle | Cause::AcceptQueueFull | Cause::SynQueueFull) {
            self.advance(Some("TcpExtListenDrops"), drops);
        }
    }

    fn advance(&mut self, counter: Option<&str>, drops: u64) {
        // No other is ever asked for.
        if let Some((ours, _)) = self.0.iter_mut().zip(CHECKED).find(|(_, name)| counter == Some(name)) {
            *ours += drops;
        }
    }

    /// Adds what was counted elsewhere, in another namespace.
    pub fn join(&mut self, other: &Self) {
        self.0.iter_mut().zip(other.0).for_each(|(ours, n)| *ours += n);
    }

    /// Compares with the movement of the kernel's counters; those where nothing moved on either side are left out.
    pub fn check(&self, moved: &Counters, view: &View) -> Vec<CounterCheck> {
        CHECKED
            .iter()
            .zip(self.0)
            .filter_map(|(name, ours)| {
                let kernel = moved.get(*name).copied().unwrap_or(0);
                (kernel > 0 || ours > 0).then(|| CounterCheck {
                    name: (*name).into(),
                    kernel,
                    ours,
                    remark: remark(name, kernel, ours, view),
                })
            })
            .collect()
    }
}

/// Causes that move a counter.
fn movers(name: &str) -> &'static [Cause] {
    match name {
        "TcpExtPAWSPassive" => &[Cause::PawsRecycle],
        "TcpExtPAWSTimewait" => &[Cause::PawsTimeWait],
        "TcpExtPAWSEstab" => &[Cause::PawsTimeWait, Cause::PawsSynRecv, Cause::PawsEstablished],
        "TcpExtTCPSYNChallenge" => &[Cause::PawsEstablished, Cause::SynOnEstablished],
        "TcpExtListenOverflows" => &[Cause::AcceptQueueFull],
        "TcpExtTCPReqQFullDrop" => &[Cause::SynQueueFull],
        "TcpExtListenDrops" => &[
            Cause::PawsRecycle,
            Cause::AcceptQueueFull,
            Cause::SynQueueFull,
            Cause::PeerNotProven,
            Cause::ListenOther,
        ],
        _ => &[],
    }
}

/// The counters that a cause moves, on one kernel or another.
pub fn moved_by(cause: Cause) -> Vec<&'static str> {
    CHECKED.into_iter().filter(|name| movers(name).contains(&cause)).collect()
}

/// What else moves it, without any SYN being dropped.
fn also_counts(name: &str) -> Option<&'static str> {
    match name {
        "TcpExtPAWSEstab" => Some("it counts data segments, too"),
        "TcpExtPAWSTimewait" => Some("it counts every late segment of a closed connection, too"),
        "TcpExtTCPSYNChallenge" => Some("it counts SYN/ACKs that came again, too"),
        "TcpExtListenOverflows" => Some("it counts final ACKs of handshakes that found no room, too"),
        "TcpExtListenDrops" => Some(
            "it counts final ACKs of handshakes that found no room, and SYNs to broadcast and multicast addresses, too",
        ),
        _ => None,
    }
}

fn remark(name: &str, kernel: u64, ours: u64, view: &View) -> Option<String> {
    let difference = kernel.abs_diff(ours);
    if difference == 0 {
        return None;
    }
    let mut why = Vec::new();
    if view.on_the_edge >= difference {
        why.push("as many were dropped while the counters were being read".to_owned());
    }
    if ours > kernel {
        if why.is_empty() {
            why.push("not explained: please report it".to_owned());
        }
        return Some(format!("{difference} more seen than counted: {}", why.join("; ")));
    }
    let unseen: Vec<_> = movers(name).iter().filter(|c| view.blind.contains(c)).map(|c| c.name()).collect();
    if !unseen.is_empty() {
        why.push(format!("this hook set does not see {}", unseen.join(", ")));
    }
    if view.lost {
        why.push("records were lost, or programs skipped".to_owned());
    }
    if view.filtered {
        why.push("the kernel counts SYNs that the filter leaves out, too".to_owned());
    }
    why.extend(also_counts(name).map(str::to_owned));
    if why.is_empty() {
        why.push("not explained: please report it".to_owned());
    }
    Some(format!("{difference} more counted than seen: {}", why.join("; ")))
}

#[cfg(test)]
mod tests;
