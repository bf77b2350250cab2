//! TCP stacks behind an address: what of a SYN tells two of them apart for certain.
//!
//! Only the order of the options and the class of the initial TTL do. MSS, window scale and left-out options are not used:
//! single hosts were seen to vary each of them.

use crate::model::reading::Stack;

/// Stacks that are told apart; further ones are one of them or none.
const MAX: usize = 8;

/// What is known of one stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::analysis) struct Kind {
    /// MSS, SACK permitted, timestamps and window scale in wire order, four bits each.
    order: u16,
    /// Initial TTL: 64, 128 or 255. Nobody starts at 32 any more, and 31 hops and 33 may be one host's.
    ttl: u8,
}

impl Kind {
    /// `None` where the SYN was not seen.
    pub(super) fn of(stack: &Stack) -> Option<Self> {
        let (options, ttl) = (stack.options?, stack.ttl?);
        let mut order = 0_u16;
        for kind in options.as_slice() {
            if matches!(kind, 2 | 3 | 4 | 8) && order < 0x1000 {
                order = order << 4 | u16::from(*kind);
            }
        }
        let ttl = match ttl {
            0..=64 => 64,
            65..=128 => 128,
            _ => 255,
        };
        Some(Self { order, ttl })
    }

    /// Whether no one stack makes both.
    pub(in crate::analysis) fn conflicts(self, other: Self) -> bool {
        self.ttl != other.ttl || !(within(self.order, other.order) || within(other.order, self.order))
    }

    /// macOS and iOS, which draw a new clock for every connection whatever its ports are.
    pub(super) fn apple(self) -> bool {
        self.order == 0x2384
    }
}

/// Whether the options of `short` stand in `long` in this order.
fn within(short: u16, long: u16) -> bool {
    let mut rest = short;
    let mut of = long;
    while rest != 0 && of != 0 {
        if rest & 15 == of & 15 {
            rest >>= 4;
        }
        of >>= 4;
    }
    rest == 0
}

/// One stack and when it was seen.
#[derive(Clone, Copy, Debug)]
struct Seen {
    kind: Kind,
    count: u32,
    first_ms: u32,
    last_ms: u32,
}

/// The stacks of an address.
#[derive(Clone, Debug, Default)]
pub(in crate::analysis) struct Stacks {
    seen: Vec<Seen>,
    last: Option<Kind>,
    /// How often a SYN's stack was in conflict with that of the one before.
    pub(in crate::analysis) turns: u32,
}

/// A stack that is not known.
pub(super) const UNKNOWN: u8 = u8::MAX;

impl Stacks {
    /// Takes a SYN into account; the number of its stack.
    pub(super) fn add(&mut self, kind: Option<Kind>, at_ms: u32) -> u8 {
        let Some(kind) = kind else { return UNKNOWN };
        if self.last.is_some_and(|last| last.conflicts(kind)) {
            self.turns = self.turns.saturating_add(1);
        }
        self.last = Some(kind);
        let known = self.seen.iter().position(|seen| seen.kind == kind);
        let index = match known {
            Some(index) => index,
            None if self.seen.len() < MAX => {
                self.seen.reserve_exact(1);
                self.seen.push(Seen { kind, count: 0, first_ms: at_ms, last_ms: at_ms });
                self.seen.len() - 1
            }
            None => return UNKNOWN,
        };
        let seen = &mut self.seen[index];
        seen.count = seen.count.saturating_add(1);
        seen.first_ms = seen.first_ms.min(at_ms);
        seen.last_ms = seen.last_ms.max(at_ms);
        index as u8
    }

    /// The stack with this number.
    pub(in crate::analysis) fn kind(&self, number: u8) -> Option<Kind> {
        self.seen.get(usize::from(number)).map(|seen| seen.kind)
    }

    /// Whether these numbers may be one stack; an unknown one may be any.
    pub(in crate::analysis) fn compatible(&self, a: u8, b: u8) -> bool {
        match (self.kind(a), self.kind(b)) {
            (Some(a), Some(b)) => !a.conflicts(b),
            _ => true,
        }
    }

    /// Stacks each of which conflicts with all others, seen at least this often, most frequent first, and alive at one time.
    pub(in crate::analysis) fn distinct(&self, least: u32) -> u32 {
        let mut often: Vec<&Seen> = self.seen.iter().filter(|seen| seen.count >= least).collect();
        often.sort_by_key(|seen| std::cmp::Reverse(seen.count));
        let mut distinct: Vec<&Seen> = Vec::new();
        for seen in often {
            let apart = distinct.iter().all(|other| other.kind.conflicts(seen.kind));
            let together =
                distinct.iter().all(|other| other.first_ms < seen.last_ms && seen.first_ms < other.last_ms);
            if apart && together {
                distinct.push(seen);
            }
        }
        distinct.len() as u32
    }

    /// Bytes on the heap.
    pub(super) fn heap(&self) -> usize {
        self.seen.capacity() * size_of::<Seen>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::OptionKinds;

    fn kind(options: &[u8], ttl: u8) -> Kind {
        let mut kinds = OptionKinds::default();
        for kind in options {
            kinds.push(*kind);
        }
        Kind::of(&Stack { ttl: Some(ttl), options: Some(kinds), ..Stack::default() }).unwrap()
    }

    const LINUX: [u8; 5] = [2, 4, 8, 1, 3];
    const APPLE: [u8; 8] = [2, 1, 3, 1, 1, 8, 4, 0];
    const WINDOWS: [u8; 6] = [2, 1, 3, 1, 1, 4];

    #[test]
    fn order_and_ttl_tell_stacks_apart() {
        assert!(kind(&LINUX, 57).conflicts(kind(&APPLE, 57)));
        assert!(kind(&LINUX, 57).conflicts(kind(&LINUX, 120)));
        // Without timestamps and window scale it may be the same host.
        assert!(!kind(&LINUX, 57).conflicts(kind(&[2, 1, 1, 4], 60)));
        assert!(!kind(&WINDOWS, 120).conflicts(kind(&[2, 1, 1, 4], 128)));
        assert!(kind(&APPLE, 60).apple() && !kind(&LINUX, 60).apple());
        assert_eq!(Kind::of(&Stack::default()), None);
    }

    #[test]
    fn any_options_fit() {
        let kind = kind(&[2; 40], 0);
        assert!(!kind.conflicts(kind));
        let mut stacks = Stacks::default();
        for n in 0..100_u8 {
            stacks.add(
                Kind::of(&Stack { ttl: Some(n), options: Some(OptionKinds::default()), ..Stack::default() }),
                0,
            );
        }
        assert!(stacks.heap() <= MAX * size_of::<Seen>());
    }
}
