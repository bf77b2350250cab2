//! Sets our counts beside the movement of the kernel's own counters, and says why the two differ.

use std::collections::BTreeMap;

use crate::model::{Cause, Drop, report::CounterCheck};

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
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct View {
    /// A filter other than the namespace keeps SYNs from us that the kernel counts.
    pub filtered: bool,
    /// The listener stage is not visible.
    pub listener_blind: bool,
    /// Records were lost on the way.
    pub lost: bool,
    /// Namespaces that ended during the run, or could not be read.
    pub namespaces_gone: u64,
}

/// How many drops of ours move each counter.
#[derive(Clone, Debug, Default)]
pub struct Ours(BTreeMap<&'static str, u64>);

impl Ours {
    /// Adds a drop.
    pub fn add(&mut self, drop: &Drop) {
        if let Some(name) = drop.snmp {
            *self.0.entry(name).or_default() += 1;
        }
        // These move a second one (`tcp_listendrop`).
        if matches!(drop.cause, Cause::PawsRecycle | Cause::AcceptQueueFull | Cause::SynQueueFull) {
            *self.0.entry("TcpExtListenDrops").or_default() += 1;
        }
    }

    /// Compares with the movement of the kernel's counters; those where nothing moved on either side are left out.
    pub fn check(&self, moved: &Counters, view: View) -> Vec<CounterCheck> {
        CHECKED
            .iter()
            .filter_map(|name| {
                let kernel = moved.get(*name).copied();
                let ours = self.0.get(name).copied().unwrap_or(0);
                (kernel.unwrap_or(0) > 0 || ours > 0).then(|| {
                    let kernel = kernel.unwrap_or(0);
                    CounterCheck {
                        name: (*name).into(),
                        kernel,
                        ours,
                        remark: remark(name, kernel, ours, view),
                    }
                })
            })
            .collect()
    }
}

fn remark(name: &str, kernel: u64, ours: u64, view: View) -> Option<String> {
    let difference = kernel.abs_diff(ours);
    if difference == 0 {
        return None;
    }
    let mut why = Vec::new();
    if ours > kernel {
        if view.namespaces_gone > 0 {
            why.push("namespaces that ended took their counters along");
        } else {
            why.push("not explained: please report it");
        }
        return Some(format!("{difference} more seen than counted: {}", why.join("; ")));
    }
    let listener = matches!(name, "TcpExtListenOverflows" | "TcpExtTCPReqQFullDrop" | "TcpExtListenDrops");
    if listener && view.listener_blind {
        why.push("this hook set does not see the listener");
    }
    if view.filtered {
        why.push("the kernel counts SYNs that the filter leaves out, too");
    }
    match name {
        "TcpExtPAWSEstab" => why.push("it counts data segments, too"),
        "TcpExtPAWSTimewait" => why.push("it counts old segments other than SYNs, too"),
        "TcpExtListenOverflows" | "TcpExtListenDrops" if !view.listener_blind => {
            why.push("it counts final ACKs of handshakes that found no room, too");
        }
        _ => {}
    }
    if view.lost {
        why.push("records were lost, see below");
    }
    if why.is_empty() {
        why.push("not explained: please report it");
    }
    Some(format!("{difference} more counted than seen: {}", why.join("; ")))
}

#[cfg(test)]
mod tests;
