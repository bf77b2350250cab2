//! A capture, pcap or pcapng, as a source of observations.
//!
//! Counts what becomes of its packets; what they mean is for `analysis`.

use super::{
    Broken, Opening, Reader,
    packets::{Format, Packet, Packets},
};
use crate::{
    analysis::{selection::Selection, wire::Wire},
    decode::frame::{self, NoSegment},
    model::{Nanos, Observation, report},
};

/// Link layers that are named; more are no capture that anyone makes.
const LINKS: usize = 16;

/// A capture that is being read.
#[derive(Debug)]
pub struct Capture {
    packets: Packets,
    wire: Wire,
    facts: report::Capture,
    /// Numbers of the link layers in `facts`.
    links: Vec<u16>,
}

impl Capture {
    /// Nothing read so far. `name` is what the user calls it.
    pub fn new(name: &str, selection: Selection) -> Self {
        Self {
            packets: Packets::default(),
            wire: Wire::new(selection),
            facts: report::Capture { name: name.to_owned(), ..report::Capture::default() },
            links: Vec::new(),
        }
    }
}

/// Counts a packet and looks into it.
fn one(
    facts: &mut report::Capture,
    links: &mut Vec<u16>,
    wire: &mut Wire,
    (format, packet): (&Format, &Packet<'_>),
    out: &mut Vec<Observation>,
) {
    facts.packets += 1;
    if let Some(time) = packet.time {
        facts.first.get_or_insert(time);
        facts.last = Some(time);
        wire.pass(time, out);
    }
    let Some(interface) = format.interfaces().get(packet.interface as usize) else {
        facts.unknown_link += 1;
        return;
    };
    if !links.contains(&interface.number) && links.len() < LINKS {
        links.push(interface.number);
        let name = interface.link.map(|link| link.name().to_owned());
        facts.links.push(name.unwrap_or_else(|| interface.number.to_string()));
    }
    let Some(link) = interface.link else {
        facts.unknown_link += 1;
        return;
    };
    match frame::segment(link, packet.bytes, packet.length) {
        Ok(segment) => {
            facts.segments += 1;
            if packet.time.is_some() {
                wire.segment(&segment, out);
            } else {
                facts.untimed += 1;
            }
        }
        Err(NoSegment::NotIp | NoSegment::NotTcp) => facts.not_tcp += 1,
        Err(NoSegment::Fragment) => facts.fragments += 1,
        Err(NoSegment::Cut) => facts.cut += 1,
        Err(NoSegment::Malformed) => facts.malformed += 1,
    }
}

impl Reader for Capture {
    fn take(&mut self, bytes: &[u8], out: &mut Vec<Observation>) -> Result<(), Broken> {
        let Self { packets, wire, facts, links } = self;
        packets.take(bytes, &mut |format, packet| one(facts, links, wire, (format, packet), out))
    }

    fn end(&mut self, out: &mut Vec<Observation>) -> Result<(), Broken> {
        self.wire.end(out);
        self.packets.end()
    }

    fn opening(&self) -> Option<Opening> {
        let format = self.packets.format.as_ref()?;
        let capture = report::Capture {
            format: format.name().into(),
            missed: format.missed(),
            wire: self.wire.counts(),
            ..self.facts.clone()
        };
        Some(Opening { capture: Some(capture), recorded: None })
    }

    fn span(&self) -> Option<(Nanos, Nanos)> {
        self.facts.first.zip(self.facts.last)
    }
}
