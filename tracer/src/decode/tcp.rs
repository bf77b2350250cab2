//! The TCP header and its options (RFC 9293 section 3.1, RFC 7323). Hostile options are read as far as they make
//! sense, and marked.

use crate::model::Syn;

/// FIN, in byte 13.
pub const FIN: u8 = 0x01;
/// SYN, in byte 13.
pub const SYN: u8 = 0x02;
/// RST, in byte 13.
pub const RST: u8 = 0x04;
/// ACK, in byte 13.
pub const ACK: u8 = 0x10;

mod option {
    pub(super) const END: u8 = 0;
    pub(super) const NOP: u8 = 1;
    pub(super) const MSS: u8 = 2;
    pub(super) const WINDOW_SCALE: u8 = 3;
    pub(super) const TIMESTAMPS: u8 = 8;
}

/// Source port, destination port, and what the SYN carried.
pub fn syn(header: &[u8; 20], options: &[u8], ttl: u8) -> (u16, u16, Syn) {
    let word = |at: usize| u16::from_be_bytes([header[at], header[at + 1]]);
    let mut syn = Syn {
        seq: u32::from_be_bytes([header[4], header[5], header[6], header[7]]),
        window: word(14),
        ttl,
        ..Syn::default()
    };
    read_options(options, &mut syn);
    // A header that claims more options than the packet held, or is shorter than a header can be.
    let claimed = usize::from(header[12] >> 4) * 4;
    if claimed != header.len() + options.len() {
        syn.malformed = true;
    }
    (word(0), word(2), syn)
}

/// TSval and TSecr of any segment (RFC 7323 section 3.2).
pub fn timestamps(options: &[u8]) -> Option<(u32, u32)> {
    // Two NOPs, then the timestamps: what almost every segment of an open connection carries (RFC 7323 appendix A).
    if let [1, 1, option::TIMESTAMPS, 10, v0, v1, v2, v3, e0, e1, e2, e3, ..] = options {
        return Some((u32::from_be_bytes([*v0, *v1, *v2, *v3]), u32::from_be_bytes([*e0, *e1, *e2, *e3])));
    }
    if options.is_empty() {
        return None;
    }
    let mut read = Syn::default();
    read_options(options, &mut read);
    read.tsval.zip(read.tsecr)
}

fn read_options(mut rest: &[u8], syn: &mut Syn) {
    while let [kind, tail @ ..] = rest {
        syn.options.push(*kind);
        match *kind {
            option::END => return,
            option::NOP => {
                rest = tail;
                continue;
            }
            _ => {}
        }
        let Some(len) =
            tail.first().map(|len| usize::from(*len)).filter(|len| *len >= 2 && *len <= rest.len())
        else {
            syn.malformed = true;
            return;
        };
        let value = &rest[2..len];
        match (*kind, value) {
            (option::MSS, [a, b]) => syn.mss = Some(u16::from_be_bytes([*a, *b])),
            (option::WINDOW_SCALE, [shift]) => syn.wscale = Some(*shift),
            (option::TIMESTAMPS, [v0, v1, v2, v3, e0, e1, e2, e3]) => {
                syn.tsval = Some(u32::from_be_bytes([*v0, *v1, *v2, *v3]));
                syn.tsecr = Some(u32::from_be_bytes([*e0, *e1, *e2, *e3]));
            }
            (option::MSS | option::WINDOW_SCALE | option::TIMESTAMPS, _) => syn.malformed = true,
            _ => {}
        }
        rest = &rest[len..];
    }
}
