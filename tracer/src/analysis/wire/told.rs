//! A SYN that has waited long enough, as an observation. Packets do not show what only a kernel knows: that is unknown.

use super::{meaning::Meaning, queue::Waiting};
use crate::model::{
    Answer, Drop, Evidence,
    reading::{Accepted, Stack, Via},
};

impl Waiting {
    /// What it tells of its client, whatever became of it.
    pub(super) fn reading(&self) -> Accepted {
        Accepted {
            time: self.time,
            flow: self.flow,
            netns: None,
            seq: Some(self.syn.seq),
            tsval: self.syn.tsval,
            stack: Stack::from(&self.syn),
            via: Via::Syn,
            unreported: 0,
        }
    }

    /// It got no SYN/ACK, and this is what that is consistent with.
    pub(super) fn dropped(&self, told: &Meaning) -> Drop {
        let age = told.remembered.map(|(_, sent)| self.time.0.saturating_sub(sent.0).max(0).unsigned_abs());
        Drop {
            evidence: Evidence::Wire,
            time: self.time,
            flow: self.flow,
            netns: None,
            netns_name: None,
            ifname: None,
            stage: told.stage,
            cause: told.cause,
            reason: None,
            snmp: None,
            syn: self.syn,
            ts_recent: told.remembered.map(|(tsval, _)| tsval),
            ts_age_ms: age.map(|ns| ns / 1_000_000),
            answer: Some(self.answer.unwrap_or(Answer::None)),
            accept_queue: None,
            syn_queue: None,
            listener: None,
        }
    }
}
