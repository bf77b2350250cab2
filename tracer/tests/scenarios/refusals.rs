//! The server's part: what it remembers of a port, and which SYNs it drops because of that. A table in which PAWS
//! (RFC 7323 section 5.3) would have let a SYN in is no scenario but an error.

use std::{collections::BTreeMap, sync::Arc};

use fastrand::Rng;
use tracer::{
    analysis::snmp::CHECKED,
    model::{Cause, Drop, Observation},
};

use super::{
    hosts::{Connection, Group, Which, moment},
    table::{ClockKind, Refused},
    words::stage_of,
};

/// What the server remembers of a port.
enum Memory {
    Nothing,
    Tsval(u32),
    /// Only hosts whose clocks are behind: it refuses nobody.
    Older,
}

/// The drops of one SYN, and how long after the first it gets in.
type Refusal = (Vec<Observation>, Option<f64>);

impl Group<'_> {
    /// What the server remembers when the first SYN of a connection comes.
    fn remembered(
        &self,
        connection: &Connection,
        refused: &Refused,
        names: &BTreeMap<&str, &Group<'_>>,
        rng: &mut Rng,
    ) -> Result<Memory, String> {
        let Some(tsval) = self.tsval(connection, connection.at) else { return Ok(Memory::Nothing) };
        let when = connection.at - refused.age_ms.unwrap_or(0) as f64 / 1000.0;
        let ahead = |recent: u32| recent.wrapping_sub(tsval).cast_signed() > 0;
        let recent = match (refused.remembers.as_deref(), refused.behind) {
            (Some("another"), _) => {
                let others = (1..self.hosts).map(|step| (connection.of.host + step) % self.hosts);
                let clocks = others.map(|host| self.line(Which { host, ..connection.of }, when));
                let Some(recent) = clocks.into_iter().find(|recent| ahead(*recent)) else {
                    return Ok(Memory::Older);
                };
                recent
            }
            (Some(name), _) => {
                let group = names.get(name).ok_or_else(|| format!("there is no host named {name:?}"))?;
                group.line(Which { source: 0, host: 0 }, when)
            }
            (None, Some(behind)) => tsval.wrapping_add(behind),
            (None, None) if refused.cause.0.is_paws() && self.host.clock != ClockKind::Line => {
                tsval.wrapping_add(rng.u32(1000..0x7fff_ffff))
            }
            (None, None) => return Ok(Memory::Nothing),
        };
        if refused.cause.0.is_paws() && !ahead(recent) {
            return Err(format!("PAWS would let a TSval of {tsval} in, where {recent} is remembered"));
        }
        Ok(Memory::Tsval(recent))
    }

    /// The drops of one connection's SYN, and when it gets in at last; `None`: it is not refused.
    pub(crate) fn refuse(
        &self,
        connection: &Connection,
        refused: &Refused,
        names: &BTreeMap<&str, &Group<'_>>,
        rng: &mut Rng,
    ) -> Result<Option<Refusal>, String> {
        let recent = match self.remembered(connection, refused, names, rng)? {
            Memory::Older => return Ok(None),
            Memory::Nothing => None,
            Memory::Tsval(recent) => Some(recent),
        };
        let cause = refused.cause.0;
        if cause.is_paws() && recent.is_none() && cause != Cause::PawsRecycle {
            return Err("PAWS needs a timestamp that is remembered: `remembers` or `behind`".into());
        }
        let snmp = match &refused.snmp {
            Some(name) => Some(
                *CHECKED
                    .iter()
                    .find(|known| *known == name)
                    .ok_or_else(|| format!("no drop moves {name:?}"))?,
            ),
            None => None,
        };
        let late = rng.f64() * self.host.jitter_ms / 1000.0;
        let mut drops = Vec::new();
        for after in std::iter::once(0.0).chain(refused.again.iter().copied()) {
            let at = connection.at + after;
            let drop = Drop {
                evidence: refused.evidence.0,
                time: moment(at + late),
                flow: self.flow(connection),
                netns: Some(self.host.netns),
                netns_name: None,
                ifname: None,
                stage: refused.stage.map_or(stage_of(cause), |stage| stage.0),
                cause,
                reason: refused.reason.as_deref().map(Arc::from),
                snmp: snmp.map(Into::into),
                syn: self.syn(connection, at),
                ts_recent: recent,
                ts_age_ms: refused.age_ms.map(|age| age + after as u64 * 1000),
                answer: refused.answer.map(|answer| answer.0),
                accept_queue: refused.accept_queue,
                syn_queue: refused.syn_queue,
                listener: None,
            };
            if cause.is_paws() && drop.regression().is_some_and(|ticks| ticks <= 0) {
                return Err(format!("{after} s later the clock has caught up: PAWS would let it in"));
            }
            drops.push(Observation::Drop(drop));
        }
        Ok(Some((drops, refused.gets_in)))
    }
}
