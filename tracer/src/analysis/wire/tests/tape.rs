//! A capture made by hand: who said what, and when.

use std::net::Ipv4Addr;

use super::*;
use crate::decode::frame::{self, Link};

pub(super) const ACK_SYN: u8 = SYN | ACK;
pub(super) const FIN_ACK: u8 = 0x11;

/// One end of a conversation.
#[derive(Clone, Copy, Debug)]
pub(super) struct End {
    pub(super) address: Ipv4Addr,
    pub(super) port: u16,
}

pub(super) const fn client(port: u16) -> End {
    End { address: Ipv4Addr::new(192, 0, 2, 1), port }
}

pub(super) const SERVER: End = End { address: Ipv4Addr::new(198, 51, 100, 7), port: 443 };

/// What a segment says.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Says {
    pub(super) flags: u8,
    pub(super) seq: u32,
    pub(super) ack: u32,
    pub(super) ts: Option<(u32, u32)>,
    pub(super) data: u16,
}

pub(super) fn syn(seq: u32, tsval: u32) -> Says {
    Says { flags: SYN, seq, ts: Some((tsval, 0)), ..Says::default() }
}

pub(super) fn plain_syn(seq: u32) -> Says {
    Says { flags: SYN, seq, ..Says::default() }
}

pub(super) fn syn_ack(seq: u32, ack: u32, echo: u32) -> Says {
    Says { flags: ACK_SYN, seq, ack, ts: Some((9000, echo)), ..Says::default() }
}

pub(super) fn ack(seq: u32, ack: u32, ts: (u32, u32)) -> Says {
    Says { flags: ACK, seq, ack, ts: Some(ts), ..Says::default() }
}

pub(super) fn fin(seq: u32, ack: u32, ts: (u32, u32)) -> Says {
    Says { flags: FIN_ACK, seq, ack, ts: Some(ts), ..Says::default() }
}

pub(super) fn rst(seq: u32, ack: u32, flags: u8) -> Says {
    Says { flags: RST | flags, seq, ack, ..Says::default() }
}

/// A capture being made.
pub(super) struct Tape {
    pub(super) wire: Wire,
    pub(super) out: Vec<Observation>,
}

pub(super) fn ms(at: i64) -> Nanos {
    Nanos(1_700_000_000_000_000_000 + at * 1_000_000)
}

impl Tape {
    pub(super) fn new() -> Self {
        Self { wire: Wire::new(Selection::default()), out: Vec::new() }
    }

    /// A capture in which both ways of this server were seen.
    pub(super) fn two_way() -> Self {
        let mut tape = Self::new();
        tape.opens(-10_000, client(1), 1, 1);
        tape
    }

    pub(super) fn say(&mut self, at: i64, from: End, to: End, says: Says) -> &mut Self {
        let options: Vec<u8> = says.ts.map_or_else(Vec::new, |(value, echo)| {
            [&[1, 1, 8, 10][..], &value.to_be_bytes(), &echo.to_be_bytes()].concat()
        });
        let header = u16::try_from(20 + options.len()).unwrap();
        let mut bytes = vec![0x45, 0, 0, 0, 0, 0, 0, 0, 63, 6, 0, 0];
        bytes[2..4].copy_from_slice(&(20 + header + says.data).to_be_bytes());
        bytes.extend(from.address.octets());
        bytes.extend(to.address.octets());
        bytes.extend([from.port, to.port].map(u16::to_be_bytes).concat());
        bytes.extend([says.seq, says.ack].map(u32::to_be_bytes).concat());
        bytes.extend([u8::try_from(header / 4).unwrap() << 4, says.flags, 0xfa, 0, 0, 0, 0, 0]);
        bytes.extend(options);
        let segment = frame::segment(Link::Ipv4, &bytes, 0).unwrap();
        self.wire.pass(ms(at), &mut self.out);
        self.wire.segment(&segment, &mut self.out);
        self
    }

    /// A handshake with the SYN at `at`.
    pub(super) fn opens(&mut self, at: i64, from: End, seq: u32, tsval: u32) -> &mut Self {
        self.say(at, from, SERVER, syn(seq, tsval));
        self.say(at, SERVER, from, syn_ack(5000, seq + 1, tsval));
        self.say(at, from, SERVER, ack(seq + 1, 5001, (tsval, 9000)))
    }

    /// The server closes first, the client after it with this TSval.
    pub(super) fn closes(&mut self, at: i64, from: End, seq: u32, tsval: u32) -> &mut Self {
        self.say(at, SERVER, from, fin(5001, seq + 1, (9001, tsval)));
        self.say(at, from, SERVER, fin(seq + 1, 5002, (tsval, 9001)));
        self.say(at, SERVER, from, ack(5002, seq + 2, (9002, tsval)))
    }

    /// Time goes on until so long after `at` that everything before it is decided.
    pub(super) fn later(&mut self, at: i64) -> &mut Self {
        self.wire.pass(ms(at + 3001), &mut self.out);
        self
    }

    pub(super) fn end(mut self) -> (Vec<Observation>, WireCounts) {
        self.wire.end(&mut self.out);
        (self.out, self.wire.counts())
    }

    pub(super) fn drops(self) -> Vec<Drop> {
        let (out, _) = self.end();
        out.into_iter()
            .filter_map(|o| if let Observation::Drop(drop) = o { Some(drop) } else { None })
            .collect()
    }

    /// The only one.
    pub(super) fn drop(self) -> Drop {
        let drops = self.drops();
        assert_eq!(drops.len(), 1, "{drops:?}");
        drops.into_iter().next().unwrap()
    }
}
